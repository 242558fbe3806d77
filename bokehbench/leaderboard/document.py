"""Tables inside a document (a README): written between two marks, and found stale when they are.

The opening mark is a comment that readers do not see. It says which table stands there, by which methods and
metrics it was made, and a hash of its lines, so that a changed metric or a number edited by hand is found
without the results; with them, every number is compared. Seconds are left out: they are never the same twice.
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
from bokehbench.leaderboard.tables import Table

OPENING = re.compile(r"<!-- bokehbench (\S+)/(\S+) ([0-9a-f]{8}): (.*?) \| (.*?) -->\n")
CLOSING = "<!-- /bokehbench -->"
SECONDS = "s/image"


@dataclass(frozen=True)
class Part:
    """One marked table of a document.

    Attributes:
        benchmark, protocol: which.
        digest: of its lines, when it was written.
        methods: `name@version` of its rows.
        metrics: `name@version:fingerprint` of its columns that have numbers.
        text: the lines between the marks.
        start, stop: where the whole of it stands in the document, marks included.
    """

    benchmark: str
    protocol: str
    digest: str
    methods: tuple[str, ...]
    metrics: tuple[str, ...]
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
        methods, metrics = tuple(match[4].split()), tuple(match[5].split())
        body = text[match.end() : stop]
        whole = (match.start(), stop + len(CLOSING))
        found.append(Part(match[1], match[2], match[3], methods, metrics, body, *whole))
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
    lines = []
    for part in parts(path):
        name = f"{path}: {part.benchmark} ({part.protocol})"
        if _digest(part.text) != part.digest:
            lines.append(f"{name}: its lines are not those that were written")
        for method in part.methods:
            spec = method_spec(method.partition("@")[0])
            if spec is None or spec.id != method:
                lines.append(f"{name}: has {method}, now {spec.id if spec else 'not registered'}")
        for metric in part.metrics:
            identity, _, fingerprint = metric.rpartition(":")
            today = current_metric(re.sub(r"@\d+", "", identity))
            if today is None or today.fingerprint != fingerprint:
                now = f"{today.id}:{today.fingerprint}" if today else "not registered"
                lines.append(f"{name}: has {metric}, now {now}")
    return lines


def differs(path: Path, tables: Sequence[Table]) -> list[str]:
    """`stale`, and where the document's numbers are not those of the results; one line each."""
    lines = stale(path)
    for part in parts(path):
        name = f"{path}: {part.benchmark} ({part.protocol})"
        table = _of(part, tables)
        if table is None:
            lines.append(f"{name}: is not in these results")
            continue
        was, now = _without_seconds(part.text), _without_seconds(_lines(table))
        if was != now:
            first = next((b for a, b in zip(was, now, strict=False) if a != b), "other rows")
            lines.append(f"{name}: is not what the results give, first: {first}")
    return lines


def update(path: Path, tables: Sequence[Table]) -> int:
    """Write the tables of the results into a document, in the places that are marked; how many changed.

    A mark whose table is not in the results stays as it is.
    """
    text, changed = _read(path), 0
    for part in reversed(parts(path)):
        table = _of(part, tables)
        if table is None or _without_seconds(part.text) == _without_seconds(_lines(table)):
            continue
        text = text[: part.start] + marked(table) + text[part.stop :]
        changed += 1
    if changed:
        records.write_text(path, text)
    return changed


def marked(table: Table) -> str:
    """A table with its marks, as a document holds it."""
    body = _lines(table)
    methods = " ".join(f"{row.key[0]}@{row.version}" for row in table.rows)
    # A column without a number has nothing that could become stale.
    numbers = [
        column
        for column in table.columns
        if any(table.everything.cells[row.key][column.name].interval for row in table.rows)
    ]
    metrics = " ".join(f"{column.id}:{column.fingerprint}" for column in numbers)
    head = f"<!-- bokehbench {table.benchmark}/{table.protocol} {_digest(body)}: {methods} | {metrics} -->"
    return f"{head}\n{body}{CLOSING}"


def _of(part: Part, tables: Sequence[Table]) -> Table | None:
    wanted = (part.benchmark, part.protocol)
    return next((table for table in tables if (table.benchmark, table.protocol) == wanted), None)


def _lines(table: Table) -> str:
    return "\n".join(markdown_table(table, table.everything)) + "\n"


def _digest(text: str) -> str:
    return records.sha256_json(_without_seconds(text))[:8]


def _without_seconds(text: str) -> list[str]:
    """The lines without the column of seconds."""
    lines = [line for line in text.strip().split("\n") if line]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    heads = [cell.strip() for cell in cells[0]] if cells else []
    kept = [index for index, head in enumerate(heads) if head != SECONDS]
    return ["|".join(row[index] for index in kept if index < len(row)) for row in cells]
