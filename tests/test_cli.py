"""Claims about the command line: light, and errors are one line with exit code 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bokehbench import cli

HEAVY = {"torch", "cv2", "bpy", "diffusers", "numba", "pandas", "scipy", "skimage", "numpy"}


def bokehbench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bokehbench", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("arguments", [["--help"], ["list", "methods"], ["list", "metrics", "--json"]])
def test_help_and_lists_import_nothing_heavy(arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "bokehbench", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert not imported & HEAVY


def test_every_command_of_the_table_exists_and_has_help() -> None:
    for name in cli.COMMANDS:
        done = bokehbench(name, "--help")
        assert done.returncode == 0, done.stderr
        assert "Usage" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "lenses"], "lenses"),
        (["describe", "scater"], "unknown name 'scater'"),
        (["run", "--benchmark", "blb:/nowhere", "--method", "identity", "--out", "x"], "no folder /nowhere"),
        (["run", "--benchmark", "blb", "--method", "identity", "--out", "x"], "BOKEHBENCH_DATA"),
        (["run", "--benchmark", "blb:/tmp", "--method", "scater", "--out", "x"], "did you mean scatter"),
        (["nonsense"], "nonsense"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BOKEHBENCH_DATA", raising=False)
    done = bokehbench(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_lists_are_machine_readable() -> None:
    listed = json.loads(bokehbench("list", "methods", "--json").stdout)
    assert {"identity", "scatter", "raylayers-oracle"} <= {method["name"] for method in listed}
    assert all(method["summary"] and method["kind"] == "method" for method in listed)


def test_a_renderer_of_ones_own_registers_from_a_file(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from bokehbench.registry import MethodSpec, register\n"
        "register(MethodSpec('half', 'Half as bright.', 'mine:Half'))\n"
        "class Half:\n    def render(self, inputs):\n        return inputs.image / 2\n"
    )
    done = bokehbench("list", "methods", "--register", str(mine))
    assert "half" in done.stdout
    done = bokehbench("describe", "half", "--register", str(mine))
    assert "Half as bright." in done.stdout


@pytest.mark.parametrize("name", ["a/b", "<b>", "../x", ""])
def test_a_name_that_is_no_folder_is_refused(name: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(f"import bokehbench.registry as r\nr.register(r.MethodSpec({name!r}, 'x', 'mine:X'))\n")
    done = bokehbench("list", "methods", "--register", str(mine))
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("stem", "content", "said"),
    [
        ("random", "", "random already"),
        ("mine", "import sys; sys.exit(3)", "SystemExit"),
        ("mine", "1/0", "Zero"),
    ],
)
def test_a_file_that_cannot_be_registered_is_one_line(
    tmp_path: Path, stem: str, content: str, said: str
) -> None:
    (tmp_path / f"{stem}.py").write_text(content)
    done = bokehbench("list", "methods", "--register", str(tmp_path / f"{stem}.py"))
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = bokehbench(
        "synth", "build", "--count", "1", "--size", "64x64", "--out", str(tmp_path / "file" / "out")
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr
