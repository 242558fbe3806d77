"""What lies on a newsagent's table: stacks, books, pencils, a cup, a magnifier.

Everything is made around its foot at the origin, z up, read from -y; functions return the objects made.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import meshes
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes import printing, surfaces
from bokehbench.blender.scripts.scenes.printing import Sheet, extent, set_type

FOLD = 0.0075
"""Metres that a folded newspaper is thick."""


def turned(angle: float) -> Array:
    """Turn about z."""
    return meshes.rotation(z=angle)


def folded(width: float, height: float) -> Shape:
    """The outer sheet of a folded newspaper, its fold towards -y."""
    around = np.linspace(math.pi / 2, 3 * math.pi / 2, 9)
    y = -height / 2 + FOLD / 2 + FOLD / 2 * np.cos(around)
    z = FOLD / 2 + FOLD / 2 * np.sin(around)
    y, z = np.array([height / 2, 0.0, *y, 0.0, height / 2]), np.array([FOLD, FOLD, *z, 0.0, 0.0])
    x = np.array([-width / 2, width / 2])
    return meshes.grid(*np.broadcast_arrays(x[:, None], y[None], z[None]))


def stack_top(top: Sheet) -> list[Any]:
    """The print of a folded newspaper, for `stack`."""

    def bend(points: Array) -> Array:
        moved = np.add(points, (0.0, 0.0, FOLD + 0.0004))
        over = np.maximum(0.0, -top.height / 2 + FOLD / 2 - points[:, 1])  # the print bends down the fold
        moved[:, 2] -= over**2 / FOLD * 1.5
        return np.asarray(moved)

    return top.make("stack top", bend, (8, 24))


def stack(rng: np.random.Generator, top: Sheet, count: int, look: dict[str, Any]) -> list[Any]:
    """A pile of folded newspapers of the size of `top`."""
    outer, inner = [], []
    sheet = folded(top.width, top.height)
    block = meshes.box(
        (-top.width / 2 + 0.002, -top.height / 2 + FOLD, 0.0012),
        (top.width / 2 - 0.002, top.height / 2 - 0.002, FOLD - 0.0012),
    )
    angle, offset = 0.0, np.zeros(2)
    for index in range(count):
        last = index == count - 1
        angle = 0.0 if last else float(rng.normal(0.0, 0.022))
        offset = np.zeros(2) if last else rng.normal(0.0, 0.004, 2)
        at = (*offset, index * FOLD)
        outer.append(sheet.moved(at, turned(angle)))
        inner.append(block.moved(at, turned(angle)))
    return [
        meshes.add("stack", outer, look["newsprint"]),
        meshes.add("stack inside", inner, look["edges"]),
    ]


def waved(
    rng: np.random.Generator, half: tuple[float, float], height: float = 0.006, curl: float = 0.03
) -> printing.Bend:
    """A bend for a loose sheet with these half sides: gentle waves, and one corner that lifts."""
    phase, way = rng.uniform(0, 6.3, 3), rng.uniform(5.0, 11.0, (3, 2))
    corner = rng.choice((-1.0, 1.0), 2)

    def bend(points: Array) -> Array:
        x, y = points[:, 0], points[:, 1]
        wave = sum(np.sin(k[0] * x + k[1] * y + p) for k, p in zip(way, phase, strict=True)) / 3.0
        diagonal = (corner[0] * x / half[0] + corner[1] * y / half[1]) / 2
        reach = np.maximum(0.0, diagonal - 0.45)
        moved = points.copy()
        moved[:, 2] += height * (1.0 + wave) + curl * reach**2 * 3.3
        return moved

    return bend


def open_book(pages: tuple[Sheet, Sheet], look: dict[str, Any], cloth: Any) -> list[Any]:
    """A book that lies open, its spine along y."""
    wide, high = pages[0].width, pages[0].height

    def profile(across: Array) -> Array:
        share = np.clip(np.abs(across) / wide, 0.0, 1.0)
        return np.asarray(0.012 + 0.020 * np.sqrt(share + 1e-4) * np.exp(-2.1 * share) * 2.0)

    things = []
    for side, sheet in ((-1.0, pages[0]), (1.0, pages[1])):

        def bend(points: Array, side: float = side) -> Array:
            x = points[:, 0] + side * wide / 2
            return np.stack([x, points[:, 1], points[:, 2] + profile(x)], axis=1)

        things += sheet.make("page", bend, (30, 4))
    x = np.linspace(-wide, wide, 61)
    for y in (-high / 2, high / 2):
        top = profile(x) - 0.0006
        rows = np.stack([np.full_like(x, 0.003), top])
        edge = meshes.grid(np.stack([x, x]), np.full_like(rows, y), rows)
        things.append(meshes.add("page ends", edge, look["edges"]))
    for end in (-wide, wide):
        side_ = meshes.quad(
            (end, -high / 2, 0.003), (0, high, 0), (0, 0, float(profile(np.array([end]))[0]) - 0.0036)
        )
        things.append(meshes.add("page sides", side_, look["edges"]))
    board = meshes.box((-wide - 0.004, -high / 2 - 0.004, 0.0), (wide + 0.004, high / 2 + 0.004, 0.003))
    return [*things, meshes.add("boards", board, cloth)]


def book(
    rng: np.random.Generator, size: tuple[float, float, float], cloth: Any, gilt: Any, look: dict[str, Any]
) -> list[Any]:
    """A closed book that lies flat, its spine with a title towards -y; size is width, depth, thickness."""
    wide, deep, thick = size
    board = 0.0028
    t = np.linspace(-math.pi / 2, math.pi / 2, 9)
    spine_y, spine_z = -deep / 2 - 0.006 * np.cos(t), thick / 2 + thick / 2 * np.sin(t)
    x = np.array([-wide / 2, wide / 2])
    spine = meshes.grid(*np.broadcast_arrays(x[:, None], spine_y[None], spine_z[None]))
    low = meshes.box((-wide / 2, -deep / 2, 0.0), (wide / 2, deep / 2, board))
    parts = [spine, low, low.moved((0, 0, thick - board))]
    block = meshes.box(
        (-wide / 2 + 0.004, -deep / 2, board), (wide / 2 - 0.004, deep / 2 - 0.004, thick - board)
    )
    title = set_type(printing.headline(rng).split(" the ")[0].upper(), min(0.018, 0.55 * thick), weight=0.006)
    title = title.moved((0, 0, 0), scale=min(1.0, 0.72 * wide / max(1e-6, extent(title)[0])))
    w, h = extent(title)
    upright = meshes.rotation(x=math.pi / 2)
    label = title.moved((-w / 2, -deep / 2 - 0.0064, thick / 2 + h / 2), upright)
    bands = [
        meshes.box(
            (s * wide * 0.43 - 0.0015, -deep / 2 - 0.0064, 0.12 * thick),
            (s * wide * 0.43 + 0.0015, -deep / 2, 0.88 * thick),
        )
        for s in (-1, 1)
    ]
    return [
        meshes.add("book", parts, cloth),
        meshes.add("book pages", block, look["edges"]),
        meshes.add("book title", [label, *bands], gilt),
    ]


def coin(look: dict[str, Any], radius: float) -> list[Any]:
    """A coin that lies flat."""
    edge = [(0.0, 0.0012), (0.82 * radius, 0.0012), (0.86 * radius, 0.0018), (0.97 * radius, 0.0018)]
    body = meshes.lathe([*edge, (radius, 0.0012), (radius, 0.0), (0.0, 0.0)], 28)
    return [meshes.add("coin", body, look["brass"], smooth=True)]


def pencil(colour: Any, look: dict[str, Any], length: float = 0.175) -> list[Any]:
    """A sharpened pencil along +x, on its side at z = 0."""
    radius = 0.0042
    y = np.zeros(2)
    x = np.array((0.0, length - 0.022))
    barrel = meshes.tube(np.stack([x, y, y + radius], axis=1), radius, 6)
    cone = meshes.tube(
        np.array([(length - 0.022, 0, radius), (length - 0.006, 0, radius)]),
        np.array((radius * 0.97, 0.0013)),
        12,
    )
    lead = meshes.tube(
        np.array([(length - 0.006, 0, radius), (length, 0, radius)]), np.array((0.0013, 0.0001)), 8
    )
    band = meshes.tube(np.array([(-0.002, 0, radius), (0.012, 0, radius)]), radius * 1.06, 12)
    rubber = meshes.tube(
        np.array([(-0.011, 0, radius), (-0.0108, 0, radius), (-0.002, 0, radius)]),
        np.array((0.0002, radius * 0.95, radius * 0.98)),
        12,
    )
    return [
        meshes.add("pencil", barrel, colour),
        meshes.add("pencil wood", cone, look["pencil wood"], smooth=True),
        meshes.add("pencil lead", lead, look["graphite"], smooth=True),
        meshes.add("pencil band", band, look["brass"], smooth=True),
        meshes.add("pencil rubber", rubber, look["rubber"], smooth=True),
    ]


def tin(rng: np.random.Generator, colour: Any, label: Any, look: dict[str, Any]) -> list[Any]:
    """A tin with a paper label; the pencils in it are put there by the caller."""
    wall = [(0.0, 0.002), (0.035, 0.002), (0.0375, 0.0), (0.0385, 0.003), (0.037, 0.005)]
    ribs = [(0.037 + 0.0006 * math.sin(k), 0.005 + 0.0018 * k) for k in range(8)]
    top = [(0.037, 0.098), (0.0385, 0.101), (0.0375, 0.103), (0.0362, 0.101), (0.0360, 0.004)]
    body = meshes.lathe([*wall, *ribs, (0.037, 0.02), *top], 40)
    band = meshes.lathe([(0.0374, 0.024), (0.0374, 0.086)], 40)
    word = set_type(str(rng.choice(("PENCILS", "No 2 HB", "STATIONER"))), 0.016, weight=0.008)
    w, h = extent(word)
    angle = -math.pi / 2 + (word.vertices[:, 0] - w / 2) / 0.0377
    curved = np.stack(
        [0.0378 * np.cos(angle), 0.0378 * np.sin(angle), 0.055 + h / 2 + word.vertices[:, 1]], axis=1
    )
    return [
        meshes.add("tin", body, look["steel"], smooth=True),
        meshes.add("tin label", band, colour, smooth=True),
        meshes.add("tin word", Shape(curved, word.faces), label),
    ]


def cup(clay: Any, look: dict[str, Any]) -> list[Any]:
    """A cup of coffee on its saucer, with a spoon."""
    outside = [(0.0, 0.006), (0.021, 0.006), (0.023, 0.009), (0.033, 0.024), (0.0395, 0.045), (0.0425, 0.068)]
    lip = [(0.0432, 0.0705), (0.0422, 0.0718), (0.0408, 0.0705)]
    inside = [(0.0398, 0.06), (0.037, 0.045), (0.030, 0.024), (0.0, 0.018)]
    bowl = meshes.lathe([*outside, *lip, *inside], 48)
    t = np.linspace(-1.25, 1.35, 18)
    handle = np.stack([0.036 + 0.026 * np.cos(t) * 1.05, 0 * t, 0.042 + 0.021 * np.sin(t)], axis=1)
    plate = [(0.0, 0.002), (0.03, 0.0), (0.034, 0.0035), (0.055, 0.0075), (0.072, 0.0135), (0.0728, 0.0148)]
    saucer = meshes.lathe([*plate, (0.071, 0.0150), (0.054, 0.0098), (0.028, 0.0062), (0.0, 0.0060)], 56)
    coffee = meshes.lathe([(0.0402, 0.0606), (0.036, 0.0598), (0.0, 0.0598)], 40)
    spoon = np.array(
        [(-0.02, -0.056, 0.0165), (0.03, -0.05, 0.0175), (0.075, -0.038, 0.021), (0.105, -0.03, 0.024)]
    )
    scoop = meshes.sphere(0.013, 16).moved((-0.033, -0.0575, 0.0165), turned(0.1), (1.3, 0.8, 0.22))
    return [
        meshes.add("cup", [bowl, meshes.tube(handle, 0.0042, 10), saucer], clay, smooth=True),
        meshes.add("coffee", coffee, look["coffee"], smooth=True),
        meshes.add(
            "spoon",
            [meshes.tube(spoon, np.array((0.003, 0.0022, 0.0022, 0.0036)), 8), scoop],
            look["steel"],
            smooth=True,
        ),
    ]


def magnifier(look: dict[str, Any], radius: float = 0.048) -> list[Any]:
    """A reading glass on its side, its handle towards +x; the lens lies a finger's breadth above the page."""
    height = 0.014
    around = np.linspace(0.0, 2 * math.pi, 13)
    ring = [(radius + 0.0045 * math.cos(a), height + 0.0055 * math.sin(a)) for a in around]
    rim = meshes.lathe(ring, 56)
    bulge = np.linspace(-1.0, 1.0, 15)
    lens = [(radius * math.sqrt(1 - b * b), height + 0.0050 * b) for b in bulge]
    glass = meshes.lathe(lens, 56)
    x = np.array((0.0, 0.010, 0.012, 0.03, 0.075, 0.115, 0.124, 0.128)) + radius + 0.004
    neck = meshes.tube(np.stack([x[:3], 0 * x[:3], height + 0 * x[:3]], axis=1), 0.0045, 14)
    radii = np.array((0.0062, 0.0078, 0.0100, 0.0090, 0.0062, 0.0004))
    grip = meshes.tube(np.stack([x[2:], 0 * x[2:], np.linspace(height, 0.0098, 6)], axis=1), radii, 18)
    return [
        meshes.add("rim", [rim, neck], look["brass"], smooth=True),
        meshes.add("lens", glass, look["glass"], smooth=True),
        meshes.add("grip", grip, look["dark wood"], smooth=True),
    ]


