"""Claims about light: energy, reach, occlusion and symmetry of PISA's reference; its schedule, refusals."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bokehbench.baselines.bokehdiff.pisa import chance, mask, occlusion
from bokehbench.baselines.bokehdiff.pisa.reference import normalised, pisa_reference
from bokehbench.baselines.bokehdiff.pisa.scene import Scene, on_grid
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.errors import ConfigError

ALL = slice(None)
OPEN = PisaSettings(occlusion=False)


def smooth_scene(grid: tuple[int, int], seed: int = 0, side: int = 16, blur: float = 60.0) -> Scene:
    draw = torch.Generator().manual_seed(seed)
    size = (grid[0] * side, grid[1] * side)
    disparity = functional.interpolate(torch.rand(1, 1, 3, 4, generator=draw), size, mode="bilinear")
    return Scene(disparity, (disparity - 0.4).abs() * blur)


def weights(
    scene: Scene, grid: tuple[int, int], settings: PisaSettings, hardness: float, content: float = 0.0
) -> Tensor:
    """A, [queries, keys]: what comes out if each key's value is a unit vector of its own."""
    tokens = grid[0] * grid[1]
    draw = torch.Generator().manual_seed(4)
    query, key = (content * torch.randn(1, 1, tokens, tokens, generator=draw) for _ in range(2))
    value = torch.eye(tokens)[None, None]
    return pisa_reference(query, key, value, scene, grid, settings, hardness)[0, 0]


@pytest.mark.parametrize("hardness", [3.0, 1e7])
def test_each_source_gives_away_its_energy_once(hardness: float) -> None:
    grid = (4, 6)
    A = weights(smooth_scene(grid), grid, OPEN, hardness, content=2.0)
    assert torch.allclose(A.sum(0), torch.ones(24), atol=1e-5)
    ordinary = weights(
        smooth_scene(grid), grid, PisaSettings(occlusion=False, query_softmax=False), hardness, content=2.0
    )
    assert torch.allclose(ordinary.sum(1), torch.ones(24), atol=1e-5)
    assert (ordinary.sum(0) - 1.0).abs().max() > 0.1, "ordinary attention does not conserve energy"


def test_outputs_sum_to_the_sum_of_values() -> None:
    draw = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 3, 24, 5, generator=draw) for _ in range(3))
    out = pisa_reference(query, key, value, smooth_scene((4, 6)), (4, 6), OPEN, 50.0)
    assert torch.allclose(out.sum(2), value.sum(2), atol=1e-4)


def test_light_in_focus_stays_where_it_is_the_more_the_harder_the_mask() -> None:
    sharp = Scene(torch.full((1, 1, 64, 96), 0.5), torch.zeros(1, 1, 64, 96))
    astray = [1.0 - weights(sharp, (4, 6), OPEN, hardness).diagonal().min() for hardness in (3, 100, 1e7)]
    assert astray[0] > astray[1] > astray[2] and astray[2] < 1e-6


@pytest.mark.parametrize(
    ("size", "grid"), [((160, 240), (10, 15)), ((240, 160), (30, 10)), ((96, 160), (3, 20))]
)
def test_light_reaches_as_many_pixels_as_its_radius_whatever_the_aspect(
    size: tuple[int, int], grid: tuple[int, int]
) -> None:
    radius = 45.0
    scene = Scene(torch.full((1, 1, *size), 0.5), torch.full((1, 1, *size), radius))
    A = weights(scene, grid, OPEN, 1e7)
    y, x = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    place = torch.stack([y * size[0] / grid[0], x * size[1] / grid[1]], -1).flatten(0, 1).float()
    apart = torch.cdist(place, place)
    share = A / A.diagonal()  # of the source's own place
    assert (share[apart < radius - 5] > 0.99).all() and (share[apart > radius + 10] < 1e-6).all()


def test_a_ramp_is_reduced_to_its_values_at_the_centres_of_tokens() -> None:
    ramp = (torch.arange(96.0) + 0.5).expand(1, 1, 64, 96) / 96
    view = on_grid(Scene(ramp, 10 * ramp), (4, 6), 1)
    expected = (torch.arange(6.0) + 0.5).repeat(4) / 6
    assert torch.allclose(view.disparity[0], expected) and torch.allclose(view.radius[0], 10 * expected)
    found = view.look_up(view.centres()[None], ALL)
    assert torch.allclose(found[0], expected), "a ray that is not moved sees the token's own disparity"


