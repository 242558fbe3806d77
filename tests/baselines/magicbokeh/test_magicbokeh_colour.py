"""Colours: what a correction has to keep, and what it must not touch."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from bokehbench.baselines.magicbokeh import colour
from bokehbench.errors import ConfigError


def pictures(seed: int = 0):
    random = torch.Generator().manual_seed(seed)
    given = torch.rand(1, 3, 40, 56, generator=random)
    return 0.3 * torch.rand(1, 3, 40, 56, generator=random) + 0.1, given


def sharp_and_blurred():
    """A picture and its light averaged over areas of 8 x 8 pixels: no light is lost."""
    given = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(1)) ** 3
    light = functional.interpolate(functional.avg_pool2d(given**2.2, 8), scale_factor=8)
    return given, light ** (1 / 2.2)


def test_light_is_that_of_the_input():
    made, given = pictures()
    found = colour.correction("mean")(made, given)
    assert torch.allclose((found**2.2).mean((-2, -1)), (given**2.2).mean((-2, -1)), atol=1e-6)
    assert torch.equal(colour.mean(torch.zeros_like(given), given), torch.zeros_like(given))


@pytest.mark.parametrize("name", ["shift", "adain"])
def test_encoded_means_are_those_of_the_input(name):
    made, given = pictures()
    found = colour.correction(name)(made, given)
    assert torch.allclose(found.mean((-2, -1)), given.mean((-2, -1)), atol=1e-6)


def test_true_blur_has_the_light_of_the_sharp_picture_and_not_its_encoded_mean_or_contrast():
    given, blurred = sharp_and_blurred()
    errors = {
        name: float((f(blurred, given) - blurred).abs().max()) for name, f in colour.CORRECTIONS.items()
    }
    assert errors["mean"] < 1e-5 and errors["none"] == 0.0
    assert errors["shift"] > 0.05 and errors["adain"] > 2.0 * errors["shift"]


def test_a_shift_leaves_contrast_as_it_was_made():
    made, given = pictures()
    assert torch.allclose(colour.shift(made, given).std((-2, -1)), made.std((-2, -1)), atol=1e-6)


def test_adain_gives_a_blurred_picture_the_contrast_of_the_sharp_one():
    made, given = pictures()
    found = colour.adain(made, given).std((-2, -1))
    assert torch.allclose(found, given.std((-2, -1)), rtol=1e-3) and (found > made.std((-2, -1))).all()


@pytest.mark.parametrize("name", list(colour.CORRECTIONS))
def test_what_has_the_input_s_colours_stays(name):
    _, given = pictures()
    assert torch.allclose(colour.correction(name)(given, given), given, atol=1e-6)
    even = torch.full_like(given, 0.3)
    assert torch.allclose(colour.correction(name)(even, even), even, atol=1e-6)


def test_the_wavelet_takes_what_is_coarse_and_leaves_what_is_fine():
    _, given = pictures()
    # Large enough that rims, which are continued, do not matter.
    rows = torch.arange(256.0)
    coarse = (0.5 + 0.2 * torch.sin(rows * torch.pi / 128))[None, None, :, None].expand(1, 3, 256, 256)
    fine = (0.1 * (-1.0) ** rows)[None, None, :, None].expand(1, 3, 256, 256)
    found = colour.wavelet(fine + 0.7, coarse)
    assert (found - coarse - fine)[..., 64:-64, :].abs().max() < 0.02
    assert torch.allclose(colour.wavelet(given, given), given, atol=1e-5)
    assert torch.allclose(colour.coarse(torch.ones(1, 3, 9, 70)), torch.ones(1, 3, 9, 70), atol=1e-5)


def test_an_unknown_correction_is_named():
    with pytest.raises(ConfigError, match="colour must be one of mean, shift, adain, none, not 'wavelet'"):
        colour.correction("wavelet")
