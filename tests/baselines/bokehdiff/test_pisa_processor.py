"""PISA as an attention processor: who gets it, what it sees, and how its schedule goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bokehbench.baselines.bokehdiff.pisa import processor as module
from bokehbench.baselines.bokehdiff.pisa.processor import PisaProcessor, install
from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.baselines.diffusion.grid import grid_of
from bokehbench.errors import ConfigError

TRAINING = PisaSettings(samples=3, jitters=3, dropout=0.1)


class Attention(nn.Module):
    """What a processor may use of diffusers' attention."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = 2
        self.to_q, self.to_k, self.to_v = (nn.Linear(8, 8) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(8, 8), nn.Dropout(0.0)])
        self.processor: Any = None

    def set_processor(self, processor: Any) -> None:
        self.processor = processor

    def forward(self, tokens: Tensor) -> Tensor:
        return self.processor(self, tokens)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attn1, self.attn2 = Attention(), Attention()

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens + self.attn1(tokens)


class UNet(nn.Module):
    """Two blocks with PISA in a stage, and one elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stage, self.elsewhere = nn.ModuleList([Block(), Block()]), Block()

    def forward(self, tokens: Tensor, call: Any = lambda block, tokens: block(tokens)) -> Tensor:
        for block in self.stage:
            tokens = call(block, tokens)
        return tokens


def a_scene() -> Scene:
    disparity = torch.rand(1, 1, 32, 48, generator=torch.Generator().manual_seed(0))
    return Scene(disparity, 30 * disparity)


TOKENS = torch.randn(1, 24, 8, generator=torch.Generator().manual_seed(1))


def test_the_self_attentions_of_one_stage_share_one_processor() -> None:
    unet = UNet()
    processor = install(unet, "stage", TRAINING)
    assert [block.attn1.processor for block in unet.stage] == [processor, processor]
    assert all(block.attn2.processor is None for block in unet.stage)
    assert unet.elsewhere.attn1.processor is None
    with pytest.raises(ConfigError, match="the UNet has no stages"):
        install(unet, "stages")
    with pytest.raises(ConfigError, match="no self-attention"):
        install(unet, "elsewhere.attn2")


def test_training_advances_and_draws_anew_and_eval_does_neither() -> None:
    unet = UNet()
    processor = install(unet, "stage", TRAINING)
    with processor.seeing(a_scene()):
        first, second = unet(TOKENS), unet(TOKENS)
        assert processor.hardness == 7.0, "two blocks, two passes"
        unet.eval()
        sharp, again = unet(TOKENS), unet(TOKENS)
    assert not torch.equal(first, second) and torch.equal(sharp, again) and processor.hardness == 7.0


def test_a_run_goes_on_from_the_hardness_that_it_stored() -> None:
    unet = UNet()
    processor = install(unet, "stage", TRAINING)
    with processor.seeing(a_scene()):
        unet(TOKENS)
        stored, expected = processor.hardness, unet(TOKENS)
        resumed = install(unet, "stage", TRAINING)
        resumed.hardness = stored
        with resumed.seeing(a_scene()):
            assert torch.equal(unet(TOKENS), expected)
    assert resumed.hardness == processor.hardness


def test_without_a_scene_or_with_one_of_another_size_nothing_is_computed() -> None:
    unet = UNet()
    processor = install(unet, "stage")
    with pytest.raises(ConfigError, match="no scene"):
        unet(TOKENS)
    with (
        processor.seeing(a_scene()),
        pytest.raises(ConfigError, match="25 tokens are no grid of a picture of 48x32"),
    ):
        unet(torch.zeros(1, 25, 8))
    assert processor.scene is None, "the scene is put away when something fails"
    with processor.seeing(a_scene()), pytest.raises(ConfigError, match="cross-attention"):
        processor(unet.elsewhere.attn1, TOKENS, encoder_hidden_states=TOKENS)  # type: ignore[arg-type]


def test_what_is_computed_again_sees_what_was_seen_and_is_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Gradient checkpointing with a stand-in for torch's, which takes seconds to import."""
    again: list[Callable[[], Tensor]] = []

    def checkpoint(function: Any, *arguments: Any, context_fn: Any, **_: Any) -> Tensor:
        first, second = context_fn()

        def recompute() -> Tensor:
            with second:
                return function(*arguments)

        again.append(recompute)
        with first:
            return function(*arguments)

    monkeypatch.setattr(module, "checkpoint", checkpoint)
    unet = UNet()
    processor = install(unet, "stage", TRAINING)
    with processor.seeing(a_scene()):
        out = unet(TOKENS, processor.checkpoint)
    empty = torch.zeros(1, 1, 32, 48)
    with processor.seeing(Scene(empty, empty)):  # another scene is in work by now
        later = [recompute() for recompute in reversed(again)]
        assert processor.scene is not None and processor.scene.disparity is empty
    assert torch.equal(later[0], out) and len(later) == 2 and processor.hardness == 5.0


@pytest.mark.parametrize(
    ("size", "tokens", "grid"),
    [
        ((512, 512), 1024, (32, 32)),
        ((1080, 1920), 68 * 120, (68, 120)),
        ((8, 24), 192, (8, 24)),
        ((16, 16), 1, (1, 1)),
    ],
)
def test_the_grid_is_the_picture_halved(size: tuple[int, int], tokens: int, grid: tuple[int, int]) -> None:
    assert grid_of(size, tokens) == grid


def test_settings_are_those_of_inference_unless_said() -> None:
    assert PisaProcessor().settings == PisaSettings(samples=7, jitters=5, dropout=0.0)
