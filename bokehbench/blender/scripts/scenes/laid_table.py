"""A long table laid for dinner: boards, cloth, places for eight, candles, a carafe, flowers.

Places on the table are (u, v): across and along it, metres, from the ground point below the camera.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes import bouquet, finishes, glassware, tableware

TOP = 0.76
"""Height of the table's top."""
HALF = 0.46
"""Half its width."""
ROWS = (1.90, 2.50, 3.10, 3.70)
"""v of the guests' places."""


@dataclass(frozen=True)
class Service:
    """What the table is laid with.

    Attributes:
        ceramic, cloth, petals: colours.
        wine: colour of the wine after one wall.
        wood: colour of the boards.
        heading: angle by which the table turns to the right, radians.
    """

    ceramic: materials.Colour
    cloth: materials.Colour
    petals: materials.Colour
    wine: materials.Colour
    wood: materials.Colour
    heading: float


@dataclass
class _Kind:
    """A thing that stands on the table once or several times."""

    shape: Shape
    offsets: list[Array] = field(default_factory=list)
    turns: list[Array] = field(default_factory=list)


class LaidTable:
    """Collects what stands on the table; `build` puts it into the scene."""

    def __init__(self, rng: np.random.Generator, service: Service) -> None:
        self.rng, self.service = rng, service
        self.turn = meshes.rotation(z=-service.heading)
        self.kinds: dict[tuple[str, str], _Kind] = {}
        self.flames: list[Array] = []
        self.glasses = 0

    def at(self, u: float, v: float, z: float = 0.0) -> Array:
        """World coordinates of a place, z above the table's top."""
        return np.array((u, v, TOP + z)) @ self.turn.T

    def put(
        self,
        look: str,
        name: str,
        thing: Shape | Callable[[], Shape],
        place: tuple[float, float, float],
        spin: float = 0.0,
    ) -> None:
        """Set a thing of that name down at (u, v, z), spun about the vertical; each name is made once."""
        if (look, name) not in self.kinds:
            self.kinds[look, name] = _Kind(thing if isinstance(thing, Shape) else thing())
        kind = self.kinds[look, name]
        kind.offsets.append(self.at(*place))
        kind.turns.append(self.turn @ meshes.rotation(z=spin))

    def drink(
        self, name: str, make: Callable[[], tuple[Shape, Shape]], liquid: str, u: float, v: float
    ) -> None:
        """Set down a glass with what is in it, nothing where `liquid` is empty."""
        spin = float(self.rng.uniform(0, 6.3))
        self.put("clear glass", name, lambda: make()[0], (u, v, 0.0003), spin)
        if liquid:
            self.put(liquid, name, lambda: make()[1], (u, v, 0.0003), spin)
        self.glasses += 1

    def build(self) -> None:
        """Everything, from near to far."""
        self._boards()
        self._subject()
        self._middle()
        for row, v in enumerate(ROWS):
            for side in (-1.0, 1.0):
                self._place(side, v + float(self.rng.uniform(-0.05, 0.05)), row)
        looks = self._looks()
        for (look, name), kind in self.kinds.items():
            scales = np.ones(len(kind.offsets))
            if len(kind.offsets) == 1:
                shape = kind.shape.moved(kind.offsets[0], kind.turns[0])
                thing = meshes.add(name, shape, looks[look], smooth=look != "legs")
                if look == "flame":
                    materials.seen_only(thing)
                continue
            thing = meshes.add(name, kind.shape, looks[look], smooth=look != "legs")
            if look == "flame":
                materials.seen_only(thing)
            meshes.scatter(thing, np.array(kind.offsets), np.array(kind.turns), scales)

    def _boards(self) -> None:
        edges = np.linspace(-HALF, HALF, 6)
        boards = [
            meshes.box((a + 0.0012, 0.55, -0.038), (b - 0.0012, 4.2, float(self.rng.uniform(-0.0006, 0.0))))
            for a, b in pairwise(edges)
        ]
        oak = finishes.wood("table", self.service.wood, 0.30, 0.6)
        thing = meshes.add("table top", boards, oak)
        thing.location, thing.rotation_euler = (0.0, 0.0, TOP), (0.0, 0.0, -self.service.heading)
        for u in (-0.40, 0.40):
            for v in (0.75, 3.95):
                leg = meshes.box((-0.035, -0.035, -TOP), (0.035, 0.035, -0.04))
                self.put("legs", f"leg {u} {v}", leg, (u, v, 0.0))
            rail = meshes.box((-0.012, 0.0, -0.13), (0.012, 3.2, -0.04))
            self.put("legs", f"rail {u}", rail, (u, 0.75, 0.0))
        x, y = np.meshgrid(np.linspace(-0.15, 0.15, 14), np.linspace(1.78, 4.02, 90))
        wave = 0.0018 + 0.0012 * np.sin(7 * y + 9 * x) * np.sin(3.1 * y)
        self.put("linen", "runner", meshes.grid(x, y, wave), (0.0, 0.0, 0.0))

    def _subject(self) -> None:
        """In front: a whisky on ice, a glass of wine, olives, a candle."""
        rng = self.rng
        side = float(rng.choice((-1.0, 1.0)))
        u, v = 0.225 * side, 1.47 + float(rng.uniform(-0.03, 0.03))
        self.drink("first glass", lambda: glassware.wine_glass(0.40, 72), "wine", u, v)
        u, v = -0.255 * side + float(rng.uniform(-0.03, 0.03)), 1.47 + float(rng.uniform(-0.03, 0.03))
        self.drink("whisky", lambda: glassware.tumbler(0.46, 64), "whisky", u, v)
        for index, lift in enumerate((0.030, 0.032, 0.050, 0.054)):
            a, r = 1.7 * index + float(rng.uniform(0, 0.5)), 0.0145 if index < 3 else 0.006
            place = (u + r * math.cos(a), v + r * math.sin(a), lift)
            self.put("ice", f"ice {index}", lambda: glassware.ice(rng), place, a)
        self._olives(-0.02 * side, 1.48 + float(rng.uniform(-0.03, 0.05)))
        self._candle_glass(-0.10 * side, 1.72)

    def _olives(self, u: float, v: float) -> None:
        rng = self.rng
        self.put("ceramic", "olive bowl", lambda: tableware.bowl(0.055), (u, v, 0.0003))
        olives = []
        for index in range(18):
            a, r = 2.4 * index, 0.0078 * math.sqrt(index)
            turn = meshes.rotation(*rng.uniform(0, 3, 3))
            z = 0.023 + 0.009 * (index < 8) + float(rng.uniform(0, 0.003))
            olive = meshes.sphere(0.0098, 16).moved((0, 0, 0), None, (1.0, 1.0, 1.25))
            olives.append(olive.moved((r * math.cos(a), r * math.sin(a), z), turn))
        self.put("olive", "olives", lambda: meshes.join(olives), (u, v, 0.0))

    def _candle_glass(self, u: float, v: float) -> None:
        self.put("clear glass", "votive", lambda: glassware.votive()[0], (u, v, 0.0022))
        self.put("wax", "votive wax", lambda: glassware.votive()[1], (u, v, 0.0022))
        self._flame(u, v, 0.036, 0.026)

    def _flame(self, u: float, v: float, z: float, tall: float) -> None:
        self.put("flame", f"flame {tall}", lambda: tableware.flame(tall), (u, v, z + 0.004))
        wick = np.array([(0, 0, -0.002), (0.0004, 0, 0.004), (0.001, 0, 0.009)])
        self.put("wick", "wick", lambda: meshes.tube(wick, 0.0008, 6), (u, v, z))
        self.flames.append(self.at(u, v, z + 0.5 * tall))

    def _middle(self) -> None:
        """Along the runner: carafe, bottle, flowers, tall candles."""
        rng = self.rng
        for index, v in zip(rng.permutation(3), (2.02, 2.28, 2.68), strict=True):
            u = float(rng.uniform(-0.05, 0.05))
            if index == 0:
                self.drink("carafe", lambda: glassware.carafe(0.62), "water", u, v)
            elif index == 1:
                self._bottle(u, v)
            else:
                self._flowers(u, v)
        sticks = ((-0.10, 2.14, 0.20), (0.095, 2.47, 0.25), (-0.07, 3.0, 0.22), (0.06, 3.5, 0.25))
        for index, (u, v, tall) in enumerate(sticks):
            stick, candle, wick = tableware.candlestick(tall + float(rng.uniform(-0.02, 0.02)))
            self.put("brass", f"stick {index}", stick, (u, v, 0.002))
            self.put("wax", f"candle {index}", candle, (u, v, 0.002))
            self._flame(u, v, wick, 0.034)
        for u, v in ((0.07, 2.9), (-0.09, 3.3), (0.0, 3.85)):
            self._candle_glass(u, v)

    def _bottle(self, u: float, v: float) -> None:
        spin = float(self.rng.normal(0, 0.4))
        foil = [(0.0149, -0.055), (0.0152, 0.0), (0.0172, 0.003), (0.017, 0.0155), (0.0, 0.016)]
        self.put("green glass", "bottle", lambda: glassware.bottle(0, 48), (u, v, 0.002))
        self.put("label", "label", lambda: glassware.label(0.0379, 0.06, 0.145, 0.0, 24), (u, v, 0.002), spin)
        self.put("foil", "foil", lambda: meshes.lathe(foil, 28), (u, v, 0.302))

    def _flowers(self, u: float, v: float) -> None:
        for name, shape in bouquet.bunch(self.rng).items():
            self.put("ceramic" if name == "vase" else name, f"flowers {name}", shape, (u, v, 0.002))

    def _place(self, side: float, v: float, row: int) -> None:
        """One guest's place: plates, cloth, cutlery, two glasses."""
        rng, sides = self.rng, (56, 40, 32, 28)[row]
        u = 0.295 * side
        self.put("ceramic", "plate", lambda: tableware.plate(0.135), (u, v, 0.0008), float(rng.uniform(0, 6)))
        self.put("ceramic", "small plate", lambda: tableware.plate(0.102), (u, v, 0.012))
        folded = (u + float(rng.normal(0, 0.006)), v, 0.0235)
        fold = int(rng.integers(3))
        self.put(
            "linen", f"napkin {fold}", lambda: tableware.napkin(rng), folded, float(rng.normal(0.3, 0.25))
        )
        cutlery = (
            ("fork", tableware.fork, -0.165),
            ("knife", tableware.knife, 0.165),
            ("spoon", tableware.spoon, 0.195),
        )
        for name, make, offset in cutlery:
            spin = side * math.pi / 2 + float(rng.normal(0, 0.02))  # pointing to the table's middle
            self.put("steel", name, make, (u + 0.10 * side, v - side * offset, 0.0008), spin)
        fill = int(rng.integers(1, 4))
        poured = "wine" if rng.random() < 0.8 else ""
        name = f"wine glass {fill} {sides}"
        self.drink(
            name, lambda: glassware.wine_glass(0.14 + 0.09 * fill, sides), poured, 0.175 * side, v + 0.17
        )
        u, v = 0.26 * side, v + 0.23
        if rng.random() < 0.6:
            self.drink(f"flute {sides}", lambda: glassware.flute(0.55, sides), "sparkling", u, v)
        else:
            self.drink(f"tumbler {sides}", lambda: glassware.tumbler(0.5, sides), "water", u, v)

    def _looks(self) -> dict[str, Any]:
        service = self.service
        dim = tuple(0.75 * c for c in service.petals)
        return {
            "clear glass": finishes.glass("clear glass"),
            "green glass": finishes.glass("green glass", (0.10, 0.22, 0.07)),
            "wine": finishes.glass("wine", service.wine, 1.345),
            "sparkling": finishes.glass("sparkling", (0.99, 0.90, 0.62), 1.34),
            "whisky": finishes.glass("whisky", (0.97, 0.60, 0.22), 1.36),
            "water": finishes.glass("water", (0.97, 0.99, 0.99), 1.333),
            "ice": finishes.glass("ice", (0.97, 0.985, 1.0), 1.31),
            "ceramic": finishes.glazed("ceramic", service.ceramic),
            "linen": finishes.linen("linen", service.cloth),
            "steel": finishes.metal("steel", (0.62, 0.60, 0.57)),
            "brass": finishes.metal("brass", (0.70, 0.44, 0.16), 0.22),
            "wax": finishes.wax("wax", (0.80, 0.70, 0.52)),
            "flame": finishes.flame(),
            "wick": materials.plain("wick", (0.01, 0.008, 0.006), 0.9),
            "olive": materials.plain("olive", (0.115, 0.125, 0.022), 0.18, Coat_Weight=0.6),
            "label": finishes.print_on_paper("label"),
            "foil": materials.plain("foil", (0.10, 0.012, 0.015), 0.3, Metallic=0.6),
            "stem": materials.plain("stem", (0.06, 0.10, 0.03), 0.6),
            "petal": finishes.foliage("petal", (dim, service.petals)),
            "leaf": finishes.foliage("leaf", ((0.04, 0.08, 0.025), (0.09, 0.14, 0.05))),
            "legs": finishes.wood("legs", (0.10, 0.055, 0.03), 0.4, 0.0, 2),
        }
