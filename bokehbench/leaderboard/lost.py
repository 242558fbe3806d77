"""Why a case of a results folder counts for no row: its record or its target is missing or damaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bokehbench import images
from bokehbench.errors import BokehbenchError
from bokehbench.leaderboard.results import Protocol, has_truth
from bokehbench.leaderboard.stored import CASE, read_object
from bokehbench.optics import Lens

RECORD, TARGET = "record", "target picture"
MISSING, DAMAGED = "missing", "damaged"


class Why(NamedTuple):
    """What of a case is not as it must be: `RECORD` or `TARGET`, `MISSING` or `DAMAGED`."""

    what: str
    state: str


def why_lost(at: Protocol, case: str, facts: Callable[[], Mapping[str, Any]]) -> Why | None:
    """Why nothing can be scored against a case here; None where it can, or where it has no ground truth.

    `facts` gives `holding.target_facts` of the case, or raises InputError.
    """
    path = at.case_record(case)
    if not path.is_file():
        return Why(RECORD, MISSING)
    try:
        record = read_object(path, CASE)
        Lens.from_json(record["lens"])
        if not has_truth(at, case):
            return None
        target = at.case_image(case, "target")
        if not target.is_file():
            return Why(TARGET, MISSING)
        if facts()["target"] == record.get("pictures", {}).get("target"):
            return None
    except (BokehbenchError, TypeError, ValueError):
        return Why(RECORD, DAMAGED)
    # Another picture than that of the record is stale, which its scores say; decoding takes long.
    try:
        images.read_image(target)
    except BokehbenchError:
        return Why(TARGET, DAMAGED)
    return None
