"""The box in focus of each case: by the true defocus where it is known, else by what its pair shows."""

from __future__ import annotations

from bokehbench.leaderboard import pairs, regions
from bokehbench.leaderboard.results import Protocol
from bokehbench.metrics.focus_box import Box, focus_box


def box(at: Protocol, case: str, border: int) -> Box | None:
    """Around the largest region in focus, of target and prediction alike; None where there is none.

    Of a pair of photographs it lies on the target's grid, and the prediction may be some pixels off.
    """
    if regions.why_not(at, case):
        in_focus = pairs.load(at, case)[0].in_focus
    else:
        found = regions.load(at, case)[0]
        in_focus = None if found is None else found.mask("focus")
    return None if in_focus is None else focus_box(in_focus, border)


def digest(at: Protocol, case: str) -> str:
    """sha256 of the record that the box rests on; empty where it is still to be made."""
    found = regions.digest(at, case)
    return pairs.digest(at, case) if found == regions.NONE else found
