"""Real pairs: two photographs of one place that do not lie on each other, nor have the same colours."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from bokehbench import rng
from bokehbench.errors import ConfigError
from bokehbench.metrics import find, score_images, score_images_detailed
from bokehbench.metrics.energy import gradient_energy, in_focus, relative_sharpness
from bokehbench.metrics.gain import fit_gain
from bokehbench.metrics.geometry import find_homography, mean_displacement, valid_pixels, warp
from bokehbench.metrics.pair import make_pair, with_gain

WIDTH, HEIGHT = 576, 384
TRUE = np.array([[1.004, 0.003, 2.5], [-0.002, 1.003, -3.2], [2e-6, -1e-6, 1.0]])
"""Target's grid to input's: some 5 pixels, what a hand moves between two exposures."""
GAINS = np.array([1.10, 1.02, 0.93])
GEO = ("psnr", "psnr+geo", "psnr+geo_gain")


def eight_bit(light: np.ndarray) -> np.ndarray:
    return np.floor(255.0 * np.clip(light, 0.0, 1.0) ** (1 / 2.2) + 0.5).astype(np.uint8)


class World:
    """A photograph with texture, a subject in its middle that stays sharp, and bokeh of any strength."""

    def __init__(self) -> None:
        from skimage.data import astronaut

        double = np.concatenate([astronaut(), astronaut()[:, ::-1]], axis=1)
        face = cv2.resize(double, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) / 255.0
        grain = rng.stream(11, 0, "grain").normal(0.0, 0.06, face.shape)
        self.light = np.clip(face + cv2.GaussianBlur(grain, (0, 0), 0.8), 0.02, 1.0) ** 2.2
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
        inside = 1.0 - np.hypot((x - WIDTH / 2) / (0.3 * WIDTH), (y - HEIGHT / 2) / (0.45 * HEIGHT))
        self.subject = np.clip(1.0 + 6.0 * inside, 0.0, 1.0)[..., None]

    def bokeh(self, sigma: float) -> np.ndarray:
        """Light of the picture with its surroundings blurred."""
        blurred = cv2.GaussianBlur(self.light, (0, 0), sigma)
        return self.subject * self.light + (1.0 - self.subject) * blurred

    def target(self, sigma: float) -> np.ndarray:
        """The same, taken by a camera that moved and was exposed differently."""
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        moved = cv2.warpPerspective(
            self.bokeh(sigma), TRUE, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REFLECT
        )
        return eight_bit(np.clip(moved, 0.0, None) * GAINS)


@pytest.fixture(scope="module")
def world():
    return World()


@pytest.fixture(scope="module")
def pair(world):
    return make_pair(eight_bit(world.light), world.target(6.0))


@pytest.fixture(scope="module")
def scored(world, pair):
    """Predictions by name, scored: all on the input's grid, as a renderer makes them."""
    light = {
        "perfect": world.bokeh(6.0),
        "too sharp": world.bokeh(3.0),
        "too blurred": world.bokeh(11.0),
        "input": world.light,
        "perfect in the target's colours": world.bokeh(6.0) * GAINS,
    }
    names = [*GEO, "ssim", "ssim+geo", "ssim+geo_gain", "blur-bias", "blur-error", "colour-error"]
    target = world.target(6.0)
    return {name: score_images(eight_bit(p), target, names, pair=pair) for name, p in light.items()}


def test_registration_finds_the_homography_to_a_tenth_of_a_pixel(pair):
    found = pair.homography
    assert found.accepted and found.correlation > 0.98
    difference = found.matrix @ np.linalg.inv(TRUE)
    assert mean_displacement(difference, (HEIGHT, WIDTH)) < 0.15  # 0.096
    assert found.displacement == pytest.approx(mean_displacement(TRUE, (HEIGHT, WIDTH)), abs=0.15)


def test_perspective_is_found_where_there_is_enough_of_it(world):
    """A camera that tilted by a degree: up to 8 pixels beyond what an affine map can do."""
    tilted = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, -1.0], [2.4e-5, 1.2e-5, 1.0]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    picture = eight_bit(world.light)
    target = cv2.warpPerspective(picture, tilted, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REFLECT)
    found = find_homography(picture, target)
    assert found.accepted and mean_displacement(found.matrix @ np.linalg.inv(tilted), (HEIGHT, WIDTH)) < 0.1


def test_registration_does_not_depend_on_threads(world, pair):
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        again = make_pair(eight_bit(world.light), world.target(6.0))
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(again.homography.matrix, pair.homography.matrix)
    np.testing.assert_array_equal(again.out_of_focus, pair.out_of_focus)


