import numba
import numpy as np
import pytest

from bokehbench.baselines.layer_stack import composite as composite_layers
from bokehbench.baselines.layer_stack import composite_reference as reference_of_layers
from bokehbench.baselines.layer_stack import disc
from bokehbench.baselines.sterefo import SteReFo, cut_layers
from bokehbench.cases import Inputs
from bokehbench.optics import Aperture, Lens, encode


def composite(light, disparity, lens):
    return composite_layers(light, cut_layers(disparity, lens), lens.aperture)


def composite_reference(light, disparity, lens):
    return reference_of_layers(light, cut_layers(disparity, lens), lens.aperture)


def scene() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    light = (rng.random((60, 80, 3)) ** 4).astype(np.float32)
    light[rng.integers(0, 60, 6), rng.integers(0, 80, 6)] = 40.0
    disparity = np.linspace(0, 1, 80, dtype=np.float32)[None].repeat(60, 0).copy()
    disparity[20:40, 30:50] = 0.95
    return light, disparity


@pytest.mark.parametrize("K", [0.0, 4.0, 70.0])
@pytest.mark.parametrize("aperture", [Aperture(), Aperture(blades=5), Aperture(inner=0.5)])
def test_kernel_equals_the_reference(K, aperture):
    light, disparity = scene()
    lens = Lens(K, 0.4, aperture=aperture)
    expected = encode(np.clip(composite_reference(light, disparity, lens), 0, 1), 2.2)
    got = encode(np.clip(composite(light, disparity, lens), 0, 1), 2.2)
    assert np.abs(got - expected).max() < 2e-4


def test_no_blur_is_the_input():
    light, disparity = scene()
    assert np.allclose(composite(light, disparity, Lens(0.0, 0.5)), light, rtol=1e-6, atol=1e-9)


def test_focal_plane_stays_sharp_away_from_edges():
    light, disparity = scene()
    disparity[:] = 0.1
    disparity[:, 40:] = 0.62
    got = composite(light, disparity, Lens(90.0, 0.62))
    # Nothing nearer than the focal plane can cover it; the far layer lies behind.
    assert np.allclose(got[:, 40:], light[:, 40:], rtol=1e-5)


def test_constant_image_stays_constant_across_seams():
    _, disparity = scene()
    got = composite(np.full((60, 80, 3), 0.3, np.float32), disparity, Lens(12.0, 0.5))
    assert np.abs(got - 0.3).max() < 1e-5


@pytest.mark.parametrize("radius", [0.3, 2.0, 11.6])
def test_one_plane_is_a_convolution_with_the_disc(radius):
    light = np.zeros((61, 61, 3), np.float32)
    light[30, 30] = 1.0
    disparity = np.zeros((61, 61), np.float32)
    got = composite(light, disparity, Lens(radius, 1.0))[..., 0]
    kernel = disc(-radius, Aperture())
    half = kernel.shape[0] // 2
    assert np.allclose(got[30 - half : 31 + half, 30 - half : 31 + half], kernel, atol=1e-6)
    # The linear rim keeps the area of the true disc once the disc is larger than the rim.
    if radius > 1.0:
        assert 1.0 / kernel.max() == pytest.approx(np.pi * radius**2, rel=0.05)


def test_layers_differ_by_at_most_a_pixel_of_radius_and_focus_is_a_centre():
    _, disparity = scene()
    layers = cut_layers(disparity, Lens(40.0, 0.37))
    assert (np.diff(layers.defocus) <= 1.0 + 1e-9).all() and np.abs(layers.defocus).min() < 1e-9
    assert all(
        np.abs(40.0 * (disparity[layers.mask(n) > 0] - 0.37) - defocus).max() <= 0.5 + 1e-5
        for n, defocus in enumerate(layers.defocus)
    )
    assert len(cut_layers(disparity, Lens(500.0, 0.37)).defocus) <= 66


def test_a_near_light_covers_what_is_behind_and_not_the_other_way_round():
    light = np.zeros((41, 41, 3), np.float32)
    light[:, :20] = 1.0
    disparity = np.where(np.arange(41) < 20, 1.0, 0.0)[None].repeat(41, 0).astype(np.float32)
    near_blurred = composite(light, disparity, Lens(8.0, 0.0))
    assert 0.2 < near_blurred[20, 21, 0] < 0.8  # the white foreground reaches over the edge
    far_blurred = composite(light, disparity, Lens(8.0, 1.0))
    assert far_blurred[20, 19, 0] > 0.999  # the dark background does not


def test_result_does_not_depend_on_threads():
    light, disparity = (np.tile(part, (3, *[1] * (part.ndim - 1))) for part in scene())
    many = composite(light, disparity, Lens(9.0, 0.2))
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        one = composite(light, disparity, Lens(9.0, 0.2))
    finally:
        numba.set_num_threads(threads)
    assert np.array_equal(many, one)


def test_renderer_encodes_with_the_lens_gamma():
    light, disparity = scene()
    image = encode(light, 3.0).astype(np.float32)
    lens = Lens(5.0, 0.5, gamma=3.0)
    got = SteReFo().render(Inputs("k", image, disparity, lens))
    assert got.dtype == np.float32
    assert np.abs(got - encode(composite_reference(light, disparity, lens), 3.0)).max() < 2e-3
