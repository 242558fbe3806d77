"""Claims about runs of da-depth: the student nears its teacher, nothing else moves, a killed run goes on."""

import json
import math
import shutil

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from bokehbench import depth, images
from bokehbench.commands.train import train as command
from bokehbench.depth.checkpoint import find
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.records import sha256_file
from bokehbench.training import checkpoint
from bokehbench.training.da_depth.anything import MASKED, load
from bokehbench.training.da_depth.data import Pairs, stacked
from bokehbench.training.da_depth.stage import Distillation
from bokehbench.training.da_depth.train import Request, train
from bokehbench.training.logs import read
from bokehbench.training.loop import Trainer
from tests.depth.depth_world import picture, save_depth_anything, save_dpt
from tests.training.da_depth.conftest import NOISE, draw, small, smooth


def request(drawn, teacher, out, *changes, **others):
    return Request(small(*changes), "small", str(drawn), out, device="cpu", teacher=str(teacher), **others)


@pytest.fixture(scope="module")
def straight(drawn, teacher, tmp_path_factory):
    out = tmp_path_factory.mktemp("straight") / "run"
    return out, train(request(drawn, teacher, out))


def test_distillation_brings_features_nearer_and_keeps_what_the_network_knew(tmp_path, teacher):
    """On pictures that were not trained on, degraded by noise."""
    (tmp_path / "noise.yaml").write_text(NOISE)
    for number in range(26):
        images.write_png(tmp_path / "pictures" / f"{number}.png", smooth(number))
    settings = small(
        f"data.degradation={tmp_path / 'noise.yaml'}",
        "data.held_out=5",
        "student.losses={features: 1, disparity: 0.2, gradient: 0, scales: 1}",
        "student.backbone_share=1",
    )
    pairs = Pairs(tmp_path / "pictures", settings.data, 1)
    task = Distillation(load(find(str(teacher))), settings.student, pairs.held_out())
    start = task.validate()
    assert start["cosine"] == pytest.approx(start["cosine_before"], abs=1e-6)
    assert start["cosine_clean"] == pytest.approx(1.0, abs=1e-5)
    batches = [stacked([pairs.item(8 * step + k) for k in range(8)]) for step in range(10)]
    optimiser = task.optimiser(3e-3)
    for step in range(30):
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * (1.0 - step / 30)
        optimiser.zero_grad()
        task(batches[step % len(batches)])["loss"].backward()
        optimiser.step()
    end = task.validate()
    assert end["cosine_before"] == start["cosine_before"]  # the teacher is as it was
    assert 1.0 - end["cosine"] < 0.5 * (1.0 - start["cosine"])
    assert end["disparity"] < 0.8 * start["disparity"]
    assert end["score"] > start["score"] + 3.0
    # A student that was told little of clean pictures still sees them as its teacher did, almost.
    assert end["cosine_clean"] > 0.99 and end["cosine_clean"] > end["cosine"]


def test_what_is_frozen_does_not_move_and_all_else_does(straight, teacher):
    out, _ = straight
    before = load(find(str(teacher))).network.state_dict()
    after = checkpoint.load_weights(out / "student" / checkpoint.LAST)
    assert set(after) == set(before)
    still = {name for name in before if torch.equal(before[name], after[name])}
    unused = {name for name in before if name.startswith("neck.fusion_stage.layers.0.residual_layer1.")}
    assert still == unused | {MASKED}


def test_the_encoder_moves_at_its_own_rate(teacher, drawn):
    settings = small("student.backbone_share=0.1").student
    task = Distillation(load(find(str(teacher))), settings, [])
    encoder, rest = task.optimiser(1e-3).param_groups
    assert encoder["share"] == 0.1 and "share" not in rest
    trained = sum(weight.requires_grad for weight in task.parameters())
    assert trained == len(encoder["params"]) + len(rest["params"])
    assert not any(weight.requires_grad for weight in task.teacher.parameters())


class Killed(Exception):
    pass


def test_a_killed_training_ends_with_the_same_bytes(drawn, teacher, straight, tmp_path, monkeypatch):
    out, step, calls = tmp_path / "run", Trainer._step, []

    def dying(self, batch):
        calls.append(1)
        if len(calls) == 4:  # one after the checkpoint
            raise Killed
        return step(self, batch)

    monkeypatch.setattr(Trainer, "_step", dying)
    with pytest.raises(Killed):
        train(request(drawn, teacher, out))
    assert not (out / "da-depth").exists()
    train(request(drawn, teacher, out))
    for name in ("model.safetensors", "config.json", "preprocessor_config.json"):
        assert (out / "da-depth" / name).read_bytes() == (straight[0] / "da-depth" / name).read_bytes()


def test_recomputed_blocks_change_no_gradient(drawn, teacher):
    pairs = Pairs(drawn, small().data, 1)
    batch, found = stacked([pairs.item(0), pairs.item(1)]), []
    for recomputed in ("false", "true"):
        settings = small(f"student.gradient_checkpointing={recomputed}").student
        task = Distillation(load(find(str(teacher))), settings, [])
        task(batch)["loss"].backward()
        found.append([weight.grad for weight in task.student.backbone()])
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(*found, strict=True))


