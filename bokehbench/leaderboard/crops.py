"""Crops of one case by all methods: where a reader asks for one, or where methods differ most.

The hardest crop of a table is found in two steps that read the pictures of one case only: the case whose
root mean square errors (from the stored PSNR) have the largest standard deviation between methods, then the
square window in it for which the same holds of the window's errors. Floors and oracles have no say. It is a
rule about errors, not about beauty, and the page says which crops it chose.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bokehbench import images
from bokehbench.benchmarks.protocols import base_id
from bokehbench.errors import ConfigError, InputError
from bokehbench.leaderboard.collect import Collected, Entry, RowKey
from bokehbench.leaderboard.pictures import CropPicture, case_pictures
from bokehbench.leaderboard.stored import VALUED
from bokehbench.leaderboard.tables import Table

METRIC = "psnr"
SHARE, LEAST = 0.3, 32
"""Side of a crop that is chosen automatically: share of the shorter side, and pixels at least."""
GIVEN = {"_target": "ground truth", "_image": "all-in-focus input", "_disparity": "disparity"}
Boards = Sequence[tuple[Collected, Table]]


@dataclass(frozen=True)
class Box:
    """Pixels of the full picture: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width} x {self.height} pixels at ({self.x}, {self.y})"


@dataclass(frozen=True)
class Asked:
    """A crop that a user names; `benchmark` is empty where the case alone is named."""

    benchmark: str
    case: str
    box: Box

    def __str__(self) -> str:
        return "/".join(filter(None, [self.benchmark, self.case]))


@dataclass(frozen=True)
class Crop:
    """One crop of all methods of a table.

    Attributes:
        board: id of the table in the page.
        size: (width, height) of the full picture.
        automatic: chosen by `hardest`, not asked for.
        target: hash of the target, for its thumbnail.
        pictures: ground truth, input, disparity, then the methods, best first in this crop's table.
        absent: methods of the table that have no picture of the case, or a stale one.
    """

    board: str
    benchmark: str
    protocol: str
    case: str
    box: Box
    size: tuple[int, int]
    automatic: bool
    target: str
    pictures: tuple[CropPicture, ...]
    absent: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why this one."""
        if self.automatic:
            return "chosen automatically: the square where the methods' errors differ most"
        return "asked for with --crop"

    @property
    def sentence(self) -> str:
        """Where it lies, and how it was chosen."""
        return f"crop of {self.benchmark} ({self.protocol}), {self.case}: {self.box}, {self.reason}"


def parse(text: str) -> Asked:
    """Read `[BENCHMARK/]CASE:x,y,w,h`; ConfigError for anything else."""
    name, _, numbers = text.rpartition(":")
    found = re.fullmatch(r"(\d+),(\d+),(\d+),(\d+)", numbers.replace(" ", ""))
    if not name or found is None:
        raise ConfigError(f"--crop {text}: give CASE:x,y,w,h in whole pixels (or BENCHMARK/CASE:x,y,w,h)")
    x, y, width, height = (int(number) for number in found.groups())
    benchmark, _, case = name.rpartition("/")
    return Asked(benchmark, case, Box(x, y, width, height))


def choose(boards: Boards, asked: Sequence[Asked] = ()) -> list[Crop]:
    """The crops of a page: those asked for, and the hardest of each table that none was asked of.

    Tables of other disparity maps than the protocol's own get only what is asked for.

    Raises:
        InputError: no table has the case, or the box is not inside its picture.
    """
    crops = []
    for one in asked:
        found = [
            _crop(board, table, one.case, one.box, automatic=False)
            for board, table in boards
            if one.case in board.cases and one.benchmark in ("", board.benchmark)
        ]
        if not found:
            firsts = (f"{board.benchmark}/{next(iter(board.cases))}" for board, _ in boards)
            known = ", ".join(dict.fromkeys(firsts))
            raise InputError(f"--crop {one}: no such case in these results; there are {known}, ...")
        crops += found
    done = {crop.board for crop in crops}
    for board, table in boards:
        if table.name not in done and base_id(board.protocol) == board.protocol:
            place = hardest(board, table)
            if place is not None:
                crops.append(_crop(board, table, *place, automatic=True))
    return crops


def hardest(board: Collected, table: Table) -> tuple[str, Box] | None:
    """(case, box) where the methods' errors differ most; None with fewer than two methods to compare."""
    rows = [row for row in table.rows if row.status == "ranked" and row.category != "floor"]
    keys = [row.key for row in rows]
    spreads = {case: spread for case in board.cases if (spread := _spread(board, keys, case)) is not None}
    if not spreads:
        return None
    case = max(spreads, key=lambda name: spreads[name])
    target = _pixels(board.cases[case].at.case_image(case, "target"))
    side = min(max(LEAST, round(SHARE * min(target.shape[:2]))), *target.shape[:2])
    total = np.zeros(tuple(edge - side + 1 for edge in target.shape[:2]))
    squares, count = np.zeros_like(total), 0
    for key in keys:
        error = _windows(_squared(_pixels(_entry(board, key, case).result.prediction), target), side)
        total, squares, count = total + np.sqrt(error), squares + error, count + 1
    # One divides by the number of methods, not by one less: only the place of the largest value counts.
    variance = squares / count - (total / count) ** 2
    y, x = np.unravel_index(int(np.argmax(variance)), variance.shape)
    return case, Box(int(x), int(y), side, side)


