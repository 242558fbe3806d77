"""Focus-aware mask attention: regions on any grid, both computations, and the attention that it adds to."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0

from bokehbench.baselines.magicbokeh.fama.fast import attention_fast, attention_masked
from bokehbench.baselines.magicbokeh.fama.processor import FamaProcessor, Sight, install
from bokehbench.baselines.magicbokeh.fama.reference import attention_reference
from bokehbench.baselines.magicbokeh.fama.regions import regions_of
from bokehbench.baselines.magicbokeh.fama.settings import FamaSettings
from bokehbench.errors import ConfigError

ACROSS = (-100.0, -math.inf)


def disc(height: int, width: int, radius: float, batch: int = 1) -> torch.Tensor:
    """A condition [batch, 1, H, W]: 0 inside a disc in the middle, 0.5 outside."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    outside = torch.hypot(y - height / 2, x - width / 2) > radius
    return (0.5 * outside)[None, None].expand(batch, 1, -1, -1)


def tokens(count: int, batch: int = 1, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, 2, count, 4, generator=generator) for _ in range(3)]


def test_focus_ends_at_three_pixels_of_blur():
    radius = torch.tensor([0.0, 3.1, 3.2, 3.3, 32.0]).expand(5, -1)
    assert regions_of(radius[None, None] / 32.0, (1, 5)).focus.tolist() == [[True] * 3 + [False] * 2]


@pytest.mark.parametrize("side", [8, 16, 32, 64])
def test_a_square_patch_has_the_regions_of_the_released_code(side):
    condition = torch.rand(1, 1, 512, 512, generator=torch.Generator().manual_seed(1))
    condition = torch.nn.functional.avg_pool2d(condition, 31, 1, 15) ** 4 * 2.0
    step = 512 // side
    expected = condition[0, 0, ::step, ::step] <= 0.1
    assert torch.equal(regions_of(condition, (side, side)).focus[0].reshape(side, side), expected)


@pytest.mark.parametrize(("size", "grid"), [((40, 88), (5, 11)), ((37, 53), (5, 7)), ((8, 200), (1, 25))])
def test_a_disc_covers_its_share_of_any_grid(size, grid):
    found = regions_of(disc(*size, radius=min(size) / 3), grid)
    share = math.pi * (min(size) / 3) ** 2 / (size[0] * size[1])
    assert float(found.share.mean()) == pytest.approx(share, rel=0.2)
    assert found.focus.shape == (1, grid[0] * grid[1])


@pytest.mark.parametrize("across", ACROSS)
def test_the_reference_is_its_formula_token_by_token(across):
    query, key, value = tokens(12)
    regions = regions_of(disc(24, 32, 9.0), (3, 4))
    made = attention_reference(query, key, value, regions, across)
    for head in range(2):
        q, k, v = (one[0, head].double().numpy() for one in (query, key, value))
        for one in range(12):
            logits = k @ q[one] / 2.0
            logits += np.where(regions.focus[0].numpy() == bool(regions.focus[0, one]), 0.0, across)
            weights = np.exp(logits - logits.max())
            assert np.allclose(made[0, head, one].numpy(), weights @ v / weights.sum(), atol=1e-6)


SPOT = torch.ones(1, 1, 32, 48)
SPOT[..., 13:16, 21:23] = 0.0  # of the corners of an 8 px grid none is in it
SCENES = {
    "square": (disc(32, 32, 9.0, 2), (4, 4)),
    "wide": (disc(24, 88, 11.0, 2), (3, 11)),
    "tall": (disc(104, 16, 7.0, 1), (13, 2)),
    "all in focus": (torch.zeros(2, 1, 24, 40), (3, 5)),
    "nothing in focus": (torch.ones(1, 1, 24, 40), (3, 5)),
    "a spot between the tokens": (SPOT, (4, 6)),
    "of several kinds": (torch.cat([disc(32, 48, 12.0), torch.zeros(1, 1, 32, 48), SPOT]), (4, 6)),
}


