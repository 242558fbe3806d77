"""Claims about `bokehbench train`: one clear line for what cannot be, and a run for what can."""

from click.testing import CliRunner

from bokehbench.commands.train import train
from bokehbench.errors import BokehbenchError


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


def test_help_names_the_ways_to_train():
    text = CliRunner().invoke(train, ["bokehme", "--help"]).output
    for word in ("--config", "--data", "--stage", "--arnet", "--validate", "--hours", "accelerate launch"):
        assert word in text
