"""A paper's layout as text, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

from bokehbench.leaderboard.export_latex import latex_text
from bokehbench.leaderboard.export_text import in_markdown
from bokehbench.leaderboard.layout_types import BEST, PLAIN, PRINTED, SECOND, Grid, Layout, Line, Shown, Trend
from bokehbench.leaderboard.layout_words import counted

SCHEMA = "bokehbench.layout/1"
MARKDOWN = {PLAIN: "{}", BEST: "**{}**", SECOND: "<u>{}</u>"}
WIDE = 8
"""Columns of numbers that a page of LaTeX holds at full size."""
LATEX = {PLAIN: "{}", BEST: r"\textbf{{{}}}", SECOND: r"\underline{{{}}}"}


def row_label(line: Line) -> str:
    """What stands in front of a row."""
    return line.label + (", reported" if line.kind == PRINTED else "")


def trend_sentence(trend: Trend) -> str:
    """A claim, whether it holds and in how many scenes, and the figures of both sides."""
    scenes = f" ({counted(trend.scenes, 'scene')})" if trend.scenes else ""
    theirs = f" (the paper: {trend.theirs})" if trend.theirs else ""
    return f"{trend.claim}: {trend.verdict}{scenes}: {trend.figures}{theirs}."


def _text(cell: Shown) -> str:
    return cell.text + (f" ± {cell.half}" if cell.half else "")


def _heads(grid: Grid) -> list[str]:
    """Group and column in one, as formats without spanning cells have them; a single group goes without."""
    if len(grid.groups) == 1 and len(grid.groups[0][1]) > 1:
        return list(grid.groups[0][1])
    return [head if group == head else f"{group} {head}" for group, heads in grid.groups for head in heads]


# ----------------------------------------------------------------------------------------------- text


def to_text(layout: Layout) -> str:
    """For the terminal: plain, columns aligned."""
    lines = [layout.title]
    for grid in layout.grids:
        body = [[grid.of, *_heads(grid)]]
        body += [
            [row_label(line), *(("*" if c.mark == BEST else "") + _text(c) for c in line.cells)]
            for line in grid.rows
        ]
        widths = [max(map(len, column)) for column in zip(*body, strict=True)]
        lines += [f"{grid.title}:"] if grid.title else []
        for row in body:
            numbers = [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
            lines.append("  ".join([row[0].ljust(widths[0]), *numbers]).rstrip())
    lines += layout.findings
    lines += [f"trend: {trend_sentence(trend)}" for trend in layout.trends]
    lines += [f"missing: {one.what}" + (f" → {one.command}" if one.command else "") for one in layout.missing]
    starred = any(cell.mark == BEST for grid in layout.grids for line in grid.rows for cell in line.cells)
    return "\n".join([*lines, *layout.notes, *(["* stands for bold."] if starred else []), ""])


# ------------------------------------------------------------------------------------------- Markdown


def to_markdown(layout: Layout) -> str:
    """One line a row; the group stands in each column's heading."""
    lines = [f"## {in_markdown(layout.title)}", ""]
    for grid in layout.grids:
        heads = [grid.of, *map(in_markdown, _heads(grid))]
        lines += [f"{in_markdown(grid.title)}:", ""] if grid.title else []
        lines += [_row(heads), "|---|" + "---:|" * (len(heads) - 1)]
        for line in grid.rows:
            cells = [MARKDOWN[c.mark].format(c.text) + (f" ± {c.half}" if c.half else "") for c in line.cells]
            lines.append(_row([in_markdown(row_label(line)), *cells]))
        lines.append("")
    lines += _list("What agrees and what does not", layout.findings)
    lines += _list("Trends of the paper", [trend_sentence(trend) for trend in layout.trends])
    lines += _list("Missing", [one.what for one in layout.missing], [one.command for one in layout.missing])
    return "\n".join([*lines, *map(in_markdown, layout.notes), ""])


def _row(cells: Sequence[str]) -> str:
    return " | ".join(["", *cells, ""]).strip()


def _list(heading: str, items: Sequence[str], commands: Sequence[str] = ()) -> list[str]:
    """A heading with its items; nothing without items. Commands stand as code behind theirs."""
    if not items:
        return []
    commands = commands or [""] * len(items)
    lines = [
        f"- {in_markdown(item)}" + (f": `{command.replace('`', '')}`" if command else "")
        for item, command in zip(items, commands, strict=True)
    ]
    return [f"**{heading}**", "", *lines, ""]


# ---------------------------------------------------------------------------------------------- LaTeX


def to_latex(layout: Layout, *, intervals: bool = True) -> str:
    """Booktabs tables whose groups span their columns; what is said of them stands below the first.

    Wide ones are fitted to the line, with graphicx. What is missing is a comment.
    """
    lacking = ["% missing: " + ": ".join(filter(None, [one.what, one.command])) for one in layout.missing]
    tables = [_latex(layout, grid, index, intervals) for index, grid in enumerate(layout.grids)]
    return "\n".join([*lacking, *tables])


def _latex(layout: Layout, grid: Grid, index: int, intervals: bool) -> str:
    spans = [rf"\multicolumn{{{len(heads)}}}{{c}}{{{latex_text(group)}}}" for group, heads in grid.groups]
    heads = [head for _, heads in grid.groups for head in heads]
    wide = len(heads) > WIDE
    lines = [r"\begin{table*}[t]", r"\centering", *([r"\resizebox{\linewidth}{!}{%"] if wide else [])]
    lines += [rf"\begin{{tabular}}{{l{'r' * len(heads)}}}", r"\toprule"]
    lines.append(" & ".join(["", *spans]) + r" \\")
    lines.append(" & ".join([f"{grid.of.capitalize()}s", *map(latex_text, heads)]) + r" \\")
    lines.append(r"\midrule")
    for line in grid.rows:
        name = latex_text(row_label(line))
        name = rf"\textit{{{name}}}" if line.kind == PRINTED else name
        lines.append(" & ".join([name, *(_latex_cell(cell, intervals) for cell in line.cells)]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}" + ("}" if wide else "")]
    caption = f"{layout.title}{': ' + grid.title if grid.title else ''}."
    if index == 0:
        below = [*layout.findings, *(trend_sentence(trend) for trend in layout.trends), *layout.notes]
        lines += [r"\par\smallskip", r"\begin{minipage}{\linewidth}", r"\footnotesize"]
        lines += [*(rf"{latex_text(text)}\par" for text in below), r"\end{minipage}"]
    return "\n".join([*lines, rf"\caption{{{latex_text(caption)}}}", r"\end{table*}", ""])


def _latex_cell(cell: Shown, intervals: bool) -> str:
    text = LATEX[cell.mark].format(latex_text(cell.text))
    return text + (rf" {{\scriptsize$\pm${cell.half}}}" if cell.half and intervals else "")
