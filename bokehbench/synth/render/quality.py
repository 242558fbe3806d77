"""How finely the aperture is sampled."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bokehbench.errors import ConfigError


@dataclass(frozen=True)
class Quality:
    """A named sampling of the lens.

    Attributes:
        cell: side that a lens cell may have on a layer, pixels (rho).
        least: cells per axis at least, wherever anything is out of focus.
        most: cells per axis at most.
    """

    cell: float
    least: int = 5
    most: int = 81

    def cells_per_axis(self, radius: float) -> int:
        """n for a blur radius in pixels; 1 where the blur is far below a pixel."""
        if radius < 0.05:
            return 1
        return min(max(math.ceil(2.0 * radius / self.cell), self.least), self.most)

    def cell_side(self, radius: float) -> float:
        """Side of a lens cell in pixels at that radius."""
        return 2.0 * radius / self.cells_per_axis(radius)


QUALITIES = {
    "draft": Quality(cell=6.0),
    "standard": Quality(cell=4.0),
    "high": Quality(cell=2.5),
    "final": Quality(cell=1.5),
}
"""By name, coarse to fine."""


def quality_of(name: str) -> Quality:
    """The quality of a name; ConfigError for an unknown one."""
    if name not in QUALITIES:
        raise ConfigError(f"unknown quality {name!r}; one of {', '.join(QUALITIES)}")
    return QUALITIES[name]
