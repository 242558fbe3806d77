"""From an asset's raster to a layer's: exposure, highlights, size, rotation, position."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.synth.assets.brushes import average_down, smoothstep
from bokehbench.synth.plan import ForegroundPlan, HighlightPlan

Raster = npt.NDArray[np.float32]


def lift(rgb: Raster, alpha: Raster | None, plan: HighlightPlan, gamma: float) -> Raster:
    """Give nearly clipped pixels back the light that clipping took.

    ``L (1 + g smoothstep(t0, t1, max_c x))`` with x the encoded straight colour; the result does not exceed
    `lift_limit`, and what is brighter already stays.

    Args:
        rgb: [h, w, 3] linear, premultiplied where `alpha` [h, w] is given.
    """
    if plan.mode != "lift":
        return rgb
    straight = rgb if alpha is None else rgb / np.maximum(alpha, 1e-3)[..., None]
    brightest = straight.max(axis=2)
    shown = np.clip(brightest, 0.0, 1.0) ** (1.0 / gamma)
    factor = 1.0 + plan.gain * smoothstep(plan.lift_from, plan.lift_to, shown)
    room = np.maximum(plan.lift_limit / np.maximum(brightest, 1e-6), 1.0)
    return np.asarray(rgb * np.minimum(factor, room)[..., None], np.float32)


def fit(rgba: Raster, area: float, rotation_deg: float, flip: bool) -> Raster:
    """Resize to a bounding box of `area` pixels and rotate; premultiplied [h, w, 4] in and out.

    Sampled twice as finely as asked and averaged, so that thin structures keep their coverage.
    """
    if flip:
        rgba = rgba[:, ::-1]
    height, width = rgba.shape[:2]
    scale = float(np.sqrt(area / (height * width)))
    if scale < 0.5:
        size = (max(round(2 * scale * width), 1), max(round(2 * scale * height), 1))
        rgba = cv2.resize(np.ascontiguousarray(rgba), size, interpolation=cv2.INTER_AREA)
        height, width = rgba.shape[:2]
        scale = float(np.sqrt(area / (height * width)))
    angle = np.deg2rad(rotation_deg)
    cos, sin = np.cos(angle) * 2.0 * scale, np.sin(angle) * 2.0 * scale
    out_w = 2 * (int(np.ceil((abs(cos) * width + abs(sin) * height) / 2.0)) + 2)
    out_h = 2 * (int(np.ceil((abs(sin) * width + abs(cos) * height) / 2.0)) + 2)
    matrix = np.asarray([[cos, sin, 0.0], [-sin, cos, 0.0]])
    centre = np.asarray([(width - 1) / 2.0, (height - 1) / 2.0])
    matrix[:, 2] = np.asarray([(out_w - 1) / 2.0, (out_h - 1) / 2.0]) - matrix[:, :2] @ centre
    fine = cv2.warpAffine(np.ascontiguousarray(rgba), matrix, (out_w, out_h), flags=cv2.INTER_LINEAR)
    result = average_down(np.asarray(fine, np.float32), 2)
    result[..., 3] = np.clip(result[..., 3], 0.0, 1.0)
    return result


def position(
    alpha: Raster, plan: ForegroundPlan, sides: tuple[str, ...], size: tuple[int, int]
) -> tuple[int, int]:
    """Top-left pixel (x, y) of a raster [h, w] in the frame (W, H).

    The first of the plan's positions that keeps `inside_min` of the alpha mass in the frame, else the one
    that keeps most. A side at which the subject is cut off goes to the rim of the frame, or beyond.
    """
    if plan.flip:
        swap = {"left": "right", "right": "left"}
        sides = tuple(swap.get(side, side) for side in sides)
    height, width = alpha.shape
    turn = abs(np.sin(np.deg2rad(plan.rotation_deg)))
    total = max(float(alpha.sum(dtype=np.float64)), 1e-9)
    best, best_share = (0, 0), -1.0
    for u, v in plan.positions:
        x = _along(u, width, size[0], "left" in sides, "right" in sides, turn * height / 2)
        y = _along(v, height, size[1], "top" in sides, "bottom" in sides, turn * width / 2)
        part = alpha[max(-y, 0) : max(size[1] - y, 0), max(-x, 0) : max(size[0] - x, 0)]
        share = float(part.sum(dtype=np.float64)) / total
        if share >= plan.inside_min:
            return x, y
        if share > best_share:
            best, best_share = (x, y), share
    return best


def _along(u: float, length: int, frame: int, at_start: bool, at_end: bool, slant: float) -> int:
    """Coordinate of the first pixel on one axis; `slant` hides the corners of a rotated cut edge."""
    if at_start and at_end:
        return round((frame - length) / 2)
    if at_start:
        return -round(slant + u * 0.3 * length)
    if at_end:
        return round(frame - length + slant + u * 0.3 * length)
    return round(-length + u * (frame + length))


def crop(rgba: Raster, x: int, y: int, size: tuple[int, int], pad: int) -> tuple[Raster, int, int]:
    """What lies within `pad` pixels of the frame (W, H), and where: (raster, x, y); at least one pixel."""
    x0, y0 = max(x, -pad), max(y, -pad)
    x1, y1 = min(x + rgba.shape[1], size[0] + pad), min(y + rgba.shape[0], size[1] + pad)
    if x0 >= x1 or y0 >= y1:
        return np.zeros((1, 1, 4), np.float32), 0, 0
    return np.ascontiguousarray(rgba[y0 - y : y1 - y, x0 - x : x1 - x]), x0, y0
