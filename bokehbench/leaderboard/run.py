"""Run methods on benchmarks: what is missing, nothing twice, every prediction with its record.

One unit of work (`unit.py`) is one case rendered by one method. Its record is written last, so a killed run
leaves no result that looks complete; the same command goes on from there and ends with the same bytes.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bokehbench import jobs, records
from bokehbench.benchmarks.locate import Opened, Reference, open_benchmark
from bokehbench.benchmarks.protocols import offers
from bokehbench.benchmarks.tracks import Track
from bokehbench.cases import CaseInfo
from bokehbench.errors import BokehbenchError, ConfigError, InputError, Unavailable
from bokehbench.leaderboard import external, k_scale, measure, restored, restoring, trained_on
from bokehbench.leaderboard.holding import Known
from bokehbench.leaderboard.renew import remove_replaced
from bokehbench.leaderboard.results import Protocol, Result
from bokehbench.leaderboard.set_k import choose_for_set
from bokehbench.leaderboard.unit import (
    Unit,
    is_complete,
    render_unit,
    stored,
    weights_hash,
    write_case,
)
from bokehbench.registry import BenchmarkSpec, MethodSpec, TwoStageSpec, get, names

PER_SET = ("best-per-set", "cross-fitted")


@dataclass
class Summary:
    """What a run did.

    Attributes:
        rendered: units rendered now.
        present: units that were already complete.
        measured: those of them that were rendered again and measured.
        skipped: one line for each (benchmark, method) that does not fit, with the reason.
        failed: one line a unit that failed.
    """

    rendered: int = 0
    present: int = 0
    measured: int = 0
    skipped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Pool:
    """Where units are worked on."""

    workers: int = 1
    ray: str | None = None


def run(
    benchmarks: Sequence[str],
    methods: Sequence[str],
    out: Path,
    *,
    protocols: Sequence[str] = (),
    tracks: Sequence[Track] = (Track(),),
    workers: int = 1,
    ray: str | None = None,
    shard: tuple[int, int] = (0, 1),
    renew: bool = False,
    seeds: int = 1,
    profile: int = 0,
    calibrated: Sequence[Path] = (),
) -> Summary:
    """Render every missing (benchmark, protocol, disparity track, method, case).

    Args:
        benchmarks: `NAME:DIR` or `NAME`.
        methods: names; `all` stands for every registered one, `RESTORER+all` for each behind a restorer.
        out: results folder (layout: bokehbench.leaderboard.results).
        protocols: names; each benchmark is run under those of them that it offers, under its default where
            none is given.
        tracks: disparity maps that methods get.
        workers: processes; the results do not depend on it.
        ray: address of a Ray cluster, see `bokehbench.jobs.run_jobs`.
        shard: (i, n): this run does the i-th of n parts of the cases.
        renew: replace results that were made from other data of the same name, by an external method as it
            was, or under an earlier version of the protocol.
        profile: renderings of each case that are timed after one that is not; complete results are measured
            as well. 0 times the only rendering.
        calibrated: files of `calibrate`: their methods are run as well, each with its k_scale.
        seeds: how often stochastic methods are run, with seeds from 0; deterministic ones run once.

    Raises:
        ConfigError: an unknown name, or a protocol that none of the benchmarks offers.
        InputError: a benchmark that cannot be read, or results of other data without `renew`.
    """
    if seeds < 1:
        raise ConfigError(f"--seeds must be at least 1, not {seeds}")
    if profile and (workers > 1 or ray is not None):
        raise ConfigError("--profile measures what runs alone: give neither --workers nor --ray")
    asked = restoring.expanded(methods, names(MethodSpec))
    chosen = [one for name in asked for one in (names(MethodSpec) if name == "all" else [name])]
    found_k = {path: k_scale.read(path) for path in calibrated}
    scaled = {k_scale.variant(found, path).name: found for path, found in found_k.items()}
    every_name = (*chosen, *scaled)
    specs = list({spec.name: spec for spec in (get(MethodSpec, name) for name in every_name)}.values())
    specs, lacking = _with_weights(specs, named=set(methods))
    opened = _distinct({one: open_benchmark(one) for one in references(benchmarks, protocols, tracks)})
    _refuse_unfair(specs, {one.spec.name for one in opened.values()}, set(methods))
    summary, pool = Summary(), Pool(workers, ray)
    summary.skipped += lacking
    if out.exists():
        records.remove_parts(out)
    every: list[Unit] = []
    sharp = restoring.without_low_quality(opened, specs)
    for reference, benchmark in opened.items():
        fitting = _fitting(specs, benchmark, reference in sharp, summary)
        found = _units(reference, benchmark, fitting, out, shard, renew, seeds, summary)
        _note_calibrations(found, scaled)
        summary.failed += restoring.restore_missing(found, pool, profile)
        if benchmark.protocol.K in PER_SET:
            if shard[1] > 1:
                raise ConfigError(
                    f"--shard: {benchmark.protocol.id} chooses K over all cases of {benchmark.spec.name}; "
                    "run it without --shard (--workers or --ray share the work)"
                )
            found = choose_for_set(found, benchmark, pool, summary)
        every += found
    _render_missing(every, pool, profile, summary)
    if renew:
        _remove_replaced(every)
    return summary


def _remove_replaced(every: Sequence[Unit]) -> None:
    """What results that are there anew have taken the place of."""
    units = [(unit, get(MethodSpec, unit.result.method)) for unit in every]
    for unit, spec in units:
        if is_complete(unit, spec):
            remove_replaced(unit.result, spec)
    restored.remove_unused(
        [(unit.result, spec.restorer) for unit, spec in units if isinstance(spec, TwoStageSpec)]
    )


def _note_calibrations(units: Sequence[Unit], scaled: Mapping[str, k_scale.Calibration]) -> None:
    """Beside the results of each calibrated method, what its k_scale rests on."""
    for name, found in scaled.items():
        own = [unit for unit in units if unit.result.method == name]
        for folder in dict.fromkeys(unit.result.folder for unit in own):
            result = next(unit.result for unit in own if unit.result.folder == folder)
            k_scale.note(found, result, [unit.info for unit in own])


def _render_missing(every: Sequence[Unit], pool: Pool, profile: int, summary: Summary) -> None:
    """Render what is not there; what is there counts as present, and is only measured with `profile`."""
    units, present = [], set()
    for unit in every:
        if is_complete(unit, get(MethodSpec, unit.result.method)):
            present.add(unit.name)
            if measure.is_profiled(stored(unit.result.timing), profile):
                continue
        units.append(unit)
    summary.present += len(present)
    for key, error in _rendered(units, pool, profile):
        if error is not None:
            summary.failed.append(f"{key}: {error}")
        elif key in present:
            summary.measured += 1
        else:
            summary.rendered += 1
    summary.failed.sort()


def _rendered(units: Sequence[Unit], pool: Pool, profile: int) -> Iterator[external.Ended]:
    """Render in our processes, then in those of external methods; how each unit ended."""
    own, batches = external.divide(units)
    function = functools.partial(render_unit, repeats=profile)
    work = [(unit.name, unit) for unit in own]
    outcomes = jobs.run_jobs(function, work, label="rendering", workers=pool.workers, ray=pool.ray)
    yield from ((outcome.key, outcome.error) for outcome in outcomes)
    yield from external.render_batches(batches, pool, profile)


def _with_weights(specs: Sequence[MethodSpec], named: set[str]) -> tuple[list[MethodSpec], list[str]]:
    """Methods whose weights are here, and a line on each other; Unavailable for one that was named."""
    here, lacking, recipes = [], [], []
    for spec in specs:
        try:
            weights_hash(spec)
        except Unavailable as error:
            if named & {spec.name, *spec.aliases}:
                raise Unavailable(f"{spec.name}: {error}") from error
            if any(stage.is_recipe for stage in spec.stages):
                recipes.append(spec.name)
            else:
                lacking.append(f"{spec.name}: {error}")
        else:
            here.append(spec)
    if recipes:
        lacking.append(
            f"{', '.join(recipes)}: their authors' code is yours to bring (bokehbench external list)"
        )
    return here, lacking


def _only_on(spec: MethodSpec) -> str:
    return f"it cannot be asked for a focal plane, and is run only on {', '.join(spec.only_on)}"


def _refuse_unfair(specs: Sequence[MethodSpec], benchmarks: set[str], named: set[str]) -> None:
    """ConfigError for a method that was named, where it may be run on none of the benchmarks."""
    for spec in specs:
        if spec.only_on and not benchmarks & {*spec.only_on} and named & {spec.name, *spec.aliases}:
            raise ConfigError(f"{spec.name}: {_only_on(spec)}")


def references(
    benchmarks: Sequence[str], protocols: Sequence[str], tracks: Sequence[Track]
) -> list[Reference]:
    """Every (benchmark, protocol, track) that a command line asks for, each once."""
    specs = {name: get(BenchmarkSpec, name.partition(":")[0]) for name in benchmarks}
    for protocol in protocols:
        if not any(offers(spec, protocol) for spec in specs.values()):
            known = ", ".join(sorted({name for s in specs.values() for name in (s.protocol, *s.protocols)}))
            raise ConfigError(f"--protocol {protocol}: none of these benchmarks offers it; they have {known}")
    found: list[Reference] = []
    for name, spec in specs.items():
        offered: list[str | None] = [protocol for protocol in protocols if offers(spec, protocol)]
        found += [Reference(name, p, track) for p, track in itertools.product(offered or [None], tracks)]
    return list(dict.fromkeys(found))


def _distinct(opened: Mapping[Reference, Opened]) -> dict[Reference, Opened]:
    """Each benchmark, protocol and track once; ConfigError where two folders would share one place."""
    kept: dict[tuple[str, str], Reference] = {}
    for reference, one in opened.items():
        first = kept.setdefault((one.spec.name, one.protocol_id), reference)
        other = opened[first]
        same_maps = one.track.data("") == other.track.data("")
        if not (same_maps and one.benchmark.root.resolve() == other.benchmark.root.resolve()):
            what = "--benchmark" if same_maps else "--disparity"
            names = [r.benchmark if same_maps else str(r.track) for r in (first, reference)]
            raise ConfigError(
                f"{what} {names[0]} and {names[1]}: results of both would lie in one place, "
                f"{one.spec.name}/{one.protocol_id}; run them with another --out each"
            )
    return {reference: opened[reference] for reference in kept.values()}


def _fitting(specs: Sequence[MethodSpec], opened: Opened, sharp: bool, summary: Summary) -> list[MethodSpec]:
    """Methods that a benchmark has all inputs for; a line on each other. `sharp`: no low-quality pictures."""
    fitting = []
    for spec in specs:
        lacks = ""
        if spec.oracle is not None and spec.oracle not in opened.spec.oracles:
            lacks = f"needs the true {spec.oracle}"
        elif sharp and isinstance(spec, TwoStageSpec):
            lacks = "restores low-quality pictures"
        if lacks:
            summary.skipped.append(f"{spec.name} on {opened.spec.name}: {lacks}, which it has not")
        elif spec.only_on and opened.spec.name not in spec.only_on:
            summary.skipped.append(f"{spec.name} on {opened.spec.name}: {_only_on(spec)}")
        else:
            fitting.append(spec)
    return fitting


def _units(
    reference: Reference,
    opened: Opened,
    fitting: Sequence[MethodSpec],
    out: Path,
    shard: tuple[int, int],
    renew: bool,
    seeds: int,
    summary: Summary,
) -> list[Unit]:
    """Every unit of this shard, case by case, so that a case is read once."""
    at = Protocol(out, opened.spec.name, opened.protocol_id)
    left_out = getattr(opened.benchmark, "left_out", None)
    if left_out is not None and (count := left_out()):
        summary.skipped.append(f"{count} samples of {at.benchmark}: nothing to render (K = 0)")
    units = []
    cases = cases_of(opened)
    data = records.sha256_json([info.data for info in cases])
    for info in cases[shard[0] :: shard[1]]:
        _refuse_other_data(at, info, renew)
        _mend_case(at, opened, info)
        units += [
            Unit(reference, Result(at, spec.name, weights_hash(spec), info.key, seed), info)
            for spec in fitting
            for seed in range(seeds if spec.stochastic else 1)
        ]
    for spec in fitting:
        trained_on.note(spec, Result(at, spec.name, weights_hash(spec), ""), opened, data)
    return units


def cases_of(opened: Opened) -> list[CaseInfo]:
    """The benchmark's cases; InputError for a key that cannot be a file name."""
    try:
        cases = opened.cases()
    except BokehbenchError:
        raise
    except Exception as error:
        # A benchmark may be anybody's code, like a method.
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{opened.spec.name}: its cases could not be listed: {said}") from error
    keys = [info.key for info in cases]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise InputError(
            f"{opened.spec.name}: two cases have the key {twice[0]!r}; rename one of the pictures"
        )
    for info in cases:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", info.key):
            raise InputError(
                f"{opened.spec.name}: case key {info.key!r} may have letters, digits, _ and - only"
            )
    return cases


