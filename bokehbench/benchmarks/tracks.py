"""Disparity tracks: the same cases with another disparity map (BokehMe, Fig. 11).

``gt`` (the protocol's own map), ``dilate:N``, ``erode:N``, ``blur:N``, ``noise:N`` with levels N = 1 to 5,
and ``predicted:MODEL``, a map that a depth model makes of the all-in-focus image. ``restored:MODEL`` is the
same, but behind a restorer the map is made of the restored picture: each method sees the map of what it
renders.

Level N of the first three has a kernel of 2N + 1 pixels (the paper's "d3" is 7 × 7), at the size of the map:
a square for dilation and erosion, a Gaussian with OpenCV's sigma of that kernel, 0.3 (N − 1) + 0.8, for blur.
Noise is Gaussian with a standard deviation of N % of the range. K and, where it is given, disp_focus stay;
where the focal plane is the median of a region, it is taken from the track's map.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bokehbench import records
from bokehbench.cases import Case, FloatImage
from bokehbench.errors import ConfigError, InputError
from bokehbench.registry import ProtocolSpec
from bokehbench.rng import stream

TRUE = "gt"
RESTORED = "restored"
PREDICTED = ("predicted", RESTORED)
LEVELS = range(1, 6)
VERSION = 1
"""Changes whenever a track's maps do."""


@dataclass(frozen=True)
class Track:
    """Which disparity map methods get.

    Attributes:
        kind: gt, dilate, erode, blur, noise, predicted or restored.
        amount: level 1 to 5, or the depth model's name; empty for gt.
    """

    kind: str = TRUE
    amount: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.amount}" if self.amount else self.kind

    @property
    def suffix(self) -> str:
        """What it adds to the protocol's name in a path; nothing for gt."""
        if self.kind == TRUE:
            return ""
        return "+" + re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{self.kind}-{self._name}")

    @property
    def _name(self) -> str:
        """Of a model in a folder the folder's name alone: where it lies on a machine says nothing."""
        folder = Path(self.amount).expanduser()
        return folder.resolve().name if self.kind in PREDICTED and folder.is_dir() else self.amount

    @property
    def public(self) -> str:
        """As a record's command says it: a model's folder is the reader's to name."""
        folder = self.kind in PREDICTED and Path(self.amount).expanduser().is_dir()
        return f"{self.kind}:DIR" if folder else str(self)

    def uses_truth(self, protocol: ProtocolSpec) -> tuple[str, ...]:
        """What the ground truth decides on this track, under a protocol."""
        if self.kind in PREDICTED and protocol.focus == "given" and protocol.disparity == TRUE:
            return ("scale and shift of the predicted disparity, fitted to the true one",)
        return ()

    def check(self, protocol: ProtocolSpec) -> None:
        """ConfigError where the protocol has no map that could be another."""
        if self.kind != TRUE and protocol.disparity == "none":
            raise ConfigError(f"--disparity {self}: protocol {protocol.name} has no disparity map")

    def identity(self) -> dict[str, Any]:
        """What makes the maps, for hashes and records; asks for the depth model's files."""
        made: dict[str, Any] = {"disparity": f"{self.kind}:{self._name}", "version": VERSION}
        if self.kind in PREDICTED:
            from bokehbench import depth

            made["model"] = depth.identity(self.amount)
        return made

    def data(self, data: str) -> str:
        """Hash of a case's data on this track."""
        return data if self.kind == TRUE else records.sha256_json({"data": data, **self.identity()})

    def apply(self, case: Case, protocol: ProtocolSpec) -> Case:
        """The case with the track's disparity map; a focal plane that lies in a region moves with it."""
        if self.kind == TRUE:
            return case
        disparity = self._map(case, aligned=protocol.focus == "given")
        lens = case.inputs.lens
        if case.focus_region is not None:
            lens = replace(lens, disp_focus=float(np.median(disparity[case.focus_region])))
        made_with = dict(case.made_with)
        if self.kind in PREDICTED:
            made_with.pop("disparity", None)  # the record's `track` says whose map it is now
        inputs = replace(case.inputs, disparity=disparity, lens=lens)
        given = protocol.disparity == TRUE and protocol.focus == "given"
        truth = case.inputs.disparity if given else None
        return replace(case, inputs=inputs, made_with=made_with, true_disparity=truth)

    def _map(self, case: Case, *, aligned: bool) -> FloatImage:
        if self.kind not in PREDICTED:
            return CORRUPTIONS[self.kind](case.inputs.disparity, int(self.amount), case.info.key)
        from bokehbench import depth

        predicted = depth.predict(self.amount, np.clip(case.inputs.image, 0.0, 1.0))
        # K that is given counts on the scale of the protocol's own map.
        return align(predicted, case.inputs.disparity) if aligned else predicted


def parse_track(text: str) -> Track:
    """Read ``gt``, ``dilate:3``, ``predicted:MODEL``, ``restored:MODEL`` …; ConfigError for anything else."""
    kind, mark, amount = text.partition(":")
    if text == TRUE:
        return Track()
    if kind in PREDICTED and amount:
        return Track(kind, amount)
    if kind in CORRUPTIONS and mark and amount in {str(level) for level in LEVELS}:
        return Track(kind, amount)
    raise ConfigError(
        f"--disparity {text}: give gt, {', '.join(f'{name}:N' for name in CORRUPTIONS)} with N from 1 to 5, "
        "predicted:MODEL or restored:MODEL (bokehbench list depth-models)"
    )


def align(predicted: FloatImage, true: FloatImage) -> FloatImage:
    """``a predicted + b`` nearest to the true map in the mean square, clipped to [0, 1]; [H, W] each.

    Raises:
        InputError: the prediction is flat, or runs the other way.
    """
    x, y = predicted.ravel().astype(np.float64), true.ravel().astype(np.float64)
    spread = x - x.mean()
    power = float(spread @ spread)
    slope = float(spread @ (y - y.mean())) / power if power > 0.0 else 0.0
    if slope <= 0.0:
        raise InputError("the predicted disparity does not grow with the true one; nothing can be aligned")
    return np.clip(slope * spread + y.mean(), 0.0, 1.0).reshape(true.shape).astype(np.float32)


def _dilate(disparity: FloatImage, level: int, key: str) -> FloatImage:
    import cv2

    size = 2 * level + 1
    return np.asarray(cv2.dilate(disparity, np.ones((size, size), np.uint8)), np.float32)


def _erode(disparity: FloatImage, level: int, key: str) -> FloatImage:
    import cv2

    size = 2 * level + 1
    return np.asarray(cv2.erode(disparity, np.ones((size, size), np.uint8)), np.float32)


def _blur(disparity: FloatImage, level: int, key: str) -> FloatImage:
    import cv2

    size = 2 * level + 1
    sigma = 0.3 * (level - 1) + 0.8
    return np.asarray(cv2.GaussianBlur(disparity, (size, size), sigma), np.float32)


def _noise(disparity: FloatImage, level: int, key: str) -> FloatImage:
    noise = stream(0, 0, f"disparity noise of {key}").standard_normal(disparity.shape)
    return np.clip(disparity + 0.01 * level * noise, 0.0, 1.0).astype(np.float32)


CORRUPTIONS: dict[str, Callable[[FloatImage, int, str], FloatImage]] = {
    "dilate": _dilate,
    "erode": _erode,
    "blur": _blur,
    "noise": _noise,
}
"""(map [H, W] in [0, 1], level 1 to 5, the case's key) -> map."""
