"""Units of external methods: one process for all cases of a benchmark (or a chunk), each kept as it comes."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bokehbench import jobs, records
from bokehbench.baselines.external import Answer, External
from bokehbench.baselines.external_spec import ExternalMethodSpec
from bokehbench.cases import Inputs
from bokehbench.errors import BokehbenchError, InputError, JobFailed
from bokehbench.leaderboard import measure
from bokehbench.leaderboard.curves import search_each
from bokehbench.leaderboard.stored import read_object
from bokehbench.leaderboard.unit import (
    Unit,
    blamed_on_the_method,
    commit,
    prepare,
    searches_K,
    store_case,
    timing_of,
)
from bokehbench.registry import MethodSpec, get

if TYPE_CHECKING:
    from bokehbench.leaderboard.run import Pool

FOLDER = "_external"
"""Beside the predictions: logs and how the processes ended. Like timings, they differ from run to run."""

Ended = tuple[str, BokehbenchError | None]
"""Name of a unit, and what went wrong."""


@dataclass(frozen=True)
class Batch:
    """Cases for one process; `number` counts the batches of one method on one benchmark."""

    units: tuple[Unit, ...]
    number: int

    @property
    def spec(self) -> MethodSpec:
        """The method, of one stage or two."""
        return get(MethodSpec, self.units[0].result.method)

    @property
    def program(self) -> ExternalMethodSpec:
        """What is run."""
        spec = self.spec.last_stage
        assert isinstance(spec, ExternalMethodSpec)
        return spec

    @property
    def folder(self) -> Path:
        """Logs, reports, and work that is under way."""
        return self.units[0].result.folder / FOLDER

    @property
    def log(self) -> Path:
        """Output of the batch's processes, behind that of earlier runs."""
        return self.folder / f"{self.number:04d}.log"

    @property
    def report(self) -> Path:
        """How the processes of the last run ended."""
        return self.folder / f"{self.number:04d}.json"


