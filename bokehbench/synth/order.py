"""Which layers stand too close for a fixed order, and what is done about it (deterministically).

Front to back is the right order for every ray if, wherever one ray can hit two layers, the nearer one's
disparity is larger by a gap. Differences of planes are affine: their corners suffice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens
from bokehbench.synth.plan_types import ForegroundPlan
from bokehbench.synth.render import disparity_bounds
from bokehbench.synth.render.scene import common, grown, largest_radius, support

HALVINGS = 4
"""Times that a layer's tilt is halved before its disparity is moved."""


class Gap(NamedTuple):
    """Least difference of disparity between two layers where one ray can hit both."""

    near: int
    far: int
    least: float


def gaps(layers: Sequence[Layer], lens: Lens, size: tuple[int, int]) -> list[Gap]:
    """Of all pairs that one ray can hit, near to far.

    Args:
        layers: near to far.
        lens: blurs them: supports grow by their largest radius.
        size: (W, H) of the picture.
    """
    reach = []
    for layer in layers:
        rect = support(layer)
        blur = int(largest_radius(layer.plane, rect, lens)) + 2 if rect else 0
        reach.append(common(grown(rect, blur), (0, 0, *size)) if rect else None)
    found = []
    for near in range(len(layers)):
        for far in range(near + 1, len(layers)):
            shared = common(reach[near], reach[far])
            if shared is not None:
                a, b = layers[near].plane, layers[far].plane
                least = disparity_bounds(Plane(a.p - b.p, a.q - b.q, a.r - b.r), shared)[0]
                found.append(Gap(near, far, least))
    return found


@dataclass(frozen=True)
class Eased:
    """What was done to a foreground so that it keeps its distance: tilt halved, disparity moved."""

    halvings: int = 0
    shift: float = 0.0

    def apply(self, part: ForegroundPlan) -> ForegroundPlan:
        """The foreground with that done."""
        tilt, disparity = part.tilt_range * 0.5**self.halvings, part.disparity + self.shift
        return part.model_copy(update={"tilt_range": tilt, "disparity": disparity})


def ease(eased: Eased, missing: float) -> Eased:
    """The next thing to try where `missing` disparity separates a foreground from the layer behind it."""
    if eased.halvings < HALVINGS:
        return replace(eased, halvings=eased.halvings + 1)
    return replace(eased, shift=eased.shift + missing)
