"""A newsagent's sloping table in morning sun: newspapers, letters, books; behind it racks, a shop, a street.

x points right, y into the picture, z up; metres. The table rises away from the camera (`Slope`), so that its
print runs through every focal plane.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.scenes import letters, pictures, printing, shopfront, stationery, surfaces
from bokehbench.rng import stream

FOCAL_MM, SENSOR_MM = 40.0, 36.0
EYE = 1.29
TILT = math.radians(9.0)
NEAR_EDGE = (0.0, 1.02, 0.856)
"""Middle of the table's front edge."""
LENGTH, HALF_WIDTH = 2.5, 1.0
CLOTHS = (
    ((0.42, 0.37, 0.28), (0.09, 0.14, 0.26)),
    ((0.44, 0.40, 0.33), (0.36, 0.06, 0.05)),
    ((0.40, 0.38, 0.32), (0.07, 0.19, 0.12)),
)
PENCILS = ((0.62, 0.35, 0.02), (0.42, 0.02, 0.02), (0.02, 0.08, 0.26), (0.02, 0.16, 0.06))
GLAZES = ((0.62, 0.58, 0.50), (0.10, 0.22, 0.30), (0.45, 0.14, 0.08))
COVERS = (
    (0.24, 0.035, 0.03),
    (0.03, 0.085, 0.15),
    (0.05, 0.12, 0.065),
    (0.20, 0.12, 0.03),
    (0.12, 0.035, 0.10),
)


class Slope:
    """The table's top as a frame of its own: across, along (upwards), above.

    Args:
        hand: −1 lays everything out mirrored.
    """

    def __init__(self, hand: float = 1.0) -> None:
        self.hand = hand

    def put(
        self,
        things: Sequence[Any],
        place: tuple[float, float, float],
        turn: float = 0.0,
        lean: float = 0.0,
    ) -> list[Any]:
        """Lay things at (x, distance from the front edge, height above the top), turned, leaning back."""
        from mathutils import Matrix

        own = Matrix.Rotation(self.hand * turn, 4, "Z") @ Matrix.Rotation(lean, 4, "X")
        return self._at(things, place, own)

    def stand(
        self, things: Sequence[Any], foot: tuple[float, float, float], around: float, lean: float
    ) -> None:
        """Stand things made along +x on the table, their far end up, leaning outwards."""
        from mathutils import Matrix

        own = Matrix.Rotation(around, 4, "Z") @ Matrix.Rotation(-math.pi / 2 + lean, 4, "Y")
        self._at(things, foot, own)

    def _at(self, things: Sequence[Any], place: tuple[float, float, float], own: Any) -> list[Any]:
        from mathutils import Matrix

        table = Matrix.Translation(NEAR_EDGE) @ Matrix.Rotation(TILT, 4, "X")
        x, along, height = place
        for thing in things:
            thing.matrix_world = table @ Matrix.Translation((self.hand * x, along, height)) @ own
        return list(things)


def again(things: Sequence[Any]) -> list[Any]:
    """Further instances of objects, sharing their meshes."""
    copies = [thing.copy() for thing in things]
    for copy in copies:
        bpy.context.scene.collection.objects.link(copy)
    return copies


def build(seed: int) -> dict[str, Any]:
    """Make the scene; the seed writes every text and moves, colours and chooses everything."""

    def random(name: str, index: int = 0) -> np.random.Generator:
        return stream(seed, index, f"newsstand/{name}")

    drift = random("camera").normal(0.0, 1.0, 3) if seed else np.zeros(3)
    eye = (0.03 * float(drift[0]), 0.0, EYE + 0.012 * float(np.clip(drift[1], -1, 1)))
    aim = (0.25 * float(np.clip(drift[2], -1.5, 1.5)), 10.0, EYE - 10.0 * math.tan(math.radians(4.4)))
    scene = meshes.start_scene(FOCAL_MM, SENSOR_MM, eye, aim)
    _render_settings(scene)
    _light(scene, random("light"))
    look = stationery.looks()
    _table(random("table"), look)
    hand = -1.0 if seed and random("hand").random() < 0.5 else 1.0
    stand = _Stand(random, look, hand)
    stand.front()
    stand.middle()
    stand.back()
    shopfront.build(random("street"), stand.covers, hand)
    return {"name": "newsstand", "variation": seed, "newspapers": stand.titles}


