"""Drawn backgrounds of wide views: a lake, glittering sea, a forest in the sun; linear RGB [h, w, 3]."""

from __future__ import annotations

import cv2
import numpy as np

from bokehbench.synth.assets.brushes import Strokes, blank, colour, mix, pick, smoothstep
from bokehbench.synth.assets.noise import fbm
from bokehbench.synth.assets.sky import draw_sky
from bokehbench.synth.assets.textures import Picture, Size, finish, grid

# -------------------------------------------------------------------------------------------------- lake


def draw_lake(rng: np.random.Generator, size: Size) -> Picture:
    """A lake between wooded hills under the sun of any hour, mirrored in broken stripes."""
    x, y, unit = grid(size)
    h = x.shape[0]
    shore = float(rng.uniform(0.56, 0.72) * h)
    rgb, sun, tone = draw_sky(rng, x, y, shore, unit)
    haze = np.asarray(rgb[int(shore) - 2].mean(axis=0), np.float32)
    for depth in np.linspace(0.0, 1.0, int(rng.integers(3, 6))):
        _ridge(rng, rgb, shore, unit, float(depth), mix(haze, (0.012, 0.018, 0.016), 0.35 + 0.62 * depth))
    _mirror(rng, rgb, shore, unit, sun, tone)
    if rng.random() < 0.6:
        _reeds(rng, rgb, unit)
    return finish(rgb)


def _ridge(
    rng: np.random.Generator, rgb: Picture, shore: float, unit: int, depth: float, tone: Picture
) -> None:
    """One range of hills; the nearer, the lower and the darker, with single firs on its crest."""
    w = rgb.shape[1]
    reach = unit * (0.20 - 0.13 * depth)
    crest = reach * (0.45 + 0.30 * fbm(rng, (1, w), unit * (1.1 - 0.5 * depth), 4)[0])
    trees = np.zeros(w, np.float32)
    columns = np.arange(w, dtype=np.float32)
    if depth > 0.3:
        own = rng.spawn(1)[0]
        for _ in range(int((70 + 60 * depth) * w / unit)):
            tall = unit * (0.008 + 0.040 * depth**1.5) * own.uniform(0.45, 1.2)
            at, half = own.uniform(0, w), tall * own.uniform(0.16, 0.26)
            # A fir: a cone whose outline steps in at every whorl of branches.
            part = slice(max(int(at - half), 0), min(int(at + half) + 2, w))
            side = np.abs(columns[part] - at) / half
            outline = 1.0 - side + 0.10 * np.abs(np.sin(side * 11.0 + own.uniform(0, 3)))
            trees[part] = np.maximum(trees[part], tall * np.clip(outline, 0.0, 1.0))
    top = shore - np.maximum(crest, reach * 0.06) - trees
    rows = np.arange(rgb.shape[0], dtype=np.float32)[:, None]
    cover = np.clip(rows - top[None, :] + 0.5, 0.0, 1.0) * (rows <= shore)
    # Mist gathers at the foot of far hills.
    mist = (0.55 * (1.0 - depth) * smoothstep(shore - reach * 0.8, shore, rows))[..., None]
    rgb[:] = mix(rgb, mix(tone, rgb[int(shore) - 1].mean(axis=0), mist), cover[..., None])


