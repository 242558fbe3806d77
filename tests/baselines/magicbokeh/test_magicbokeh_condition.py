"""What the networks are told of the blur: pixels of radius, whatever the size, and no more than they know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bokehbench.baselines.magicbokeh import condition
from bokehbench.cases import Inputs, ScaledK, facts_of
from bokehbench.optics import Lens


def inputs(K: float, disp_focus: float = 0.25, size: tuple[int, int] = (40, 60)) -> Inputs:
    random = np.random.default_rng(0)
    disparity = np.tile(np.linspace(0.0, 1.0, size[1], dtype=np.float32), (size[0], 1))
    return Inputs("case", random.random((*size, 3), np.float32), disparity, Lens(K, disp_focus))


def test_32_pixels_of_radius_are_1_and_the_focal_plane_is_0():
    found = condition.condition(inputs(32.0, disp_focus=0.0))
    assert found.dtype == np.float32 and float(found.min()) == 0.0
    assert float(found.max()) == pytest.approx(1.0) and float(found[0, 30]) == pytest.approx(30 / 59)
    assert np.array_equal(condition.condition(inputs(0.0)), np.zeros((40, 60), np.float32))


def test_in_front_and_behind_are_the_same_radius():
    case = inputs(20.0, disp_focus=0.5)
    assert np.allclose(condition.condition(case), condition.condition(case)[:, ::-1])


def test_larger_radii_are_cut_off_and_said():
    case = inputs(64.0, disp_focus=0.0)
    assert float(condition.condition(case).max()) == 1.0
    reach = condition.reach(case)
    assert reach.size == (40, 60) and not reach.rescaled
    facts = reach.facts()
    assert facts["note"] == "blur of more than 32 px of radius is cut off"
    assert facts["largest_radius_px"] == pytest.approx(64.0)
    assert facts["pixels_beyond"] == pytest.approx(0.5, abs=0.02)


def test_k_beyond_32_is_no_matter_where_radii_are_not():
    case = replace(inputs(60.0), disparity=np.full((40, 60), 0.4, np.float32))
    assert condition.reach(case, allow_rescale=True).facts() == {}


@pytest.mark.parametrize("K", [33.0, 50.0, 200.0])
def test_rescaled_every_radius_is_in_range_and_the_proportions_stay(K):
    case = inputs(K, disp_focus=0.0, size=(400, 600))
    reach = condition.reach(case, allow_rescale=True)
    small = condition.shrunk(case, reach.size)
    assert reach.rescaled and small.image.shape[:2] == small.disparity.shape == reach.size
    assert condition.reach(small).largest_px <= 32.0 + 1e-4
    assert condition.reach(small).largest_px > 31.0
    assert reach.size[1] / reach.size[0] == pytest.approx(1.5, rel=0.02)
    assert reach.facts()["size"] == [reach.size[1], reach.size[0]]


def test_rescaling_keeps_light():
    case = replace(inputs(64.0, 0.0), lens=Lens(64.0, 0.0, gamma=2.2))
    small = condition.shrunk(case, (20, 30))
    assert np.allclose((small.image**2.2).mean((0, 1)), (case.image**2.2).mean((0, 1)), atol=1e-5)
    assert condition.enlarged(small.image, (40, 60)).shape == (40, 60, 3)


def test_a_method_with_a_factor_says_what_it_renders():
    class Says:
        def render(self, case):
            return case.image

        def facts(self, case):
            return condition.reach(case).facts()

    case = inputs(30.0, disp_focus=0.0)
    assert facts_of(Says(), case) == {}
    assert facts_of(ScaledK(Says(), 2.0), case)["largest_radius_px"] == pytest.approx(60.0)
