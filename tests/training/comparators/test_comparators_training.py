"""Claims about the comparators' trainings: interrupted or not, the same bytes; and something is learnt."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bokehbench import weights as weight_files
from bokehbench.baselines.comparators import weights
from bokehbench.cases import Inputs
from bokehbench.errors import ConfigError, InputError
from bokehbench.optics import Lens
from bokehbench.progress_made import SCHEMA
from bokehbench.records import sha256_file, write_json
from bokehbench.registry import MethodSpec, get
from bokehbench.training import checkpoint
from bokehbench.training.bokehme.sources import open_source
from bokehbench.training.comparators.data import Plain
from bokehbench.training.comparators.methods import DeepFocus, DeepLens
from bokehbench.training.comparators.mpib import MPIB
from bokehbench.training.comparators.settings import FOLDER, Losses, load_deepfocus, load_deeplens, load_mpib
from bokehbench.training.comparators.stages import darkened, losses
from bokehbench.training.comparators.train import Request, train
from bokehbench.training.first_run import Start
from bokehbench.training.loop import Trainer
from bokehbench.training.settings import names

FEW_DATA = (
    "data.crop=32",
    "data.crops=2",
    "data.held_out=1",
    "data.validation_crops=2",
    "data.validation_side=32",
)
FEW_STEPS = (
    "batch=2",
    "steps=4",
    "log_every=1",
    "validate_every=4",
    "checkpoint_every=2",
    "schedule.warm_up=0",
)
METHODS = {
    "deepfocus": (DeepFocus(), load_deepfocus, ("width=16", "network.gamma=[1, 3]", "network.K=[12, 24]")),
    "deeplens": (
        DeepLens(),
        load_deeplens,
        ("blur_width=8", "upsampling_width=4", "network.gamma=[1, 3]", "network.K=[12, 24]"),
    ),
    "mpib": (
        MPIB(),
        load_mpib,
        (
            *("encoder=[4, 4, 4, 4, 4]", "decoder=[4, 4, 4, 4, 4]", "embedded=1", "planes=2"),
            *("data.crop=64", "data.validation_side=64", "data.validation_crops=1"),
            *(f"{stage}.K=[12, 24]" for stage in ("mpinet", "aupnet")),
        ),
    ),
}


def few(method, *changes):
    comparator, load, own = METHODS[method]
    stages = (f"{stage}.{change}" for stage in comparator.stages for change in FEW_STEPS)
    return load("compact", (*FEW_DATA, "data.tries=1", *stages, *own, *changes))


def request(method, photographs, out, *changes, **others):
    comparator = METHODS[method][0]
    settings = few(method, *(f"{stage}.precision=fp32" for stage in comparator.stages), *changes)
    own = {"stages": comparator.stages, "device": "cpu", **others}
    return Request(settings, "compact", str(photographs), out, comparator=comparator, **own)


class Killed(Exception):
    pass


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_training_ends_with_the_same_bytes_and_its_weights_render(
    method, photographs, tmp_path, monkeypatch
):
    straight = train(request(method, photographs, tmp_path / "straight"))
    file = f"{method}.safetensors"
    card = json.loads((tmp_path / "straight" / f"{method}.json").read_text())
    assert card == json.loads(json.dumps(straight.card)) and card["weights"]["file"] == file
    assert str(tmp_path) not in json.dumps(card) and str(photographs) not in json.dumps(card)
    step, calls = Trainer._step, []

    def dying(self, batch):
        calls.append(self.stage.name)
        if len(calls) == 4:
            raise Killed
        return step(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", dying)
        with pytest.raises(Killed):
            train(request(method, photographs, tmp_path / "killed"))
    train(request(method, photographs, tmp_path / "killed"))
    assert (tmp_path / "straight" / file).read_bytes() == (tmp_path / "killed" / file).read_bytes()

    monkeypatch.setenv(weight_files.FILE_VARIABLE, f"{method}={tmp_path / 'straight' / file}")
    spec = get(MethodSpec, method)
    assert spec.weights_sha256() == {file: straight.card["weights"]["sha256"]}
    image = np.random.default_rng(0).random((21, 26, 3), np.float32)
    disparity = np.linspace(0, 1, 26, dtype=np.float32)[None].repeat(21, 0)
    made = spec.create().render(Inputs("key", image, disparity, Lens(K=5.0, disp_focus=0.3)))
    assert made.shape == image.shape and made.dtype == np.float32 and np.isfinite(made).all()


def exported(method, photographs, folder, *changes):
    """A file of weights with its card, as a training on these photographs leaves them."""
    comparator, settings = METHODS[method][0], few(method, *changes)
    torch.manual_seed(7)
    network, config = comparator.build(comparator.config(settings)), comparator.config(settings)
    file = folder / f"{method}.safetensors"
    weights.save(network, file, method, config, {})
    stages = {name: {"steps": 4, "of": 9, "taken": {"step": 2}} for name in comparator.stages}
    card = {
        "schema": SCHEMA,
        "method": method,
        "weights": {"file": file.name, "sha256": sha256_file(file)},
        "config": settings.to_json(),
        "data": open_source(str(photographs), settings.data, 1).identity(),
        "stages": stages,
        "assets": ["proc:sea#1"],
    }
    write_json(file.with_suffix(".json"), card)
    return file


@pytest.mark.parametrize("method", ["deepfocus", "mpib"])  # one network, and two in a file
def test_a_training_may_begin_with_other_weights(method, photographs, tmp_path):
    comparator, file = METHODS[method][0], exported(method, photographs, tmp_path)
    still = [f"{stage}.lr=1e-12" for stage in comparator.stages]
    made = train(request(method, photographs, tmp_path / "run", *still, start=str(file)))
    given = load_file(file)
    for stage in comparator.stages:
        then = checkpoint.load_weights(tmp_path / "run" / stage / checkpoint.LAST)
        before = f"{stage}." if len(comparator.stages) > 1 else ""
        assert all(torch.allclose(given[before + name].float(), one, atol=1e-9) for name, one in then.items())
    assert made.card["start"]["file"]["sha256"] == sha256_file(file)
    assert "proc:sea#1" in made.card["assets"]
    # And that run may be gone on from, with all that it knows.
    source = open_source(str(photographs), few(method).data, 1)
    again = Start(tmp_path / "run", method, comparator.stages, source.identity(), 1)
    assert again.record["start"] == made.card["start"] and "proc:sea#1" in again.assets


def test_weights_of_another_method_or_size_are_refused_before_anything_is_trained(photographs, tmp_path):
    file = exported("deepfocus", photographs, tmp_path, "width=32")
    with pytest.raises(InputError, match=r"has width 32, this run has 16; give --set 'width=32'"):
        train(request("deepfocus", photographs, tmp_path / "run", start=str(file)))
    with pytest.raises(InputError, match="is of deepfocus, weights of deeplens are wanted"):
        train(request("deeplens", photographs, tmp_path / "run", start=str(file)))
    assert not (tmp_path / "run").exists()


STAGES = [(method, stage) for method, (comparator, *_) in METHODS.items() for stage in comparator.stages]


@pytest.mark.parametrize(("method", "stage"), STAGES)
def test_a_few_steps_on_one_batch_make_its_loss_smaller(method, stage, photographs):
    comparator = METHODS[method][0]
    settings = few(method, f"{stage}.optimiser=adam", f"{stage}.darkest=1", f"{stage}.all_in_focus=0")
    own = getattr(settings, stage)
    torch.manual_seed(0)
    network = comparator.build(comparator.config(settings))
    comparator.begin(network)
    earlier = {"mpinet": network.mpinet.state_dict()} if stage == "aupnet" else {}
    task = comparator.task(stage, network, earlier, own, [])
    source = open_source(str(photographs), settings.data, 1)
    batch = next(iter(source.loader(own.wanted(comparator.encoded), 2)))
    optimiser, found = task.optimiser(5e-4), []
    for _ in range(10):
        loss = task(batch)["loss"]
        found.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert found[-1] < found[0]


def test_photographs_are_chosen_by_blur_and_encoding_and_encoded_anew(photographs):
    settings = few("deepfocus")
    plain = open_source(str(photographs), settings.data, 1).held_out(Plain((12, 12), (1, 1)))
    anew = open_source(str(photographs), settings.data, 1).held_out(Plain((12, 12), (1, 1), 2.2))
    for one, other in zip(plain, anew, strict=True):
        assert one["gamma"] == 1.0 and other["gamma"] == pytest.approx(2.2)
        assert torch.allclose(other["image"] ** 2.2, one["image"], atol=1e-5)
        assert torch.allclose(other["target"] ** 2.2, one["target"], atol=1e-5)
        assert one["defocus"].abs().max() <= 12.0 and torch.equal(one["defocus"], other["defocus"])
        # K = 12, focus at 0.3.
        assert torch.allclose(one["defocus"], 12.0 * (one["disparity"] - 0.3), atol=1e-4)
    with pytest.raises(InputError, match="K from 3 to 6 and gamma from 1 to 5"):
        open_source(str(photographs), settings.data, 1).held_out(Plain((3, 6), (1, 5)))
    with pytest.raises(ConfigError, match="its stack has nothing"):
        open_source("stream", settings.data, 1).held_out(Plain((12, 12), (7, 8)))


def test_a_stream_gives_the_same_kinds_of_crops(photographs):
    changed = '"size=[64, 64]", "quality=draft", "stack.K_at_512=[96]", "stack.gamma=[1, 2]"'
    small = (f"data.changes=[{changed}]",)
    settings = few("deepfocus", *small, "data.quality=draft", "data.validation_crops=1")
    streamed = open_source("stream", settings.data, 1).held_out(Plain((12, 12), (2, 2), 2.2))
    stored = open_source(str(photographs), settings.data, 1).held_out(Plain((12, 12), (2.2, 2.2), 2.2))
    assert {name: one.shape for name, one in streamed[0].items()} == {
        name: one.shape for name, one in stored[0].items()
    }


def test_crops_are_darkened_with_their_targets_and_not_where_that_is_not_asked_for():
    torch.manual_seed(0)
    batch = {"image": torch.rand(64, 3, 2, 2), "target": torch.rand(64, 3, 2, 2), "K": torch.ones(64)}
    assert darkened(batch, 1.0) is batch
    made = darkened(batch, 0.25)
    factors = made["image"] / batch["image"]
    assert torch.allclose(factors, factors[:, :1, :1, :1].expand_as(factors), rtol=1e-4)
    assert torch.allclose(made["target"], batch["target"] * factors, rtol=1e-4)
    assert 0.25 <= factors.min() < 0.35 and 0.8 < factors.max() <= 1.0001


def test_the_papers_loss_is_of_logarithms():
    torch.manual_seed(0)
    target = torch.rand(2, 3, 9, 9)
    weights = Losses(value=1.0, gradient=0.5, scale="log10")
    # A constant error of 0.01: nothing is wrong with the differences, which count as 1e-6.
    found = losses(target + 0.01, target, weights)
    assert found["loss"].item() == pytest.approx(-2.0 - 6.0, abs=1e-2)
    assert found["value"].item() == pytest.approx(0.01, rel=1e-3)
    halved = losses(
        target + 0.5 * torch.rand(2, 3, 9, 9).sign(), target, weights.model_copy(update={"scale": "linear"})
    )
    assert halved["loss"].item() == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_settings_that_come_along_can_be_read(method):
    load = METHODS[method][1]
    assert {"compact", "paper"} <= set(names(FOLDER / method))
    for name in names(FOLDER / method):
        assert load(name).to_json()
    with pytest.raises(ConfigError, match="no such field"):
        load("compact", ("data.crap=3",))
    stage = METHODS[method][0].stages[0]
    with pytest.raises(ConfigError, match=r"K must be \[low, high\]"):
        load("compact", (f"{stage}.K=[12, 3]",))
