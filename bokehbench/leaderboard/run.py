"""Run methods on benchmarks: what is missing, nothing twice, every prediction with its record.

One unit of work (`unit.py`) is one case rendered by one method. Its record is written last, so a killed run
leaves no result that looks complete; the same command goes on from there and ends with the same bytes.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bokehbench import jobs, records
from bokehbench.benchmarks.locate import Opened, Reference, open_benchmark
from bokehbench.benchmarks.protocols import offers
from bokehbench.benchmarks.tracks import Track
from bokehbench.cases import CaseInfo
from bokehbench.errors import ConfigError, InputError
from bokehbench.leaderboard import external, fitting, k_scale, measure, restored, restoring, trained_on
from bokehbench.leaderboard.holding import Known
from bokehbench.leaderboard.part import Part, cases_of, note_size
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
from bokehbench.registry import BenchmarkSpec, MethodSpec, TwoStageSpec, get

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


@dataclass(frozen=True)
class Order:
    """What is the same for all benchmarks of a run; the attributes are as `run` explains them.

    `calibrated` is by the name of the method with its k_scale.
    """

    out: Path
    part: Part
    renew: bool
    seeds: int
    profile: int
    pool: Pool
    calibrated: Mapping[str, k_scale.Calibration]


def run(
    benchmarks: Sequence[str],
    methods: Sequence[str],
    out: Path,
    *,
    protocols: Sequence[str] = (),
    tracks: Sequence[Track] = (Track(),),
    workers: int = 1,
    ray: str | None = None,
    cases: Sequence[str] = (),
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
        cases: shell patterns of names, `KEY` or `SCENE/KEY`: this run does what matches one of them, all
            cases where there are none.
        shard: (i, n): this run does the i-th of n parts of those cases.
        renew: replace results that were made from other data of the same name, by an external method as it
            was, or under an earlier version of the protocol.
        profile: renderings of each case that are timed after one that is not; complete results are measured
            as well. 0 times the only rendering.
        calibrated: files of `calibrate`: their methods are run as well, each with its k_scale.
        seeds: how often stochastic methods are run, with seeds from 0; deterministic ones run once.

    Raises:
        ConfigError: an unknown name, a protocol that none of the benchmarks offers, or a pattern that no
            case matches.
        InputError: a benchmark that cannot be read, or results of other data without `renew`.
    """
    _refuse_impossible(seeds, profile, workers, ray)
    scaled = k_scale.variants(calibrated)
    specs, lacking = fitting.with_weights(fitting.chosen(methods, scaled), named=set(methods))
    opened = _distinct({one: open_benchmark(one) for one in references(benchmarks, protocols, tracks)})
    fitting.refuse_unfair(specs, {one.spec.name for one in opened.values()}, set(methods))
    listed = {reference: cases_of(one) for reference, one in opened.items()}
    part = Part(tuple(cases), shard)
    part.refuse_unmatched(listed)
    _refuse_part_of_set(part, opened.values())
    order = Order(out, part, renew, seeds, profile, Pool(workers, ray), scaled)
    summary = Summary(skipped=lacking)
    if out.exists():
        records.remove_parts(out)
    every: list[Unit] = []
    sharp = restoring.without_low_quality(opened, specs)
    for reference, benchmark in opened.items():
        here, others = fitting.fitting(specs, benchmark, reference in sharp)
        summary.skipped += others
        every += _prepared(reference, benchmark, listed[reference], here, order, summary)
    _render_missing(every, order.pool, profile, summary)
    if renew:
        _remove_replaced(every)
    return summary


def _refuse_impossible(seeds: int, profile: int, workers: int, ray: str | None) -> None:
    if seeds < 1:
        raise ConfigError(f"--seeds must be at least 1, not {seeds}")
    if profile and (workers > 1 or ray is not None):
        raise ConfigError("--profile measures what runs alone: give neither --workers nor --ray")


def _refuse_part_of_set(part: Part, opened: Iterable[Opened]) -> None:
    """ConfigError where K is chosen over all cases of a benchmark, and only some are asked for."""
    for one in opened:
        if part.option and one.protocol.K in PER_SET:
            raise ConfigError(
                f"{part.option}: {one.protocol.id} chooses K over all cases of {one.spec.name}; "
                f"run it without {part.option} (--workers or --ray share the work)"
            )


def _prepared(
    reference: Reference,
    opened: Opened,
    cases: Sequence[CaseInfo],
    specs: Sequence[MethodSpec],
    order: Order,
    summary: Summary,
) -> list[Unit]:
    """The units of one benchmark, ready to be rendered: restored pictures are there, K is chosen."""
    units = _units(reference, opened, cases, specs, order, summary)
    _note_calibrations(units, order.calibrated, cases)
    summary.failed += restoring.restore_missing(units, order.pool, order.profile)
    return choose_for_set(units, opened, order.pool, summary) if opened.protocol.K in PER_SET else units


def _remove_replaced(every: Sequence[Unit]) -> None:
    """What results that are there anew have taken the place of."""
    units = [(unit, get(MethodSpec, unit.result.method)) for unit in every]
    for unit, spec in units:
        if is_complete(unit, spec):
            remove_replaced(unit.result, spec)
    restored.remove_unused(
        [(unit.result, spec.restorer) for unit, spec in units if isinstance(spec, TwoStageSpec)]
    )


def _note_calibrations(
    units: Sequence[Unit], calibrated: Mapping[str, k_scale.Calibration], cases: Sequence[CaseInfo]
) -> None:
    """Beside the results of each calibrated method, what its k_scale rests on."""
    for name, found in calibrated.items():
        own = {unit.result.folder: unit.result for unit in units if unit.result.method == name}
        for result in own.values():
            k_scale.note(found, result, cases)


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


def _units(
    reference: Reference,
    opened: Opened,
    cases: Sequence[CaseInfo],
    specs: Sequence[MethodSpec],
    order: Order,
    summary: Summary,
) -> list[Unit]:
    """Every unit of this part, case by case, so that a case is read once."""
    at = Protocol(order.out, opened.spec.name, opened.protocol_id)
    left_out = getattr(opened.benchmark, "left_out", None)
    if left_out is not None and (count := left_out()):
        summary.skipped.append(f"{count} samples of {at.benchmark}: nothing to render (K = 0)")
    chosen = order.part.of(cases)
    if not chosen:
        return []
    units = []
    for info in chosen:
        _refuse_other_data(at, info, order.renew)
        _mend_case(at, opened, info)
        units += [
            Unit(reference, Result(at, spec.name, weights_hash(spec), info.key, seed), info)
            for spec in specs
            for seed in range(order.seeds if spec.stochastic else 1)
        ]
    note_size(at, len(cases))
    data = records.sha256_json([info.data for info in cases])
    for spec in specs:
        trained_on.note(spec, Result(at, spec.name, weights_hash(spec), ""), opened, data)
    return units


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
