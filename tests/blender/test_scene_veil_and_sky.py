"""Two scenes for what blur does at edges: a veil of leaves before a courtyard, twigs before the sky."""

import numpy as np
import pytest

from bokehbench.blender.driver import render_scenes
from bokehbench.blender.plan import SKY_FROM, focus_plan
from bokehbench.images import read_exr
from bokehbench.records import read_json

SIZE = (96, 54)
NAMES = ("headland", "courtyard", "courtyard#1")


@pytest.fixture(scope="module")
def stacks(tmp_path_factory):
    pytest.importorskip("bpy")
    out = tmp_path_factory.mktemp("stacks")
    render_scenes(list(NAMES), out, size=SIZE, levels=(0,), foci=(0,), spp=2)
    return {
        name: (
            read_exr(out / name / "depth.exr")["R"].astype(np.float64),
            read_json(out / name / "info.json")["scene"],
        )
        for name in NAMES
    }


@pytest.fixture(scope="module")
def depths(stacks):
    return {name: depth for name, (depth, _) in stacks.items()}


def normalised(depth):
    return (1 / depth - 1 / depth.max()) / (1 / depth.min() - 1 / depth.max())


@pytest.mark.parametrize("name", NAMES)
def test_it_begins_near_the_lens_and_fills_its_focal_planes(depths, name):
    depth = depths[name]
    assert 1.1 < depth.min() < 2.0
    planes = focus_plan(depth.astype(np.float32)).normalised
    shares = [np.mean(np.abs(normalised(depth) - plane) <= 0.5 / 9) for plane in planes]
    assert sum(share >= 0.005 for share in shares) >= 6
    assert 0.1 < np.median(normalised(depth)) < 0.5


def test_thin_near_things_stand_directly_before_the_sky(depths):
    depth = depths["headland"]
    sky, near = depth > SKY_FROM, depth < 3.5
    assert 0.2 < sky.mean() < 0.5
    beside = (sky[:, 1:] & near[:, :-1]) | (near[:, 1:] & sky[:, :-1])
    assert beside.sum() > 40, "steps from no disparity to almost the largest"
    between = sky[:, :-2] & near[:, 1:-1] & sky[:, 2:]
    assert between.sum() > 10, "a twig one pixel wide with sky on both sides"


@pytest.mark.parametrize("name", NAMES[1:])
def test_leaves_veil_the_whole_width_and_blur_away_with_the_fountain_in_focus(stacks, name):
    depth, scene = stacks[name]
    veil = depth < 1.9
    assert 0.2 < veil.mean() < 0.4
    for third in np.array_split(veil, 3, axis=1):
        assert 0.08 < third.mean() < 0.6
    # At K = 50 of a frame 1920 pixels wide: a radius of more than 15 pixels over every leaf.
    ends = 1 / depth.max(), 1 / depth.min()
    fountain = np.interp(1 / scene["fountain_distance"], ends, (0.0, 1.0))
    assert 50 * (normalised(depth)[veil].min() - fountain) > 15


def test_a_variation_is_another_view_of_the_same_kind(depths):
    a, b = depths["courtyard"], depths["courtyard#1"]
    assert np.mean(np.abs(normalised(a) - normalised(b)) > 0.05) > 0.3
