"""Colours: what a correction has to keep, and what it must not touch."""

from __future__ import annotations

import pytest
import torch

from bokehbench.baselines.magicbokeh import colour
from bokehbench.errors import ConfigError


def pictures(seed: int = 0):
    random = torch.Generator().manual_seed(seed)
    given = torch.rand(1, 3, 40, 56, generator=random)
    return 0.3 * torch.rand(1, 3, 40, 56, generator=random) + 0.1, given


@pytest.mark.parametrize("name", ["mean", "adain"])
def test_means_are_those_of_the_input(name):
    made, given = pictures()
    found = colour.correction(name)(made, given)
    assert torch.allclose(found.mean((-2, -1)), given.mean((-2, -1)), atol=1e-6)


def test_the_mean_alone_leaves_contrast_as_it_was_made():
    made, given = pictures()
    assert torch.allclose(colour.mean(made, given).std((-2, -1)), made.std((-2, -1)), atol=1e-6)


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
    with pytest.raises(ConfigError, match="colour must be one of mean, adain, none, not 'wavelet'"):
        colour.correction("wavelet")
