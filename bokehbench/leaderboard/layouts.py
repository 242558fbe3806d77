"""Tables in the layout of a paper, measured rows beside the paper's own numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bokehbench.errors import ConfigError, InputError
from bokehbench.leaderboard.export_latex import latex_text
from bokehbench.leaderboard.reported import with_reported
from bokehbench.leaderboard.sentences import profiled_sentence, timed_text
from bokehbench.leaderboard.tables import ALL, Cell, Column, Group, Reported, Row, Table

PLAIN, BEST, SECOND = "{}", "best", "second"
MARKDOWN = {PLAIN: "{}", BEST: "**{}**", SECOND: "<u>{}</u>"}
LATEX = {PLAIN: "{}", BEST: r"\textbf{{{}}}", SECOND: r"\underline{{{}}}"}
NONE = "–"

Text = tuple[str, str]
"""What a cell says, and how it is marked."""


@dataclass(frozen=True)
class Layout:
    """A grid: groups of columns, and rows that begin with their label."""

    title: str
    groups: tuple[str, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Text, ...]], ...]
    notes: tuple[str, ...]


def bokehme_1(table: Table) -> Layout:
    """Table 1 of BokehMe: blur levels side by side, each with PSNR, SSIM and seconds.

    Raises:
        InputError: the table has no blur levels, or lacks psnr or ssim.
    """
    columns = [column for name in ("psnr", "ssim") for column in table.columns if column.name == name]
    levels = [group for group in table.groups if group.level != ALL]
    if len(columns) != 2 or not levels:
        raise InputError(
            f"--layout bokehme-1: {table.benchmark} ({table.protocol}) has no blur levels, or is not scored "
            "by psnr and ssim"
        )
    table = with_reported(table, ["bokehme"])
    printed = [row for row in table.reported if row.source.endswith("Table 1")]
    rows: list[tuple[str, tuple[Text, ...]]] = []
    for row in table.rows:
        rows.append((row.label, tuple(text for group in levels for text in _measured(row, group, columns))))
        rows += _printed_rows([one for one in printed if one.ours == row.key[0]], levels, columns)
    here = {row.key[0] for row in table.rows}
    rows += _printed_rows([one for one in printed if one.ours not in here], levels, columns)
    notes = dict.fromkeys(f"Reported: {one.source}; {one.note}." for one in printed)
    time = "Time is the median over the images, on the devices named in results.csv. "
    time += profiled_sentence(table)
    title = [f"{table.benchmark} ({table.protocol})", table.part, "after Table 1 of BokehMe"]
    return Layout(
        ", ".join(filter(None, title)),
        tuple(group.level for group in levels),
        (*(column.name.upper() for column in columns), "Time (s)"),
        tuple(rows),
        (*notes, time.strip()),
    )


LAYOUTS: dict[str, Callable[[Table], Layout]] = {"bokehme-1": bokehme_1}


def lay_out(name: str, tables: Sequence[Table]) -> list[Layout]:
    """Those tables that the layout fits.

    Raises:
        ConfigError: no such layout.
        InputError: it fits none of the tables; says why for the first.
    """
    if name not in LAYOUTS:
        raise ConfigError(f"--layout {name}: give {', '.join(LAYOUTS)}")
    found, reasons = [], []
    for table in tables:
        try:
            found.append(LAYOUTS[name](table))
        except InputError as error:
            reasons.append(error)
    if not found:
        raise reasons[0]
    return found


def _measured(row: Row, group: Group, columns: Sequence[Column]) -> tuple[Text, ...]:
    cells = [_marked(group.cells[row.key][column.name], column) for column in columns]
    return (*cells, (timed_text(row, group.seconds.get(row.key)), PLAIN))


def _marked(cell: Cell, column: Column) -> Text:
    if cell.interval is None:
        return NONE, PLAIN
    return column.show(cell.interval.mean), BEST if cell.best else SECOND if cell.second else PLAIN


def _printed_rows(
    printed: Sequence[Reported], groups: Sequence[Group], columns: Sequence[Column]
) -> list[tuple[str, tuple[Text, ...]]]:
    """One row a method, from its rows by level."""
    by_method: dict[str, dict[str, Reported]] = {}
    for one in printed:
        by_method.setdefault(one.label, {})[one.level] = one

    def texts(one: Reported | None) -> tuple[Text, ...]:
        if one is None:
            return ((NONE, PLAIN),) * (len(columns) + 1)
        values = [*(one.values.get(column.name) for column in columns), one.seconds]
        return tuple((value or NONE, PLAIN) for value in values)

    return [
        (f"{label}, reported", tuple(text for group in groups for text in texts(found.get(group.level))))
        for label, found in by_method.items()
    ]


def to_markdown(layout: Layout) -> str:
    """One line a row; the level stands in each column's heading."""
    heads = ["method", *(f"{group} {head}" for group in layout.groups for head in layout.heads)]
    lines = [f"## {layout.title}", "", " | ".join(["", *heads, ""]).strip()]
    lines.append("|---|" + "---:|" * (len(heads) - 1))
    for label, cells in layout.rows:
        texts = [MARKDOWN[mark].format(text) for text, mark in cells]
        lines.append(" | ".join(["", label, *texts, ""]).strip())
    return "\n".join([*lines, "", *layout.notes, ""])


def to_latex(layout: Layout) -> str:
    """A booktabs table whose levels span their columns."""
    width = len(layout.heads)
    spans = [rf"\multicolumn{{{width}}}{{c}}{{{latex_text(group)}}}" for group in layout.groups]
    lines = [r"\begin{table*}[t]", r"\centering", rf"\begin{{tabular}}{{l{'r' * width * len(spans)}}}"]
    lines += [r"\toprule", " & ".join(["", *spans]) + r" \\"]
    lines.append(" & ".join(["Methods", *map(latex_text, layout.heads * len(spans))]) + r" \\")
    lines.append(r"\midrule")
    for label, cells in layout.rows:
        texts = [LATEX[mark].format(latex_text(text)) for text, mark in cells]
        lines.append(" & ".join([latex_text(label), *texts]) + r" \\")
    caption = latex_text(" ".join([f"{layout.title}.", *layout.notes]))
    return "\n".join(
        [*lines, r"\bottomrule", r"\end{tabular}", rf"\caption{{{caption}}}", r"\end{table*}", ""]
    )
