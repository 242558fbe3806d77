"""The page's plots: what `plots.js` hands to plotly, which the browser loads when a plot comes into view.

All data is in `assets/plot-data.js`. A plot has choices (metric, level, ...); for each
combination of them, joined by `|`, it has one series a method. Every point says how many cases of how many
scenes it rests on, and its 95 % interval where there are scenes enough for one. What has no data is no plot.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from bokehbench import records
from bokehbench.benchmarks.protocols import base_id
from bokehbench.errors import Unavailable
from bokehbench.leaderboard.collect import Collected
from bokehbench.leaderboard.pictures import ASSETS
from bokehbench.leaderboard.plot_kinds import by_corruption, by_defocus, by_level, by_time
from bokehbench.leaderboard.plot_series import Plot
from bokehbench.leaderboard.tables import Table
from bokehbench.registry import MethodSpec, names

DATA = "plot-data.js"
LIBRARY = "plotly.min.js"


def plots_of(boards: Sequence[tuple[Collected, Table]], curves: Mapping[str, Any]) -> list[Plot]:
    """Every plot that has data, in the order of the tables; `curves` is the content of defocus.json."""
    found: list[Plot | None] = []
    for board, table in boards:
        if base_id(table.protocol) == table.protocol:
            tracks = [other for _, other in boards if _is_track(other, table)]
            found += [by_level(table), by_time(board, table), by_corruption(table, tracks)]
        found.append(by_defocus(table, curves))
    return [plot for plot in found if plot is not None]


def _is_track(other: Table, table: Table) -> bool:
    same = other.benchmark == table.benchmark and base_id(other.protocol) == table.protocol
    return same and other.protocol != table.protocol


def write_plots(out: Path, boards: Sequence[tuple[Collected, Table]], plots: Sequence[Plot]) -> None:
    """Write OUT/assets/plot-data.js and plotly beside it; neither without plots.

    Raises:
        Unavailable: plotly is not installed, and there is something to plot.
    """
    assets = out / ASSETS
    if not plots:
        for name in (DATA, LIBRARY):
            (assets / name).unlink(missing_ok=True)
        return
    content = {"methods": _methods(boards), "plots": {plot.id: plot.to_json() for plot in plots}}
    data = json.dumps(content, allow_nan=False, separators=(",", ":"))
    records.write_text(assets / DATA, f"window.BOKEHBENCH_PLOTS={data};\n")
    library, there = _library(), assets / LIBRARY
    if not there.is_file() or there.stat().st_size != library.stat().st_size:
        records.write_bytes(there, library.read_bytes())


def _library() -> Path:
    """plotly.js as the Python package has it; plotly itself is not imported."""
    found = importlib.util.find_spec("plotly")
    path = Path(found.origin).parent / "package_data" / LIBRARY if found and found.origin else None
    if path is None or not path.is_file():
        raise Unavailable("the page's plots need plotly: pip install plotly")
    return path


def _methods(boards: Sequence[tuple[Collected, Table]]) -> list[dict[str, Any]]:
    """Labels in one order for all plots, so that a method has the same colour and marker everywhere."""
    order = {name: index for index, name in enumerate(names(MethodSpec))}
    rows = {row.label: row for _, table in boards for row in table.rows}
    labels = sorted(rows, key=lambda label: (order.get(rows[label].key[0], len(order)), label))
    return [
        {"label": label, "shown": escape(label, quote=False), "oracle": rows[label].status == "oracle"}
        for label in labels
    ]
