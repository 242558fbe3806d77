"""A sample is what its plan says: radius, focus, premultiplied layers, exact composite at K = 0."""

import numpy as np
import pytest

from bokehbench.optics import signed_defocus
from bokehbench.synth.config import bokehbench_v1, load_recipe
from bokehbench.synth.dataset import make_library
from bokehbench.synth.highlights import brighten
from bokehbench.synth.place import crop, fit, position
from bokehbench.synth.plan import Plan, draw_plan
from bokehbench.synth.plan_types import FramePlan
from bokehbench.synth.render import label_map
from bokehbench.synth.sample import make_sample
from bokehbench.synth.scene import compose

SIZE = (96, 72)
FRAME = FramePlan(size=SIZE, x=0, y=0)
FAST = ("quality=draft",)


@pytest.fixture(scope="module")
def world():
    recipe = load_recipe(bokehbench_v1(), size=SIZE, assignments=FAST)
    return recipe, make_library(recipe)


@pytest.fixture(scope="module")
def scenes(world):
    recipe, library = world
    plans = [draw_plan(recipe, library, 21, index) for index in range(12)]
    return [(plan, compose(plan, library)) for plan in plans]


def test_largest_visible_radius_is_the_one_planned(scenes):
    for plan, scene in scenes:
        defocus = np.abs(signed_defocus(scene.disparity, scene.lens))
        assert defocus.max() == pytest.approx(scene.radius, abs=1e-3)
        if scene.settings[0].facts["K_set_by"] == "radius":
            assert scene.radius == pytest.approx(plan.lens.value, rel=1e-5)
        else:
            assert scene.radius < plan.lens.value * (1.0 + 1e-9)


def test_focus_lies_where_the_rule_says(scenes):
    for plan, scene in scenes:
        labels = label_map(scene.layers, SIZE)
        layer = scene.facts["focus_layer"]
        if plan.focus.rule == "uniform":
            assert scene.lens.disp_focus == plan.focus.uniform
        elif layer is not None:
            values = scene.disparity[labels == layer]
            assert values.min() - 1e-6 <= scene.lens.disp_focus <= values.max() + 1e-6


def test_disparity_is_that_of_the_visible_plane(scenes):
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    for _, scene in scenes:
        labels = label_map(scene.layers, SIZE)
        for index, layer in enumerate(scene.layers):
            here = labels == index
            expected = layer.plane.disparity(x[here], y[here])
            np.testing.assert_allclose(scene.disparity[here], expected, atol=1e-6)
        assert scene.disparity.min() > 0.0 and scene.disparity.max() <= 1.0


def test_layers_are_valid_half_floats(scenes):
    for _, scene in scenes:
        for layer in scene.layers:
            assert np.isfinite(layer.rgba).all() and layer.rgba.min() >= 0.0
            assert layer.rgba[..., 3].max() <= 1.0
            np.testing.assert_array_equal(layer.rgba, layer.rgba.astype(np.float16))
        assert (scene.layers[-1].rgba[..., 3] == 1.0).all()


def test_all_in_focus_is_the_composite_in_linear_light(world, scenes):
    """Against layers pasted one over the other, far to near."""
    plan, scene = scenes[0]
    canvas = np.zeros((SIZE[1], SIZE[0], 3))
    for layer in reversed(scene.layers):
        part, x, y = crop(layer.rgba, layer.x, layer.y, SIZE, 0)
        h, w = part.shape[:2]
        window = canvas[y : y + h, x : x + w]
        window[:] = part[..., :3] + window * (1.0 - part[..., 3:4])
    sample = make_sample(plan, world[1])
    np.testing.assert_allclose(sample.all_in_focus, canvas ** (1 / 2.2), atol=2e-4)


def test_sharp_sample_is_its_own_bokeh(world):
    recipe = load_recipe(bokehbench_v1(), size=SIZE, assignments=("optics.sharp_p=1",))
    sample = make_sample(draw_plan(recipe, world[1], 2, 0), world[1])
    assert sample.scene.lens.K == 0.0
    np.testing.assert_array_equal(sample.all_in_focus, sample.renders[0].image)


