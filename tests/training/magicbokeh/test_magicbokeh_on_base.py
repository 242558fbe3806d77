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


def test_lora_and_control_are_trained_stored_and_gone_on_with(magic_set, tmp_path):
    base = write_folder(tmp_path / "tiny-base")
    straight = train(request(magic_set, tmp_path / "straight", base))
    assert list(straight.standings) == ["isr", "alternate"]
    restored = {"isr": tmp_path / "straight"}
    late = train(request(magic_set, tmp_path / "late", base, hours=1e-9, **restored))
    assert late.standings["alternate"].step == 1
    train(request(magic_set, tmp_path / "late", base, **restored))
    files = [tmp_path / name / FILE for name in ("straight", "late")]
    assert files[0].read_bytes() == files[1].read_bytes()

    stored = set(checkpoint.load_weights(tmp_path / "straight" / "alternate" / checkpoint.LAST))
    vae = {name for name in stored if name.startswith("vae.")}
    unet = {name for name in stored if name.startswith("unet.")}
    control = {name for name in stored if name.startswith("control.")}
    assert stored == vae | unet | control and control
    assert vae and all(".lora_" in name and "decoder" not in name for name in vae)
    assert all("lora" in name or name.startswith("unet.conv_in.") for name in unet)

    # The VAE's LoRA is trained by restoration alone.
    before = checkpoint.load_weights(tmp_path / "straight" / "isr" / checkpoint.LAST)
    after = checkpoint.load_weights(tmp_path / "straight" / "alternate" / checkpoint.LAST)
    assert all(before[name].equal(after[name]) for name in vae)
    assert any(not before[name].equal(after[name]) for name in unet)
    assert metadata(files[0])["tile_px"] == 64
    card = straight.card
    assert card["method"] == "magicbokeh" and card["base"]["name"] == "tiny-base"
    assert "--base tiny-base" in card["command"] and str(tmp_path) not in str(card)

    other = write_folder(tmp_path / "other" / "tiny-base", seed=1)
    with pytest.raises(InputError, match="another base"):
        train(request(magic_set, tmp_path / "late", other, "alternate.steps=3", **restored))
    with pytest.raises(ConfigError, match="base has a VAE of its own"):
        train(request(magic_set, tmp_path / "no", base, vae=tmp_path))
