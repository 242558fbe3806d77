"""Letters and loose stamps: envelopes with striped borders, addresses, perforated stamps, postmarks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import meshes
from bokehbench.blender.scripts.meshes import Shape
from bokehbench.blender.scripts.scenes import printing
from bokehbench.blender.scripts.scenes.printing import Sheet, patch, set_type

STAMP = (0.0255, 0.030)
"""Width and height of a stamp without its teeth, metres."""


def letter(rng: np.random.Generator, look: dict[str, Any], picture: Any) -> list[Any]:
    """An envelope, addressed, stamped with `picture` and postmarked; its objects."""
    sheet = Sheet(0.20, 0.105, look["white" if rng.random() < 0.5 else "cream"])
    wide, high = sheet.width, sheet.height
    if rng.random() < 0.6:
        for colour, shift in (("red", 0.0), ("blue", 0.012)):
            sheet.mark(_stripes(wide, high, shift), look[colour])
    names = [str(rng.choice(kind)).capitalize() for kind in (printing.NOUNS, printing.NOUNS)]
    town = f"{str(rng.choice(printing.ADJECTIVES)).capitalize()} {rng.choice(printing.NOUNS)}"
    address = f"{names[0]} House\n{int(rng.integers(2, 90))} {names[1]} Lane\n{town}"
    written = set_type(address, 0.012, box=(0.12, 0.06), slant=0.35, align="LEFT")
    sheet.mark(written, look["blue ink"], (0.072, -0.045))
    x, y = wide - 0.036, -0.012
    _stamp(sheet, look, picture, (x, y))
    sheet.mark(_postmark(), look["ink"], (x - 0.020, y - 0.014))
    sheet.mark(set_type(f"{int(rng.integers(1, 28))} III", 0.007), look["ink"], (x - 0.0275, y - 0.0115))
    body = meshes.box((-wide / 2, -high / 2, 0.0), (wide / 2, high / 2, 0.0025))
    things = sheet.make("letter", lambda points: np.add(points, (0.0, 0.0, 0.0026)), (2, 2))
    return [*things, meshes.add("envelope", body, sheet.stock)]


def loose_stamp(look: dict[str, Any], picture: Any) -> list[Any]:
    """A single stamp, a little enlarged, that lies flat."""
    wide, high = STAMP
    sheet = Sheet(wide, high, look["white"])
    _stamp(sheet, look, picture, (0.0, 0.0))
    return sheet.enlarged(1.5).make("loose stamp", None, (2, 2))


def _stamp(sheet: Sheet, look: dict[str, Any], picture: Any, place: tuple[float, float]) -> None:
    """Paper with teeth, and the picture within its margin."""
    wide, high = STAMP
    tooth, depth = 0.0014, 0.001
    across = [(at, at + tooth) for at in np.arange(0.0, wide, 0.0024)]
    down = [(-at - tooth, -at) for at in np.arange(0.0, high - tooth, 0.0024)]
    teeth = [patch((a, y), (b, y + depth), (1, 1)) for a, b in across for y in (-high - depth, 0.0)]
    teeth += [patch((x, a), (x + depth, b), (1, 1)) for a, b in down for x in (-depth, wide)]
    sheet.mark(meshes.join([*teeth, patch((0.0, -high), (wide, 0.0), (2, 2))]), look["white"], place)
    sheet.mark(patch((0.002, 0.002 - high), (wide - 0.002, -0.002), (2, 2)), picture, place)


def _stripes(wide: float, high: float, shift: float) -> Shape:
    """Slanted marks along the upper and lower edge."""
    corners = np.array([(0, 0, 0), (0.008, 0, 0), (0.012, 0.006, 0), (0.004, 0.006, 0)])
    slant = Shape(corners, np.array([[0, 1, 2, 3]]))
    where = np.arange(shift, wide - 0.012, 0.024)
    return meshes.join([slant.moved((float(at), y, 0.0)) for at in where for y in (-0.006, -high)])


def _postmark() -> Shape:
    """Two rings, and wavy lines to their right."""
    turn = np.linspace(0.0, 2 * math.pi, 41)
    rings = [
        meshes.grid(r[:, None] * np.cos(turn), r[:, None] * np.sin(turn), np.zeros((2, 41)))
        for r in (np.array((0.0128, 0.0136)), np.array((0.0085, 0.0089)))
    ]
    along = np.linspace(0.014, 0.055, 30)
    lines = [0.0016 * np.sin(420 * along) + shift for shift in np.linspace(-0.009, 0.009, 5)]
    waves = [
        meshes.grid(np.stack([along] * 2), np.stack([line, line + 0.0007]), np.zeros((2, 30)))
        for line in lines
    ]
    return meshes.join([*rings, *waves])
