"""House fronts of a night street: walls, windows lit and dark, shop fronts, awnings, neon, the skyline."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Shape

Colour = tuple[float, float, float]
WALLS: tuple[Colour, ...] = (
    (0.16, 0.075, 0.05),
    (0.20, 0.16, 0.12),
    (0.13, 0.13, 0.14),
    (0.22, 0.18, 0.15),
    (0.11, 0.085, 0.075),
)
SIGNS: tuple[tuple[str, Colour], ...] = (
    ("HOTEL", (1.0, 0.08, 0.10)),
    ("CAFE", (0.10, 0.75, 1.0)),
    ("BAR", (1.0, 0.15, 0.65)),
    ("CINEMA", (1.0, 0.45, 0.06)),
    ("BOOKS", (0.2, 1.0, 0.5)),
    ("JAZZ", (0.45, 0.30, 1.0)),
)
PAINTS: tuple[Colour, ...] = ((0.30, 0.03, 0.03), (0.03, 0.13, 0.07), (0.04, 0.06, 0.18), (0.35, 0.22, 0.05))
LIT_HOUSES = 5
"""Houses of a row, from the near end, that light the street; of the others, nothing reaches the camera."""


def times(colour: Colour, factor: float) -> Colour:
    """A colour, brighter or darker."""
    r, g, b = colour
    return (r * factor, g * factor, b * factor)


def row(rng: np.random.Generator, x: float, side: float, y: tuple[float, float]) -> None:
    """Houses wall to wall along y.

    Args:
        rng: of this side of the street.
        x: where the fronts stand.
        side: −1 for the left of the street, +1 for the right; fronts face the other way.
        y: from, to.
    """
    frames = materials.plain("window frame", (0.30, 0.28, 0.25), 0.5)
    glass = materials.plain("dark pane", (0.012, 0.016, 0.024), 0.08)
    lit = [_lit_pane(f"pane {side} {index}", rng) for index in range(5)]
    signs = list(rng.permutation(len(SIGNS)))
    start, number = y[0], 0
    while start < y[1]:
        width = float(rng.uniform(5.5, 8.5))
        house = _House(rng, x, side, start, width, number)
        house.walls()
        house.windows(frames, glass, lit)
        house.shop()
        if number < LIT_HOUSES and number % 2 == int(side > 0):
            house.neon(*SIGNS[signs[number % len(SIGNS)]])
        start, number = start + width, number + 1


def _lit_pane(name: str, rng: np.random.Generator) -> Any:
    """A lit window: warm or cool, uneven like a room behind curtains."""
    tint: Colour = (1.0, float(rng.uniform(0.5, 0.75)), float(rng.uniform(0.2, 0.45)))
    if rng.random() < 0.2:
        tint = (0.6, 0.78, 1.0)
    shader = materials.Shader(name)
    folds = shader.noise(3.0, 2.0, shader.coordinates((1.0, 2.0, 0.35)))
    colour = shader.ramp(folds, [(0.35, times(tint, 0.25)), (0.65, tint)])
    return _glowing(shader, colour, float(rng.uniform(0.5, 1.4)))


def _glowing(shader: materials.Shader, colour: Any, strength: float) -> Any:
    material = shader.done(shader.node("Emission", {"Color": colour, "Strength": strength}).outputs[0])
    material.cycles.emission_sampling = "NONE"
    return material


def _on_front(shader: materials.Shader) -> Any:
    """Texture coordinates on a front: along the street, up."""
    split = shader.node("SeparateXYZ", {0: shader.coordinates()})
    return shader.node("CombineXYZ", {0: split.outputs["Y"], 1: split.outputs["Z"]}).outputs[0]


class _House:
    """One front: its place along the street and its numbers."""

    def __init__(
        self, rng: np.random.Generator, x: float, side: float, start: float, width: float, number: int
    ) -> None:
        self.rng, self.x, self.side, self.start, self.width, self.number = rng, x, side, start, width, number
        self.floors = int(rng.integers(3, 5))
        self.height = 3.7 + 3.0 * self.floors
        self.name = f"house {'L' if side < 0 else 'R'}{number}"

    def slab(self, y: tuple[float, float], z: tuple[float, float], out: tuple[float, float]) -> Shape:
        """A box on the front: along the street, up, and how far it stands out (from, to)."""
        xs = sorted(self.x - self.side * o for o in out)
        return meshes.box((xs[0], y[0], z[0]), (xs[1], y[1], z[1]))

    def walls(self) -> None:
        """Brick or plaster, with a cornice, a band above the shop and a pilaster."""
        colour = WALLS[int(self.rng.integers(len(WALLS)))]
        shader = materials.Shader(f"{self.name} wall")
        if self.rng.random() < 0.6:
            look = {"Color1": colour, "Color2": times(colour, 1.25), "Mortar": times(colour, 0.55)}
            size = {"Scale": 4.0, "Mortar Size": 0.02}
            clean = shader.node("TexBrick", {"Vector": _on_front(shader), **look, **size}).outputs["Color"]
        else:
            clean = shader.mix(shader.noise(9.0, 4.0), colour, times(colour, 1.15))
        stained = shader.mix(shader.noise(0.7, 5.0), times(colour, 0.35), clean)
        rough = shader.bump(shader.noise(25.0), 0.15)
        material = shader.done(shader.principled(stained, 0.75, Normal=rough))
        whole, top = (self.start, self.start + self.width), self.height
        parts = [
            self.slab(whole, (0.0, top), (-6.0, 0.0)),
            self.slab(whole, (top - 0.35, top), (0.0, 0.28)),
            self.slab(whole, (3.45, 3.65), (0.0, 0.14)),
            self.slab((self.start, self.start + 0.25), (0.0, top), (0.0, 0.06)),
        ]
        meshes.add(self.name, parts, material)

    def windows(self, frames: Any, glass: Any, lit: list[Any]) -> None:
        """Upper floors; about half of the windows are lit."""
        columns = max(2, round(self.width / 1.9))
        pitch = self.width / columns
        trim: list[Shape] = []
        panes: dict[int, list[Shape]] = {index: [] for index in range(-1, len(lit))}
        for floor in range(self.floors):
            for column in range(columns):
                middle, z = self.start + pitch * (column + 0.5), 4.35 + 3.0 * floor
                kind = int(self.rng.integers(len(lit))) if self.rng.random() < 0.48 else -1
                panes[kind].append(self.slab((middle - 0.48, middle + 0.48), (z, z + 1.65), (0.0, 0.02)))
                trim += self._trim(middle, z)
        meshes.add(f"{self.name} frames", trim, frames)
        for kind, group in panes.items():
            if group and kind < 0:
                meshes.add(f"{self.name} dark panes", group, glass)
            elif group:
                materials.seen_only(meshes.add(f"{self.name} panes {kind}", group, lit[kind]))

    def _trim(self, middle: float, z: float) -> list[Shape]:
        y0, y1 = middle - 0.48, middle + 0.48
        return [
            self.slab((y0 - 0.1, y0), (z - 0.05, z + 1.75), (0.0, 0.09)),
            self.slab((y1, y1 + 0.1), (z - 0.05, z + 1.75), (0.0, 0.09)),
            self.slab((y0 - 0.1, y1 + 0.1), (z + 1.65, z + 1.78), (0.0, 0.12)),
            self.slab((y0 - 0.16, y1 + 0.16), (z - 0.13, z), (0.0, 0.2)),
            self.slab((middle - 0.03, middle + 0.03), (z, z + 1.65), (0.0, 0.05)),
            self.slab((y0, y1), (z + 1.08, z + 1.13), (0.0, 0.05)),
        ]

    def shop(self) -> None:
        """A lit shop window with shelves, mullions, an awning and the light it throws on the pavement."""
        y0, y1 = self.start + 0.55, self.start + self.width - 0.55
        warm = self.rng.random() < 0.75
        tint: Colour = (1.0, 0.66, 0.34) if warm else (0.70, 0.85, 1.0)
        lit = _shelves(f"{self.name} shop", tint, self.rng)
        materials.seen_only(
            meshes.add(f"{self.name} shop", self.slab((y0, y1), (0.7, 2.65), (0.0, 0.03)), lit)
        )
        paint = materials.plain(f"{self.name} joinery", times(PAINTS[self.number % len(PAINTS)], 0.6), 0.35)
        bars = [self.slab((y, y + 0.07), (0.13, 2.7), (0.0, 0.12)) for y in np.linspace(y0, y1 - 0.07, 5)]
        bars += [
            self.slab((y0 - 0.1, y1 + 0.1), (2.65, 3.3), (0.0, 0.16)),
            self.slab((y0, y1), (0.13, 0.7), (0.0, 0.1)),
            self.slab((y0, y1), (2.05, 2.11), (0.0, 0.08)),
        ]
        meshes.add(f"{self.name} joinery", bars, paint)
        if self.rng.random() < 0.7:
            self._awning(y0, y1)
        if self.number < LIT_HOUSES:
            middle = (y0 + y1) / 2
            place, towards = (self.x - self.side * 0.25, middle, 2.3), (self.x - self.side * 3.0, middle, 0.0)
            materials.panel("shop light", place, towards, (y1 - y0, 0.5), tint, 60.0 if warm else 45.0)

    def _awning(self, y0: float, y1: float) -> None:
        shader = materials.Shader(f"{self.name} awning")
        waves = shader.node("TexWave", {"Vector": shader.coordinates(), "Scale": 0.75}, bands_direction="Y")
        paint = PAINTS[int(self.rng.integers(len(PAINTS)))]
        stripes = shader.ramp(waves.outputs["Fac"], [(0.49, paint), (0.51, (0.5, 0.46, 0.4))])
        cloth = shader.done(shader.principled(stripes, 0.8))
        wall, edge = self.x - self.side * 0.14, self.x - self.side * 1.15
        slope = meshes.quad((wall, y0, 3.05), (0.0, y1 - y0, 0.0), (edge - wall, 0.0, -0.55))
        valance = meshes.quad((edge, y0, 2.5), (0.0, y1 - y0, 0.0), (0.0, 0.0, -0.2))
        meshes.add(f"{self.name} awning", [slope, valance], cloth)

    def neon(self, word: str, colour: Colour) -> None:
        """A sign that stands out over the pavement, one letter below the other, and its glow."""
        glow = materials.emission(f"{self.name} neon", colour, 4.5)
        x, y, z = self.x - self.side * 0.75, self.start + 0.9, 7.6
        low, high = z - 0.62 * len(word), z + 0.57
        board = materials.plain(f"{self.name} board", (0.02, 0.02, 0.024), 0.4)
        box = meshes.box((x - 0.36, y, low - 0.05), (x + 0.36, y + 0.14, high + 0.05))
        meshes.add(f"{self.name} board", box, board)
        corners = [(x - 0.32, low), (x - 0.32, high), (x + 0.32, high), (x + 0.32, low), (x - 0.32, low)]
        rim = np.array([(u, y - 0.03, v) for u, v in corners])
        tubes = [meshes.tube(rim[i : i + 2], 0.022, 8) for i in range(4)]
        materials.seen_only(meshes.add(f"{self.name} rim", tubes, glow))
        for index, letter in enumerate(word):
            place, upright = (x, y - 0.04, z - 0.62 * index), (math.pi / 2, 0.0, 0.0)
            materials.seen_only(
                meshes.text(f"{self.name} {letter}", letter, glow, size=0.62, place=place, turn=upright)
            )
        materials.lamp(f"{self.name} neon light", (x, y - 0.5, (low + z) / 2), colour, 45.0, 0.4)


def _shelves(name: str, tint: Colour, rng: np.random.Generator) -> Any:
    """The inside of a shop as a lit picture: goods on shelves, brighter near the lamps above."""
    shader = materials.Shader(name)
    where = _on_front(shader)
    goods = {"Color1": tint, "Color2": times(tint, 0.22), "Mortar": times(tint, 0.05)}
    size = {"Scale": 1.0, "Brick Width": 0.21, "Row Height": 0.43, "Mortar Size": 0.02, "Bias": -0.1}
    shelf = shader.node("TexBrick", {"Vector": where, **goods, **size}, offset=0.37).outputs["Color"]
    tints = shader.node("TexVoronoi", {"Vector": where, "Scale": 4.0}).outputs["Color"]
    coloured = shader.mix(0.14, shelf, tints)
    light = shader.ramp(shader.noise(1.1, 2.0), [(0.34, (0.12, 0.11, 0.10)), (0.66, (1.0, 1.0, 1.0))])
    picture = shader.node("MixRGB", {0: 1.0, 1: coloured, 2: light}, blend_type="MULTIPLY").outputs[0]
    return _glowing(shader, picture, float(rng.uniform(0.6, 1.2)))


def skyline(rng: np.random.Generator, y: float) -> None:
    """What closes the street: a church tower with a lit clock before blocks with many small windows."""
    stone = materials.plain("tower stone", (0.10, 0.085, 0.075), 0.8)
    x = 1.0
    shaft = meshes.box((x - 3.0, y, 0.0), (x + 3.0, y + 6.0, 21.0))
    ledge = meshes.box((x - 3.3, y - 0.3, 20.0), (x + 3.3, y + 6.3, 20.8))
    spire = meshes.lathe([(4.1, 20.8), (1.6, 27.0), (0.0, 36.0)], 4)
    meshes.add("tower", [shaft, ledge, spire.moved((x, y + 3.0, 0.0), meshes.rotation(z=math.pi / 4))], stone)
    face = materials.emission("clock", (1.0, 0.80, 0.45), 1.6)
    materials.seen_only(meshes.disc("clock", (x, y - 0.4, 16.5), 1.7, face, (0.0, -1.0, 0.0)))
    minutes = meshes.box((x - 0.09, y - 0.5, 16.5), (x + 0.09, y - 0.45, 17.9))
    hours = meshes.box((x, y - 0.5, 16.42), (x + 1.0, y - 0.45, 16.58))
    meshes.add("clock hands", [minutes, hours], materials.plain("hands", (0.02, 0.02, 0.02)))
    blocks: list[Shape] = []
    panes: list[Shape] = []
    for left in np.arange(-34.0, 34.0, 8.5):
        high, far = float(rng.uniform(9.0, 19.0)), y + float(rng.uniform(8.0, 16.0))
        blocks.append(meshes.box((left, far, 0.0), (left + 8.0, far + 5.0, high)))
        corners = [
            (px, pz) for px in np.arange(left + 0.8, left + 7.5, 1.5) for pz in np.arange(2, high - 1, 2.2)
        ]
        lit = rng.random(len(corners)) < 0.4
        panes += [
            meshes.quad((px, far - 0.05, pz), (0.8, 0.0, 0.0), (0.0, 0.0, 1.1))
            for (px, pz), on in zip(corners, lit, strict=True)
            if on
        ]
    meshes.add("far blocks", blocks, materials.plain("far block", (0.035, 0.04, 0.055), 0.8))
    materials.seen_only(
        meshes.add("far windows", panes, materials.emission("far windows", (1.0, 0.68, 0.36), 1.0))
    )
