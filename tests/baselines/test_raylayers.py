"""Claims about the layered renderer: what it must keep, and what it must win."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bokehbench import rng
from bokehbench.baselines.raylayers import RayLayers, RayLayersOracle
from bokehbench.baselines.raylayers.mattes import soften
from bokehbench.baselines.raylayers.slices import slice_defocus, slice_index
from bokehbench.baselines.raylayers.surfaces import Surface, hidden_surface, ramp_width, snap_edges
from bokehbench.baselines.scatter.renderer import Scatter
from bokehbench.cases import Inputs
from bokehbench.errors import InputError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens, encode
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


def test_blocks_leave_no_seam(monkeypatch):
    inputs, _ = case(two_layers(), Lens(20.0, 0.3))
    whole = RayLayers().render(inputs)
    monkeypatch.setattr("bokehbench.baselines.raylayers.renderer.BLOCK", 64)
    np.testing.assert_allclose(RayLayers().render(inputs), whole, atol=1e-5)


def test_slices_are_thin_and_numbered_by_depth():
    defocus = np.linspace(-80.0, 80.0, 4001).astype(np.float32)
    index = slice_index(defocus)
    assert (np.diff(index) >= 0).all()
    centre = np.array([slice_defocus(int(i)) for i in index])
    assert (np.abs(centre - defocus) <= np.maximum(0.51, 0.042 * np.abs(defocus))).all()
    assert slice_index(np.float32([0.0]))[0] == 0


def test_a_smoothed_edge_becomes_sharp_and_a_slope_stays():
    edge = np.zeros((20, 40), np.float32)
    edge[:, 20:] = 10.0
    smoothed = gaussian_filter(edge, (0, 1.2))
    assert np.isin(np.round(snap_edges(smoothed), 0), [0.0, 10.0]).mean() > 0.97
    np.testing.assert_array_equal(snap_edges(edge), edge)
    slope = np.linspace(0.0, 12.0, 40, dtype=np.float32)[None].repeat(20, axis=0)
    np.testing.assert_array_equal(snap_edges(slope), slope)


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


def test_a_soft_rim_is_taken_apart_into_its_alpha_and_two_pure_colours():
    seen, hidden, alpha, near, far = anti_aliased_edge()
    soft, rim = soften(seen, hidden)
    is_near = seen.defocus > 0.0
    inside = (slice(4, -4), slice(4, -4))
    found = np.where(is_near, soft.alpha, rim.alpha)
    assert np.abs(found - alpha)[inside].max() < 0.06
    assert np.abs(soft.colour - np.where(is_near[..., None], near, far))[inside].max() < 0.06


def test_without_blur_the_parts_give_back_the_image():
    seen, hidden, *_ = anti_aliased_edge()
    soft, rim = soften(seen, hidden)
    is_near = (seen.defocus > 0.0)[..., None]
    behind = np.where(is_near, hidden.colour, soft.colour)
    share = np.where(is_near, soft.alpha[..., None], rim.alpha[..., None])
    front = np.where(is_near, soft.colour, rim.colour)
    np.testing.assert_allclose(share * front + (1.0 - share) * behind, seen.colour, atol=1e-5)


def test_the_oracle_asks_for_its_layers():
    inputs, _ = case(two_layers(), Lens(10.0, 0.5))
    blind = Inputs("night_street_3", inputs.image, inputs.disparity, inputs.lens)
    with pytest.raises(InputError, match="night_street_3: raylayers-oracle needs the true layers"):
        RayLayersOracle().render(blind)