def test_blur_keeps_the_light(world):
    """A far uniform brightness budget: mean linear light changes only by what crosses the frame."""
    recipe, library = world
    kept = []
    for index in range(6):
        sample = make_sample(draw_plan(recipe, library, 33, index), library)
        assert sample.coverage > 1.0 - 1e-3
        before, after = (
            float((image**2.2).mean()) for image in (sample.all_in_focus, sample.renders[0].image)
        )
        kept.append(after / before)
    assert np.median(kept) == pytest.approx(1.0, abs=0.2)


def test_a_sample_is_made_again_from_its_json(world):
    recipe, library = world
    plan = draw_plan(recipe, library, 4, 2)
    first, again = make_sample(plan, library), make_sample(Plan.from_json(plan.to_json()), library)
    np.testing.assert_array_equal(first.renders[0].image, again.renders[0].image)
    np.testing.assert_array_equal(first.scene.disparity, again.scene.disparity)


# ---------------------------------------------------------------------------------------------- placement


def cutout(h=90, w=60):
    y, x = np.mgrid[0:h, 0:w]
    alpha = (np.hypot((x - w / 2) / (w / 2), (y - h / 2) / (h / 2)) < 0.9).astype(np.float32)
    return np.stack([alpha * 0.5, alpha * 0.25, alpha * 0.1, alpha], axis=2)


@pytest.mark.parametrize("angle", [0.0, 12.0, -15.0, 90.0])
@pytest.mark.parametrize("area", [400.0, 5400.0, 12000.0])
def test_fit_scales_coverage_with_area(angle, area):
    rgba = cutout()
    fitted = fit(rgba, area, angle, False)
    expected = rgba[..., 3].sum() * area / (90 * 60)
    assert fitted[..., 3].sum() == pytest.approx(expected, rel=0.03)
    np.testing.assert_allclose(fitted[..., 0], fitted[..., 3] * 0.5, atol=1e-4)


def test_fit_mirrors():
    rgba = cutout()
    rgba[:, :30] *= 0.5
    np.testing.assert_allclose(fit(rgba, 5400, 0, True), fit(rgba, 5400, 0, False)[:, ::-1], atol=1e-4)


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_cut_sides_go_to_the_rim(world, side):
    recipe, library = world
    part = draw_plan(recipe, library, 1, 1).foregrounds[0].model_copy(update={"flip": False})
    alpha = np.ones((30, 40), np.float32)
    x, y = position(alpha, part, (side,), FRAME, SIZE)
    at_rim = {"left": x <= 0, "right": x + 40 >= SIZE[0], "top": y <= 0, "bottom": y + 30 >= SIZE[1]}
    assert at_rim[side]


def test_position_keeps_enough_of_the_subject_in_the_frame(world):
    recipe, library = world
    alpha = np.ones((30, 40), np.float32)
    for index in range(40):
        for part in draw_plan(recipe, library, 8, index).foregrounds:
            x, y = position(alpha, part, (), FRAME, SIZE)
            inside = crop(np.ones((30, 40, 4), np.float32), x, y, SIZE, 0)[0]
            assert inside.shape[0] * inside.shape[1] >= 0.4 * 1200


def test_lift_brightens_only_what_is_nearly_clipped(world):
    plan = draw_plan(*world, 1, 1).highlight.model_copy(update={"mode": "lift", "gain": 7.0})
    rgb = np.zeros((1, 5, 3), np.float32)
    rgb[0] = np.asarray([0.2, 0.6, 1.0, 25.0, 300.0])[:, None]
    lifted = brighten(rgb, None, plan, 2.2)[0, :, 0]
    assert lifted[:2] == pytest.approx([0.2, 0.6], rel=0.2)
    assert lifted[2] == pytest.approx(8.0)
    assert lifted[3] == pytest.approx(30.0) and lifted[4] == pytest.approx(300.0)
    np.testing.assert_array_equal(brighten(rgb, None, plan.model_copy(update={"mode": "none"}), 2.2), rgb)