@pytest.mark.parametrize("across", ACROSS)
@pytest.mark.parametrize("scene", list(SCENES))
def test_fast_is_the_reference_with_its_gradients(scene, across):
    condition, grid = SCENES[scene]
    regions = regions_of(condition, grid)
    parts = tokens(grid[0] * grid[1], condition.shape[0], seed=len(scene))
    weight = torch.randn(parts[0].shape, generator=torch.Generator().manual_seed(9))
    found = []
    for attend in (attention_reference, attention_fast, attention_masked):
        leaves = [part.clone().requires_grad_() for part in parts]
        made = attend(*leaves, regions, across)
        found.append([made.detach(), *torch.autograd.grad((made * weight).sum(), leaves)])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            assert bool(torch.isfinite(two).all())
            torch.testing.assert_close(one, two, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("attend", [attention_reference, attention_fast])
@pytest.mark.parametrize("across", ACROSS)
def test_what_is_blurred_does_not_reach_what_is_in_focus(attend, across):
    query, key, value = tokens(24)
    regions = regions_of(disc(32, 48, 12.0), (4, 6))
    focus = regions.focus[0]
    assert 0 < int(focus.sum()) < 24
    other = [torch.where(focus[:, None], one, 3.0 - one) for one in (key, value)]
    one, two = attend(query, key, value, regions, across), attend(query, *other, regions, across)
    assert torch.allclose(one[:, :, focus], two[:, :, focus], atol=1e-6)
    assert not torch.allclose(one[:, :, ~focus], two[:, :, ~focus], atol=1e-2)


def test_a_region_without_a_token_makes_soft_ones():
    regions = regions_of(torch.cat([SPOT, disc(32, 48, 12.0)]), (4, 6))
    assert regions.soft.tolist() == [True, False] and not bool(regions.focus[0].any())
    bias = regions.bias(-math.inf)[0, 0]
    spotted = int(regions.share[0].argmax())
    assert bool(torch.isfinite(bias).all()) and float(bias.max()) <= 0.0
    assert float(bias[spotted, 0]) == pytest.approx(math.log(1.0 - 6 / 64), abs=1e-4)
    assert float(bias[0, 1]) == 0.0
    fainter = SPOT.clone()
    fainter[..., 14:, :] = 1.0
    less = regions_of(fainter, (4, 6)).bias(-math.inf)[0, 0]
    assert float(bias.min()) < float(less.min()) < 0.0


# ------------------------------------------------------------------------------------- in diffusers


def attention(settings: FamaSettings, trained: bool = False) -> tuple[Attention, Sight]:
    torch.manual_seed(2)
    attn, sight = Attention(query_dim=16, heads=2, dim_head=8), Sight(settings)
    attn.set_processor(FamaProcessor(16, sight))
    if trained:
        for name, parameter in attn.processor.named_parameters():
            torch.nn.init.normal_(parameter, std=0.5) if name.endswith("1.weight") else None
    return attn.eval(), sight


def plain(attn: Attention, seen: torch.Tensor) -> torch.Tensor:
    return AttnProcessor2_0()(attn, seen)


@pytest.mark.parametrize("compute", ["reference", "fast"])
@pytest.mark.parametrize(
    "condition", [disc(32, 48, 12.0), torch.zeros(1, 1, 32, 48), torch.ones(1, 1, 32, 48)]
)
def test_a_fresh_lora_leaves_the_released_form_the_ordinary_attention(compute, condition):
    attn, sight = attention(FamaSettings(rank=3, compute=compute))
    seen = torch.randn(1, 24, 16)
    with torch.no_grad(), sight.seeing(condition):
        assert torch.allclose(attn(seen), plain(attn, seen), atol=1e-6)


def test_the_paper_s_form_masks_the_attention_itself():
    attn, sight = attention(FamaSettings("paper", rank=3))
    seen, condition = torch.randn(1, 24, 16), disc(32, 48, 12.0)
    focus = regions_of(condition, (4, 6)).focus[0]
    with torch.no_grad():
        assert torch.allclose(attn(seen), plain(attn, seen), atol=1e-6)
        with sight.seeing(condition):
            made = attn(seen)
        for part in (focus, ~focus):  # as if there were no other tokens
            assert torch.allclose(made[:, part], plain(attn, seen[:, part]), atol=1e-5)


@pytest.mark.parametrize("form", ["released", "paper"])
@pytest.mark.parametrize("condition", [None, disc(32, 48, 12.0)])
def test_a_trained_lora_does_what_its_formula_says(form, condition):
    attn, sight = attention(FamaSettings(form, rank=3), trained=True)
    seen = torch.randn(1, 24, 16)
    own = attn.processor
    parts = []
    for name in ("q", "k", "v"):
        layer, lora = getattr(attn, f"to_{name}"), getattr(own, f"to_{name}_lora")
        matrix = layer.weight + lora[1].weight @ lora[0].weight / 3
        parts.append((seen @ matrix.T).unflatten(-1, (2, 8)).transpose(1, 2))
    regions = None if condition is None else regions_of(condition, (4, 6))
    mixed = attention_reference(*parts, regions, sight.settings.across).transpose(1, 2).flatten(2)
    shift = mixed @ (own.to_out_lora[1].weight @ own.to_out_lora[0].weight / 3).T
    main = plain(attn, seen) if form == "released" else attn.to_out[0](mixed)
    with torch.no_grad(), sight.seeing(condition):
        assert torch.allclose(attn(seen), main + shift, atol=1e-5)


def test_without_the_mask_it_does_not_matter_what_is_in_focus():
    attn, sight = attention(FamaSettings(rank=3, masked=False), trained=True)
    masked, its_sight = attention(FamaSettings(rank=3), trained=True)
    seen = torch.randn(1, 24, 16)
    with torch.no_grad():
        with sight.seeing(disc(32, 48, 12.0)):
            made = attn(seen)
        assert torch.equal(made, attn(seen))
        with its_sight.seeing(disc(32, 48, 12.0)):
            assert not torch.allclose(masked(seen), made, atol=1e-3)


def test_the_condition_must_be_of_these_tokens_and_is_forgotten_afterwards():
    attn, sight = attention(FamaSettings(rank=3))
    refused = pytest.raises(ConfigError, match="25 tokens are no grid of a picture of 48x32")
    with refused, sight.seeing(disc(32, 48, 12.0)):
        attn(torch.randn(1, 25, 16))
    assert sight.condition is None
    with pytest.raises(ConfigError, match="no self-attention"):
        install(torch.nn.Linear(2, 2), FamaSettings())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"form": "mine"}, "form 'mine'"),
        ({"compute": "triton"}, "compute 'triton'"),
        ({"rank": 0}, "rank is 0"),
    ],
)
def test_settings_that_there_cannot_be_are_refused(values, said):
    with pytest.raises(ConfigError, match=said):
        FamaSettings(**values)