def test_what_is_in_focus_is_the_subject(world, pair):
    subject, surroundings = world.subject[..., 0] > 0.99, world.subject[..., 0] < 0.01
    # Broad soft edges lose little to a blur that is smaller than they are; flat parts are neither.
    assert pair.in_focus[subject].mean() > 0.85 and pair.in_focus[surroundings].mean() < 0.05
    assert pair.out_of_focus[surroundings].mean() > 0.7 and pair.out_of_focus[subject].mean() < 0.005
    assert not (pair.in_focus & pair.out_of_focus).any()


def test_raw_scores_reward_the_wrong_thing_and_corrected_ones_do_not(scored):
    """Misalignment hides a third of the amount of blur; the target's colours beat the right picture."""
    raw, geo, gain = ({name: values[m] for name, values in scored.items()} for m in GEO)
    assert raw["perfect"] - raw["too sharp"] < 0.5
    assert raw["perfect in the target's colours"] > raw["perfect"]
    for name in ("too sharp", "too blurred", "input"):
        assert gain["perfect"] > gain[name] + 12.0
    # What is left is cubic interpolation and rounding: far above what any renderer reaches.
    assert gain["perfect"] > 40.0 > 35.0 > geo["perfect"] > raw["perfect"] + 15.0
    assert gain["perfect"] == pytest.approx(gain["perfect in the target's colours"], abs=0.3)
    ssim = {name: values["ssim+geo_gain"] for name, values in scored.items()}
    assert ssim["perfect"] > 0.99 and max(ssim, key=ssim.get).startswith("perfect")


def test_blur_bias_has_the_sign_of_the_error(scored):
    """One octave of sigma is about one octave of gradient amplitude, less the floor of quantisation."""
    bias = {name: values["blur-bias"] for name, values in scored.items()}
    assert abs(bias["perfect"]) < 0.05
    assert 0.5 < bias["too sharp"] < 1.0 < 2.0 < bias["input"]
    assert -0.9 < bias["too blurred"] < -0.4
    assert scored["perfect"]["blur-error"] < 0.1 < 0.5 < scored["too blurred"]["blur-error"]
    for name, values in scored.items():
        assert values["blur-error"] >= abs(bias[name]) - 1e-12


def test_colour_error_is_the_largest_factor_between_the_pictures(scored):
    assert scored["perfect"]["colour-error"] == pytest.approx(abs(np.log2(1.10)), abs=0.01)
    assert scored["perfect in the target's colours"]["colour-error"] < 0.01


def test_gain_is_least_squares_and_its_golden_value(golden):
    """Golden values of sRGB light, fitted on whole pictures without smoothing or weights."""
    encoded = [image / 255.0 for image in golden]
    light = [np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4) for x in encoded]
    gain = fit_gain(*light, sigma=0.0, rounds=0)
    np.testing.assert_allclose(gain, [1.075645, 1.074575, 1.075344], atol=1e-6)
    scaled = np.clip(light[0] * gain, 0.0, 1.0)
    back = np.where(scaled <= 0.0031308, 12.92 * scaled, 1.055 * scaled ** (1 / 2.4) - 0.055)
    assert -10.0 * np.log10(np.mean((back - encoded[1]) ** 2)) == pytest.approx(18.080799, abs=1e-6)


def test_gain_is_robust_against_a_part_that_differs(world):
    changed = world.light * GAINS
    changed[:40, :40] = 0.9
    fitted = fit_gain(world.light, changed)
    np.testing.assert_allclose(fitted, GAINS, rtol=0.01)
    assert (
        np.abs(fitted / GAINS - 1.0).max()
        < np.abs(fit_gain(world.light, changed, rounds=0) / GAINS - 1.0).max()
    )


def test_a_fit_on_blurred_parts_would_be_biased(world, pair):
    """Why the region in focus: too much blur leaks light over the border of the subject."""
    assert pair.in_focus is not None
    moved, valid = pair.warped(eight_bit(world.bokeh(25.0)))
    target = world.target(6.0)
    with_region = pair.gain(moved, target, valid, 2.2)
    np.testing.assert_allclose(with_region, GAINS, rtol=0.02)


def test_golden_sharpness_of_whole_pictures(golden):
    q = relative_sharpness(*(gradient_energy(image) for image in golden))
    assert q.mean() == pytest.approx(-0.912931, abs=1e-6)
    assert np.abs(q).mean() == pytest.approx(0.912931, abs=1e-6)


def test_energy_of_a_ramp_is_its_squared_slope():
    ramp = np.repeat((np.arange(96) / 200.0)[None, :, None], 64, axis=0).repeat(3, axis=2)
    np.testing.assert_allclose(gradient_energy(ramp)[24:-24, 24:-24], 1 / 200.0**2, rtol=1e-9)


