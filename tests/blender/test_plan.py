import numpy as np
import pytest

from bokehbench.blender import plan
from bokehbench.blender.catalogue import SCENES, parse_scene, parse_scenes
from bokehbench.blender.requests import scene_requests
from bokehbench.errors import ConfigError
from bokehbench.optics import SKY_DEPTH, PhysicalCamera


def request(**changes):
    values = {
        "scene": "s",
        "module": "m",
        "variation": 0,
        "blend": "",
        "width": 480,
        "height": 270,
        "levels": (0,),
        "foci": (0,),
        "spp": (4,) * 6,
    }
    return plan.StackRequest(**{**values, **changes})


def test_levels_are_the_papers_at_1920_and_scale_with_width():
    assert [plan.level_K(level, 1920) for level in range(5)] == [10, 20, 30, 40, 50]
    assert plan.level_K(4, 480) == 12.5


def test_focal_planes_of_a_scene_with_sky_are_those_of_the_authors_scene_277():
    # Its focus_distances as the author printed them: uniform in 1/z from the sky to the nearest point.
    printed = [65504, 124.3834, 62.2508, 41.5137, 31.1402, 24.9145, 20.7634, 17.798, 15.5738, 13.8437]
    depth = np.full((100, 100), 13.8437, np.float32)
    depth[:30] = SKY_DEPTH
    planes = plan.focus_plan(depth)
    np.testing.assert_allclose([planes.distance(f) for f in range(10)], printed, rtol=2e-4)
    np.testing.assert_allclose(planes.normalised, np.linspace(0, 1, 10), atol=1e-12)


def test_a_speck_before_the_lens_takes_no_focal_plane_but_the_map_still_spans_it():
    depth = np.linspace(2.0, 50.0, 100 * 100, dtype=np.float32).reshape(100, 100)
    depth[50, 50] = 0.3
    planes = plan.focus_plan(depth)
    assert planes.disparity_range[1] == pytest.approx(1 / 0.3)
    assert planes.distance(9) > 1.9
    assert planes.warnings


def test_flat_scenes_are_refused():
    with pytest.raises(ConfigError, match="flat"):
        plan.focus_plan(np.full((20, 20), 7.0, np.float32))


def test_quantile_planes_lie_where_something_is_and_linear_ones_say_that_they_do_not():
    # A thing at 1.07 to 1.27 m before the sky: most of the linear planes lie in empty space.
    depth = np.full((100, 100), SKY_DEPTH, np.float32)
    depth[20:90] = np.linspace(1.07, 1.27, 7000, dtype=np.float32).reshape(70, 100)
    linear, quantile = (plan.focus_plan(depth, mode) for mode in ("linear", "quantile"))
    assert any("quantile" in warning for warning in linear.warnings)
    on_it = [sum(p.distance(f) < 1.3 for f in range(10)) for p in (linear, quantile)]
    assert on_it[1] > on_it[0]
    for planes in (linear, quantile):
        assert all(np.diff(planes.normalised) > 0.0)
        assert planes.normalised[0] >= 0.0 and planes.normalised[-1] <= 1.0


def test_focal_planes_in_metres_are_taken_as_they_are():
    depth = np.linspace(2.0, 50.0, 100 * 100, dtype=np.float32).reshape(100, 100)
    mode = plan.parse_focus_mode("40, 8,2.5")
    planes = plan.focus_plan(depth, mode)
    assert [planes.distance(f) for f in range(plan.focus_count(mode))] == pytest.approx([40.0, 8.0, 2.5])
    with pytest.raises(ConfigError, match="2 m"):
        plan.focus_plan(depth, plan.parse_focus_mode("40,1.2"))
    assert plan.parse_foci("3", 3) == (0, 1, 2) and plan.parse_foci("1", 3) == (1,)


@pytest.mark.parametrize("text", ["2,8", "8,8", "0", "-3", "near", "", "nan,3", ",".join("98765432101")])
def test_focal_planes_must_come_nearer(text):
    with pytest.raises(ConfigError, match="--focus-mode"):
        plan.parse_focus_mode(text)


