"""Claims that hold for every metric: identity, symmetry, bounds, order, independence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bokehbench import rng
from bokehbench.metrics import find, score_images, score_images_detailed
from bokehbench.metrics.psnr import psnr

VARIANTS = ("psnr-y601", "ssim-y601", "ssim-sk7", "ssim-tm", "ssim-piqds")
WEIGHT_FREE = ("psnr", "ssim", "ms-ssim", "gmsd", "haarpsi", *VARIANTS)
PERFECT = {**dict.fromkeys(WEIGHT_FREE, 1.0), "psnr": 100.0, "psnr-y601": 100.0, "gmsd": 0.0}
KINDS = ("blur", "noise", "dark", "shift")


def test_equal_pictures_are_perfect_and_called_identical(photo):
    for name, score in score_images_detailed(photo, photo.copy(), WEIGHT_FREE).items():
        assert score.value == pytest.approx(PERFECT[name], abs=1e-12)
        assert score.status == "identical"


@pytest.mark.parametrize("kind", KINDS)
def test_different_pictures_are_worse_than_perfect(photo, distorted, kind):
    for name, score in score_images_detailed(distorted[kind], photo, WEIGHT_FREE).items():
        assert score.status == "ok"
        assert (score.value < PERFECT[name]) == find(name).higher_is_better


@pytest.mark.parametrize("kind", KINDS)
def test_prediction_and_target_may_change_places(photo, distorted, kind):
    forth = score_images(distorted[kind], photo, WEIGHT_FREE)
    back = score_images(photo, distorted[kind], WEIGHT_FREE)
    assert forth == pytest.approx(back, abs=1e-12)


@pytest.mark.parametrize("name", WEIGHT_FREE)
def test_more_blur_is_worse(photo, name):
    import cv2

    scores = [
        score_images(cv2.GaussianBlur(photo, (0, 0), sigma), photo, [name])[name] for sigma in (0.5, 1.0, 2.0)
    ]
    assert scores == sorted(scores, reverse=find(name).higher_is_better)


@pytest.mark.parametrize("kind", KINDS)
def test_bounds(photo, distorted, kind):
    scores = score_images(distorted[kind], photo, WEIGHT_FREE)
    assert -1.0 <= scores["ssim"] <= 1.0
    for name in ("ms-ssim", "gmsd", "haarpsi"):
        assert 0.0 <= scores[name] <= 1.0


def test_opposite_pictures_are_the_lower_bound():
    black, white = np.zeros((176, 176, 3), np.uint8), np.full((176, 176, 3), 255, np.uint8)
    scores = score_images(black, white, ["psnr", "ssim"])
    assert scores["psnr"] == pytest.approx(0.0, abs=1e-12)
    # Luminance term of constants 0 and 1: C1 / (1 + C1), contrast term 1.
    assert scores["ssim"] == pytest.approx(1e-4 / (1.0 + 1e-4), abs=1e-12)


@pytest.mark.parametrize("name", WEIGHT_FREE)
def test_mirroring_both_pictures_changes_nothing(photo, distorted, name):
    # An even square: pooling and wavelets are anchored at the top left.
    x, y = distorted["blur"][:176, :176], photo[:176, :176]
    tolerance = 0.01 if name in ("gmsd", "haarpsi") else 1e-9
    mirrored = score_images(x[:, ::-1], y[:, ::-1], [name])[name]
    assert mirrored == pytest.approx(score_images(x, y, [name])[name], abs=tolerance)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_psnr_is_the_formula_on_any_bytes(height, width, seed):
    x, y = rng.stream(seed, 0, "bytes").integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    error = sum((int(a) - int(b)) ** 2 for a, b in zip(x.ravel(), y.ravel(), strict=True))
    expected = 10 * np.log10(255**2 * 3 * height * width / error) if error else 100.0
    assert psnr(x, y) == pytest.approx(expected, rel=1e-12)
    assert psnr(x, y) == psnr(y, x)


def test_psnr_of_a_constant_error_is_the_textbook_value():
    target = np.full((40, 40, 3), 100, np.uint8)
    assert psnr(target + np.uint8(1), target) == pytest.approx(20 * np.log10(255), abs=1e-12)
    # Four times the error power, 20 log10 2 dB less.
    assert psnr(target + np.uint8(2), target) == pytest.approx(
        20 * np.log10(255) - 20 * np.log10(2), abs=1e-12
    )


def test_psnr_is_capped_also_for_one_wrong_value_in_many():
    target = np.zeros((400, 2000, 3), np.uint8)
    prediction = target.copy()
    prediction[0, 0, 0] = 1
    score = score_images_detailed(prediction, target, ["psnr"])["psnr"]
    assert (score.value, score.status) == (100.0, "ok")


def test_floats_are_scored_as_the_bytes_that_are_stored(photo, distorted):
    names = ["psnr", "ssim", "psnr+lin"]
    as_bytes = score_images(distorted["blur"], photo, names)
    noise = rng.stream(2, 0, "below half a step").uniform(-0.49, 0.49, photo.shape)
    as_floats = (distorted["blur"] + noise) / 255.0
    assert score_images(as_floats.astype(np.float32), photo / 255.0, names) == as_bytes


def test_light_beyond_one_is_clipped_alike(photo):
    bright = photo / 160.0
    assert score_images(bright, np.minimum(bright, 1.0), ["psnr"])["psnr"] == 100.0


def test_numbers_do_not_depend_on_threads_or_on_the_company_of_other_metrics(photo, distorted):
    import torch

    together = score_images(distorted["noise"], photo, WEIGHT_FREE)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        alone = {name: score_images(distorted["noise"], photo, [name])[name] for name in WEIGHT_FREE}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert alone == together


def test_inputs_are_left_as_they_were(photo, distorted):
    pair = distorted["blur"] / 255.0, photo / 255.0
    copies = [image.copy() for image in pair]
    score_images(*pair, [*WEIGHT_FREE, "psnr+lin+crop8"])
    assert all(np.array_equal(image, copy) for image, copy in zip(pair, copies, strict=True))


@pytest.mark.parametrize("name", ["ssim", "ms-ssim", "haarpsi", "gmsd", *VARIANTS[1:]])
def test_smallest_size_is_as_declared(name):
    size = find(name).spec.min_size
    pictures = rng.stream(4, 0, name).integers(0, 256, (2, size, size + 9, 3), dtype=np.uint8)
    assert score_images_detailed(*pictures, [name])[name].status == "ok"
    smaller = score_images_detailed(*pictures[:, 1:], [name])[name]
    assert (smaller.value, smaller.status) == (None, "undefined")
    assert f"needs {size} pixels" in smaller.reason


def test_a_formula_without_a_value_is_undefined():
    black = np.zeros((176, 176, 3), np.uint8)
    score = score_images_detailed(black, black, ["haarpsi"])["haarpsi"]
    assert (score.value, score.status) == (None, "undefined")
    assert "no finite value" in score.reason


@pytest.mark.parametrize("error", [2.0, 4.0, 8.0])
def test_known_noise_of_the_target_is_taken_off(photo, error):
    """A prediction with errors of its own, a target with noise: the score against the noiseless target."""
    random, sigma = rng.stream(1, 0, "test.noiseless"), 3.0
    truth = np.clip(photo.astype(np.float64), 40.0, 215.0)
    prediction = np.round(truth + error * random.standard_normal(truth.shape)).astype(np.uint8)
    target = np.round(truth + sigma * random.standard_normal(truth.shape)).astype(np.uint8)
    noise = 20.0 * np.log10(255.0 / sigma)
    scores = score_images_detailed(prediction, target, ["psnr", "psnr-noiseless"], noise=noise)
    found, raw = scores["psnr-noiseless"].value, scores["psnr"].value
    if 10.0 ** ((raw - noise) / 10.0) > 0.8:
        assert scores["psnr-noiseless"].status == "undefined"
        return
    assert found == pytest.approx(psnr(prediction, np.round(truth).astype(np.uint8)), abs=0.15)
    assert found > raw


def test_a_score_without_the_target_s_noise_is_undefined_where_the_noise_is_unknown_or_all(photo, distorted):
    (score,) = score_images_detailed(distorted["noise"], photo, ["psnr-noiseless"]).values()
    assert (score.status, score.value) == ("undefined", None) and "not known" in score.reason
    raw = psnr(distorted["noise"], photo)
    (score,) = score_images_detailed(distorted["noise"], photo, ["psnr-noiseless"], noise=raw).values()
    assert score.status == "undefined" and "most of the error" in score.reason


def test_peak_of_the_prediction_lowers_psnr_and_is_not_there_in_a_black_picture(photo):
    darker = (photo * 0.5).astype(np.uint8)
    scores = score_images_detailed(darker, photo, ["psnr", "psnr-peakmax"])
    lost = 20.0 * np.log10(255.0 / darker.max())
    assert scores["psnr"].value - scores["psnr-peakmax"].value == pytest.approx(lost, abs=1e-12)
    (score,) = score_images_detailed(np.zeros_like(photo), photo, ["psnr-peakmax"]).values()
    assert (score.status, score.reason) == ("undefined", "the prediction is black: it has no peak")


def test_luma_hardly_sees_an_error_of_colour(photo):
    """Blue weighs a tenth: why a value on Y must not stand under the name of one on RGB."""
    tinted = photo.copy()
    tinted[..., 2] = np.where(photo[..., 2] > 127, photo[..., 2] - 40, photo[..., 2] + 40)
    scores = score_images(tinted, photo, ["psnr", "psnr-y601", "ssim", "ssim-y601"])
    assert scores["psnr-y601"] > scores["psnr"] + 10.0
    assert scores["ssim-y601"] > scores["ssim"]
