"""Foregrounds of strands that pass over and under each other: rope with its fibres, chain of links."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.synth.assets.brushes import (
    OVERSAMPLING,
    Raster,
    Strokes,
    average_down,
    blank,
    colour,
    mix,
    over,
    pick,
    smooth_path,
    smoothstep,
)
from bokehbench.synth.assets.noise import fbm

Points = npt.NDArray[np.float32]
HEMP = ("#a88656", "#c2a878", "#8f7148", "#d9cdb4", "#5f6f7a", "#7d3b30")


def draw_rope(rng: np.random.Generator, size: int) -> Raster:
    """A laid rope of three strands: knotted, in a coil, or several lengths that hang side by side."""
    side = size * OVERSAMPLING
    shape = int(rng.integers(3))
    tone = pick(rng, HEMP)
    raster = blank(side, side)
    if shape == 0:
        radius = side * rng.uniform(0.028, 0.040)
        path, height = _knot(rng, side)
        _lay_runs(rng, raster, path, height, radius, tone)
    elif shape == 1:
        radius = side * rng.uniform(0.017, 0.024)
        path, height = _coil(rng, side, radius)
        _lay_runs(rng, raster, path, height, radius, tone)
    else:
        for x in (np.arange(3) + 0.5 + rng.uniform(-0.3, 0.3, 3)) / 3.0:
            radius = side * rng.uniform(0.014, 0.034)
            path = _hanging(rng, side, float(x))
            _lay_runs(rng, raster, path, np.ones(len(path)), radius, tone)
    return average_down(raster)


def _knot(rng: np.random.Generator, side: int) -> tuple[Points, npt.NDArray[np.float64]]:
    """An overhand knot with two tails: an opened trefoil; points [n, 2] and heights over the plane [n]."""
    t = np.linspace(0.12, 2 * np.pi - 0.12, 700) + np.pi / 3
    x, y = np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t)
    height = -np.sin(3 * t)
    loop = np.stack([x, y], axis=1) * side * 0.105
    turn = rng.uniform(0, 2 * np.pi)
    spin = np.asarray([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    loop = loop @ spin.T + side * 0.5
    tails = []
    for end, inner in ((loop[0], loop[12]), (loop[-1], loop[-13])):
        way = (end - inner) / np.linalg.norm(end - inner)
        normal = np.asarray([-way[1], way[0]]) * rng.normal(0, 0.06) * side
        knots = [end, end + way * side * 0.10 + normal * 0.4, end + way * side * 0.22 + normal]
        tails.append(smooth_path(knots, 260)[1:])
    path = np.concatenate([tails[0][::-1], loop, tails[1]])
    levels = np.concatenate([np.full(259, height[0]), height, np.full(259, height[-1])])
    return np.asarray(path, np.float32), levels


def _coil(rng: np.random.Generator, side: int, radius: float) -> tuple[Points, npt.NDArray[np.float64]]:
    """Loops of a coil that hangs: their front halves lie over their back halves."""
    loops = int(rng.integers(5, 8))
    t = np.linspace(0.0, 2 * np.pi * loops, 340 * loops)
    wobble = np.interp(t / (2 * np.pi), np.arange(loops + 1), rng.normal(0, 0.5, loops + 1))
    wide = side * 0.27 * (1.0 + 0.07 * wobble)
    tall = side * 0.36 * (1.0 + 0.05 * np.roll(wobble, 37))
    x = side * 0.5 + wide * np.sin(t) + (t / (2 * np.pi) - loops / 2) * radius * 1.7
    y = side * 0.47 - tall * np.cos(t)
    return np.asarray(np.stack([x, y], axis=1), np.float32), np.where(np.sin(t) > 0, 1.0, -1.0)


def _hanging(rng: np.random.Generator, side: int, x: float) -> Points:
    """A length that hangs, swaying a little."""
    knots = [(x + rng.normal(0, 0.012), y) for y in (0.05, 0.35, 0.7, rng.uniform(0.8, 0.97))]
    return smooth_path(np.asarray(knots) * side, 700)


def _lay_runs(
    rng: np.random.Generator,
    raster: Raster,
    path: Points,
    height: npt.NDArray[np.float64],
    radius: float,
    tone: Points,
) -> None:
    """Draw a rope along `path`: parts of negative height first, the others over them with their shadow."""
    step = np.linalg.norm(np.diff(path, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(step)])
    pieces = _pieces(rng, path, along, radius)
    for upper in (False, True):
        layer = blank(raster.shape[1], raster.shape[0])
        strokes, yarns = Strokes(roundness=0.85, gloss=0.04), Strokes()
        for start, curve in pieces:
            if (float(np.interp(start, along, height)) >= 0.0) != upper:
                continue
            _strand(rng, strokes, curve, radius, tone)
        strokes.draw(layer)
        _fibres(rng, yarns, path, along, height, upper, radius, tone)
        yarns.draw(layer)
        shadow = cv2.GaussianBlur(np.ascontiguousarray(layer[..., 3]), (0, 0), radius * 0.7)
        moved = np.asarray([[1, 0, radius * 0.35], [0, 1, radius * 0.5]], np.float32)
        shadow = cv2.warpAffine(shadow, moved, shadow.shape[::-1])
        raster[..., :3] *= (1.0 - 0.65 * shadow)[..., None]
        over(raster, layer)


def _pieces(
    rng: np.random.Generator, path: Points, along: npt.NDArray[np.float64], radius: float
) -> list[tuple[float, Points]]:
    """Visible half turns of the three strands, in the order in which they lie over each other."""
    pitch = radius * rng.uniform(5.6, 7.0)
    slant = np.linspace(0.0, 1.0, 14)
    across = -np.cos(slant * np.pi) * radius * 0.62
    pieces = []
    for start in np.arange(-0.5 * pitch, along[-1], pitch / 3.0):
        s = np.clip(start + slant * pitch * 0.62, 0.0, along[-1])
        if s[-1] - s[0] < 0.2 * pitch:
            continue
        centre = np.stack([np.interp(s, along, path[:, k]) for k in (0, 1)], axis=1)
        ahead = np.stack([np.interp(s + 1.0, along, path[:, k]) for k in (0, 1)], axis=1)
        behind = np.stack([np.interp(s - 1.0, along, path[:, k]) for k in (0, 1)], axis=1)
        way = ahead - behind
        way /= np.linalg.norm(way, axis=1, keepdims=True) + 1e-9
        normal = np.stack([-way[:, 1], way[:, 0]], axis=1)
        pieces.append((float(s[7]), np.asarray(centre + normal * across[:, None], np.float32)))
    return pieces


def _strand(rng: np.random.Generator, strokes: Strokes, curve: Points, radius: float, tone: Points) -> None:
    """One half turn of a strand: a swelling body and the yarns that it is spun from."""
    t = np.linspace(0.0, 1.0, len(curve))
    swell = 0.30 + 0.22 * np.sin(np.pi * t) ** 0.5
    body = tone * rng.uniform(0.88, 1.06)
    groove = (0.35 + 0.65 * np.sin(np.pi * np.clip(t, 0.06, 0.94)) ** 0.45)[:, None]
    strokes.add(curve, radius * swell * 1.12, body * groove * 0.42)
    strokes.add(curve, radius * swell, body * groove)
    way = np.gradient(curve, axis=0)
    way /= np.linalg.norm(way, axis=1, keepdims=True) + 1e-9
    normal = np.stack([-way[:, 1], way[:, 0]], axis=1)
    for offset in np.linspace(-0.8, 0.8, 7) + rng.normal(0, 0.05, 7):
        # Yarns run against the lay of the strands, nearly along the rope.
        drift = offset + 0.5 * (t - 0.5)
        line = curve + normal * (np.clip(drift, -0.9, 0.9) * swell * radius)[:, None]
        shade = 1.12 if rng.random() < 0.5 else 0.62
        facing = 1.0 - 0.45 * np.abs(offset)
        strokes.add(line[1:-1], radius * 0.045, body * groove[1:-1] * shade * facing)


def _fibres(
    rng: np.random.Generator,
    strokes: Strokes,
    path: Points,
    along: npt.NDArray[np.float64],
    height: npt.NDArray[np.float64],
    upper: bool,
    radius: float,
    tone: Points,
) -> None:
    """Fine hairs that stand off the rope, and tufts where it ends."""
    count = int(along[-1] / radius * 5.0)
    ends = 55
    s = np.concatenate([rng.uniform(0, along[-1], count), rng.choice((0.0, along[-1]), ends)])
    for i, at in enumerate(s):
        level = float(np.interp(at, along, height)) >= 0.0
        k = min(int(np.searchsorted(along, at)), len(path) - 2)
        way = path[min(k + 3, len(path) - 1)] - path[max(k - 3, 0)]
        way = way / (np.linalg.norm(way) + 1e-9)
        normal = np.asarray([-way[1], way[0]], np.float32)
        out = rng.choice((-1.0, 1.0))
        root = path[k] + normal * radius * rng.uniform(-0.75, 0.75)
        length, lean = radius * rng.gamma(3.0, 0.22), rng.normal(0, 1.0)
        bend = rng.normal(0.0, 0.5)
        if i >= count:
            out, lean = rng.normal(0, 0.4), (-1.0 if at == 0.0 else 1.0) * 1.3
            length = radius * rng.uniform(1.0, 2.4)
        if level != upper:
            continue
        start = root if i >= count else path[k] + normal * radius * out * rng.uniform(0.6, 0.95)
        middle = start + (normal * out + way * lean) * length * 0.5
        tip = start + (normal * (out + bend) + way * lean * 1.4) * length
        thin = max(radius * 0.022, 0.25)
        strokes.add(
            smooth_path([start, middle, tip], 8),
            thin * np.linspace(1.0, 0.4, 8),
            tone * rng.uniform(0.6, 1.35),
        )


# ------------------------------------------------------------------------------------------------- chain


def draw_chain(rng: np.random.Generator, size: int) -> Raster:
    """Hanging chains of welded links, every second one seen nearly from its edge."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    metal = pick(rng, ("#8f9499", "#b9a168", "#6a6d70", "#5d4a3e", "#c2c4c6"))
    rust = colour("#7a3c1a")
    rusty = rng.uniform(-0.4, 1.8)
    swings = rng.random() < 0.4
    count = 1 if swings else int(rng.integers(2, 5))
    for k in range(count):
        link = side * rng.uniform(0.085, 0.15) * (1.0 if count < 4 else 0.75)
        if swings:
            sag = rng.uniform(0.25, 0.7)
            t = np.linspace(0.0, 1.0, 400)
            low = (np.cosh(2.6 * t - 1.3) - np.cosh(1.3)) / (1.0 - np.cosh(1.3))
            path = np.stack([0.03 + 0.94 * t, 0.12 + rng.normal(0, 0.05) * t + sag * low], axis=1) * side
        else:
            x = (k + 0.5 + rng.uniform(-0.2, 0.2)) / count
            path = np.asarray([[x, 0.005], [x + rng.normal(0, 0.01), rng.uniform(0.75, 0.97)]]) * side
        _chain_along(rng, raster, np.asarray(path, np.float32), link, metal, rust, rusty)
    return average_down(raster)


