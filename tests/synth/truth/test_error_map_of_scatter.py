"""The error map covers what a scattering renderer really gets wrong, and nothing else."""

import numpy as np
import pytest

from bokehbench.baselines.scatter.renderer import Scatter
from bokehbench.cases import Inputs
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens, encode
from bokehbench.synth.render import disparity_map, label_map, render_all_in_focus, render_bokeh
from bokehbench.synth.truth import boundary_maps, error_map

SIZE = (96, 96)
MARGIN = 40
FAR, NEAR, K = 0.2, 0.8, 20.0


@pytest.fixture(scope="module")
def layers():
    y, x = np.mgrid[-MARGIN : SIZE[1] + MARGIN, -MARGIN : SIZE[0] + MARGIN].astype(np.float32)
    far = np.ones((*x.shape, 4), np.float32)
    far[..., :3] = (0.35 + 0.25 * np.sin(x / 3) * np.cos(y / 4))[..., None]
    v, u = np.mgrid[0:48, 0:48]
    disc = ((u - 23.5) ** 2 + (v - 23.5) ** 2 < 22**2).astype(np.float32)
    light = disc * (0.8 + 0.15 * np.sin(u / 2))
    near = np.stack([light, light, light, disc], axis=2).astype(np.float32)
    return Layer(near, Plane(0, 0, NEAR), 24, 24), Layer(far, Plane(0, 0, FAR), -MARGIN, -MARGIN)


@pytest.mark.parametrize("focus", [FAR, NEAR])
def test_scattering_errs_where_the_map_says(layers, focus):
    lens = Lens(K, focus)
    disparity = disparity_map(layers, SIZE)
    found = error_map(disparity, *boundary_maps(label_map(layers, SIZE), disparity, 2), K, focus)
    sharp = encode(render_all_in_focus(layers, SIZE)[..., :3], lens.gamma).astype(np.float32)
    truth = encode(render_bokeh(layers, lens, SIZE, quality="final")[..., :3], lens.gamma)
    error = np.abs(Scatter().render(Inputs("disc", sharp, disparity, lens)) - truth).mean(axis=2)
    # Scattering also lacks what lies outside the image, which is not what the map is about.
    inside = np.zeros(SIZE[::-1], bool)
    inside[14:-14, 14:-14] = True
    wrong, right = inside & (found > 0.0), inside & (found == 0.0)
    assert error[wrong].sum() > 0.99 * error[inside].sum()
    assert error[inside & (found > 0.5)].mean() > 100 * error[right].mean()
    assert np.quantile(error[right], 0.99) < 1.0 / 255.0
