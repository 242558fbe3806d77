"""Tables of the numbers over whole sets: read from several folders, merged, with what no longer counts."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bokehbench import records
from bokehbench.errors import InputError
from bokehbench.leaderboard.collect import Collected, Entry, collect
from bokehbench.leaderboard.results import SEED
from bokehbench.leaderboard.sentences import lost_sentence
from bokehbench.leaderboard.set_scores import FILE, SetRow, holds, read, rows
from bokehbench.leaderboard.staleness import scoring
from bokehbench.registry import SetMetricSpec, find, get, names


@dataclass
class SetTable:
    """One benchmark under one protocol.

    Attributes:
        rows: label -> metric -> stored score.
        stale: (label, metric) -> why the score does not count.
    """

    benchmark: str
    protocol: str
    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    stale: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def metrics(self) -> list[SetMetricSpec]:
        """Columns, in registered order."""
        found = {name for row in self.rows.values() for name in row}
        return [get(SetMetricSpec, name) for name in names(SetMetricSpec) if name in found]


def collect_sets(roots: Sequence[Path], boards: Sequence[Collected] | None = None) -> list[SetTable]:
    """The stored numbers of several folders, merged.

    A number counts if it was made from all cases that the folders have together, from pictures that still are
    the ones, by the metric as it is today, and if nothing of its row is stale. Of a row that lies in two
    folders, the first number that counts.

    Args:
        roots: results folders.
        boards: what `collect` gave for them; read again where it is None.
    """
    found: dict[tuple[str, ...], list[SetRow]] = {}  # where there are none, nothing else is read
    for root in roots:
        for row in rows(root):
            if (row.folder / FILE).is_file():
                key = (row.at.benchmark, row.at.protocol, row.cases[0].method, row.folder.name)
                found.setdefault(key, []).append(row)
    tables = []
    for board in (collect(roots) if boards is None else boards) if found else ():
        table = SetTable(board.benchmark, board.protocol)
        for (method, weights), runs in board.runs.items():
            for seed, run in runs.items():
                folder = f"{weights}{SEED}{seed}" if seed else weights
                for row in found.get((board.benchmark, board.protocol, method, folder), []):
                    _add(table, row, board, run)
        if table.rows:
            tables.append(table)
    return tables


def _add(table: SetTable, row: SetRow, board: Collected, run: Mapping[str, Entry]) -> None:
    content = read(row.folder / FILE)
    not_whole = _why_not_whole(row, board, run)
    same_pictures = not not_whole and _is_made_from(row, content["made_from"])
    of_row = next(filter(None, map(_why_stale, run.values())), "")
    into = table.rows.setdefault(row.label, {})
    for name, score in content["scores"].items():
        why = not_whole or of_row
        spec = find(SetMetricSpec, name)
        if not why and spec is None:
            why = f"{name} is not registered here"
        elif not why and not (same_pictures and spec is not None and _is_current(score, spec, row)):
            why = f"stale: {scoring(row.at.root, [name], always_named=True)}"
        known = into.get(name)
        known_counts = known is not None and (row.label, name) not in table.stale
        if known is None or (not why and (not known_counts or known["value"] is None)):
            into[name] = score
            table.stale.pop((row.label, name), None)
            if why:
                table.stale[row.label, name] = why


def _why_stale(entry: Entry) -> str:
    # Scores of single pictures have nothing to do with numbers over all of them.
    if entry.stale is None or entry.stale.cause == "scores":
        return ""
    return f"{entry.stale.reason} → {entry.stale.command}"


def _is_made_from(row: SetRow, digest: str) -> bool:
    """Whether a number is of the pictures of a row; of one that is gone, nobody can say."""
    with contextlib.suppress(InputError):
        return row.digest() == digest
    return False


def _is_current(score: Mapping[str, Any], spec: SetMetricSpec, row: SetRow) -> bool:
    return score["value"] is None or holds(score, spec, row)


def _why_not_whole(row: SetRow, board: Collected, run: Mapping[str, Entry]) -> str:
    """Why a number is not one over the whole set of all folders; empty where it is."""
    here = {result.case for result in row.cases}
    if board.lost:
        return lost_sentence(board.lost)
    if lacking := len(board.cases.keys() - run.keys()):
        return f"{lacking} of {len(board.cases)} cases are missing"
    if here != board.cases.keys():
        return (
            f"{len(here)} of {len(board.cases)} cases lie in this folder: copy the folders into one, then "
            "bokehbench evaluate it"
        )
    return ""


# ------------------------------------------------------------------------------------------------ text


def to_markdown(tables: Sequence[SetTable]) -> str:
    """The tables with their notes; empty where there is none."""
    return "\n".join(line for table in tables for line in _markdown(table))


def _markdown(table: SetTable) -> list[str]:
    shown = grid(table)
    lines = [f"## {table.benchmark} ({table.protocol}), over the whole set", ""]
    lines += [f"| {' | '.join(shown.heads)} |", "|---|" + "---:|" * (len(shown.heads) - 1)]
    lines += [f"| {' | '.join(row)} |" for row in shown.rows]
    lines += ["", *(f"[{number}] {text}  " for number, text in enumerate(shown.notes, 1))]
    return [*lines, "None of these numbers is ranked.", ""]


@dataclass(frozen=True)
class Grid:
    """A table as text: `[1]` in a cell refers to the first of the notes."""

    heads: list[str]
    rows: list[list[str]]
    notes: list[str]


def grid(table: SetTable) -> Grid:
    """What every format shows: method, number of pictures, a cell for each metric."""
    columns = table.metrics
    notes: dict[str, int] = {}
    lines = []
    for label, scores in sorted(table.rows.items()):
        count = max(int(score["n"]) for score in scores.values())
        cells = [_cell(table, label, spec, scores.get(spec.name), count, notes) for spec in columns]
        lines.append([label, str(count), *cells])
    return Grid(["method", "pictures", *map(_heading, columns)], lines, list(notes))


def _heading(spec: SetMetricSpec) -> str:
    arrow = "↑" if spec.higher_is_better else "↓"
    beside = "(targets')" if spec.library else ""
    return " ".join(filter(None, [spec.name, arrow, spec.unit, beside]))


def _cell(
    table: SetTable,
    label: str,
    spec: SetMetricSpec,
    score: dict[str, Any] | None,
    count: int,
    notes: dict[str, int],
) -> str:
    def note(text: str) -> str:
        return f"[{notes.setdefault(text, len(notes) + 1)}]"

    if score is None:
        return "–"
    if (label, spec.name) in table.stale:
        return f"n/a {note(table.stale[label, spec.name])}"
    if score["value"] is None:
        return f"n/a {note(score['reason'])}"
    text = f"{score['value']:.{spec.decimals}f}"
    if score["target"] is not None:
        text += f" ({score['target']:.{spec.decimals}f})"
    if score["made_by"]:
        text += " " + note(f"by {score['made_by']}")
    if score["n"] < count:
        text += " " + note(f"of {score['n']} pictures: the others have too small a region in focus")
    if score["n"] < spec.least:
        text += " " + note(
            f"small set, {score['n']} pictures, fewer than {spec.least}: FID is mostly bias, KID uncertain"
        )
    return text


def to_json(tables: Sequence[SetTable]) -> list[dict[str, Any]]:
    """For machines: every stored number, `stale` where it does not count, with the reason."""
    return [
        {
            "benchmark": table.benchmark,
            "protocol": table.protocol,
            "rows": {
                label: {name: _as_json(table, label, name, score) for name, score in scores.items()}
                for label, scores in sorted(table.rows.items())
            },
        }
        for table in tables
    ]


def _as_json(table: SetTable, label: str, name: str, score: dict[str, Any]) -> dict[str, Any]:
    why = table.stale.get((label, name))
    return {**score, "stale": why is not None, **({} if why is None else {"why_stale": why})}


def write(roots: Sequence[Path], out: Path, boards: Sequence[Collected] | None = None) -> list[SetTable]:
    """Write OUT/sets.md and OUT/sets.json, where any set metric was computed."""
    tables = collect_sets(roots, boards)
    write_tables(out, tables)
    return tables


def write_tables(out: Path, tables: Sequence[SetTable]) -> None:
    """Write OUT/sets.md and OUT/sets.json, unless there is no table."""
    if tables:
        records.write_text(out / "sets.md", to_markdown(tables))
        records.write_json(out / "sets.json", to_json(tables))
