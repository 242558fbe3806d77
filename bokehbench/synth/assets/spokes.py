"""A foreground of spokes: a bicycle wheel, whose lines cross at all angles and thin out to a pixel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bokehbench.synth.assets.brushes import (
    OVERSAMPLING,
    Raster,
    Strokes,
    average_down,
    blank,
    colour,
    mix,
    pick,
)

Points = npt.NDArray[np.float64]


class _Wheel:
    """Places on a wheel seen at an angle: (radius over the outer one, angle, offset along the axle)."""

    def __init__(self, rng: np.random.Generator, side: int) -> None:
        self.outer = side * 0.455
        self.squash = float(rng.uniform(0.45, 0.98))
        self.turn = float(rng.normal(0.0, 0.12))
        self.middle = np.asarray([side / 2, side / 2])

    def at(self, radius: npt.ArrayLike, angle: npt.ArrayLike, axial: npt.ArrayLike = 0.0) -> Points:
        """Pixels [..., 2]."""
        radius, angle = np.asarray(radius), np.asarray(angle)
        x = radius * np.cos(angle) * self.squash + np.asarray(axial) * np.sqrt(1.0 - self.squash**2)
        y = radius * np.sin(angle)
        c, s = np.cos(self.turn), np.sin(self.turn)
        return np.stack([c * x - s * y, s * x + c * y], axis=-1) * self.outer + self.middle


def draw_wheel(rng: np.random.Generator, size: int) -> Raster:
    """A bicycle wheel: tyre with tread, rim, spokes laced over and under, hub, reflectors."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    wheel = _Wheel(rng, side)
    ring = np.linspace(0.0, 2 * np.pi, 361)
    tread, rubber, rim = Strokes(), Strokes(roundness=0.9, gloss=0.12), Strokes(roundness=0.95, gloss=0.8)
    black = pick(rng, ("#1a1a1b", "#242220", "#2b2723"))
    wall = black if rng.random() < 0.6 else pick(rng, ("#b08a5a", "#d8cdb8"))
    metal = pick(rng, ("#b4b8bb", "#8f9396", "#2a2a2c", "#c8a24a"))
    fat = rng.uniform(0.030, 0.055)
    for angle in np.arange(0.0, 2 * np.pi, rng.uniform(0.035, 0.06)):
        for across in (-0.55, 0.0, 0.55):
            knob = wheel.at([0.985, 1.0], angle + 0.012 * (across == 0.0), across * fat)
            tread.add(knob, wheel.outer * 0.007, black * rng.uniform(0.7, 1.5))
    rubber.add(wheel.at(1.0 - fat, ring), wheel.outer * fat, black)
    rubber.add(wheel.at(1.0 - 1.6 * fat, ring), wheel.outer * fat * 0.35, mix(black, wall, 0.85))
    depth = rng.uniform(0.018, 0.04)
    for axial in (-0.016, 0.016):
        rim.add(wheel.at(1.0 - 2.0 * fat - depth, ring, axial), wheel.outer * depth, metal)
    for strokes in (tread, rubber, rim):
        strokes.draw(raster)
    _spokes(rng, raster, wheel, 1.0 - 2.0 * fat - 2.0 * depth)
    _hub(raster, wheel, metal)
    return average_down(raster)


def _spokes(rng: np.random.Generator, raster: Raster, wheel: _Wheel, inner: float) -> None:
    """Two sides of spokes, each half pulling forwards, half backwards, with nipples at the rim."""
    count, crossing = int(rng.choice((20, 28, 32, 36))), rng.uniform(0.9, 1.35)
    steel = pick(rng, ("#c4c8cb", "#9a9ea2", "#3a3b3d"))
    radius = max(wheel.outer * rng.uniform(0.0028, 0.0042), 0.5)
    start = rng.uniform(0.0, 2 * np.pi)
    for flange in (-1.0, 1.0):
        lines, nipples = Strokes(roundness=0.9, gloss=0.9), Strokes(roundness=0.8, gloss=0.5)
        for k in range(count // 2):
            angle = start + 4 * np.pi * k / count + (0.0 if flange < 0 else 2 * np.pi / count)
            lean = crossing if k % 2 else -crossing
            ends = [wheel.at(0.062, angle + lean, 0.075 * flange), wheel.at(inner, angle, 0.0)]
            lines.add(ends, radius, steel * rng.uniform(0.9, 1.1))
            nipples.add(np.stack([ends[1], mix(ends[1], ends[0], 0.035)]), radius * 1.9, colour("#c8a860"))
            if k == 2 and flange > 0:
                plate = np.stack([mix(ends[1], ends[0], t) for t in (0.22, 0.36)])
                lines.add(plate, wheel.outer * 0.022, colour("#e07a14"))
        lines.draw(raster)
        nipples.draw(raster)


def _hub(raster: Raster, wheel: _Wheel, metal: npt.NDArray[np.float32]) -> None:
    """Two flanges, the barrel between them, the axle's end."""
    strokes = Strokes(roundness=0.9, gloss=0.6)
    ring = np.linspace(0.0, 2 * np.pi, 61)
    strokes.add(wheel.at(0.0, 0.0, np.asarray([-0.10, 0.10])), wheel.outer * 0.034, metal * 0.9)
    for axial in (-0.075, 0.075):
        strokes.add(wheel.at(0.048, ring, axial), wheel.outer * 0.019, metal * 0.95)
    strokes.add(wheel.at(0.0, 0.0, np.asarray([0.10, 0.14])), wheel.outer * 0.017, colour("#55585b"))
    strokes.draw(raster)
