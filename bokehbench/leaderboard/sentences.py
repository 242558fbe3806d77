"""What tables say in words, the same in every format; and the short texts of their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bokehbench.leaderboard.collect import Collected, RowKey
from bokehbench.leaderboard.lost import Why
from bokehbench.leaderboard.staleness import REGISTER, scoring
from bokehbench.leaderboard.statistics import ALPHA, MIN_SCENES, name_of_test
from bokehbench.leaderboard.tables import ALL, BelowFloor, Cell, Column, Group, Reported, Row, Table
from bokehbench.registry import TwoStageSpec

PROFILED = "¶"
"""Beside seconds an image."""
LOST = "§"
"""Beside a row that has cases without their target picture."""
TRUTH_HEADING = "chosen with the ground truth"
ORACLE_NOTE = "oracle: is given what no method can know; shown as a ceiling, never best"


def size_sentence(group: Group) -> str:
    """How much a table rests on."""
    if group.K is None:
        strength = "K searched"
    else:
        low, high = group.K
        strength = f"K = {low:.4g} px" if low == high else f"K = {low:.4g} to {high:.4g} px"
    return f"{_count(len(group.cases), 'case')} of {_count(group.n_scenes, 'scene')}, {strength}"


def whole_size_sentence(table: Table) -> str:
    """How much the table of all levels rests on, and whether that is a part of the published set."""
    return ", ".join(filter(None, [size_sentence(table.everything), table.part]))


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def statistics_sentence(table: Table, intervals: bool = True) -> str:
    """What bold means, what is claimed, and of which levels and columns nothing is.

    Args:
        table: as printed.
        intervals: whether it is printed with them.
    """
    if not table.tested:
        return (
            f"{_count(table.everything.n_scenes, 'scene')}, fewer than {MIN_SCENES}: no confidence intervals "
            "and no tests; bold is the best printed mean, nothing more."
        )
    parts = ["± is half of the 95 % confidence interval by scene."] if intervals else []
    parts.append(
        "Each row is tested against the best one "
        f"({name_of_test(table.everything.n_scenes)}, Holm); bold is the best row and what is tied with it "
        f"(p ≥ {ALPHA} or a difference too small to count)."
    )
    return " ".join(filter(None, [*parts, small_sentence(table)]))


def small_sentence(table: Table) -> str:
    """Of a table with scenes enough, the levels and columns that have too few; empty where none has."""
    if not table.tested:
        return ""
    levels = [group for group in table.groups[1:] if group.n_scenes < MIN_SCENES]
    found = []
    if levels:
        counts = " and ".join(", ".join(str(group.n_scenes) for group in levels).rsplit(", ", 1))
        scenes = "1 scene" if counts == "1" else f"{counts} scenes"
        names = ", ".join(group.level for group in levels)
        found.append(f"level{'s' if len(levels) > 1 else ''} {names} ({scenes})")
    columns: dict[tuple[str, int], list[str]] = {}
    for group in table.groups:
        if group.n_scenes >= MIN_SCENES:
            for name, n in _columns_of_few(table, group).items():
                columns.setdefault((group.level, n), []).append(name)
    for (level, n), few in columns.items():
        at = "" if level == ALL else f" at {level}"
        found.append(f"{', '.join(few)}{at} ({_count(n, 'scene')})")
    if not found:
        return ""
    return (
        f"Fewer than {MIN_SCENES} scenes, so no intervals and not tested, bold is the best printed mean, "
        f"nothing more: {'; '.join(found)}."
    )


def _columns_of_few(table: Table, group: Group) -> dict[str, int]:
    """Columns of a level whose numbers rest on too few scenes (a region is too small in the others)."""
    rows = [group.cells[row.key] for row in table.rows]
    intervals = {column.name: [cells[column.name].interval for cells in rows] for column in table.columns}
    counts = {name: min((i.scenes for i in found if i), default=None) for name, found in intervals.items()}
    return {name: n for name, n in counts.items() if n is not None and n < MIN_SCENES}


def noise_sentence(table: Table) -> str:
    """How good the targets themselves are; empty where it is not known."""
    if table.noise is None:
        return ""
    worst, median = table.noise
    return (
        f"Noise of the targets themselves, estimated: PSNR {worst:.1f} dB at worst, {median:.1f} dB median; "
        "an error that a denoiser makes alike each time is not in it, except in images of a stated quality. "
        "Scores near these values, and differences between them, mean little."
    )


def truth_sentence(table: Table) -> str:
    """What the ground truth chose, in full; empty where nothing."""
    return f"{TRUTH_HEADING.capitalize()}: {'; '.join(table.uses_truth)}." if table.uses_truth else ""


def below_floor_sentence(below: BelowFloor, table: Table) -> str:
    """Where and by how much a row is worse than doing nothing, and why."""
    column = next((c for c in table.columns if c.name == "psnr"), table.columns[0])
    unit = f" {column.unit}" if column.unit else ""
    parts = [
        f"{'overall' if level == ALL else level} {value:+.{column.decimals}f}{unit}".replace("-", "−")
        for level, value in below.differences.items()
    ]
    return f"{below.row.label} against identity, {column.name}: {', '.join(parts)}. {_stop(below.reason)}"


def _stop(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else text + "."


def incomplete_sentence(row: Row, table: Table) -> str:
    """Which cases an incomplete row lacks."""
    shown = ", ".join(row.missing[:3]) + (", …" if len(row.missing) > 3 else "")
    of = len(table.everything.cases)
    how = "failed, were never run or have a damaged record" if row.damaged else "failed or were never run"
    return (
        f"{row.label}: {len(row.missing)} of {of} cases {how} ({shown}); "
        "no mean, not ranked. The bokehbench run that made the others tries them again."
    )


def lost_sentence(lost: Mapping[str, Why]) -> str:
    """Which cases count for no row, and what of them is missing or damaged; empty where nothing is."""
    if not lost:
        return ""
    alike: dict[Why, list[str]] = {}
    for case, why in lost.items():
        alike.setdefault(why, []).append(case)
    those = "1 case counts" if len(lost) == 1 else f"{len(lost)} cases count"
    whose = "its" if len(lost) == 1 else "their"
    whys = ", ".join(_lost_part(whose, *group) for group in alike.items())
    return (
        f"{LOST} {those} for no row: {whys}. The bokehbench run that made the results writes what is missing "
        "or damaged again."
    )


def _lost_part(whose: str, why: Why, cases: Sequence[str]) -> str:
    shown = ", ".join(cases[:3]) + (", …" if len(cases) > 3 else "")
    number = " is" if len(cases) == 1 else "s are"
    return f"{whose} {why.what}{number} {why.state} ({shown})"


def marked_label(row: Row) -> str:
    """The row's label as texts print it, with what it is marked by."""
    return row.label + (LOST if row.left_out else "") + (" (oracle)" if row.status == "oracle" else "")


