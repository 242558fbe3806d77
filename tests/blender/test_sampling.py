"""Stated quality: the estimate against a known truth, shares of rings, looks; where rays land."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bokehbench.blender import sampling
from bokehbench.blender.rays import Film, Lens, pattern, splat
from bokehbench.cli import main
from bokehbench.errors import ConfigError


def scene() -> np.ndarray:
    """Smooth shades, fine stripes, black, and lamps far above white with sharp edges."""
    y, x = np.mgrid[0:96, 0:128] / 96.0
    truth = np.stack([0.1 + 0.5 * x, 0.4 + 0.3 * np.sin(5 * y), 0.3 * y], axis=2)
    truth[20:50, 20:60] *= 0.5 + 0.4 * (np.arange(40) % 2)[None, :, None]
    truth[60:80, 70:100] = 6.0
    truth[:10] = 0.0
    return truth.astype(np.float32)


def quarters(truth: np.ndarray, noise: float, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    noisy = [truth * rng.gamma(noise**-2, noise**2, truth.shape) for _ in range(4)]  # light is never negative
    return [quarter.astype(np.float32) for quarter in noisy]


def halves(parts: list[np.ndarray]) -> list[np.ndarray]:
    return [(parts[0] + parts[1]) / 2, (parts[2] + parts[3]) / 2]


def true_error(image: np.ndarray, truth: np.ndarray) -> float:
    return float(((sampling.encoded(image) - sampling.encoded(truth)) ** 2).mean())


def decibels_too_good(errors: list[tuple[float, float]]) -> float:
    """By how much the mean of the claimed errors is better than the mean of the true ones."""
    claimed, known = np.mean(errors, axis=0)
    return float(-10.0 * math.log10(claimed / known))


@pytest.mark.parametrize("blur", [0.0, 0.7, 3.0])
@pytest.mark.parametrize("noise", [0.05, 0.4])
def test_the_estimate_sees_noise_and_what_a_denoiser_blurs(blur, noise):
    truth = scene()
    parts = quarters(truth, noise)
    clean = [gaussian_filter(half, (blur, blur, 0)) for half in halves(parts)]
    known = true_error((clean[0] + clean[1]) / 2, truth)
    assert -1.0 < decibels_too_good([(sampling.squared_error(clean, parts), known)]) < 0.1
    # The difference of two halves, which is usually quoted, misses the blur.
    seen = float(((sampling.encoded(clean[0]) - sampling.encoded(clean[1])) ** 2).mean()) / 4
    assert (seen < known / 4) == (blur > 0)


def test_no_image_is_claimed_to_be_cleaner_than_can_be_told():
    """Halves that happen to be perfect: half of all estimates are negative, and tell their spread alone."""
    truth = scene()
    for seed in range(6):
        parts = quarters(truth, 0.3, seed)
        spread = sampling.standard_error(*(sampling.half_squared([truth] * 2, parts, i) for i in range(2)))
        assert sampling.squared_error([truth, truth], parts) >= spread > 1e-9


def test_dark_pixels_that_few_samples_light_do_not_count_too_much():
    """Discs on black, not denoised: many pixels are lit by one sample in twenty."""
    y, x = np.mgrid[0:72, 0:96]
    light = np.exp(-((np.hypot(y - 36, x - 48) / 25.0) ** 8))[..., None] * np.array([1.5, 0.2, 0.1])
    rng = np.random.default_rng(2)
    errors = []
    for _ in range(10):
        parts = [(3 * rng.binomial(64, light / 3) / 64).astype(np.float32) for _ in range(4)]
        image = (sum(parts[1:], parts[0])) / 4
        errors.append((sampling.squared_error(halves(parts), parts), true_error(image, light)))
    assert -1.5 < decibels_too_good(errors) < 0.1


def test_reconciling_takes_back_detail_and_not_noise():
    truth = scene()
    parts = quarters(truth, 0.1)
    clean = [gaussian_filter(half, (2, 2, 0)) for half in halves(parts)]
    better = [sampling.reconciled(half, parts[2 * i : 2 * i + 2]) for i, half in enumerate(clean)]
    before, after = (true_error((pair[0] + pair[1]) / 2, truth) for pair in (clean, better))
    assert after < before / 4


def small_scene(kind: str) -> np.ndarray:
    y, x = np.mgrid[0:54, 0:96]
    truth = np.stack([0.1 + x / 200, 0.4 + 0.3 * np.sin(y / 11), 0.05 + y / 180], axis=2)
    rng = np.random.default_rng(5)
    if kind == "texture":
        truth *= np.clip(0.8 + gaussian_filter(rng.standard_normal(y.shape), 0.7), 0.1, 1.3)[..., None]
    elif kind == "edges":
        truth *= np.where((x // 6 + y // 9) % 2, 1.0, 0.15)[..., None]
    elif kind == "lights":
        truth *= 0.3
        for _ in range(25):
            row, column, radius, light = rng.uniform((3, 3, 1, 2), (51, 93, 3, 12))
            truth[np.hypot(y - row, x - column) < radius] = light
    return truth


def stopped(truth: np.ndarray, quality: float, seed: int) -> tuple[float, float]:
    """Claimed and true error of an image that was sampled and judged as renders are."""
    rng = np.random.default_rng(seed)
    sums, rounds, look = np.zeros((4, *truth.shape)), 0, sampling.FIRST
    while True:
        # The mean of n samples of a skewed distribution whose single ones are 1.5 times as wide as bright.
        shape = 4 * (look - rounds) / 1.5**2
        sums += (look - rounds) * truth * rng.gamma(shape, 1 / shape, sums.shape)
        rounds = look
        parts = [part.astype(np.float32) for part in sums / rounds]
        blurred = [gaussian_filter(half, (0.8, 0.8, 0)) for half in halves(parts)]
        clean = [sampling.reconciled(half, parts[2 * i : 2 * i + 2]) for i, half in enumerate(blurred)]
        error = sampling.squared_error(clean, parts)
        if sampling.psnr(error) >= quality or rounds >= sampling.MOST:
            return error, true_error((clean[0] + clean[1]) / 2, truth)
        look = sampling.next_look(rounds, error, quality)


@pytest.mark.parametrize("kind", ["shades", "texture", "edges", "lights"])
def test_the_claim_is_not_too_good_after_stopping_when_it_is_good_enough(kind):
    truth = small_scene(kind)
    for quality in (30.0, 36.0):
        errors = [stopped(truth, quality, seed) for seed in range(10)]
        assert -1.5 < decibels_too_good(errors) < 0.1


def test_rare_bright_samples_do_not_stop_an_image_early():
    """Glitter: in a part of the picture one ray in 300 brings almost half of the light; blurred widely."""
    truth = gaussian_filter(small_scene("edges"), (1.5, 1.5, 0))
    glitter = np.zeros((*truth.shape[:2], 1))
    glitter[25:, 30:70] = 0.4
    errors = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        sums, rounds, look, error = np.zeros((4, *truth.shape)), 0, sampling.FIRST, 1.0
        while sampling.psnr(error) < 34.0 and rounds < sampling.MOST:
            rays = 4 * (look - rounds)
            rare = rng.binomial(rays, 1 / 300, (4, *truth.shape[:2], 1)) / (rays / 300)
            steady = rng.gamma(rays / 2.0, 2.0 / rays, sums.shape)
            sums += (look - rounds) * truth * ((1.0 - glitter) * steady + glitter * rare)
            rounds = look
            parts = [part.astype(np.float32) for part in sums / rounds]
            blurred = [gaussian_filter(half, (1.5, 1.5, 0)) for half in halves(parts)]
            clean = [sampling.reconciled(half, parts[2 * i : 2 * i + 2]) for i, half in enumerate(blurred)]
            error = sampling.squared_error(clean, parts)
            look = sampling.next_look(rounds, error, 34.0)
        errors.append((error, true_error((clean[0] + clean[1]) / 2, truth)))
    assert decibels_too_good(errors) < 0.2
    assert max(known for _, known in errors) < 10.0**-3.35


def test_focal_planes_beyond_memory_mean_more_rays():
    assert sampling.planes_at_once(1920, 1080) == 3
    assert sampling.planes_at_once(480, 270) >= 10
    once, four = (sampling.expected(48.0, 50, groups) for groups in (1, 4))
    assert four == pytest.approx(4 * once, abs=4)


def test_rings_make_up_every_aperture_with_equal_variance():
    for level in range(sampling.RINGS):
        weights = sampling.ring_weights(level)
        assert sum(weights) == pytest.approx(1.0)
        variance = sum(w**2 / n for w, n in zip(weights, sampling.RING_ROUNDS, strict=False))
        assert variance == pytest.approx(1.0, rel=0.02)


def test_looks_go_on_until_the_wanted_quality():
    rounds, seen = sampling.FIRST, []
    while rounds < 60:
        rounds = sampling.next_look(rounds, 1e-2 / rounds, quality=40.0)
        seen.append(rounds)
    assert seen == sorted(set(seen))
    assert sampling.next_look(4, -1e-6, 40.0) == sampling.step(4) == 5
    assert sampling.next_look(sampling.MOST, 1.0, 40.0) == sampling.MOST
    for wrong in (math.nan, 5.0, 70.0):
        with pytest.raises(ConfigError, match="--quality"):
            sampling.check_quality(wrong)


def test_samples_and_quality_exclude_each_other(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["blb", "render", "--scene", "thicket", "--spp", "8", "--quality", "40", "--out", str(tmp_path)])
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def rings(film: Film, lens: Lens, edges: tuple[float, float], films: int) -> np.ndarray:
    return np.concatenate([pattern(film, lens, edges, 7, index) for index in range(films)])


def test_rays_fill_the_ring_and_every_pixel_evenly():
    film = Film(32, 18, 3, 4)
    rays = rings(film, Lens(), (0.4, 0.6), 8)
    radius = np.hypot(rays[..., 2], rays[..., 3])
    assert radius.min() + 1e-6 >= 0.4 and radius.max() <= 0.6 + 1e-6
    assert (radius**2).mean() == pytest.approx((0.4**2 + 0.6**2) / 2, rel=2e-3)  # uniform in area
    counts, _ = np.histogramdd(rays[..., :2].reshape(-1, 2), bins=(38, 24), range=((-3, 35), (-3, 21)))
    assert np.abs(counts - 16 * 8).max() <= 1  # single precision may round a ray over an edge


def test_rays_of_a_polygon_lie_in_it():
    film = Film(16, 16, 1, 4)
    lens = Lens(blades=5, rotation=0.3, ratio=2.0)
    rays = rings(film, lens, (0.0, 1.0), 2).reshape(-1, 4)
    from bokehbench.apertures import Aperture

    inside = Aperture(blades=5, rotation=0.3).contains(2.0 * rays[:, 2] * 0.999, rays[:, 3] * 0.999)
    assert inside.all()


def test_light_of_a_plane_lands_where_a_thin_lens_puts_it():
    """A point is sharp in the image of its own plane, a disc of radius K|d − d0| in another."""
    film, K = Film(64, 64, 9, 4), 8.0
    colour = np.zeros((2, 4, 64, 64, 4), np.float32)
    aux = np.zeros((2, 2, 64, 64, 6), np.float32)
    shifts = np.array([0.0, K])
    for index in range(4):
        rays = pattern(film, Lens(), (0.0, 1.0), 3, index)
        on = (np.hypot(rays[..., 0] - 32.0, rays[..., 1] - 32.0) < 1.5)[..., None]
        values = np.repeat(on, 3, axis=2).astype(np.float32)
        guides = np.zeros((*on.shape[:2], 6), np.float32)
        splat(rays, values, guides, index * 16, 4, shifts, colour, aux)
    assert np.abs(colour[0, ..., 3].sum(axis=0) - 64).max() <= 1
    assert colour[1, ..., 3].sum(axis=0).mean() == pytest.approx(64, rel=1e-3)
    y, x = np.mgrid[0:64, 0:64] + 0.5
    spread = []
    for plane in range(2):
        light = colour[plane, ..., 0].sum(axis=0) / colour[plane, ..., 3].sum(axis=0)
        assert light.sum() == pytest.approx(np.pi * 1.5**2, rel=0.03)
        spread.append(float((light * ((x - 32) ** 2 + (y - 32) ** 2)).sum() / light.sum()))
    assert math.sqrt(2.0 * (spread[1] - spread[0])) == pytest.approx(K, rel=0.02)


def half_apart(version: int, films: int) -> float:
    """Mean squared difference of both halves of an image of edges that lie off the reference plane."""
    film = Film(48, 32, 2, 4)
    colour = np.zeros((1, 4, 32, 48, 4), np.float32)
    aux = np.zeros((1, 2, 32, 48, 6), np.float32)
    for index in range(films):
        rays = pattern(film, Lens(), (0.0, 0.2), 3, index, version)
        x, y = rays[..., 0] + 15.0 * rays[..., 2], rays[..., 1] + 15.0 * rays[..., 3]
        checker = (np.floor(x / 5.3) + np.floor((y + 0.37 * x) / 4.1)) % 2.0
        values = np.repeat(checker[..., None], 3, axis=2).astype(np.float32)
        guides = np.zeros((*checker.shape, 6), np.float32)
        splat(rays, values, guides, index * 16, 4, np.array([2.0]), colour, aux)
    light = [colour[0, 2 * half] + colour[0, 2 * half + 1] for half in range(2)]
    means = [sums[..., 0] / np.maximum(sums[..., 3], 1.0) for sums in light]
    return float(((means[0] - means[1]) ** 2).mean())


def test_shared_rays_get_better_as_long_as_there_are_more_of_them():
    """Halves come together as 1/n; with the first pattern they stayed apart, each with its own error."""
    assert half_apart(2, 192) < 1.5 * half_apart(2, 12) / 16
    assert half_apart(1, 192) > 4.0 * half_apart(1, 12) / 16


def of_quarters(cells: int, rays: int) -> list[np.ndarray]:
    """So many rays of each quarter, [H, W, N, 4], with places within their pixels."""
    film = Film(24, 20, 0, cells)
    found = []
    for index in range(4 * rays // cells**2):
        films = pattern(film, Lens(), (0.0, 1.0), 9, index).reshape(20, cells, 24, cells, 4)
        found.append(films.transpose(0, 2, 1, 3, 4).reshape(20, 24, cells**2, 4))
    every = np.concatenate(found, axis=2)
    every[..., :2] %= 1.0
    return [every[:, :, quarter::4] for quarter in range(4)]


@pytest.mark.parametrize("cells", [1, 2, 4])
def test_the_part_of_a_pixel_says_nothing_of_the_point_of_the_lens(cells):
    for rays in of_quarters(cells, 256):
        outer = np.hypot(rays[..., 2], rays[..., 3]) ** 2 >= 0.5
        for axis in (0, 1):
            for parts in (2, 4):
                odd = (rays[..., axis] * parts).astype(int) % 2 == 1
                share = (odd == outer).mean(axis=2)
                # Sixteen blocks of sixteen rays, each in an order of its own.
                assert np.abs(share - 0.5).max() < 0.49 and abs(share.mean() - 0.5) < 0.02


@pytest.mark.parametrize("cells", [1, 2, 4])
def test_a_few_rays_lie_in_all_of_their_pixel(cells):
    for rays in of_quarters(cells, 16):
        for count, parts in ((4, 2), (8, 2), (12, 2), (16, 4)):
            column, row = ((rays[..., :count, axis] * parts).astype(int) for axis in (0, 1))
            place = np.sort(column * parts + row, axis=2)
            even = np.repeat(np.arange(parts**2), count // parts**2)
            assert (place == even).all(axis=2).mean() > 0.99  # single precision may round over an edge
