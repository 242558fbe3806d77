"""Crops and flips: the rendered part of a scene is the part of the rendered scene."""

import math

import numpy as np
import pytest

from bokehbench.apertures import OUTLINES, Aperture
from bokehbench.errors import ConfigError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens
from bokehbench.synth.render import disparity_map, render_bokeh
from bokehbench.synth.training.window import Augment, Window, flipped_aperture

SIZE = (56, 44)
FLIPS = [(False, False), (True, False), (False, True), (True, True)]
PICTURE = np.zeros((20, 24), np.float32)
PICTURE[3:12, 4:9], PICTURE[15:19, 2:22], PICTURE[5, 20] = 1.0, 0.6, 0.3
APERTURES = [
    Aperture(),
    Aperture(blades=5, rotation=0.3),
    Aperture(blades=6, curvature=0.4, rotation=1.1, inner=0.2),
    *(Aperture(shape=name, rotation=0.7) for name in OUTLINES),
    Aperture.from_image(PICTURE, rotation=0.4),
]


@pytest.fixture(scope="module")
def layers():
    rng = np.random.default_rng(2)
    near = np.zeros((18, 22, 4), np.float32)
    near[3:15, 4:17] = rng.uniform(0.2, 1.0, (12, 13, 1))
    far = np.ones((80, 92, 4), np.float32)
    far[..., :3] = rng.uniform(0.0, 1.0, (80, 92, 3))
    far[20, 30, :3] = far[50, 70, :3] = 40.0
    return Layer(near, Plane(2e-3, -1e-3, 0.7), 20, 12), Layer(far, Plane(-5e-4, 1e-3, 0.15), -18, -18)


@pytest.mark.parametrize("aperture", APERTURES, ids=lambda a: a.shape[:6] or f"{a.blades} blades")
@pytest.mark.parametrize(("mirrored", "upside_down"), FLIPS)
def test_a_flipped_opening_lets_through_what_the_opening_did(aperture, mirrored, upside_down):
    s, t = np.meshgrid(np.linspace(-0.99, 0.99, 60), np.linspace(-0.98, 0.98, 61))
    flipped = flipped_aperture(aperture, mirrored, upside_down)
    expected = aperture.transmission(-s if mirrored else s, -t if upside_down else t)
    assert np.mean(np.abs(flipped.transmission(s, t) - expected) > 1e-6) < 1e-3  # ties on the rim


def test_flipping_twice_is_nothing():
    for aperture in APERTURES:
        for flips in FLIPS:
            twice = flipped_aperture(flipped_aperture(aperture, *flips), *flips)
            assert math.isclose(math.cos(twice.rotation - aperture.rotation), 1.0, abs_tol=1e-9)
            assert twice.shape == aperture.shape or twice.shape.startswith("png:")


@pytest.mark.parametrize(("mirrored", "upside_down"), FLIPS)
def test_rendering_commutes_with_the_window(layers, mirrored, upside_down):
    lens = Lens(20.0, 0.4, aperture=Aperture(blades=5, rotation=0.3))
    window = Window(10, 6, 30, 24, SIZE, mirrored, upside_down)
    whole = render_bokeh(layers, lens, SIZE, quality="final")
    part = render_bokeh(window.layers(layers), window.lens(lens), window.size, quality="final")
    found, expected = disparity_map(window.layers(layers), window.size), disparity_map(layers, SIZE)
    np.testing.assert_allclose(found, window.cut(expected), atol=1e-6)
    # Lens cells lie on another grid after a flip, tiles after a crop: equal up to sampling.
    difference = np.abs(part - window.cut(whole))
    assert difference.mean() < 0.01 * np.abs(whole).mean()
    unturned = render_bokeh(window.layers(layers), lens, window.size, quality="final")
    if mirrored:  # the pentagon's mirror image is another opening, and it shows
        assert np.abs(unturned - window.cut(whole)).mean() > 5 * difference.mean()


def test_windows_repeat_and_cover_the_image():
    augment = Augment(crop=(20, 16), flip=0.5, flip_vertical=0.25)
    windows = [augment.window(SIZE, 3, index, epoch) for index in range(200) for epoch in range(4)]
    assert windows == [augment.window(SIZE, 3, index, epoch) for index in range(200) for epoch in range(4)]
    assert len(set(windows)) > 500
    assert {window.x for window in windows} == set(range(37)) and {window.y for window in windows} == set(
        range(29)
    )
    assert 330 < sum(window.mirrored for window in windows) < 470
    assert 150 < sum(window.upside_down for window in windows) < 250


def test_no_augmentation_is_the_whole_image():
    window = Augment().window(SIZE, 0, 5)
    assert window == Window(0, 0, *SIZE, full=SIZE)
    image = np.arange(56 * 44 * 3).reshape(44, 56, 3)
    np.testing.assert_array_equal(window.cut(image), image)


def test_what_cannot_be_cut_is_one_clear_line():
    with pytest.raises(ConfigError, match="crop 64x64 does not fit an image of 56x44"):
        Augment(crop=(64, 64)).window(SIZE, 0, 0)
    with pytest.raises(ConfigError, match="flip is a probability"):
        Augment(flip=1.5)
    with pytest.raises(ConfigError, match="at least 1x1"):
        Augment(crop=(0, 4))
