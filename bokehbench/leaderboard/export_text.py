"""Tables for readers: Markdown, and what the terminal shows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bokehbench.leaderboard.sentences import (
    TRUTH_HEADING,
    below_floor_sentence,
    half_width,
    incomplete_sentence,
    k_scale_sentence,
    lost_sentence,
    marked_label,
    noise_sentence,
    otherwise_sentence,
    profiled_sentence,
    rank_text,
    reported_label,
    reported_sentences,
    seconds_text,
    size_sentence,
    small_sentence,
    spread_sentence,
    spread_text,
    stale_sentences,
    statistics_sentence,
    truth_sentence,
    whole_size_sentence,
)
from bokehbench.leaderboard.tables import ALL, WHERE, Cell, Column, Group, Reported, Row, Table


def to_markdown(tables: Sequence[Table]) -> str:
    """All tables, with notes and sub-tables by level."""
    return "\n".join(line for table in tables for line in _markdown(table)).rstrip("\n") + "\n"


def _markdown(table: Table) -> list[str]:
    lines = [f"## {table.benchmark} ({table.protocol})", "", whole_size_sentence(table) + ".", ""]
    lines += _markdown_tables(table, table.everything)
    lines += [f"[{n}] {text}  " for n, text in enumerate(table.footnotes, start=1)]
    further = [profiled_sentence(table), spread_sentence(table), noise_sentence(table)]
    further += [truth_sentence(table), k_scale_sentence(table), otherwise_sentence(table)]
    further += [lost_sentence(table.lost)]
    lines += [statistics_sentence(table), *filter(None, further), *reported_sentences(table), ""]
    for group in table.groups[1:]:
        lines += [f"### {table.benchmark}, {group.level}: {size_sentence(group)}", ""]
        lines += _markdown_tables(table, group)
    for heading, items in (
        ("Below identity", [below_floor_sentence(below, table) for below in table.below_floor]),
        ("Failed or incomplete", [incomplete_sentence(row, table) for row in table.incomplete]),
        ("Stale", [*_stale_rows(table), *table.stale_metrics]),
        ("Efficiency", [f"{row.label}: {row.efficiency.sentence}" for row in table.rows if row.efficiency]),
        (
            "Training data",
            [f"{row.label}: {row.training.sentence}" for row in table.rows if row.training.trained_on],
        ),
    ):
        if items:
            lines += [f"**{heading}**", "", *(f"- {in_markdown(item)}" for item in items), ""]
    return lines


def _stale_rows(table: Table) -> list[str]:
    return [f"{row.label}: {text}" for row in table.stale_rows for text in stale_sentences(row)]


def _markdown_tables(table: Table, group: Group) -> list[str]:
    """Whole pictures, then regions, where there are columns of both."""
    whole, regions = table.parts()
    lines = [*markdown_table(whole, group), ""]
    return lines if regions is None else [*lines, f"{WHERE}:", "", *markdown_table(regions, group, False), ""]


def markdown_table(table: Table, group: Group, costs: bool = True) -> list[str]:
    """The lines of one table, heading first; `costs` adds rank and seconds to that of all levels."""
    overall = group.level == ALL and costs
    heads = ["method", *(in_markdown(c.heading) for c in table.columns)]
    heads += ["rank", "s/image"] if overall else []
    heads += [TRUTH_HEADING] if table.uses_truth else []
    lines = [" | ".join(["", *heads, ""]).strip(), "|" + "---|" + "---:|" * (len(heads) - 1)]

    def printed(one: Reported) -> str:
        cells = [one.values.get(c.name, "–") for c in table.columns]
        rest = ["–", one.seconds or "–"] if overall else []
        rest += ["–"] if table.uses_truth else []
        return " | ".join(["", in_markdown(reported_label(one)), *cells, *rest, ""]).strip()

    for row in table.rows:
        cells = [_markdown_cell(table, group.cells[row.key][c.name], c) for c in table.columns]
        label = marked_label(row)
        rest = [rank_text(row), seconds_text(row)] if overall else []
        rest += [in_markdown(row.truth or "–")] if table.uses_truth else []
        lines.append(" | ".join(["", in_markdown(label), *cells, *rest, ""]).strip())
        lines += [printed(one) for one in table.printed(group.level, row)]
    return lines + [printed(one) for one in table.only_printed(group.level)]


def in_markdown(text: str) -> str:
    """What people named stays as it is: not HTML, not emphasis, and a bare | would end a table's cell."""
    return re.sub(r"[\\`*<|\[\]]|(?<!\w)_|_(?!\w)", lambda found: "\\" + found[0], text)