def renewals(table: Table) -> list[str]:
    """One line for each stale row, stale column and incomplete row: its label, why, and what renews it."""
    of = f"{table.benchmark} ({table.protocol})"
    lines = [f"{of} {row.label}: {text}" for row in table.stale_rows for text in stale_sentences(row)]
    lines += [f"{of} {text}" for text in (*table.stale_metrics, lost_sentence(table.lost)) if text]
    return [*lines, *(f"{of} {incomplete_sentence(row, table)}" for row in table.incomplete)]


def stale_metrics(
    board: Collected, columns: Sequence[Column], labels: Mapping[RowKey, str]
) -> tuple[str, ...]:
    """A line for each of these metrics, with the rows that it touches; then one command for all of them."""
    lines: list[str] = []
    commands: dict[Path, list[str]] = {}
    for column in columns:
        found = [
            (labels[key], entry.result.at.root, entry.stale_scores[column.name])
            for key in board.runs
            for entry in board.entries(key)
            if column.name in entry.stale_scores
        ]
        reasons = dict.fromkeys(stale.reason for _, _, stale in found)
        lines.append(f"{'; '.join(reasons)}, in {', '.join(dict.fromkeys(label for label, _, _ in found))}")
        if not column.known:
            lines[-1] += f" → {REGISTER}"
            continue
        for root in dict.fromkeys(root for _, root, _ in found):
            commands.setdefault(root, []).append(column.name)
    again = [scoring(root, names, always_named=True) for root, names in commands.items()]
    return (*lines, *(f"metrics → {command}" for command in again))


