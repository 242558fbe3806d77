"""Claims about results that no longer count: the command that is printed for them renews them, as written."""

from __future__ import annotations

import shlex
import shutil
import textwrap
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import own_world
import pytest
from board_world import register_world, write_world

from bokehbench import cli, records, registry
from bokehbench.leaderboard import pairs
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.evaluate import evaluate
from bokehbench.leaderboard.export_text import to_markdown, to_terminal
from bokehbench.leaderboard.missing import asked_for, missing
from bokehbench.leaderboard.page import _environment
from bokehbench.leaderboard.page_tables import table_view
from bokehbench.leaderboard.results import Protocol, Result, protocols, results
from bokehbench.leaderboard.run import run
from bokehbench.leaderboard.sentences import renewals
from bokehbench.leaderboard.staleness import scoring, stale_result
from bokehbench.leaderboard.unit import command
from bokehbench.registry import BenchmarkSpec, MethodSpec, get, register

WORLD = '''
"""Two cases, a method, and rules that have a version."""
import numpy as np
from bokehbench.cases import Case, CaseInfo, Inputs
from bokehbench.optics import Lens
from bokehbench.registry import BenchmarkSpec, MethodSpec, register

class Grey:
    def __init__(self, root):
        self.root = root
    def cases(self):
        return [CaseInfo(f"case{n}", f"scene{n}", "L1", Lens(4.0, 0.5), f"d{n}") for n in range(2)]
    def load(self, info):
        image = np.full((16, 20, 3), 0.5, np.float32)
        return Case(info, Inputs(info.key, image, image[..., 0], info.lens), image)

class Same:
    def render(self, inputs):
        return inputs.image

register(
    BenchmarkSpec("grey", "Grey.", "ruled:Grey", protocol="rules", protocol_version=1),
    MethodSpec("same", "The same.", "ruled:Same"),
)
'''


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Results of a method and a benchmark of a file, whose data is found by its name."""
    monkeypatch.setenv("BOKEHBENCH_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "grey").mkdir(parents=True)
    (tmp_path / "ruled.py").write_text(textwrap.dedent(WORLD))
    with own_world.registered(monkeypatch, tmp_path / "ruled.py"):
        run(["grey"], ["same"], tmp_path / "out")
        yield tmp_path


def change(world: Path, old: str, new: str) -> None:
    text = (world / "ruled.py").read_text()
    assert old in text
    (world / "ruled.py").write_text(text.replace(old, new))
    # Of a file that was changed within a second to one of the same length Python takes the old bytecode.
    shutil.rmtree(world / "__pycache__", ignore_errors=True)
    own_world.register_again()


def stale(world: Path) -> set[tuple[str, str, str]]:
    entries = [e for board in collect([world / "out"]) for key in board.runs for e in board.entries(key)]
    return {(e.stale.cause, e.stale.reason, e.stale.command) for e in entries if e.stale is not None}


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("protocol_version=1", "protocol_version=2", "protocol"),
        ('"The same.", "ruled:Same"', '"The same.", "ruled:Same", version=2', "method"),
    ],
)
def test_what_is_printed_renews(world: Path, old: str, new: str, cause: str) -> None:
    assert not stale(world)
    change(world, old, new)
    ((found, reason, printed),) = stale(world)
    assert found == cause and ("now rules@2" in reason or "now same@2" in reason)
    assert "--benchmark grey --method" in printed and f"--register {world / 'ruled.py'}" in printed
    again = shlex.split(printed.partition(" && ")[0])
    with pytest.raises(SystemExit) as ended:
        cli.main(again[1:])
    assert ended.value.code == 0 and not stale(world)
    (at,) = protocols(world / "out")
    assert len(list(results(at))) == 2 and at.protocol == ("rules@2" if cause == "protocol" else "rules@1")


def test_a_plain_run_deletes_nothing(world: Path) -> None:
    change(world, "protocol_version=1", "protocol_version=2")
    run(["grey"], ["same"], world / "out")
    assert [at.protocol for at in protocols(world / "out")] == ["rules@1", "rules@2"]
    change(world, '"rules", protocol_version=2', '"other", protocol_version=1')
    assert {printed.partition(":")[0] for _, _, printed in stale(world)} == {"nothing makes it any more"}


def test_a_record_names_the_files_to_register_and_no_folder(world: Path) -> None:
    result = next(results(protocols(world / "out")[0]))
    assert records.read_json(result.record)["command"] == (
        "bokehbench run --benchmark grey:DIR --method same --out RESULTS --register ruled.py"
    )


def test_other_weights_are_asked_for_where_they_are_part_of_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_world(monkeypatch)
    monkeypatch.setenv("BOKEHBENCH_WEIGHTS", str(tmp_path))
    (tmp_path / "net.pth").write_bytes(b"mine")
    register(MethodSpec("net", "x", "bokehbench.baselines.identity:Identity", weights=("net.pth",)))
    result = Result(Protocol(tmp_path, "toy", "gt@1"), "net", "12345678", "s0")
    record = {"command": "bokehbench run --benchmark toy:DIR --method net --out RESULTS"}
    mine = {"net.pth": records.sha256_bytes(b"mine")}
    for weights, asked in ((mine, False), ({"net.pth": "0" * 64}, True)):
        found = stale_result(result, {**record, "weights": weights}, "method", "made by net@0", ["psnr"])
        assert ("--weights net=FILE" in found.command) == asked


def test_scoring_again_names_what_those_without_a_name_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path("my results")
    assert scoring(root, ["psnr", "ssim"]) == "bokehbench evaluate 'my results'"
    assert scoring(root, ["psnr", "psnr+lin"]).endswith("--metric psnr --metric psnr+lin")
    assert (
        scoring(root, ["psnr", "psnr+band"], breakdown=True) == "bokehbench evaluate 'my results' --breakdown"
    )


def test_copies_that_were_scored_in_parts_are_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each machine scored half of the cases: together all are scored, in whatever order they are named."""
    register_world(monkeypatch)
    whole = write_world(tmp_path / "a", scenes=2, methods={"soft": 12.0})
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (known,) = collect([tmp_path / "a"])
    for root, scene in (("a", "s1"), ("b", "s0")):
        for path in (tmp_path / root).rglob(f"{scene}_*.scores.json"):
            path.unlink()
    expected = {case: entry.scores for case, entry in known.rows["soft", "none"].items()}
    for order in ("ab", "ba"):
        (board,) = collect([tmp_path / name for name in order])
        assert {case: entry.scores for case, entry in board.rows["soft", "none"].items()} == expected
    # Of one metric in both, the one that is of today.
    path = Result(whole, "soft", "none", "s0_L1").scores
    content = records.read_json(path)
    content["scores"]["psnr"]["fingerprint"] = "0badc0de"
    records.write_json(tmp_path / "b" / path.relative_to(tmp_path / "a"), content)
    for order in ("ab", "ba"):
        (board,) = collect([tmp_path / name for name in order])
        assert not board.rows["soft", "none"]["s0_L1"].stale_scores