def _render_settings(scene: Any) -> None:
    cycles = scene.cycles
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 6, 2, 2
    cycles.transmission_bounces, cycles.transparent_max_bounces = 6, 6
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    cycles.use_light_tree = False


def _light(scene: Any, rng: np.random.Generator) -> None:
    """A low sun over the customer's left shoulder, or from the shop's side of the street."""
    sky = [(0.0, (0.95, 0.86, 0.72)), (0.15, (0.70, 0.78, 0.92)), (0.5, (0.36, 0.52, 0.86))]
    materials.world_gradient(scene, [*sky, (1.0, (0.20, 0.36, 0.76))], 0.42, clouds=0.15)
    side = -1.0 if rng.random() < 0.6 else 1.0
    towards = (
        -side * float(rng.uniform(0.7, 0.9)),
        float(rng.uniform(0.25, 0.45)),
        -float(rng.uniform(0.42, 0.58)),
    )
    materials.sun(towards, (1.0, 0.80, 0.56), 7.5, 0.7)


def _table(rng: np.random.Generator, look: dict[str, Any]) -> None:
    """Boards with a woven runner on them."""
    slope = Slope()
    boards, gap, y = [], 0.004, -0.06
    while y < LENGTH:
        wide = float(rng.uniform(0.11, 0.16))
        drop = float(rng.uniform(0.0, 0.002))
        boards.append(meshes.box((-HALF_WIDTH, y, -0.028 - drop), (HALF_WIDTH, y + wide - gap, -drop)))
        y += wide
    oak = surfaces.wood("table", (0.20, 0.115, 0.055), along="X", worn=0.45, roughness=0.5)
    slope.put([meshes.add("table top", boards, oak)], (0, 0, 0))
    frame = [meshes.box((s * 0.97 - 0.03, 0.0, -0.12), (s * 0.97 + 0.03, LENGTH, -0.03)) for s in (-1, 1)]
    frame.append(meshes.box((-HALF_WIDTH, LENGTH - 0.02, -0.10), (HALF_WIDTH, LENGTH + 0.01, 0.05)))
    slope.put([meshes.add("table frame", frame, oak)], (0, 0, 0))
    legs = [
        meshes.box((s * 0.9 - 0.04, y, 0.0), (s * 0.9 + 0.04, y + 0.07, z))
        for s in (-1, 1)
        for y, z in ((1.2, 0.85), (3.2, 1.15))
    ]
    meshes.add("table legs", legs, oak)
    cloth, stripe = CLOTHS[int(rng.integers(len(CLOTHS)))]
    x = np.linspace(-0.58, 0.58, 60)
    s = np.linspace(-0.10, LENGTH - 0.25, 140)
    x, s = np.meshgrid(x, s)
    z = (
        0.0016
        + 0.0012 * (np.sin(9 * x + 5 * s) + np.sin(17 * s - 6 * x))
        + 0.004 * np.exp(-(((s - 0.8 - 0.2 * x) / 0.015) ** 2))
    )
    runner = meshes.add(
        "runner", meshes.grid(x, s, z + 0.0025), surfaces.linen("linen", cloth, stripe), smooth=True
    )
    slope.put([runner], (0.0, 0.0, 0.0))