def _mirror(
    rng: np.random.Generator, rgb: Picture, shore: float, unit: int, sun: tuple[float, float], tone: Picture
) -> None:
    """Water below the shore line, in place: what stands above, shaken by waves that grow towards us."""
    h, w = rgb.shape[:2]
    start = int(shore)
    down = np.arange(1, h - start + 1, dtype=np.float32)[:, None]
    away = down / (h - start)
    columns, rows = np.broadcast_arrays(np.arange(w, dtype=np.float32)[None, :], down)
    # Equal waves on the ground: finer and flatter the nearer they are to the horizon.
    far = 1.0 / (away + 0.03)
    source = fbm(rng, (512, 2048), 40.0, 4)
    u = np.mod(columns / unit * 160.0 * far**0.55 + 300.0, 2000.0)
    v = np.mod(90.0 * np.log(far) * 2.2, 500.0)
    wave = cv2.remap(source, u.astype(np.float32), (v + 0.0 * u).astype(np.float32), cv2.INTER_LINEAR)
    shake = rng.uniform(0.4, 1.3)
    lifted = rows * 0.92 + wave * shake * unit * 0.045 * away**0.7
    above = np.clip(start - 1 - np.abs(lifted), 0, start - 1)
    moved = columns + wave * shake * unit * 0.006 * away
    image = cv2.remap(
        rgb,
        moved.astype(np.float32),
        above.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    depth_tone = np.asarray([0.010, 0.022, 0.030], np.float32)
    fresnel = (0.85 - 0.45 * away)[..., None]
    water = np.minimum(image, 8.0) * fresnel + depth_tone * (1.0 - fresnel) * 2.0
    # Facets that face the sun: a path of sparks below it.
    spread = unit * (0.012 + 0.10 * away)
    path = np.exp(-(((columns - sun[0]) / spread) ** 2))
    fine = fbm(rng, (512, 2048), 14.0, 2)
    u, v = np.mod(columns / unit * 420.0 * far**0.4, 2000.0), np.mod(v * 9.0, 500.0)
    ripple = cv2.remap(fine, u.astype(np.float32), (v + 0.0 * u).astype(np.float32), cv2.INTER_LINEAR)
    spark = smoothstep(1.2, 1.9, ripple + 0.5 * wave + 0.75 * path) * path * np.exp(-away / 0.6)
    rgb[start:] = water + (rng.uniform(4.0, 14.0) * spark)[..., None] * tone
    rgb[start : start + max(unit // 300, 1)] *= 0.55


def _reeds(rng: np.random.Generator, rgb: Picture, unit: int) -> None:
    """Dark reeds in front of a lower corner."""
    h, w = rgb.shape[:2]
    raster = blank(w, h)
    strokes = Strokes()
    left = rng.random() < 0.5
    for _ in range(int(rng.integers(40, 110))):
        foot = abs(rng.normal(0.0, 0.22)) * w
        x = foot if left else w - foot
        tall, lean = unit * rng.uniform(0.10, 0.34) * np.exp(-foot / w), rng.normal(0.0, 0.16)
        t = np.linspace(0.0, 1.0, 14)
        path = np.stack([x + lean * tall * t**2, h + unit * 0.01 - tall * t], axis=1)
        tone = np.asarray([0.012, 0.013, 0.010]) * rng.uniform(0.6, 2.2)
        strokes.add(path, unit / 700 * (1.15 - t), tone)
        if rng.random() < 0.3:
            strokes.add(path[9:13], unit / 190, tone * np.asarray([1.8, 1.2, 0.8]))
    strokes.draw(raster)
    rgb[:] = rgb * (1.0 - raster[..., 3:4]) + raster[..., :3]


# --------------------------------------------------------------------------------------------------- sea


def draw_sea(rng: np.random.Generator, size: Size) -> Picture:
    """Open water to the horizon: waves of all lengths, sky in their backs, thousands of sparks of the sun."""
    x, y, unit = grid(size)
    h, w = x.shape
    horizon = float(rng.uniform(0.12, 0.34) * h)
    rgb, sun, tone = draw_sky(rng, x, y, horizon, unit)
    start = int(horizon)
    half = np.ascontiguousarray(x[start::2, ::2]), np.ascontiguousarray(y[start::2, ::2])
    eye = rng.uniform(0.25, 0.5)
    depth = eye * unit / np.maximum(half[1] - horizon, 0.5)
    across = (half[0] - w / 2) * depth / unit
    slope_x, slope_z = _waves(rng, across, depth, unit)
    fine = [cv2.resize(c, (w, h - start), interpolation=cv2.INTER_CUBIC) for c in (slope_x, slope_z, depth)]
    deep = pick(rng, ("#0a3d4f", "#0d2f4a", "#12483f", "#123552"))
    grazing = 1.0 / np.sqrt(1.0 + (fine[2] / eye) ** 2)
    facing = np.clip(grazing + fine[1] * 0.9, 0.02, 1.0)
    fresnel = (0.02 + 0.98 * (1.0 - facing) ** 5)[..., None]
    level = np.clip(
        horizon - unit * (0.06 + 0.9 * np.clip(grazing + 1.6 * fine[1], 0.0, 0.8)), 0, horizon - 2
    )
    columns = np.clip(x[start:] + fine[0] * unit * 0.5, 0, w - 1)
    sky = cv2.remap(rgb, columns.astype(np.float32), level.astype(np.float32), cv2.INTER_LINEAR)
    water = mix(
        deep * (0.6 + 1.8 * np.clip(fine[1] * 2.0 + 0.2, 0, 1))[..., None], np.minimum(sky, 3.0), fresnel
    )
    haze = smoothstep(18.0, 120.0, fine[2])[..., None]
    water = mix(water, rgb[max(start - 3, 0)].mean(axis=0) * 0.8, 0.6 * haze)
    rgb[start:] = water
    _glitter(rng, rgb, start, unit, sun[0], tone, fine)
    return finish(rgb)


def _waves(rng: np.random.Generator, across: Picture, depth: Picture, unit: int) -> tuple[Picture, Picture]:
    """Slopes (sideways, away from us) [h, w] of a sea of sines; what a pixel cannot hold is left out."""
    slope_x, slope_z = (np.zeros_like(depth) for _ in range(2))
    wind = rng.normal(0.0, 0.5)
    steep = rng.uniform(0.05, 0.10)
    # A pixel covers depth / unit sideways and far more along the line of sight.
    footprint = np.abs(np.gradient(depth, axis=0)) + depth * 2.0 / unit
    for length in np.geomspace(0.9, 0.016, 26):
        angle = wind + rng.normal(0.0, 0.6)
        kx, kz = np.sin(angle) * 2 * np.pi / length, np.cos(angle) * 2 * np.pi / length
        phase = kx * across + kz * depth + rng.uniform(0, 6.3)
        gain = steep * smoothstep(0.6, 0.22, footprint / length)
        crest = np.cos(phase + 0.6 * np.sin(phase)) * gain
        slope_x += np.sin(angle) * crest
        slope_z += np.cos(angle) * crest
    return slope_x, slope_z


def _glitter(
    rng: np.random.Generator,
    rgb: Picture,
    start: int,
    unit: int,
    sun: float,
    tone: Picture,
    fine: list[Picture],
) -> None:
    """Sparks where a facet throws the sun at us, sizes from a fraction of a pixel, in place."""
    h, w = rgb.shape[:2]
    raster = blank(w, h - start)
    strokes = Strokes()
    own = rng.spawn(1)[0]
    height = h - start
    spread = own.uniform(0.08, 0.2)
    for _ in range(2600):
        down = own.random() ** 1.5
        x, row = sun + own.normal(0, spread) * unit * (0.35 + 1.2 * down), down * height
        if not 0 <= x < w or row >= height:
            continue
        tilt = float(fine[1][int(row), int(x)])
        if own.random() > 0.25 + 6.0 * abs(tilt):
            continue
        radius = unit / 1000 * own.gamma(2.0, 0.22) * (0.35 + 2.2 * down)
        wide = np.asarray([[-1.0, 0.0], [1.0, own.normal(0, 0.2)]]) * radius * own.uniform(0.5, 2.0)
        strokes.add(np.asarray([x, row]) + wide, radius * 0.55, tone * own.lognormal(2.6, 0.8))
    strokes.draw(raster)
    rgb[start:] = rgb[start:] * (1.0 - raster[..., 3:4]) + raster[..., :3]


# ------------------------------------------------------------------------------------------------ forest

WOODS = (
    ("#e8f0b0", "#7fa03a", "#2f4a1c", "#3c3226"),
    ("#f6e2a0", "#c08a2c", "#6a3f14", "#3a2c22"),
    ("#e6eeb4", "#568038", "#1d3524", "#40362c"),
    ("#f2e6c0", "#8fa048", "#38481c", "#b8b2a4"),
)


def draw_forest(rng: np.random.Generator, size: Size) -> Picture:
    """Inside a wood: trunks in rows of depth, leaves against the light, bright holes, patches of sun."""
    x, y, unit = grid(size)
    h, w = x.shape
    glow, leaf, deep, bark = (colour(c) for c in WOODS[int(rng.integers(len(WOODS)))])
    floor = float(rng.uniform(0.68, 0.82) * h)
    away = np.hypot((x - w * rng.uniform(0.3, 0.7)) / unit, (y - h * rng.uniform(0.2, 0.45)) / unit)
    light = np.exp(-((away / rng.uniform(0.3, 0.5)) ** 2))
    haze = mix(mix(deep, leaf, 0.5), glow, light[..., None]) * (0.35 + 1.25 * light)[..., None]
    rgb = np.asarray(haze * (1.0 + 0.2 * fbm(rng, (h, w), unit / 14, 5))[..., None], np.float32)
    _holes(rng, rgb, floor, unit, light, glow)
    _floor(rng, rgb, floor, unit, leaf, deep)
    for depth in (0.12, 0.3, 0.55, 1.0):
        shade = mix(np.minimum(rgb, 1.0).mean(axis=(0, 1)) * 0.7, deep * 0.6, depth**0.6)
        _trunks(rng, rgb, floor, unit, depth, mix(shade, bark, 0.45 * depth + 0.25))
        _undergrowth(rng, rgb, floor, unit, depth, leaf, deep)
        _leaves(rng, rgb, floor, unit, depth, leaf, glow)
    return finish(rgb)


def _floor(
    rng: np.random.Generator, rgb: Picture, floor: float, unit: int, leaf: Picture, deep: Picture
) -> None:
    """Ground that falls into shade towards us, with patches where the sun comes through, in place."""
    h, w = rgb.shape[:2]
    start = int(floor)
    down = ((np.arange(start, h) - start) / (h - start)).astype(np.float32)[:, None]
    source = fbm(rng, (512, 1024), 120.0, 6)
    columns = np.mod(np.arange(w, dtype=np.float32)[None, :] / unit * 300.0 / (0.4 + down) + 100.0, 1000.0)
    rows = (180.0 * np.log(0.08 + down) + 480.0) + 0.0 * columns
    litter = cv2.remap(source, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_LINEAR)
    speck = fbm(rng, litter.shape, unit / 60, 4)
    sun = smoothstep(0.3, 1.5, litter + 0.30 * fbm(rng, litter.shape, unit / 12, 4) + 0.22 * speck)
    ground = mix(deep * 0.8, leaf * 0.5, smoothstep(-1.5, 1.5, litter)[..., None])
    ground = ground * np.clip(1.0 + 0.25 * speck, 0.4, 1.6)[..., None]
    ground = ground + (sun * np.clip(0.8 + 0.2 * speck, 0.3, 1.4))[..., None] * mix(
        leaf, colour("#f4e6a0"), 0.4
    )
    fade = smoothstep(0.0, 0.5, down)[..., None]
    rgb[start:] = mix(rgb[start:], ground * np.float32(0.85), 0.35 + 0.65 * fade)


def _trunks(
    rng: np.random.Generator, rgb: Picture, floor: float, unit: int, depth: float, tone: Picture
) -> None:
    """One row of trees: stems that lean a little, boughs, bark in the side light, in place."""
    h, w = rgb.shape[:2]
    raster = blank(w, h)
    strokes = Strokes(roundness=0.65)
    foot = floor + (h - floor) * (depth**1.8 * 0.75)
    for _ in range(int(rng.integers(3, 6) * w / unit * (1.6 - depth) ** 2) + 1):
        x, thick = rng.uniform(0, w), unit * (0.004 + 0.022 * depth) * rng.uniform(0.5, 1.5)
        lean = rng.normal(0, 0.06)
        knots = [
            (x + lean * unit * t + rng.normal(0, 0.008) * unit, foot * (1 - t * 1.05))
            for t in (0, 0.35, 0.7, 1)
        ]
        knots[0] = (x, foot + unit * 0.01)
        t = np.linspace(0.0, 1.0, 60)
        path = np.stack([np.interp(t, (0, 0.35, 0.7, 1), [k[i] for k in knots]) for i in (0, 1)], axis=1)
        radius = thick * (1.0 - 0.55 * t + 0.25 * np.exp(-t / 0.05))
        grain = 1.0 + 0.25 * rng.spawn(1)[0].standard_normal((60, 1)).clip(-2, 2)
        strokes.add(path, radius, tone * grain)
        for _ in range(int(rng.integers(1, 6))):
            k, out = int(rng.integers(15, 58)), rng.choice((-1.0, 1.0)) * rng.uniform(0.5, 1.2)
            reach = unit * rng.uniform(0.05, 0.22) * (0.4 + depth)
            bough = path[k] + np.asarray([[0, 0], [out * 0.5, -0.25], [out, -0.65]]) * reach
            strokes.add(bough, radius[k] * np.asarray([0.42, 0.25, 0.08]), tone)
    strokes.draw(raster)
    rgb[:] = rgb * (1.0 - raster[..., 3:4]) + raster[..., :3]


def _undergrowth(
    rng: np.random.Generator,
    rgb: Picture,
    floor: float,
    unit: int,
    depth: float,
    leaf: Picture,
    deep: Picture,
) -> None:
    """Grass and ferns in which the row of trees stands, in place."""
    h, w = rgb.shape[:2]
    raster = blank(w, h)
    strokes = Strokes()
    own = rng.spawn(1)[0]
    foot = floor + (h - floor) * (depth**1.8 * 0.75)
    tufts = fbm(rng, (1, 256), 24.0, 4)[0]
    for _ in range(int(1900 * w / unit * (1.4 - depth))):
        u = own.random()
        x, y = u * w, foot + unit * 0.03 * depth * own.uniform(-0.3, 2.2)
        tall = unit * (0.006 + 0.035 * depth) * own.uniform(0.3, 1.2) * (1.0 + 0.45 * tufts[int(u * 255)])
        lean = own.normal(0.0, 0.5) * tall
        tone = mix(deep * 0.7, leaf, own.beta(1.0, 1.8)) * (0.35 + 0.5 * (1.0 - depth))
        path = np.asarray([[x, y], [x + 0.4 * lean, y - 0.7 * tall], [x + lean, y - tall]])
        strokes.add(path, unit / 1000 * (0.4 + 1.4 * depth) * np.asarray([1.0, 0.8, 0.2]), tone)
    strokes.draw(raster)
    rgb[:] = rgb * (1.0 - raster[..., 3:4]) + raster[..., :3]


def _holes(
    rng: np.random.Generator, rgb: Picture, floor: float, unit: int, light: Picture, glow: Picture
) -> None:
    """Gaps of open sky between the farthest leaves, several times brighter than white, in place."""
    h, w = rgb.shape[:2]
    raster = blank(w, h)
    strokes = Strokes()
    own = rng.spawn(1)[0]
    for _ in range(int(1300 * w / unit)):
        at = np.asarray([own.uniform(0, w), own.beta(1.0, 2.6) * floor * 0.85])
        if own.random() > 0.15 + 0.6 * light[int(at[1]), int(at[0])]:
            continue
        size = unit * own.lognormal(-5.9, 0.5)
        path = at + own.normal(0.0, 1.2, (3, 2)) * size
        strokes.add(path, size * own.uniform(0.3, 1.0, 3), mix(glow, 1.0, 0.4) * own.lognormal(1.3, 0.7))
    strokes.draw(raster)
    rgb[:] = rgb * (1.0 - raster[..., 3:4]) + raster[..., :3]


def _leaves(
    rng: np.random.Generator,
    rgb: Picture,
    floor: float,
    unit: int,
    depth: float,
    leaf: Picture,
    glow: Picture,
) -> None:
    """Clumps of leaves that shine where the light stands behind them, in place."""
    h, w = rgb.shape[:2]
    raster = blank(w, h)
    strokes = Strokes()
    own = rng.spawn(1)[0]
    clumps = fbm(rng, (96, 96), 24.0, 4) + np.linspace(1.1, -1.6, 96)[:, None]
    count = int(9000 * (w / unit) * (1.15 - 0.8 * depth))
    place, hue = own.random((count, 2)), own.uniform(0.86, 1.14, (count, 3))
    grown = clumps[(place[:, 1] * 95).astype(int), (place[:, 0] * 95).astype(int)]
    length = unit * (0.0022 + 0.012 * depth) * own.uniform(0.6, 1.4, count)
    way, lit = own.uniform(0, np.pi, count), own.beta(0.9, 1.6, (count, 1)) ** 1.5
    tone = mix(leaf * (0.12 + 0.3 * (1.0 - depth)), mix(leaf, glow, 0.35) * 1.25, lit) * hue
    half = np.stack([np.cos(way), np.sin(way)], axis=1) * length[:, None]
    at = place * (w, floor * 1.02)
    path = np.stack([at - half, at, at + half], axis=1)
    for k in np.flatnonzero(grown > 0.35 + 0.25 * own.standard_normal(count)):
        strokes.add(path[k], length[k] * np.asarray([0.12, 0.42, 0.08]), tone[k])
    strokes.draw(raster)
    rgb[:] = rgb * (1.0 - raster[..., 3:4]) + raster[..., :3]
