"""What is refused, how far layers must reach, and the exact maps."""

import numpy as np
import pytest

from bokehbench.errors import InputError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens
from bokehbench.synth.render import disparity_map, label_map, margin, render_bokeh, validate

SIZE = (60, 40)


FAR = Plane(0, 0, 0.1)


def background(pad, plane=FAR):
    rgba = np.ones((SIZE[1] + 2 * pad, SIZE[0] + 2 * pad, 4), np.float32)
    return Layer(rgba, plane, -pad, -pad)


def square(plane, x=20, y=10, side=15):
    return Layer(np.ones((side, side, 4), np.float32), plane, x, y)


def test_a_sound_scene_passes_and_its_margin_suffices():
    lens = Lens(20.0, 0.6)
    pad = margin((0.1, 0.9), lens)
    layers = [square(Plane(0, 0, 0.9)), background(pad)]
    validate(layers, lens, SIZE)
    assert render_bokeh(layers, lens, SIZE)[..., 3].min() > 1.0 - 1e-5


def test_the_margin_is_no_luxury():
    lens = Lens(20.0, 0.6)
    pad = margin((0.1, 0.1), lens)
    with pytest.raises(InputError, match="margin"):
        validate([background(pad - 1)], lens, SIZE)
    assert render_bokeh([background(6)], lens, SIZE)[..., 3].min() < 0.99


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "there are none"),
        ([square(Plane(0, 0, 0.05)), background(30)], "near to far"),
        ([square(Plane(0.1, 0, 0.5)), background(30)], "tilt it less"),
        ([background(30, Plane(0.01, 0, 0.05)), background(30)], "near to far"),
        ([Layer(np.full((100, 120, 4), 0.5, np.float32), Plane(0, 0, 0.1), -30, -30)], "opaque"),
    ],
)
def test_what_cannot_be_rendered_exactly_is_refused(layers, message):
    with pytest.raises(InputError, match=message):
        validate(layers, Lens(20.0, 0.6), SIZE)


def test_layers_may_cross_where_no_ray_meets_both():
    crossing = Plane(-0.012, 0, 0.5)  # below 0.1 beyond x = 33
    validate([square(crossing, x=0, side=15), background(40)], Lens(20.0, 0.5), SIZE)
    with pytest.raises(InputError):
        validate([square(crossing, x=25, side=15), background(40)], Lens(20.0, 0.5), SIZE)


def test_maps_take_the_nearest_layer_that_is_half_opaque():
    soft = square(Plane(0.001, 0.002, 0.7))
    soft.rgba[:, :5] = 0.49
    layers = [soft, background(4)]
    labels, disparity = label_map(layers, SIZE), disparity_map(layers, SIZE)
    assert labels[12, 24] == 1
    assert labels[12, 25] == 0
    assert disparity[12, 24] == np.float32(0.1)
    assert disparity[12, 30] == np.float32(0.7 + 0.001 * 30 + 0.002 * 12)
    assert disparity.dtype == np.float32
    assert disparity.shape == labels.shape == (40, 60)