def test_every_code_for_sky_becomes_65504():
    z = np.array([1e10, np.inf, np.nan, 0.0, -1.0, 65504.0, 12.5], np.float32)
    np.testing.assert_array_equal(plan.clean_depth(z), np.float32([SKY_DEPTH] * 6 + [12.5]))


def test_f_numbers_give_back_K_and_blur_the_two_ends_by_K():
    camera, ends = PhysicalCamera(35.0, 36.0, 480), (1 / 65504, 1 / 1.3)
    for level in range(5):
        K = plan.level_K(level, 480)
        N = camera.f_number(K, ends)
        assert camera.K(N, ends) == pytest.approx(K)
        assert camera.blur_radius(np.array(1.3), 65504.0, N) == pytest.approx(K)


def test_images_are_ordered_by_level_and_seeds_differ_over_the_stack():
    stack = request(levels=(0, 4), foci=(0, 9))
    assert stack.images() == ["image", "bokeh_00_00", "bokeh_00_09", "bokeh_04_00", "bokeh_04_09"]
    seeds = {stack.sampling_seed(name, half) for name in stack.images() for half in (0, 1)}
    assert len(seeds) == 10
    assert seeds.isdisjoint(
        {request(seed=1).sampling_seed(name, h) for name in stack.images() for h in (0, 1)}
    )
    assert plan.StackRequest.from_json(stack.to_json()) == stack


@pytest.mark.parametrize(
    "text, foci", [("0,4,9", (0, 4, 9)), ("3", (0, 4, 9)), ("1", (4,)), ("10", tuple(range(10)))]
)
def test_foci_are_a_list_or_a_count(text, foci):
    assert plan.parse_foci(text) == foci


def test_levels_are_numbered_from_one():
    assert plan.parse_levels("5,1,1") == (0, 4)


@pytest.mark.parametrize(
    "call",
    [
        lambda: plan.parse_foci("0,10"),
        lambda: plan.parse_foci("11"),
        lambda: plan.parse_foci("far"),
        lambda: plan.parse_quality("clean"),
        lambda: plan.parse_quality("45,44"),
        lambda: plan.parse_levels("0"),
        lambda: plan.parse_levels(""),
        lambda: plan.parse_size("480"),
        lambda: request(width=8),
        lambda: request(spp=(1,) * 6),
        lambda: parse_scene("night_strete"),
        lambda: parse_scene("thicket#x"),
    ],
)
def test_bad_options_are_config_errors(call):
    with pytest.raises(ConfigError):
        call()


def test_scene_names_carry_a_variation_and_all_is_each_once():
    assert str(parse_scene("thicket#3")) == "thicket#3"
    assert str(parse_scene("thicket#0")) == "thicket"
    names = [str(name) for name in parse_scenes(["thicket", "all"])]
    assert names[0] == "thicket" and len(set(names)) == len(names)
    assert set(names) == {info.name for info in SCENES.values() if info.listed}


def test_quality_is_one_value_or_one_for_the_sharp_image_and_each_level():
    assert plan.parse_quality("45") == (45.0, ())
    assert plan.parse_quality("44,49,48,47,46,45") == (44.0, (49.0, 48.0, 47.0, 46.0, 45.0))
    (one,) = scene_requests(["thicket"], quality=45.0)
    assert {one.quality_of(name) for name in one.images()} == {45.0}
    (each,) = scene_requests(["thicket"], quality=44.0, level_quality=(49.0, 48.0, 47.0, 46.0, 45.0))
    assert each.quality_of("image") == 44.0
    assert [each.quality_of(f"bokeh_{level:02d}_00") for level in range(5)] == [49.0, 48.0, 47.0, 46.0, 45.0]
    for wrong in ((45.0,), (45.0, 44.0, 43.0, 42.0, 90.0)):
        with pytest.raises(ConfigError, match="--quality"):
            scene_requests(["thicket"], quality=44.0, level_quality=wrong)
