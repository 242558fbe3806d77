"""Claims about alignment and the numbers after it."""

from __future__ import annotations

import numpy as np
import pytest

from bokehbench.depth.accuracy import accuracy, align
from bokehbench.errors import InputError

REACH = (1e-3, 80.0)


@pytest.fixture
def scene():
    rng = np.random.default_rng(3)
    depth = rng.uniform(1.0, 40.0, (30, 40))
    valid = rng.random((30, 40)) < 0.7
    return depth, valid


@pytest.mark.parametrize("scale, shift", [(1.0, 0.0), (250.0, -13.0), (1e-6, 4.0), (-3.0, 1.0)])
def test_any_affine_map_of_inverse_depth_is_perfect(scene, scale, shift):
    depth, valid = scene
    got = accuracy((1.0 / depth - shift) / scale, depth, valid, REACH)
    assert got.abs_rel < 1e-6 and got.rmse < 1e-4
    assert got.delta1 == got.delta2 == got.delta3 == 1.0
    assert (got.scale, got.shift) == pytest.approx((scale, shift), rel=1e-5, abs=1e-6)
    assert got.pixels == valid.sum()


def test_alignment_is_least_squares_of_an_independent_solver(scene):
    depth, valid = scene
    rng = np.random.default_rng(5)
    prediction = 3.0 / depth + 0.05 * rng.standard_normal(depth.shape) + 1.0
    system = np.stack([prediction[valid], np.ones(valid.sum())], axis=1)
    expected, *_ = np.linalg.lstsq(system, 1.0 / depth[valid], rcond=None)
    assert align(prediction, 1.0 / depth, valid) == pytest.approx(tuple(expected), rel=1e-9)


def test_numbers_do_not_depend_on_the_predictions_own_scale(scene):
    depth, valid = scene
    prediction = 1.0 / depth + 0.02 * np.random.default_rng(1).standard_normal(depth.shape)
    one, other = (accuracy(p, depth, valid, REACH) for p in (prediction, 40.0 * prediction - 7.0))
    assert one.abs_rel == pytest.approx(other.abs_rel, rel=1e-9) and one.delta1 == other.delta1
    assert one.abs_rel > 0.0 and one.delta1 <= one.delta2 <= one.delta3 < 1.0


def test_pixels_that_do_not_count_change_nothing(scene):
    depth, valid = scene
    prediction = np.sqrt(1.0 / depth)
    spoilt, holes = prediction.copy(), depth.copy()
    spoilt[~valid], holes[~valid] = 1e6, 0.0
    assert accuracy(spoilt, holes, valid, REACH) == accuracy(prediction, depth, valid, REACH)


def test_a_reversed_map_has_a_negative_scale(scene):
    depth, valid = scene
    assert accuracy(depth, depth, valid, REACH).scale < 0.0 < accuracy(1.0 / depth, depth, valid, REACH).scale


def test_a_constant_map_is_the_mean_of_inverse_depth(scene):
    depth, valid = scene
    got = accuracy(np.full_like(depth, 0.3), depth, valid, REACH)
    z = 1.0 / (1.0 / depth[valid]).mean()
    assert got.scale == 0.0
    assert got.abs_rel == pytest.approx((np.abs(z - depth[valid]) / depth[valid]).mean(), rel=1e-9)


def test_aligned_disparity_of_zero_and_below_is_the_farthest():
    """What the fit puts behind infinity counts as the reach, not as NaN or as negative depth."""
    prediction = np.zeros((10, 10))
    prediction[0, 0], prediction[0, 1] = 1.0, -1.0
    scale, shift = 1.0, 0.1
    depth = np.full((10, 10), 1.0 / shift)
    depth[0, 0] = 1.0 / (scale + shift)
    # Pixel (0, 1) is fitted from inverse depth -0.9, which no depth has: measured as 80 m it is exact.
    depth[0, 1] = 80.0
    valid = np.ones((10, 10), bool)
    fitted = align(prediction, 1.0 / depth, valid)
    assert fitted[1] - fitted[0] < 0.0
    others = valid.copy()
    others[0, 1] = False
    expected = 1.0 / np.clip(fitted[0] * prediction[others] + fitted[1], 1.0 / 80.0, None)
    errors = np.append(expected - depth[others], 0.0)
    got = accuracy(prediction, depth, valid, (1e-3, 80.0))
    assert got.rmse == pytest.approx(np.sqrt((errors**2).mean()))


def test_too_few_pixels_are_refused(scene):
    depth, _ = scene
    with pytest.raises(InputError, match="only 0 pixels"):
        accuracy(depth, depth, np.zeros(depth.shape, bool), REACH)