class _Stand:
    """Everything for sale."""

    def __init__(self, random: Any, look: dict[str, Any], hand: float) -> None:
        self.random, self.look, self.slope = random, look, Slope(hand)
        rng = random("press")
        self.titles = [str(t) for t in rng.permutation(printing.TITLES)[:3]]
        self.papers = [
            printing.front_page(
                random("newspaper", i),
                title,
                look,
                pictures.picture(f"photograph {i}", random("photograph", i), halftone=0.0017),
            )
            for i, title in enumerate(self.titles)
        ]
        names = [str(t) for t in rng.permutation(printing.MAGAZINES)[:8]]
        kinds = [pictures.KINDS[i % 4] for i in rng.permutation(8)]
        self.covers = []
        for i, (title, kind) in enumerate(zip(names, kinds, strict=True)):
            image = pictures.picture(f"cover {i}", random("cover picture", i), kind=kind)
            sheet = printing.cover(random("cover", i), title, look, image)
            body = meshes.box((-0.105, -0.14, -0.004), (0.105, 0.14, -0.0004))
            things = [*sheet.make(f"magazine {i}", None, (2, 2)), meshes.add("magazine", body, look["edges"])]
            # The pattern of all copies, out of sight.
            self.covers.append(self.slope.put(things, (0.0, 0.0, -5.0)))
        self.cloths = [surfaces.plain(f"book cloth {i}", c, 0.75) for i, c in enumerate(COVERS)]

    def front(self) -> None:
        """Where the reader's hands would be: a newspaper, a magnifier, magazines, letters, pencils, cards."""
        rng, look, put = self.random("front"), self.look, self.slope.put

        def jitter(spread: float) -> float:
            return float(rng.normal(0.0, spread))

        x, turn = -0.13 + jitter(0.02), math.radians(-5.0) + jitter(0.04)
        paper = self.papers[0].enlarged(1.36)
        loose = paper.make("newspaper", stationery.waved(rng, (0.28, 0.21)), (40, 30))
        put(loose, (x, 0.44, 0.007), turn)
        under = printing.Sheet(paper.width, paper.height, look["newsprint"])
        put(under.make("sheet below", None, (2, 2)), (x - 0.02, 0.465, 0.0052), turn + 0.06 + jitter(0.02))
        glass = (x + 0.10 + jitter(0.03), 0.37 + jitter(0.02), 0.021)
        put(stationery.magnifier(look), glass, -0.55 + jitter(0.2))
        for index in range(int(rng.integers(3, 6))):
            which = again(self.covers[(index + 1) % len(self.covers)])
            spot = (0.36 + 0.075 * index, 0.36 + 0.035 * index, 0.010 + 0.0048 * index)
            put(which, spot, 0.20 - 0.16 * index + jitter(0.04))
        stamps = [pictures.picture(f"stamp {i}", self.random("stamp", i)) for i in range(3)]
        for index in range(5):
            things = letters.letter(rng, look, stamps[index % 3])
            place = (-0.52 + 0.05 * index - 0.02 * (index % 2), 0.71 + 0.03 * index, 0.006 + 0.0034 * index)
            put(things, (place[0] + jitter(0.012), place[1], place[2]), 0.25 - 0.1 * index + jitter(0.10))
        for index in range(5):
            card = printing.Sheet(0.148, 0.10, look["white"])
            image = pictures.picture(f"card {index}", self.random("card", index))
            card.mark(printing.patch((0.006, -0.094), (0.142, -0.006), (4, 4)), image)
            spot = (0.24 + 0.030 * index, 0.70 + 0.022 * index, 0.009 + 0.0012 * index)
            put(card.make("postcard", None, (2, 2)), spot, 0.45 - 0.17 * index + jitter(0.05))
        for index in range(4):
            spot = (0.06 + 0.035 * index + jitter(0.012), 0.73 + jitter(0.025), 0.0085)
            put(letters.loose_stamp(look, stamps[index % 3]), spot, jitter(0.6))
        for index, radius in enumerate((0.013, 0.0115, 0.013, 0.010, 0.0115)):
            spot = (
                0.18 + 0.026 * (index % 3) + jitter(0.012),
                0.24 + 0.034 * (index // 3) + jitter(0.008),
                0.0085,
            )
            put(stationery.coin(look, radius), spot)
        self._pencils(rng, x, (0.60 + jitter(0.02), 0.80, 0.006))

    def _pencils(self, rng: np.random.Generator, x: float, spot: tuple[float, float, float]) -> None:
        """A tin of pencils at `spot`, others left lying about."""
        look, put = self.look, self.slope.put
        colours = [surfaces.plain(f"pencil {i}", c, 0.35) for i, c in enumerate(PENCILS)]
        put(stationery.pencil(colours[0], look), (x - 0.21, 0.335, 0.024), 0.9 + float(rng.normal(0, 0.2)))
        put(stationery.pencil(colours[1], look, 0.13), (0.14, 0.62, 0.008), 2.3 + float(rng.normal(0, 0.2)))
        band = look["red" if rng.random() < 0.5 else "blue"]
        put(stationery.tin(rng, band, look["white"], look), spot, float(rng.normal(0, 0.15)))
        for index in range(9):
            around, out = 2.4 * index, 0.012 + 0.015 * float(rng.random())
            foot = (
                spot[0] + self.slope.hand * out * math.cos(around),
                spot[1] + out * math.sin(around),
                spot[2] + 0.004,
            )
            things = stationery.pencil(colours[index % 4], look, 0.15 + 0.03 * float(rng.random()))
            self.slope.stand(things, foot, around, 0.10 + 0.05 * float(rng.random()))

    def middle(self) -> None:
        """Stacks of newspapers, an open book, a cup, books."""
        rng, look, put = self.random("middle"), self.look, self.slope.put
        spots = ((-0.40, 1.22, 13), (0.08, 1.16, 6), (-0.18, 1.66, 11), (0.64, 1.70, 16))
        tops = {which: stationery.stack_top(self.papers[which]) for which in (1, 2)}
        for index, (x, s, count) in enumerate(spots):
            which = 1 + index % 2
            turn = float(rng.normal(0.0, 0.05))
            number = count + int(rng.integers(-2, 3))
            put(stationery.stack(rng, self.papers[which], number, look), (x, s, 0.005), turn)
            top = 0.005 + number * stationery.FOLD
            put(tops[which] if index < 2 else again(tops[which]), (x, s, top - stationery.FOLD), turn)
            card = (x + float(rng.choice((-0.13, 0.13))), s + 0.10, top)
            put(stationery.price_card(rng, look), card, turn + float(rng.normal(0, 0.2)))
        pages = (printing.book_page(rng, look, 48), printing.book_page(rng, look, 49))
        put(
            stationery.open_book(pages, look, self.cloths[0]),
            (0.50, 1.16, 0.006),
            -0.10 + float(rng.normal(0, 0.08)),
        )
        clay = surfaces.glaze("cup glaze", GLAZES[int(rng.integers(len(GLAZES)))])
        spot = (-0.06 + float(rng.normal(0, 0.02)), 0.86, 0.005)
        put(stationery.cup(clay, look), spot, float(rng.uniform(-0.8, 0.2)))
        self._pile(rng, (-0.82, 1.45), 6)
        self._pile(rng, (0.24, 1.62), 4)
        self._pile(rng, (-0.66, 1.92), 8)

    def _pile(self, rng: np.random.Generator, place: tuple[float, float], count: int) -> None:
        level = 0.005
        for _ in range(count):
            size = (
                float(rng.uniform(0.17, 0.24)),
                float(rng.uniform(0.12, 0.16)),
                float(rng.uniform(0.014, 0.042)),
            )
            cloth = self.cloths[int(rng.integers(len(self.cloths)))]
            things = stationery.book(rng, size, cloth, self.look["brass"], self.look)
            self.slope.put(things, (place[0], place[1], level), float(rng.normal(0.0, 0.10)))
            level += size[2] + 0.0006

    def back(self) -> None:
        """A row of magazines that leans on the table's far edge, and a second one before it."""
        rng = self.random("back")
        ledge = meshes.box((-0.98, 2.18, 0.0), (0.98, 2.20, 0.03))
        wood = surfaces.wood("ledge", (0.16, 0.09, 0.05), worn=0.2)
        rest = meshes.quad((-0.98, 2.22, 0.0), (1.96, 0.0, 0.0), (0.0, 0.13, 0.24))
        self.slope.put([meshes.add("ledge", [ledge, rest], wood)], (0, 0, 0))
        order = rng.permutation(len(self.covers))
        x, index = -0.85, 0
        while x < 0.9:
            which = self.covers[order[index % len(order)]]
            lean = math.radians(62.0) + float(rng.normal(0, 0.03))
            height = 0.14 * math.sin(lean) + 0.006
            self.slope.put(
                again(which),
                (x, 2.205 + 0.14 * math.cos(lean) + 0.006 * (index % 2), height),
                float(rng.normal(0, 0.03)),
                lean,
            )
            x += float(rng.uniform(0.17, 0.225))
            index += 1
