"""The page: one folder that opens from `file://`, without a network and without a framework.

    page_tables.py   the tables               _tables.html, _table.html      tables.js, filter.js
    page_scenes.py   numbers by scene         assets/scenes/*.js, loaded when a row is unfolded so far
    page_beside.py   cost, sets, provenance   _table.html, _provenance.html
    page_plots.py    the plots                _plots.html                    plots.js
    page_cards.py    the methods              _cards.html
    page_papers.py   papers' layouts, crops   _layouts.html, _crops.html
    page_compare.py  the picture comparison   _compare.html                  compare*.js

The tables are plain HTML made here, sorted, filtered and unfolded by a few hundred lines of script. itables
was weighed against them: its copy of DataTables is an ES module, and browsers import no module from `file://`
unless its 0.9 MB are pasted into every page; and a row of DataTables is one row, while a method is a body of
many (levels, papers' values, scenes), which stay together when they are sorted or filtered, and which paper
and the browser's own search show as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bokehbench
from bokehbench import records
from bokehbench.leaderboard import page_compare
from bokehbench.leaderboard.collect import Collected
from bokehbench.leaderboard.crops import Crop
from bokehbench.leaderboard.layout_types import Layout
from bokehbench.leaderboard.page_beside import efficiency_view, provenance, sets_view
from bokehbench.leaderboard.page_cards import card_views
from bokehbench.leaderboard.page_papers import crop_views, layout_view
from bokehbench.leaderboard.page_plots import plots_of, write_plots
from bokehbench.leaderboard.page_scenes import write_scenes
from bokehbench.leaderboard.page_tables import BEFORE, in_groups, table_view
from bokehbench.leaderboard.pictures import ASSETS, strip_image
from bokehbench.leaderboard.plot_series import Plot
from bokehbench.leaderboard.sets import SetTable
from bokehbench.leaderboard.strips import Strip
from bokehbench.leaderboard.tables import Table

THEME = "theme.js"
COLUMNS = "columns.css"
STYLES = ("style.css", "tables.css", *page_compare.STYLES)
SCRIPTS = ("tables.js", "filter.js", "plots.js", *page_compare.SCRIPTS)
NO_CURVES: Mapping[str, Any] = {"curves": ()}

Boards = Sequence[tuple[Collected, Table]]


def write_page(
    out: Path,
    boards: Boards,
    strips: Sequence[Strip],
    *,
    sets: Sequence[SetTable] = (),
    curves: Mapping[str, Any] = NO_CURVES,
    layouts: Sequence[Layout] = (),
    crops: Sequence[Crop] = (),
) -> Path:
    """Write OUT/index.html and its style, scripts and data; the pictures are `pictures.write_pictures`'.

    Args:
        out: folder of the page.
        boards: results and their tables, with what papers print where that was asked for.
        strips: rows of pictures.
        sets: numbers over whole sets.
        curves: content of defocus.json.
        layouts: tables as papers lay them out.
        crops: parts of cases by all methods.

    Raises:
        Unavailable: plotly is not installed.
    """
    boards = [(board, in_groups(table)) for board, table in boards]
    plots = plots_of(boards, curves)
    html = (
        _environment()
        .get_template("index.html")
        .render(
            version=bokehbench.__version__,
            counts=_counts(boards),
            tables=[_table(*pair, sets) for pair in boards],
            categories=_categories(boards),
            plot_groups=_plot_groups(boards, plots),
            layouts=list(map(layout_view, layouts)),
            crops=list(crop_views(crops)),
            strips=[_strip_view(index, strip) for index, strip in enumerate(strips)],
            cards=card_views(boards),
            compare=page_compare.view(),
            styles=(*STYLES, COLUMNS),
            theme=THEME,
            scripts=(page_compare.DATA, *SCRIPTS),
        )
    )
    source = Path(__file__).parent / "templates"
    for name in (*STYLES, THEME, *SCRIPTS):
        records.write_bytes(out / ASSETS / name, (source / name).read_bytes())
    records.write_text(out / ASSETS / COLUMNS, _columns_css(boards))
    write_scenes(out, boards)
    write_plots(out, boards, plots)
    page_compare.write_data(out, boards)
    records.write_text(out / "index.html", html)
    return out / "index.html"


def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bokehbench.leaderboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _code
    return environment


def _code(text: str) -> Any:
    """Escaped HTML, with what stands between backticks as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _table(board: Collected, table: Table, sets: Sequence[SetTable]) -> dict[str, Any]:
    return {
        **table_view(table),
        "cost": efficiency_view(table),
        "sets": sets_view(table, sets),
        "provenance": provenance(board, table),
    }


def _plot_groups(boards: Boards, plots: Sequence[Plot]) -> list[dict[str, Any]]:
    """Plots by table, in the order of the tables."""
    groups = []
    for _, table in boards:
        own = [plot for plot in plots if plot.board == table.name]
        if own:
            about = {"board": table.name, "benchmark": table.benchmark, "protocol": table.protocol}
            groups.append({**about, "plots": own})
    return groups


def _counts(boards: Boards) -> dict[str, int]:
    return {
        "methods": len({key for board, _ in boards for key in board.rows}),
        "benchmarks": len(boards),
        "cases": sum(len(board.cases) for board, _ in boards),
        "images": sum(len(row) for board, _ in boards for row in board.rows.values()),
    }


def _categories(boards: Boards) -> list[str]:
    return sorted(
        {row.category for _, table in boards for row in (*table.rows, *table.incomplete, *table.stale_rows)}
    )


def _columns_css(boards: Boards) -> str:
    """A rule for each column that can be hidden: `data-hide` of a table lists their places."""
    widest = max((len(table.columns) for _, table in boards), default=0)
    places = range(BEFORE + 1, BEFORE + 1 + widest)
    return "".join(
        f'[data-hide~="{n}"] tr:not(.span) > :nth-child({n}) {{ display: none; }}\n' for n in places
    )


def _strip_view(index: int, strip: Strip) -> dict[str, Any]:
    content = strip.content
    pictures = [
        {"src": f"{ASSETS}/{strip_image(index, number, strip)}", "label": image.label, "note": image.note}
        for number, image in enumerate(content.images)
    ]
    return {"title": content.title, "caption": content.caption, "images": pictures}
