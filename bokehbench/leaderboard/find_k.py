"""K where a set does not give it: searched by PSNR against the target, among whole pixels.

Photographs come without a blur parameter; BokehMe's protocol for EBB400 takes the best of 1 to 100 for each
image and method. A ladder of radii is tried first, then the gap around its best step is narrowed, so that
about 20 renderings replace 100. That the curve has one peak is an assumption; every K that was tried stands
in `{case}.curve.json` beside the result.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench import records
from bokehbench.cases import CaseInfo
from bokehbench.errors import InputError
from bokehbench.leaderboard.results import Result
from bokehbench.metrics.psnr import psnr

SCHEMA = "bokehbench.curve/1"
CHOICE = "_about/K.json"
CHOICE_SCHEMA = "bokehbench.K-choice/1"
VERSION = 1
"""Changes whenever another K could be found."""
STEP = 1.4
"""Ratio of neighbours on the ladder."""

Search = Generator[list[int], Sequence[float], int]


def ladder(low: float, high: float) -> list[int]:
    """Whole radii from `low` to `high`, each about 1.4 times the one before."""
    first, last = math.ceil(low), math.floor(high)
    steps = [first]
    while steps[-1] < last:
        steps.append(min(last, max(steps[-1] + 1, round(steps[-1] * STEP))))
    return steps


def search(low: float, high: float) -> Search:
    """Find the whole number with the largest value.

    Yields:
        Numbers whose values are wanted; `send` them in the same order.

    Returns:
        The best of all that were asked for; the smallest of equal ones.
    """
    known: dict[int, float] = {}

    def learn(numbers: list[int]) -> Generator[list[int], Sequence[float], None]:
        lacking = [number for number in numbers if number not in known]
        if lacking:
            known.update(zip(lacking, (yield lacking), strict=True))

    def best() -> int:
        return max(sorted(known), key=known.__getitem__)

    steps = ladder(low, high)
    yield from learn(steps)
    index = steps.index(best())
    left, right = steps[max(0, index - 1)], steps[min(len(steps) - 1, index + 1)]
    while right - left > 2:
        third = (right - left) / 3
        a, b = left + max(1, math.floor(third)), right - max(1, math.floor(third))
        yield from learn([a, b])
        left, right = (left, b) if known[a] >= known[b] else (a, right)
    yield from learn(list(range(left, right + 1)))
    return best()


def fold(scene: str) -> int:
    """Which half of a set a scene belongs to when K is cross-fitted."""
    return hashlib.sha256(scene.encode()).digest()[0] % 2


def identity(info: CaseInfo) -> list[float]:
    """What a K that was found depends on, besides method and data: version of the search, its range."""
    return identity_of(info.K_search or ())


def identity_of(searched: Sequence[float]) -> list[float]:
    """`identity` of a case that is known by its record: its range."""
    return [float(VERSION), *searched]


def quality(prediction: npt.NDArray[np.uint8], target: npt.NDArray[np.uint8]) -> float:
    """What is maximised: PSNR in dB, kept to 1e-6 so that files are the same everywhere."""
    return round(psnr(prediction, target), 6)


def curve_file(result: Result) -> Path:
    """PSNR by K of one case and method."""
    return result.folder / f"{result.case}.curve.json"


def read_curve(path: Path, made_by: Mapping[str, Any]) -> dict[int, float]:
    """K -> dB measured before by the same method on the same data; empty where there is none."""
    with contextlib.suppress(InputError, KeyError, TypeError, ValueError, AttributeError):
        content = records.read_json(path)
        if content["schema"] == SCHEMA and made_by.items() <= content.items():
            return {int(K): float(value) for K, value in content["psnr"].items()}
    return {}


def write_curve(path: Path, made_by: Mapping[str, Any], curve: Mapping[int, float]) -> None:
    """Write K -> dB, sorted by K."""
    values = {str(K): curve[K] for K in sorted(curve)}
    records.write_json(path, {"schema": SCHEMA, **made_by, "psnr": values})


def note_left_out(folder: Path, cases: Sequence[str]) -> None:
    """Write which cases of a row had no say in the K of its set since they failed; no file where all had."""
    path = folder / CHOICE
    if cases:
        records.write_json(path, {"schema": CHOICE_SCHEMA, "left_out": sorted(set(cases))})
    else:
        path.unlink(missing_ok=True)


def left_out(folder: Path) -> list[str]:
    """What `note_left_out` wrote; InputError where that is damaged."""
    path = folder / CHOICE
    if not path.is_file():
        return []
    content = records.read_json(path)
    cases = content.get("left_out") if isinstance(content, dict) else None
    if not isinstance(cases, list) or not all(isinstance(case, str) for case in cases):
        raise InputError(f"{path}: not what bokehbench run writes; run again")
    return cases
