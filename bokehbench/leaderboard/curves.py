"""PSNR by strength of blur of many cases at once, where the best strength is searched.

In processes of ours each case is a job of its own. An external method, whose start may take minutes, is asked
for all cases of a round in one process (or `chunk` by `chunk`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bokehbench import images, jobs
from bokehbench.baselines.external import Answer, External
from bokehbench.baselines.external_spec import ExternalMethodSpec
from bokehbench.cases import Inputs
from bokehbench.errors import BokehbenchError, JobFailed
from bokehbench.leaderboard import find_k
from bokehbench.leaderboard.unit import (
    Unit,
    blamed_on_the_method,
    curve_over,
    granted,
    load_case,
    made_by,
    target_of,
    with_K,
)
from bokehbench.registry import MethodSpec, get

Curve = dict[int, float]
"""Number of a strength -> PSNR in dB."""
Work = tuple[Unit, tuple[int, ...]]
"""A case, and the numbers whose PSNR is wanted."""


@dataclass(frozen=True)
class Scale:
    """What the numbers of curves stand for.

    Attributes:
        asked: a case's inputs and a number to what the method gets; module-level.
        made: what a stored curve must have been made by to count, besides method and data.
    """

    asked: Callable[[Inputs, int], Inputs]
    made: Mapping[str, Any] = field(default_factory=dict)

    def made_by(self, unit: Unit) -> dict[str, Any]:
        """All that a stored curve of a case must have been made by to count."""
        return {**made_by(unit, get(MethodSpec, unit.result.method)), **self.made}


def _by_K(inputs: Inputs, number: int) -> Inputs:
    return with_K(inputs, float(number))


BY_K = Scale(_by_K)
"""A number is K itself."""


@dataclass(frozen=True)
class Measured:
    """What became of the curve of one case: a curve, or why there is none.

    `tried` is False where an external program was given up before it came to the case.
    """

    key: str
    curve: Curve | None = None
    error: BokehbenchError | None = None
    tried: bool = True


def measure(
    work: Sequence[tuple[str, Work]], scale: Scale, *, label: str, workers: int = 1, ray: str | None = None
) -> Iterator[Measured]:
    """The curves of several cases by one method, in any order; what was measured before is read.

    Args:
        work: key and case; all of one method.
        scale: what the numbers are.
        label, workers, ray: see `bokehbench.jobs.run_jobs`.
    """
    program = get(MethodSpec, work[0][1][0].result.method).last_stage
    if not isinstance(program, ExternalMethodSpec):
        function = functools.partial(_alone, scale)
        for outcome in jobs.run_jobs(function, work, label=label, workers=workers, ray=ray):
            yield Measured(outcome.key, outcome.value, outcome.error)
        return
    size = program.external.chunk or len(work)
    groups = {work[start][0]: work[start : start + size] for start in range(0, len(work), size)}
    whole = functools.partial(together, scale)
    for group in jobs.run_jobs(whole, list(groups.items()), label=label, workers=workers, ray=ray):
        if group.value is not None:
            yield from group.value
        else:
            yield from (Measured(key, error=group.error) for key, _ in groups[group.key])


def _alone(scale: Scale, job: Work) -> Curve:
    unit, wanted = job
    return curve_over(unit, wanted, scale.made_by(unit), scale.asked)


def together(scale: Scale, work: Sequence[tuple[str, Work]]) -> list[Measured]:
    """The curves of several cases by one external method, by one process as far as it lives."""
    return _Round(scale, work).run()


def search_each(units: Sequence[Unit]) -> list[float | Measured]:
    """Of each unit of one external method the K with the best PSNR, or why there is none.

    A round of all the searches is one process; each ends as it would alone.
    """
    found: dict[int, float | Measured] = {}
    ranges = [unit.info.K_search or (1.0, 1.0) for unit in units]
    searches = [find_k.search(*low_high) for low_high in ranges]
    wanted = {number: next(search) for number, search in enumerate(searches)}
    while wanted:
        work = [(str(number), (units[number], tuple(asked))) for number, asked in wanted.items()]
        following: dict[int, list[int]] = {}
        for one in together(BY_K, work):
            number = int(one.key)
            if one.curve is None:
                found[number] = one
                continue
            try:
                following[number] = searches[number].send([one.curve[K] for K in wanted[number]])
            except StopIteration as end:
                found[number] = float(end.value)
        wanted = following
    return [found[number] for number in range(len(units))]


class _Round:
    """Cases of an external method under way; they go by their place in the work."""

    def __init__(self, scale: Scale, work: Sequence[tuple[str, Work]]) -> None:
        self.scale, self.work = scale, work
        self.curves: list[Curve] = [
            find_k.read_curve(find_k.curve_file(unit.result), scale.made_by(unit)) for _, (unit, _) in work
        ]
        self.asked: list[tuple[int, int]] = []  # place and number of each picture
        self.failed: dict[int, Measured] = {}

    def run(self) -> list[Measured]:
        if any(self._lacking(place) for place in range(len(self.work))):
            program = get(MethodSpec, self.work[0][1][0].result.method).last_stage
            assert isinstance(program, ExternalMethodSpec)
            for answer in External(program).render_many(self._inputs(), by_key=True):
                self._take(answer)
        return [self.failed.get(place) or self._whole(place) for place in range(len(self.work))]

    def _lacking(self, place: int) -> list[int]:
        return [number for number in self.work[place][1][1] if number not in self.curves[place]]

    def _whole(self, place: int) -> Measured:
        key, (_, wanted) = self.work[place]
        return Measured(key, {number: self.curves[place][number] for number in wanted})

    def _inputs(self) -> Iterator[Inputs]:
        for place, (_, (unit, _)) in enumerate(self.work):
            lacking = self._lacking(place)
            if not lacking:
                continue
            try:
                with blamed_on_the_method(unit):
                    case = load_case(unit)
                    target_of(case)
                    inputs = granted(unit, get(MethodSpec, unit.result.method), case)
            except BokehbenchError as error:
                self._fail(place, error)
                continue
            for number in lacking:
                self.asked.append((place, number))
                yield self.scale.asked(inputs, number)

    def _take(self, answer: Answer) -> None:
        """Keep the PSNR of a picture; the curve is written when it is whole."""
        place, number = self.asked[answer.number]
        if answer.image is None:
            self._fail(place, answer.error or JobFailed("made no picture"), answer.tried)
            return
        unit = self.work[place][1][0]
        target = target_of(load_case(unit))
        self.curves[place][number] = find_k.quality(images.quantise(answer.image), target)
        if not self._lacking(place):
            path = find_k.curve_file(unit.result)
            find_k.write_curve(path, self.scale.made_by(unit), self.curves[place])

    def _fail(self, place: int, error: BokehbenchError, tried: bool = True) -> None:
        self.failed.setdefault(place, Measured(self.work[place][0], error=error, tried=tried))