def blocked_by(disparity: Tensor, grid: tuple[int, int], hardness: float = 1e7) -> Tensor:
    """O of one row of tokens of these disparities, [queries, keys]; rays through centres only."""
    maps = disparity.repeat_interleave(16)[None, None, None].expand(1, 1, 16 * grid[0], -1)
    view = on_grid(Scene(maps, torch.zeros_like(maps)), grid, 1)
    settings = PisaSettings(jitters=1)
    shifts = torch.zeros(1, view.tokens, 2)
    return occlusion.occlusion_map(view, shifts, settings, hardness)[0]


def test_a_near_wall_keeps_far_light_from_what_lies_behind_and_on_it() -> None:
    near = torch.tensor([0.2] * 4 + [0.9] * 3 + [0.2] * 4)
    O = blocked_by(near, (1, 11))  # noqa: E741
    wall, left, right = slice(4, 7), slice(0, 4), slice(7, 11)
    assert (O[wall, left] == 1).all() and (O[wall, right] == 1).all(), "far light lands on the wall"
    assert O[8, 2] == 1 and O[2, 8] == 1, "far light passes through the wall"
    assert (O[left, left] == 0).all() and (O[right, right] == 0).all(), "nothing is in the way beside it"


def test_a_far_wall_never_blocks_near_light() -> None:
    O = blocked_by(torch.tensor([0.9] * 3 + [0.1, 0.5, 0.3] + [0.9] * 3), (1, 9))  # noqa: E741
    assert (O[:, :3] == 0).all() and (O[:, 6:] == 0).all()


def test_some_light_is_left_while_the_mask_hardens() -> None:
    wall = torch.tensor([0.2] * 3 + [0.9] * 3)
    assert blocked_by(wall, (1, 6), 1e5).max() == pytest.approx(0.99)
    assert blocked_by(wall, (1, 6), 1e6).max() == 1.0


def test_jitter_makes_edges_of_shadows_soft_and_is_the_same_each_time() -> None:
    grid, settings = (1, 12), PisaSettings(jitters=64)
    maps = torch.tensor([0.2] * 6 + [0.9] * 6).repeat_interleave(16).expand(1, 1, 16, -1)
    view = on_grid(Scene(maps, torch.zeros_like(maps)), grid, 1)
    O = [  # noqa: E741
        occlusion.occlusion_map(view, chance.draw(settings, 12, None).shifts, settings, 1e7)[0]
        for _ in range(2)
    ]
    assert torch.equal(O[0], O[1])
    edge = O[0][6, 3]  # on the edge of the wall
    assert 0.05 < edge < 0.95 and O[0][1, 3] == 0 and O[0][9, 3] > 0.9


@pytest.mark.parametrize("compat", [False, True])
def test_nothing_is_nan_at_the_lens_or_at_infinity(compat: bool) -> None:
    draw = torch.Generator().manual_seed(0)
    disparity = torch.randint(0, 2, (1, 1, 64, 64), generator=draw).float()
    scene = Scene(disparity, 300 * disparity)
    for hardness in (3.0, 1e7):
        query, key, value = (30 * torch.randn(1, 1, 16, 4, generator=draw) for _ in range(3))
        query.requires_grad_()
        out = pisa_reference(query, key, value, scene, (4, 4), PisaSettings(compat=compat), hardness)
        out.sum().backward()
        assert out.isfinite().all() and query.grad is not None and query.grad.isfinite().all()


def test_a_source_whose_weights_all_vanish_gives_nothing() -> None:
    log_weight = torch.full((3, 2), -math.inf)
    log_weight[:, 1] = -1e30
    assert torch.equal(normalised(log_weight, 0), torch.tensor([[0.0, 1 / 3]] * 3))


