"""Claims about comparisons: what is paired, which way the sign goes, what changed, what is stale."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
from pathlib import Path

import board_world as world
import numpy as np
import pytest

import bokehbench.leaderboard
from bokehbench import cli, records, registry
from bokehbench.errors import ConfigError, InputError
from bokehbench.leaderboard import compare_text
from bokehbench.leaderboard.compare import Report, compare
from bokehbench.leaderboard.results import Protocol
from bokehbench.leaderboard.sides import parse_side
from bokehbench.metrics import find


@pytest.fixture(autouse=True)
def _methods(monkeypatch: pytest.MonkeyPatch) -> None:
    world.register_world(monkeypatch)


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("standard")
    world.write_world(root)
    return root


def of(a: object, b: object, *metrics: str) -> Report:
    return compare(parse_side(str(a)), parse_side(str(b)), metrics)


def test_two_methods_differ_by_the_mean_of_their_paired_differences(standard: Path) -> None:
    report = of(f"{standard}::soft", f"{standard}::sharp", "psnr")
    (pair,) = report.pairs
    frame = bokehbench.leaderboard.load(standard)
    table = frame[frame.metric == "psnr"].pivot_table("value", ["scene", "level"], "method")
    apart = table["soft"] - table["sharp"]
    assert [one.level for one in pair.differences] == ["all", "L1", "L5"]
    for one in pair.differences:
        own = apart if one.level == "all" else apart.xs(one.level, level="level")
        means = own.groupby("scene").mean()
        assert one.interval.mean == pytest.approx(own.mean(), abs=1e-9)
        half = 2.364624 * means.std(ddof=1) / np.sqrt(8)  # t of 7 degrees of freedom
        assert one.interval.high == pytest.approx(own.mean() + half, abs=1e-5)
        assert one.better == "A" and one.p_holm == pytest.approx(2 / 2**8)
    assert {one.scene: one.mean for one in pair.scenes} == pytest.approx(
        apart.groupby("scene").mean().to_dict()
    )


def test_turned_round_the_sign_turns_and_smaller_may_be_better(standard: Path) -> None:
    forth = of(f"{standard}::soft", f"{standard}::sharp", "gmsd").pairs[0].differences[0]
    back = of(f"{standard}::sharp", f"{standard}::soft", "gmsd").pairs[0].differences[0]
    assert forth.interval.mean == pytest.approx(-back.interval.mean) and forth.interval.mean < 0
    assert (forth.better, back.better) == ("A", "B")


def test_a_copy_is_the_same_in_every_number(standard: Path, tmp_path: Path) -> None:
    shutil.copytree(standard, tmp_path / "copy")
    report = of(standard, tmp_path / "copy")
    assert len(report.pairs) == 4 and all(pair.is_same for pair in report.pairs)
    assert all(pair.same_bytes == pair.cases == 16 for pair in report.pairs)
    assert not report.changes and not report.stale and not report.only
    assert "Every number is the same." in compare_text.to_markdown(report)


def test_two_dates_say_what_changed_and_why(
    standard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = Protocol(tmp_path / "later", "toy", "gt@1")
    shutil.copytree(standard, tmp_path / "later")
    for path in at.folder.glob("soft/none/*_L?.json"):
        records.write_json(path, {**records.read_json(path), "method": "soft@2"})
    for path in at.folder.glob("sharp/none/*.scores.json"):
        content = records.read_json(path)
        content["scores"]["ssim"]["fingerprint"] = "0badc0de"
        records.write_json(path, content)
    case = at.case_record("s0_L1")
    records.write_json(case, {**records.read_json(case), "data": "other"})
    newer = dataclasses.replace(registry.get(registry.MethodSpec, "soft"), version=2)
    monkeypatch.setitem(registry._registered, ("method", "soft"), newer)
    report = of(standard, tmp_path / "later")
    said = {(change.cause, change.where, change.a, change.b) for change in report.changes}
    assert ("method", "soft on toy (gt@1)", "soft@1", "soft@2") in said
    assert {cause for cause, *_ in said} == {"method", "metric", "data"}
    sharp = next(pair for pair in report.pairs if pair.a == "sharp@1")
    assert "ssim" not in {one.metric for one in sharp.differences} and sharp.cases == 15
    assert any("scored by different forms" in why for why in sharp.left_out)
    stale = {(one.side, one.cause): one for one in report.stale}
    old = stale[(str(standard), "method")]
    assert old.reason == "made by soft@1, now soft@2" and old.count == 16 and "bokehbench run" in old.command
    assert (str(tmp_path / "later"), "metric") in stale
    text = compare_text.to_markdown(report)
    assert "- method: soft on toy (gt@1): soft@1 → soft@2" in text and "## Stale today" in text


def test_scores_of_another_prediction_are_not_compared(standard: Path, tmp_path: Path) -> None:
    shutil.copytree(standard, tmp_path / "later")
    at = Protocol(tmp_path / "later", "toy", "gt@1")
    (at.folder / "soft" / "none" / "s0_L1.png").write_bytes(b"damaged")
    soft = of(f"{standard}::soft", f"{tmp_path / 'later'}::soft", "psnr").pairs[0]
    assert soft.differences[0].interval.cases == 15
    assert "prediction file is missing or not the one of its record" in soft.left_out[0]


def test_under_six_scenes_nothing_is_claimed(tmp_path: Path) -> None:
    world.write_world(tmp_path, scenes=5)
    one = of(f"{tmp_path}::soft", f"{tmp_path}::sharp", "psnr").pairs[0].differences[0]
    assert (one.interval.low, one.p, one.p_holm, one.better) == (None, None, None, "")


def test_sides_that_make_no_sense_are_one_line(standard: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name a method on both sides"):
        of(f"{standard}::soft", standard)
    with pytest.raises(InputError, match="has given, identity, sharp, soft"):
        of(f"{standard}::nobody", f"{standard}::soft")
    world.write_world(tmp_path, scenes=1, benchmark="else")
    with pytest.raises(InputError, match="nothing in common"):
        of(standard, tmp_path)


def test_the_command_writes_markdown_and_json(
    standard: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--md", str(tmp_path / "c.md"), "--json", str(tmp_path / "c.json")]
    with pytest.raises(SystemExit) as done:
        cli.main(["compare", f"{standard}::soft", f"{standard}::sharp", "--metric", "psnr", *files])
    assert done.value.code == 0
    assert capsys.readouterr().out == (tmp_path / "c.md").read_text()
    content = json.loads((tmp_path / "c.json").read_text())
    assert content["pairs"][0]["differences"][0]["better"] == "A"
    assert "| psnr ↑ dB | L5 | 8 | 8 |" in (tmp_path / "c.md").read_text()


def test_other_weights_are_compared_with_each_other_or_by_name(standard: Path, tmp_path: Path) -> None:
    shutil.copytree(standard, tmp_path / "one")
    shutil.copytree(standard, tmp_path / "two")
    for name, folders in (("one", ["aaaa1111"]), ("two", ["bbbb2222", "cccc3333"])):
        folder = tmp_path / name / "toy" / "gt@1" / "soft"
        for weights in folders:
            shutil.copytree(folder / "none", folder / weights)
        shutil.rmtree(folder / "none")
    report = of(f"{tmp_path / 'one'}::soft", f"{tmp_path / 'two'}::soft/bbbb", "psnr")
    assert report.pairs[0].a == "soft@1 [aaaa1111]" and report.pairs[0].is_same
    assert [(change.cause, change.a, change.b) for change in report.changes] == [
        ("weights", "aaaa1111", "bbbb2222")
    ]
    with pytest.raises(InputError, match="several weights in toy"):
        of(f"{tmp_path / 'one'}::soft", f"{tmp_path / 'two'}::soft")
    whole = of(tmp_path / "one", tmp_path / "two", "psnr")
    assert "soft/aaaa1111 on toy (gt@1) is in A alone" in whole.only and len(whole.pairs) == 3


def test_a_metric_that_is_missing_or_unknown_is_said(standard: Path) -> None:
    with pytest.raises(InputError, match=r"nothing to compare; .*evaluate RESULTS --metric psnr-noiseless"):
        of(f"{standard}::soft", f"{standard}::sharp", "psnr", "psnr-noiseless")
    with pytest.raises(ConfigError, match="psnrr"):
        of(f"{standard}::soft", f"{standard}::sharp", "psnrr")


def rescore(root: Path, method: str, **scores: dict[str, object]) -> None:
    for path in (root / "toy" / "gt@1" / method).glob("none/*.scores.json"):
        content = records.read_json(path)
        content["scores"] = {name: {**content["scores"]["psnr"], **own} for name, own in scores.items()}
        records.write_json(path, content)


def test_a_metric_on_one_side_alone_or_none_at_all_is_exit_2(
    standard: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "one"
    shutil.copytree(standard, root)
    rescore(root, "soft", psnr={})
    rescore(root, "sharp")
    for metric in (["--metric", "psnr"], []):
        with pytest.raises(SystemExit) as done:
            cli.main(["compare", f"{root}::soft", f"{root}::sharp", *metric])
        said = capsys.readouterr()
        assert done.value.code == 2 and said.err.count("\n") == 1 and not said.out


def test_where_nothing_has_a_direction_nobody_wins(standard: Path, tmp_path: Path) -> None:
    root = tmp_path / "one"
    shutil.copytree(standard, root)
    fingerprint = find("blur-bias").fingerprint
    for method in ("soft", "sharp"):
        rescore(root, method, **{"blur-bias": {"fingerprint": fingerprint}})
    report = of(f"{root}::soft", f"{root}::sharp")
    one = report.pairs[0].differences[0]
    assert (one.metric, one.scenes_won, one.better) == ("blur-bias", None, "")
    line = next(line for line in compare_text.to_markdown(report).splitlines() if line.startswith("| blur-b"))
    assert [cell.strip() for cell in line.split("|")][9] == "–" and one.interval.low is not None


def test_few_scenes_are_said_where_the_interval_would_stand(tmp_path: Path) -> None:
    for scenes, said in ((1, "n/a: one scene"), (3, "n/a: 3 scenes")):
        root = tmp_path / str(scenes)
        world.write_world(root, scenes=scenes, levels=("L1",))
        report = of(f"{root}::soft", f"{root}::sharp", "psnr")
        text = compare_text.to_markdown(report)
        assert f"| {said} |" in text and "exact" not in text
        one = report.pairs[0].scenes[0]
        assert (one.cases, one.low, one.high) == (1, None, None)  # one case is no range
        assert compare_text.to_json(report)["pairs"][0]["scenes"][0]["low"] is None


def test_p_is_of_the_printed_difference_where_scenes_are_unequal(tmp_path: Path) -> None:
    """One scene has ten cases, on which B is ahead: the mean over cases says B, and so does p."""
    at = world.write_world(tmp_path, scenes=17, levels=("L1",), methods={"soft": 10.0, "sharp": 10.0})
    for number in range(17):
        case = f"s{number}_L1"
        if number >= 7:
            records.write_json(
                at.case_record(case), {**records.read_json(at.case_record(case)), "scene": "many"}
            )
        for method, ahead in (("soft", number < 7), ("sharp", number >= 7)):
            path = at.folder / method / "none" / f"{case}.scores.json"
            content = records.read_json(path)
            content["scores"]["psnr"]["value"] = 31.0 if ahead else 30.0
            records.write_json(path, content)
    one = of(f"{tmp_path}::soft", f"{tmp_path}::sharp", "psnr").pairs[0].differences[0]
    assert one.interval.mean == pytest.approx(-3 / 17) and one.scenes_won == pytest.approx(7 / 8)
    # Of the flips of seven ones and a ten, those whose sum is at least 3 in size: more than half.
    sums = [sum(signs[:7]) + 10 * signs[7] for signs in itertools.product((1, -1), repeat=8)]
    assert one.p == pytest.approx(np.mean(np.abs(sums) >= 3))
