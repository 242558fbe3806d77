"""Tables for papers: LaTeX with booktabs, short labels, and what there is to know of them below the table."""

from __future__ import annotations

import string
from collections.abc import Sequence

from bokehbench.leaderboard.sentences import (
    LOST,
    ORACLE_NOTE,
    half_width,
    k_scale_sentence,
    lost_sentence,
    noise_sentence,
    otherwise_sentence,
    profiled_sentence,
    rank_text,
    seconds_text,
    size_sentence,
    spread_sentence,
    statistics_sentence,
    truth_sentence,
    whole_size_sentence,
)
from bokehbench.leaderboard.tables import ALL, WHERE, Cell, Column, Group, Reported, Row, Table

_LATEX = {
    **{char: "\\" + char for char in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "^": r"\textasciicircum{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "±": r"$\pm$",
    "σ": r"$\sigma$",
    "–": "--",
    "−": "$-$",
    "≥": r"$\ge$",
    "…": r"\dots{}",
    "→": r"$\rightarrow$",
    "¶": r"\textsuperscript{\P}",
    "§": r"\textsuperscript{\S}",
}


def latex_text(text: str) -> str:
    """Escaped for LaTeX."""
    return "".join(_LATEX.get(char, char) for char in text)


def to_latex(tables: Sequence[Table], *, intervals: bool = True) -> str:
    """One booktabs `table` for each table; best bold, second underlined. Needs \\usepackage{booktabs}.

    Columns by region stand in a second one, as in the Markdown. Labels are short; where a paper's number
    comes from, why there is none, and whatever else a mark stands for are notes below the table.

    Args:
        tables: one a benchmark and protocol.
        intervals: with ± half of the confidence interval.
    """
    found = []
    for table in tables:
        whole, regions = table.parts()
        found.append(_latex(whole, intervals, f"tab:{table.name}"))
        if regions is not None:
            found.append(_latex(regions, intervals, f"tab:{table.name}-regions", costs=False))
    return "\n".join(found)


def _latex(table: Table, intervals: bool, label: str, costs: bool = True) -> str:
    heads = ["method", *(column.heading for column in table.columns), *(["rank", "s/image"] if costs else [])]
    lines = [
        r"\begin{table}[t]",
        r"\centering",
        rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
        r"\toprule",
        " & ".join(latex_text(head) for head in heads) + r" \\",
    ]
    for group in table.groups:
        lines.append(r"\midrule")
        if len(table.groups) > 1:
            name = "all levels" if group.level == ALL else group.level
            text = latex_text(f"{name}, {size_sentence(group)}")
            lines.append(rf"\multicolumn{{{len(heads)}}}{{l}}{{\emph{{{text}}}}} \\")
        for row in table.rows:
            lines.append(_measured(table, group, row, intervals, costs))
            lines += [_printed(one, table) for one in table.printed(group.level, row)]
        lines += [_printed(one, table) for one in table.only_printed(group.level)]
    lines += [r"\bottomrule", r"\end{tabular}", *_below(_notes(table, costs))]
    lines += [rf"\caption{{{_caption(table, intervals, costs)}}}", rf"\label{{{label}}}"]
    return "\n".join([*lines, r"\end{table}", ""])


def _measured(table: Table, group: Group, row: Row, intervals: bool, costs: bool) -> str:
    cells = [_cell(table, group.cells[row.key][column.name], column, intervals) for column in table.columns]
    name = latex_text(row.label) + (r"$^\dagger$" if row.status == "oracle" else "")
    name += (r"$^\ddagger$" if row.truth else "") + (latex_text(LOST) if row.left_out else "")
    rest = [rank_text(row), seconds_text(row)] if group.level == ALL else ["", ""]
    return " & ".join([name, *cells, *(map(latex_text, rest) if costs else [])]) + r" \\"


def _cell(table: Table, cell: Cell, column: Column, intervals: bool) -> str:
    if cell.interval is None:
        return f"n/a$^{{{table.footnote(cell)}}}$"
    text = column.show(cell.interval.mean)
    text = rf"\textbf{{{text}}}" if cell.best else rf"\underline{{{text}}}" if cell.second else text
    half = half_width(cell, column) if intervals else ""
    return text + (rf" {{\scriptsize$\pm${half}}}" if half else "")


# ------------------------------------------------------------------------------------- papers' numbers


def _printed(one: Reported, table: Table) -> str:
    """A row of a paper: what the label says beyond the method's name is in its note."""
    cells = [one.values.get(column.name, "--") for column in table.columns]
    rest = ["--", one.seconds or "--"] if one.level == ALL else ["", ""]
    mark = _marks(table)[_about(one)]
    name = rf"\textit{{{latex_text(one.label.partition(',')[0])}}}$^{{{mark}}}$"
    return " & ".join([name, *cells, *rest]) + r" \\"


def _about(one: Reported) -> tuple[str, str, str]:
    """What rows have in common that share a note."""
    return one.label.partition(",")[2].strip(), one.source, one.note


def _marks(table: Table) -> dict[tuple[str, str, str], str]:
    letters = string.ascii_lowercase
    found = dict.fromkeys(_about(one) for one in table.reported)
    return {about: letters[n] if n < len(letters) else f"r{n + 1}" for n, about in enumerate(found)}


def _printed_notes(table: Table) -> list[tuple[str, str]]:
    """(mark, text) of where papers' numbers come from, with those that no column has."""
    notes = []
    for about, mark in _marks(table).items():
        others = [
            f"{metric} {value} ({', '.join(filter(None, [one.label.partition(',')[0], _level(one)]))})"
            for one in table.reported
            if _about(one) == about
            for metric, value in one.other.items()
        ]
        what, source, note = about
        text = "; ".join(filter(None, [source, what, ", ".join(others), note]))
        notes.append((mark, f"Reported, not measured here: {text}."))
    return notes


def _level(one: Reported) -> str:
    return "" if one.level == ALL else one.level


# ----------------------------------------------------------------------------------- caption and notes


def _caption(table: Table, intervals: bool, costs: bool) -> str:
    about = f"{table.benchmark} ({table.protocol}), {whole_size_sentence(table)}."
    return latex_text(
        " ".join([about if costs else f"{WHERE}: {about}", statistics_sentence(table, intervals)])
    )


def _notes(table: Table, costs: bool) -> list[str]:
    """What stands below a table, as LaTeX: the meaning of every mark in it."""
    cells = [
        group.cells[row.key][column.name]
        for group in table.groups
        for row in table.rows
        for column in table.columns
    ]
    lacking = sorted({table.footnote(cell) for cell in cells if cell.interval is None})
    marked = [(str(number), table.footnotes[number - 1]) for number in lacking]
    marked += [(r"\dagger", f"{ORACLE_NOTE}.")] if any(row.status == "oracle" for row in table.rows) else []
    marked += [(r"\ddagger", truth_sentence(table))] if table.uses_truth else []
    marked += _printed_notes(table)
    fewer = dict.fromkeys(cell.reason for cell in cells if cell.interval and cell.reason)
    plain = [f"{text}." for text in fewer] + [
        spread_sentence(table),
        k_scale_sentence(table),
        otherwise_sentence(table),
        lost_sentence(table.lost),
    ]
    plain += [profiled_sentence(table), noise_sentence(table)] if costs else []
    return [f"$^{{{mark}}}$ {latex_text(text)}" for mark, text in marked] + [
        latex_text(text) for text in plain if text
    ]


def _below(notes: Sequence[str]) -> list[str]:
    if not notes:
        return []
    lines = [rf"{note}\par" for note in notes]
    return [r"\par\smallskip", r"\begin{minipage}{\linewidth}", r"\footnotesize", *lines, r"\end{minipage}"]
