"""Claims about the papers' claims: which verdict the figures give, in how many levels and scenes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import board_world as world
import numpy as np
import pytest

from bokehbench.leaderboard import layout_export, layouts, page_papers
from bokehbench.leaderboard.collect import Collected, collect
from bokehbench.leaderboard.layout_types import FAILS, HOLDS, UNKNOWN, Grid, Layout, Trend
from bokehbench.leaderboard.statistics import mean_interval
from bokehbench.metrics import find

AS = {"soft": "bokehme-nr", "sharp": "bokehme", "identity": "scatter"}
"""The methods of the world are, to the table, BokehMe and its parts; `sharp` is a network there."""
Value = Callable[[str, str, int], float | None]
"""(method, level, scene) -> value; None where it is undefined."""

PSNR = {"bokehme": (34.0, 32.0), "bokehme-nr": (33.0, 31.5), "scatter": (32.0, 29.0)}
"""At L1 and L5, and each scene lies some tenths beside."""


def psnr(method: str, level: str, scene: int) -> float:
    return PSNR[method][level == "L5"] + (0.1 if method == "bokehme" else 0.3) * (-1) ** scene


@pytest.fixture
def board(layout_results: Path, monkeypatch: pytest.MonkeyPatch) -> Collected:
    """Six scenes at L1 and L5, with the values of `psnr`."""
    world.register_world(monkeypatch)
    (found,) = collect([layout_results])
    return scored(
        dataclasses.replace(found, runs={(AS[m], w): run for (m, w), run in found.runs.items()}), psnr
    )


def scored(board: Collected, value: Value, metric: str = "psnr") -> Collected:
    """The board with these scores of a metric."""
    known = {"metric": find(metric).id, "fingerprint": find(metric).fingerprint}

    def score(method: str, case: str) -> dict[str, object]:
        found = value(method, case[-2:], int(case[1]))
        return {"value": found, "status": "undefined" if found is None else "ok", **known}

    runs = {
        key: {
            seed: {
                case: dataclasses.replace(entry, scores={**entry.scores, metric: score(key[0], case)})
                for case, entry in run.items()
            }
            for seed, run in seeds.items()
        }
        for key, seeds in board.runs.items()
    }
    return dataclasses.replace(board, runs=runs)


def of_scenes(board: Collected, count: int) -> Collected:
    """The first scenes alone."""
    cases = {key: case for key, case in board.cases.items() if int(key[1]) < count}
    runs = {
        key: {s: {c: e for c, e in run.items() if c in cases} for s, run in seeds.items()}
        for key, seeds in board.runs.items()
    }
    return dataclasses.replace(board, cases=cases, runs=runs)


def without(board: Collected, *methods: str) -> Collected:
    runs = {key: run for key, run in board.runs.items() if key[0] not in methods}
    return dataclasses.replace(board, runs=runs)


def laid_out(board: Collected) -> Layout:
    (layout,) = layouts.lay_out("bokehme-1", [board])
    return layout


def trend(board: Collected, words: str) -> Trend:
    (found,) = [one for one in laid_out(board).trends if words in one.claim]
    return found


def by_level(board: Collected) -> Grid:
    (found,) = [grid for grid in laid_out(board).grids if grid.of == "level"]
    return found


def test_a_gain_is_certain_where_its_paired_interval_by_scene_is_above_0(board: Collected) -> None:
    found = trend(board, "interval")
    apart = [psnr("bokehme", "L1", scene) - psnr("scatter", "L1", scene) for scene in range(6)]
    wanted = mean_interval(apart, [str(scene) for scene in range(6)])
    assert wanted.low is not None and wanted.low > 0 and (found.verdict, found.scenes) == (HOLDS, 6)
    assert f"in 2 of 2 levels: L1 +2.00 ± {wanted.mean - wanted.low:.2f} dB; L5 +3.00" in found.figures
    spread = scored(
        board, lambda m, level, scene: psnr(m, level, scene) + 4 * (m == "scatter") * (-1) ** scene
    )
    open_one = trend(spread, "interval")
    assert open_one.verdict == FAILS and open_one.figures.startswith("holds in 0 of 2 levels: ")


def test_too_few_scenes_for_an_interval_are_no_verdict_on_it(board: Collected) -> None:
    found = trend(of_scenes(board, 4), "interval")
    assert found.verdict == UNKNOWN and "too few scenes for an interval at L1, L5" in found.figures
    assert "L1 +2.00 dB" in found.figures and "levels" not in found.figures


@pytest.mark.parametrize(("count", "said"), [(1, "holds (1 scene): "), (4, "holds (4 scenes): ")])
def test_a_claim_says_in_how_many_scenes_it_holds(board: Collected, count: int, said: str) -> None:
    found = trend(of_scenes(board, count), "two parts")
    assert said in layout_export.trend_sentence(found)


def clean(method: str, level: str, scene: int) -> float | None:
    """Without noise all is higher, the best one most; BokehMe has none of scene 2 at L5."""
    if (method, level, scene) == ("bokehme", "L5", 2):
        return None
    return psnr(method, level, scene) + (0.5 if method == "bokehme" else 0.25)


def test_the_share_of_the_papers_gain_is_without_the_targets_noise(board: Collected) -> None:
    found = trend(scored(board, clean, "psnr-noiseless"), "0.9 of the paper's")
    assert found.verdict == HOLDS and "in 2 of 2 levels: L1 +2.25 ± " in found.figures
    assert "of +1.98 dB, 1.14 of it" in found.figures and "(5 of 6 cases)" in found.figures
    low = scored(
        board, lambda m, level, _: 34.0 - (m == "scatter") * (1.7 if level == "L1" else 2), "psnr-noiseless"
    )
    failed = trend(low, "0.9 of the paper's")
    assert failed.verdict == FAILS and failed.figures.startswith("holds in 1 of 2 levels: L1 +1.70")
    never = trend(board, "0.9 of the paper's")
    assert never.verdict == UNKNOWN and "no case with psnr-noiseless of both at L1, L5" in never.figures


def test_gains_stand_by_level_with_and_without_noise_beside_the_papers(board: Collected) -> None:
    noiseless = scored(board, clean, "psnr-noiseless")
    rows = {line.label: line.cells for line in by_level(noiseless).rows}
    assert [cell.text for cell in rows["L1"]] == ["+2.00", "+2.25", "6 of 6", "+1.98", "1.14"]
    kept = [clean("bokehme", "L5", s) - clean("scatter", "L5", s) for s in (0, 1, 3, 4, 5)]  # type: ignore[operator]
    assert rows["L5"][1].value == pytest.approx(np.mean(kept)) and rows["L5"][2].text == "5 of 6"
    assert rows["L1"][0].half and rows["L1"][1].half
    assert "none in L5 1 of 6 (s2_L5)." in laid_out(noiseless).findings[-1]
    assert laid_out(noiseless).grids[0].groups[0][1] == ("PSNR", "SSIM", "Time (s)")


def test_what_was_not_scored_without_noise_is_missing_where_the_noise_is_known(board: Collected) -> None:
    assert [cell.text for cell in by_level(board).rows[0].cells] == ["+2.00", "–", "0 of 6", "+1.98", "–"]
    (lacking,) = [one for one in laid_out(board).missing if "psnr-noiseless" in one.what]
    assert lacking.command.startswith("bokehbench evaluate ") and "--metric psnr-noiseless" in lacking.command
    for other in (scored(board, clean, "psnr-noiseless"), without_noise(board)):
        assert not any("psnr-noiseless" in one.what for one in laid_out(other).missing)


def without_noise(board: Collected) -> Collected:
    cases = {
        key: dataclasses.replace(case, record=dict(case.record) | {"notes": {}})
        for key, case in board.cases.items()
    }
    return dataclasses.replace(board, cases=cases)


def test_every_format_heads_the_levels_with_level(board: Collected) -> None:
    layout = laid_out(board)
    assert "| level | here | without the targets' noise |" in layout_export.to_markdown(layout)
    assert "\nLevels & here & " in layout_export.to_latex(layout) and "\nlevel " in layout_export.to_text(
        layout
    )
    assert (
        page_papers.layout_view(layout)["grids"][-1]["of"] == layout.to_json()["grids"][-1]["of"] == "level"
    )


def as_spec(monkeypatch: pytest.MonkeyPatch, **categories: str) -> None:
    """As if methods of these names were registered."""
    from bokehbench import registry
    from bokehbench.registry import MethodSpec

    for name, category in categories.items():
        registry.register(MethodSpec(name.replace("_", "-"), ".", "x:y", category=category))  # type: ignore[arg-type]


def test_best_of_the_trained_and_best_of_all_are_two_claims(
    board: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_spec(monkeypatch, bokehme="neural", bokehme_nr="neural", scatter="classical")
    better = scored(board, lambda m, level, scene: psnr(m, level, scene) + 5.0 * (m == "scatter"))
    trained, everything = trend(better, "of the trained"), trend(better, "of all methods")
    assert trained.verdict == HOLDS and "L1 over bokehme-nr +1.00" in trained.figures
    assert "place 1 of 2" in trained.figures and "L1 bokehme over bokehme-nr +2.89 dB" in trained.theirs
    assert everything.verdict == FAILS and "L1 over scatter \N{MINUS SIGN}3.00" in everything.figures
    assert "place 2 of 3" in everything.figures
    alone = trend(without(board, "bokehme-nr"), "of the trained")
    assert alone.verdict == UNKNOWN and alone.figures == "no other trained method at L1, L5"


def test_a_level_without_a_method_leaves_a_claim_about_all_levels_open(board: Collected) -> None:
    runs = {
        key: {
            s: {c: e for c, e in run.items() if key[0] != "scatter" or c.endswith("L1")}
            for s, run in seeds.items()
        }
        for key, seeds in board.runs.items()
    }
    found = trend(dataclasses.replace(board, runs=runs), "two parts")
    assert found.verdict == UNKNOWN
    assert (
        found.figures.startswith("holds in 1 of 2 levels: L1 ")
        and "no psnr of scatter at L5" in found.figures
    )


def test_the_neural_part_loses_less_with_the_interval_of_the_scenes(board: Collected) -> None:
    tilted = scored(
        board, lambda m, level, s: psnr(m, level, s) + 0.2 * s * (m == "bokehme-nr") * (level == "L5")
    )
    grown = [0.2 * scene + 1.5 for scene in range(6)]  # 3.0 lost against 1.5, and what is tilted
    wanted = mean_interval(grown, [str(scene) for scene in range(6)])
    found = trend(tilted, "loses less")
    assert wanted.low is not None and found.verdict == HOLDS
    assert f"apart +{wanted.mean:.2f} ± {wanted.mean - wanted.low:.2f} dB" in found.figures
    assert found.theirs == "bokehme-nr \N{MINUS SIGN}3.21, scatter \N{MINUS SIGN}4.46"
    turned = scored(
        board, lambda m, level, s: psnr(m, level, s) - 4.0 * (m == "bokehme-nr") * (level == "L5")
    )
    assert trend(turned, "loses less").verdict == FAILS