def stale_sentences(row: Row) -> list[str]:
    """Why a row is stale and what renews it, without repeating a command."""
    commands: dict[str, list[str]] = {}
    for stale in row.stale:
        commands.setdefault(stale.command, []).append(stale.reason)
    return [f"{'; '.join(dict.fromkeys(reasons))} → {command}" for command, reasons in commands.items()]


def half_width(cell: Cell, column: Column) -> str:
    """± part of a cell; empty without an interval."""
    interval = cell.interval
    if interval is None or interval.low is None or interval.high is None:
        return ""
    return column.show((interval.high - interval.low) / 2)


def k_scale_sentence(table: Table) -> str:
    """Which rows are given another K than the set's, and why; empty where none is."""
    said = [f"{row.label}: {row.k_scale}" for row in table.rows if row.k_scale]
    return f"Given another K than the others: {'; '.join(said)}." if said else ""


def otherwise_sentence(table: Table) -> str:
    """Which rows did not render all cases as they were asked to, and what they did; empty where none."""
    total = len(table.everything.cases)
    said = [
        f"{row.label}: {note} ({count} of {total} cases)"
        for row in table.rows
        for note, count in row.otherwise
    ]
    return f"Not rendered as asked for: {'; '.join(said)}." if said else ""


def spread_sentence(table: Table) -> str:
    """What σ in a cell is; empty where every method ran once."""
    if not table.repeated:
        return ""
    counts = sorted({row.seeds for row in table.repeated})
    runs = " or ".join(map(str, counts))
    return f"σ is the standard deviation of a stochastic method's mean over {runs} runs with other seeds."


def spread_text(cell: Cell, column: Column) -> str:
    """σ part of a cell; empty with one run, 0 where the mean's printed digits do not show it."""
    if cell.spread is None or cell.interval is None:
        return ""
    return "σ 0" if cell.spread < 0.5 * 10**-column.decimals else f"σ {cell.spread:.2g}"


def reported_sentences(table: Table) -> list[str]:
    """Where reported rows come from and what they are worth, each source once."""
    return list(
        dict.fromkeys(f"Reported, not measured here: {one.source}; {one.note}." for one in table.reported)
    )


def reported_label(one: Reported) -> str:
    """What stands in the first column of a reported row."""
    other = "".join(f", {metric} {value}" for metric, value in one.other.items())
    return f"{one.label}, reported ({one.source}{other})"


def seconds_text(row: Row) -> str:
    """Median seconds an image, marked where they were measured with care."""
    return timed_text(row, row.seconds)


def timed_text(row: Row, seconds: float | None) -> str:
    """Seconds of a row, at a level perhaps, marked where they were measured with care; – for none."""
    return "–" if seconds is None else f"{seconds:.3g}{PROFILED if row.efficiency else ''}"


def profiled_sentence(table: Table) -> str:
    """What marked seconds are, what those beside them are, and how much of them restoration is."""
    return " ".join(filter(None, [_measured_sentence(table), _stages_sentence(table)]))


def _stages_sentence(table: Table) -> str:
    """What restoration takes of the seconds of methods with two stages; empty where there is none."""
    found: dict[str, list[float]] = {}
    for row in table.rows:
        if row.restoration is not None and isinstance(row.spec, TwoStageSpec):
            found.setdefault(row.spec.restorer.name, []).append(row.restoration)
    if not found:
        return ""
    said = ", ".join(f"{name} {max(seconds):.2g}" for name, seconds in found.items())
    return f"Seconds behind a restorer are of both stages; of these restoration takes: {said}."


def _measured_sentence(table: Table) -> str:
    timed = [row for row in table.rows if row.seconds is not None]
    if not any(row.efficiency for row in timed):
        return ""
    text = f"{PROFILED} seconds by run --profile: the median of several renderings after a warm-up."
    if all(row.efficiency for row in timed):
        return text
    return f"{text} Seconds without it are of one rendering, with whatever else the machine did meanwhile."


def rank_text(row: Row) -> str:
    """Average rank over complete columns."""
    return "–" if row.average_rank is None else f"{row.average_rank:.2f}"
