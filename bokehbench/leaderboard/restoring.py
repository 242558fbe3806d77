"""The first stage of methods of two, before any of them renders: each case once for each restorer."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bokehbench import jobs, records
from bokehbench.baselines.external import External
from bokehbench.baselines.external_spec import ExternalRestorerSpec
from bokehbench.baselines.restorers.stages import Restoring, low_quality
from bokehbench.cases import Case, Inputs
from bokehbench.errors import BokehbenchError, InputError, JobFailed
from bokehbench.leaderboard import measure, restored
from bokehbench.leaderboard.external import FOLDER, remove_dead
from bokehbench.leaderboard.unit import Unit, is_complete, load_case
from bokehbench.registry import MethodSpec, RestorerSpec, TwoStageSpec, get

if TYPE_CHECKING:
    from bokehbench.benchmarks.locate import Opened, Reference
    from bokehbench.leaderboard.run import Pool


def expanded(names: Sequence[str], every: Sequence[str]) -> list[str]:
    """Names of methods with `RESTORER+all` written out: before every method that is no oracle."""
    found: list[str] = []
    for name in names:
        restorer, plus, rest = name.partition("+")
        if plus and rest == "all":
            first = get(RestorerSpec, restorer).name
            found += [f"{first}+{one}" for one in every if get(MethodSpec, one).oracle is None]
        else:
            found.append(name)
    return list(dict.fromkeys(found))


def without_low_quality(opened: dict[Reference, Opened], specs: Sequence[MethodSpec]) -> set[Reference]:
    """Benchmarks whose cases have no low-quality picture, where any method restores one.

    Raises:
        InputError: it is all of them.
    """
    restoring = [spec.name for spec in specs if isinstance(spec, TwoStageSpec)]
    if not restoring:
        return set()
    lacking = {reference for reference, one in opened.items() if not _has_low_quality(one)}
    if lacking and len(lacking) == len(opened):
        more = f" and {len(restoring) - 1} more" if restoring[1:] else ""
        sets = ", ".join(sorted({one.spec.name for one in opened.values()}))
        raise InputError(
            f"{restoring[0]}{more}: restores low-quality pictures, and {sets} has none; blb-mini-lq, "
            "layered-lq, ebb400-lq, realsr and drealsr have (docs/benchmarks.md)"
        )
    return lacking


def _has_low_quality(opened: Opened) -> bool:
    cases = opened.cases()
    return bool(cases) and opened.load(cases[0]).inputs.lq is not None


def restore_missing(units: Sequence[Unit], pool: Pool, profile: int) -> list[str]:
    """Restore what methods behind restorers need and is not there.

    A picture that cannot be made is no error here: why stands beside its place, and every method that needs
    it fails by it. A restorer that cannot even be loaded is one, before anything is restored.

    Args:
        units: of any methods.
        pool: where restorers of this process are worked on; external ones run one after the other.
        profile: restorations that are timed after one that is not.

    Returns:
        A line for each picture that is there and was not measured, since it came out otherwise.

    Raises:
        InputError: a restorer cannot be loaded: its weights are damaged, say.
    """
    own: dict[str, Unit] = {}
    outside: dict[Path, dict[str, Unit]] = {}
    for unit in units:
        spec = get(MethodSpec, unit.result.method)
        if not isinstance(spec, TwoStageSpec) or (is_complete(unit, spec) and not profile):
            continue
        place = restored.at(unit.result, spec.restorer)
        if restored.is_complete(place, spec.restorer, unit.info) and measure.is_profiled(
            restored.stored(place.timing), profile
        ):
            continue
        place.failure.unlink(missing_ok=True)
        is_external = isinstance(spec.restorer, ExternalRestorerSpec)
        group = outside.setdefault(place.folder, {}) if is_external else own
        group.setdefault(place.name, unit)
    function = functools.partial(_restore, repeats=profile)
    work = list(own.items())
    unmeasured: list[str] = []
    if work:
        _load_each(own, pool)
        outcomes = jobs.run_jobs(function, work, label="restoring", workers=pool.workers, ray=pool.ray)
        failed = (one for one in outcomes if one.error is not None)
        unmeasured += [f"{one.key}: {one.error}" for one in failed if _is_there(own[one.key])]
    for group in outside.values():
        unmeasured += _Outside(list(group.values()), profile).run()
    return unmeasured


def _load_each(units: Mapping[str, Unit], pool: Pool) -> None:
    """Load each restorer once, where it will work; InputError for the first that cannot be."""
    firsts: dict[str, Unit] = {}
    for unit in units.values():
        firsts.setdefault(get(MethodSpec, unit.result.method).stages[0].name, unit)
    work = list(firsts.items())
    for outcome in jobs.run_jobs(_load, work, label="loading restorers", workers=pool.workers, ray=pool.ray):
        if outcome.error is not None:
            raise InputError(f"{outcome.key}: {outcome.error}") from outcome.error


def _load(unit: Unit) -> None:
    spec = get(MethodSpec, unit.result.method)
    assert isinstance(spec, TwoStageSpec)
    with restored.noted(restored.at(unit.result, spec.restorer)):
        restored.load(spec.restorer)


def _is_there(unit: Unit) -> bool:
    """Whether the restored picture that a unit needs is."""
    spec = get(MethodSpec, unit.result.method)
    assert isinstance(spec, TwoStageSpec)
    return restored.is_complete(restored.at(unit.result, spec.restorer), spec.restorer, unit.info)


def _restore(unit: Unit, repeats: int) -> None:
    """One case, in any process."""
    spec = get(MethodSpec, unit.result.method)
    assert isinstance(spec, TwoStageSpec)
    place = restored.at(unit.result, spec.restorer)
    with restored.noted(place):
        case = load_case(unit)
    restored.make(place, case, spec.restorer, repeats)


class _Outside:
    """Cases of one external restorer on one benchmark, restored by as few processes as it takes."""

    def __init__(self, units: Sequence[Unit], repeats: int) -> None:
        spec = get(MethodSpec, units[0].result.method)
        assert isinstance(spec, TwoStageSpec) and isinstance(spec.restorer, ExternalRestorerSpec)
        self.restorer, self.units, self.repeats = spec.restorer, units, repeats
        self.folder = restored.at(units[0].result, spec.restorer).folder / FOLDER
        self.asked: list[Unit] = []  # of each picture
        self.seconds: dict[str, list[float]] = {}
        self.unmeasured: dict[str, str] = {}  # name of a picture -> why

    def run(self) -> list[str]:
        """Restore all; what failed is noted beside its case. Returns what `restore_missing` does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_dead(self.folder)
        size = self.restorer.external.chunk or len(self.units)
        label = f"restoring by {self.restorer.name}"
        with jobs.progress(label, len(self.units)) as advance, jobs.ended_by_sigterm():
            for number, start in enumerate(range(0, len(self.units), size)):
                self._process(number, self.units[start : start + size], advance)
        return [f"{name}: {why}" for name, why in self.unmeasured.items()]

    def _process(self, number: int, units: Sequence[Unit], advance: jobs.Advance) -> None:
        work = self.folder / f"work-{records.machine()}-{os.getpid()}-{number}"
        program = External(self.restorer, work, self.folder / f"{number:04d}.log")
        self.asked = []
        for answer in program.render_many(self._inputs(units)):
            unit = self.asked[answer.number]
            place = restored.at(unit.result, self.restorer)
            first = self.asked.index(unit) == answer.number
            if answer.seconds is not None and (not first or not self.repeats):
                self.seconds.setdefault(place.name, []).append(answer.seconds)
            try:
                if answer.image is None:
                    raise answer.error or JobFailed("made no picture")
                case = load_case(unit)
                image = Restoring(program, self.restorer.name).finished(answer.image, case.inputs)
                restored.write(place, case, self.restorer, image, self._timing(place, case))
            except BokehbenchError as error:
                if _is_there(unit):
                    self.unmeasured[place.name] = str(error)
                else:
                    records.write_text(place.failure, str(error))
            advance(int(first))
        ends = [{"status": one.status, "peak_memory_mb": one.peak_memory_mb} for one in program.watches]
        report = {"made_with": self.restorer.made_with(), "processes": ends}
        records.write_json(self.folder / f"{number:04d}.json", report)

    def _inputs(self, units: Sequence[Unit]) -> Iterator[Inputs]:
        for unit in units:
            try:
                case = load_case(unit)
                low_quality(case.inputs, self.restorer.name)
            except BokehbenchError as error:
                records.write_text(restored.at(unit.result, self.restorer).failure, str(error))
                continue
            inputs = restored.seen(case)
            for _ in range(1 + self.repeats):
                self.asked.append(unit)
                yield inputs

    def _timing(self, place: restored.Restored, case: Case) -> dict[str, object]:
        seconds = self.seconds.get(place.name, [])
        if self.repeats and seconds:
            size = case.inputs.image.shape[1], case.inputs.image.shape[0]
            return measure.profiled(size, seconds, None)
        return measure.about(round(seconds[0], 4) if seconds else None, None)
