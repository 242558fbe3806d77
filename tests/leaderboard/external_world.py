"""A benchmark of four pictures and an external method with an environment of its own, for tests of both."""

from __future__ import annotations

import venv
from collections.abc import Iterator
from pathlib import Path

import own_world
import pytest

from bokehbench.leaderboard import results
from bokehbench.leaderboard.run import run

WORLD = """
from pathlib import Path
import numpy as np
from bokehbench.cases import Case, CaseInfo, Inputs
from bokehbench.optics import Lens
from bokehbench.registry import BenchmarkSpec, register

class World:
    def __init__(self, root: Path) -> None:
        self.root = root
    def cases(self):
        search = (1.0, 3.0) if (self.root / "search").exists() else None
        lens = Lens(0.0 if search else 4.0, 0.5)
        return [CaseInfo(f"case{n}", f"scene{n}", "L1", lens, f"d{n}", search) for n in range(4)]
    def load(self, info):
        image = np.random.default_rng(int(info.key[-1])).random((24, 32, 3)).astype(np.float32)
        disparity = np.linspace(0, 1, 32, dtype=np.float32)[None].repeat(24, 0)
        return Case(info, Inputs(info.key, image, disparity, info.lens), image)

register(BenchmarkSpec("world", "Four pictures.", "world:World"))
"""
# What a user writes: standard library alone, in an environment that has nothing else.
PROGRAM = """
import json, os, shutil, subprocess, sys, time

manifest = json.load(open(sys.argv[1]))
assert manifest["schema"] == "bokehbench.external/1", manifest["schema"]
try:
    import numpy
except ImportError:
    print("no numpy in", sys.prefix)
mode = open("mode.txt").read().split()
for case in manifest["cases"]:
    assert case["lens"]["K"] in (4.0, 1.0, 2.0, 3.0) and case["size"] == [32, 24]
    assert os.path.exists(case["disparity"])
    with open("asked.txt", "a") as asked:
        print(case["key"], case["seed"], file=asked)
    if case["key"] in mode[1:]:
        if mode[0] == "hang":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            open("child.txt", "w").write(str(child.pid))
            time.sleep(600)
        elif mode[0] == "die":
            sys.exit("out of memory, say")
        elif mode[0] == "half":
            open(os.path.join(manifest["out"], case["output"]), "wb").write(b"not a picture")
            continue
    shutil.copy(case["image"], os.path.join(manifest["out"], case["output"]))
"""
DESCRIPTION = """
schema = "bokehbench.external/1"
name = "copyist"
summary = "Copies its input."
licence = "MIT"
command = ["{python}", "program.py", "{{manifest}}"]
image = "png8"
restarts = {restarts}
{more}

[environment]
description = "python -m venv own"
files = ["own/pyvenv.cfg"]

[limits]
start = {start}
case = {case}
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment without any package."""
    folder = tmp_path_factory.mktemp("environment") / "own"
    venv.create(folder, with_pip=False, symlinks=True)
    return folder


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: Path) -> Iterator[Path]:
    """A folder with the program, its description and a benchmark, all registered."""
    (tmp_path / "own").symlink_to(environment)
    (tmp_path / "data").mkdir()
    (tmp_path / "world.py").write_text(WORLD)
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "mode.txt").write_text("copy")
    _write_description(tmp_path)
    with own_world.registered(monkeypatch, tmp_path / "world.py", tmp_path / "copyist.toml"):
        yield tmp_path


def describe(folder: Path, more: str = "", **options: float) -> None:
    """Write another description of the program, which counts from now on."""
    _write_description(folder, more, **options)
    own_world.register_again()


def _write_description(
    folder: Path, more: str = "", *, start: float = 20.0, case: float = 20.0, restarts: int = 1
) -> None:
    python = "own/bin/python"
    text = DESCRIPTION.format(python=python, more=more, start=start, case=case, restarts=restarts)
    (folder / "copyist.toml").write_text(text)


def go(world: Path, out: str = "out", **options: object):
    return run([f"world:{world / 'data'}"], ["copyist"], world / out, **options)


def lasting(root: Path) -> dict[str, bytes]:
    found = (path for path in sorted(root.rglob("*")) if path.is_file() and "_external" not in path.parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in found if "timing" not in path.name}


def only_result(world: Path, out: str = "out") -> results.Result:
    return next(results.results(results.protocols(world / out)[0]))
