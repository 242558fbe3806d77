"""Scenes of thin things: fur and chain link are geometry, so that the depth map shows the gaps between."""

import numpy as np
import pytest

from bokehbench.blender.driver import render_scenes
from bokehbench.blender.plan import SKY_FROM, focus_plan
from bokehbench.images import read_exr
from bokehbench.records import read_json

SIZE = (128, 72)


@pytest.fixture(scope="module")
def stacks(tmp_path_factory):
    pytest.importorskip("bpy")
    out = tmp_path_factory.mktemp("stacks")
    names = ["plush", "chain_fence"]
    render_scenes(names, out, size=SIZE, levels=(0,), foci=(0,), spp=2)
    return {
        name: (read_exr(out / name / "depth.exr")["R"], read_json(out / name / "info.json")) for name in names
    }


@pytest.mark.parametrize("name", ["plush", "chain_fence"])
def test_depth_fills_the_focal_planes(stacks, name):
    depth, _ = stacks[name]
    assert 1.1 < depth.min() < 1.5
    plan = focus_plan(depth)
    low, high = plan.disparity_range
    normalised = (1 / depth - low) / (high - low)
    shares = [np.mean(np.abs(normalised - plane) <= 0.5 / 9) for plane in plan.normalised]
    assert sum(share > 0.005 for share in shares) >= 6
    assert 0.1 <= np.median(normalised) <= 0.5


def test_the_court_is_seen_through_every_row_of_the_fence(stacks):
    depth, _ = stacks["chain_fence"]
    near = depth < 2.2
    rows = near[SIZE[1] // 2 :]
    changes = np.abs(np.diff(rows.astype(int), axis=1)).sum(axis=1)
    assert np.median(changes) >= 16, "wires and gaps alternate along a row"
    assert 0.1 < rows.mean() < 0.6
    # What is behind a gap is court or sky, metres away, and nothing hangs between the two.
    assert not ((depth > 2.2) & (depth < 2.6)).any()
    assert (depth > SKY_FROM).mean() > 0.05


def test_the_fence_runs_away_to_one_side(stacks):
    depth, _ = stacks["chain_fence"]
    columns = np.where(depth < 2.2, depth, np.nan)
    left, right = (np.nanmedian(part) for part in (columns[:, :32], columns[:, -32:]))
    assert right > 1.15 * left


def test_fur_makes_a_rough_outline(stacks):
    depth, info = stacks["plush"]
    assert 60_000 <= info["scene"]["strands"] <= 100_000
    # From strand to strand of a coat depth jumps more than the body below is round.
    coat = (depth > 1.9) & (depth < 2.9)
    steps = np.abs(np.diff(depth, n=2, axis=1))
    inside = coat[:, 2:] & coat[:, 1:-1] & coat[:, :-2] & (steps < 0.1)
    upper = slice(SIZE[1] // 3, 2 * SIZE[1] // 3)
    assert np.median(steps[upper][inside[upper]]) > 0.009  # without the strands 0.0067
