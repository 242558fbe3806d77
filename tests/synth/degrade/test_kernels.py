"""Claims about blur kernels: unit sum, symmetry, and what an independent library makes of the same words."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bokehbench.synth.degrade import kernels

ODD = st.integers(3, 10).map(lambda half: 2 * half + 1)
SIGMA = st.floats(0.2, 3.0)
BETA = st.floats(0.5, 4.0)


@settings(max_examples=40, deadline=None)
@given(
    size=ODD,
    a=SIGMA,
    b=SIGMA,
    theta=st.floats(-3.14, 3.14),
    beta=BETA,
    make=st.sampled_from(["gaussian", "plateau"]),
)
def test_a_kernel_keeps_brightness_and_does_not_shift(size, a, b, theta, beta, make) -> None:
    kernel = getattr(kernels, make)(size, (a, b), theta, beta)
    assert kernel.shape == (size, size)
    assert kernel.sum() == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-7)
    assert kernel.min() >= 0.0


@pytest.mark.parametrize("cutoff", [np.pi / 5, np.pi / 3, 2.0, np.pi])
@pytest.mark.parametrize("size", [7, 13, 21])
def test_the_sinc_filter_keeps_brightness_and_rings(cutoff: float, size: int) -> None:
    kernel = kernels.sinc(size, cutoff)
    assert kernel.sum() == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(kernel, np.rot90(kernel), atol=1e-7)
    if cutoff * (size // 2) > 4.0:  # beyond the first zero of J1
        assert kernel.min() < 0.0


def test_the_sinc_filter_passes_below_its_cutoff_and_stops_above() -> None:
    cutoff, size = 1.6, 51
    spectrum = np.abs(np.fft.fft(kernels.sinc(size, cutoff), 512, axis=1).sum(axis=0))
    omega = 2 * np.pi * np.arange(512) / 512
    assert np.abs(spectrum[omega < cutoff - 0.25] - 1.0).max() < 0.15
    assert spectrum[(omega > cutoff + 0.25) & (omega < np.pi)].max() < 0.15


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.9])
def test_iso_is_the_gaussian_of_opencv_and_symmetric(sigma: float) -> None:
    line = cv2.getGaussianKernel(21, sigma, cv2.CV_64F)
    kernel = kernels.gaussian(21, (sigma, sigma))
    np.testing.assert_allclose(kernel, line @ line.T, atol=1e-7)
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-7)
    assert kernels.separated(kernel) is not None


def test_the_angle_turns_the_long_axis_from_x_to_y() -> None:
    y, x = np.mgrid[-10:11, -10:11]
    flat, turned = kernels.gaussian(21, (2.0, 0.5)), kernels.gaussian(21, (2.0, 0.5), np.pi / 2)
    assert (flat * x**2).sum() == pytest.approx(4.0, rel=0.02)
    assert (turned * y**2).sum() == pytest.approx(4.0, rel=0.02)
    tilted = kernels.gaussian(21, (2.0, 0.5), np.pi / 4)
    assert (tilted * x * y).sum() > 1.0


def test_beta_one_is_gaussian_and_large_beta_is_flat() -> None:
    np.testing.assert_array_equal(
        kernels.gaussian(21, (2.0, 2.0), 0.0, 1.0), kernels.gaussian(21, (2.0, 2.0))
    )
    flat = kernels.gaussian(21, (5.0, 5.0), 0.0, 4.0)
    assert flat[10, 10] == pytest.approx(flat[10, 13], rel=0.01)
    assert flat[10, 10] > 100 * flat[10, 20]


@pytest.mark.parametrize("sigma", [0.2, 0.7, 1.5])
def test_what_is_cut_off_a_kernel_weighs_nothing(sigma: float) -> None:
    kernel = kernels.gaussian(21, (sigma, sigma))
    small = kernels.cropped(kernel)
    assert small.shape < kernel.shape
    whole = np.pad(small, (21 - small.shape[0]) // 2)
    assert np.abs(whole - kernel).sum() < 5e-6