def divide(units: Sequence[Unit]) -> tuple[list[Unit], list[Batch]]:
    """Units that are rendered in our processes, and batches of those that have their own."""
    own: list[Unit] = []
    groups: dict[Path, list[Unit]] = {}
    for unit in units:
        if isinstance(get(MethodSpec, unit.result.method).last_stage, ExternalMethodSpec):
            groups.setdefault(unit.result.folder, []).append(unit)
        else:
            own.append(unit)
    batches = []
    for group in map(_failed_last, groups.values()):
        size = Batch(tuple(group), 0).program.external.chunk or len(group)
        starts = range(0, len(group), size)
        batches += [Batch(tuple(group[start : start + size]), start // size) for start in starts]
    return own, batches


def _failed_last(group: Sequence[Unit]) -> list[Unit]:
    """Those that failed least often first: a program that dies at some cases does not keep others waiting."""
    failures = _failures(group[0].result.folder / FOLDER)
    return sorted(group, key=lambda unit: failures.get(unit.info.key, 0))


def _failures(folder: Path) -> dict[str, int]:
    """Key of a case -> how often it failed, as the reports of earlier runs have it."""
    found: dict[str, int] = {}
    for report in sorted(folder.glob("*.json")):
        with contextlib.suppress(InputError):
            for key, times in read_object(report, {"failures": dict})["failures"].items():
                if isinstance(times, int):
                    found[key] = max(times, found.get(key, 0))
    return found


def render_batches(batches: Sequence[Batch], pool: Pool, repeats: int = 0) -> Iterator[Ended]:
    """Render all, and say of each unit how it ended; several processes at a time with several workers."""
    if pool.workers == 1 and pool.ray is None:
        total = sum(len(batch.units) for batch in batches)
        with jobs.progress("external methods", total) as advance, jobs.ended_by_sigterm():
            for batch in batches:
                yield from render_batch(batch, repeats, advance)
        return
    work = [(f"{batch.units[0].name} and {len(batch.units) - 1} more", batch) for batch in batches]
    function = functools.partial(render_batch, repeats=repeats)
    outcomes = jobs.run_jobs(function, work, label="external methods", workers=pool.workers, ray=pool.ray)
    by_key = dict(work)
    for outcome in outcomes:
        if outcome.value is not None:
            yield from outcome.value
        else:
            yield from ((unit.name, outcome.error) for unit in by_key[outcome.key].units)


def render_batch(batch: Batch, repeats: int = 0, advance: jobs.Advance = lambda n: None) -> list[Ended]:
    """Render the units of a batch; each is written with its record when its picture is there.

    Args:
        batch: of one method on one benchmark.
        repeats: pictures of each case that are timed after the first.
        advance: called with 1 for each unit that ended.
    """
    return _Rendering(batch, repeats).run(advance)


class _Rendering:
    """One batch under way; units go by their number in it."""

    def __init__(self, batch: Batch, repeats: int) -> None:
        self.batch, self.repeats = batch, repeats
        self.unit_of: list[int] = []  # of each picture that is asked for
        self.K: dict[int, float | None] = {}
        self.size: dict[int, tuple[int, int]] = {}
        self.error: dict[int, BokehbenchError] = {}
        self.not_tried: set[int] = set()
        self.process: dict[int, int] = {}
        self.seconds: dict[int, list[float]] = {}

    def run(self, advance: jobs.Advance) -> list[Ended]:
        folder, units = self.batch.folder, self.batch.units
        folder.mkdir(parents=True, exist_ok=True)
        remove_dead(folder)
        work = folder / f"work-{records.machine()}-{os.getpid()}-{self.batch.number}"
        with self.batch.log.open("a") as log:
            log.write(f"--- {datetime.now(UTC).isoformat(timespec='seconds')}: {len(units)} cases\n")
        self._search_K()
        renderer = External(self.batch.program, work, self.batch.log)
        for answer in renderer.render_many(self._inputs()):
            number = self.unit_of[answer.number]
            known = number in self.process or number in self.error
            self._take(number, answer)
            advance(0 if known else 1)
        self._report(renderer)
        return [(unit.name, self.error.get(number)) for number, unit in enumerate(units)]

    def _search_K(self) -> None:
        """The K of cases that do not give it; what is searched in vain is left out."""
        due: list[int] = []
        for number, unit in enumerate(self.batch.units):
            if searches_K(unit, self.batch.spec) and unit.K is None:
                try:
                    with blamed_on_the_method(unit):
                        store_case(unit)
                    due.append(number)
                except BokehbenchError as error:
                    self.error[number] = error
        for number, found in zip(due, search_each([self.batch.units[n] for n in due]), strict=True):
            if isinstance(found, float):
                self.K[number] = found
                continue
            self.error[number] = found.error or JobFailed("has no K")
            if not found.tried:
                self.not_tried.add(number)

    def _inputs(self) -> Iterator[Inputs]:
        """What the program is given, case by case; what cannot be prepared is left out."""
        for number, unit in enumerate(self.batch.units):
            if number in self.error:
                continue
            try:
                with blamed_on_the_method(unit):
                    asked = replace(unit, K=self.K.get(number, unit.K))
                    inputs, self.K[number] = prepare(asked, self.batch.spec)
            except BokehbenchError as error:
                self.error[number] = error
                continue
            self.size[number] = inputs.image.shape[1], inputs.image.shape[0]
            for _ in range(1 + self.repeats):
                self.unit_of.append(number)
                yield inputs

    def _take(self, number: int, answer: Answer) -> None:
        """Keep the first picture of a unit; of further ones, how long they took."""
        if answer.image is None:
            if number not in self.process:
                self.error[number] = answer.error or JobFailed("made no picture")
                if not answer.tried:
                    self.not_tried.add(number)
            return
        if answer.seconds is not None and (number in self.process or not self.repeats):
            self.seconds.setdefault(number, []).append(answer.seconds)
        if number in self.process:
            return
        unit = self.batch.units[number]
        try:
            commit(unit, self.batch.spec, answer.image, self._timing(number), self.K[number])
        except BokehbenchError as error:
            self.error[number] = error
        else:
            self.process[number] = answer.process

    def _timing(self, number: int, peak: float | None = None) -> dict[str, Any]:
        seconds = self.seconds.get(number, [])
        if self.repeats and seconds:
            return measure.profiled(self.size[number], seconds, peak)
        return measure.about(round(seconds[0], 4) if seconds else None, peak)

    def _report(self, renderer: External) -> None:
        """Timings with what is known only now, and how each process ended."""
        ends: list[dict[str, Any]] = [
            {"status": w.status, "peak_memory_mb": w.peak_memory_mb} for w in renderer.watches
        ]
        for number, process in self.process.items():
            end = ends[process]
            timing = self._timing(number, end["peak_memory_mb"])
            unit = self.batch.units[number]
            content = {**timing_of(unit, self.batch.spec, timing), "process": end["status"]}
            records.write_json(unit.result.timing, content)
        keys = [unit.info.key for unit in self.batch.units]
        without = {number: str(error) for number, error in sorted(self.error.items())}
        failed = {keys[number]: why for number, why in without.items() if number not in self.not_tried}
        not_tried = {keys[number]: why for number, why in without.items() if number in self.not_tried}
        before = _failures(self.batch.folder)
        made = {keys[number] for number in self.process}
        failures = {
            key: before.get(key, 0) + (key in failed) for key in (*before, *failed) if key not in made
        }
        content = {
            "made_with": self.batch.spec.made_with(),
            "processes": ends,
            "failed": failed,
            "not_tried": not_tried,
            "failures": failures,
        }
        records.write_json(self.batch.report, content)


def remove_dead(folder: Path) -> None:
    """Delete work that killed processes of this machine left."""
    for work in folder.glob("work-*"):
        _, machine, pid, _ = work.name.split("-")
        if machine == records.machine() and not records.is_living(int(pid)):
            shutil.rmtree(work, ignore_errors=True)
