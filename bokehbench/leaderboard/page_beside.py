"""What stands beside a table of the page: cost, numbers over whole sets, and what is needed to repeat it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bokehbench import records
from bokehbench.leaderboard.collect import Collected
from bokehbench.leaderboard.sets import SetTable, grid
from bokehbench.leaderboard.tables import Row, Table

COST_HEADS = ("s an image", "megapixels/s", "repeats", "cases", "peak MB", "GPU MB", "sizes", "device")


def efficiency_view(table: Table) -> dict[str, Any] | None:
    """Rows that `run --profile` measured; None where there is none."""
    rows = [(row.label, _cost(row)) for row in table.rows if row.efficiency]
    return {"heads": COST_HEADS, "rows": rows} if rows else None


def _cost(row: Row) -> list[str]:
    cost = row.efficiency
    assert cost is not None
    sizes = ", ".join(f"{width}x{height}" for width, height in cost.sizes)
    memory = [f"{mb:.0f}" if mb is not None else "–" for mb in (cost.peak_memory_mb, cost.gpu_peak_memory_mb)]
    numbers = [f"{cost.seconds:.3g}", f"{cost.megapixels_per_second:.3g}", str(cost.repeats), str(cost.cases)]
    return [*numbers, *memory, sizes, cost.device + (f" and {cost.gpu}" if cost.gpu else "")]


def sets_view(table: Table, sets: Iterable[SetTable]) -> dict[str, Any] | None:
    """FID, KID and others of this benchmark and protocol; None where none was computed."""
    for found in sets:
        if (found.benchmark, found.protocol) == (table.benchmark, table.protocol):
            shown = grid(found)
            return {"heads": shown.heads[1:], "rows": shown.rows, "notes": shown.notes}
    return None


def provenance(board: Collected, table: Table) -> list[tuple[str, list[str]]]:
    """What is needed to repeat the table: (heading, lines)."""
    entries = [entry for row in board.rows.values() for entry in row.values()]
    codes = {_code(entry.record.get("code", {})) for entry in entries}
    libraries = {
        f"{name} {version}"
        for entry in entries
        for name, version in entry.record.get("libraries", {}).items()
    }
    dates = sorted(str(entry.timing["date"]) for entry in entries if "date" in entry.timing)
    data = records.sha256_json({key: case.record["data"] for key, case in board.cases.items()})
    facts: Sequence[tuple[str, list[str]]] = [
        ("Commands", sorted({str(entry.record["command"]) for entry in entries})),
        ("Code", sorted(codes)),
        ("Libraries", [", ".join(sorted(libraries))] if libraries else []),
        ("Metrics (fingerprint)", [f"{c.id} ({c.fingerprint})" for c in table.columns if c.known]),
        ("Data", [f"{len(board.cases)} cases, sha256 {data}"]),
        ("Devices", sorted({str(e.timing["device"]) for e in entries if e.timing.get("device")})),
        ("Rendered", [dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"] if dates else []),
    ]
    return [(heading, lines) for heading, lines in facts if lines]


def _code(code: dict[str, Any]) -> str:
    commit = code.get("commit")
    text = f"bokehbench {code.get('version', 'unknown')}" + (f", commit {commit}" if commit else "")
    return text + (", with changes that are not committed" if code.get("dirty") else "")
