"""Claims about whole runs of MagicBokeh: killed, gone on with, written, and refused in one line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from bokehbench.baselines.magicbokeh.weights import load as load_weights
from bokehbench.commands.train import train as command
from bokehbench.errors import InputError
from bokehbench.records import sha256_file
from bokehbench.training import checkpoint
from bokehbench.training.logs import read
from bokehbench.training.loop import Trainer
from bokehbench.training.magicbokeh.train import Request, train
from bokehbench.training.pairs import StoredPairs, open_pairs
from tests.training.chain import check_row
from tests.training.magicbokeh.conftest import small

FILE, CARD = "magicbokeh-compact.safetensors", "magicbokeh-compact.json"


def request(magic_set, out, *changes, **others):
    return Request(small(*changes), "compact", str(magic_set), out, device="cpu", **others)


@pytest.fixture(scope="module")
def straight(magic_set, tmp_path_factory):
    out = tmp_path_factory.mktemp("straight") / "run"
    return out, train(request(magic_set, out))


class Killed(Exception):
    pass


def test_a_training_killed_in_either_phase_ends_with_the_same_bytes(
    magic_set, straight, tmp_path, monkeypatch
):
    step, calls = Trainer._step, []

    def dying(self, batch):
        if self.stage.name == "alternate":
            calls.append(self.standing.step)
            if len(calls) in (2, 4):  # on its way to step 1, of restoration, and to step 2, of bokeh
                raise Killed
        return step(self, batch)

    monkeypatch.setattr(Trainer, "_step", dying)
    out = tmp_path / "run"
    for done in (1, 2):
        with pytest.raises(Killed):
            train(request(magic_set, out, isr=straight[0]))
        assert checkpoint.load_state(out / "alternate" / checkpoint.STATE)["standing"]["step"] == done
    assert not (out / FILE).exists()
    made = train(request(magic_set, out, isr=straight[0]))
    assert list(made.standings) == ["alternate"] and made.card["of_another_run"] == ["isr", "vae"]
    assert made.card["assets"] == straight[1].card["assets"] != []
    assert calls == [0, 1, 1, 2, 2, 3]
    assert (out / FILE).read_bytes() == (straight[0] / FILE).read_bytes()


def test_the_card_says_how_the_weights_were_made(magic_set, straight):
    out, result = straight
    text = (out / CARD).read_text()
    card = json.loads(text)
    assert card == json.loads(json.dumps(result.card))
    assert card["weights"]["sha256"] == sha256_file(out / FILE)
    assert set(card["stages"]) == {"vae", "isr", "alternate"}
    for stage in card["stages"].values():
        assert stage["steps"] == 4 and stage["seconds_per_step"] > 0.0
    better = card["held_out"]["score"] - card["held_out"]["input"]
    assert card["better_than_input_db"] == pytest.approx(better, abs=1e-3)
    assert card["config"]["data"]["degrade"] == "realesrgan_x4_lq"
    assert card["data"]["recipe"].startswith("magicbokeh@")
    assert str(out) not in text and str(magic_set) not in text
    entry = read(out / "alternate")[0]
    assert {"alternate/bokeh_mse", "alternate/isr_mse"} <= set(entry)
    assert list((out / "tensorboard").iterdir())


def test_the_weights_are_what_the_method_loads(straight, monkeypatch):
    out, result = straight
    monkeypatch.setenv("BOKEHBENCH_WEIGHT_FILES", f"{Path(FILE).stem}={out / FILE}")
    model = load_weights((FILE,))
    kept = checkpoint.load_weights(out / "alternate" / result.card["stages"]["alternate"]["taken"]["file"])
    for name, value in model.trained_state().items():
        assert torch.equal(value, kept[name].half().float() if value.numel() > 1 else kept[name])
    restored = checkpoint.load_weights(out / "isr" / result.card["stages"]["isr"]["taken"]["file"])
    for name, value in restored.items():
        if name.startswith("vae."):  # as restoration left it
            assert torch.equal(kept[name], value)


def test_the_weights_come_to_a_row_of_a_table(straight, magic_benchmark, monkeypatch, tmp_path):
    out, result = straight
    check_row(monkeypatch, out / FILE, result.card, 3, f"layered:{magic_benchmark}", tmp_path)


def test_what_a_stage_goes_on_from_decides_the_result(magic_set, straight, sharp_folder, tmp_path):
    out = tmp_path / "run"
    train(request(magic_set, out, isr=straight[0], hours=1e-9))
    other = tmp_path / "other"
    for name in ("vae", "isr"):
        (other / name).mkdir(parents=True)
        for file in (straight[0] / name).glob("*"):
            if file.suffix in (".pt", ".safetensors"):
                (other / name / file.name).write_bytes(file.read_bytes())
    file = other / "isr" / checkpoint.BEST
    doubled = {name: 2.0 * value for name, value in checkpoint.load_weights(file).items()}
    checkpoint.save_weights(file, doubled)
    with pytest.raises(InputError, match="another restoration"):
        train(request(magic_set, out, isr=other))
    with pytest.raises(InputError, match="photographs"):
        train(request(magic_set, out, isr=straight[0], photographs=sharp_folder))


def test_photographs_and_a_benchmark_take_part(magic_set, magic_benchmark, sharp_folder, straight, tmp_path):
    changes = (
        "isr.steps=2",
        "alternate.steps=2",
        "validation={every: 1, cases: 1, disparity: gt}",
    )
    own = {"vae": straight[0], "benchmark": f"layered:{magic_benchmark}", "photographs": sharp_folder}
    card = train(request(magic_set, tmp_path / "run", *changes, **own)).card
    assert card["photographs"]["pictures"] == 3 and "--photographs FOLDER" in card["command"]
    assert "photographs" in card["stages"]["isr"]["validation"]
    files = {f"sha256:{sha256_file(file)}" for file in sharp_folder.glob("*.png")}
    assert files < set(card["assets"]) and str(sharp_folder) not in str(card)
    figures = card["stages"]["alternate"]["validation"]
    parts = {name.rpartition("/")[2] for name in figures if name.startswith("layered/")}
    assert parts == {"magicbokeh", "input"}
    with pytest.raises(InputError, match="are in the training data"):
        train(request(magic_benchmark, tmp_path / "no", **own))
    # What a restoration of another run has seen is not listed here: then nothing is.
    later = train(request(magic_set, tmp_path / "later", *changes, isr=tmp_path / "run"))
    assert later.card["assets"] == []


def test_a_stage_without_what_it_needs_is_refused(magic_set, tmp_path):
    with pytest.raises(InputError, match="no restoration here; train it first"):
        train(request(magic_set, tmp_path / "a", stages=("alternate",)))
    late = train(replace(request(magic_set, tmp_path / "b"), hours=1e-9))
    assert late.standings["vae"].step == 1 and late.card is None
    with pytest.raises(InputError, match="VAE is at step 1 of 4"):
        train(request(magic_set, tmp_path / "b", stages=("isr",)))
    with pytest.raises(InputError, match="nothing to train"):
        train(request(magic_set, tmp_path / "c", stages=("vae",), vae=tmp_path / "b"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--config", "paper", "--data", "stream"], "name one with --base"),
        (["--config", "no-famma", "--data", "stream"], "did you mean no-fama"),
        (["--data", "nowhere"], "bokehbench synth build --recipe magicbokeh --set 'size="),
        (["--data", "stream", "--set", "isr.losses.mes=1"], "did you mean"),
        (["--data", "stream", "--set", "vae=null"], "a compact model needs the stage vae"),
        (["--data", "stream", "--base", "a/b"], "which has no base"),
        (["--data", "stream", "--set", "validation.disparity=dpt"], "predicted:MODEL"),
        (["--data", "stream", "--set", "model.sizes={tile_px: 64}"], "is what data.crop says"),
        (["--data", "stream", "--set", "data.degrade=mild"], "unknown preset"),
        (["--data", "stream", "--set", "data.crop=50"], "data.crop: must be a multiple of 16"),
        (["--data", "stream", "--config", "paper", "--base", "./none"], "no such folder"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(arguments, said, tmp_path):
    result = CliRunner().invoke(command, ["magicbokeh", *arguments, "--out", str(tmp_path / "run")])
    assert said in str(result.exception) and "\n" not in str(result.exception)
    assert not (tmp_path / "run").exists()


def test_blur_beyond_the_unit_is_said_at_the_start(magic_set, tmp_path, monkeypatch):
    # Of 96 pixels at 512 there are 12 at 64.
    assert 4.0 <= open_pairs(str(magic_set), small().data, 0).largest_K() <= 12.0
    monkeypatch.setattr(StoredPairs, "largest_K", lambda self: 40.0)
    with pytest.warns(UserWarning, match="K is up to 40, and radii above 16 pixels"):
        train(replace(request(magic_set, tmp_path / "run"), hours=1e-9))
