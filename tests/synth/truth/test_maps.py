"""Ground truth that follows from layers: visibility, soft disparity, masks, cut-outs, names."""

import numpy as np
import pytest

from bokehbench.errors import ConfigError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens, decode, encode
from bokehbench.synth.render import disparity_map, label_map, render_all_in_focus
from bokehbench.synth.truth import TRUTHS, compute
from bokehbench.synth.truth.cutouts import pyramid_fill, straight_rgba
from bokehbench.synth.truth.maps import focus_mask, frame, soft_disparity, subject, visibility
from bokehbench.synth.truth.named import Shot, View

SIZE = (40, 30)


def random_layer(seed, plane, x=0, y=0, size=(50, 44), opaque=False):
    rng = np.random.default_rng(seed)
    alpha = np.ones(size[::-1]) if opaque else np.clip(rng.normal(0.5, 0.6, size[::-1]), 0.0, 1.0)
    rgb = rng.uniform(0.0, 1.0, (*alpha.shape, 3)) * alpha[..., None]
    return Layer(np.concatenate([rgb, alpha[..., None]], 2).astype(np.float32), plane, x, y)


@pytest.fixture(scope="module")
def layers():
    return (
        random_layer(1, Plane(1e-3, -2e-3, 0.8), 12, 9, (20, 16)),
        random_layer(2, Plane(0.0, 2e-3, 0.4), -6, -5, (30, 50)),
        random_layer(3, Plane(1e-3, 0.0, 0.05), -5, -7, opaque=True),
    )


@pytest.fixture(scope="module")
def view(layers):
    lens = Lens(20.0, 0.4)
    sharp = encode(render_all_in_focus(layers, SIZE)[..., :3], 2.2).astype(np.float32)
    shots = (Shot("k0", lens, 1, sharp), Shot("k1", Lens(5.0, 0.79), None, sharp))
    return View(layers, SIZE, 2.2, disparity_map(layers, SIZE), shots, sharp)


def test_visibilities_are_the_weights_of_the_sharp_image(layers):
    shares = visibility(layers, SIZE)
    np.testing.assert_allclose(shares.sum(axis=0), 1.0, atol=1e-6)
    mixed = np.zeros((SIZE[1], SIZE[0], 3))
    for share, layer in zip(shares, layers, strict=True):
        rgba = frame(layer, SIZE)
        straight = rgba[..., :3] / np.maximum(rgba[..., 3:], 1e-12)
        mixed += share[..., None] * straight
    np.testing.assert_allclose(mixed, render_all_in_focus(layers, SIZE)[..., :3], atol=1e-5)


def test_soft_disparity_lies_between_the_planes_and_equals_the_hard_one_where_alpha_is_binary(layers):
    binary = tuple(
        Layer(
            np.concatenate([a.rgba[..., :3], (a.rgba[..., 3:] >= 0.5)], 2).astype(np.float32),
            a.plane,
            a.x,
            a.y,
        )
        for a in layers
    )
    hard = disparity_map(binary, SIZE)
    np.testing.assert_allclose(soft_disparity(binary, SIZE), hard, atol=1e-6)
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    planes = np.stack([layer.plane.disparity(x, y) for layer in layers])
    soft = soft_disparity(layers, SIZE)
    assert (soft >= planes.min(axis=0) - 1e-6).all() and (soft <= planes.max(axis=0) + 1e-6).all()
    assert np.abs(soft - disparity_map(layers, SIZE)).max() > 0.05


def test_focus_mask_is_the_band_of_disparities_within_one_pixel_of_blur():
    disparity = np.linspace(0.0, 1.0, 101, dtype=np.float32)[None]
    lens = Lens(K=18.0, disp_focus=0.5)
    assert focus_mask(disparity, lens).sum() == 11  # |d - 0.5| <= 1 / 18
    assert focus_mask(disparity, lens, 3.2).sum() == 35
    assert focus_mask(disparity, Lens(0.0, 0.5)).all()


def test_subject_without_a_focus_layer_is_the_nearest_in_disparity(view):
    assert subject(view.labels, view.disparity, Lens(1.0, 0.77), None) == 0
    assert subject(view.labels, view.disparity, Lens(1.0, 0.0), None) == 2
    assert subject(view.labels, view.disparity, Lens(1.0, 0.0), 1) == 1


