"""Scenes made of slanted planes: the disparity of deck and table is what the camera's pose predicts."""

import numpy as np
import pytest

from bokehbench.blender.driver import render_scenes
from bokehbench.blender.plan import focus_plan
from bokehbench.images import read_exr

SIZE = (96, 54)
NAMES = ("newsstand", "pier")


@pytest.fixture(scope="module")
def depths(tmp_path_factory):
    pytest.importorskip("bpy")
    out = tmp_path_factory.mktemp("stacks")
    render_scenes(list(NAMES), out, size=SIZE, levels=(0,), foci=(0,), spp=2)
    return {name: read_exr(out / name / "depth.exr")["R"].astype(np.float64) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_it_begins_near_the_lens_and_fills_its_focal_planes(depths, name):
    depth = depths[name]
    assert 1.15 < depth.min() < 1.6
    plan = focus_plan(depth)
    low, high = plan.disparity_range
    normalised = (1 / depth - low) / (high - low)
    shares = [np.mean(np.abs(normalised - plane) <= 0.5 / 9) for plane in plan.normalised]
    assert min(shares) > 0.015, "every plane, from the sky or the street to the table's edge, has its pixels"


def test_the_deck_is_a_level_plane_seen_from_the_height_of_the_eye(depths):
    # A level plane `height` below the eye: 1/z = (v cos p + sin p) / height, v = tangent below the axis.
    depth = depths["pier"]
    rows = np.arange(SIZE[1] - 14, SIZE[1])
    v = (rows + 0.5 - SIZE[1] / 2) * 36.0 / 40.0 / SIZE[0]
    pitch = np.radians(4.2)
    predicted = (v * np.cos(pitch) + np.sin(pitch)) / 0.47
    deck = 1 / depth[rows][:, 60:80]
    assert np.median(np.abs(deck / predicted[:, None] - 1)) < 0.01


def test_the_table_rises_by_nine_degrees(depths):
    # A plane through the table's front edge, tilted by 9 degrees, seen from 1.29 m under a pitch of 4.4.
    depth = depths["newsstand"]
    rows = np.arange(SIZE[1] - 14, SIZE[1])
    v = (rows + 0.5 - SIZE[1] / 2) * 36.0 / 40.0 / SIZE[0]
    pitch, tilt = np.radians(4.4), np.radians(9.0)
    below = 1.29 - 0.856 + 1.02 * np.tan(tilt)
    predicted = (
        (np.sin(pitch) + v * np.cos(pitch)) + np.tan(tilt) * (np.cos(pitch) - v * np.sin(pitch))
    ) / below
    table = 1 / depth[rows][:, 20:60]
    above = table / predicted[:, None] - 1
    assert above.min() > 0.0, "nothing lies below the table's top"
    assert np.quantile(above, 0.1) < 0.012, "the cloth lies on it: 5 mm of 60 cm"
