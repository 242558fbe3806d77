"""Claims about `bokehbench train`: one clear line for what cannot be, and a run for what can."""

import shlex

import pytest
from click.testing import CliRunner

from bokehbench import weights
from bokehbench.commands.train import train
from bokehbench.errors import BokehbenchError
from bokehbench.progress_made import CONFIGS
from bokehbench.registry import MethodSpec, get, names


def run(*arguments):
    return CliRunner().invoke(train, ["bokehme", *map(str, arguments)])


def test_what_is_missing_is_said_with_the_command_that_makes_it(tmp_path):
    result = run("--data", tmp_path / "none", "--out", tmp_path / "run")
    assert isinstance(result.exception, BokehbenchError)
    assert "bokehbench synth build --recipe bokehme" in str(result.exception)
    assert not (tmp_path / "run").exists()


def test_an_unknown_field_is_refused_before_anything_is_written(tmp_path):
    result = run("--data", "stream", "--out", tmp_path / "run", "--set", "arnet.learning=1")
    assert "no such field" in str(result.exception)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("method", [name for name in names(MethodSpec) if get(MethodSpec, name).trained_by])
def test_weights_that_are_not_there_are_called_not_trained_with_a_command_that_exists(method):
    wanted = get(MethodSpec, method).weights_wanted()[0]
    said = weights.instruction(wanted, None)
    assert said.startswith("not trained: `bokehbench train ") and wanted.file in said
    name, *options = shlex.split(said.split("`")[1])[2:]
    assert name in train.commands
    assert not options or (CONFIGS / name / f"{options[1]}.yaml").is_file()


def test_help_names_the_ways_to_train():
    text = CliRunner().invoke(train, ["bokehme", "--help"]).output
    for word in ("--config", "--data", "--stage", "--arnet", "--validate", "--hours", "accelerate launch"):
        assert word in text
