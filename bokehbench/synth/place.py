"""From an asset's raster to a layer's: size, rotation, position, mirror image."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.layers import Layer, Plane
from bokehbench.synth.assets.brushes import average_down
from bokehbench.synth.plan_types import ForegroundPlan, FramePlan

Raster = npt.NDArray[np.float32]


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


def box_area(shape: tuple[int, ...], part: ForegroundPlan, frame: tuple[int, int]) -> float:
    """Pixels that the bounding box of a raster [h, w] shall have: the plan's share, shrunk until it fits."""
    height, width = shape[:2]
    area = part.area * frame[0] * frame[1]
    if part.shrink > 0.0:
        scale = np.sqrt(area / (height * width))
        while scale * width >= frame[0] or scale * height >= frame[1]:
            scale *= part.shrink
        area = scale**2 * height * width
    return float(area)


def position(
    alpha: Raster, plan: ForegroundPlan, sides: tuple[str, ...], frame: FramePlan, size: tuple[int, int]
) -> tuple[int, int]:
    """Top-left pixel (x, y) of a raster [h, w] in the frame.

    Around the middle, clamped inside the frame; or the first of the plan's places that keeps `inside_min` of
    the alpha mass in the picture, else the one that keeps most. A side at which the subject is cut off goes
    to the rim of the picture, or beyond.
    """
    if plan.flip:
        swap = {"left": "right", "right": "left"}
        sides = tuple(swap.get(side, side) for side in sides)
    if plan.offset is not None:
        return _around_middle(alpha.shape, plan.offset, frame.size, sides)
    height, width = alpha.shape
    turn = abs(np.sin(np.deg2rad(plan.rotation_deg)))
    total = max(float(alpha.sum(dtype=np.float64)), 1e-9)
    best, best_share = (0, 0), -1.0
    for u, v in plan.positions:
        x = _along(u, width, size[0], "left" in sides, "right" in sides, turn * height / 2)
        y = _along(v, height, size[1], "top" in sides, "bottom" in sides, turn * width / 2)
        part = alpha[max(-y, 0) : max(size[1] - y, 0), max(-x, 0) : max(size[0] - x, 0)]
        share = float(part.sum(dtype=np.float64)) / total
        if share > best_share:
            best, best_share = (x + frame.x, y + frame.y), share
        if share >= plan.inside_min:
            break
    return best


def _around_middle(
    shape: tuple[int, ...], offset: tuple[int, int], frame: tuple[int, int], sides: tuple[str, ...]
) -> tuple[int, int]:
    """Clamped inside the frame; a cut side lies at the frame's edge."""
    room = (frame[0] - shape[1], frame[1] - shape[0])
    x, y = (min(max(r // 2 + move, 0), max(r, 0)) for r, move in zip(room, offset, strict=True))
    x = 0 if "left" in sides else room[0] if "right" in sides else x
    y = 0 if "top" in sides else room[1] if "bottom" in sides else y
    return x, y


def mirrored(layer: Layer, size: tuple[int, int], horizontally: bool, vertically: bool) -> Layer:
    """The mirror image of a layer about the middle of the picture (W, H), its plane included."""
    rgba, plane, x, y = layer.rgba, layer.plane, layer.x, layer.y
    if horizontally:
        rgba, x = rgba[:, ::-1], size[0] - x - rgba.shape[1]
        plane = Plane(-plane.p, plane.q, plane.r + plane.p * (size[0] - 1))
    if vertically:
        rgba, y = rgba[::-1], size[1] - y - rgba.shape[0]
        plane = Plane(plane.p, -plane.q, plane.r + plane.q * (size[1] - 1))
    return Layer(np.ascontiguousarray(rgba), plane, x, y)


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
