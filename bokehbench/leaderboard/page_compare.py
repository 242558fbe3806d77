"""The page's picture comparison: what its scripts know, the files they are, and links into it.

`assets/data.js` holds `compare_data`; `SCRIPTS` and `STYLES` are copied from `templates/` as they are, in the
order in which the page loads them. `templates/_compare.html` is their part of the page.

A view has an address, everything after `#`: `link` makes one, `templates/compare-state.js` reads and writes
them. Keys that are left out are as when the page is opened; names in lists are percent-encoded one by one:

    benchmark  id of the table                                     benchmark=blb--gt-disparity-1
    case       key; where it is left out, the first of the order   case=night_street_f0_l5
    show       pictures, A first: labels of rows, _target, _image, _disparity, _truth, _reference
    view       slider, flip or grid
    map        picture, error or signed (too bright, too dark)
    against    the picture that errors are measured against, _target unless said
    overlay    coc, plane or disparity, and its opacity            overlay=coc,0.6
    zoom       factor, and the point of the picture in the middle  zoom=4,0.25,0.75
    split      divider of the slider, percent from the left        split=30
    flip       which picture is shown, from 1                      flip=2
    scene, level   only these cases
    order      metric,A: the cases where A is worst first; metric,A,B: where A is better than B by most first
    reverse    1: the other way round

So `benchmark=ID&order=psnr,A&show=_target,A` is the worst case of A, with `&reverse=1` its best.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bokehbench import records
from bokehbench.leaderboard.collect import Collected, Entry
from bokehbench.leaderboard.pictures import ASSETS, case_pictures, picture_id, thumbnail
from bokehbench.leaderboard.tables import Row, Table

DATA = "data.js"
SCRIPTS = (
    "compare-state.js",
    "compare-pixels.js",
    "compare-view.js",
    "compare-hands.js",
    "compare-cases.js",
    "compare.js",
)
STYLES = ("compare.css",)


KEYS = (
    ("s, f, g", "slider, flip, grid"),
    ("← →", "move the divider; zoomed in, move the picture; also ↑ ↓"),
    (", .", "move the divider, also when zoomed in"),
    ("b (hold)", "show the next picture while it is held"),
    ("space", "flip: the next picture"),
    ("1 to 9", "flip: this picture"),
    ("x", "exchange A and B"),
    ("+ - 0", "zoom in, out, fit"),
    ("n", "one pixel of the picture is one of the screen"),
    ("shift + arrows", "read values one pixel on"),
    ("e", "picture, error map, signed error"),
    ("o", "overlay: none, circle of confusion, focal plane, disparity"),
    ("[ ]", "previous, next case"),
    ("w", "whole window"),
    ("?", "these keys"),
)
"""What the help of the page lists; `compare-hands.js` listens to them while the comparison has the focus."""


def link(
    board: str, *, case: str = "", show: Sequence[str] = (), order: Sequence[str] = (), **more: str
) -> str:
    """`#...` of a view: id of the table, case, pictures, order (metric, A and perhaps B), further keys."""
    lists = {"benchmark": [board], "case": [case] if case else [], "show": show, "order": order}
    parts = {
        key: ",".join(quote(value, safe="") for value in values) for key, values in lists.items() if values
    }
    return "#" + "&".join(f"{key}={value}" for key, value in {**parts, **more}.items())


def view() -> dict[str, Any]:
    """What `_compare.html` is rendered with."""
    return {"keys": KEYS}


def write_data(out: Path, boards: Sequence[tuple[Collected, Table]]) -> None:
    """Write OUT/assets/data.js."""
    data = json.dumps(compare_data(boards), sort_keys=True, allow_nan=False, separators=(",", ":"))
    records.write_text(out / ASSETS / DATA, f"window.BOKEHBENCH={data};\n")


def compare_data(boards: Sequence[tuple[Collected, Table]]) -> dict[str, Any]:
    """What the scripts need: benchmarks, their cases with scores, the methods, their pictures."""
    return {"benchmarks": [_compare_board(*pair) for pair in boards]}


def _compare_board(board: Collected, table: Table) -> dict[str, Any]:
    rows = [*table.rows, *table.incomplete]
    metrics = [
        {
            "name": column.name,
            "arrow": column.arrow,
            "up": column.higher_is_better,
            "decimals": column.decimals,
            "unit": column.unit,
        }
        for column in table.columns
        if any(
            group.interval for group in (table.everything.cells[row.key][column.name] for row in table.rows)
        )
    ]
    names = [str(metric["name"]) for metric in metrics]
    return {
        "id": table.name,
        "title": f"{table.benchmark} ({table.protocol})",
        "metrics": metrics,
        "methods": [{"label": row.label, "oracle": row.status == "oracle"} for row in rows],
        "cases": [_compare_case(board, table, rows, names, key) for key in board.cases],
    }


def _compare_score(entry: Entry, metric: str) -> float | None:
    if metric in entry.stale_scores:
        return None  # as in the table: not comparable with the numbers beside it
    value: float | None = entry.scores.get(metric, {}).get("value")
    return None if value is None else float(f"{value:.7g}")


def _compare_case(
    board: Collected, table: Table, rows: Sequence[Row], metrics: Sequence[str], key: str
) -> dict[str, Any]:
    case = board.cases[key]
    scores, searched = {}, {}
    for row in rows:
        entry = board.rows[row.key].get(key)
        if entry is not None:
            scores[row.label] = [_compare_score(entry, name) for name in metrics]
            if "K" in entry.record:
                searched[row.label] = entry.record["K"]
    record = case.record
    pictures = case_pictures(board, table, key)
    return {
        "key": key,
        "scene": record["scene"],
        "level": record["level"],
        "K": None if "K_search" in record else record["lens"]["K"],
        **({"Ks": searched} if searched else {}),
        "focus": record["lens"]["disp_focus"],
        "size": record["size"],
        "noise": record.get("notes", {}).get("target_noise_psnr"),
        "thumb": f"{ASSETS}/{thumbnail(case.target)}",
        "pictures": {source: picture_id(sha256) for source, (_, sha256) in pictures.items()},
        "scores": scores,
    }
