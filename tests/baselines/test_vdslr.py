import numba
import numpy as np
import pytest

from bokehbench.baselines.vdslr import VDSLR, lens_points, trace, trace_reference
from bokehbench.cases import Inputs
from bokehbench.errors import ConfigError
from bokehbench.optics import Aperture, Lens, encode


def scene() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    light = (rng.random((36, 50, 3)) ** 3).astype(np.float32)
    y, x = np.mgrid[:36, :50]
    disparity = (0.2 + 0.1 * np.sin(x / 9.0) + 0.1 * np.cos(y / 7.0)).astype(np.float32)
    disparity[10:26, 18:34] = 0.9
    return light, disparity


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    difference = np.clip(encode(a, 2.2), 0, 1) - np.clip(encode(b, 2.2), 0, 1)
    return float(-10 * np.log10(np.mean(difference**2) + 1e-20))


@pytest.mark.parametrize("aperture", [Aperture(), Aperture(blades=5, rotation=0.2), Aperture(inner=0.5)])
@pytest.mark.parametrize(("K", "focus"), [(3.0, 0.9), (9.0, 0.2)])
def test_marching_kernel_equals_the_reference(K, focus, aperture):
    light, disparity = scene()
    lens = Lens(K, focus, aperture=aperture)
    points = lens_points(disparity, lens)[::3]
    expected = trace_reference(light, disparity, lens, points)
    # Points thinned for the reference lie apart: without the pyramid both read the same light.
    got = trace(light, disparity, lens, points=points, filtered=False)
    assert psnr(got, expected) > 70.0


def test_random_search_finds_nearly_the_same_light():
    light, disparity = scene()
    lens = Lens(8.0, 0.5)
    # They differ under rims, where the search ends on either side; the light here is white noise.
    assert psnr(trace(light, disparity, lens, rounds=4), trace(light, disparity, lens)) > 30.0


def test_random_search_repeats_itself_and_threads_do_not_matter():
    light, disparity = scene()
    lens = Lens(6.0, 0.5)
    many = [trace(light, disparity, lens, rounds) for rounds in (0, 3)]
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        one = [trace(light, disparity, lens, rounds) for rounds in (0, 3)]
    finally:
        numba.set_num_threads(threads)
    assert all(np.array_equal(a, b) for a, b in zip(many, one, strict=True))


@pytest.mark.parametrize("rounds", [0, 3])
def test_no_blur_is_the_input(rounds):
    light, disparity = scene()
    assert np.array_equal(trace(light, disparity, Lens(0.0, 0.5), rounds), light)


@pytest.mark.parametrize("rounds", [0, 3])
def test_constant_light_stays_constant(rounds):
    _, disparity = scene()
    got = trace(np.full((36, 50, 3), 0.4, np.float32), disparity, Lens(9.0, 0.1), rounds)
    assert np.abs(got - 0.4).max() < 1e-5


def test_one_plane_spreads_a_light_over_the_circle_of_confusion():
    light = np.zeros((61, 61, 3), np.float32)
    light[30, 30] = 1.0
    got = trace(light, np.zeros((61, 61), np.float32), Lens(14.0, 1.0))[..., 0]
    y, x = np.mgrid[-30:31, -30:31]
    distance = np.hypot(x, y)
    assert got.sum() == pytest.approx(1.0, abs=0.02)
    assert got[distance > 16.5].max() == 0.0
    inside = got[distance < 12.0] * np.pi * 14.0**2
    assert inside.mean() == pytest.approx(1.0, abs=0.05) and inside.std() < 0.35


def test_rays_farther_apart_than_a_pixel_still_draw_a_smooth_disc():
    light = np.zeros((131, 131, 3), np.float32)
    light[65, 65] = 1.0
    lens = Lens(50.0, 1.0)
    disparity = np.zeros((131, 131), np.float32)
    y, x = np.mgrid[-65:66, -65:66]
    inside = np.hypot(x, y) < 45.0
    smooth, dotted = (trace(light, disparity, lens, filtered=on)[..., 0][inside] for on in (True, False))
    assert smooth.std() / smooth.mean() < 0.4 < 0.5 * dotted.std() / dotted.mean()


def test_a_far_light_spreads_as_the_aperture_and_a_near_one_turned():
    light = np.zeros((41, 41, 3), np.float32)
    light[20, 20] = 1.0
    triangle = Aperture(blades=3)
    flat = np.full((41, 41), 0.5, np.float32)
    far = trace(light, flat, Lens(20.0, 1.0, aperture=triangle))[..., 0]
    near = trace(light, flat, Lens(20.0, 0.0, aperture=triangle))[..., 0]
    assert far[20, 27] > 0 and far[20, 13] == 0 and near[20, 13] > 0 and near[20, 27] == 0


def edge(focus: float) -> np.ndarray:
    """A row across a white foreground at the left of a dark background."""
    light = np.zeros((41, 41, 3), np.float32)
    light[:, :20] = 1.0
    disparity = np.where(np.arange(41) < 20, 1.0, 0.0)[None].repeat(41, 0).astype(np.float32)
    return trace(light, disparity, Lens(8.0, focus))[20, :, 0]


def test_a_sharp_foreground_is_sharp_and_has_no_halo():
    row = edge(focus=1.0)
    assert (row[:19] > 0.999).all() and row[21:].max() < 0.1


def test_a_blurred_foreground_fades_on_both_sides_of_its_rim():
    row = edge(focus=0.0)
    assert (np.diff(row[10:31]) < 1e-6).all() and row[10] > 0.99 and row[30] < 0.01
    assert 0.3 < row[19:21].mean() < 0.7


def test_renderer_and_its_options():
    light, disparity = scene()
    lens = Lens(4.0, 0.5, gamma=2.0)
    image = encode(light, 2.0).astype(np.float32)
    got = VDSLR().render(Inputs("k", image, disparity, lens))
    assert got.dtype == np.float32 and np.abs(got - encode(trace(light, disparity, lens), 2.0)).max() < 1e-3
    with pytest.raises(ConfigError, match="search"):
        VDSLR(search="guess")
    with pytest.raises(ConfigError, match="rounds"):
        VDSLR(search="random", rounds=0)
