"""A child's room: boards and rug, wainscot and wallpaper, a window with curtains, the garden outside.

x points right, y into the room, z up; the back wall stands at y = WALL. `side` is -1 with the window on the
left, 1 on the right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Shape
from bokehbench.blender.scripts.scenes import plants
from bokehbench.blender.scripts.scenes.playthings import Colour, paint

WALL = 4.6
SILL, LINTEL = 0.56, 2.05
WINDOW = (0.50, 1.72)
"""Inner and outer edge of the window, distance from the middle of the wall."""


def shell(rng: np.random.Generator, side: float, wall: Colour) -> None:
    """Floor, back wall with an opening, wainscot, skirting."""
    _floor(float(rng.uniform(0.0, 40.0)))
    shader = materials.Shader("wallpaper")
    place = shader.coordinates((1.0, 1.0, 1.0))
    x = shader.node("SeparateXYZ", {0: place}).outputs["X"]
    stripe = shader.math("GREATER_THAN", shader.math("SINE", shader.math("MULTIPLY", x, 42.0)), 0.35)
    paper = shader.mix(stripe, wall, tuple(0.86 * c + 0.05 for c in wall))
    fibre = shader.noise(45.0, 4.0)
    shade = shader.mix(shader.noise(1.3, 4.0), (0.86, 0.86, 0.86), (1.0, 1.0, 1.0))
    tinted = shader.node("Mix", data_type="RGBA", blend_type="MULTIPLY")
    sockets = [socket for socket in tinted.inputs if socket.enabled]
    sockets[0].default_value = 1.0
    shader.tree.links.new(paper, sockets[1])
    shader.tree.links.new(shade, sockets[2])
    colour = next(socket for socket in tinted.outputs if socket.enabled)
    papered = shader.done(shader.principled(colour, 0.85, Normal=shader.bump(fibre, 0.25, 0.004)))
    near, far = sorted((side * WINDOW[0], side * WINDOW[1]))
    back = WALL + 0.18
    pieces = [((-3.4, WALL, 0.0), (near, back, 2.7)), ((far, WALL, 0.0), (3.4, back, 2.7))]
    pieces += [((near, WALL, 0.0), (far, back, SILL)), ((near, WALL, LINTEL), (far, back, 2.7))]
    meshes.add("wall", [meshes.box(*piece) for piece in pieces], papered)
    meshes.add("side wall", _side_wall(side), papered)
    white = paint("white paint", (0.62, 0.60, 0.56), 0.35)
    lefts = np.arange(-3.4, 3.4, 0.092)
    boards = [meshes.box((left, WALL - 0.014, 0.0), (left + 0.085, WALL, 0.50)) for left in lefts]
    trim = [
        meshes.box((-3.4, WALL - 0.034, 0.50), (3.4, WALL, 0.535)),
        meshes.box((-3.4, WALL - 0.03, 0.0), (3.4, WALL, 0.10)),
    ]
    meshes.add("wainscot", [*boards, *trim], white)


def _side_wall(side: float) -> list[Shape]:
    """Outside the picture: a wall whose window lets the sun in."""
    x, (y0, y1), (z0, z1) = side * 2.4, (2.55, 4.40), (0.45, 2.45)
    low, high = min(x, x + 0.02 * side), max(x, x + 0.02 * side)
    pieces = [(0.4, y0, 0.0, 2.9), (y1, WALL, 0.0, 2.9), (y0, y1, 0.0, z0), (y0, y1, z1, 2.9)]
    pieces += [(y - 0.02, y + 0.02, z0, z1) for y in (3.16, 3.78)] + [(y0, y1, 1.43, 1.47)]
    return [meshes.box((low, a, b), (high, c, d)) for a, c, b, d in pieces]


def _floor(shift: float) -> None:
    shader = materials.Shader("floor boards")
    raw = shader.node("TexCoord").outputs["Object"]
    place = shader.node("Mapping", {"Vector": raw, "Location": (shift, 0.3, 0.0)}).outputs["Vector"]
    look = {"Color1": (0.35, 0.35, 0.35), "Color2": (0.75, 0.75, 0.75), "Mortar": (0.05, 0.05, 0.05)}
    size = {"Scale": 1.0, "Mortar Size": 0.0022, "Brick Width": 1.4, "Row Height": 0.13, "Bias": 0.0}
    boards = shader.node("TexBrick", {"Vector": place, **look, **size})
    stretched = shader.node("Mapping", {"Vector": raw, "Scale": (1.6, 22.0, 1.0)}).outputs["Vector"]
    tone = shader.node("SeparateXYZ", {0: boards.outputs["Color"]}).outputs["X"]
    grain = shader.noise(2.4, 7.0, stretched, 0.62)
    both = shader.math("ADD", shader.math("MULTIPLY", tone, 0.55), shader.math("MULTIPLY", grain, 0.6))
    oak = shader.ramp(
        both, [(0.30, (0.050, 0.026, 0.012)), (0.55, (0.22, 0.12, 0.055)), (0.85, (0.40, 0.25, 0.125))]
    )
    worn = shader.math("ADD", 0.26, shader.math("MULTIPLY", shader.noise(3.1, 5.0), 0.26))
    joints = shader.bump(boards.outputs["Fac"], -0.4, 0.003)
    floor = shader.done(shader.principled(oak, worn, Normal=joints))
    meshes.add("floor", meshes.quad((-4, -1, 0), (8, 0, 0), (0, WALL + 1.2, 0)), floor)


def rug(
    rng: np.random.Generator, centre: tuple[float, float], radius: float, colours: Sequence[Colour]
) -> None:
    """A round braided rug: rings of plait in changing colours."""
    rings: list[list[Shape]] = [[] for _ in colours]
    kind = 0
    for number, out in enumerate(np.arange(0.03, radius, 0.024)):
        if number % 4 == 0:
            kind = int(rng.integers(len(colours)))
        count = max(24, int(out * 210))
        turn = np.linspace(0.0, 2.0 * math.pi, count + 1)
        wobble = out + 0.0035 * np.sin(turn * rng.integers(5, 9) + rng.uniform(0, 6))
        plait = 0.0012 * np.sin(turn * round(out * 160))
        line = np.stack([wobble * np.cos(turn), wobble * np.sin(turn), 0.010 + plait], axis=1)
        rings[kind].append(meshes.tube(line, 0.0125 + 0.0008 * np.cos(turn * round(out * 160)), 6))
    for index, (colour, shapes) in enumerate(zip(colours, rings, strict=True)):
        if shapes:
            shader = materials.Shader(f"braid {index}")
            strands = shader.noise(90.0, 3.0)
            tint = shader.mix(strands, tuple(0.55 * c for c in colour), tuple(1.3 * c for c in colour))
            braid = shader.done(shader.principled(tint, 0.95, Normal=shader.bump(strands, 0.7, 0.006)))
            meshes.add(f"rug {index}", meshes.join(shapes).moved((*centre, 0.0)), braid, smooth=True)


def window(rng: np.random.Generator, side: float, cloth: Colour) -> None:
    """Frame and glazing bars, sill, two curtains on a rod, and the garden outside."""
    near, far = sorted((side * WINDOW[0], side * WINDOW[1]))
    middle, white = (near + far) / 2, paint("window paint", (0.70, 0.69, 0.66), 0.3)
    y = WALL + 0.09
    bars = [
        meshes.box((x - w, y - 0.02, SILL), (x + w, y + 0.03, LINTEL))
        for x, w in (
            (near + 0.025, 0.025),
            (far - 0.025, 0.025),
            (middle, 0.022),
            ((near + middle) / 2, 0.010),
            ((far + middle) / 2, 0.010),
        )
    ]
    bars += [
        meshes.box((near, y - 0.015, z - w), (far, y + 0.02, z + w))
        for z, w in (
            (SILL + 0.025, 0.025),
            (LINTEL - 0.025, 0.025),
            (SILL + 0.40, 0.010),
            (SILL + 0.80, 0.010),
            (SILL + 1.18, 0.010),
        )
    ]
    board = [meshes.box((near - 0.08, WALL - 0.16, SILL - 0.03), (far + 0.08, WALL + 0.08, SILL))]
    frame = [
        meshes.box((near - 0.08, WALL - 0.022, SILL), (near, WALL, LINTEL)),
        meshes.box((far, WALL - 0.022, SILL), (far + 0.08, WALL, LINTEL)),
    ]
    meshes.add("window", [*bars, *board, *frame], white)
    shader = materials.Shader("curtain")
    weave = shader.noise(130.0, 3.0, shader.coordinates((1.0, 1.0, 0.3)))
    tint = shader.mix(weave, tuple(0.75 * c for c in cloth), tuple(min(0.95, 1.15 * c) for c in cloth))
    top = shader.principled(tint, 0.9, Normal=shader.bump(weave, 0.3, 0.002))
    through = shader.node("BsdfTranslucent", {"Color": tint}).outputs[0]
    sheer = shader.done(shader.node("MixShader", {0: 0.45, 1: top, 2: through}).outputs[0])
    sheets = []
    for left, right in ((near - 0.16, near + 0.20), (far - 0.20, far + 0.16)):
        u, v = np.meshgrid(np.linspace(0.0, 1.0, 90), np.linspace(0.0, 1.0, 24))
        folds = np.sin(u * 34.0 + 0.8 * np.sin(4.0 * v) + rng.uniform(0, 6)) + 0.5 * np.sin(
            u * 21.0 + rng.uniform(0, 6) + v
        )
        x = left + (right - left) * (u + 0.03 * np.sin(3.0 * v + 9.0 * u))
        sheets.append(
            meshes.grid(x, WALL - 0.09 + 0.022 * folds * (0.6 + 0.4 * v), LINTEL + 0.1 - v * (LINTEL - 0.2))
        )
    meshes.add("curtains", sheets, sheer, smooth=True)
    _garden(rng, middle)


def _garden(rng: np.random.Generator, middle: float) -> None:
    """What the window shows: bright sky, a hedge, a bough."""
    shader = materials.Shader("garden")
    up = shader.node("SeparateXYZ", {0: shader.node("TexCoord").outputs["Object"]}).outputs["Z"]
    line = shader.math("ADD", up, shader.math("MULTIPLY", shader.noise(1.1, 6.0), 1.6))
    stops = [
        (0.22, (0.13, 0.22, 0.05)),
        (0.42, (0.42, 0.55, 0.18)),
        (0.60, (1.0, 1.06, 0.92)),
        (1.0, (0.88, 1.05, 1.25)),
    ]
    light = shader.ramp(shader.math("MULTIPLY", line, 0.33), stops)
    glow = shader.done(shader.node("Emission", {"Color": light, "Strength": 0.8}).outputs[0])
    glow.cycles.emission_sampling = "NONE"
    sheet = meshes.quad((middle - 5.0, 12.0, -1.5), (10.0, 0.0, 0.0), (0.0, 0.0, 6.0))
    materials.seen_only(meshes.add("garden", sheet, glow))
    habit = plants.Habit(levels=2, leaves=6, sides=7, bare=0.2)
    grown = plants.tree(rng, (middle + rng.uniform(-0.5, 0.5), 7.6, -0.9), 2.6, 0.06, (0.05, 0.0), habit)
    shader = materials.Shader("garden leaf")
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    green = shader.mix(island, (0.05, 0.13, 0.02), (0.16, 0.24, 0.04))
    bright = shader.mix(island, (0.22, 0.45, 0.05), (0.55, 0.62, 0.12))
    through = shader.node("BsdfTranslucent", {"Color": bright}).outputs[0]
    leaf = shader.done(
        shader.node("MixShader", {0: 0.5, 1: shader.principled(green, 0.5), 2: through}).outputs[0]
    )
    leaves = [grown.leaves(rng, plants.leaf(2, 4), (0.06, 0.11))]
    for part, material in ((leaves, leaf), (grown.wood, materials.plain("garden bark", (0.09, 0.07, 0.05)))):
        thing = meshes.add("garden tree", part, material, smooth=True)
        thing.visible_shadow = False  # the sun in the room is not to depend on it