def test_registered_already_means_the_metric_inside_a_margin_of_8(golden):
    """Also where a registration was refused: the pictures are scored as they lie, and the score says so."""
    refused = make_pair(np.zeros_like(golden[1]), golden[1])
    assert not refused.homography.accepted and refused.homography.reason
    scores = score_images(*golden, ["psnr+geo", "psnr+crop8", "ssim+geo"], pair=refused)
    assert scores["psnr+geo"] == pytest.approx(scores["psnr+crop8"], abs=1e-9)
    whole = score_images(*golden, ["ssim"])["ssim"]
    assert scores["ssim+geo"] == pytest.approx(whole, abs=0.02)


@pytest.mark.parametrize("shift", [(60.0, 0.0), (0.0, -90.0)])
def test_an_implausible_homography_is_not_believed(world, shift):
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]], [0.0, 0.0, 1.0]])
    target = cv2.warpPerspective(eight_bit(world.light), moved, (WIDTH, HEIGHT), flags=flags)
    found = find_homography(eight_bit(world.light), target)
    assert not found.accepted and found.reason
    np.testing.assert_array_equal(found.matrix, np.eye(3))


def test_pictures_that_have_nothing_to_do_with_each_other_are_not_registered(world):
    noise = rng.stream(12, 0, "noise").integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    assert not find_homography(eight_bit(world.light), noise).accepted


def test_warping_by_whole_pixels_moves_pixels(world):
    picture = eight_bit(world.light)
    shift = np.array([[1.0, 0.0, 3.0], [0.0, 1.0, -2.0], [0.0, 0.0, 1.0]])
    moved = warp(picture, shift)
    np.testing.assert_allclose(moved[2:, :-3], picture[:-2, 3:] / 255.0, atol=1e-9)
    valid = valid_pixels(shift, picture.shape)
    assert valid[100, 100] and not valid[:8].any() and not valid[:, -11:].any() and valid[10, 8]


def test_nothing_in_focus_is_none(world):
    energy = gradient_energy(eight_bit(world.light))
    assert in_focus(energy / 5.0, energy) is None  # less than half the amplitude everywhere
    assert in_focus(energy, energy).mean() > 0.8


def test_corrected_scores_need_the_pair(golden):
    scores = score_images_detailed(*golden, ["psnr", "psnr+geo", "blur-error"])
    assert scores["psnr"].value is not None
    for name in ("psnr+geo", "blur-error"):
        assert (scores[name].status, scores[name].value) == ("undefined", None)


@pytest.mark.parametrize("repeat", [1, 2])
def test_too_little_out_of_focus_is_said_with_its_number(world, pair, repeat):
    """2000 pixels of a small picture, half a percent of a large one."""
    image = np.tile(eight_bit(world.light), (repeat, repeat, 1))
    needed = max(2000, int(np.ceil(image.shape[0] * image.shape[1] * 0.005)))
    assert needed == {1: 2000, 2: 4424}[repeat]
    for count in (needed - 1, needed):
        few = np.zeros(image.shape[:2], bool)
        few.ravel()[np.arange(count) * 31] = True
        case = dataclasses.replace(
            pair, homography=find_homography(image, image), in_focus=None, out_of_focus=few
        )
        scores = score_images_detailed(image, image, ["blur-error", "blur-bias", "energy-bias"], pair=case)
        for score in scores.values():
            assert (score.status == "undefined") == (count < needed)
            if count < needed:
                assert score.reason == f"only {count} pixels are out of focus, needs {needed}"


def test_names_directions_and_fingerprints():
    assert find("psnr+geo_gain").needs_pair and not find("psnr").needs_pair
    assert len({find(name).fingerprint for name in (*GEO, "blur-bias", "blur-error")}) == 5
    assert find("psnr").fingerprint == "49925256"  # pairs changed nothing else
    assert not find("blur-bias").spec.ranked and find("blur-error").spec.ranked
    for name in ("psnr+geo+crop8", "psnr+lin+geo", "lpips-alex+geo", "gmsd+geo_gain"):
        with pytest.raises(ConfigError):
            find(name)


def test_gain_keeps_what_is_white_white():
    picture = np.ones((32, 32, 3))
    np.testing.assert_array_equal(with_gain(picture, np.array([1.5, 1.0, 1.0]), 2.2), picture)


def test_a_pair_is_immutable(pair):
    with pytest.raises(dataclasses.FrozenInstanceError):
        pair.in_focus = None
