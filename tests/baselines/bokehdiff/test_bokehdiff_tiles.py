"""Tiles: no seams, nothing left out, and each tile sees its own part of the scene."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bokehbench.baselines.bokehdiff import tiles
from bokehbench.baselines.bokehdiff.model import Layout
from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.baselines.diffusion.pictures import padded
from bokehbench.errors import ConfigError


@pytest.mark.parametrize("length", [*range(64, 200, 7), 240, 480])
def test_tiles_cover_an_axis_and_overlap_by_a_quarter_at_least(length):
    found = tiles.starts(length, 64)
    assert found[0] == 0 and found[-1] == length - 64
    assert all(one + 64 - two >= 16 for one, two in pairwise(found))


def test_an_axis_shorter_than_a_tile_is_refused():
    with pytest.raises(ConfigError, match="63 cells"):
        tiles.starts(63, 64)


@pytest.mark.parametrize(("height", "width"), [(512, 512), (513, 513), (700, 1100), (512, 2000)])
def test_an_identity_noise_model_is_the_identity_at_any_size(height, width):
    size = tiles.padded_size((height, width), 8, 512)
    z = torch.randn(1, 4, size[0] // 8, size[1] // 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(tiles.blended(z, 64, lambda part, top, left: part), z, atol=1e-5)


def test_weights_are_the_largest_in_the_middle_and_the_same_all_round():
    weight = tiles.weight(64)
    assert torch.equal(weight, weight.T) and torch.allclose(weight, weight.flip(0))
    assert float(weight[31:33, 31:33].min()) == float(weight.max())
    assert float(weight[0, 0]) == pytest.approx(np.exp(-8.0), rel=1e-5)


def test_tiles_that_differ_blend_without_a_jump():
    z = torch.zeros(1, 1, 64, 112)
    number = iter(range(100))
    made = tiles.blended(z, 64, lambda part, top, left: part + next(number))[0, 0]
    assert float(made.min()) >= 0.0 and float((made[:, 1:] - made[:, :-1]).abs().max()) < 0.12


@pytest.mark.parametrize("size", [(5, 7), (9, 7), (14, 23)])
def test_padding_reflects_as_often_as_it_takes(size):
    planes = torch.arange(35.0).reshape(1, 1, 5, 7)
    expected = np.pad(planes[0, 0].numpy(), ((0, size[0] - 5), (0, size[1] - 7)), mode="reflect")
    assert np.array_equal(padded(planes, size)[0, 0].numpy(), expected)


def test_a_single_row_can_be_padded():
    assert torch.equal(padded(torch.ones(1, 1, 1, 3), (4, 8)), torch.ones(1, 1, 4, 8))


def test_padded_sizes():
    assert tiles.padded_size((91, 117), 16, 256) == (96, 128)
    assert tiles.padded_size((100, 1400), 16, 256) == (256, 1408)
    assert tiles.padded_size((100, 100), 8, 512, cut=True) == (512, 512)


def fake(tile_px: int):
    """A model whose noise says what it was given."""
    seen: list[tuple] = []

    def noise(z, scene, sizes=None):
        seen.append((z.shape[-2:], scene.size, float(scene.radius[0, 0, 0, 0]), sizes))
        return z

    layout = Layout("compact", tile_px=tile_px)
    return SimpleNamespace(latent_px=4, layout=layout, noise=noise), seen


def test_each_tile_sees_its_own_part_of_the_scene():
    radius = torch.arange(128.0 * 256).reshape(1, 1, 128, 256)
    scene = Scene(torch.rand(1, 1, 128, 256), radius)
    z = torch.randn(1, 4, 32, 64)
    model, seen = fake(tile_px=64)
    assert torch.allclose(tiles.predicted_noise(model, z, scene), z, atol=1e-5)
    assert len(seen) > 2 and all(cells == (16, 16) and size == (64, 64) for cells, size, _, _ in seen)
    for _, _, first, sizes in seen:
        top, left = sizes[0, 2:4].tolist()
        assert first == radius[0, 0, top, left]
        assert sizes[0].tolist() == [128, 256, top, left, 64, 64]


def test_small_pictures_stay_whole_but_for_the_released_procedure():
    scene, z = Scene(torch.rand(1, 1, 64, 128), torch.rand(1, 1, 64, 128)), torch.randn(1, 4, 16, 32)
    model, seen = fake(tile_px=64)
    tiles.predicted_noise(model, z, scene)
    assert [entry[0] for entry in seen] == [(16, 32)] and seen[0][3] is None
    model, seen = fake(tile_px=64)
    tiles.predicted_noise(model, z, scene, compat=True)
    places = [entry[3][0].tolist() for entry in seen]
    assert places[0] == [64, 128, 0, 0, 64, 128] and places[-1] == [64, 128, 0, 16, 64, 128]
