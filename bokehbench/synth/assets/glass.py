"""Foregrounds of glass: vessels of revolution that let through what is not reflected; no refraction.

A wall reflects Schlick's F = F0 + (1 - F0) (1 - n.v)^5 of a studio with a window and a strip light, front
and back wall once each; what the tint absorbs adds to coverage (Beer-Lambert along the wall). Highlights
are added light, so radiance may exceed coverage.
"""

from __future__ import annotations

from dataclasses import dataclass

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

Knots = tuple[tuple[float, float], ...]
REFLECTANCE = 0.045
"""F0 of glass of index 1.52."""


@dataclass(frozen=True)
class Vessel:
    """One shape of revolution.

    Attributes:
        profile: (height from the top, radius), both over the vessel's height.
        cavity: heights between which there is room for a drink.
        stem: heights between which it is solid glass.
        open: whether the top is an open mouth.
        drinks: what may be in it: colour and coverage of a full width; "" is empty.
    """

    profile: Knots
    cavity: tuple[float, float]
    stem: tuple[float, float] = (2.0, 2.0)
    open: bool = True
    drinks: tuple[tuple[str, float], ...] = ()


RED, WHITE, WATER, BEER = ("#3d0410", 0.93), ("#c9b25a", 0.32), ("#b9cbd0", 0.12), ("#a8620f", 0.62)
VESSELS = (
    Vessel(
        (
            (0.0, 0.155),
            (0.12, 0.178),
            (0.26, 0.192),
            (0.38, 0.165),
            (0.47, 0.085),
            (0.505, 0.022),
            (0.56, 0.0125),
            (0.75, 0.0115),
            (0.90, 0.015),
            (0.955, 0.05),
            (0.985, 0.16),
            (1.0, 0.17),
        ),
        (0.02, 0.475),
        (0.50, 1.0),
        drinks=(RED, RED, WHITE, ("", 0.0)),
    ),
    Vessel(
        (
            (0.0, 0.075),
            (0.15, 0.088),
            (0.32, 0.085),
            (0.46, 0.062),
            (0.56, 0.024),
            (0.60, 0.011),
            (0.78, 0.0095),
            (0.92, 0.013),
            (0.965, 0.04),
            (0.988, 0.115),
            (1.0, 0.122),
        ),
        (0.02, 0.555),
        (0.58, 1.0),
        drinks=(WHITE, WHITE, ("", 0.0)),
    ),
    Vessel(
        ((0.0, 0.30), (0.3, 0.285), (0.7, 0.265), (0.93, 0.25), (0.985, 0.235), (1.0, 0.215)),
        (0.03, 0.88),
        (0.90, 1.0),
        drinks=(WATER, BEER, ("#8a3f0c", 0.75), ("", 0.0)),
    ),
    Vessel(
        (
            (0.0, 0.052),
            (0.012, 0.056),
            (0.05, 0.056),
            (0.055, 0.046),
            (0.2, 0.046),
            (0.29, 0.06),
            (0.36, 0.115),
            (0.42, 0.137),
            (0.5, 0.14),
            (0.95, 0.14),
            (0.985, 0.134),
            (1.0, 0.12),
        ),
        (0.3, 0.95),
        open=False,
        drinks=(("", 0.0),),
    ),
    Vessel(
        (
            (0.0, 0.075),
            (0.03, 0.06),
            (0.12, 0.048),
            (0.26, 0.06),
            (0.42, 0.135),
            (0.58, 0.225),
            (0.74, 0.26),
            (0.88, 0.225),
            (0.97, 0.15),
            (1.0, 0.13),
        ),
        (0.30, 0.96),
        drinks=(WATER, ("", 0.0)),
    ),
)
TINTS = ("#e8f2ee", "#e8f2ee", "#f2f2f0", "#f2f2f0", "#eef0f4", "#3f7a4a", "#8a4f1c", "#4a78a8", "#b88a4a")


