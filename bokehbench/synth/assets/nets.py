"""Foregrounds with many holes: lace, knotted net, chain-link fence, overhead wires, barbed wire."""

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
    fbm,
    mix,
    pick,
    smooth_path,
    smoothstep,
)

Points = npt.NDArray[np.float32]


def draw_lace(rng: np.random.Generator, size: int) -> Raster:
    """A hanging strip of lace: flowers on a hexagonal mesh, scalloped hem, soft folds."""
    side = size * OVERSAMPLING
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    folds = rng.uniform(2.5, 5.0)
    phase = 2 * np.pi * folds * x + 0.9 * fbm(rng, (side, side), side / 2.0, 2) + rng.uniform(0, 6)
    drape = 0.011 * np.sin(phase)
    sway = 0.012 * fbm(rng, (side, side), side / 2.5, 2)
    u, v = x + drape + 0.4 * sway, y + sway - 0.006 * np.cos(phase)
    scallops = int(rng.integers(5, 9))
    hem = 0.86 + 0.055 * np.sqrt(np.abs(np.sin(np.pi * scallops * u)))
    depth = np.maximum(_mesh(u, v, rng.uniform(38, 52)), _flowers(rng, u, v))
    depth = np.maximum(depth, _hems(u, v, hem, scallops))
    inside = (v < hem + 0.004) & (v > 0.03) & (x > 0.03) & (x < 0.97)
    pixel = 1.0 / side
    alpha = np.clip(depth / pixel + 0.5, 0.0, 1.0) * inside
    thread = 0.78 + 0.22 * np.sin((u * 1.2 + v) * side * 0.9) * np.sin((u - 1.3 * v) * side * 0.7)
    thread = thread * (1.0 + 0.08 * fbm(rng, (side, side), 6.0, 2))
    raised = smoothstep(0.0, 0.004, depth)
    light = 0.66 + 0.34 * np.cos(phase + 0.8)
    tint = pick(rng, ("#f3eee2", "#e9dfc8", "#f5f3f0", "#1d1b1c", "#d9c6c0"))
    rgb = tint * (light * thread * (0.72 + 0.28 * raised))[..., None] * 0.9
    raster = np.concatenate([rgb * alpha[..., None], alpha[..., None]], axis=2).astype(np.float32)
    return average_down(raster)


def _mesh(u: Raster, v: Raster, cells: float) -> Raster:
    """Signed depth inside the threads of a hexagonal mesh, units of the width."""
    best = np.full(u.shape, -1.0, np.float32)
    for angle in (0.0, np.pi / 3, 2 * np.pi / 3):
        along = (u * np.cos(angle) + v * np.sin(angle)) * cells
        gap = np.abs(np.mod(along, 1.0) - 0.5) / cells
        best = np.maximum(best, 0.0011 - gap)
    return best


def _flowers(rng: np.random.Generator, u: Raster, v: Raster) -> Raster:
    """Signed depth inside embroidered flowers on staggered rows."""
    pitch = rng.uniform(0.13, 0.19)
    petals = int(rng.integers(5, 9))
    row = np.floor(v / pitch)
    cx = np.mod(u / pitch + 0.5 * np.mod(row, 2.0), 1.0) - 0.5
    cy = np.mod(v / pitch, 1.0) - 0.5
    r = np.hypot(cx, cy) * pitch
    theta = np.arctan2(cy, cx) + row
    rim = pitch * (0.24 + 0.12 * np.abs(np.cos(petals * theta / 2.0)) ** 0.7)
    outline = 0.0032 - np.abs(r - rim)
    ribs = 0.0014 - np.abs(np.sin(petals * theta)) * r / petals
    ribs = np.where((r < rim) & (r > pitch * 0.1), ribs, -1.0)
    ladder = np.where((r < rim) & (r > 0.55 * rim), 0.0009 - np.abs(np.mod(r, 0.0075) - 0.00375), -1.0)
    heart = np.maximum(0.0028 - np.abs(r - pitch * 0.095), pitch * 0.035 - r)
    return np.asarray(np.maximum.reduce([outline, ribs, ladder, heart]), np.float32)


