"""The pictures of a study: copies under random names, with nothing in them but their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bokehbench import images, jobs, records, rng
from bokehbench.study import stimuli
from bokehbench.study.design import Design
from bokehbench.study.models import Criterion
from bokehbench.study.stimuli import ShownCase


class Names:
    """Random names, never one twice."""

    def __init__(self, seed: int) -> None:
        self._draw = rng.stream(seed, 0, "study.names")
        self._given: set[str] = set()

    def next(self) -> str:
        """Twelve hexadecimal digits."""
        while True:
            name = self._draw.bytes(6).hex()
            if name not in self._given:
                self._given.add(name)
                return name


class Shown:
    """A case with the random names of its pictures, its focus cross and the size it is shown at.

    Attributes:
        case: from the results.
        names: what is shown (a method's label, `_input`, `_disparity`) -> random name.
        size: (W, H), pixels.
        focus: (x, y) of the cross as shares of width and height, or None.
    """

    def __init__(self, case: ShownCase, names: Names, design: Design) -> None:
        self.case = case
        disparity = images.read_disparity(self._map(), normalise=False).values
        height, width = disparity.shape
        self.size = _fitted(width, height, design.max_width)
        self.focus = None if design.focus == "none" else stimuli.focus_point(disparity, case.disp_focus)
        self.names = {"_input": names.next()}
        if design.focus == "disparity":
            self.names["_disparity"] = names.next()
        self.names |= {label: names.next() for label in case.candidates}

    def files(self) -> dict[str, Path]:
        """Random name -> the file it is a copy of."""
        sources = {label: candidate.path for label, candidate in self.case.candidates.items()}
        sources |= {"_input": self.case.at.case_image(self.case.case, "image"), "_disparity": self._map()}
        return {name: sources[what] for what, name in self.names.items()}

    def _map(self) -> Path:
        return self.case.at.case_image(self.case.case, "disparity")


def _fitted(width: int, height: int, limit: int | None) -> tuple[int, int]:
    if limit is None or width <= limit:
        return width, height
    return limit, max(1, round(height * limit / width))


def focus_notes(shown: Sequence[Shown], design: Design, criteria: Sequence[Criterion]) -> list[str]:
    """What to say about cases whose focus cannot be marked, and of what is then not asked."""
    without = sum(case.focus is None for case in shown)
    if design.focus == "none" or not without:
        return []
    what = (
        "1 case has no focus cross: nothing in it lies"
        if without == 1
        else (f"{without} cases have no focus cross: nothing in them lies")
    )
    unasked = [criterion.name for criterion in criteria if criterion.needs_focus]
    left_out = f", so {' and '.join(unasked)} cannot be judged and is not asked for there" if unasked else ""
    return [f"{what} on the focal plane{left_out}"]


def that_can_be_asked(shown: Sequence[Shown], criteria: Sequence[Criterion]) -> list[Shown]:
    """Cases of which anything is asked: those without a focus cross only if a criterion needs none."""
    if not criteria or not all(criterion.needs_focus for criterion in criteria):
        return list(shown)
    return [case for case in shown if case.focus is not None]


def write_pictures(part: Path, shown: Sequence[Shown], design: Design) -> dict[str, str]:
    """Write every picture under its random name; returns name -> sha256.

    Pixels are encoded anew, so that nothing else that a file held comes along, and in the order of the
    random names, so that dates tell nothing.
    """
    sources = {name: path for case in shown for name, path in case.files().items()}
    maps = {case.names["_disparity"] for case in shown if "_disparity" in case.names}
    folder = part / "pictures"
    folder.mkdir(parents=True)
    hashes = {}
    with jobs.progress("pictures", len(sources)) as advance:
        for name in sorted(sources):
            data = images.encode_png(_pixels(sources[name], name in maps, design.max_width))
            (folder / f"{name}.png").write_bytes(data)
            hashes[name] = records.sha256_bytes(data)
            advance(1)
    return hashes


def _pixels(path: Path, is_map: bool, limit: int | None) -> npt.NDArray[np.uint8]:
    import cv2

    if is_map:
        pixels = images.quantise(images.read_disparity(path, normalise=False).values)
    else:
        pixels = images.quantise(images.read_image(path))
    size = _fitted(pixels.shape[1], pixels.shape[0], limit)
    if size == (pixels.shape[1], pixels.shape[0]):
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