def test_the_folder_is_a_depth_network_with_a_card(straight, drawn, teacher, monkeypatch):
    out, result = straight
    text = (out / "da-depth" / "card.json").read_text()
    card = json.loads(text)
    assert card == json.loads(json.dumps(result.card))
    assert card["weights"]["sha256"] == sha256_file(out / card["weights"]["file"])
    assert card["teacher"]["files"] == depth.identity(str(teacher))["files"]
    assert card["stages"]["student"]["steps"] == 4 and card["data"]["pictures"] == 8
    assert {"cosine", "cosine_clean", "cosine_before", "score"} <= set(card["held_out"])
    for place in (out, drawn, teacher):
        assert str(place) not in text
    assert "student/features" in read(out / "student")[-2] and list((out / "tensorboard").iterdir())
    monkeypatch.setenv("BOKEHBENCH_WEIGHTS", str(out))
    image = picture(50, 60)
    made = depth.predict("da-depth", image)
    assert np.array_equal(made, depth.predict(str(out / "da-depth"), image))
    assert not np.array_equal(made, depth.predict(str(teacher), image))


def test_precision_of_half_the_bits_trains_as_well(drawn, teacher, tmp_path):
    settings = small("student.precision=bf16").student
    pairs = Pairs(drawn, small().data, 1)
    task = Distillation(load(find(str(teacher))), settings, pairs.held_out())
    batch = stacked([pairs.item(0), pairs.item(1)])
    exact = task(batch)["loss"]
    with torch.autocast("cpu", torch.bfloat16):
        losses = task(batch)
    assert losses["loss"].dtype == torch.float32
    losses["loss"].backward()
    assert float(losses["loss"].detach()) == pytest.approx(float(exact.detach()), rel=0.1)
    assert all(torch.isfinite(weight.grad).all() for weight in task.student.rest())


def nyu(root):
    """Two rooms in NYUv2's layout, whose depth is made up."""
    for number in range(2):
        folder = root / "test" / "office"
        folder.mkdir(parents=True, exist_ok=True)
        image = np.rint(picture(480, 640, seed=number) * 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"rgb_0000{number}.png"), image[..., ::-1])
        rows = np.linspace(1000, 5000, 480).astype(np.uint16)
        cv2.imwrite(str(folder / f"depth_0000{number}.png"), np.repeat(rows[:, None], 640, axis=1))
    return root


def test_measured_depth_is_validated_on_as_it_is_evaluated(drawn, teacher, tmp_path):
    from bokehbench.depth.evaluate import Test, evaluate

    root, out = nyu(tmp_path / "nyu"), tmp_path / "run"
    changes = ("validation={every: 1, cases: 0}", "student.steps=2")
    result = train(request(drawn, teacher, out, *changes, benchmark=f"nyuv2:{root}"))
    figures = result.standings["student"].figures
    choice = depth.Choice(str(out / "da-depth"), device="cpu")
    rows = evaluate(Test((f"nyuv2:{root}",), (choice,)), tmp_path / "evaluated")
    for row, name in zip(rows, ("clean", "degraded"), strict=True):
        assert figures[f"nyuv2/{name}/abs_rel"] == pytest.approx(row.abs_rel, rel=1e-4)
        assert figures[f"nyuv2/{name}/delta1"] == pytest.approx(row.delta1, abs=1e-3)
        assert math.isfinite(row.abs_rel)
    with pytest.raises(InputError, match="its pictures lie below --data"):
        train(request(root, teacher, tmp_path / "no", "data.held_out=1", benchmark=f"nyuv2:{root}"))


def test_another_teacher_or_folder_is_another_run(drawn, teacher, straight, tmp_path):
    out = shutil.copytree(straight[0], tmp_path / "run")
    with pytest.raises(InputError, match=r"is another run \(teacher"):
        train(request(drawn, save_depth_anything(tmp_path / "anything", seed=5), out))
    more = draw(shutil.copytree(drawn, tmp_path / "pictures"), 9)
    with pytest.raises(InputError, match=r"is another run \(data\.files_sha256"):
        train(request(more, teacher, out))


@pytest.mark.parametrize(
    ("arguments", "said", "kind"),
    [
        (["--config", "papr"], "did you mean paper", ConfigError),
        (["--set", "student.losses.feature=1"], "did you mean", ConfigError),
        (["--set", "data.crop=60"], "must be a multiple of 14", ConfigError),
        (["--teacher", "depth-pro"], "apple/DepthPro-hf", Unavailable),
        (["--teacher", "depth-anything-v3"], "did you mean", ConfigError),
        (
            ["--teacher", "nobody/nothing", "--revision", "abc"],
            "hf download nobody/nothing --rev",
            Unavailable,
        ),
        (["--data", "nowhere"], "--data nowhere: no such folder", InputError),
    ],
)
def test_what_cannot_be_trained_is_one_line(arguments, said, kind, drawn, teacher, tmp_path):
    given = [] if "--teacher" in arguments else ["--teacher", str(teacher)]
    given += [] if "--data" in arguments else ["--data", str(drawn)]
    given += [] if "--config" in arguments else ["--config", "small"]
    few = ["--set", "data.held_out=2"]
    out = ["--out", str(tmp_path / "run")]
    result = CliRunner().invoke(command, ["da-depth", *given, *few, *arguments, *out])
    assert isinstance(result.exception, kind), result.exception
    assert said in str(result.exception) and "\n" not in str(result.exception)
    assert not (tmp_path / "run").exists()


def test_only_relative_depth_anything_is_a_teacher(tmp_path):
    with pytest.raises(ConfigError, match="is dpt, not Depth Anything"):
        load(find(str(save_dpt(tmp_path / "dpt"))))
    with pytest.raises(ConfigError, match="puts out metres"):
        load(find(str(save_depth_anything(tmp_path / "metric", metric=True))))