def test_commands_of_packages_register_nothing() -> None:
    from bokehbench.benchmarks.locate import Reference

    assert "--register" not in command(Reference("blb:DIR"), "scatter")
    assert registry.files_of(get(BenchmarkSpec, "blb")) == []


def test_the_table_and_evaluate_agree_on_what_holds(world: Path) -> None:
    """Another border, gamma or pair: what `evaluate` would compute again is what the table does not count."""
    out = world / "out"
    evaluate(out, ["psnr", "psnr+geo"])
    (at,) = protocols(out)
    asked = asked_for(["psnr", "psnr+geo"])

    def counts() -> tuple[int, int]:
        (board,) = collect([out])
        entries = [entry for key in board.runs for entry in board.entries(key)]
        held = sum(not e.stale and name not in e.stale_scores for e in entries for name in asked.metrics)
        return held, missing(at, asked).present

    assert counts() == (4, 4)
    path = at.case_record("case0")
    case = records.read_json(path)
    for change in ({"crop": 2}, {"lens": {**case["lens"], "gamma": 1.0}}):
        records.write_json(path, {**case, **change})
        assert counts() == (2, 2)
    records.write_json(path, case)
    pair = pairs.record_path(at, "case0")
    records.write_json(pair, {**records.read_json(pair), "correlation": 0.25})
    assert counts() == (3, 3)
    (board,) = collect([out])
    (one,) = [why for key in board.runs for e in board.entries(key) for why in e.stale_scores.values()]
    assert one.reason == "the pair that psnr+geo rests on changed"


def test_a_new_version_of_metrics_names_the_rows_and_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_world(monkeypatch)
    write_world(tmp_path, scenes=2, methods={"soft": 12.0, "sharp": 20.0})
    for path in tmp_path.rglob("soft/*/*.scores.json"):
        content = records.read_json(path)
        for name in ("ssim", "gmsd"):
            content["scores"][name]["fingerprint"] = "0badc0de"
        records.write_json(path, content)
    (board,) = collect([tmp_path])
    table = build(board)
    *lines, command = renewals(table)
    assert [line.endswith(", in soft") for line in lines] == [True, True]
    assert {line.split()[2] for line in lines} == {"ssim", "gmsd"}
    assert command.partition(" → ")[2] in {
        scoring(tmp_path, names, always_named=True) for names in (["ssim", "gmsd"], ["gmsd", "ssim"])
    }
    # Where readers look: below the table, in every format, though no row is stale as a whole.
    html = (
        _environment().get_template("_table.html").render(t={**table_view(table), "cost": None, "sets": None})
    )
    *stale, renewed = table.stale_metrics
    assert not table.stale_rows and len(stale) == 2
    for text in (to_markdown([table]).replace("\\", ""), to_terminal([table]), unescape(html)):
        assert all(line in text for line in (*stale, renewed))
    assert f"**Stale**\n\n- {stale[0]}\n" in to_markdown([table]).replace("\\", "")
