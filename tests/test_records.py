"""Claims about files that survive being killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bokehbench import records
from bokehbench.errors import InputError


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    records.write_text(path, "old")

    def fail() -> None:
        with records.atomic_path(path) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_write_leaves_no_file_and_its_part_is_cleaned_up(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from bokehbench.records import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as part:\n"
        "    part.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.txt")], check=False)
    assert not (tmp_path / "a.txt").exists()
    assert len(list(tmp_path.iterdir())) == 1
    records.remove_parts(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_equal_values_are_equal_bytes(tmp_path: Path) -> None:
    records.write_json(tmp_path / "a.json", {"b": 1, "a": [0.1, None]})
    records.write_json(tmp_path / "b.json", {"a": [0.1, None], "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert records.sha256_json({"b": 1, "a": 2}) == records.sha256_json({"a": 2, "b": 1})


def test_broken_json_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InputError, match=r"a\.json"):
        records.read_json(tmp_path / "a.json")


def test_parts_of_other_machines_stay_for_an_hour(tmp_path):
    mine = tmp_path / f"a.part-{records.machine()}-{os.getpid()}.png"
    dead = tmp_path / f"b.part-{records.machine()}-999999999.png"
    theirs = tmp_path / "c.part-0badcafe-999999999.png"
    old = tmp_path / "d.part-0badcafe-999999999.png"
    for path in (mine, dead, theirs, old):
        path.touch()
    os.utime(old, (0, 0))
    records.remove_parts(tmp_path)
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["a", "c"]