def test_cut_outs_composite_to_the_sharp_image(layers):
    below = np.zeros((SIZE[1], SIZE[0], 3))
    for layer in reversed(layers):
        rgba = straight_rgba(frame(layer, SIZE), 2.2)
        alpha = rgba[..., 3:]
        below = alpha * decode(rgba[..., :3], 2.2) + (1.0 - alpha) * below
    # Alpha below 1/512 loses its own colour.
    np.testing.assert_allclose(below, render_all_in_focus(layers, SIZE)[..., :3], atol=1 / 512)


def test_colours_under_transparent_pixels_are_those_of_the_neighbours():
    rgba = np.zeros((33, 40, 4), np.float32)
    rgba[:, :12] = (0.5, 0.25, 0.0, 1.0)
    rgba[:, -12:] = (0.0, 0.0, 1.0, 1.0)
    filled = decode(straight_rgba(rgba, 2.2)[..., :3], 2.2)
    np.testing.assert_allclose(filled[:, 12:14], np.broadcast_to((0.5, 0.25, 0.0), (33, 2, 3)), atol=0.2)
    np.testing.assert_allclose(filled[:, 26:28], np.broadcast_to((0.0, 0.0, 1.0), (33, 2, 3)), atol=0.2)
    assert filled.sum(axis=2).min() > 0.7  # nowhere dark


def test_cut_outs_are_encoded_as_the_recipe_says():
    grey = np.full((2, 2, 4), 0.5, np.float32) * np.float32([0.2140411, 0.2140411, 0.2140411, 1.0])
    np.testing.assert_allclose(straight_rgba(grey, 2.2, "srgb")[..., :3], 0.5, atol=1e-5)
    np.testing.assert_allclose(straight_rgba(grey, 2.0)[..., :3], np.sqrt(0.2140411), atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (6, 5), (37, 64)])
def test_pyramid_fill_keeps_what_is_known_and_constants(shape):
    rng = np.random.default_rng(0)
    weight = (rng.random(shape) < 0.3).astype(np.float32)
    weight.flat[0] = 1.0
    colour = rng.random((*shape, 3)).astype(np.float32)
    filled = pyramid_fill(colour, weight)
    np.testing.assert_array_equal(filled[weight > 0], colour[weight > 0])
    np.testing.assert_allclose(pyramid_fill(np.full_like(colour, 0.3), weight), 0.3, atol=1e-6)
    assert not pyramid_fill(colour, np.zeros_like(weight)).any()


def test_every_name_makes_pictures_of_its_kind(view):
    shapes = {"image": (30, 40, 3), "rgba": (30, 40, 4), "disparity": (30, 40), "label": (30, 40)}
    names = [name for name in TRUTHS if name not in ("disp_pred", "lq")]
    found = compute(names, view)
    assert len({truth.name for truth in found}) == len(found)
    for truth in found:
        assert "." not in truth.name and "/" not in truth.name
        if truth.kind != "layer":
            assert truth.pixels.shape == shapes.get(truth.kind, (30, 40)), truth.name
            assert np.isfinite(truth.pixels).all()
    by_name = {truth.name: truth.pixels for truth in found}
    np.testing.assert_array_equal(by_name["label"], label_map(view.layers, SIZE))
    np.testing.assert_array_equal(by_name["subject_mask_k0"], by_name["visibility_1"])
    assert {"bokeh_k1", "defocus_k1", "focus_mask_k1", "bdist_2", "bdisp_0", "layer_2", "alpha_2"} <= set(
        by_name
    )


def test_what_a_sample_cannot_say_is_one_clear_line(view):
    with pytest.raises(ConfigError, match="unknown ground truth 'depth'; one of aif"):
        compute(["depth"], view)
    with pytest.raises(ConfigError, match="needs `corruption` in the recipe"):
        compute(["disp_pred"], view)
    with pytest.raises(ConfigError, match="needs `degrade` in the recipe"):
        compute(["lq"], view)
    with pytest.raises(ConfigError, match="needs a rendered sample"):
        compute(["aif"], View(view.layers, SIZE, 2.2, view.disparity))
