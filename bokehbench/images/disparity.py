"""Reading disparity maps: any file to [0, 1] with near large, holes filled, depth turned where declared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bokehbench.errors import BadImage
from bokehbench.images.decode import check_file
from bokehbench.images.exr import bare_names, read_exr
from bokehbench.images.notes import Notes, note
from bokehbench.images.read import read_grey

FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DisparityMap:
    """A disparity map as renderers want it.

    Attributes:
        values: [H, W] float32 in [0, 1], near large.
        range: (d_min, d_max) that [0, 1] stands for, in the file's own unit (of 8- and 16-bit pictures: in
            units of full scale; of depth: one over it).
        filled: number of invalid pixels that were filled.
    """

    values: FloatImage
    range: tuple[float, float]
    filled: int = 0


def read_disparity(
    path: Path,
    *,
    normalise: bool = True,
    kind: Literal["disparity", "depth"] = "disparity",
    notes: Notes | None = None,
) -> DisparityMap:
    """Read a disparity map (8/16-bit image, EXR, .npy); invalid pixels are filled from the background.

    Args:
        path: near must be large unless it is depth; for EXR the first of Y, Z, R (of any layer) or the only
            channel.
        normalise: stretch the valid values to [0, 1]; False keeps them (they must lie in [0, 1]).
        kind: "depth" takes one over the values; 0 and below are invalid. Never guessed: a map says nothing
            about its direction.
        notes: collects W_FILLED and W_QUANTISED.

    Raises:
        BadImage: unreadable, not real numbers [H, W], coloured, or more than 20 % invalid (NaN, infinite).
    """
    raw = _read_raw(path, notes)
    if raw.ndim != 2 or raw.size == 0 or raw.dtype.kind not in "iuf":
        raise BadImage(
            path, "E_DISPARITY", f"a disparity map is [H, W] real numbers, this is {raw.shape} {raw.dtype}"
        )
    if kind == "depth":
        raw = _inverted(raw)
    try:
        disparity = normalise_disparity(raw, normalise=normalise)
    except ValueError as error:
        raise BadImage(path, "E_DISPARITY", str(error)) from error
    if disparity.filled:
        note(notes, "W_FILLED", f"{disparity.filled} invalid pixels were filled from the background")
    return disparity


def _read_raw(path: Path, notes: Notes | None) -> npt.NDArray[Any]:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return _read_npy(path)
    if suffix == ".exr":
        return _read_exr_disparity(path)
    grey = read_grey(path, notes=notes)
    if len(np.unique(grey)) <= 256 and np.allclose(grey * 255.0, np.rint(grey * 255.0), atol=1e-4):
        note(notes, "W_QUANTISED", "at most 256 different disparities (8 bit)")
    return grey


def _inverted(depth: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    depth = depth.astype(np.float64)
    with np.errstate(divide="ignore"):
        return np.where(depth > 0.0, 1.0 / depth, np.nan)


def _read_npy(path: Path) -> npt.NDArray[Any]:
    check_file(path)
    try:
        # Not np.load, which also opens zip archives and pickles.
        with path.open("rb") as file:
            array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # a damaged header raises nearly anything
        raise BadImage(path, "E_UNREADABLE", f"not a readable .npy array ({error})") from error
    return array


def _read_exr_disparity(path: Path) -> npt.NDArray[np.float32]:
    channels = read_exr(path)
    by_name = bare_names(channels)
    for name in ("Y", "Z", "R"):
        if name in by_name:
            return by_name[name]
    if len(channels) != 1:
        has = ", ".join(sorted(channels))
        raise BadImage(path, "E_CHANNELS", f"needs a channel Y, Z or R, or only one, has {has}")
    return next(iter(channels.values()))


def normalise_disparity(raw: npt.NDArray[Any], *, normalise: bool = True) -> DisparityMap:
    """Fill invalid pixels and stretch to [0, 1].

    Args:
        raw: [H, W], near large; NaN and infinite values are invalid.
        normalise: see `read_disparity`.

    Raises:
        ValueError: more than 20 % invalid, or outside [0, 1] with normalise=False.
    """
    raw = np.asarray(raw, np.float64)
    valid = np.isfinite(raw)
    invalid = int(raw.size - valid.sum())
    if invalid > 0.2 * raw.size:
        raise ValueError(
            f"{invalid / raw.size:.0%} of the disparity is NaN or infinite; at most 20 % can be filled"
        )
    if invalid:
        raw = fill_from_background(raw, valid)
    low, high = float(raw.min()), float(raw.max())
    if not normalise:
        if low < 0.0 or high > 1.0:
            raise ValueError(f"disparity must lie in [0, 1], this spans {low:.4g} to {high:.4g}")
        return DisparityMap(raw.astype(np.float32), (0.0, 1.0), invalid)
    span = high - low
    values = (raw - low) / span if span > 0.0 else np.zeros_like(raw)
    return DisparityMap(values.astype(np.float32), (low, high), invalid)


def fill_from_background(
    raw: npt.NDArray[np.float64], valid: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Fill holes of a disparity map [H, W] with the farther of the two valid neighbours in the row.

    Holes of stereo matching are what one camera sees behind an edge: background. Rows without a valid
    pixel take the column's neighbours.
    """
    along_rows = _nearest_both_ways(np.where(valid, raw, np.nan))
    if np.isnan(along_rows).any():
        along_rows = np.where(np.isnan(along_rows), _nearest_both_ways(along_rows.T).T, along_rows)
    return np.where(valid, raw, along_rows)


def _nearest_both_ways(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    def carry(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        columns = np.arange(rows.shape[1])
        last = np.maximum.accumulate(np.where(np.isnan(rows), -1, columns), axis=1)
        carried = np.take_along_axis(rows, np.maximum(last, 0), axis=1)
        return np.where(last < 0, np.nan, carried)

    return np.fmin(carry(values), carry(values[:, ::-1])[:, ::-1])
