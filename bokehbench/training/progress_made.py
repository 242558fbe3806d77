"""Whether a stage was still getting better when it ended, by a rule that is stated with the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

PARTS = 8
GAIN = 0.05
"""dB."""
RULE = (
    f"mean score of the last 1/{PARTS} of the validations exceeds that of the {PARTS}th before it by more "
    f"than {GAIN} dB, under the learning rates of this run; null with fewer than {2 * PARTS} validations"
)


def still_improving(curve: Sequence[tuple[int, float]]) -> dict[str, Any]:
    """The answer to `RULE` for (step, score) pairs: value (bool, or None where it cannot be said), gain."""
    part = len(curve) // PARTS
    if part < 2:
        return {"value": None, "gain_db": None, "rule": RULE}
    scores = [score for _, score in curve]
    gain = sum(scores[-part:]) / part - sum(scores[-2 * part : -part]) / part
    return {"value": gain > GAIN, "gain_db": round(gain, 4), "rule": RULE}


def thinned(curve: Sequence[tuple[int, float]], most: int = 40) -> list[tuple[int, float]]:
    """At most so many points of a curve, the last among them."""
    every = -(-len(curve) // most) if curve else 1
    kept = list(curve[::every])
    return kept if not curve or kept[-1] == curve[-1] else [*kept, curve[-1]]
