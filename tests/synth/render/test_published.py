"""The published samplers have their documented faults, the tracer of this project has none of them."""

import numpy as np
import pytest

from bokehbench.errors import ConfigError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens
from bokehbench.synth.render import render_all_in_focus, render_bokeh
from bokehbench.synth.render.published import lens_grid, render_published

KERNELS = ("mpib", "bokehdiff")


def wall(size, disparity=0.2, value=0.5):
    """An opaque plane of one grey that just fills the image."""
    return Layer(
        np.full((size[1], size[0], 4), (value, value, value, 1.0), np.float32), Plane(0, 0, disparity)
    )


def textured(size, disparity=0.2, margin=0, seed=1):
    """Smooth noise on an opaque plane, with a margin around the image."""
    rng = np.random.default_rng(seed)
    h, w = size[1] + 2 * margin, size[0] + 2 * margin
    y, x = np.mgrid[-margin : size[1] + margin, -margin : size[0] + margin]
    rgb = 0.5 + 0.4 * np.stack([np.sin(x / a + y / b) for a, b in rng.uniform(2, 6, (3, 2))], axis=2)
    rgba = np.concatenate([rgb, np.ones((h, w, 1))], axis=2).astype(np.float32)
    return Layer(rgba, Plane(0.0, 0.0, disparity), -margin, -margin)


@pytest.mark.parametrize("kernel", KERNELS)
def test_far_from_borders_the_kernels_agree_with_the_tracer(kernel):
    size, lens = (64, 64), Lens(12.0, 0.6)
    layers = [textured(size, 0.2)]
    ours = render_bokeh(layers, lens, size, quality="final")[20:44, 20:44, :3]
    theirs = render_published(layers, lens, size, kernel=kernel, samples=41)[20:44, 20:44, :3]
    assert np.abs(ours - theirs).max() < 2e-3


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_tilted_plane_is_the_same_plane_in_all_three(kernel):
    size, lens = (64, 64), Lens(10.0, 0.7)
    layer = textured(size, 0.2)
    layer = Layer(layer.rgba, Plane(0.002, -0.001, 0.25))
    ours = render_bokeh([layer], lens, size, quality="final")[20:44, 20:44, :3]
    theirs = render_published([layer], lens, size, kernel=kernel, samples=41)[20:44, 20:44, :3]
    assert np.abs(ours - theirs).max() < 4e-3


@pytest.mark.parametrize("kernel", KERNELS)
def test_mirror_images_differ_where_ours_do_not(kernel):
    """One more pixel is accepted on the right than on the left."""
    size, lens = (48, 40), Lens(8.0, 0.9)
    layer = textured(size)
    flipped = Layer(np.ascontiguousarray(layer.rgba[:, ::-1]), layer.plane)

    def asymmetry(render):
        return np.abs(render(layer) - render(flipped)[:, ::-1]).max()

    published = asymmetry(lambda x: render_published([x], lens, size, kernel=kernel, samples=21)[..., :3])
    assert published > 5e-3
    covered = textured(size, margin=16)
    mirrored = Layer(np.ascontiguousarray(covered.rgba[:, ::-1]), covered.plane, -16, -16)
    a, b = (render_bokeh([x], lens, size, quality="high")[..., :3] for x in (covered, mirrored))
    assert np.abs(a - b[:, ::-1]).max() < 1e-5


def test_mpib_moves_content_at_k_zero():
    """By 1e-5 x / Z pixels towards the origin: 0.0102 at x = 1023 where Z = 1."""
    size = (1024, 2)
    ramp = np.ones((2, 1024, 4), np.float32)
    ramp[..., :3] = (np.arange(1024) / 1024.0)[None, :, None]
    layer, lens = Layer(ramp, Plane(0.0, 0.0, 1.0)), Lens(0.0, 0.5)
    drift = {}
    for kernel in KERNELS:
        image = render_published([layer], lens, size, kernel=kernel, samples=5)
        drift[kernel] = float((ramp[0, 1000, 0] - image[0, 1000, 0]) * 1024)
    assert drift["mpib"] == pytest.approx(0.01, rel=0.05)
    assert abs(drift["bokehdiff"]) < 1e-3
    sharp = render_all_in_focus([layer], size)
    assert abs(float(ramp[0, 1000, 0] - sharp[0, 1000, 0])) * 1024 < 1e-3


@pytest.mark.parametrize("kernel", KERNELS)
def test_borders_are_biased_inwards(kernel):
    """A ramp at the border: rays that leave are dropped, so the left edge becomes too bright."""
    size, lens = (64, 16), Lens(20.0, 0.7)
    ramp = np.ones((16 + 40, 64 + 40, 4), np.float32)
    ramp[..., :3] = ((np.arange(104) - 20) / 100.0 + 0.3)[None, :, None]
    whole = Layer(ramp, Plane(0.0, 0.0, 0.2), -20, -20)
    true = render_bokeh([whole], lens, size, quality="high")[8, 0, 0]
    cut = Layer(np.ascontiguousarray(ramp[20:-20, 20:-20]), whole.plane)
    published = render_published([cut], lens, size, kernel=kernel, samples=31)[8, 0, 0]
    assert true == pytest.approx(0.3, abs=2e-3)
    assert published - true > 0.03


def test_thin_wisps_vanish_and_nearly_opaque_ones_end_the_ray():
    size, lens = (16, 16), Lens(0.0, 0.5)
    behind = wall(size, 0.2, 1.0)
    for alpha, expected in ((0.009, 1.0), (0.995, 0.0)):
        veil = np.zeros((16, 16, 4), np.float32)
        veil[..., 3] = alpha
        layers = [Layer(veil, Plane(0.0, 0.0, 0.8)), behind]
        published = render_published(layers, lens, size, kernel="bokehdiff", samples=3)[8, 8, 0]
        assert published == pytest.approx(expected, abs=1e-6)
        assert render_all_in_focus(layers, size)[8, 8, 0] == pytest.approx(1.0 - alpha, abs=1e-5)


def test_without_background_the_kernels_disagree():
    """MPIB divides coverage away (0 / 0 where nothing is hit), BokehDiff shows a black hole."""
    size, lens = (16, 16), Lens(0.0, 0.5)
    half = np.zeros((16, 16, 4), np.float32)
    half[:, :8] = 0.5
    layers = [Layer(half, Plane(0.0, 0.0, 0.5))]
    mpib, bokehdiff = (render_published(layers, lens, size, kernel=k, samples=3) for k in KERNELS)
    assert mpib[8, 2, 0] == pytest.approx(1.0, abs=1e-3) and np.isnan(mpib[8, 12, 0])
    assert bokehdiff[8, 2, 0] == pytest.approx(1.0, abs=1e-3) and bokehdiff[8, 12, 0] == 0.0


def test_grid_is_the_square_one():
    assert len(lens_grid(5)) == 13 and len(lens_grid(51)) == 1957
    assert (np.hypot(*lens_grid(5).T) == 1.0).sum() == 4


def test_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="at least 3"):
        render_published([wall((8, 8))], Lens(1.0, 0.5), (8, 8), kernel="mpib", samples=2)
    with pytest.raises(ConfigError, match="first pixel"):
        render_published([wall((8, 8), -0.1)], Lens(1.0, 0.5), (8, 8), kernel="mpib", samples=5)