def price_card(rng: np.random.Generator, look: dict[str, Any]) -> list[Any]:
    """A card with a price on a bent wire."""
    card = Sheet(0.085, 0.055, look["slate"])
    price = set_type(
        f"{int(rng.integers(1, 9))}.{int(rng.integers(1, 10)) * 10 % 100:02d}", 0.03, weight=0.004
    )
    card.mark(price, look["chalk"], ((card.width - extent(price)[0]) / 2, -0.012))
    word = set_type(str(rng.choice(("today", "fresh", "each", "new"))), 0.0115)
    card.mark(word, look["chalk"], ((card.width - extent(word)[0]) / 2, -0.0385))
    upright = meshes.rotation(x=1.25)
    card_things = card.make("price", lambda points: points @ upright.T + (0.0, -0.004, 0.115), (2, 2))
    board = meshes.box((-0.0455, -0.0305, -0.004), (0.0455, 0.0305, -0.0008)).moved(
        (0, -0.004, 0.115), upright
    )
    wire = np.array([(0, 0.02, 0.0), (0, 0.012, 0.03), (0, 0.004, 0.08), (0, 0.004, 0.112)])
    return [
        *card_things,
        meshes.add("price board", board, look["dark wood"]),
        meshes.add("wire", meshes.tube(wire, 0.0014, 6), look["steel"]),
    ]


