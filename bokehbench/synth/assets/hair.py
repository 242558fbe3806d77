"""Foregrounds of many thin strands: fur, long hair, grass, feathers, dandelions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bokehbench.synth.assets.brushes import (
    LIGHT,
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

COATS = ("#6b4526", "#8a5a33", "#b98a55", "#d9bd8e", "#4a3626", "#a65a2a", "#8d8780", "#e4ddd0", "#3a302b")
Points = npt.NDArray[np.float32]


def draw_fur(rng: np.random.Generator, size: int) -> Raster:
    """A ball of fur: strands rooted on a hemisphere, the rim's first, the ones that face us last."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    strands = 5200
    root = np.sqrt(rng.uniform(0.0, 1.0, strands))  # distance of the root from the centre of the disc
    angle = rng.uniform(0.0, 2.0 * np.pi, strands)
    order = np.argsort(-root)
    root, angle = root[order].astype(np.float32), angle[order].astype(np.float32)
    outward = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    body = np.asarray([rng.uniform(0.27, 0.31), rng.uniform(0.24, 0.3)], np.float32) * side
    start = side * 0.5 + outward * (root * (1.0 - 0.05 * rng.random(strands)))[:, None] * body
    flow = np.stack([fbm(rng, (side // 4, side // 4), side / 14, 2) for _ in range(2)], axis=2)
    facing = np.sqrt(1.0 - np.minimum(root, 0.999) ** 2)
    lit = outward[:, 0] * root * LIGHT[0] + outward[:, 1] * root * LIGHT[1] + facing * LIGHT[2]
    shade = 0.3 + 0.8 * np.clip(lit, 0.0, 1.0)
    comb = np.asarray([rng.normal(0.0, 0.35), rng.uniform(0.35, 0.6)], np.float32)
    paths = _grow(rng, start, outward * root[:, None] + comb * (1.0 - 0.75 * root)[:, None], flow, side)
    rgb = _strand_colours(rng, paths, shade.astype(np.float32), side)
    taper = np.linspace(1.0, 0.12, paths.shape[1], dtype=np.float32) ** 0.8
    width = side / 560 * rng.uniform(0.6, 1.25, strands).astype(np.float32)
    _underfur(raster, body, rgb.mean(axis=(0, 1)) * 0.3)
    strokes = Strokes()
    for path, radius, tint in zip(paths, width, rgb, strict=True):
        strokes.add(path, radius * taper, tint)
    strokes.draw(raster)
    return average_down(raster)


def _underfur(raster: Raster, body: Points, rgb: Points) -> None:
    """The dark body that shows between strands, an ellipse inside the ring of roots."""
    side = raster.shape[0]
    y, x = (np.mgrid[0:side, 0:side] - side * 0.5).astype(np.float32)
    alpha = smoothstep(0.9, 0.78, np.hypot(x / body[0], y / body[1]))
    raster[..., :3] = alpha[..., None] * rgb
    raster[..., 3] = alpha


def _grow(rng: np.random.Generator, start: Points, direction: Points, flow: Raster, side: int) -> Points:
    """Paths [strands, 14, 2]: outward, bent by gravity, noise and the coat's flow."""
    strands, steps = len(start), 14
    length = side * 0.0105 * rng.gamma(14.0, 1.0 / 14.0, strands).astype(np.float32)
    length *= np.where(rng.random(strands) < 0.02, 1.3, 1.0).astype(np.float32)
    heading = direction + 0.16 * rng.standard_normal((strands, 2)).astype(np.float32)
    point, path = start.astype(np.float32), [start.astype(np.float32)]
    curl = 0.05 * rng.standard_normal(strands).astype(np.float32)
    for _ in range(steps - 1):
        cell = np.clip((point / 4).astype(int), 0, flow.shape[0] - 1)
        bend = 0.055 * flow[cell[:, 1], cell[:, 0]]
        turn = np.stack([-heading[:, 1], heading[:, 0]], axis=1) * curl[:, None]
        heading = heading + bend + turn + np.asarray([0.0, 0.045], np.float32)
        point = point + heading * length[:, None]
        path.append(point)
    return np.stack(path, axis=1)


def _strand_colours(rng: np.random.Generator, paths: Points, shade: Points, side: int) -> Points:
    """Linear RGB [strands, steps, 3]: patches, darker roots, lighter tips, Kajiya-Kay highlight."""
    strands, steps = paths.shape[:2]
    first, second = pick(rng, COATS), pick(rng, COATS)
    patches = fbm(rng, (64, 64), 26.0, 2)
    cell = np.clip((paths[:, 0] / side * 64).astype(int), 0, 63)
    which = smoothstep(0.5, 1.2, patches[cell[:, 1], cell[:, 0]])[:, None]
    base = mix(first, second, which) * rng.lognormal(0.0, 0.28, (strands, 1)).astype(np.float32)
    along = np.linspace(0.0, 1.0, steps, dtype=np.float32)[None, :, None]
    tangent = np.gradient(paths, axis=1)
    tangent /= np.linalg.norm(tangent, axis=2, keepdims=True) + 1e-6
    towards = tangent[..., 0] * LIGHT[0] + tangent[..., 1] * LIGHT[1]
    across = np.sqrt(np.clip(1.0 - towards**2, 0.0, 1.0))
    shine = (0.10 * across**24 * shade[:, None])[..., None] * np.float32(1.0)
    body = base[:, None, :] * (shade[:, None] * (0.55 + 0.45 * across))[..., None] * (0.5 + 0.75 * along)
    return np.asarray(body + shine * mix(1.0, base[:, None, :], 0.5), np.float32)


def draw_hair(rng: np.random.Generator, size: int) -> Raster:
    """Windblown long hair: locks that share a curve, strands that stray from their lock."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    hue = pick(rng, ("#3b2417", "#5a3820", "#8a5c34", "#c49a62", "#7d3518", "#221a17", "#9a958f"))
    wind = rng.uniform(-0.5, 0.5)
    wave = rng.uniform(0.3, 1.5)
    strokes = Strokes()
    for depth in np.linspace(0.0, 1.0, 60):
        guide = _lock(rng, side, wind, wave)
        spread = side * rng.uniform(0.008, 0.022)
        strands = 48 if depth < 0.9 else 14
        for _ in range(strands):
            offset = rng.standard_normal(2) * spread
            t = np.linspace(0.0, 1.0, len(guide))[:, None]
            stray = rng.standard_normal(2) * side * (0.012 if rng.random() < 0.85 else 0.06)
            apart = offset * (1.0 - 0.55 * np.sin(np.pi * np.minimum(t * 1.2, 1.0)))
            # Roots lie on the scalp; below it, strands lie anywhere about their lock.
            falls = np.minimum(t[:, 0] * 6.0, 1.0)
            root = _scalp((guide[0, 0] + apart[0, 0]) / side) * side - guide[0, 1]
            apart[:, 1] = falls * apart[:, 1] + (1.0 - falls) * root
            path = guide + apart + stray * t**2
            end = int(len(path) * rng.uniform(0.72, 1.0))
            strokes.add(path[:end], *_strand(rng, path[:end], hue, side, float(depth)))
    strokes.draw(raster)
    return average_down(raster)


def _lock(rng: np.random.Generator, side: int, wind: float, wave: float) -> Points:
    """The curve of one lock, seen from behind: from the crown over the side of the head, then down."""
    where = float(rng.uniform(-1.0, 1.0))
    t = np.linspace(0.0, 1.0, 9)
    arc = np.sin(np.minimum(t / 0.45, 1.0) * np.pi / 2)
    x = 0.5 + where * (0.16 + 0.07 * arc) + rng.normal(0.0, 0.008)
    x = x + (wind * 0.35 + 0.10 * where) * np.maximum(t - 0.35, 0.0) ** 1.5 * rng.uniform(0.5, 1.6)
    x = x + 0.026 * wave * np.sin(t * rng.uniform(9, 15) + rng.uniform(0, 2 * np.pi)) * t
    crown = _scalp(x[0])
    y = crown + (rng.uniform(0.64, 0.82) - 0.1 * where**2) * (0.75 * t + 0.25 * t**2)
    return smooth_path(np.stack([x, y], axis=1) * side, 44)


def _scalp(x: float) -> float:
    """Height of the dome that hair grows from, both in units of the raster's side."""
    where = min(abs(x - 0.5) / 0.17, 1.0)
    return 0.07 + 0.14 * (1.0 - float(np.sqrt(1.0 - where**2)))


def _strand(
    rng: np.random.Generator, path: Points, hue: Points, side: int, depth: float
) -> tuple[Points, Points]:
    """Radii [n] and colours [n, 3] of a strand; locks at the back are darker."""
    n = len(path)
    t = np.linspace(0.0, 1.0, n, dtype=np.float32)
    tangent = np.gradient(np.asarray(path, np.float32), axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-6
    towards = tangent[:, 0] * LIGHT[0] + tangent[:, 1] * LIGHT[1] + rng.normal(0.0, 0.05)
    across = np.clip(1.0 - towards**2, 0.0, 1.0)
    sheen = across**9
    shade = (0.35 + 0.65 * depth) * (0.45 + 0.55 * across) * rng.lognormal(0.0, 0.25)
    # The band of light around the crown, ragged because every strand turns a little.
    ring = np.exp(-(((t - rng.normal(0.2, 0.025)) / 0.06) ** 2))
    glint = 0.16 * sheen * (0.3 + 0.7 * depth) + 0.2 * ring * rng.uniform(0.3, 1.0)
    rgb = hue * shade[:, None] + glint[:, None] * mix(hue, 1.0, 0.35)
    radius = side / 900 * rng.uniform(0.55, 1.1) * (1.0 - 0.75 * t**3)
    return radius.astype(np.float32), rgb.astype(np.float32)


def draw_grass(rng: np.random.Generator, size: int) -> Raster:
    """A tuft of grass with seed heads, lit from above; blades at the back are darker."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    green, dry = pick(rng, ("#5d7f2e", "#6f9438", "#4c6f33")), pick(rng, ("#b9a862", "#a7b25a"))
    wind = rng.normal(0.0, 0.13)
    strokes = Strokes(roundness=0.35)
    for depth in np.linspace(0.0, 1.0, 130):
        x = side * (0.5 + 0.13 * rng.standard_normal())
        height = side * rng.uniform(0.35, 0.92)
        lean = (x / side - 0.5) * 0.9 + wind + rng.normal(0.0, 0.16)
        droop = rng.uniform(0.0, 0.35) * np.sign(lean)
        t = np.linspace(0.0, 1.0, 26, dtype=np.float32)
        path = np.stack(
            [x + height * (lean * t + droop * t**3), side * 0.985 - height * (t - 0.28 * abs(droop) * t**4)],
            axis=1,
        )
        body = mix(green, dry, np.clip(rng.normal(0.15, 0.25), 0.0, 1.0))
        rgb = body * ((0.25 + 0.75 * depth) * (0.3 + 1.0 * t) * rng.uniform(0.75, 1.2))[:, None]
        if rng.random() < 0.1:
            _seed_head(rng, strokes, path, side, dry)
            strokes.add(path, side / 700, rgb)
        else:
            blade = side * rng.uniform(0.0032, 0.0075) * np.clip(1.15 - t, 0.0, 1.0) ** 0.75
            strokes.add(path, blade * np.minimum(0.6 + 2 * t, 1.0), rgb)
    strokes.draw(raster)
    return average_down(raster)


def _seed_head(rng: np.random.Generator, strokes: Strokes, stem: Points, side: int, rgb: Points) -> None:
    """A panicle: grains on short stalks along the end of a stem."""
    for t in np.linspace(0.72, 1.0, 40):
        i = min(int(t * len(stem)), len(stem) - 2)
        along = stem[i + 1] - stem[i]
        along = along / (np.linalg.norm(along) + 1e-6)
        turn = rng.choice((-1.0, 1.0)) * rng.uniform(0.3, 0.7)
        way = np.asarray([along[0] - turn * along[1], along[1] + turn * along[0]])
        reach = side * 0.022 * (1.25 - t) * rng.uniform(0.7, 1.5) * 2.0
        tip = stem[i] + way * reach
        tone = rgb * rng.uniform(0.6, 1.15)
        strokes.add(np.stack([stem[i], tip]), side / 1300, tone * 0.8)
        grain = np.stack([tip, tip + way * side * 0.006, tip + way * side * 0.012])
        strokes.add(grain, np.asarray([0.3, 1.0, 0.2]) * side / 420, tone)


def draw_feather(rng: np.random.Generator, size: int) -> Raster:
    """One feather: barbs that cling together in vanes, split here and there, downy at the base."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    bend = rng.uniform(-0.22, 0.22)
    knots = [(0.5 - bend * 0.5, 0.97), (0.5 - 0.1 * bend, 0.7), (0.5 + 0.25 * bend, 0.38), (0.5 + bend, 0.04)]
    shaft = smooth_path(np.asarray(knots) * side, 420)
    light, dark = (
        pick(rng, ("#e9e2d4", "#c9b08a", "#b8bcc0", "#d8c9b0")),
        pick(rng, ("#4a3a2c", "#5b6470", "#6e4a2a")),
    )
    bars, phase = rng.uniform(4.0, 9.0), rng.uniform(0.0, 6.0)
    strokes = Strokes(roundness=0.2)
    for hand in (-1.0, 1.0):
        gaps = np.sort(rng.uniform(0.2, 0.95, 4))
        width = side * (0.12 if hand < 0 else 0.085) * rng.uniform(0.85, 1.1)
        for i in range(30, len(shaft) - 2):
            for _ in range(2):
                t = i / len(shaft)
                _barb(
                    rng,
                    strokes,
                    shaft,
                    i,
                    hand,
                    width,
                    float(np.min(np.abs(gaps - t))),
                    (light, dark, bars, phase),
                )
    strokes.add(shaft, side / 190 * np.linspace(1.0, 0.15, len(shaft)), mix(light, 1.0, 0.25) * 0.85)
    strokes.draw(raster)
    return average_down(raster)


def _barb(
    rng: np.random.Generator,
    strokes: Strokes,
    shaft: Points,
    i: int,
    hand: float,
    width: float,
    gap: float,
    look: tuple[Points, Points, float, float],
) -> None:
    """One barb; downy ones at the base float apart, the others lean towards the tip."""
    light, dark, bars, phase = look
    t = i / len(shaft)
    along = shaft[i + 1] - shaft[i - 1]
    along = along / np.linalg.norm(along)
    side_way = np.asarray([-along[1], along[0]]) * hand
    down = 1.0 - float(smoothstep(0.10, 0.30, t))
    profile = np.sin(np.pi * min(0.12 + 0.9 * t, 1.0)) ** 0.6 * (1.0 - 0.4 * down)
    u = np.linspace(0.0, 1.0, 10)[:, None]
    loose = rng.standard_normal(2) * width * (0.02 + 0.32 * down + 0.10 * (gap < 0.012))
    path = shaft[i] + width * profile * (side_way * u * 0.85 + along * (0.42 * u + 0.3 * u**2)) + loose * u**2
    band = 0.5 + 0.5 * np.sin(phase + bars * 2 * np.pi * (t + 0.05 * u))
    tone = mix(light, dark, smoothstep(0.55, 0.8, band) * (1.0 - down))
    tone = tone * (0.72 + 0.28 * u) * rng.uniform(0.85, 1.1) * (0.85 if hand > 0 else 1.0)
    strokes.add(path, width / 95 * (1.0 - 0.55 * u[:, 0]) * (1.0 - 0.55 * down), tone)


def draw_dandelion(rng: np.random.Generator, size: int) -> Raster:
    """A seed head: parachutes on a sphere, back ones first, some blown away."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    centre = np.asarray([0.5, 0.37], np.float32) * side
    radius = side * 0.25
    foot = np.asarray([rng.uniform(0.42, 0.58), 0.99]) * side
    middle = centre + np.asarray([rng.normal(0.0, 0.02), 0.3]) * side
    stem = smooth_path([centre, middle, foot], 40)
    stalk = Strokes(roundness=0.8)
    stalk.add(stem, side / 110, pick(rng, ("#8a9a55", "#9a8a5c")) * 0.7)
    stalk.draw(raster)
    count = 210
    height = 1.0 - 2.0 * (np.arange(count) + 0.5) / count
    turn = np.arange(count) * np.pi * (3.0 - np.sqrt(5.0)) + rng.uniform(0, 6)
    flat = np.sqrt(1.0 - height**2)
    ball = np.stack([flat * np.cos(turn), height, flat * np.sin(turn)], axis=1)
    missing = rng.standard_normal(3)
    ball = ball[ball @ (missing / np.linalg.norm(missing)) < rng.uniform(0.55, 1.0)]
    strokes = Strokes()
    for way in ball[np.argsort(ball[:, 2])].astype(np.float32):
        _parachute(rng, strokes, centre, radius, way, side)
    strokes.draw(raster)
    core = Strokes(roundness=0.7)
    core.add(np.stack([centre, centre + 0.5]), side * 0.028, colour("#6b5a3c"))
    core.draw(raster)
    return average_down(raster)


def _parachute(
    rng: np.random.Generator, strokes: Strokes, centre: Points, radius: float, way: Points, side: int
) -> None:
    """Seed, stalk and a star of fine hairs at its end."""
    bright = 0.35 + 0.4 * (way[2] * 0.5 + 0.5) + 0.2 * max(-way[1], 0.0)
    hub = centre + way[:2] * radius * rng.uniform(0.9, 1.0)
    strokes.add(
        np.stack([centre + way[:2] * side * 0.03, hub]), side / 1250, colour("#cfc6b4") * bright * 0.7
    )
    seed = np.stack([centre + way[:2] * side * 0.028, centre + way[:2] * side * 0.05])
    strokes.add(seed, np.asarray([1.0, 0.5]) * side / 420, colour("#5a4a30") * bright)
    normal = np.asarray(way)
    first = np.cross(normal, [0.3, 0.9, 0.2])
    first /= np.linalg.norm(first)
    second = np.cross(normal, first)
    for a in np.arange(22) / 22 * 2 * np.pi + rng.uniform(0, 1):
        spread = first * np.cos(a) + second * np.sin(a)
        tip = hub + (spread * 0.9 + normal * 0.35)[:2] * radius * rng.uniform(0.22, 0.3)
        strokes.add(np.stack([hub, tip]), np.asarray([1.0, 0.55]) * side / 1900, colour("#f4f0e8") * bright)
