"""One foreground from a file: picture with transparency, or picture and matte, to premultiplied light."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.errors import BadImage
from bokehbench.images import Notes, read_grey, read_image, read_rgba
from bokehbench.images.notes import note
from bokehbench.optics import decode
from bokehbench.synth.assets.mattes import matte_of, stands_before_its_background
from bokehbench.synth.assets.unmix import foreground_colours

Raster = npt.NDArray[np.float32]
HAZE = 8.0 / 255.0
"""Alpha that does not count as part of the subject (noise of mattes)."""
SMALLEST = 32
"""Least side of a foreground's bounding box, pixels."""
LEAST_SHARE = 0.001
"""Least share of the picture that the bounding box covers."""


def read_cutout(
    path: Path, gamma: float = 2.2, *, allow_opaque: bool = False, notes: Notes | None = None
) -> tuple[Raster, tuple[str, ...]]:
    """A foreground as premultiplied linear RGBA, cut to its bounding box, and the sides it is cut off at.

    Args:
        path: a picture with transparency, or one whose matte `mattes.matte_of` finds.
        gamma: of encoded colours.
        allow_opaque: take a picture without transparency as a rectangle.
        notes: collects what was done to the file.

    Returns:
        ([h, w, 4] float32, sides among left, right, top, bottom).

    Raises:
        BadImage: unreadable; E_EMPTY_ALPHA, E_OPAQUE, E_TINY_FG, E_SIZE_MISMATCH, E_NONFINITE.
    """
    rgb, alpha = _read(path, gamma, notes)
    if alpha.max() <= HAZE:
        raise BadImage(path, "E_EMPTY_ALPHA", "transparent everywhere")
    if alpha.min() >= 1.0 - HAZE and not allow_opaque:
        raise BadImage(
            path, "E_OPAQUE", "has no transparency; a foreground needs an alpha channel or a matte"
        )
    sides = _cut_sides(alpha)
    floor = float(alpha.min())
    if 0.0 < floor < 1.0 - HAZE:  # a uniform haze would make the whole rectangle part of the subject
        note(notes, "W_HAZE", f"alpha was {floor:.3f} or more everywhere; that much was taken off")
        alpha = (alpha - floor) / (1.0 - floor)
    x0, y0, x1, y1 = bounding_box(cv2.medianBlur(alpha, 3), HAZE)
    width, height = x1 - x0, y1 - y0
    if min(width, height) < SMALLEST or width * height < LEAST_SHARE * alpha.size:
        raise BadImage(
            path,
            "E_TINY_FG",
            f"the subject is {width}x{height}; it needs {SMALLEST} pixels and 0.1 % of the picture",
        )
    light = decode(rgb[y0:y1, x0:x1], gamma).astype(np.float32)
    alpha = alpha[y0:y1, x0:x1, None]
    return np.concatenate([light * alpha, alpha], axis=2), sides


def _read(path: Path, gamma: float, notes: Notes | None) -> tuple[Raster, Raster]:
    """Straight encoded colours [H, W, 3] and alpha [H, W]."""
    matte = matte_of(path)
    if matte is None:
        rgba = read_rgba(path, gamma, notes=notes)
        rgb, alpha = rgba[..., :3], np.ascontiguousarray(rgba[..., 3])
        if path.suffix.lower() != ".exr" and _is_premultiplied(rgb, alpha):
            note(notes, "W_PREMUL", "colours were premultiplied; they were divided by alpha")
            rgb = np.clip(rgb / np.maximum(alpha, 1.0 / 255.0)[..., None], 0.0, 1.0)
        return rgb, alpha
    rgb, alpha = read_image(path, gamma, notes=notes), read_grey(matte, notes=notes)
    if not np.isfinite(alpha).all():
        raise BadImage(matte, "E_NONFINITE", "has NaN or infinite alpha")
    alpha = np.clip(alpha, 0.0, 1.0)
    if alpha.shape != rgb.shape[:2]:
        alpha = _fitted(path, alpha, rgb.shape[1], rgb.shape[0], matte, notes)
    if stands_before_its_background(path):
        rgb = foreground_colours(rgb, alpha)
    return rgb, alpha


def _fitted(path: Path, alpha: Raster, width: int, height: int, matte: Path, notes: Notes | None) -> Raster:
    """A matte resized to its picture where they differ by a rounding; else it belongs to another one."""
    if max(abs(alpha.shape[1] - width), abs(alpha.shape[0] - height)) > 2:
        sizes = f"{width}x{height}, its matte {matte.name} {alpha.shape[1]}x{alpha.shape[0]}"
        raise BadImage(path, "E_SIZE_MISMATCH", f"is {sizes}")
    note(notes, "W_RESIZED", f"its matte was resized from {alpha.shape[1]}x{alpha.shape[0]}")
    return np.asarray(cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR))


def _is_premultiplied(rgb: Raster, alpha: Raster) -> bool:
    """Whether straight colours are premultiplied ones in disguise.

    Two signs together: no colour exceeds alpha where alpha is soft, and divided by alpha the soft colours
    come nearer to those of the opaque parts beside them. The first alone is true of any dark subject.
    """
    soft = (alpha > 0.05) & (alpha < 0.95)
    if soft.sum() < 64 or (rgb[soft].max(axis=1) <= alpha[soft] + 0.5 / 255.0).mean() <= 0.995:
        return False
    solid = (alpha >= 0.95).astype(np.float32)
    width = 31
    weight = cv2.blur(solid, (width, width))
    beside = soft & (weight > 1e-3)
    if beside.sum() < 64:
        return False
    inside = cv2.blur(rgb * solid[..., None], (width, width))[beside] / weight[beside][:, None]
    as_it_is = np.abs(rgb[beside] - inside).mean()
    divided = np.abs(np.minimum(rgb[beside] / alpha[beside][:, None], 1.0) - inside).mean()
    return bool(divided < 0.5 * as_it_is)


def _cut_sides(alpha: Raster) -> tuple[str, ...]:
    """Sides of the picture that the subject runs into over more than a twentieth of their length."""
    rims = {"left": alpha[:, 0], "right": alpha[:, -1], "top": alpha[0], "bottom": alpha[-1]}
    return tuple(side for side, rim in rims.items() if (rim > 0.5).mean() > 0.05)


def bounding_box(alpha: Raster, above: float) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 (end outside) of where alpha [h, w] exceeds a value; the whole where it never does."""
    columns, rows = np.flatnonzero((alpha > above).any(axis=0)), np.flatnonzero((alpha > above).any(axis=1))
    if len(columns) == 0:
        return 0, 0, alpha.shape[1], alpha.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
