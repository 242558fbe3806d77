"""Claims about whole runs of BokehDiff: killed, gone on with, written, and refused in one line."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from bokehbench.baselines.bokehdiff.weights import load as load_weights
from bokehbench.commands.train import train as command
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.records import sha256_file
from bokehbench.training import checkpoint
from bokehbench.training.bokehdiff.train import Request, train
from bokehbench.training.logs import read
from bokehbench.training.loop import Trainer
from tests.training.bokehdiff.conftest import BACKBONE, small
from tests.training.chain import check_row

FILE, CARD = "bokehdiff-compact.safetensors", "bokehdiff-compact.json"
ADVERSARY = (
    "denoiser.losses.adversary.weight=0.1",
    "denoiser.losses.adversary.start=2",
    f"denoiser.losses.adversary.backbone={BACKBONE}",
    "denoiser.losses.adversary.weights=backbone.pth",
)


@pytest.fixture(autouse=True)
def _weights(backbone_folder, monkeypatch):
    monkeypatch.setenv("BOKEHBENCH_WEIGHTS", str(backbone_folder))


def request(pair_set, out, *changes, **others):
    return Request(small(*ADVERSARY, *changes), "compact", str(pair_set), out, device="cpu", **others)


@pytest.fixture(scope="module")
def straight(pair_set, backbone_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("straight") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOKEHBENCH_WEIGHTS", str(backbone_folder))
        return out, train(request(pair_set, out))


class Killed(Exception):
    pass


def test_a_killed_training_ends_with_the_same_bytes(pair_set, straight, tmp_path, monkeypatch):
    out, step, calls = tmp_path / "run", Trainer._step, []

    def dying(self, batch):
        calls.append(self.stage.name)
        if calls.count("denoiser") == 4:  # one after its checkpoint, and after the adversary has begun
            raise Killed
        return step(self, batch)

    monkeypatch.setattr(Trainer, "_step", dying)
    with pytest.raises(Killed):
        train(request(pair_set, out))
    assert not (out / FILE).exists()
    state = checkpoint.load_state(out / "denoiser" / checkpoint.STATE)
    assert state["standing"]["step"] == 2
    assert state["aside"]["pisa_calls"] == 2
    train(request(pair_set, out))
    assert (out / FILE).read_bytes() == (straight[0] / FILE).read_bytes()


def test_the_card_says_how_the_weights_were_made(pair_set, straight):
    out, result = straight
    text = (out / CARD).read_text()
    card = json.loads(text)
    assert card == json.loads(json.dumps(result.card))
    assert card["weights"]["sha256"] == sha256_file(out / FILE)
    assert set(card["stages"]) == {"vae", "denoiser"}
    for stage in card["stages"].values():
        assert stage["steps"] == 4 and stage["seconds_per_step"] > 0.0 and stage["peak_memory_gib"] > 0.0
    assert set(card["held_out"]) == {"score", "identity", "round_trip"}
    better = card["held_out"]["score"] - card["held_out"]["identity"]
    assert card["better_than_identity_db"] == pytest.approx(better, abs=1e-3)
    assert card["discriminator"]["weights"] == "backbone.pth" and len(card["discriminator"]["sha256"]) == 64
    assert card["data"]["recipe"].startswith("bokehdiff@") and card["data"]["build"] is None
    assert str(out) not in text and str(pair_set) not in text
    entries = read(out / "denoiser")
    assert "denoiser/adversarial" in entries[-2] and "denoiser/peak_memory_gib" in entries[-2]
    assert list((out / "tensorboard").iterdir())


def test_the_weights_are_what_the_method_loads(straight, monkeypatch):
    out, result = straight
    monkeypatch.setenv("BOKEHBENCH_WEIGHT_FILES", f"{Path(FILE).stem}={out / FILE}")
    model = load_weights((FILE,))
    kept = checkpoint.load_weights(out / "denoiser" / result.card["stages"]["denoiser"]["taken"]["file"])
    for name, value in model.state_dict().items():
        assert torch.equal(value, kept[name].half().float() if value.numel() > 1 else kept[name])
    vae = checkpoint.load_weights(out / "vae" / result.card["stages"]["vae"]["taken"]["file"])
    for name, value in vae.items():
        if name.startswith("decoder."):  # as stage 0 left it
            assert torch.equal(kept[f"vae.{name}"], value)
    sampled = model.processor.settings
    assert (sampled.samples, sampled.jitters) == (7, 5)


def test_the_weights_come_to_a_row_of_a_table(straight, benchmark_set, monkeypatch, tmp_path):
    out, result = straight
    check_row(monkeypatch, out / FILE, result.card, 3, f"layered:{benchmark_set}", tmp_path)


def test_the_vae_may_be_of_another_run_and_decides_the_result(pair_set, straight, tmp_path):
    out = tmp_path / "run"
    result = train(request(pair_set, out, "denoiser.steps=2", vae=straight[0]))
    assert list(result.standings) == ["denoiser"] and result.card["vae_of_another_run"]
    assert not (out / "vae").exists()
    other = tmp_path / "other"
    shutil.copytree(straight[0] / "vae", other / "vae")
    file = other / "vae" / checkpoint.BEST
    checkpoint.save_weights(
        file, {name: 2.0 * value for name, value in checkpoint.load_weights(file).items()}
    )
    with pytest.raises(InputError, match="another VAE"):
        train(request(pair_set, out, "denoiser.steps=2", vae=other))
    smaller = (
        "model.sizes={vae_channels: [8, 8, 8], latent_channels: 8, unet_channels: [8, 16], head_width: 8}"
    )
    with pytest.raises(InputError, match=r"vae/best\.safetensors: not the VAE of these settings"):
        train(request(pair_set, tmp_path / "sizes", smaller, vae=straight[0]))
    with pytest.raises(InputError, match="has a VAE already"):
        train(request(pair_set, tmp_path / "no", vae=straight[0], stages=("vae",)))


def test_a_benchmark_is_validated_on_and_must_not_share_scenes(pair_set, benchmark_set, straight, tmp_path):
    changes = ("denoiser.steps=2", "validation={every: 1, cases: 1}")
    own = {"vae": straight[0], "benchmark": f"layered:{benchmark_set}"}
    card = train(request(pair_set, tmp_path / "run", *changes, **own)).card
    figures = card["stages"]["denoiser"]["validation"]
    parts = {name.rpartition("/")[2] for name in figures if name.startswith("layered/")}
    assert parts == {"bokehdiff", "identity"}
    assert card["zero_shot"]["compared_with"]["layered"] > 0
    with pytest.raises(InputError, match="are in the training data"):
        train(request(benchmark_set, tmp_path / "no", **own))


def test_a_stage_without_what_it_needs_is_refused(pair_set, tmp_path):
    with pytest.raises(InputError, match="no VAE here; train it first"):
        train(request(pair_set, tmp_path / "a", stages=("denoiser",)))
    late = train(replace(request(pair_set, tmp_path / "b"), hours=1e-9))
    assert late.standings["vae"].step == 1 and late.card is None
    with pytest.raises(InputError, match="at step 1 of 4"):
        train(request(pair_set, tmp_path / "b", stages=("denoiser",)))
    with pytest.raises(ConfigError, match=r"data\.crop: must be a multiple of 16"):
        train(request(pair_set, tmp_path / "d", "data.crop=40"))
    assert not (tmp_path / "d").exists()
    with pytest.raises(ConfigError, match=r"of 64x64 are smaller than data\.validation_side, 128"):
        train(request(pair_set, tmp_path / "f", "data.validation_side=128"))
    with pytest.raises(Unavailable, match=r"nowhere\.pth"):  # not after hours of stage 0
        train(request(pair_set, tmp_path / "e", "denoiser.losses.adversary.weights=nowhere.pth"))
    assert not (tmp_path / "e").exists()
    paper = Request(small(), "paper", str(pair_set), tmp_path / "c", base="somewhere")
    with pytest.raises(ConfigError, match=r"--base: .* no base"):
        train(paper)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--config", "paper", "--data", "stream"], "name one with --base"),
        (["--config", "papr", "--data", "stream"], "did you mean paper"),
        (["--data", "nowhere"], "bokehbench synth build --recipe bokehdiff --set 'size="),
        (["--data", "stream", "--set", "denoiser.losses.mes=1"], "did you mean"),
        (["--data", "stream", "--set", "vae=null"], "a compact model needs the stage vae"),
        (["--data", "stream", "--set", "model.sizes={blocks: many}"], "bokehdiff-compact: blocks: "),
        (["--data", "stream", "--set", "model.sizes={head_width: 0}"], "head_width must be at least 1"),
        (["--data", "stream", "--set", "model.sizes={tile_px: 64}"], "is what data.crop says"),
        (["--config", "paper", "--data", "stream", "--set", "data.crop=16"], "discriminator needs 32 pixels"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(arguments, said, tmp_path):
    result = CliRunner().invoke(command, ["bokehdiff", *arguments, "--out", str(tmp_path / "run")])
    assert said in str(result.exception) and "\n" not in str(result.exception)
    assert not (tmp_path / "run").exists()
