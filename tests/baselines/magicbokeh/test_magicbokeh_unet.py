"""The pruned UNet takes a base's weights by name, and computes what the base does without what was pruned."""

from __future__ import annotations

import pytest
import torch
from diffusers import UNet2DConditionModel
from magicbokeh_tiny import UNET, write_folder

from bokehbench.baselines.diffusion.networks import parameters
from bokehbench.baselines.magicbokeh import build
from bokehbench.baselines.magicbokeh.fama.settings import FamaSettings
from bokehbench.baselines.magicbokeh.unet import from_base
from bokehbench.errors import InputError


def whole() -> UNet2DConditionModel:
    torch.manual_seed(4)
    return UNet2DConditionModel(**UNET).eval()


@pytest.mark.parametrize("size", [(8, 16), (9, 5)])
def test_it_is_the_base_whose_text_and_mid_block_say_nothing(size):
    theirs = whole()
    pruned, left_out = from_base(theirs.config, theirs.state_dict())
    counted = parameters(theirs) - parameters(pruned)
    assert sum(left_out.values()) == counted and left_out["mid block"] == parameters(theirs.mid_block)
    for name, module in theirs.named_modules():
        if name.endswith("attn2.to_out.0"):
            torch.nn.init.zeros_(module.weight)
            torch.nn.init.zeros_(module.bias)
    theirs.mid_block = None
    z, text = torch.randn(1, 4, *size), torch.randn(1, 3, 12)
    with torch.no_grad():
        expected = theirs(z, 999, encoder_hidden_states=text).sample
        assert torch.equal(pruned(z, 999, encoder_hidden_states=None).sample, expected)


def test_what_is_not_a_base_is_named():
    state = whole().state_dict()
    name = "up_blocks.0.resnets.0.conv1.weight"
    with pytest.raises(InputError, match=f"the UNet of this base model: tensors 1 missing .{name}"):
        from_base(UNET, {n: t for n, t in state.items() if n != name})
    with pytest.raises(InputError, match=r"1 left over \(class_embedding\.weight\)"):
        from_base(UNET, {**state, "class_embedding.weight": torch.zeros(2)})


def test_a_folder_becomes_a_model_that_says_what_it_left_out(tmp_path):
    folder = write_folder(tmp_path / "base")
    one = build.from_sd21(str(folder), fama=FamaSettings(rank=2))
    assert one.left_out["cross-attention"] > 0 and one.left_out["mid block"] > 0
    assert one.origin["base"]["name"] == "base" and len(one.origin["base"]["fingerprint"]) == 16
    assert one.origin["ranks"] == {"vae": 4, "isr": 4, "bokeh": 2}
    assert one.origin["fama"] == {"form": "released", "rank": 2, "masked": True}