def _spread(board: Collected, keys: Sequence[RowKey], case: str) -> float | None:
    """Standard deviation of the methods' root mean square errors; None where one lacks its PSNR."""
    errors = []
    for key in keys:
        entry = board.rows[key].get(case)
        score = entry.scores.get(METRIC) if entry is not None and METRIC not in entry.stale_scores else None
        if entry is None or not entry.prediction or score is None or score["status"] not in VALUED:
            return None
        errors.append(10.0 ** (-float(score["value"]) / 20.0))
    return float(np.std(errors)) if len(errors) > 1 else None


def _entry(board: Collected, key: RowKey, case: str) -> Entry:
    return board.rows[key][case]


def _pixels(path: Path) -> npt.NDArray[np.float32]:
    return images.read_image(path).astype(np.float32)


def _squared(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Mean over channels of the squared difference [H, W]."""
    error: npt.NDArray[np.float64] = ((a.astype(np.float64) - b) ** 2).mean(axis=2)
    return error


def _windows(values: npt.NDArray[np.float64], side: int) -> npt.NDArray[np.float64]:
    """Means over all squares of a side that lie inside, [H - side + 1, W - side + 1]."""
    sums = np.pad(values, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return np.maximum(inside / side**2, 0.0)


def _crop(board: Collected, table: Table, case: str, box: Box, *, automatic: bool) -> Crop:
    found = board.cases[case]
    width, height = (int(edge) for edge in found.record["size"])
    if min(box.width, box.height) < 1 or box.x + box.width > width or box.y + box.height > height:
        raise InputError(f"--crop {case}: {box} is not inside the picture of {width} x {height}")
    sources = case_pictures(board, table, case)
    target = _part(_pixels(sources["_target"][0]), box)
    pictures = [
        CropPicture(label, "", *sources[name], (box.x, box.y, box.width, box.height), name == "_disparity")
        for name, label in GIVEN.items()
        if name in sources
    ]
    pictures += [_of_method(label, sources, target, box) for label in sources if not label.startswith("_")]
    size = (width, height)
    about = (table.name, board.benchmark, board.protocol, case, box, size, automatic, found.target)
    rows = (*table.rows, *table.incomplete, *table.stale_rows)
    return Crop(*about, tuple(pictures), tuple(row.label for row in rows if row.label not in sources))


def _of_method(
    label: str, sources: Mapping[str, tuple[Path, str]], target: npt.NDArray[np.float32], box: Box
) -> CropPicture:
    path, sha256 = sources[label]
    error = float(_squared(_part(_pixels(path), box), target).mean())
    note = "identical" if error == 0.0 else f"{-10.0 * math.log10(error):.1f} dB in this crop"
    return CropPicture(label, note, path, sha256, (box.x, box.y, box.width, box.height))


def _part(pixels: npt.NDArray[np.float32], box: Box) -> npt.NDArray[np.float32]:
    return pixels[box.y : box.y + box.height, box.x : box.x + box.width]