def _hems(u: Raster, v: Raster, hem: Raster, scallops: int) -> Raster:
    """Signed depth inside the border: two cords, and a row of eyelets between them."""
    cords = np.maximum(0.0034 - np.abs(v - hem), 0.0022 - np.abs(v - hem + 0.034))
    step = 1.0 / (scallops * 6)
    cx = np.mod(u, step) - step / 2
    eyelet = 0.0024 - np.abs(np.hypot(cx, v - hem + 0.017) - 0.0095)
    top = 0.004 - np.abs(v - 0.04)
    return np.asarray(np.maximum.reduce([cords, eyelet, top]), np.float32)


def draw_net(rng: np.random.Generator, size: int) -> Raster:
    """A sagging net of twisted cord with knots, as on goals and boats."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    cells = int(rng.integers(7, 13))
    tone = pick(rng, ("#e8e4da", "#3f7f6a", "#c9702e", "#46597a", "#c8b27a"))
    warp = [fbm(rng, (48, 48), 22.0, 2) * 0.03 for _ in range(2)]
    sag = rng.uniform(0.02, 0.12)

    def place(a: npt.ArrayLike, b: npt.ArrayLike) -> Points:
        """Output pixels of net coordinates in [0, 1]."""
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        i, j = (np.clip(c * 47, 0, 47).astype(int) for c in (a, b))
        x = 0.09 + 0.82 * a + warp[0][j, i]
        y = 0.07 + 0.78 * b + warp[1][j, i] + sag * np.sin(np.pi * np.clip(a, 0, 1)) * (0.3 + 0.7 * b)
        return np.asarray(np.stack([x, y], axis=-1) * side, np.float32)

    strokes = Strokes(roundness=0.75)
    radius = side / 300 * rng.uniform(0.7, 1.3)
    for way in (1, -1):
        for k in range(-cells, cells + 1):
            for m in range(cells):
                ends = [((k + m) / cells, m / cells), ((k + m + 1) / cells, (m + 1) / cells)]
                _cord(rng, strokes, ends, way, place, radius, tone)
    knots = Strokes(roundness=0.8)
    for k in range(2 * cells + 1):
        for m in range(2 * cells + 1):
            if (k + m) % 2 == 0:
                at = place(k / 2 / cells, m / 2 / cells)
                jitter = rng.normal(0, 0.5, 2)
                knots.add(np.stack([at - jitter, at + jitter]), radius * rng.uniform(1.6, 2.1), tone * 0.9)
    strokes.draw(raster)
    knots.draw(raster)
    _edge_cords(raster, place, radius, tone)
    return average_down(raster)


def _cord(
    rng: np.random.Generator,
    strokes: Strokes,
    ends: list[tuple[float, float]],
    way: int,
    place: object,
    radius: float,
    tone: Points,
) -> None:
    """One diagonal between two knots, with the stripes of a twisted cord; outside [0, 1] nothing."""
    (a0, b0), (a1, b1) = ends if way > 0 else [(1.0 - a, b) for a, b in ends]
    if min(a0, a1) < -1e-9 or max(a0, a1) > 1.0 + 1e-9:
        return
    t = np.linspace(0.0, 1.0, 25)
    path = place(a0 + (a1 - a0) * t, b0 + (b1 - b0) * t)  # type: ignore[operator]
    fine = smooth_path(path[::6], 60)
    twist = 0.82 + 0.18 * np.sin(np.arange(60) * 1.5 + rng.uniform(0, 6))
    strokes.add(fine, radius, tone * (twist * rng.uniform(0.85, 1.05))[:, None])


def _edge_cords(raster: Raster, place: object, radius: float, tone: Points) -> None:
    """The rope along the rim."""
    t = np.linspace(0.0, 1.0, 120)
    zero, one = np.zeros_like(t), np.ones_like(t)
    rim = Strokes(roundness=0.8)
    twist = (0.8 + 0.2 * np.sin(np.arange(120) * 1.9))[:, None]
    for a, b in ((t, zero), (t, one), (zero, t), (one, t)):
        path = smooth_path(place(a, b)[::7], 120)  # type: ignore[operator]
        rim.add(path, radius * 2.0, mix(tone, 1.0, 0.1) * 0.8 * twist)
    rim.draw(raster)


def draw_fence(rng: np.random.Generator, size: int) -> Raster:
    """Chain link: zigzag wires hooked into their neighbours, alternately in front and behind."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    columns = int(rng.integers(6, 11))
    pitch = side * 0.92 / columns
    radius = pitch * rng.uniform(0.028, 0.05)
    steel = pick(rng, ("#9aa0a3", "#a7a59c", "#7d8486", "#4f6b57"))
    rust = colour("#8a4a22")
    rusty = fbm(rng, (64, 64), 16.0, 3)
    lean = rng.normal(0.0, 0.02)
    rows = columns // 2 + 2
    under, above = Strokes(0.95, 0.5), Strokes(0.95, 0.5)
    for c in range(columns):
        for r in range(-1, rows):
            for half, target in ((0, under), (1, above)):
                # Each wire hooks over its left neighbour on one diagonal, under its right one on the other.
                x0 = side * 0.04 + pitch * (c + (0.0 if half == 0 else 1.02))
                x1 = side * 0.04 + pitch * (c + (1.02 if half == 0 else 0.0))
                y0 = side * 0.03 + pitch * (r + 0.5 * half + 0.5 * (c % 2)) * 1.86
                if y0 < side * 0.03 - 1.0:
                    continue  # would start above the rail
                t = np.linspace(0.0, 1.0, 12)
                eased = t + 0.055 * np.sin(2 * np.pi * t)
                path = np.stack([x0 + (x1 - x0) * eased, y0 + pitch * 0.93 * t], axis=1)
                path[:, 0] += lean * (path[:, 1] - side / 2) + rng.normal(0, pitch * 0.006)
                cell = np.clip((path / side * 64).astype(int), 0, 63)
                stain = smoothstep(0.6, 1.6, rusty[cell[:, 1], cell[:, 0]])[:, None]
                target.add(path, radius, mix(steel * rng.uniform(0.85, 1.1), rust, 0.75 * stain))
    under.draw(raster)
    above.draw(raster)
    rail = Strokes(0.95, 0.4)
    rail.add([[side * 0.03, side * 0.03], [side * 0.97, side * 0.03]], radius * 2.2, steel * 0.9)
    rail.draw(raster)
    return average_down(raster)