def _mend_case(at: Protocol, opened: Opened, info: CaseInfo) -> None:
    """Write a case that has results again where its record or one of its pictures is missing or damaged."""
    results = at.folder.glob(f"[!_]*/*/{info.key}.json")
    if not at.case_record(info.key).exists() and not any(results):
        return
    if Known(at).lost(info.key) is not None:
        write_case(at, opened.load(info), opened, again=True)
        return
    hashes = stored(at.case_record(info.key)).get("pictures", {})
    wanted = {"image", "disparity", *hashes}
    if opened.track.suffix and (opened.protocol.disparity, opened.protocol.focus) == ("gt", "given"):
        wanted.add("truth")  # what regions are found in, since methods are given another map
    pictures = {what: at.case_image(info.key, what) for what in wanted}
    changed = (not p.exists() or records.sha256_file(p) != hashes.get(what) for what, p in pictures.items())
    if any(changed):
        write_case(at, opened.load(info), opened, again=True)


def _refuse_other_data(at: Protocol, info: CaseInfo, renew: bool) -> None:
    if not renew and stored(at.case_record(info.key)).get("data", info.data) != info.data:
        raise InputError(
            f"{at.folder}: case {info.key} was run on other data of the same name; "
            "choose another --out, or replace the old results with --renew"
        )
