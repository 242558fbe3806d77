"""docs/benchmarks.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import set_replicas as replicas

from bokehbench.benchmarks.inventory import SALIENCY, Part
from bokehbench.benchmarks.photoset import Item, PhotoSet
from bokehbench.benchmarks.twins import TWINS
from bokehbench.registry import BenchmarkSpec, ProtocolSpec, get, names

TEXT = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()
SETS = ("ebb400", "ebb-val294", "ebb400-lq", "realbokeh", "ipb", "realsr", "drealsr")


def protocol_rows() -> list[tuple[list[str], list[str]]]:
    """(benchmarks, cells) of each row about a protocol; an empty first cell repeats the one above."""
    lines = (line for line in TEXT.splitlines() if line[:1] == "|")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    found: list[tuple[list[str], list[str]]] = []
    for row in rows:
        if len(row) == 6 and re.fullmatch("`.+`", row[1]):
            found.append((re.findall("`(.+?)`", row[0]) or found[-1][0], row))
    return found


def test_the_table_of_protocols_is_the_registered_one():
    said: dict[str, list[str]] = {}
    for benchmarks, (_, name, _, focus, K, truth) in protocol_rows():
        for benchmark in benchmarks:
            said.setdefault(benchmark, []).append(name.strip("`"))
        rules = get(ProtocolSpec, name.strip("`"))
        assert ("other half" in K) == (rules.K == "cross-fitted"), name
        assert ("per picture" in K) == (rules.K == "best-per-image"), name
        assert ("box" in focus) == (rules.focus == "box"), name
        assert (truth in ("none", "there is none")) == (not rules.uses_truth) or "definition" in truth, name
    for benchmark in SETS:
        assert tuple(said[benchmark]) == tuple(get(BenchmarkSpec, benchmark).protocols), benchmark


def test_every_set_and_every_twin_is_listed():
    listed = re.findall(r"^\| (`.+?) \|", TEXT, re.MULTILINE)
    found = {name for cell in listed for name in re.findall(r"`(.+?)`", cell)}
    assert {name for name in names(BenchmarkSpec) if name in SETS} <= found
    assert set(TWINS) <= found


def test_every_set_says_where_it_comes_from_and_what_is_true():
    for name in SETS:
        spec = get(BenchmarkSpec, name)
        assert spec.source and spec.layout and spec.notes
        assert "ground truth" in spec.notes.lower() or name == "drealsr"


def test_the_set_of_the_docs_works_as_printed(tmp_path):
    code = next(
        block for block in re.findall(r"```python\n(.+?)```", TEXT, re.DOTALL) if "class Mine" in block
    )
    space = {"PhotoSet": PhotoSet, "Part": Part, "Item": Item, "SALIENCY": SALIENCY}
    exec(code, space)
    root = replicas.ebb400(tmp_path)
    (root / "image").rename(root / "sharp")
    (root / "bokeh").rename(root / "blurred")
    (root / "disparity").rename(root / "midas")
    mine = space["Mine"](root, protocol=get(ProtocolSpec, "leak-free-midas"))
    assert [info.key for info in mine.cases()] == ["218", "864", "1205", "3466"]
    case = mine.load(mine.cases()[0])
    assert case.inputs.lens.disp_focus == pytest.approx(1.0, abs=0.01)
