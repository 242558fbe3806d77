"""Patches: no seams, nothing left out, the condition cut by the same grid (methods spec E.12)."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from bokehbench.baselines.magicbokeh import tiles
from bokehbench.errors import ConfigError


class Fake:
    """A model that answers with what `answer` makes of a patch, and notes what it was given."""

    def __init__(self, tile_px: int, answer=lambda patch, c: patch) -> None:
        self.layout = SimpleNamespace(tile_px=tile_px)
        self.answer = answer
        self.seen: list[tuple[torch.Tensor, torch.Tensor | None]] = []

    def __call__(self, patch, c):
        self.seen.append((patch, c))
        return self.answer(patch, c)


def picture(height: int, width: int, channels: int = 3) -> torch.Tensor:
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0


@pytest.mark.parametrize(("height", "width"), [(512, 512), (513, 513), (700, 1100), (300, 90), (1, 513)])
def test_an_identity_model_gives_the_picture_back(height, width):
    whole = picture(height, width)
    model = Fake(512)
    found = tiles.rendered(model, whole, None)
    assert found.shape == whole.shape and (found - whole).abs().max() < 1e-6
    assert all(patch.shape[-2:] == (512, 512) for patch, _ in model.seen)


def test_a_picture_of_one_patch_is_what_the_model_made_bit_for_bit():
    whole = picture(512, 512)
    assert torch.equal(tiles.rendered(Fake(512), whole, None), whole)


def test_patches_begin_every_256_pixels_and_one_more_at_the_end():
    assert tiles.starts(512, 512) == [0]
    assert tiles.starts(1024, 512) == [0, 256, 512]
    assert tiles.starts(700, 512) == [0, 188]
    assert tiles.starts(1100, 512) == [0, 256, 512, 588]
    with pytest.raises(ConfigError, match="511 pixels is shorter"):
        tiles.starts(511, 512)


@pytest.mark.parametrize("length", [64, 65, 80, 96, 127, 128, 200])
def test_weights_cover_an_axis_and_rise_over_half_a_patch(length):
    total = torch.zeros(length)
    for start in tiles.starts(length, 64):
        weight = tiles.ramps(start, 64, length)
        assert float(weight.min()) > 0.0 and float(weight.max()) == pytest.approx(1.0, abs=0.02)
        assert (weight.diff().abs() <= 1 / 32 + 1e-6).all()
        total[start : start + 64] += weight
    assert float(total.min()) >= 1.0 - 1e-6


def test_a_grid_of_whole_steps_adds_up_to_1():
    total = torch.zeros(256)
    for start in tiles.starts(256, 64):
        total[start : start + 64] += tiles.ramps(start, 64, 256)
    assert torch.allclose(total, torch.ones(256))


def test_borders_of_the_picture_have_no_ramp():
    whole = torch.zeros(1, 3, 32, 96)
    number = iter(range(10))
    found = tiles.blended((32, 96), 32, lambda top, left: whole[..., :32, :32] + next(number))[0, 0]
    # The rims are the first and the last patch's alone; in between nothing jumps.
    assert float(found[0, 0]) == 0.0 and float(found[0, -1]) == 4.0
    assert float(found.diff(dim=1).abs().max()) < 0.1


def test_each_patch_sees_its_own_part_of_the_condition():
    whole, c = picture(70, 110), picture(70, 110, 1).abs()
    model = Fake(32, lambda patch, c: c.expand(-1, 3, -1, -1))
    assert (tiles.rendered(model, whole, c) - c).abs().max() < 1e-6
    for patch, part in model.seen:
        place = (whole[0, 0] == patch[0, 0, 0, 0]).nonzero()[0].tolist()
        assert part[0, 0, 0, 0] == c[0, 0, place[0], place[1]]


def test_without_a_condition_there_is_none():
    model = Fake(32)
    tiles.rendered(model, picture(40, 20), None)
    assert model.seen and all(c is None for _, c in model.seen)


def test_patches_are_cut_off_at_black_and_white_before_they_are_blended():
    made = tiles.rendered(Fake(32, lambda patch, c: patch * 100.0), picture(48, 48), None)
    assert float(made.min()) >= -1.0 - 1e-6 and float(made.max()) <= 1.0 + 1e-6
