"""Render stored predictions again and compare: whether a results folder is what it says.

Every file is held to its record first. Then a sample is rendered from the benchmark's data with the method,
weights and K that the record names, in a folder of its own: the prediction must have the same bytes, the
record and the case the same contents, and the stored numbers must come out again from the stored pictures.
"""

from __future__ import annotations

import contextlib
import itertools
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bokehbench import images, jobs, records, rng
from bokehbench.benchmarks.locate import Opened, Reference, open_benchmark
from bokehbench.benchmarks.tracks import parse_track
from bokehbench.errors import BokehbenchError, InputError
from bokehbench.leaderboard.results import Protocol, Result, case_keys, protocols, results
from bokehbench.leaderboard.staleness import method_spec
from bokehbench.leaderboard.stored import CASE, read_object
from bokehbench.leaderboard.unit import Unit, render_unit, weights_hash
from bokehbench.leaderboard.verify_files import (
    broken_cases,
    broken_files,
    broken_set_scores,
    without_record,
)
from bokehbench.leaderboard.verify_scores import score_again
from bokehbench.metrics.psnr import psnr
from bokehbench.registry import BenchmarkSpec, get

MAY_DIFFER = ("code", "libraries", "registered", "command")
"""What another commit or machine changes in a record, or did not write."""
Lacking = dict[tuple[str, str], dict[Path, str]]
"""(record or case, key) -> the files that lack it, each with the name of a result that it is of."""


@dataclass
class Summary:
    """What `verify` found.

    Attributes:
        files: results whose files were held to their records.
        sampled: predictions rendered again.
        scores: numbers computed again.
        not_computed: why numbers of the sample were not computed again -> how many.
        problems: one line each; none where the folder is what it says.
        notes: what could not be looked at, or differs without being a fault.
    """

    files: int = 0
    sampled: int = 0
    scores: int = 0
    not_computed: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(
    root: Path,
    *,
    sample: int = 5,
    seed: int = 0,
    benchmarks: Sequence[str] = (),
    least_psnr: float | None = None,
    workers: int = 1,
) -> Summary:
    """Hold all files to their records, and render `sample` predictions again.

    Args:
        root: results folder; nothing in it is written.
        sample: how many; 0 looks at the files alone.
        seed: chooses them.
        benchmarks: `NAME:DIR` of the data; others are looked for below `$BOKEHBENCH_DATA`.
        least_psnr: other bytes are no problem where the two pictures agree by so many dB (other hardware).
        workers: processes.

    Raises:
        ConfigError: no benchmark is called so.
        InputError: no results folder, no results of a named benchmark in it, or (with `sample` > 0) nothing
            that could be rendered again.
    """
    summary = Summary()
    sound: list[Result] = []
    found_here = protocols(root)
    named = _named(benchmarks, root, {at.benchmark for at in found_here})
    for at in found_here:
        summary.problems += broken_cases(at)
        cases = {key for key in case_keys(at) if _is_readable(at, key)}
        for result in results(at):
            summary.files += 1
            found = list(broken_files(result))
            summary.problems += found
            if not found and result.case in cases:
                sound.append(result)
        summary.problems += without_record(at)
    summary.problems += broken_set_scores(root)
    if sample:
        units = _units(_renewable(sound, summary), named, summary)
        dice = rng.stream(seed, 0, "leaderboard.verify")
        chosen = sorted(dice.choice(len(units), min(sample, len(units)), replace=False).tolist())
        _render_again([units[index] for index in chosen], summary, least_psnr, workers)
    return summary


# ------------------------------------------------------------------------------------- what can be rendered


def _renewable(sound: Sequence[Result], summary: Summary) -> list[Result]:
    """Results that today's methods and weights claim to give; others are counted in a note."""
    kept: list[Result] = []
    reasons: dict[str, int] = {}
    here: dict[str, str] = {}
    for result in sound:
        spec = method_spec(result.method)
        made_by = records.read_json(result.record)["method"]
        if spec is None:
            reason = f"method {result.method} is not registered here (--register FILE.py)"
        elif made_by != spec.id:
            reason = f"made by {made_by}, now {spec.id}: stale"
        else:
            try:
                here.setdefault(spec.name, weights_hash(spec))
                same = here[spec.name] == result.weights
                reason = "" if same else f"{spec.name} has other weights here than {result.weights}"
            except BokehbenchError as error:
                reason = f"{spec.name}: {error}"
        if reason:
            reasons[reason] = reasons.get(reason, 0) + 1
        else:
            kept.append(result)
    summary.notes += [f"{count} results cannot be rendered again: {why}" for why, count in reasons.items()]
    return kept


def _named(benchmarks: Sequence[str], root: Path, known: set[str]) -> dict[str, str]:
    """Benchmark -> what `--benchmark` says of it.

    Raises:
        ConfigError: no such benchmark.
        InputError: one of which the folder has no results.
    """
    named = {get(BenchmarkSpec, one.partition(":")[0]).name: one for one in benchmarks}
    for name, one in named.items():
        if name not in known:
            raise InputError(
                f"--benchmark {one}: {root} has no results of it; it has {', '.join(sorted(known))}"
            )
    return named


def _is_readable(at: Protocol, case: str) -> bool:
    with contextlib.suppress(BokehbenchError):
        return bool(read_object(at.case_record(case), CASE))
    return False


