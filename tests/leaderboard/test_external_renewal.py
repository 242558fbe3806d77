"""Claims about external methods that change: what is stale, what renews it, what their files are."""

from __future__ import annotations

import shlex
from pathlib import Path

import external_world
import own_world
import pytest
from external_world import PROGRAM, go, only_result

from bokehbench import cli, records, registry
from bokehbench.baselines.external_spec import ExternalMethodSpec
from bokehbench.errors import InputError
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.evaluate import evaluate

environment, world = external_world.environment, external_world.world


def test_another_environment_or_program_is_another_result(world: Path) -> None:
    go(world)
    (world / "program.py").write_text(PROGRAM + "\n")
    assert go(world).rendered == 4
    assert reasons(world) == ["fresh", "made with another code"]


def reasons(world: Path) -> list[str]:
    """Of each row, why it is stale."""
    (board,) = collect([world / "out"])
    return sorted(
        "".join({entry.stale.reason if entry.stale else "fresh" for entry in row.values()})
        for row in board.rows.values()
    )


def test_the_command_printed_for_a_stale_row_renews_it_as_it_is_written(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(world)
    evaluate(world / "out", ["psnr", "psnr+lin"])
    old = only_result(world)
    assert "--register copyist.toml --register world.py" in records.read_json(old.record)["command"]
    (world / "program.py").write_text(PROGRAM + "\n")
    (world / "elsewhere").mkdir()
    (world / "elsewhere" / "world").symlink_to(world / "data")
    monkeypatch.setenv("BOKEHBENCH_DATA", str(world / "elsewhere"))
    (board,) = collect([world / "out"])
    (command,) = {entry.stale.command for entry in board.entries(next(iter(board.runs))) if entry.stale}
    assert f"--register {world / 'copyist.toml'}" in command and "--renew" in command
    for part in command.split(" && "):
        with pytest.raises(SystemExit) as ended:
            cli.main(shlex.split(part)[1:])
        assert ended.value.code == 0
    assert reasons(world) == ["fresh"] and not old.folder.exists()
    (board,) = collect([world / "out"])
    assert {tuple(entry.scores) for entry in board.entries(next(iter(board.runs)))} == {("psnr", "psnr+lin")}


def test_weights_of_something_else_stop_no_table(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go(world)

    def refused(spec: object) -> dict[str, str]:
        raise InputError("net.safetensors: not weights of copyist")

    monkeypatch.setattr(ExternalMethodSpec, "weights_sha256", refused)
    assert reasons(world) == ["fresh"]  # nobody can tell, as where they are missing


def test_a_comment_on_the_environment_makes_nothing_stale(world: Path) -> None:
    go(world)
    text = (world / "copyist.toml").read_text()
    (world / "copyist.toml").write_text(text.replace("python -m venv own", "how to make it, in better words"))
    own_world.register_again()
    assert (go(world).rendered, reasons(world)) == (0, ["fresh"])


def test_a_method_that_was_external_and_is_one_of_ours_is_another_result(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(world)
    text = (world / "world.py").read_text()
    text = text.replace("BenchmarkSpec, register", "BenchmarkSpec, MethodSpec, register")
    ours = 'register(MethodSpec("copyist", "Ours.", "world:Ours"))\nclass Ours:\n'
    ours += "    def render(self, inputs):\n        return inputs.image\n"
    (world / "world.py").write_text(text + ours)
    monkeypatch.setenv(registry.REGISTER_VARIABLE, str(world / "world.py"))
    own_world.register_again()
    assert "made with another" in reasons(world)[0]
    assert go(world, renew=True).rendered == 4
    assert reasons(world) == ["fresh"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (r"\xff\xd8\xff\xe0 a photograph", "case0.png is there, but is a JPEG, not a PNG"),
        (r"\x89PNG\r\n\x1a\n and no end", "case0.png is there, but has no end"),
        ("", "the program ended without case0.png: exit 0"),
    ],
)
def test_what_lies_under_the_name_of_a_png_is_named(world: Path, content: str, said: str) -> None:
    """A program that prints nothing is not said to have said what we wrote into its log."""
    lines = [
        "import json, os, sys",
        "manifest = json.load(open(sys.argv[1]))",
        "for case in manifest['cases']:",
    ]
    write = f"open(os.path.join(manifest['out'], case['output']), 'wb').write(b'{content}')"
    (world / "program.py").write_text("\n".join([*lines, f"    {write if content else 'pass'}", ""]))
    (failed,) = go(world, shard=(0, 4)).failed
    assert said in failed and "it said last" not in failed