def _markdown_cell(table: Table, cell: Cell, column: Column) -> str:
    if cell.interval is None:
        return f"n/a [{table.footnote(cell)}]"
    text = column.show(cell.interval.mean)
    text = f"**{text}**" if cell.best else f"<u>{text}</u>" if cell.second else text
    half, spread = half_width(cell, column), spread_text(cell, column)
    return text + (f" ± {half}" if half else "") + (f" ({spread})" if spread else "")


# -------------------------------------------------------------------------------------------- terminal


def to_terminal(tables: Sequence[Table]) -> str:
    """The tables as the command prints them: plain text, one line a row, levels as further columns."""
    return "\n".join(_terminal(table) for table in tables)


def _terminal(table: Table) -> str:
    whole, regions = table.parts()
    levels = table.groups[1:]
    first = whole.columns[0]
    heads = ["method", *(c.heading for c in whole.columns)]
    heads += [f"{first.name} {group.level}" for group in levels] + ["rank", "s/image"]
    heads += [TRUTH_HEADING] if table.uses_truth else []
    body = []
    for row in table.rows:
        cells = _terminal_cells(whole, row)
        cells += [_terminal_cell(table, group.cells[row.key][first.name], first) for group in levels]
        label = marked_label(row)
        truth = [row.truth or "–"] if table.uses_truth else []
        body.append([label, *cells, rank_text(row), seconds_text(row), *truth])
    lines = [f"{table.benchmark} ({table.protocol}): {whole_size_sentence(table)}", *_grid(heads, body)]
    if regions is not None:
        heads = ["method", *(c.heading for c in regions.columns)]
        lines += [
            f"{WHERE}:",
            *_grid(heads, [[row.label, *_terminal_cells(regions, row)] for row in table.rows]),
        ]
    lines += [f"[{n}] {text}" for n, text in enumerate(table.footnotes, start=1)]
    lines += ["* best" + (" or tied with it" if table.tested else "")]
    lines += [small_sentence(table), profiled_sentence(table), spread_sentence(table)]
    lines += [
        noise_sentence(table),
        truth_sentence(table),
        k_scale_sentence(table),
        otherwise_sentence(table),
        lost_sentence(table.lost),
    ]
    lines += [f"below identity: {below_floor_sentence(below, table)}" for below in table.below_floor]
    lines += [f"incomplete: {incomplete_sentence(row, table)}" for row in table.incomplete]
    lines += [f"stale: {text}" for text in (*_stale_rows(table), *table.stale_metrics)]
    for one in table.reported:
        values = ", ".join(f"{name} {value}" for name, value in one.values.items())
        lines.append(f"{one.level}: {reported_label(one)}: {values or '–'}")
    lines += reported_sentences(table)
    return "\n".join(filter(None, lines)) + "\n"


def _grid(heads: list[str], body: list[list[str]]) -> list[str]:
    """Lines of a table whose first column is text and whose others are numbers."""
    widths = [max(len(line[i]) for line in [heads, *body]) for i in range(len(heads))]
    lines = []
    for line in [heads, ["─" * width for width in widths], *body]:
        numbers = [text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True)]
        lines.append("  ".join([line[0].ljust(widths[0]), *numbers]))
    return lines


def _terminal_cells(table: Table, row: Row) -> list[str]:
    """Of all levels, in the order of the columns."""
    cells = table.everything.cells[row.key]
    return [_terminal_cell(table, cells[column.name], column) for column in table.columns]


def _terminal_cell(table: Table, cell: Cell, column: Column) -> str:
    if cell.interval is None:
        return f"n/a [{table.footnote(cell)}]"
    return ("*" if cell.best else "") + column.show(cell.interval.mean)