def _chain_along(
    rng: np.random.Generator,
    raster: Raster,
    path: Points,
    link: float,
    metal: Points,
    rust: Points,
    rusty: float,
) -> None:
    """Links of length `link` hooked into each other along a path."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    wire = link * rng.uniform(0.085, 0.115)
    turn = rng.uniform(0.86, 1.0)
    back, flat, front = (Strokes(roundness=0.93, gloss=0.9) for _ in range(3))
    stain = fbm(rng, (1, 2000), 400.0, 5)[0]
    for i, s in enumerate(np.arange(0.0, along[-1] - link, link - 2.3 * wire)):
        a, b = (np.asarray([np.interp(q, along, path[:, k]) for k in (0, 1)]) for q in (s, s + link))
        way = (b - a) / (np.linalg.norm(b - a) + 1e-9)
        normal = np.asarray([-way[1], way[0]])
        tilt = (turn if i % 2 == 0 else np.sqrt(1.0 - turn**2) + 0.04) * rng.uniform(0.96, 1.0)
        theta = np.linspace(0.0, 2 * np.pi, 61)
        # A stadium: round ends, straight flanks.
        bow = 0.29 - wire / link / 2
        flank = (
            np.sign(np.cos(theta)) * (0.5 - wire / link - bow) * smoothstep(0.0, 0.25, np.abs(np.cos(theta)))
        )
        u, v = flank + bow * np.cos(theta), bow * np.sin(theta)
        ring = (a + b) / 2 + (u * link)[:, None] * way + (v * link * tilt)[:, None] * normal
        grime = smoothstep(0.9, 2.4, stain[(np.arange(61) + 37 * i) % 2000] + rusty)[:, None]
        tone = mix(metal * rng.uniform(0.85, 1.05), rust, 0.85 * grime)
        if i % 2 == 0:
            flat.add(ring, wire, tone)
        else:
            front.add(ring[:31], wire, tone[:31])
            back.add(ring[30:], wire, tone[30:] * 0.6)
    for strokes in (back, flat, front):
        strokes.draw(raster)
