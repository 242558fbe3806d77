"""The page's cards: of each method, what it is, how it stands, what it was trained on, how to repeat it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bokehbench import progress_made
from bokehbench.benchmarks.protocols import base_id
from bokehbench.errors import BokehbenchError
from bokehbench.leaderboard.collect import Collected, Entry
from bokehbench.leaderboard.pictures import slug
from bokehbench.leaderboard.sentences import incomplete_sentence, seconds_text
from bokehbench.leaderboard.tables import Row, Table
from bokehbench.leaderboard.trained_on import card_of
from bokehbench.registry import MethodSpec, names

Place = tuple[Collected, Table, Row]
"""Where a method has a row."""


def card_views(boards: Sequence[tuple[Collected, Table]]) -> list[dict[str, Any]]:
    """A card for every method of any table: registered ones first, in their order."""
    places: dict[str, list[Place]] = {}
    for board, table in boards:
        for row in (*table.rows, *table.incomplete, *table.stale_rows):
            places.setdefault(row.key[0], []).append((board, table, row))
    order = {name: index for index, name in enumerate(names(MethodSpec))}
    return [_card(name, places[name]) for name in sorted(places, key=lambda n: (order.get(n, len(order)), n))]


def _card(name: str, places: Sequence[Place]) -> dict[str, Any]:
    spec = places[0][2].spec
    entries = [entry for board, _, row in places for entry in board.entries(row.key)]
    places = _telling(places)
    facts = [
        ("Notes", [spec.notes] if spec and spec.notes else []),
        ("Oracle", [f"is given the true {spec.oracle}"] if spec and spec.oracle else []),
        ("Options", _options(spec)),
        ("Weights", _weights(spec, entries)),
        ("Training", _training(spec, entries)),
        ("Trained on", _trained_on(places)),
        ("Licence", [spec.licence] if spec else []),
        ("Cost", [line for _, table, row in places if (line := _cost(table, row))]),
    ]
    return {
        "name": name,
        "version": spec.version if spec else None,
        "category": spec.category if spec else "not registered here",
        "anchor": f"method-{slug(name)}",
        "summary": spec.summary if spec else "No specification of this method is registered here.",
        "paper": _paper(spec),
        "standing": [(table.name, _where(table, row), _standing(table, row)) for _, table, row in places],
        "facts": [(heading, lines) for heading, lines in facts if lines],
        "commands": list(dict.fromkeys(str(entry.record["command"]) for entry in entries)),
    }


def _telling(places: Sequence[Place]) -> list[Place]:
    """Without the tables of corrupted disparity in which a method merely has a place."""
    base = {(table.benchmark, table.protocol) for _, table, _ in places}

    def repeats(table: Table, row: Row) -> bool:
        own = base_id(table.protocol)
        return own != table.protocol and (table.benchmark, own) in base and row.status in ("ranked", "oracle")

    return [(board, table, row) for board, table, row in places if not repeats(table, row)]


def _paper(spec: MethodSpec | None) -> str:
    if spec is None or not spec.paper:
        return ""
    return spec.paper + (f" (there: {spec.paper_name})" if spec.paper_name else "")


def _where(table: Table, row: Row) -> str:
    weights = row.label.removeprefix(row.key[0])
    return f"{table.benchmark} ({table.protocol}){weights}"


def _standing(table: Table, row: Row) -> str:
    """How a row stands, in few words."""
    if row.status == "stale":
        return f"stale: {'; '.join(dict.fromkeys(stale.reason for stale in row.stale))}"
    if row.status == "incomplete":
        return incomplete_sentence(row, table).partition(": ")[2]
    if row.status == "oracle":
        return "oracle, not ranked"
    first = table.columns[0]
    interval = table.everything.cells[row.key][first.name].interval
    if interval is None:
        return f"no mean of {first.name}"
    ranked = [other.key for other in table.rows if other.status == "ranked"]
    value = f"{first.show(interval.mean)} {first.unit}".strip()
    return f"{first.name} {value}, place {ranked.index(row.key) + 1} of {len(ranked)}"


def _options(spec: MethodSpec | None) -> list[str]:
    return (
        [", ".join(f"{key} = {_said(value)}" for key, value in spec.options.items())]
        if spec and spec.options
        else []
    )


def _said(value: object) -> str:
    """An option's value; of a restorer its id, and what else it was given."""
    if not isinstance(value, Mapping):
        return str(value)
    return " ".join([str(value.get("id", "")), *(f"{k}={v}" for k, v in value.items() if k != "id")]).strip()


def _weights(spec: MethodSpec | None, entries: Iterable[Entry]) -> list[str]:
    """Files with the hashes that the results were made with; what is needed where none is noted."""
    found: dict[str, None] = {}
    for entry in entries:
        for file, sha256 in dict(entry.record.get("weights") or {}).items():
            found[f"{file}, sha256 {sha256}"] = None
    if not found and spec and spec.weights:
        return [f"needs {', '.join(spec.weights)}"]
    return list(found)


def _training(spec: MethodSpec | None, entries: Iterable[Entry]) -> list[str]:
    """Of weights that `bokehbench train` made: how far each stage came, and the command."""
    card: Mapping[str, Any] = {}
    if spec is not None:
        with contextlib.suppress(BokehbenchError):
            card = card_of(spec)
    if not (stages := progress_made.stages(card)):
        return []
    used = {str(sha) for entry in entries for sha in dict(entry.record.get("weights") or {}).values()}
    own = str(dict(card.get("weights") or {}).get("sha256", ""))
    if own and used and own not in used:
        return ["the card that lies here is of other weights"]
    again = [f"again: {card['command']}"] if card.get("command") else []
    return [*map(str, stages), *again]


def _trained_on(places: Sequence[Place]) -> list[str]:
    verdicts = [row.training for _, _, row in places if row.training.trained_on]
    said = dict.fromkeys(verdict.trained_on for verdict in verdicts)
    return [*said, *dict.fromkeys(verdict.against for verdict in verdicts if verdict.against)]


def _cost(table: Table, row: Row) -> str:
    stale = " (stale results)" if row.status == "stale" else ""
    if row.efficiency:
        return f"{row.efficiency.sentence}, on {table.benchmark}{stale}"
    if row.seconds is None:
        return ""
    return f"{seconds_text(row)} s an image on {table.benchmark}, as run, not profiled{stale}"
