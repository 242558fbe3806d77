"""Printed pictures as materials: landscapes, pebbles, skylines and flowers drawn by arithmetic.

A picture fills the bounding box of the flat mesh that carries it (generated coordinates).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts.materials import Shader
from bokehbench.blender.scripts.scenes.surfaces import Colour, times

PALETTES: tuple[tuple[Colour, Colour, Colour, Colour], ...] = (
    # sky, horizon, far, near
    ((0.10, 0.30, 0.62), (0.85, 0.72, 0.52), (0.20, 0.30, 0.42), (0.03, 0.09, 0.10)),
    ((0.55, 0.16, 0.10), (0.95, 0.62, 0.22), (0.42, 0.12, 0.14), (0.07, 0.02, 0.05)),
    ((0.30, 0.60, 0.58), (0.86, 0.88, 0.70), (0.22, 0.46, 0.34), (0.03, 0.13, 0.07)),
    ((0.16, 0.10, 0.36), (0.80, 0.42, 0.50), (0.26, 0.14, 0.38), (0.03, 0.02, 0.09)),
    ((0.78, 0.70, 0.50), (0.92, 0.88, 0.76), (0.55, 0.36, 0.16), (0.20, 0.09, 0.03)),
    ((0.05, 0.20, 0.30), (0.30, 0.62, 0.62), (0.04, 0.24, 0.30), (0.01, 0.05, 0.08)),
)
KINDS = ("ridges", "skyline", "pebbles", "flower")


def picture(name: str, rng: np.random.Generator, *, kind: str | None = None, halftone: float = 0.0) -> Any:
    """A picture's material.

    Args:
        name: of the material.
        rng: draws kind, palette and composition.
        kind: one of KINDS; drawn where it is None.
        halftone: pitch of black dots in metres on newsprint; 0 prints in colour.
    """
    shader = Shader(name)
    split = shader.node("SeparateXYZ", {0: shader.coordinates(space="Generated")})
    u, v = split.outputs["X"], split.outputs["Y"]
    draw = {"ridges": _ridges, "skyline": _skyline, "pebbles": _pebbles, "flower": _flower}
    chosen = kind or KINDS[int(rng.integers(len(KINDS)))]
    palette = PALETTES[int(rng.integers(len(PALETTES)))]
    colour = draw[chosen](shader, rng, u, v, palette)
    if halftone:
        return shader.done(shader.principled(_dots(shader, colour, halftone), 0.8))
    return shader.done(shader.principled(colour, 0.36, Specular_IOR_Level=0.4))


def _line(shader: Shader, u: Any, frequency: float, seed: float, detail: float = 4.0) -> Any:
    """A wavy line over u, around 0."""
    at = shader.math("MULTIPLY_ADD", u, frequency)
    at.node.inputs[2].default_value = seed
    inputs = {"W": at, "Scale": 1.0, "Detail": detail}
    wave = shader.node("TexNoise", inputs, noise_dimensions="1D").outputs["Fac"]
    return shader.math("SUBTRACT", wave, 0.5)


def _radius(shader: Shader, u: Any, v: Any, centre: tuple[float, float], stretch: float) -> Any:
    x = shader.math("SUBTRACT", u, centre[0])
    y = shader.math("MULTIPLY", shader.math("SUBTRACT", v, centre[1]), stretch)
    squares = shader.math("ADD", shader.math("MULTIPLY", x, x), shader.math("MULTIPLY", y, y))
    return shader.math("SQRT", squares)


def _ridges(shader: Shader, rng: np.random.Generator, u: Any, v: Any, palette: Any) -> Any:
    """A low sun over four ridges."""
    sky, horizon, far, near = palette
    colour = shader.ramp(v, [(0.35, horizon), (1.0, sky)])
    centre = (float(rng.uniform(0.25, 0.75)), float(rng.uniform(0.55, 0.75)))
    disc = shader.math("LESS_THAN", _radius(shader, u, v, centre, 1.25), float(rng.uniform(0.07, 0.15)))
    colour = shader.mix(disc, colour, (0.95, 0.90, 0.72))
    texture = shader.noise(40.0, 6.0, shader.coordinates((1.0, 1.0, 1.0), "Generated"))
    for index, share in enumerate((0.0, 0.33, 0.66, 1.0)):
        line = _line(shader, u, 3.0 + 2.5 * index, float(rng.uniform(0, 90)))
        top = shader.math("MULTIPLY_ADD", line, 0.45 - 0.08 * index)
        top.node.inputs[2].default_value = 0.52 - 0.14 * index
        tone: Colour = tuple(float(a + (b - a) * share) for a, b in zip(far, near, strict=True))  # type: ignore[assignment]
        shaded = shader.mix(texture, times(tone, 0.6), times(tone, 1.5))
        colour = shader.mix(shader.math("LESS_THAN", v, top), colour, shaded)
    return colour


def _skyline(shader: Shader, rng: np.random.Generator, u: Any, v: Any, palette: Any) -> Any:
    """Two rows of towers with lit windows."""
    sky, horizon, far, near = palette
    colour = shader.ramp(v, [(0.2, horizon), (1.0, sky)])
    for tone, columns, low, high in ((far, 17.0, 0.3, 0.5), (near, 11.0, 0.12, 0.45)):
        column = shader.math("MULTIPLY_ADD", u, columns)
        column.node.inputs[2].default_value = float(rng.uniform(0, 50))
        which = {"W": shader.math("FLOOR", column)}
        drawn = shader.node("TexWhiteNoise", which, noise_dimensions="1D").outputs["Value"]
        top = shader.math("MULTIPLY_ADD", drawn, high)
        top.node.inputs[2].default_value = low
        across = shader.math("FRACT", shader.math("MULTIPLY", column, 4.0))
        up = shader.math("FRACT", shader.math("MULTIPLY", v, 34.0))
        pane = shader.math(
            "MULTIPLY", shader.math("GREATER_THAN", across, 0.5), shader.math("GREATER_THAN", up, 0.45)
        )
        lit = shader.math("MULTIPLY", pane, shader.math("GREATER_THAN", shader.noise(30.0, 2.0), 0.48))
        tower = shader.mix(lit, tone, (0.90, 0.74, 0.38))
        colour = shader.mix(shader.math("LESS_THAN", v, top), colour, tower)
    return colour


def _pebbles(shader: Shader, rng: np.random.Generator, u: Any, v: Any, palette: Any) -> Any:
    """Round stones (or fruit) seen from above."""
    _, horizon, far, near = palette
    place = {0: shader.math("ADD", u, float(rng.uniform(0, 9))), 1: shader.math("MULTIPLY", v, 1.3)}
    where = shader.node("CombineXYZ", place).outputs[0]
    inputs = {"Vector": where, "Scale": float(rng.uniform(4.0, 8.0)), "Randomness": 0.75}
    cells = shader.node("TexVoronoi", inputs)
    bright = shader.ramp(cells.outputs["Distance"], [(0.0, times(horizon, 1.05)), (0.42, far), (0.55, near)])
    return shader.mix(0.28, bright, cells.outputs["Color"])


def _flower(shader: Shader, rng: np.random.Generator, u: Any, v: Any, palette: Any) -> Any:
    """One large flower on a plain ground."""
    sky, horizon, far, near = palette
    centre = (float(rng.uniform(0.38, 0.62)), float(rng.uniform(0.38, 0.5)))
    radius = _radius(shader, u, v, centre, 1.3)
    x = shader.math("SUBTRACT", u, centre[0])
    y = shader.math("MULTIPLY", shader.math("SUBTRACT", v, centre[1]), 1.3)
    angle = shader.math("ARCTAN2", y, x)
    colour = shader.mix(shader.ramp(v, [(0.0, (0, 0, 0)), (1.0, (1, 1, 1))]), near, sky)
    for petals, reach, tone in ((9, 0.42, far), (7, 0.33, horizon), (5, 0.2, times(horizon, 0.6))):
        turn = shader.math("MULTIPLY_ADD", angle, petals / 2)
        turn.node.inputs[2].default_value = float(rng.uniform(0, 2 * math.pi))
        lobe = shader.math("ABSOLUTE", shader.math("COSINE", turn))
        edge = shader.math("MULTIPLY_ADD", shader.math("POWER", lobe, 0.5), 0.7 * reach)
        edge.node.inputs[2].default_value = 0.3 * reach
        shade = shader.math("DIVIDE", radius, edge)
        petal = shader.ramp(shade, [(0.1, times(tone, 0.4)), (0.8, tone), (1.0, times(tone, 1.1))])
        colour = shader.mix(shader.math("LESS_THAN", radius, edge), colour, petal)
    return colour


def _dots(shader: Shader, colour: Any, pitch: float) -> Any:
    """Black dots on newsprint, larger where the picture is darker."""
    tone = shader.node("RGBToBW", {0: colour}).outputs[0]
    level = shader.math("POWER", shader.math("MULTIPLY", tone, 1.15), 0.75)
    split = shader.node("SeparateXYZ", {0: shader.coordinates()})
    scale = math.pi / (pitch * math.sqrt(0.5))
    screens = []
    for operation in ("ADD", "SUBTRACT"):
        diagonal = shader.math(operation, split.outputs["X"], split.outputs["Y"])
        screens.append(shader.math("SINE", shader.math("MULTIPLY", diagonal, scale / math.sqrt(2.0))))
    screen = shader.math("MULTIPLY_ADD", shader.math("MULTIPLY", *screens), 0.5)
    screen.node.inputs[2].default_value = 0.5
    inked = shader.math("GREATER_THAN", screen, level)
    return shader.mix(inked, (0.60, 0.575, 0.51), (0.022, 0.021, 0.022))