def looks() -> dict[str, Any]:
    """The materials that the things above ask for by name."""
    return {
        "newsprint": surfaces.paper("newsprint", (0.62, 0.595, 0.53), aged=0.45),
        "white": surfaces.paper("white paper", (0.78, 0.77, 0.73), aged=0.25),
        "cream": surfaces.paper("cream paper", (0.74, 0.68, 0.54), aged=0.5),
        "gloss": surfaces.paper("glossy paper", (0.74, 0.73, 0.70), gloss=0.9, aged=0.1),
        "edges": surfaces.page_edges("page edges", (0.60, 0.565, 0.48)),
        "ink": surfaces.ink("ink"),
        "blue ink": surfaces.ink("blue ink", (0.02, 0.045, 0.16), 0.1),
        "red": surfaces.ink("red ink", (0.52, 0.028, 0.022), 0.08),
        "blue": surfaces.ink("blue print", (0.03, 0.09, 0.36), 0.08),
        "yellow": surfaces.ink("yellow ink", (0.80, 0.52, 0.04), 0.05),
        "brass": surfaces.metal("brass", (0.72, 0.50, 0.20), 0.22),
        "steel": surfaces.metal("steel", (0.58, 0.57, 0.55), 0.28),
        "glass": surfaces.glass_over_print("lens glass"),
        "dark wood": surfaces.wood("dark wood", (0.085, 0.042, 0.022), worn=0.05, roughness=0.4, fine=4.0),
        "pencil wood": surfaces.wood("pencil wood", (0.55, 0.36, 0.19), worn=0.0, fine=6.0),
        "graphite": surfaces.plain("graphite", (0.03, 0.03, 0.033), 0.4),
        "rubber": surfaces.plain("rubber", (0.55, 0.22, 0.18), 0.8),
        "coffee": surfaces.plain("coffee", (0.022, 0.010, 0.005), 0.08),
        "slate": surfaces.plain("slate", (0.028, 0.032, 0.031), 0.85),
        "chalk": surfaces.ink("chalk", (0.72, 0.71, 0.67), 0.3),
    }
