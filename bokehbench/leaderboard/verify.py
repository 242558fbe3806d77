"""Render stored predictions again and compare: whether a results folder is what it says.

Every file is held to its record first. Then a sample is rendered from the benchmark's data with the method,
weights and K that the record names, in a folder of its own: the prediction must have the same bytes, the
record and the case the same contents, and the stored numbers must come out again from the stored pictures.
"""

from __future__ import annotations

import itertools
import shlex
import shutil
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
from bokehbench.leaderboard.collect import current_metric, method_spec
from bokehbench.leaderboard.results import Protocol, Result, case_keys, has_truth, protocols, results
from bokehbench.leaderboard.unit import Unit, render_unit, weights_hash
from bokehbench.metrics.psnr import psnr

MAY_DIFFER = ("code", "libraries", "registered", "command")
"""What another commit or machine changes in a record."""
FINAL = ("ok", "identical", "undefined")
TOLERANCE = 1e-6
"""Relative difference of a metric's value between machines that is none."""


@dataclass
class Summary:
    """What `verify` found.

    Attributes:
        files: results whose files were held to their records.
        sampled: predictions rendered again.
        scores: numbers computed again.
        problems: one line each; none where the folder is what it says.
        notes: what could not be looked at, or differs without being a fault.
    """

    files: int = 0
    sampled: int = 0
    scores: int = 0
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
        InputError: no results folder, or nothing that could be rendered again (with `sample` > 0).
    """
    summary = Summary()
    sound: list[Result] = []
    for at in protocols(root):
        summary.problems += _broken_cases(at)
        for result in results(at):
            summary.files += 1
            found = list(_broken_files(result))
            summary.problems += found
            if not found:
                sound.append(result)
        summary.problems += _without_record(at)
    if sample:
        units = _units(_renewable(sound, summary), benchmarks, summary)
        dice = rng.stream(seed, 0, "leaderboard.verify")
        chosen = sorted(dice.choice(len(units), min(sample, len(units)), replace=False).tolist())
        _render_again([units[index] for index in chosen], summary, least_psnr, workers)
    return summary


def _name(result: Result) -> str:
    return result.record.relative_to(result.at.root).with_suffix("").as_posix()


# -------------------------------------------------------------------------------------------- files alone


def _broken_cases(at: Protocol) -> Iterator[str]:
    for key in case_keys(at):
        path = at.case_record(key)
        try:
            hashes = records.read_json(path).get("pictures", {})
        except (BokehbenchError, AttributeError) as error:
            yield f"{path}: {error}"
            continue
        for what, wanted in sorted(hashes.items()):
            picture = at.case_image(key, what)
            if not picture.is_file():
                yield f"{picture}: is missing"
            elif records.sha256_file(picture) != wanted:
                yield f"{picture}: is not the picture of its record"


def _broken_files(result: Result) -> Iterator[str]:
    name = _name(result)
    try:
        record = records.read_json(result.record)
        scores = records.read_json(result.scores) if result.scores.exists() else {}
        wanted = {"benchmark": result.at.benchmark, "protocol": result.at.protocol, "case": result.case}
        for what, value in wanted.items():
            if record[what] != value:
                yield f"{name}: its record is of {what} {record[what]}"
        if record["method"].partition("@")[0] != result.method:
            yield f"{name}: its record is of method {record['method']}"
        if (record.get("seed") or 0) != result.seed:
            yield f"{name}: its record is of seed {record['seed']}"
        if not result.prediction.is_file():
            yield f"{name}: the prediction is missing"
            return
        held = records.sha256_file(result.prediction)
        if held != record["prediction"]:
            yield f"{name}: the prediction is not the one of its record"
        if scores and scores["prediction"] != held:
            yield f"{name}: the scores are of another prediction"
        target = result.at.case_image(result.case, "target")
        if scores and target.is_file() and scores["target"] != records.sha256_file(target):
            yield f"{name}: the scores are of another target"
    except (BokehbenchError, KeyError, TypeError, AttributeError) as error:
        yield f"{name}: its record or scores cannot be read: {' '.join(str(error).split())}"


def _without_record(at: Protocol) -> Iterator[str]:
    for picture in sorted(at.folder.glob("[!_]*/*/*.png")):
        if ".part-" not in picture.name and not picture.with_suffix(".json").exists():
            yield f"{picture.relative_to(at.root).with_suffix('').as_posix()}: the record is missing"


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


def _units(sound: Sequence[Result], benchmarks: Sequence[str], summary: Summary) -> list[Unit]:
    """Units of the results whose benchmark can be opened here."""
    named = {name.partition(":")[0]: name for name in benchmarks}
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
            summary.problems.append(f"{_name(result)}: {reference.benchmark} has no such case")
        elif infos[reference][result.case].data != record["data"]:
            other_data.setdefault(reference.benchmark, []).append(_name(result))
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
    words = shlex.split(record.get("command", ""))
    options = dict(itertools.pairwise(words))
    benchmark = named.get(result.at.benchmark, result.at.benchmark)
    return Reference(benchmark, options.get("--protocol"), parse_track(options.get("--disparity", "gt")))


# ------------------------------------------------------------------------------------------ render, compare


def _render_again(units: Sequence[Unit], summary: Summary, least_psnr: float | None, workers: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bokehbench-verify-") as folder:
        again = {}
        for unit in units:
            at = replace(unit.result.at, root=Path(folder))
            again[_name(unit.result)] = replace(unit, result=replace(unit.result, at=at))
        failed = set()
        for outcome in jobs.run_jobs(render_unit, list(again.items()), label="verifying", workers=workers):
            summary.sampled += 1
            if outcome.error is not None:
                failed.add(outcome.key)
                summary.problems.append(f"{outcome.key}: cannot be rendered any more: {outcome.error}")
        rendered = [unit for unit in units if _name(unit.result) not in failed]
        for unit in rendered:
            fresh = again[_name(unit.result)].result
            _compare_records(unit.result, fresh, summary)
            _compare_pictures(unit.result, fresh, summary, least_psnr)
        _score_again([(unit.result, again[_name(unit.result)].result) for unit in rendered], summary)
    summary.notes = list(dict.fromkeys(summary.notes))


def _compare_records(stored: Result, fresh: Result, summary: Summary) -> None:
    pairs = {
        "record": (stored.record, fresh.record),
        "case": (stored.at.case_record(stored.case), fresh.at.case_record(fresh.case)),
    }
    for kind, paths in pairs.items():
        was, now = (records.read_json(path) for path in paths)
        for what in sorted(was.keys() | now.keys()):
            if was.get(what) == now.get(what) or (kind, what) == ("record", "prediction"):
                continue  # the picture is compared by itself
            if what not in was:
                summary.notes.append(f"some results are from before a {kind} had {what}")
            elif kind == "record" and what in MAY_DIFFER:
                summary.notes.append(f"some results were made with another {what} than there is now")
            else:
                summary.problems.append(_changed(stored, kind, what, was, now))


def _changed(result: Result, kind: str, what: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    return f"{_name(result)}: {what} of the {kind} is {was.get(what)!s:.60}, made again {now.get(what)!s:.60}"


def _compare_pictures(stored: Result, fresh: Result, summary: Summary, least_psnr: float | None) -> None:
    if stored.prediction.read_bytes() == fresh.prediction.read_bytes():
        return
    was, now = (images.quantise(images.read_image(one.prediction)) for one in (stored, fresh))
    if was.shape != now.shape:
        summary.problems.append(f"{_name(stored)}: the prediction has another size now")
        return
    apart = np.abs(was.astype(np.int16) - now).max(axis=2)
    agreement = psnr(was, now)
    count = int((apart > 0).sum())
    if count == 0:
        summary.notes.append(f"{_name(stored)}: the same pixels in another file")
        return
    line = (
        f"{_name(stored)}: {count} of {apart.size} pixels differ, by at most {apart.max()} of 255 "
        f"(PSNR {agreement:.1f} dB)"
    )
    accepted = least_psnr is not None and agreement >= least_psnr
    (summary.notes if accepted else summary.problems).append(line)


def _score_again(pairs: Sequence[tuple[Result, Result]], summary: Summary) -> None:
    """Score the stored pictures again, in the folder of the fresh ones, and compare the numbers."""
    from bokehbench.leaderboard.evaluate import evaluate

    wanted: dict[str, None] = {}
    scored = []
    for stored, fresh in pairs:
        if not stored.scores.exists() or not has_truth(stored.at, stored.case):
            continue
        scored.append((stored, fresh))
        shutil.copyfile(stored.prediction, fresh.prediction)
        record = records.read_json(fresh.record)
        records.write_json(fresh.record, {**record, "prediction": records.sha256_file(fresh.prediction)})
        for name, score in records.read_json(stored.scores)["scores"].items():
            if _is_final(name, score):
                wanted[name] = None
    if not scored or not wanted:
        return
    evaluate(scored[0][1].at.root, sorted(wanted))
    for stored, fresh in scored:
        now = records.read_json(fresh.scores)["scores"] if fresh.scores.exists() else {}
        for name, score in sorted(records.read_json(stored.scores)["scores"].items()):
            if _is_final(name, score) and now.get(name, {}).get("status") in FINAL:
                summary.scores += 1
                if not _is_same(score, now[name]):
                    summary.problems.append(
                        f"{_name(stored)}: {name} is stored as {score['value']}, computed as "
                        f"{now[name]['value']}"
                    )


def _is_final(name: str, score: Mapping[str, Any]) -> bool:
    """Whether it is a result of the metric as it is computed today."""
    metric = current_metric(name)
    today = metric is not None and metric.fingerprint == score.get("fingerprint")
    return today and score.get("status") in FINAL


def _is_same(was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    if was["value"] is None or now["value"] is None:
        return was["value"] is now["value"]
    return abs(was["value"] - now["value"]) <= TOLERANCE * max(1.0, abs(now["value"]))
