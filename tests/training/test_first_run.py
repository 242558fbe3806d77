"""Claims about what a run begins with: what weights have seen is never lost, what does not fit is refused."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from bokehbench.baselines.bokehme.neural import NeuralRenderer
from bokehbench.baselines.bokehme.weights import SHIPPED as FOLDER
from bokehbench.baselines.bokehme.weights import save
from bokehbench.errors import InputError
from bokehbench.progress_made import SCHEMA
from bokehbench.records import sha256_file, write_json
from bokehbench.registry import MethodSpec
from bokehbench.synth.dataset import make_library
from bokehbench.synth.training import SynthDataset
from bokehbench.training import checkpoint
from bokehbench.training.bokehme.train import STAGES
from bokehbench.training.first_run import SHIPPED, Start
from bokehbench.training.photographs import (
    STREAM,
    data_card,
    data_of_card,
    stored_identity,
    stream_identity,
)
from tests.training.conftest import few

SEEN = {"kind": "stored set", "root_seed": 5, "scenes": 30, "photographs": 60, "config_hash": "a"}
OTHERS = {**SEEN, "root_seed": 6}
BEFORE = {
    "config": {"data": {"held_out": 2}},
    "data": {**SEEN, "root_seed": 4, "scenes": 90},
    "weights": {"arnet": "c"},
    "start": None,
}


@pytest.fixture
def file(tmp_path):
    """Weights and a card as a training leaves them."""
    path = tmp_path / "mine.safetensors"
    torch.manual_seed(0)
    save(NeuralRenderer(), path)
    stage = {"steps": 9, "of": 12, "taken": {"file": "best.safetensors", "step": 8, "score": 30.0}}
    card = {
        "schema": SCHEMA,
        "method": "bokehme",
        "weights": {"file": path.name, "sha256": sha256_file(path)},
        "config": {"data": {"held_out": 3}, "iunet": {"variant": "B5"}},
        "data": {**SEEN, "config": {"size": [9, 9]}, "content_hash": "b", "licences": [], "build": None},
        "stages": {"arnet": stage, "iunet": stage},
        "assets": ["proc:leaves#1", "proc:wires#2"],
        "start": None,
    }
    write_json(path.with_suffix(".json"), card)
    return path


def change(file, **fields):
    card = json.loads(file.with_suffix(".json").read_text())
    write_json(file.with_suffix(".json"), card | fields)


def start(first, data=SEEN, held_out=3, method="bokehme"):
    return Start(first, method, STAGES, data, held_out)


def test_a_file_is_taken_apart_in_full_precision_and_said_to_be_what_it_is(file):
    made = start(file)
    stored = load_file(file)
    for stage in STAGES:
        for name, tensor in made.weights[stage].items():
            assert tensor.dtype == torch.float32
            assert torch.equal(tensor, stored[f"{stage}.{name}"].float())
    assert sum(map(len, made.weights.values())) == len(stored)
    assert made.record["file"] == {"name": "mine.safetensors", "sha256": sha256_file(file)}
    assert made.record["data"] == SEEN
    assert made.record["stages"]["arnet"] == {"steps": 9, "of": 12, "taken": 8}
    assert made.hashes()["arnet"] == checkpoint.weights_hash(made.weights["arnet"])
    assert made.option == "mine.safetensors"


def test_a_file_without_its_own_card_is_refused(file, tmp_path):
    shutil.copy(file, tmp_path / "bare.safetensors")
    with pytest.raises(InputError, match=r"no card of a training beside it \(bare\.json\)"):
        start(tmp_path / "bare.safetensors")
    with pytest.raises(InputError, match="is of bokehme, weights of mpib are wanted"):
        start(file, method="mpib")
    torch.manual_seed(1)
    save(NeuralRenderer(), file)
    with pytest.raises(InputError, match="is not the file that the card beside it describes"):
        start(file)
    with pytest.raises(InputError, match="no training run there"):
        start(tmp_path / "nowhere")


@pytest.mark.parametrize("damage", [{"stages": None}, {"data": 3}, {"method": None, "assets": {}}])
def test_a_damaged_card_is_one_line_that_names_what_is_wrong(file, damage):
    change(file, **damage)
    with pytest.raises(InputError, match=rf"card beside it is damaged \({', '.join(damage)}\)"):
        start(file)


def test_other_networks_are_refused_in_one_line(file):
    made = start(file)
    made.require({"iunet.variant": "B5"})
    with pytest.raises(InputError, match=r'has iunet\.variant "B5", this run has "B3"') as refused:
        made.require({"iunet.variant": "B3"})
    assert "\n" not in str(refused.value)


def test_all_that_was_seen_before_is_known_or_refused(file):
    assert start(file, OTHERS).assets == {"proc:leaves#1", "proc:wires#2"}
    change(file, assets=[])
    assert start(file).assets == frozenset()  # the same photographs: nothing else was seen
    with pytest.raises(InputError, match="no card that lists"):
        start(file, OTHERS)
    # The same photographs, but of the training before that one nothing is known.
    for before in (BEFORE, {"weights": {"arnet": "c"}}):
        change(file, start=before)
        with pytest.raises(InputError, match="no card that lists"):
            start(file)
    # Cards of old left out photographs that were the same.
    change(file, start={"config": {"data": {"held_out": 3}}, "weights": {"arnet": "c"}})
    assert start(file).record["start"]["weights"] == {"arnet": "c"}


def test_scenes_that_any_training_before_has_seen_are_never_judged_by(file):
    with pytest.raises(InputError, match="judged by"):
        start(file, {**SEEN, "scenes": 20})
    with pytest.raises(InputError, match="judged by"):
        start(file, held_out=4)  # of 30 scenes, 27 were trained on
    change(file, start=BEFORE)
    with pytest.raises(InputError, match="seed 4 that this run is judged by"):
        start(file, {**SEEN, "root_seed": 4})
    assert start(file, {**SEEN, "root_seed": 4, "scenes": 91}).record["start"] == BEFORE


def test_what_a_card_says_of_photographs_is_recognised_as_the_same_set(photographs):
    data = few().data
    stored = stored_identity(SynthDataset(photographs))
    card = json.loads(json.dumps(data_card(str(photographs), stored, data)))
    assert data_of_card(card) == stored != card
    recipe = data.load_recipe()
    streamed = stream_identity(recipe, make_library(recipe), 5)
    card = json.loads(json.dumps(data_card(STREAM, streamed, data)))
    assert data_of_card(card) == streamed != card


def test_the_weights_that_ship_can_be_continued_on_their_own_photographs_and_on_others():
    card = json.loads((FOLDER / "bokehme.json").read_text())
    held_out = card["config"]["data"]["held_out"]
    for data in (data_of_card(card["data"]), {**OTHERS, "root_seed": card["data"]["root_seed"] + 1}):
        made = start(SHIPPED, data, held_out)
        assert set(made.weights) == set(STAGES)
        assert made.assets == set(card["assets"])
        assert made.record["file"]["sha256"] == card["weights"]["sha256"]
        assert made.record["start"] == card["start"]
        assert made.option == "shipped"


def test_a_method_without_weights_in_the_package_has_none_to_begin_with(tmp_path, monkeypatch):
    monkeypatch.setattr(MethodSpec, "_home", lambda spec: tmp_path)
    with pytest.raises(InputError, match="no weights of mpib come with the package"):
        start(SHIPPED, method="mpib")
