"""Regions by true defocus: golden values, brute force, parts that sum to the whole, what a column sees."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bokehbench import rng
from bokehbench.errors import ConfigError, InputError
from bokehbench.metrics import find, score_images, score_images_detailed
from bokehbench.metrics.breakdown import BINS, breakdown, defocus_bins, psnr_of
from bokehbench.metrics.regions import NAMES, PARTS, Regions, discs, find_regions, occlusion_band
from bokehbench.optics import Lens

LENS = Lens(K=20.0, disp_focus=0.25)


def golden_disparity() -> np.ndarray:
    """A far plane in focus, a slope, and a near square before both; 270 x 384."""
    disparity = np.full((270, 384), 0.25)
    columns = np.arange(192, 384)
    disparity[:, 192:] += (columns - 192) / 768.0
    disparity[60:160, 40:140] = 0.75
    return disparity


@pytest.fixture(scope="module")
def regions(golden) -> Regions:
    return find_regions(golden_disparity(), LENS, golden[1])


@pytest.mark.parametrize(
    ("name", "area", "psnr", "ssim"),
    [
        ("band", 10216, 17.144311, 0.627419),
        ("focus", 46678, 19.188857, 0.659836),
        ("defocus", 25996, 17.342012, 0.630588),
        ("transition", 20790, 17.593991, 0.634471),
    ],
)
def test_golden_values(golden, regions, name, area, psnr, ssim):
    assert int(regions.mask(name).sum()) == area
    scores = score_images(*golden, [f"psnr+{name}", f"ssim+{name}"], regions=regions)
    assert list(scores.values()) == pytest.approx([psnr, ssim], abs=1e-6)


def test_four_regions_are_a_partition(regions):
    covered = sum(regions.mask(name).astype(int) for name in PARTS)
    assert (covered == 1).all()
    assert regions.radius == 10.0


def brute_band(defocus: np.ndarray) -> np.ndarray:
    """By the definition, one edge pixel after the other."""
    height, width = defocus.shape
    y, x = np.mgrid[0:height, 0:width]
    band = np.zeros(defocus.shape, bool)
    for i in range(height):
        for j in range(width):
            window = defocus[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
            if window.max() - window.min() > 2.0:
                reach = np.ceil(np.abs(window).max()) + 2
                band |= (y - i) ** 2 + (x - j) ** 2 <= reach**2
    return band


def test_the_band_is_that_of_brute_force():
    noise = rng.stream(2, 0, "steps").random((4, 5))
    steps = cv2.resize(noise, (60, 48), interpolation=cv2.INTER_NEAREST)
    defocus = 14.0 * (steps - 0.4)
    np.testing.assert_array_equal(occlusion_band(defocus), brute_band(defocus))
    # Near the corner of the frame, discs are cut off, not shifted.
    corner = np.zeros((20, 30), np.int32)
    corner[0, 29] = 5
    y, x = np.mgrid[0:20, 0:30]
    np.testing.assert_array_equal(discs(corner), y**2 + (x - 29) ** 2 <= 25)


def test_behind_and_before_the_focal_plane_are_treated_alike(regions, golden):
    """The mirrored scene has the same regions, and its bins in reverse."""
    mirrored = find_regions(0.5 - golden_disparity() + 0.5, Lens(20.0, 0.75), golden[1])
    np.testing.assert_array_equal(mirrored.labels, regions.labels)
    ours, other = (breakdown(*golden, which)["defocus"] for which in (regions, mirrored))
    for what in ("pixels", "squared_error"):
        assert other[what] == ours[what][::-1]


def test_bins_end_where_they_say():
    bounds = [-20.0, -16.0, -4.0, -1.0, 0.0, 1.0, 1.5, 2.0, 16.0, 16.001]
    assert defocus_bins(np.array(bounds)).tolist() == [0, 1, 3, 5, 5, 5, 6, 6, 9, 10]
    assert BINS == 11


@pytest.mark.parametrize("border", [0, 7])
def test_the_parts_sum_to_the_global_squared_error(golden, regions, border):
    parts = breakdown(*golden, regions, border)
    whole = parts["whole"]
    inner = (slice(border, 270 - border), slice(border, 384 - border))
    difference = golden[0][inner].astype(int) - golden[1][inner]
    assert whole == {"pixels": difference[..., 0].size, "squared_error": int((difference**2).sum())}
    if border == 0:
        assert whole["squared_error"] == 312316200
    for what, total in whole.items():
        assert sum(parts["regions"][name][what] for name in PARTS) == total
        assert sum(parts["defocus"][what]) == total
    # And the columns are these parts: shares of area times mean squared errors make that of the whole.
    names = ["psnr", *(f"psnr+{name}" for name in PARTS)]
    scores = score_images_detailed(*golden, names, regions=regions, border=border)
    error = {name: 10.0 ** (-score.value / 10.0) for name, score in scores.items()}
    mixed = sum(parts["regions"][name]["pixels"] / whole["pixels"] * error[f"psnr+{name}"] for name in PARTS)
    assert mixed == pytest.approx(error["psnr"], rel=1e-6)
    for name in PARTS:
        part = parts["regions"][name]
        assert psnr_of(**part) == pytest.approx(scores[f"psnr+{name}"].value, abs=1e-9)


def test_an_error_is_seen_where_it_is_and_nowhere_else(golden, regions):
    target = golden[1]
    for where in PARTS:
        wrong = target.copy()
        wrong[regions.mask(where)] ^= 16
        scores = score_images_detailed(wrong, target, [f"psnr+{name}" for name in PARTS], regions=regions)
        for name in PARTS:
            score = scores[f"psnr+{name}"]
            assert score.status == ("ok" if name == where else "identical")
            assert (score.value < 30.0) if name == where else (score.value == 100.0)


def test_a_region_that_is_the_whole_picture_scores_as_the_whole_picture(golden):
    flat = find_regions(np.full((270, 384), 0.5), Lens(20.0, 0.0), golden[1])
    scores = score_images(*golden, ["psnr", "psnr+defocus", "ssim", "ssim+defocus"], regions=flat)
    assert scores["psnr+defocus"] == scores["psnr"]
    assert scores["ssim+defocus"] == pytest.approx(scores["ssim"], abs=1e-12)


def test_lpips_in_a_region_is_blind_to_what_lies_far_outside(photo):
    """On a seeded trunk: the whole mask gives LPIPS itself, a region only what its features see."""
    import torch
    import torchvision

    from bokehbench.metrics import lpips, weights
    from bokehbench.metrics.tensors import to_tensor

    with torch.random.fork_rng():
        torch.manual_seed(5)
        trunk = torchvision.models.squeezenet1_1(weights=None).state_dict()
    model = lpips.build("squeeze", trunk, weights.require("lpips-v0.1-squeeze.pth"))
    target = photo[60:108, :140]
    wrong = target.copy()
    wrong[:, 110:] = 255 - wrong[:, 110:]
    x, y = (to_tensor(image, double=False) for image in (wrong, target))
    left = torch.zeros(target.shape[:2], dtype=torch.bool)
    left[:, :20] = True
    with torch.inference_mode():
        whole = float(lpips.distance(model, x, y))
        assert float(lpips.distance(model, x, y, torch.ones_like(left))) == pytest.approx(whole, rel=1e-6)
        assert float(lpips.distance(model, x, y, left)) < 0.02 * whole
        assert float(lpips.distance(model, x, y, ~left)) > whole


def test_too_small_a_region_has_no_number_but_an_area(golden):
    disparity = np.full((270, 384), 0.25)
    disparity[100:110, 100:140] = 0.75
    few = find_regions(disparity, LENS, golden[1])
    scores = score_images_detailed(*golden, ["psnr+band", "psnr+defocus", "psnr+focus"], regions=few)
    assert scores["psnr+focus"].value is not None
    score = scores["psnr+defocus"]
    assert (score.status, score.value) == ("undefined", None)
    assert score.reason == "only 0 pixels (0.0 %) are out of focus, needs 2000"


def test_without_a_true_disparity_there_is_no_number_and_it_is_said(golden):
    for name in ("psnr+band", "psnr+cropR", "blur-bias+defocus"):
        score = score_images_detailed(*golden, [name])[name]
        assert (score.status, score.reason) == ("undefined", "needs the true disparity, focus and K")


def test_highlights_are_what_bright_points_out_of_focus_spread_over():
    image = np.full((60, 80, 3), 40, np.uint8)
    image[30, 20] = image[30, 60] = 255
    disparity = np.full((60, 80), 0.3)
    disparity[:, 40:] = 0.5
    found = find_regions(disparity, Lens(30.0, 0.5), image)  # right half in focus, left half 6 pixels behind
    y, x = np.mgrid[0:60, 0:80]
    np.testing.assert_array_equal(found.highlights, (y - 30) ** 2 + (x - 20) ** 2 <= 36)


def test_amount_of_blur_and_of_light_by_region(photo):
    """Half of a photograph is out of focus: too little, too much, and the right blur; light by 10 %."""
    right = np.arange(photo.shape[1]) >= 92
    disparity = np.where(right, 0.5, 0.1)[None].repeat(photo.shape[0], axis=0)
    found = find_regions(disparity, Lens(12.0, 0.5), photo)

    def blurred(sigma: float) -> np.ndarray:
        return np.where(right[None, :, None], photo, cv2.GaussianBlur(photo, (0, 0), sigma))

    target = blurred(4.0)
    names = ["blur-bias+defocus", "blur-bias+focus", "blur-error+defocus", "energy-bias+defocus"]
    scores = {s: score_images(blurred(s), target, names, regions=found) for s in (2.0, 4.0, 7.0)}
    assert scores[4.0]["blur-bias+defocus"] == scores[4.0]["blur-error+defocus"] == 0.0
    assert scores[7.0]["blur-bias+defocus"] < -0.3 < 0.3 < scores[2.0]["blur-bias+defocus"]
    for values in scores.values():
        assert abs(values["blur-bias+focus"]) < 0.02
        assert values["blur-error+defocus"] >= abs(values["blur-bias+defocus"])
    dim = np.floor(255.0 * 0.9 ** (1 / 2.2) * (target / 255.0) + 0.5).astype(np.uint8)
    bias = score_images(dim, target, ["energy-bias+defocus"], regions=found)["energy-bias+defocus"]
    assert bias == pytest.approx(-0.1, abs=0.003)
    # A region that was never blurred can be asked too, and needs no registration.
    assert not find("blur-bias+defocus").needs_pair and find("blur-bias").needs_pair


def test_crop_by_radius_drops_what_blur_brings_in_from_outside(golden, regions):
    names = ["psnr+cropR", "psnr+crop10", "ssim+cropR", "ssim+crop10"]
    scores = score_images(*golden, names, regions=regions)
    assert scores["psnr+cropR"] == scores["psnr+crop10"]
    assert scores["ssim+cropR"] == scores["ssim+crop10"]
    strong = find_regions(golden_disparity(), Lens(200.0, 0.25), golden[1])
    assert strong.radius == 100.0 and strong.crop() == 270 // 8


def test_linear_light_and_a_crop_go_with_a_region(golden, regions):
    both = score_images(*golden, ["psnr+lin+defocus+crop16", "psnr+defocus"], gamma=1.0, regions=regions)
    inner = (slice(16, -16), slice(16, -16))
    mask = regions.mask("defocus")[inner]
    error = ((golden[0][inner][mask] / 255.0 - golden[1][inner][mask] / 255.0) ** 2).mean()
    assert both["psnr+lin+defocus+crop16"] == pytest.approx(-10.0 * np.log10(error), abs=1e-9)


def test_a_pair_shows_its_own_regions_raw_beside_corrected(golden):
    """Without a map: what the photographs themselves show in focus and out of focus, before and after."""
    from bokehbench.metrics.pair import make_pair

    target = golden[1].copy()
    target[:, 200:] = cv2.GaussianBlur(golden[1], (0, 0), 3.0)[:, 200:]
    pair = make_pair(golden[1], target)
    moved = np.roll(target, 1, axis=1)
    names = [f"psnr+{how}{where}" for how in ("raw", "geo") for where in ("", "+focus", "+defocus")]
    scores = score_images(moved, target, names, pair=pair)
    valid = np.zeros(target.shape[:2], bool)
    valid[8:-8, 8:-8] = True
    for where, mask in (
        ("", valid),
        ("+focus", pair.in_focus & valid),
        ("+defocus", pair.out_of_focus & valid),
    ):
        error = ((moved[mask] / 255.0 - target[mask] / 255.0) ** 2).mean()
        if pair.homography.displacement < 0.01:
            assert scores[f"psnr+raw{where}"] == pytest.approx(-10.0 * np.log10(error), abs=1e-9)
    assert scores["psnr+raw+focus"] < scores["psnr+raw"] < scores["psnr+raw+defocus"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("psnr+focus+band", "one region, not|one region at a time"),
        ("psnr+crop8+cropR", "exclude each other"),
        ("psnr+geo+band", r"\+geo\+focus or \+geo\+defocus; \+band needs the true disparity"),
        ("psnr+geo+cropR", "stands alone"),
        ("psnr+crop8+focus", r"write 'psnr\+focus\+crop8'"),
        ("psnr+focus+lin", r"write 'psnr\+lin\+focus'"),
        ("dists-256+band", r"no variant \+band"),
        ("colour-error+focus", r"no variant \+focus; it has none"),
        ("psnr+sharp", "unknown variant"),
    ],
)
def test_names_that_mean_nothing_are_refused(name, message):
    with pytest.raises(ConfigError, match=message):
        find(name)


def test_every_region_is_another_number():
    names = [
        "psnr",
        "psnr+cropR",
        *(f"psnr+{name}" for name in NAMES),
        "psnr+geo",
        "psnr+raw",
        "psnr+geo+focus",
    ]
    assert len({find(name).fingerprint for name in names}) == len(names)
    assert find("psnr").fingerprint == "49925256" and find("blur-error").fingerprint == "1d240868"


def test_a_map_of_another_size_is_refused(golden):
    with pytest.raises(InputError, match="disparity is"):
        find_regions(np.zeros((10, 10)), LENS, golden[1])