def _units(sound: Sequence[Result], named: Mapping[str, str], summary: Summary) -> list[Unit]:
    """Units of the results whose benchmark can be opened here."""
    opened: dict[Reference, Opened | InputError] = {}
    infos: dict[Reference, Mapping[str, Any]] = {}
    units: list[Unit] = []
    refused: dict[str, int] = {}
    other_data: dict[str, list[str]] = {}
    for result in sound:
        record = records.read_json(result.record)
        reference = _reference(result, record, named)
        if reference not in opened:
            try:
                opened[reference] = benchmark = open_benchmark(reference)
                infos[reference] = {info.key: info for info in benchmark.cases()}
            except BokehbenchError as error:
                opened[reference] = InputError(str(error))
        found = opened[reference]
        if isinstance(found, InputError):
            refused[str(found)] = refused.get(str(found), 0) + 1
        elif found.protocol_id != result.at.protocol:
            why = f"{result.at.benchmark} is run under {found.protocol_id} now, not {result.at.protocol}"
            refused[why] = refused.get(why, 0) + 1
        elif result.case not in infos[reference]:
            summary.problems.append(f"{result.name}: {reference.benchmark} has no such case")
        elif infos[reference][result.case].data != record["data"]:
            other_data.setdefault(reference.benchmark, []).append(result.name)
        else:
            units.append(Unit(reference, result, infos[reference][result.case], record.get("K")))
    for folder, named_results in other_data.items():
        more = f" and {len(named_results) - 1} more" if named_results[1:] else ""
        summary.problems.append(f"{named_results[0]}{more}: made from other data than {folder} is now")
    summary.notes += [f"{count} results cannot be rendered again: {why}" for why, count in refused.items()]
    if summary.notes and not units and not summary.problems:
        raise InputError(f"{'; '.join(summary.notes)}; --sample 0 looks at the files alone")
    return units


def _reference(result: Result, record: Mapping[str, Any], named: Mapping[str, str]) -> Reference:
    """Benchmark, protocol and disparity track of a result, as its command has them."""
    options: dict[str, str] = {}
    with contextlib.suppress(ValueError):  # a quotation without end: somebody has edited the record
        options = dict(itertools.pairwise(shlex.split(record["command"])))
    benchmark = named.get(result.at.benchmark, result.at.benchmark)
    return Reference(benchmark, options.get("--protocol"), parse_track(options.get("--disparity", "gt")))


# ------------------------------------------------------------------------------------------ render, compare


def _render_again(units: Sequence[Unit], summary: Summary, least_psnr: float | None, workers: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bokehbench-verify-") as folder:
        again = {}
        for unit in units:
            at = replace(unit.result.at, root=Path(folder))
            again[unit.result.name] = replace(unit, result=replace(unit.result, at=at))
        failed = set()
        for outcome in jobs.run_jobs(render_unit, list(again.items()), label="verifying", workers=workers):
            summary.sampled += 1
            if outcome.error is not None:
                failed.add(outcome.key)
                summary.problems.append(f"{outcome.key}: cannot be rendered any more: {outcome.error}")
        rendered = [unit for unit in units if unit.result.name not in failed]
        lacking: Lacking = {}
        for unit in rendered:
            fresh = again[unit.result.name].result
            _compare_records(unit.result, fresh, summary, lacking)
            _compare_pictures(unit.result, fresh, summary, least_psnr)
        summary.problems += _lacking_lines(lacking)
        pairs = [(unit.result, again[unit.result.name].result) for unit in rendered]
        found = score_again(pairs, workers)
        summary.scores += found.scores
        summary.problems += found.problems
        summary.not_computed = found.not_computed
    summary.notes = list(dict.fromkeys(summary.notes))


def _compare_records(stored: Result, fresh: Result, summary: Summary, lacking: Lacking) -> None:
    pairs = {
        "record": (stored.record, fresh.record),
        "case": (stored.at.case_record(stored.case), fresh.at.case_record(fresh.case)),
    }
    for kind, paths in pairs.items():
        was, now = (records.read_json(path) for path in paths)
        for what in sorted(was.keys() | now.keys()):
            if was.get(what) == now.get(what) or (kind, what) == ("record", "prediction"):
                continue  # the picture is compared by itself
            if kind == "record" and what in MAY_DIFFER:
                summary.notes.append(f"some results were made with another {what} than there is now")
            elif what not in was:
                lacking.setdefault((kind, what), {}).setdefault(paths[0], stored.name)
            else:
                summary.problems.append(_changed(stored, kind, what, was, now))


def _lacking_lines(lacking: Lacking) -> Iterator[str]:
    """One line a key: an older commit did not write it in any of its records."""
    for (kind, what), found in sorted(lacking.items()):
        first, *others = found.values()
        more = f" and {len(others)} more" if others else ""
        yield f"{first}{more}: the {kind} lacks {what}, which is made again"


def _changed(result: Result, kind: str, what: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    return f"{result.name}: {what} of the {kind} is {was.get(what)!s:.60}, made again {now.get(what)!s:.60}"


def _compare_pictures(stored: Result, fresh: Result, summary: Summary, least_psnr: float | None) -> None:
    if stored.prediction.read_bytes() == fresh.prediction.read_bytes():
        return
    try:
        was, now = (images.quantise(images.read_image(one.prediction)) for one in (stored, fresh))
    except BokehbenchError as error:
        summary.problems.append(f"{stored.name}: the prediction cannot be read: {error}")
        return
    if was.shape != now.shape:
        summary.problems.append(f"{stored.name}: the prediction has another size now")
        return
    apart = np.abs(was.astype(np.int16) - now).max(axis=2)
    agreement = psnr(was, now)
    count = int((apart > 0).sum())
    if count == 0:
        summary.notes.append(f"{stored.name}: the same pixels in another file")
        return
    line = (
        f"{stored.name}: {count} of {apart.size} pixels differ, by at most {apart.max()} of 255 "
        f"(PSNR {agreement:.1f} dB)"
    )
    accepted = least_psnr is not None and agreement >= least_psnr
    (summary.notes if accepted else summary.problems).append(line)
