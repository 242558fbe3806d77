"""Corrupted disparity: what each step does to a known edge, plans that repeat, probabilities that hold."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from bokehbench.errors import InputError
from bokehbench.rng import stream
from bokehbench.synth.truth.corruption import Corruption, CorruptionPlan, perlin

NEAR, FAR = 0.8, 0.25


@pytest.fixture(scope="module")
def edge():
    labels = np.ones((64, 80), np.int32)
    labels[20:44, 24:56] = 0
    return np.where(labels == 0, NEAR, FAR).astype(np.float32), labels


def test_without_steps_nothing_changes(edge):
    np.testing.assert_array_equal(CorruptionPlan().apply(*edge), edge[0])


@pytest.mark.parametrize("half", [1, 3, 5])
def test_morphology_moves_the_outline_by_n_pixels(edge, half):
    grown = CorruptionPlan(morphology="dilate", morphology_half=half).apply(*edge)
    shrunk = CorruptionPlan(morphology="erode", morphology_half=half).apply(*edge)
    assert (grown == np.float32(NEAR)).sum() == (24 + 2 * half) * (32 + 2 * half)
    assert (shrunk == np.float32(NEAR)).sum() == (24 - 2 * half) * (32 - 2 * half)


def test_elastic_moves_edges_by_about_two_pixels_and_invents_no_disparity(edge):
    spoiled = CorruptionPlan(elastic_alpha=50.0, elastic_sigma=4.0, elastic_seed=3).apply(*edge)
    assert set(np.unique(spoiled)) == {np.float32(NEAR), np.float32(FAR)}
    moved = spoiled != edge[0]
    assert 20 < moved.sum() < 112 * 4
    inside = np.zeros_like(moved)
    inside[30:34, 34:46] = True
    assert not moved[inside].any()


def test_ring_noise_stays_where_edges_moved(edge):
    plan = CorruptionPlan(
        morphology="dilate",
        morphology_half=4,
        ring_amplitude=0.1,
        ring_scales=(20.0, 10.0),
        ring_weights=(0.6, 0.4),
        ring_octaves=3,
        ring_seed=5,
    )
    quiet = plan.model_copy(update={"ring_amplitude": 0.0}).apply(*edge)
    noisy = plan.apply(*edge)
    ring = (quiet == np.float32(NEAR)) & (edge[1] == 1)
    np.testing.assert_array_equal(noisy[~ring], quiet[~ring])
    assert np.std(noisy[ring]) > 0.005 and np.abs(noisy[ring] / NEAR - 1.0).max() <= 0.1 + 1e-6


def test_blur_keeps_the_mean_and_has_the_width_of_sigma(edge):
    spoiled = CorruptionPlan(blur_sigma=2.0).apply(*edge)
    assert spoiled.mean() == pytest.approx(edge[0].mean(), abs=1e-5)
    profile = np.diff(spoiled[32, 16:33].astype(np.float64))
    middle = np.average(np.arange(16), weights=profile)
    assert np.sqrt(np.average((np.arange(16) - middle) ** 2, weights=profile)) == pytest.approx(2.0, rel=0.05)


def test_perlin_is_smooth_bounded_and_vanishes_at_its_lattice():
    noise = perlin((96, 96), (16.0,), (1.0,), 1, 1)
    np.testing.assert_allclose(noise[::16, ::16], 0.0, atol=1e-12)
    assert np.abs(noise).max() <= 1.0 and 0.2 < noise.std() < 0.6
    assert np.abs(np.diff(noise, axis=0)).max() < 0.35
    assert np.abs(perlin((96, 96), (50.0, 20.0, 10.0), (0.5, 0.3, 0.2), 3, 2)).max() <= 1.0


def test_plans_repeat_through_json_and_streams(edge):
    for index in range(12):
        plan = CorruptionPlan.sample(stream(1, index, "corruption"))
        again = CorruptionPlan.from_json(plan.to_json())
        assert again == plan == CorruptionPlan.sample(stream(1, index, "corruption"))
        np.testing.assert_array_equal(again.apply(*edge), plan.apply(*edge))
        assert plan.apply(*edge).min() >= 0.0 and plan.apply(*edge).max() <= 1.0


def test_probabilities_are_those_of_the_configuration():
    config = Corruption(p=0.8, elastic_p=0.25, morphology_p=0.5, blur_p=0.6, ring_p=0.3)
    plans = [CorruptionPlan.sample(stream(7, index, "corruption"), config) for index in range(4000)]
    for there, share in (
        ([plan.elastic_alpha > 0 for plan in plans], 0.8 * 0.25),
        ([plan.morphology == "dilate" for plan in plans], 0.8 * 0.25),
        ([plan.morphology == "erode" for plan in plans], 0.8 * 0.25),
        ([plan.blur_sigma > 0 for plan in plans], 0.8 * 0.6),
        ([plan.ring_amplitude > 0 for plan in plans], 0.8 * 0.3),
    ):
        assert stats.binomtest(sum(there), len(plans), share).pvalue > 1e-3
    halves = [plan.morphology_half for plan in plans if plan.morphology != "none"]
    assert stats.chisquare([halves.count(n) for n in range(1, 6)]).pvalue > 1e-3
    assert stats.kstest([p.blur_sigma for p in plans if p.blur_sigma], "uniform", (0.5, 2.5)).pvalue > 1e-3


def test_a_single_step_is_drawn_with_the_probabilities_as_weights():
    config = Corruption(p=0.75, elastic_p=0.0, ring_p=0.0, morphology_p=0.6667, blur_p=0.3333, single=True)
    plans = [CorruptionPlan.sample(stream(7, index, "corruption"), config) for index in range(4000)]
    kinds = [(plan.morphology, plan.blur_sigma > 0.0) for plan in plans]
    quarters = [("none", False), ("none", True), ("dilate", False), ("erode", False)]
    assert set(kinds) == set(quarters)
    assert stats.chisquare([kinds.count(one) for one in quarters]).pvalue > 1e-3
    with pytest.raises(ValidationError, match="single needs a step"):
        Corruption(elastic_p=0.0, ring_p=0.0, morphology_p=0.0, blur_p=0.0, single=True)


def test_changing_one_probability_moves_no_other_number():
    for index in range(20):
        with_blur = CorruptionPlan.sample(stream(2, index, "corruption"), Corruption(blur_p=1.0))
        without = CorruptionPlan.sample(stream(2, index, "corruption"), Corruption(blur_p=0.0))
        assert with_blur.model_copy(update={"blur_sigma": 0.0}) == without


def test_wrong_configurations_and_plans_are_refused():
    with pytest.raises(ValidationError, match="low <= high"):
        Corruption(blur_sigma=(3.0, 1.0))
    with pytest.raises(ValidationError, match="equally many"):
        Corruption(ring_scales=(5.0,))
    with pytest.raises(ValidationError, match="sharpness"):
        Corruption(sharpness=1)
    with pytest.raises(InputError, match="not a plan of corrupted disparity: blur"):
        CorruptionPlan.from_json({"blur": 1})