def draw_wires(rng: np.random.Generator, size: int) -> Raster:
    """A wooden pole with cross-arms and insulators, and the sagging cables it carries."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    x = side * rng.uniform(0.38, 0.62)
    wood = pick(rng, ("#5c4a3a", "#6e5f50", "#4a4038"))
    cable = pick(rng, ("#1c1c1e", "#2a2623", "#33302c"))
    _cables(rng, raster, x, cable, back=True)
    pole = Strokes(roundness=0.9)
    steps = np.linspace(0.05, 0.99, 60)
    grain = rng.uniform(0.85, 1.12, (60, 1))
    pole.add(
        np.stack([x + steps * 0.0, steps * side], axis=1), side / 62 * (0.75 + 0.3 * steps), wood * grain
    )
    pole.draw(raster)
    arms = Strokes(roundness=0.7)
    fittings = Strokes(roundness=0.8, gloss=0.9)
    for level, half in ((0.12, 0.2), (0.21, 0.15)):
        arms.add([[x - half * side, level * side], [x + half * side, level * side]], side / 110, wood * 0.85)
        for at in (-1.0, -0.55, 0.55, 1.0):
            foot = np.asarray([x + at * half * side * 0.95, level * side])
            tip = foot - np.asarray([0.0, side * 0.026])
            fittings.add(np.stack([foot, tip]), side / 420, colour("#55504a"))
            for k in range(3):
                disc = tip + np.asarray([0.0, k * side * 0.006])
                half_disc = np.asarray([side * (0.0075 - 0.001 * k), 0.0])
                fittings.add([disc - half_disc, disc + half_disc], side / 330, colour("#6b3d2a"))
    arms.add([[x, 0.17 * side], [x - 0.13 * side, 0.12 * side]], side / 260, wood * 0.7)
    arms.add([[x, 0.17 * side], [x + 0.13 * side, 0.12 * side]], side / 260, wood * 0.7)
    arms.draw(raster)
    fittings.draw(raster)
    _cables(rng, raster, x, cable, back=False)
    return average_down(raster)


def _cables(rng: np.random.Generator, raster: Raster, x: float, tone: Points, *, back: bool) -> None:
    """Catenaries from the insulators to both rims, thin ones of a pixel and less among them."""
    side = raster.shape[0]
    strokes = Strokes(roundness=0.6, gloss=0.15)
    t = np.linspace(0.0, 1.0, 80)
    for level, half in ((0.094, 0.2), (0.184, 0.15)):
        for at in (-1.0, -0.55, 0.55, 1.0):
            start = np.asarray([x + at * half * side * 0.95, level * side])
            for way in (-1.0, 1.0):
                if (rng.random() < 0.5) != back:
                    continue
                end_x = side * (0.015 if way < 0 else 0.985)
                sag = side * rng.uniform(0.03, 0.16)
                drop = side * rng.uniform(-0.02, 0.35)
                y = start[1] + drop * t + sag * (np.cosh(2 * t - 1) - np.cosh(1)) / (1 - np.cosh(1)) * t**0.3
                radius = side / 1000 * rng.uniform(0.45, 1.5)
                strokes.add(np.stack([start[0] + (end_x - start[0]) * t, y], axis=1), radius, tone)
    strokes.draw(raster)


def draw_barbed(rng: np.random.Generator, size: int) -> Raster:
    """Three runs of barbed wire between the rims: two twisted strands, a barb every hand's breadth."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    steel, rust = pick(rng, ("#8a8d8c", "#77736c")), colour("#7a4424")
    strokes = Strokes(roundness=0.9, gloss=0.35)
    for level in np.asarray([0.25, 0.5, 0.75]) + rng.normal(0, 0.03, 3):
        t = np.linspace(0.0, 1.0, 500)
        slack = rng.uniform(0.0, 0.08)
        x = side * (0.02 + 0.96 * t)
        y = side * (level + rng.normal(0, 0.05) * (t - 0.5) + slack * (4 * t * (1 - t)))
        tone = mix(steel, rust, smoothstep(-0.5, 1.2, fbm(rng, (1, 500), 90.0, 3))[0][:, None])
        for twist in (0.0, np.pi):
            wave = side / 170 * np.sin(t * 110 + twist)
            strokes.add(np.stack([x, y + wave], axis=1), side / 260, tone)
        for i in range(int(rng.integers(20, 45)), 500, 62):
            for _ in range(4):
                way = rng.uniform(0, 2 * np.pi)
                tip = side * 0.034 * np.asarray([0.55 * np.cos(way), np.sin(way)])
                barb = np.asarray([x[i], y[i]]) + np.stack([-0.25 * tip, tip])
                strokes.add(barb, np.asarray([1.0, 0.35]) * side / 270, tone[i])
            coil = np.asarray([x[i], y[i]]) + np.stack([[-1.0, -1.0], [1.0, 1.0]]) * side / 170
            strokes.add(coil, side / 140, tone[i])
    strokes.draw(raster)
    return average_down(raster)