def draw_glass(rng: np.random.Generator, size: int) -> Raster:
    """One to three vessels on one table: wine glasses, flutes, tumblers, bottles and carafes."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    count = int(rng.choice((1, 2, 3), p=(0.45, 0.35, 0.2)))
    kinds = rng.integers(len(VESSELS), size=count)
    tall = [side * rng.uniform(0.62, 0.9) * (0.72 if VESSELS[k].profile[0][1] > 0.2 else 1.0) for k in kinds]
    reach = [max(r for _, r in VESSELS[k].profile) * t for k, t in zip(kinds, tall, strict=True)]
    room = 2 * sum(reach) * 0.94
    shrink = min(1.0, 0.92 * side / room)
    x = (side - room * shrink) / 2
    places = []
    for kind, height, half in zip(kinds, tall, reach, strict=True):
        places.append((x + half * shrink, int(kind), height * shrink))
        x += 2 * half * shrink * 0.94
    back = [int(i) for i in rng.permutation(count)]
    for nearness, i in enumerate(back):
        centre, kind, height = places[i]
        patch = vessel_patch(rng, VESSELS[kind], max(height, 24.0))
        foot = int(side * (0.93 + 0.015 * nearness)) - patch.shape[0]
        over(raster, patch, int(centre) - patch.shape[1] // 2, max(foot, 0))
    return average_down(raster)


def vessel_patch(rng: np.random.Generator, vessel: Vessel, height: float) -> Raster:
    """One vessel, premultiplied, its axis in the middle of the patch."""
    knots = smooth_path(np.asarray(vessel.profile), 600)
    pad = int(height * 0.075) + 4
    rows = int(height) + 2 * pad
    half = int(max(r for _, r in vessel.profile) * height) + 5
    down = (np.arange(rows, dtype=np.float32) - pad) / np.float32(height)
    radius = np.interp(down, knots[:, 0], knots[:, 1]).astype(np.float32)
    radius = cv2.GaussianBlur(radius[:, None], (1, 0), 0, sigmaY=max(height / 400, 0.5))[:, 0]
    tilt = rng.uniform(0.10, 0.2)
    slope = np.gradient(radius, down)
    x = np.arange(-half, half + 1, dtype=np.float32)[None, :] / np.float32(height)
    inside = np.clip((radius[:, None] - np.abs(x)) * height + 0.5, 0.0, 1.0)
    # Seen a little from above, both ends are ellipses; inside the mouth only the far wall is left.
    back, front = _ellipse(knots[0, 1], x, tilt), _ellipse(knots[-1, 1], x, tilt)
    inside = inside * _step((down[:, None] + back) * height) * _step((1.0 + front - down[:, None]) * height)
    u = np.clip(x / np.maximum(radius, 1e-4)[:, None], -0.999, 0.999)
    z = np.sqrt(1.0 - u * u)
    normal = np.stack([u, np.broadcast_to(-slope[:, None], u.shape), z], axis=2)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    tint = pick(rng, TINTS)
    depth = rng.uniform(0.25, 0.9) if tint.min() < 0.35 else rng.uniform(0.02, 0.05)
    patch = _walls(normal, inside, tint, depth, (down >= vessel.stem[0])[:, None])
    if vessel.open:
        patch *= (1.0 - 0.5 * _step((back - down[:, None]) * height))[..., None]
    drink, strength = vessel.drinks[int(rng.integers(len(vessel.drinks)))]
    if drink:
        low, high = vessel.cavity
        level = low + (high - low) * rng.uniform(0.25, 0.6)
        patch = _filled(patch, down, radius, x, (level, high), colour(drink), strength, tilt)
    centre = (float(half), float(pad))
    _rims(rng, patch, vessel, radius, centre, height, tilt, tint)
    return patch


def _step(depth: Raster) -> Raster:
    """Coverage of a pixel that lies `depth` pixels inside."""
    return np.asarray(np.clip(depth + 0.5, 0.0, 1.0), np.float32)


def _ellipse(radius: float, x: Raster, tilt: float) -> Raster:
    """Height of the half ellipse as which a circle of `radius` is seen."""
    return np.asarray(tilt * radius * np.sqrt(np.clip(1.0 - (x / radius) ** 2, 0.0, 1.0)), np.float32)


def _studio(x: Raster, y: Raster) -> Raster:
    """Radiance [h, w, 3] of the room in direction (x right, y down): window, strip light, dim walls."""
    u, v = (x + 0.62) / 0.17, (y + 0.22) / 0.42
    window = smoothstep(1.06, 0.94, np.abs(u)) * smoothstep(1.04, 0.96, np.abs(v))
    window = window * smoothstep(0.03, 0.08, np.abs(u)) * smoothstep(0.015, 0.04, np.abs(v - 0.1))
    strip = smoothstep(0.055, 0.035, np.abs(x - 0.74)) * smoothstep(0.62, 0.5, np.abs(y + 0.02))
    walls = 0.16 + 0.30 * smoothstep(0.3, -0.9, y) + 0.10 * smoothstep(-0.2, 1.0, x)
    room = walls[..., None] * np.asarray([0.95, 0.98, 1.0], np.float32)
    room = room + (9.0 * window)[..., None] * np.asarray([1.0, 1.0, 0.97], np.float32)
    return np.asarray(room + (6.0 * strip)[..., None] * np.asarray([1.0, 0.93, 0.82], np.float32), np.float32)


def _walls(
    normal: Raster, inside: Raster, tint: Raster, depth: float, solid: npt.NDArray[np.bool_]
) -> Raster:
    """Reflection of both walls and absorption between them, premultiplied RGBA."""
    facing = np.clip(normal[..., 2], 0.02, 1.0)
    fresnel = REFLECTANCE + (1.0 - REFLECTANCE) * (1.0 - facing) ** 5
    mirrored_x, mirrored_y = 2.0 * facing * normal[..., 0], 2.0 * facing * normal[..., 1]
    front = _studio(mirrored_x, mirrored_y)
    # The far wall is a hollow mirror: its image is upside down and smaller, seen through the near wall.
    back = _studio(-1.25 * mirrored_x, -mirrored_y)
    absorbed = 1.0 - np.exp(-depth * np.minimum(1.0 / facing, 9.0) * np.where(solid, 0.6, 1.0))
    # A thick edge bends so much of the dark studio into view that it looks drawn with a pen.
    outline = smoothstep(0.42, 0.08, facing) * 0.5
    reflected = fresnel + (1.0 - fresnel) * 0.5 * fresnel
    alpha = 1.0 - (1.0 - reflected) * (1.0 - absorbed) * (1.0 - outline)
    glow = (absorbed * (0.45 + 0.4 * facing))[..., None] * tint * 0.75 + (outline * 0.05)[..., None] * tint
    light = fresnel[..., None] * front + (0.3 * (1.0 - absorbed) * fresnel)[..., None] * back * mix(
        1.0, tint, 0.6
    )
    rgb = (glow + light) * inside[..., None]
    return np.concatenate([rgb, (alpha * inside)[..., None]], axis=2).astype(np.float32)


def _filled(
    patch: Raster,
    down: npt.NDArray[np.float32],
    radius: npt.NDArray[np.float32],
    x: Raster,
    between: tuple[float, float],
    rgb: Raster,
    strength: float,
    tilt: float,
) -> Raster:
    """The vessel with a drink behind its front wall; the surface is an ellipse seen from above."""
    level, bottom = between
    height = 1.0 / (down[1] - down[0])
    inner = np.maximum(radius - 0.007, 0.0)
    at_level = float(np.interp(level, down, inner))
    surface = tilt * at_level * np.sqrt(np.clip(1.0 - (x / max(at_level, 1e-4)) ** 2, 0.0, 1.0))
    lower = np.clip((down[:, None] - level + surface) * height + 0.5, 0.0, 1.0)
    rounded = 0.02 * (1.0 - np.sqrt(np.clip(1.0 - (x / np.maximum(inner, 1e-4)[:, None]) ** 2, 0.0, 1.0)))
    upper = np.clip((bottom - rounded - down[:, None]) * height + 0.5, 0.0, 1.0)
    body = np.clip((inner[:, None] - np.abs(x)) * height + 0.5, 0.0, 1.0) * lower * upper
    chord = np.sqrt(np.clip(1.0 - (x / np.maximum(inner, 1e-4)[:, None]) ** 2, 0.0, 1.0))
    density = 1.0 - (1.0 - strength) ** (chord * inner[:, None] / max(at_level, 1e-4) + 0.15)
    top = np.clip((level + surface - down[:, None]) * height + 0.5, 0.0, 1.0)
    # Light gathers in the half away from the window, as it does in every round flask.
    gather = 0.55 + 1.5 * smoothstep(-0.1, 0.9, x / np.maximum(inner, 1e-4)[:, None]) * (1.0 - 0.4 * strength)
    tone = rgb * gather[..., None] * (1.0 - top)[..., None] + (rgb * 1.3 + 0.05) * top[..., None]
    alpha = body * density
    drink = np.concatenate([tone * alpha[..., None], alpha[..., None]], axis=2).astype(np.float32)
    return np.asarray(patch + drink * (1.0 - patch[..., 3:4]), np.float32)


def _rims(
    rng: np.random.Generator,
    patch: Raster,
    vessel: Vessel,
    radius: npt.NDArray[np.float32],
    centre: tuple[float, float],
    height: float,
    tilt: float,
    tint: Raster,
) -> None:
    """Mouth and foot: ellipses of solid glass, bright towards the lights."""
    turn = np.linspace(0.0, 2 * np.pi, 181)
    lines = Strokes()
    thick = height * 0.0032 + 0.4
    clear = tint.min() > 0.35
    for level, share, gain in ((0.004, 1.0, 1.0), (0.992, 0.99, 0.55)):
        if level < 0.5 and not vessel.open:
            continue
        # Drawn ellipses must stay inside the outline that the profile cuts.
        wide = float(np.interp(level, *np.asarray(vessel.profile).T)) * height * share
        glint = np.exp(-(((turn - 3.9) / 0.35) ** 2)) + 0.7 * np.exp(-(((turn - 5.6) / 0.2) ** 2))
        tone = (0.22 + 1.3 * gain * glint)[:, None] * mix(tint, 1.0, 0.8 if clear else 0.25)
        path = np.stack([np.cos(turn) * wide, np.sin(turn) * wide * tilt], axis=1)
        lines.add(
            path + np.asarray([centre[0], centre[1] + level * height]), thick * (0.5 + 0.5 * gain), tone
        )
    ink = blank(patch.shape[1], patch.shape[0])
    lines.draw(ink)
    over(patch, ink * np.float32(rng.uniform(0.6, 0.85)))
