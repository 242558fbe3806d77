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
    noisy = [truth * (1.0 + noise * rng.standard_normal(truth.shape)) for _ in range(4)]
    return [quarter.astype(np.float32) for quarter in noisy]


def halves(parts: list[np.ndarray]) -> list[np.ndarray]:
    return [(parts[0] + parts[1]) / 2, (parts[2] + parts[3]) / 2]


def true_error(image: np.ndarray, truth: np.ndarray) -> float:
    return float(((sampling.encoded(image) - sampling.encoded(truth)) ** 2).mean())


def cautious(clean: list[np.ndarray], parts: list[np.ndarray], known: float) -> bool:
    """Whether the estimate is right within a decibel, and hardly better than the truth."""
    difference = sampling.psnr(sampling.squared_error(clean, parts)) - sampling.psnr(known)
    return -1.0 < difference < 0.2


@pytest.mark.parametrize("blur", [0.0, 0.7, 3.0])
@pytest.mark.parametrize("noise", [0.05, 0.4])
def test_the_estimate_sees_noise_and_what_a_denoiser_blurs(blur, noise):
    truth = scene()
    parts = quarters(truth, noise)
    clean = [gaussian_filter(half, (blur, blur, 0)) for half in halves(parts)]
    known = true_error((clean[0] + clean[1]) / 2, truth)
    assert cautious(clean, parts, known)
    # The difference of two halves, which is usually quoted, misses the blur.
    seen = float(((sampling.encoded(clean[0]) - sampling.encoded(clean[1])) ** 2).mean()) / 4
    assert (seen < known / 4) == (blur > 0)


def test_reconciling_takes_back_detail_and_not_noise():
    truth = scene()
    parts = quarters(truth, 0.1)
    raw = halves(parts)
    clean = [gaussian_filter(half, (2, 2, 0)) for half in raw]
    better = sampling.reconciled(clean, raw)
    before, after = (true_error((pair[0] + pair[1]) / 2, truth) for pair in (clean, better))
    assert after < before / 4
    assert cautious(better, parts, after)


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
