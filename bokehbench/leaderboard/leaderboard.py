"""Results folders in, tables and the page out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bokehbench import records
from bokehbench.errors import InputError
from bokehbench.leaderboard import crops, defocus, layout_export, layouts, reported, sets
from bokehbench.leaderboard.all_pairs import all_pairs
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import Collected, collect
from bokehbench.leaderboard.export_data import to_csv, to_json
from bokehbench.leaderboard.export_latex import to_latex
from bokehbench.leaderboard.export_text import to_markdown, to_terminal
from bokehbench.leaderboard.frame import to_frame
from bokehbench.leaderboard.layout_types import Layout
from bokehbench.leaderboard.page import NO_CURVES, write_page
from bokehbench.leaderboard.pictures import write_pictures
from bokehbench.leaderboard.sentences import lost_sentence, renewals
from bokehbench.leaderboard.strips import find_strips
from bokehbench.leaderboard.tables import Table


@dataclass(frozen=True)
class Summary:
    """What `write` made.

    Attributes:
        tables: one a benchmark and protocol.
        page: the index.html.
        pictures_written: pictures made now.
        pictures_present: pictures that were up to date.
        stale: labels `benchmark/method` of stale rows.
        incomplete: labels of rows without all cases.
        without_truth: one line for each benchmark and protocol whose cases have no ground truth.
        lost: names `benchmark/case` of cases whose record or target picture is missing or damaged.
        without_table: one line for each benchmark and protocol of which that is so for all cases.
        renewals: one line for each stale or incomplete row: label, reason, the command that renews it.
        layout: the tables in the layout of a paper, as text; empty where that was not asked for.
        crops: one line for each crop that the page shows: where it lies, and how it was chosen.
    """

    tables: tuple[Table, ...]
    page: Path
    pictures_written: int
    pictures_present: int
    stale: tuple[str, ...]
    incomplete: tuple[str, ...]
    without_truth: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    without_table: tuple[str, ...] = ()
    renewals: tuple[str, ...] = ()
    layout: str = ""
    crops: tuple[str, ...] = ()

    @property
    def plain(self) -> tuple[Table, ...]:
        """The tables without what papers print, as documents hold them."""
        return tuple(replace(table, reported=()) for table in self.tables)

    def terminal(self) -> str:
        """The tables as plain text."""
        return to_terminal(self.tables)


def write(
    results: Sequence[Path],
    out: Path,
    *,
    strips: Sequence[Path] = (),
    papers: Sequence[str] = (),
    layout: str = "",
    intervals: bool = True,
    pairs: bool = False,
    crop: Sequence[str] = (),
) -> Summary:
    """Write OUT/leaderboard.{md,csv,tex,json}, OUT/results.csv and the page OUT/index.html with OUT/assets.

    OUT/defocus.json has the error by defocus of what was evaluated with `--breakdown`.

    The same results give the same bytes (timings are part of the results). index.html is written last.

    Args:
        results: folders that `run` and `evaluate` filled; several are merged.
        out: made if it does not exist; other files in it stay.
        strips: JSON files or folders (`strips.py`), besides those in RESULTS/_strips.
        papers: whose printed numbers stand beside ours in the tables (`reported.PAPERS`).
        layout: of a paper (`layouts.NAMES`), also on the page and as OUT/{layout}.md, .tex and .json.
        intervals: whether the LaTeX has them.
        pairs: also write OUT/all_pairs.csv, every row against every other.
        crop: `[BENCHMARK/]CASE:x,y,w,h`, shown of all methods; where there is none, each table's hardest
            is found (`crops.hardest`).

    Raises:
        InputError: no or contradicting results, nothing scored, or a strip that cannot be read.
    """
    asked = [crops.parse(text) for text in crop]
    if layout:
        layouts.check(layout)
    found = find_strips(results, strips)
    read = collect(results)
    boards = [(board, build(board)) for board in read if board.cases]
    if not boards:
        none = "no case of these results has a ground truth: there is nothing to rank"
        raise InputError("; ".join(_without_table(read)) or none)
    tables = tuple(reported.with_reported(table, papers) for _, table in boards)
    over_sets = sets.collect_sets(results, read)
    laid_out = layouts.lay_out(layout, [board for board, _ in boards], over_sets) if layout else []
    shown_crops = crops.choose(boards, asked)
    written, present = write_pictures(
        out, boards, found, [picture for one in shown_crops for picture in one.pictures]
    )
    _write_tables(out, tables, boards, intervals=intervals, pairs=pairs)
    if layout:
        _write_layouts(out, layout, laid_out, intervals=intervals)
    sets.write_tables(out, over_sets)
    curves = NO_CURVES
    if defocus.write(out, [board for board, _ in boards]):
        curves = records.read_json(out / "defocus.json")
    shown = [(board, table) for (board, _), table in zip(boards, tables, strict=True)]
    page = write_page(out, shown, found, sets=over_sets, curves=curves, layouts=laid_out, crops=shown_crops)
    return _summary(
        read,
        tables,
        boards,
        page=page,
        pictures_written=written,
        pictures_present=present,
        layout="\n".join(map(layout_export.to_text, laid_out)),
        crops=tuple(one.sentence for one in shown_crops),
    )


def _summary(
    read: Sequence[Collected],
    tables: tuple[Table, ...],
    boards: Sequence[tuple[Collected, Table]],
    **made: Any,
) -> Summary:
    """What results and tables lack in words, beside what was `made`."""
    return Summary(
        tables=tables,
        stale=tuple(f"{table.benchmark}/{row.label}" for table in tables for row in table.stale),
        incomplete=tuple(f"{table.benchmark}/{row.label}" for table in tables for row in table.incomplete),
        without_truth=_without_truth(read),
        lost=tuple(f"{board.benchmark}/{case}" for board in read for case in board.lost),
        without_table=_without_table(read),
        renewals=tuple(line for _, table in boards for line in renewals(table)),
        **made,
    )


def _without_table(read: Sequence[Collected]) -> tuple[str, ...]:
    return tuple(
        f"{board.benchmark} ({board.protocol}): no table. {lost_sentence(board.lost)}"
        for board in read
        if board.lost and not board.cases
    )


def _without_truth(read: Sequence[Collected]) -> tuple[str, ...]:
    return tuple(
        f"{board.benchmark} ({board.protocol}): {len(board.unscored)} cases without ground truth are in "
        "no table"
        for board in read
        if board.unscored
    )


def _write_tables(
    out: Path,
    tables: Sequence[Table],
    boards: Sequence[tuple[Collected, Table]],
    *,
    intervals: bool,
    pairs: bool,
) -> None:
    """The tables as they are printed, and every number of the boards."""
    records.write_text(out / "leaderboard.md", to_markdown(tables))
    records.write_text(out / "leaderboard.csv", to_csv(tables))
    records.write_text(out / "leaderboard.tex", to_latex(tables, intervals=intervals))
    records.write_json(out / "leaderboard.json", to_json(tables))
    frame = to_frame([board for board, _ in boards])
    records.write_text(out / "results.csv", frame.to_csv(index=False, lineterminator="\n"))
    if pairs:
        compared = pd.concat([all_pairs(board, table) for board, table in boards])
        records.write_text(out / "all_pairs.csv", compared.to_csv(index=False, lineterminator="\n"))


def _write_layouts(out: Path, name: str, laid_out: Sequence[Layout], *, intervals: bool) -> None:
    records.write_text(out / f"{name}.md", "\n".join(map(layout_export.to_markdown, laid_out)))
    latex = [layout_export.to_latex(one, intervals=intervals) for one in laid_out]
    records.write_text(out / f"{name}.tex", "\n".join(latex))
    content = {"schema": layout_export.SCHEMA, "layouts": [one.to_json() for one in laid_out]}
    records.write_json(out / f"{name}.json", content)
