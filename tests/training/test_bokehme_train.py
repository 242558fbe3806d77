"""Claims about whole runs: the same bytes whatever interrupts them, and a card that says all."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from bokehbench.baselines.bokehme.neural import NeuralRenderer
from bokehbench.baselines.bokehme.weights import _fill, _read
from bokehbench.errors import InputError
from bokehbench.progress_made import summary
from bokehbench.records import sha256_file
from bokehbench.synth.assets.library import Library
from bokehbench.synth.assets.photographs import shipped_path
from bokehbench.training import arithmetic, checkpoint, runs
from bokehbench.training.benchmark import chosen
from bokehbench.training.bokehme.benchmark import BenchmarkCheck
from bokehbench.training.bokehme.export import CARD, WEIGHTS
from bokehbench.training.bokehme.train import Request, train
from bokehbench.training.cards import thinned
from bokehbench.training.loop import Trainer
from bokehbench.training.zero_shot import (
    Comparison,
    assets_of_set,
    refuse_shared,
    refuse_shared_stream,
    shared_assets,
)
from tests.training.conftest import few, make_set


def request(photographs, out, *changes, **others):
    return Request(few(*changes), "paper", str(photographs), out, device="cpu", **others)


@pytest.fixture(scope="module")
def straight(photographs, tmp_path_factory):
    out = tmp_path_factory.mktemp("straight") / "run"
    return out, train(request(photographs, out))


class Killed(Exception):
    pass


def test_a_killed_training_ends_with_the_same_bytes(photographs, straight, tmp_path, monkeypatch):
    out = tmp_path / "run"
    step, calls = Trainer._step, []

    def dying(self, batch):
        calls.append(self.stage.name)
        if (calls.count("arnet") == 4 and len(calls) == 4) or calls.count("iunet") == 2:
            raise Killed
        return step(self, batch)

    monkeypatch.setattr(Trainer, "_step", dying)
    for _ in range(2):  # in each of the stages
        with pytest.raises(Killed):
            train(request(photographs, out))
    assert not (out / WEIGHTS).exists()
    assert (out / "arnet" / checkpoint.LAST).is_file()
    train(request(photographs, out))
    assert (out / WEIGHTS).read_bytes() == (straight[0] / WEIGHTS).read_bytes()


def test_the_weights_are_those_of_the_stages_in_half_precision(straight):
    out, result = straight
    model = NeuralRenderer()
    _fill(model, _read(out / WEIGHTS), out / WEIGHTS)
    for name in ("arnet", "iunet"):
        kept = checkpoint.load_weights(out / name / checkpoint.LAST)
        for key, value in model.state_dict().items():
            if key.startswith(name):
                assert torch.equal(value, kept[key.removeprefix(f"{name}.")].half().float())
    assert result.card["fp16"]["largest_error"] < 1e-3
    assert abs(result.card["fp16"]["score_change_db"]) < 0.1


def test_the_card_is_complete_and_says_nothing_of_this_machines_folders(straight, photographs):
    out, result = straight
    text = (out / CARD).read_text()
    assert json.loads(text) == json.loads(json.dumps(result.card))
    card = json.loads(text)
    assert card["weights"]["sha256"] == sha256_file(out / WEIGHTS)
    assert card["weights"]["bytes"] < 2.5e6
    assert card["weights"]["parameters"] == 923_664 + 240_076
    assert card["stages"]["arnet"]["steps"] == card["stages"]["iunet"]["steps"] == 4
    assert card["stages"]["arnet"]["taken"] == {"file": checkpoint.LAST, "step": 4}
    assert card["summary"] == summary(card)
    assert card["arnet_of_another_run"] is None
    for stage in card["stages"].values():
        assert [step for step, _ in stage["curve"]] == [2, 4]
        assert stage["still_improving"]["value"] is None
        assert stage["losses"]["last"]["step"] == 4
    record = json.loads((photographs / "dataset.json").read_text())
    assert card["data"]["assets_hash"] == record["assets_hash"]
    assert card["data"]["build"] is None  # the settings name another set
    assert card["config"]["data"]["crop"] == 32
    assert str(out) not in text and str(photographs) not in text
    assert set(card["assets"]) == assets_of_set(photographs)
    for name in ("held_out", "device", "libraries", "code", "command", "zero_shot"):
        assert card[name]


def test_what_is_there_is_written_at_any_time(photographs, tmp_path):
    out = tmp_path / "run"
    assert train(request(photographs, out, hours=0.0)).card is None
    half = few()
    train(replace(request(photographs, out), settings=half, stages=("arnet",)))
    assert not (out / WEIGHTS).exists()
    with pytest.raises(InputError, match="step 4 of 6"):
        train(replace(request(photographs, out, "arnet.steps=6"), stages=("iunet",)))
    late = train(replace(request(photographs, out), hours=1e-9))
    assert late.standings["iunet"].step == 1
    assert late.card is None or late.card["stages"]["iunet"]["steps"] == 1
    assert (out / WEIGHTS).exists()


def test_another_run_is_refused_and_more_steps_are_not(photographs, straight, tmp_path):
    out = straight[0]
    with pytest.raises(InputError, match=r"config\.seed: 1, now 2"):
        train(request(photographs, out, "seed=2"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    with pytest.raises(InputError, match="holds no training run"):
        train(request(photographs, tmp_path / "full"))


def test_b1_has_no_second_stage_and_arnet_may_come_from_another_run(photographs, straight, tmp_path):
    b1 = train(request(photographs, tmp_path / "b1", "iunet.variant=B1", arnet=straight[0]))
    assert list(b1.standings) == []
    assert b1.card["variant"] == "B1"
    b3 = train(request(photographs, tmp_path / "b3", "iunet.variant=B3", arnet=straight[0]))
    assert list(b3.standings) == ["iunet"]
    assert not (tmp_path / "b3" / "arnet").exists()
    for run in ("b1", "b3"):
        model = NeuralRenderer()
        _fill(model, _read(tmp_path / run / WEIGHTS), tmp_path / run / WEIGHTS)
        ours = checkpoint.load_weights(straight[0] / "arnet" / checkpoint.LAST)
        assert torch.equal(model.arnet.trunk.first.bias, ours["trunk.first.bias"].half().float())
    with pytest.raises(InputError, match="B1 has no IUNet"):
        train(request(photographs, tmp_path / "b1b", "iunet.variant=B1", stages=("iunet",)))


def test_a_run_may_begin_with_the_weights_of_another(photographs, others, straight, tmp_path):
    out = tmp_path / "run"
    still = ("arnet.lr=1e-12", "iunet.lr=1e-12")
    result = train(request(photographs, out, *still, start=straight[0]))
    for name in ("arnet", "iunet"):
        first, then = (checkpoint.load_weights(root / name / checkpoint.LAST) for root in (straight[0], out))
        assert all(torch.allclose(first[key], then[key], atol=1e-9) for key in first)
    start = result.card["start"]
    assert start["stages"] == {name: {"steps": 4, "of": 4} for name in ("arnet", "iunet")}
    assert start["weights"]["arnet"] == checkpoint.weights_hash(
        checkpoint.load_weights(straight[0] / "arnet" / checkpoint.LAST)
    )
    assert "--start FIRST_RUN" in result.card["command"]
    # It is part of what the run is.
    with pytest.raises(InputError, match="is another run"):
        train(request(photographs, out, *still))
    with pytest.raises(InputError, match="no training run there"):
        train(request(photographs, tmp_path / "new", start=tmp_path))


def test_a_run_may_begin_with_a_file_that_another_has_left(photographs, straight, tmp_path):
    file, out = tmp_path / "given" / WEIGHTS, tmp_path / "run"
    file.parent.mkdir()
    for name in (WEIGHTS, CARD):
        shutil.copy(straight[0] / name, file.parent / name)
    still = ("arnet.lr=1e-12", "iunet.lr=1e-12")
    result = train(request(photographs, out, *still, start=str(file)))
    given = load_file(file)
    for name in ("arnet", "iunet"):
        then = checkpoint.load_weights(out / name / checkpoint.LAST)
        assert all(torch.allclose(given[f"{name}.{key}"].float(), then[key], atol=1e-9) for key in then)
    start = result.card["start"]
    assert start["file"] == {"name": WEIGHTS, "sha256": sha256_file(file)}
    assert start["data"] == json.loads((straight[0] / runs.FILE).read_text())["identity"]["data"]
    assert start["config"] == straight[1].card["config"]
    assert f"--start {WEIGHTS}" in result.card["command"] and str(tmp_path) not in json.dumps(result.card)
    # The same command goes on; it is part of what the run is, as the folder of a run would be.
    assert train(request(photographs, out, *still, start=str(file), hours=0.0)).card == result.card
    with pytest.raises(InputError, match="is another run"):
        train(request(photographs, out, *still, start=straight[0]))
    with pytest.raises(InputError, match=r'has iunet\.variant "B5", this run has "B3"'):
        train(request(photographs, tmp_path / "b3", "iunet.variant=B3", start=str(file)))


def test_a_run_may_begin_with_one_on_other_photographs_if_both_are_named(
    photographs, others, straight, tmp_path
):
    both = train(request(others, tmp_path / "both", start=straight[0]))
    assert both.card["start"]["data"]["root_seed"] == 5
    assert both.card["data"]["root_seed"] == 6
    assert set(both.card["assets"]) == assets_of_set(photographs) | assets_of_set(others)
    # And so on: the run after that one has seen all three.
    third = train(request(photographs, tmp_path / "third", start=tmp_path / "both"))
    assert third.card["assets"] == both.card["assets"]
    assert third.card["start"]["start"]["data"]["root_seed"] == 5


def test_what_a_first_run_has_seen_is_never_judged_by(photographs, others, straight, tmp_path):
    # A benchmark that shares nothing with the run's own photographs, but all with those of the run before.
    with pytest.raises(InputError, match="of the run in --start"):
        train(request(others, tmp_path / "new", start=straight[0], benchmark=f"layered:{photographs}"))
    # The same seed, and a smaller set: what it holds out was trained on.
    fewer = make_set(tmp_path / "fewer", seed=5, count=2)
    with pytest.raises(InputError, match="judged by"):
        train(request(fewer, tmp_path / "new", start=straight[0]))
    shutil.copytree(straight[0], tmp_path / "bare")
    (tmp_path / "bare" / CARD).unlink()
    with pytest.raises(InputError, match="no card that lists"):
        train(request(others, tmp_path / "new", start=tmp_path / "bare"))
    assert not (tmp_path / "new" / "arnet").exists()


def test_a_benchmark_is_validated_on_and_must_not_share_assets(photographs, others, straight, tmp_path):
    out = tmp_path / "run"
    result = train(
        request(
            photographs,
            out,
            "validation={every: 2, cases: 1}",
            benchmark=f"layered:{others}",
            arnet=straight[0],
        )
    )
    figures = result.card["stages"]["iunet"]["validation"]
    parts = {name.rpartition("/")[2] for name in figures if name.startswith("layered/")}
    assert parts == {"bokehme", "neural", "classical"}
    assert result.card["benchmark"].keys() == {name for name in figures if name.startswith("layered/")}
    assert result.card["zero_shot"]["compared_with"] == {"layered": len(assets_of_set(others))}
    with pytest.raises(InputError, match="are in the training data"):
        train(request(photographs, tmp_path / "no", benchmark=f"layered:{photographs}"))


def test_shared_assets_are_found_by_what_they_are(photographs, others, tmp_path):
    assert shared_assets(photographs, photographs) == sorted(assets_of_set(photographs))
    assert not shared_assets(photographs, others)
    assert all(name.startswith(("proc:", "sha256:")) for name in assets_of_set(photographs))
    (tmp_path / "blb" / "scene").mkdir(parents=True)
    (tmp_path / "blb" / "scene" / "image.exr").write_bytes(b"light")
    assert refuse_shared(photographs, tmp_path / "blb") == Comparison(1)
    with pytest.raises(InputError, match="no folder"):
        shared_assets(photographs, tmp_path / "nowhere")


def test_a_picture_of_the_training_folder_is_found_in_a_benchmark(photographs, tmp_path):
    picture = tmp_path / "benchmark" / "a" / "renamed.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"a photograph")
    record = json.loads((photographs / "dataset.json").read_text())
    files = [{"path": "mine.png", "sha256": sha256_file(picture), "size": [9, 9]}]
    record["assets"]["backgrounds"] = {"files": files, "sha256": "", "licence": ""}
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "dataset.json").write_text(json.dumps(record))
    assert shared_assets(tmp_path / "set", tmp_path / "benchmark") == [f"sha256:{sha256_file(picture)}"]


def test_an_arnet_whose_training_is_not_finished_is_said_to_be_so(photographs, straight, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(straight[0], other)
    state = checkpoint.load_state(other / "arnet" / checkpoint.STATE)
    state["settings"]["steps"] = 9
    checkpoint.save_state(other / "arnet" / checkpoint.STATE, state)
    with pytest.warns(UserWarning, match="not finished, step 4 of 9"):
        made = train(request(photographs, tmp_path / "b1", "iunet.variant=B1", "keep=best", arnet=other))
    assert made.card["arnet_of_another_run"] == {"steps": 4, "of": 9, "finished": False}
    stage = made.card["stages"]["arnet"]
    assert stage["taken"] == {
        "file": checkpoint.BEST,
        "step": stage["best_step"],
        "score": stage["best_score"],
    }
    assert "arnet 4 of paper's 46,875 steps" in made.card["summary"]


def test_what_a_user_should_know_is_said_at_the_start_and_a_folder_has_one_training(
    photographs, tmp_path, monkeypatch
):
    monkeypatch.setattr(arithmetic, "CPU_FACTS", tmp_path / "cpuinfo")
    arithmetic.CPU_FACTS.write_text("flags : fpu\n")
    asked = request(photographs, tmp_path / "run", "iunet.precision=bf16", hours=0.0)
    with pytest.warns(UserWarning, match=r"no bf16 of its own.*; --set iunet\.precision=fp32"):
        train(asked)
    with runs.alone(tmp_path / "run"), pytest.raises(InputError, match="another training"):
        train(asked)


def test_a_stream_is_compared_by_its_files_and_says_what_it_cannot_compare(photographs, tmp_path):
    """The set of seed 5 has leaves, wires and fairy lights."""
    mine = sorted(name for name in assets_of_set(photographs) if name.startswith("proc:"))
    same = Library({"leaves": 1.0, "wires": 1.0}, {"fairy_lights": 1.0})
    with pytest.raises(InputError, match="drawn from seed 5, as the stream is"):
        refuse_shared_stream(same, 5, photographs)
    found = refuse_shared_stream(same, 6, photographs)
    assert found.compared == len(mine) and f"{len(mine)} of its {len(mine)} assets" in found.unknown
    assert refuse_shared_stream(Library({"grass": 1.0}, {}), 5, photographs) == Comparison(len(mine))
    photograph = tmp_path / "benchmark" / "any.png"
    photograph.parent.mkdir()
    shutil.copy(shipped_path("coffee"), photograph)
    with pytest.raises(InputError, match="in the training data of the stream"):
        refuse_shared_stream(Library({}, {}, photographs=("coffee",)), 1, photograph.parent)


def test_few_cases_of_a_level_are_spread_and_all_are_all(others, settings):
    check = BenchmarkCheck(f"layered:{others}", settings.validation)
    assert len(check.cases) == len(check.opened.cases())
    assert len(chosen(check.cases * 3, 2)) == 2 * len({info.level for info in check.cases})


def test_a_card_has_a_part_of_a_long_curve_and_its_end():
    rising = [(step, 0.1 * step) for step in range(16)]
    assert len(thinned(rising * 9, most=40)) <= 41
    assert thinned(rising * 9)[-1] == rising[-1]
