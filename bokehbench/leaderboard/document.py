"""Tables inside a document (a README): written between two marks, and found stale when they are.

The opening mark is a comment that readers do not see. It says which table stands there, by which methods,
metrics and statistics it was made, and a hash of its lines, so that a changed metric or a number edited by
hand is found without the results; with them, mark and every number are compared. Seconds are left out: they
are never the same twice. Columns by region have a mark of their own, ``blb/gt-disparity@1#regions``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bokehbench import records
from bokehbench.errors import InputError
from bokehbench.leaderboard.collect import current_metric, method_spec
from bokehbench.leaderboard.export_text import markdown_table
from bokehbench.leaderboard.statistics import ID
from bokehbench.leaderboard.tables import Table

OPENING = re.compile(r"<!-- bokehbench (\S+)/([^\s#]+)(#regions)? ([0-9a-f]{8}): (.*?) -->\n")
CLOSING = "<!-- /bokehbench -->"
SECONDS = "s/image"
INTERVAL = "±"


@dataclass(frozen=True)
class Mark:
    """What the opening comment says.

    Attributes:
        benchmark, protocol: which table.
        regions: its columns by region, not those of whole pictures.
        digest: of its lines, when it was written.
        methods: `name@version` of its rows.
        metrics: `name@version:fingerprint` of its columns that have numbers.
        statistics: of its intervals and tests; empty where it has none.
    """

    benchmark: str
    protocol: str
    regions: bool
    digest: str
    methods: tuple[str, ...]
    metrics: tuple[str, ...]
    statistics: str = ""

    @classmethod
    def read(cls, match: re.Match[str]) -> Mark:
        """From a match of `OPENING`."""
        methods, metrics, statistics = [*match[5].split(" | "), "", ""][:3]
        return cls(
            benchmark=match[1],
            protocol=match[2],
            regions=match[3] is not None,
            digest=match[4],
            methods=tuple(methods.split()),
            metrics=tuple(metrics.split()),
            statistics=statistics.strip(),
        )

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.benchmark} ({self.protocol})" + (" by region" if self.regions else "")

    def __str__(self) -> str:
        which = f"{self.benchmark}/{self.protocol}" + ("#regions" if self.regions else "")
        facts = [" ".join(self.methods), " ".join(self.metrics), *filter(None, [self.statistics])]
        return f"<!-- bokehbench {which} {self.digest}: {' | '.join(facts)} -->"


@dataclass(frozen=True)
class Part:
    """One marked table of a document: its mark, the lines between the marks, where all of it stands."""

    mark: Mark
    text: str
    start: int
    stop: int


def parts(path: Path) -> list[Part]:
    """The marked tables of a document.

    Raises:
        InputError: no such file, none in it, or a mark without its end.
    """
    text = _read(path)
    found = []
    for match in OPENING.finditer(text):
        stop = text.find(CLOSING, match.end())
        if stop < 0:
            raise InputError(f"{path}: the table of {match[1]} has no {CLOSING}")
        body = text[match.end() : stop]
        found.append(Part(Mark.read(match), body, match.start(), stop + len(CLOSING)))
    if not found:
        raise InputError(
            f"{path}: no table in it; put the lines that --update writes, beginning with "
            "<!-- bokehbench BENCHMARK/PROTOCOL 00000000:  |  --> and ending with " + CLOSING
        )
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error


def stale(path: Path) -> list[str]:
    """Why the tables of a document are stale, as far as it can be told without the results; one line each."""
    return [f"{path}: {part.mark.name}: {why}" for part in parts(path) for why in _stale(part)]


def _stale(part: Part) -> list[str]:
    mark, lines = part.mark, []
    if _digest(part.text) != mark.digest:
        lines.append("its lines are not those that were written")
    for method in mark.methods:
        spec = method_spec(method.partition("@")[0])
        if spec is None or spec.id != method:
            lines.append(f"has {method}, now {spec.id if spec else 'not registered'}")
    for metric in mark.metrics:
        identity, _, fingerprint = metric.rpartition(":")
        today = current_metric(re.sub(r"@\d+", "", identity))
        if today is None or today.fingerprint != fingerprint:
            now = f"{today.id}:{today.fingerprint}" if today else "not registered"
            lines.append(f"has {metric}, now {now}")
    if mark.statistics != ID and (mark.statistics or INTERVAL in part.text):
        lines.append(f"has intervals of {mark.statistics or 'an older form'}, now {ID}")
    return lines


def differs(path: Path, tables: Sequence[Table]) -> list[str]:
    """`stale`, and where mark or numbers are not those that `update` would write; one line each."""
    lines = stale(path)
    for part in parts(path):
        name, table = f"{path}: {part.mark.name}", _of(part.mark, tables)
        if table is None:
            lines.append(f"{name}: is not in these results")
            continue
        was, now = _without_seconds(part.text), _without_seconds(_lines(table, part.mark.regions))
        if was != now:
            first = next((b for a, b in zip(was, now, strict=False) if a != b), "other rows")
            lines.append(f"{name}: is not what the results give, first: {first}")
        elif part.mark != (mark := mark_of(table, part.mark.regions)):
            lines.append(f"{name}: its mark is not that of the results, {mark}")
    return lines


def update(path: Path, tables: Sequence[Table]) -> int:
    """Write the tables of the results into a document, in the places that are marked; how many changed.

    A mark whose table is not in the results stays as it is.
    """
    text, changed = _read(path), 0
    for part in reversed(parts(path)):
        table = _of(part.mark, tables)
        if table is None:
            continue
        mark, body = mark_of(table, part.mark.regions), _lines(table, part.mark.regions)
        if part.mark == mark and _without_seconds(part.text) == _without_seconds(body):
            continue
        text = f"{text[: part.start]}{mark}\n{body}{CLOSING}{text[part.stop :]}"
        changed += 1
    if changed:
        records.write_text(path, text)
    return changed


def mark_of(table: Table, regions: bool = False) -> Mark:
    """The mark of a table that has the columns of one kind alone."""
    # A column without a number has nothing that could become stale.
    numbers = [
        column
        for column in table.columns
        if any(table.everything.cells[row.key][column.name].interval for row in table.rows)
    ]
    return Mark(
        benchmark=table.benchmark,
        protocol=table.protocol,
        regions=regions,
        digest=_digest(_lines(table, regions)),
        methods=tuple(f"{row.key[0]}@{row.version}" for row in table.rows),
        metrics=tuple(f"{column.id}:{column.fingerprint}" for column in numbers),
        statistics=ID if table.tested else "",
    )


def _of(mark: Mark, tables: Sequence[Table]) -> Table | None:
    """The table that a mark means, with the columns that it means; None where the results have none."""
    wanted = (mark.benchmark, mark.protocol)
    table = next((table for table in tables if (table.benchmark, table.protocol) == wanted), None)
    return table and table.parts()[mark.regions]


def _lines(table: Table, regions: bool) -> str:
    lines = markdown_table(table, table.everything, costs=not regions)
    return "\n".join([*lines, *(["", f"{table.part.capitalize()}."] if table.part else [])]) + "\n"


def _digest(text: str) -> str:
    return records.sha256_json(_without_seconds(text))[:8]


def _without_seconds(text: str) -> list[str]:
    """The lines without the column of seconds."""
    lines = [line for line in text.strip().split("\n") if line]
    heads = [head.strip() for head in _cells(lines[0])] if lines else []
    kept = [index for index, head in enumerate(heads) if head != SECONDS]

    def shown(line: str) -> str:
        row = _cells(line)
        return "|".join(row[index] for index in kept if index < len(row)) if row else line

    return [shown(line) for line in lines]


def _cells(line: str) -> list[str]:
    """Of a line of a table; none of a line of text."""
    return re.split(r"(?<!\\)\|", line)[1:-1]
