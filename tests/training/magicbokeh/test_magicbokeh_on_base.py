"""Claims about training on a base: LoRA, conv_in and ControlNet are all that is stored, in both phases."""

import pytest

from bokehbench.baselines.diffusion.basefolder import metadata
from bokehbench.errors import ConfigError, InputError
from bokehbench.training import checkpoint
from bokehbench.training.magicbokeh.settings import load
from bokehbench.training.magicbokeh.train import Request, train
from tests.baselines.magicbokeh.magicbokeh_tiny import write_folder
from tests.training.magicbokeh.conftest import FEW_ON_BASE

FILE = "magicbokeh.safetensors"


def request(magic_set, out, base, *changes, **others):
    settings = load("paper", (*FEW_ON_BASE, *changes))
    return Request(settings, "paper", str(magic_set), out, base=str(base), device="cpu", **others)


def test_lora_and_control_are_trained_and_stored_and_know_their_base(magic_set, tmp_path):
    base, out = write_folder(tmp_path / "tiny-base"), tmp_path / "run"
    made = train(request(magic_set, out, base))
    assert list(made.standings) == ["isr", "alternate"]
    before, after = (checkpoint.load_weights(out / name / checkpoint.LAST) for name in ("isr", "alternate"))
    parts = {
        part: {name for name in after if name.startswith(f"{part}.")} for part in ("vae", "unet", "control")
    }
    assert set(after) == set.union(*parts.values()) and all(parts.values())
    assert all(".lora_" in name and "decoder" not in name for name in parts["vae"])
    assert all("lora" in name or name.startswith("unet.conv_in.") for name in parts["unet"])
    # The VAE's LoRA is trained by restoration alone.
    assert all(before[name].equal(after[name]) for name in parts["vae"])
    assert any(not before[name].equal(after[name]) for name in parts["unet"])

    assert metadata(out / FILE)["tile_px"] == 64
    card = made.card
    assert card["method"] == "magicbokeh" and card["base"]["name"] == "tiny-base"
    assert "--base tiny-base" in card["command"] and str(tmp_path) not in str(card)

    other = write_folder(tmp_path / "other" / "tiny-base", seed=1)
    with pytest.raises(InputError, match="another base"):
        train(request(magic_set, out, other, "isr.steps=3"))
    with pytest.raises(ConfigError, match="base has a VAE of its own"):
        train(request(magic_set, tmp_path / "no", base, vae=tmp_path))