@pytest.mark.parametrize("move", ["mirror", "turn upside down", "transpose"])
def test_a_mirrored_or_transposed_scene_gives_the_mirrored_or_transposed_picture(move: str) -> None:
    h, w = 5, 8
    axes = {"mirror": (-1,), "turn upside down": (-2,)}.get(move, ())

    def moved(picture: Tensor) -> Tensor:
        return picture.flip(axes) if axes else picture.mT

    def tokens(picture: Tensor) -> Tensor:  # [1, 1, d, h, w] -> [1, 1, N, d]
        return picture.flatten(-2).mT

    scene = smooth_scene((h, w), seed=3)
    other = Scene(moved(scene.disparity), moved(scene.radius))
    draw = torch.Generator().manual_seed(1)
    parts = [torch.randn(1, 1, 6, h, w, generator=draw) for _ in range(3)]
    settings = PisaSettings(jitters=1)  # jitters are drawn for places, which move
    grids = (h, w), (h, w) if axes else (w, h)
    out = pisa_reference(*map(tokens, parts), scene, grids[0], settings, 100.0)
    again = pisa_reference(*(tokens(moved(part)) for part in parts), other, grids[1], settings, 100.0)
    picture = out.mT.unflatten(-1, grids[0])
    assert torch.allclose(tokens(moved(picture)), again, atol=1e-5)


def test_without_its_parts_pisa_is_attention_over_queries() -> None:
    draw = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(1, 2, 24, 8, generator=draw) for _ in range(3))
    bare = PisaSettings(coc=False, occlusion=False, query_softmax=False)
    found = pisa_reference(query, key, value, smooth_scene((4, 6)), (4, 6), bare, 3.0)
    assert torch.allclose(found, functional.scaled_dot_product_attention(query, key, value), atol=1e-5)
    plain = PisaSettings(coc=False, occlusion=False)
    found = pisa_reference(query, key, value, smooth_scene((4, 6)), (4, 6), plain, 3.0)
    shares = functional.softmax(key @ query.mT / math.sqrt(8), dim=-1)  # a row for each source
    assert torch.allclose(found, shares.mT @ value, atol=1e-5)


def test_hardness_starts_at_3_grows_by_1_and_stops_at_a_million() -> None:
    assert [mask.hardness_after(calls) for calls in (0, 1, 240_000, 999_997, 2_000_000)] == [
        *(3.0, 4.0, 240_003.0),
        *(1e6, 1e6),
    ]
    view = on_grid(Scene(torch.ones(1, 1, 2, 40), torch.zeros(1, 1, 2, 40)), (1, 20), 1)
    for hardness, slope in ((3.0, 1.10), (1e6, 13.8), (1e7, 16.1)):  # logit, per 10 pixels
        drop = mask.log_mask(view, hardness, slice(0, 1), ALL)[0, 0]
        assert drop[0] - drop[5] == pytest.approx(slope - math.log(2), abs=0.4), "at 10 pixels"
        assert drop[10] - drop[15] == pytest.approx(slope, rel=0.1)


def test_dropout_drops_its_share_and_another_one_each_time() -> None:
    every = torch.arange(100)
    first, second = (chance.kept(seed, 0.1, (2, 3, 100), every, every) for seed in (5, 6))
    for found in (first, second):
        assert float(found.float().mean()) == pytest.approx(0.9, abs=4 * math.sqrt(0.09 / 6e4))
    assert float((first ^ second).float().mean()) == pytest.approx(0.18, abs=0.01)
    part = chance.kept(5, 0.1, (2, 3, 100), every[20:30], every[7:9])
    assert torch.equal(part, first[:, :, 20:30, 7:9])


def test_what_cannot_be_is_one_line() -> None:
    maps = torch.zeros(1, 1, 32, 48)
    token = torch.zeros(1, 1, 6, 4)
    with pytest.raises(ConfigError, match="square tiles, not 48x32"):
        pisa_reference(token, token, token, Scene(maps, maps), (2, 3), PisaSettings(compat=True), 3.0)
    with pytest.raises(ConfigError, match=r"\[B, heads, 9, d\] for a grid of 3x3"):
        pisa_reference(token, token, token, Scene(maps, maps), (3, 3), PisaSettings(), 3.0)
    with pytest.raises(ConfigError, match="3 pictures for a batch of 1"):
        pisa_reference(token, token, token, Scene(*[maps.expand(3, -1, -1, -1)] * 2), (2, 3), OPEN, 3.0)
    with pytest.raises(ConfigError, match="the radius map is"):
        Scene(maps, maps[..., 1:])
    for wrong in ({"samples": 0}, {"jitters": 0}, {"dropout": 1.0}, {"form": "fast"}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            PisaSettings(**wrong)
