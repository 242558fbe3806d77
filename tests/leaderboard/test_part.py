"""Claims about which cases a run is for: patterns of names, then the shard; and of how many a set is."""

from __future__ import annotations

from pathlib import Path

import board_world as world
import pytest

from bokehbench import records
from bokehbench.benchmarks.locate import Reference
from bokehbench.cases import CaseInfo
from bokehbench.errors import ConfigError
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.part import Part, note_size, size_of
from bokehbench.optics import Lens

CASES = [
    CaseInfo(f"{scene}-k0{level}", scene, f"L{level}", Lens(1.0, 0.5), "")
    for scene in ("chain_fence", "room")
    for level in (1, 2)
]


def keys(*patterns: str, shard: tuple[int, int] = (0, 1)) -> list[str]:
    return [info.key for info in Part(patterns, shard).of(CASES)]


@pytest.mark.parametrize("pattern", ["chain_fence/*", "chain_fence-*", "*fence*", "chain_fence-k0[12]"])
def test_a_pattern_is_of_the_key_or_of_scene_and_key(pattern: str) -> None:
    assert keys(pattern) == ["chain_fence-k01", "chain_fence-k02"]


def test_several_patterns_are_either_and_none_is_all() -> None:
    assert keys("room-k01", "*-k02") == ["chain_fence-k02", "room-k01", "room-k02"]
    assert keys() == [info.key for info in CASES] and keys("ROOM-*") == []


def test_shards_of_what_matches_are_all_of_it() -> None:
    parts = [keys("*-k02", shard=(part, 2)) for part in range(2)]
    assert parts == [["chain_fence-k02"], ["room-k02"]]


def test_a_pattern_that_no_benchmark_has_is_refused_with_names() -> None:
    listed = {Reference("a"): CASES[:2], Reference("b"): CASES[2:]}
    Part(("room*", "chain*")).refuse_unmatched(listed)
    with pytest.raises(ConfigError, match=r"--cases lamp\*: no case is called so; .* chain_fence/chain_fe"):
        Part(("room*", "lamp*")).refuse_unmatched(listed)


def test_a_table_of_fewer_cases_than_the_set_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.register_world(monkeypatch)
    at = world.write_world(tmp_path, scenes=2, levels=("L1",), methods={"soft": 12.0})
    parts = {}
    for cases in (0, 1, 2, 9):
        note_size(at, cases)
        (board,) = collect([tmp_path])
        parts[cases] = build(board).part
    more = "more than the set (2 cases, the set has 1)"
    assert parts == {0: "", 1: more, 2: "", 9: "part of the set (2 of 9 cases)"}
    record = records.read_json(at.case_record("s1_L1"))
    records.write_json(at.case_record("s1_L1"), {**record, "pictures": {}})
    note_size(at, 2)
    (board,) = collect([tmp_path])
    assert build(board).part == ""  # what has no ground truth is in no table, and lacks in none
    (at.folder / "_set.json").write_text("[")
    assert size_of(at) == 0
