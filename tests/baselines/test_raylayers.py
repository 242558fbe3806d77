"""Claims about the layered renderer: what it must keep, and what it must win."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bokehbench import rng
from bokehbench.baselines.gather import Gather
from bokehbench.baselines.raylayers import RayLayers, RayLayersOracle
from bokehbench.baselines.raylayers.edges import across, jump_of, untouched
from bokehbench.baselines.raylayers.mattes import soften
from bokehbench.baselines.raylayers.slices import cut, slice_index
from bokehbench.baselines.raylayers.surfaces import Surface, hidden_surface, ramp_width, snap_edges
from bokehbench.baselines.raylayers.texture import LARGEST, STEP, excess, sharpened, weights
from bokehbench.baselines.scatter.renderer import Scatter
from bokehbench.baselines.vdslr import VDSLR
from bokehbench.cases import Inputs
from bokehbench.errors import InputError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Aperture, Lens, encode
from bokehbench.synth.render import disparity_map, render_all_in_focus, render_bokeh

SIZE = (128, 112)
PAD = 40


def texture(name, shape, sigma=1.5):
    noise = rng.stream(3, 0, name).standard_normal((*shape, 3))
    smooth = gaussian_filter(noise, (sigma, sigma, 0))
    return np.clip(0.4 + 0.25 * smooth / smooth.std(), 0.02, 1.0).astype(np.float32)


FAR = Plane(0, 0, 0.1)


def two_layers(far=FAR):
    rgba = np.ones((SIZE[1] + 2 * PAD, SIZE[0] + 2 * PAD, 4), np.float32)
    rgba[..., :3] = texture("far", rgba.shape[:2]) * [0.4, 0.7, 1.0]
    y, x = np.mgrid[0:70, 0:60]
    alpha = ((np.hypot(x - 30, y - 35) < 24) | (abs(x - 30) < 4)).astype(np.float32)
    near = np.concatenate(
        [texture("near", alpha.shape) * [1.0, 0.6, 0.3] * alpha[..., None], alpha[..., None]], 2
    )
    return [Layer(near.astype(np.float32), Plane(0, 0, 0.9), 35, 20), Layer(rgba, far, -PAD, -PAD)]


def case(layers, lens):
    image = encode(render_all_in_focus(layers, SIZE)[..., :3], lens.gamma).astype(np.float32)
    truth = encode(render_bokeh(layers, lens, SIZE, quality="final")[..., :3], lens.gamma)
    return Inputs("case", image, disparity_map(layers, SIZE), lens, layers=layers), truth


def psnr(a, b):
    return -10.0 * math.log10(np.mean((np.clip(a, 0, 1) - np.clip(b, 0, 1)) ** 2))


@pytest.mark.parametrize("focus", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("far", [FAR, Plane(0.0, 0.4 / SIZE[1], 0.1)])
def test_it_beats_scatter_at_occlusions_and_the_true_layers_beat_it(focus, far):
    inputs, truth = case(two_layers(far), Lens(20.0, focus))
    ours, scatter = (psnr(method.render(inputs), truth) for method in (RayLayers(), Scatter()))
    ceiling = psnr(RayLayersOracle().render(inputs), truth)
    # With the focus in the middle both sides of the edge blur alike, and scatter does little wrong.
    assert ours > scatter + (0.0 if focus == 0.5 else 2.0)
    assert ceiling > max(ours + 10.0, 50.0)


def test_a_flat_scene_is_rendered_as_the_tracer_would():
    far = two_layers()[1:]
    inputs, truth = case(far, Lens(20.0, 0.7))
    middle = (slice(16, -16), slice(16, -16))  # what lies outside the image is not known to the method
    assert psnr(RayLayers().render(inputs)[middle], truth[middle]) > 40.0


def test_slices_of_one_slope_show_no_seam():
    """A slanted plane of one colour stays that colour, whatever slices it is cut into."""
    disparity = np.linspace(0.0, 1.0, SIZE[0], dtype=np.float32)[None].repeat(SIZE[1], axis=0)
    image = np.full((*disparity.shape, 3), 0.6, np.float32)
    out = RayLayers().render(Inputs("slope", image, disparity, Lens(30.0, 0.4)))
    np.testing.assert_allclose(out, 0.6, atol=2e-3)


def test_one_colour_everywhere_stays_that_colour():
    inputs, _ = case(two_layers(), Lens(20.0, 0.5))
    image = np.full_like(inputs.image, 1.3)
    out = RayLayers().render(Inputs("one", image, inputs.disparity, inputs.lens))
    np.testing.assert_allclose(out, 1.3, rtol=2e-3)


def test_what_is_in_focus_in_front_stays_as_it_is():
    inputs, _ = case(two_layers(), Lens(20.0, 0.9))
    out = RayLayers().render(inputs)
    inside = np.zeros(inputs.disparity.shape, bool)
    inside[40:70, 55:75] = True  # well inside the near disc
    np.testing.assert_allclose(out[inside], inputs.image[inside], atol=1e-4)


def test_without_blur_it_returns_the_image():
    inputs, _ = case(two_layers(), Lens(0.0, 0.5))
    np.testing.assert_array_equal(RayLayers().render(inputs), inputs.image)


@pytest.mark.parametrize("focus", [0.1, 0.5, 0.9])
def test_the_image_is_its_limit_of_little_blur(focus):
    """A disc of variance r² / 4 changes the picture by what falls with r²."""
    inputs, _ = case(two_layers(), Lens(0.0, focus))
    change = []
    for K in (0.002, 0.01, 0.04):
        asked = Inputs("little", inputs.image, inputs.disparity, Lens(K, focus))
        change.append(float(np.abs(RayLayers().render(asked) - inputs.image).max()))
    assert change[0] < 1e-5
    assert change[1] < change[2] / 8.0 < 1e-3


def test_blocks_leave_no_seam(monkeypatch):
    inputs, _ = case(two_layers(), Lens(20.0, 0.3))
    whole = RayLayers().render(inputs)
    monkeypatch.setattr("bokehbench.baselines.raylayers.renderer.BLOCK", 64)
    np.testing.assert_allclose(RayLayers().render(inputs), whole, atol=1e-5)


def test_slices_are_thin_and_numbered_by_depth():
    defocus = np.linspace(-80.0, 80.0, 4001).astype(np.float32)
    index = slice_index(defocus)
    assert (np.diff(index) >= 0).all()
    surface = Surface.opaque(np.zeros((1, 4001, 3), np.float32), defocus[None])
    middle = cut([surface], overlap=0, jump=1.0).defocus
    centre = np.array([middle[int(i)] for i in index])
    assert (np.abs(centre - defocus) <= np.maximum(0.51, 0.042 * np.abs(defocus))).all()
    assert (np.abs(centre - defocus)[np.abs(defocus) < 3.5] <= 0.16).all()
    assert slice_index(np.float32([0.0]))[0] == 0


def test_a_smoothed_edge_becomes_sharp_and_a_slope_stays():
    edge = np.zeros((20, 40), np.float32)
    edge[:, 20:] = 10.0
    smoothed = gaussian_filter(edge, (0, 1.2))
    assert np.isin(np.round(snap_edges(smoothed), 0), [0.0, 10.0]).mean() > 0.97
    np.testing.assert_array_equal(snap_edges(edge), edge)
    slope = np.linspace(0.0, 12.0, 40, dtype=np.float32)[None].repeat(20, axis=0)
    np.testing.assert_array_equal(snap_edges(slope), slope)


def test_a_thin_thing_between_two_depths_keeps_its_own():
    """A sharp post of six pixels, between a leaf in front of it and a wall behind it."""
    disparity = np.full((60, 80), 0.2, np.float32)
    disparity[:, 42:] = 0.8
    disparity[:, 36:42] = 0.5
    image = np.where(disparity[..., None] == 0.5, np.float32(0.05), texture("leaf", disparity.shape) + 0.2)
    out = RayLayers().render(Inputs("post", image.astype(np.float32), disparity, Lens(12.0, 0.5)))
    np.testing.assert_allclose(out[20:40, 37], 0.05, atol=0.02)  # the leaf's blur covers the other side
    assert out[20:40, 30:36].min() > 0.2


@pytest.mark.parametrize("focus", [0.1, 0.9])
def test_a_soft_map_with_ringing_serves_nearly_as_well_as_the_exact_one(focus):
    """A near disc in front of a far plane, both bright; the map is blurred and sharpened again."""
    y, x = np.mgrid[0:120, 0:140]
    near = np.hypot(x - 70, y - 60) < 35
    exact = np.where(near, np.float32(0.9), np.float32(0.1))
    light = np.where(near[..., None], [0.8, 0.5, 0.3], [0.3, 0.5, 0.8]) + 0.1 * (
        texture("soft", near.shape) - 0.4
    )
    soft = gaussian_filter(exact, 1.5)
    soft = (soft + 0.8 * (soft - gaussian_filter(soft, 2.5))).astype(np.float32)
    assert soft.min() < 0.08
    assert soft.max() > 0.92
    assert ramp_width(20.0 * exact) == 1.0
    assert ramp_width(20.0 * soft) > 2.5
    image = light.astype(np.float32)
    expected, out = (
        RayLayers().render(Inputs("soft", image, disparity, Lens(20.0, focus))) for disparity in (exact, soft)
    )
    assert psnr(out, expected) > 35.0
    assert out.min() > image.min() - 0.02


def test_the_hidden_surface_reaches_as_far_as_the_lens_and_has_the_background_s_depth():
    defocus = np.zeros((40, 60), np.float32)
    defocus[:, 30:] = 8.0
    colour = np.zeros((40, 60, 3), np.float32)
    colour[:, :30] = [0.1, 0.5, 0.9]
    colour[:, 30:] = [0.9, 0.2, 0.1]
    hidden = hidden_surface(Surface.opaque(colour, defocus), extra=2.0)
    assert not hidden.there[:, :30].any()
    assert hidden.there[5:35, 30:39].all()
    assert not hidden.there[:, 42:].any()
    np.testing.assert_allclose(
        hidden.colour[hidden.there], np.broadcast_to([0.1, 0.5, 0.9], (hidden.there.sum(), 3)), atol=1e-5
    )
    assert (hidden.defocus[hidden.there] == 0.0).all()


def anti_aliased_edge():
    """A slanted edge of true alpha between two colours, and its hard defocus map."""
    y, x = np.mgrid[0:40, 0:60]
    alpha = np.clip((x - 0.4 * y - 20.0) / 2.0 + 0.5, 0.0, 1.0).astype(np.float32)
    near, far = np.float32([0.8, 0.2, 0.1]), np.float32([0.1, 0.3, 0.7])
    colour = alpha[..., None] * near + (1.0 - alpha[..., None]) * far
    seen = Surface.opaque(colour, np.where(alpha >= 0.5, np.float32(9.0), np.float32(0.0)))
    return seen, hidden_surface(seen, extra=4.0), alpha, near, far


def taken_apart(seen, hidden):
    return soften(seen, hidden, across(seen.defocus, jump_of(seen.defocus)))


def test_a_soft_rim_is_taken_apart_into_its_alpha_and_two_pure_colours():
    seen, hidden, alpha, near, far = anti_aliased_edge()
    rim, soft, _ = taken_apart(seen, hidden)
    is_near = seen.defocus > 0.0
    inside = (slice(4, -4), slice(4, -4))
    found = np.where(is_near, soft.alpha, rim.alpha)
    assert np.abs(found - alpha)[inside].max() < 0.06
    assert np.abs(soft.colour - np.where(is_near[..., None], near, far))[inside].max() < 0.06


def test_a_wire_thinner_than_two_pixels_has_its_own_colour():
    """No pixel is all wire, and a box of one pixel is what the image holds of it."""
    y, x = np.mgrid[0:160, 0:240] / 4.0
    wire = np.abs(x - 0.7 * y - 12.0) < 0.6 * math.hypot(1.0, 0.7)
    alpha = wire.reshape(40, 4, 60, 4).mean(axis=(1, 3)).astype(np.float32)
    near, far = np.float32([0.9, 0.7, 0.5]), np.float32([0.1, 0.2, 0.3])
    colour = alpha[..., None] * near + (1.0 - alpha[..., None]) * far
    seen = Surface.opaque(colour, np.where(alpha >= 0.5, np.float32(3.0), np.float32(0.0)))
    rim, soft, _ = taken_apart(seen, hidden_surface(seen, extra=4.0))
    on_wire = (seen.defocus > 0.0)[6:-6, 6:-6]
    found = np.where(seen.defocus > 0.0, soft.alpha, rim.alpha)
    assert np.abs(found - alpha)[6:-6, 6:-6].mean() < 0.01
    assert np.abs(soft.colour[6:-6, 6:-6][on_wire] - near).mean() < 0.06
    assert np.abs(soft.colour[6:-6, 6:-6][~on_wire] - far).max() < 0.05


def test_without_blur_the_parts_give_back_the_image():
    """Whatever colours are beside the edge, also such as no two colours explain."""
    seen, hidden, *_ = anti_aliased_edge()
    for colour in (seen.colour, texture("noise", seen.defocus.shape, sigma=0.3)):
        rim, soft, behind = taken_apart(Surface.opaque(colour, seen.defocus), hidden)
        result = behind.colour
        for part in (soft, rim):
            result = part.alpha[..., None] * part.colour + (1.0 - part.alpha[..., None]) * result
            assert part.colour.min() >= 0.0
        np.testing.assert_allclose(result, colour, atol=1e-5)


def test_no_circle_at_a_depth_edge_reaches_an_untouched_pixel():
    defocus = np.full((60, 80), -1.0, np.float32)
    defocus[20:30, 40:] = 6.0
    free = untouched(defocus, across(defocus, jump_of(defocus)))
    y, x = np.mgrid[:60, :80]
    inside = (y >= 20) & (y < 30) & (x >= 40)
    edge = np.hypot(np.maximum(np.maximum(20 - y, y - 29), 0), np.maximum(40 - x, 0))
    assert not free[inside & (x < 45)].any()
    assert not free[edge < 6.5].any() or not free[(edge < 6.5) & ~inside].any()
    assert free[edge > 10.0].all()


@pytest.mark.parametrize("aperture", [Aperture(), Aperture(blades=6), Aperture(shape="heart")])
def test_gathered_weights_spread_as_the_aperture_does(aperture):
    """Centre and variance of the weights are those of the opening times r, at every radius."""
    table = weights(aperture, 4.0).astype(np.float64)
    point = (2.0 * np.arange(400) + 1.0) / 400 - 1.0
    light = aperture.transmission(point, point[:, None])
    offset = np.arange(table.shape[1]) - table.shape[1] // 2
    for n in (1, 8, 20, 64):
        for axis, total in ((1, table[n].sum(1)), (0, table[n].sum(0))):
            profile, radius = light.sum(axis) / light.sum(), n * STEP
            assert total @ offset == pytest.approx(radius * (profile @ point), abs=0.02 * radius)
            assert total @ offset**2 == pytest.approx(radius**2 * (profile @ point**2), rel=0.02)


def test_sharpened_textures_undo_the_blur_of_the_look_up_and_keep_the_light():
    assert excess()[0] == 0.0
    assert excess()[round(LARGEST / STEP)] == pytest.approx(1.0 / 6.0, rel=0.05)
    light = 0.5 + np.zeros((41, 41, 3), np.float32)
    light[20, 20] = 1.0
    x = np.arange(-20, 21)[None].repeat(41, axis=0)
    for radius in (0.5, 1.0, 2.5):
        surface = sharpened(Surface.opaque(light, np.full(x.shape, radius, np.float32)), jump=1.0)
        rgba = np.dstack([surface.colour, np.ones(x.shape, np.float32)])
        seen = render_bokeh([Layer(rgba, Plane(0, 0, 1.0))], Lens(radius, 0.0), x.shape, quality="final")
        spot = seen[14:-14, 14:-14, 0] - 0.5
        assert spot.sum() == pytest.approx(0.5, rel=0.01)
        variance = (spot * x[14:-14, 14:-14] ** 2).sum() / spot.sum()
        assert variance == pytest.approx(radius**2 / 4.0, rel=0.05)


@pytest.mark.parametrize("focus", [0.1, 0.9])
def test_at_radii_of_a_pixel_or_two_it_beats_gather_scatter_and_vdslr(focus):
    """The truth is rendered at four times the size and averaged, as a sensor's pixels would."""

    def averaged(picture):
        return picture.reshape(SIZE[1] // 4, 4, SIZE[0] // 4, 4, -1).mean(axis=(1, 3))

    layers = two_layers()
    sharp, blurred = (render_bokeh(layers, Lens(K, focus), SIZE, quality="high") for K in (0.0, 8.0))
    image, truth = (encode(averaged(light)[..., :3], 2.2).astype(np.float32) for light in (sharp, blurred))
    disparity = np.ascontiguousarray(disparity_map(layers, SIZE)[2::4, 2::4])
    inputs = Inputs("small", image, disparity, Lens(2.0, focus))
    inner = (slice(3, -3), slice(3, -3))  # what lies outside the image is not known to any of them
    methods = (RayLayers(), Gather(), Scatter(), VDSLR())
    ours, *others = (psnr(m.render(inputs)[inner], truth[inner]) for m in methods)
    assert ours > max(others) + 1.0


def test_the_oracle_asks_for_its_layers():
    inputs, _ = case(two_layers(), Lens(10.0, 0.5))
    blind = Inputs("night_street_3", inputs.image, inputs.disparity, inputs.lens)
    with pytest.raises(InputError, match="night_street_3: raylayers-oracle needs the true layers"):
        RayLayersOracle().render(blind)
