"""What is seen in a mirror or through glass lies elsewhere; the depth map is that of the surface."""

import math

import numpy as np
import pytest

from bokehbench.blender.driver import render_scenes
from bokehbench.blender.plan import SKY_FROM, focus_plan
from bokehbench.images import read_exr
from bokehbench.records import read_json

SIZE = (64, 36)


@pytest.fixture(scope="module")
def stacks(tmp_path_factory):
    pytest.importorskip("bpy")
    out = tmp_path_factory.mktemp("stacks")
    names = ["glass_table", "mirror_hall", "mirror_hall#5"]
    render_scenes(names, out, size=SIZE, levels=(0,), foci=(0,), spp=2)
    return {
        name: (read_exr(out / name / "depth.exr")["R"], read_json(out / name / "info.json")) for name in names
    }


@pytest.mark.parametrize("name", ["glass_table", "mirror_hall"])
def test_the_scene_says_whose_depth_it_gives_and_fills_its_focal_planes(stacks, name):
    depth, info = stacks[name]
    assert info["scene"]["depth"] == "first surface"
    assert 1.15 < depth.min() < 2.0
    plan = focus_plan(depth)
    low, high = plan.disparity_range
    normalised = (1 / depth - low) / (high - low)
    shares = [np.mean(np.abs(normalised - plane) <= 0.5 / 9) for plane in plan.normalised]
    assert sum(share > 0.005 for share in shares) >= 6
    assert 0.1 <= np.median(normalised) <= 0.5


@pytest.mark.parametrize("name", ["mirror_hall", "mirror_hall#5"])
def test_the_left_of_the_hall_is_as_far_as_its_wall_though_mirrors_show_the_windows(stacks, name):
    depth, _ = stacks[name]
    # The camera stands 3.55 m from the left wall and looks 19 degrees to its left, each within a little.
    half = math.atan(18.0 / 40.0)
    slant = math.radians(19.0) + half
    wall = 3.55 / math.sin(slant) * math.cos(half)
    edge = depth[: 2 * SIZE[1] // 3, 0]
    assert edge.max() < 1.12 * wall
    # The windows stand 5.15 m across the hall: by way of the mirror they are more than twice as far.
    assert (depth > SKY_FROM).any(), "the garden door shows sky"


def test_variations_are_other_pictures_of_the_same_kind(stacks):
    (a, one), (b, two) = stacks["mirror_hall"], stacks["mirror_hall#5"]
    assert one["scene"]["hour"] != two["scene"]["hour"]
    assert np.mean(np.abs(1 / a - 1 / b) > 0.01) > 0.1
