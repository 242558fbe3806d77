"""Read results folders, merge those of several machines, and say which results are stale, and why."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bokehbench import metrics, records, registry
from bokehbench.benchmarks.protocols import base_id, current_ids
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.leaderboard.results import (
    Protocol,
    Result,
    case_keys,
    has_truth,
    protocols,
    results,
    weights_and_seed,
)
from bokehbench.registry import BenchmarkSpec, MethodSpec

RowKey = tuple[str, str]
"""(method name, weights hash or none): what a row of a table is."""


@dataclass(frozen=True)
class Stale:
    """Why a number no longer counts, and the command that renews it.

    Attributes:
        reason: one line.
        command: what renews it.
        cause: method, options, data, protocol, prediction, scores, metric, or unregistered.
    """

    reason: str
    command: str
    cause: str = ""


@dataclass(frozen=True)
class Entry:
    """One complete result as found on disk.

    Attributes:
        result: where it lies.
        record: what makes the number.
        scores: metric name -> {value, status, metric, fingerprint, reason}.
        timing: seconds, peak_memory_mb, device, date; empty where there is no such file.
        prediction: sha256 of the prediction file, empty where it is missing.
        stale: of the whole result.
        stale_scores: of single metrics.
    """

    result: Result
    record: Mapping[str, Any]
    scores: Mapping[str, Mapping[str, Any]]
    timing: Mapping[str, Any]
    prediction: str
    stale: Stale | None = None
    stale_scores: Mapping[str, Stale] = field(default_factory=dict)


@dataclass(frozen=True)
class FoundCase:
    """What was asked, and the folder that has its pictures."""

    at: Protocol
    record: Mapping[str, Any]
    target: str


@dataclass
class Collected:
    """One benchmark under one protocol, from all the folders.

    Attributes:
        benchmark, protocol: names as in the path.
        cases: every case that any method was run on, by key, sorted.
        runs: for each method and weights, by seed, its complete results by case; a case without one is
            missing. A deterministic method has seed 0 alone.
        unscored: cases without a ground truth, which are in no table.
    """

    benchmark: str
    protocol: str
    cases: dict[str, FoundCase] = field(default_factory=dict)
    runs: dict[RowKey, dict[int, dict[str, Entry]]] = field(default_factory=dict)
    unscored: set[str] = field(default_factory=set)

    @property
    def rows(self) -> dict[RowKey, dict[str, Entry]]:
        """The first run of each method and weights: the one whose pictures are shown."""
        return {key: runs[min(runs)] for key, runs in self.runs.items()}

    def entries(self, key: RowKey) -> list[Entry]:
        """Every result of a row, those of further seeds too."""
        return [entry for run in self.runs[key].values() for entry in run.values()]

    @cached_property
    def metrics(self) -> list[str]:
        """Every metric that any result was scored with: in registered order, then by name."""
        order = {name: index for index, name in enumerate(registry.names(registry.MetricSpec))}
        found = {name for key in self.runs for entry in self.entries(key) for name in entry.scores}
        return sorted(found, key=lambda name: (order.get(name.partition("+")[0], len(order)), name))


def collect(roots: Sequence[Path]) -> list[Collected]:
    """Read every result below the folders, merged, sorted by benchmark and protocol.

    Raises:
        InputError: no results folder; files that are not what `run` and `evaluate` write; or two folders
            that have different data or different predictions under one name.
    """
    found: dict[tuple[str, str], Collected] = {}
    for root in roots:
        for at in protocols(root):
            key = (at.benchmark, at.protocol)
            _read_protocol(at, found.setdefault(key, Collected(*key)))
    for collected in found.values():
        collected.cases = dict(sorted(collected.cases.items()))
        collected.runs = {
            key: {seed: dict(sorted(run.items())) for seed, run in sorted(runs.items())}
            for key, runs in sorted(collected.runs.items())
        }
    return [found[key] for key in sorted(found)]


def method_spec(name: str) -> MethodSpec | None:
    """The registered spec of a method, or None."""
    return registry.get(MethodSpec, name) if name in registry.names(MethodSpec) else None


def benchmark_spec(name: str) -> BenchmarkSpec | None:
    """The registered spec of a benchmark, or None."""
    return registry.get(BenchmarkSpec, name) if name in registry.names(BenchmarkSpec) else None


def current_metric(name: str) -> metrics.Metric | None:
    """The metric as it is computed today, or None where no such metric is registered."""
    try:
        return metrics.find(name)
    except ConfigError:
        return None


# --------------------------------------------------------------------------------------------- reading


def _read_protocol(at: Protocol, into: Collected) -> None:
    for key in case_keys(at):
        record = _checked(at.case_record(key), ("scene", "level", "lens", "size", "data"))
        if not has_truth(at, key):
            into.unscored.add(key)
            continue
        target = at.case_image(key, "target")
        if not target.is_file():
            raise InputError(f"{target}: no such file; bokehbench run writes it again")
        case = FoundCase(at, record, records.sha256_file(target))
        _refuse_conflict(into.cases.get(key), case)
        into.cases.setdefault(key, case)
    # A method whose every case failed has a folder without a result: it must not vanish from the table.
    for folder in sorted(at.folder.glob("[!_]*/*/")):
        weights, seed = weights_and_seed(folder.name)
        into.runs.setdefault((folder.parent.name, weights), {}).setdefault(seed, {})
    protocol_stale = _stale_protocol(at)
    for result in results(at):
        if result.case in into.unscored:
            continue
        if result.case not in into.cases:
            raise InputError(
                f"{result.record}: has no {at.case_record(result.case)}; bokehbench run writes it"
            )
        entry = _read_entry(result, into.cases[result.case], protocol_stale)
        run = into.runs[(result.method, result.weights)][result.seed]
        _refuse_other_prediction(run.get(result.case), entry)
        run.setdefault(result.case, entry)


def _checked(path: Path, keys: Sequence[str]) -> dict[str, Any]:
    content = records.read_json(path)
    missing = [key for key in keys if key not in content] if isinstance(content, dict) else list(keys)
    if missing:
        raise InputError(f"{path}: lacks {', '.join(missing)}; delete it, and run or evaluate again")
    return dict(content)


def _refuse_conflict(known: FoundCase | None, case: FoundCase) -> None:
    same = ("data", "scene", "level", "lens")
    if known and (known.target != case.target or any(known.record[k] != case.record[k] for k in same)):
        key = case.record.get("case", "")
        raise InputError(
            f"case {key} differs between {known.at.folder} and {case.at.folder}: other data under one name; "
            "leave one of the folders out"
        )


def _refuse_other_prediction(known: Entry | None, entry: Entry) -> None:
    if known and known.prediction != entry.prediction:
        raise InputError(
            f"two different predictions of one case, {known.result.prediction} and "
            f"{entry.result.prediction}; leave one of the folders out"
        )


def _read_entry(result: Result, case: FoundCase, protocol_stale: Stale | None) -> Entry:
    record = _checked(result.record, ("method", "data", "prediction", "command"))
    held = records.sha256_file(result.prediction) if result.prediction.is_file() else ""
    scored = records.read_json(result.scores) if result.scores.exists() else {"scores": {}}
    if not isinstance(scored, dict) or not isinstance(scored.get("scores"), dict):
        raise InputError(
            f"{result.scores}: not what bokehbench evaluate writes; delete it and evaluate again"
        )
    scores = scored["scores"]
    stale = protocol_stale or _stale_result(result, record, held, case)
    if stale is None and scores and (scored.get("prediction"), scored.get("target")) != (held, case.target):
        stale = Stale("scores are of another prediction or target", _evaluate(result), "scores")
    stale_scores = {
        name: reason
        for name, score in scores.items()
        if (reason := _stale_score(name, score["fingerprint"])) is not None
    }
    timing = records.read_json(result.timing) if result.timing.exists() else {}
    return Entry(result, record, scores, timing, held, stale, stale_scores)


# ------------------------------------------------------------------------------------------- staleness


def _evaluate(result: Result) -> str:
    return f"bokehbench evaluate {shlex.quote(result.at.root.as_posix())}"


def _run_again(command: str, result: Result) -> str:
    """The record's command, into the folder that the result lies in, and the scoring after it."""
    root = shlex.quote(result.at.root.as_posix())
    return f"{command.replace('--out RESULTS', f'--out {root}')} && {_evaluate(result)}"


def _stale_protocol(at: Protocol) -> Stale | None:
    spec = benchmark_spec(at.benchmark)
    if spec is None or base_id(at.protocol) in current_ids(spec):
        return None
    return Stale(
        f"protocol {at.protocol}, now {', '.join(sorted(current_ids(spec)))}",
        f"bokehbench run --benchmark {at.benchmark}:DIR --method all --out "
        f"{shlex.quote(at.root.as_posix())} && bokehbench evaluate {shlex.quote(at.root.as_posix())}",
        "protocol",
    )


def _stale_result(result: Result, record: Mapping[str, Any], held: str, case: FoundCase) -> Stale | None:
    spec = method_spec(result.method)
    again = _run_again(record["command"], result)
    if spec is None:
        command = "add --register FILE.py with the file that has it"
        return Stale("method is not registered here", command, "unregistered")
    if record["method"] != spec.id:
        return Stale(f"made by {record['method']}, now {spec.id}", again, "method")
    today = json.loads(json.dumps(dict(spec.options), default=str))
    if record.get("options", today) != today:
        return Stale(f"made with the options {record['options']}, now {today}", again, "options")
    if record["data"] != case.record["data"]:
        renew = _run_again(record["command"] + " --renew", result)
        return Stale("made from other data of the same name", renew, "data")
    if "external" in record and (changed := _changed(spec, record)):
        return Stale(f"made with another {', '.join(changed)}", again)
    if record["prediction"] != held:
        return Stale("prediction file is missing or not the one of its record", again, "prediction")
    return None


def _changed(spec: MethodSpec, record: Mapping[str, Any]) -> list[str]:
    """What of an external method is no longer as in a record; nothing where it is not here to be asked."""
    try:
        now = {**spec.made_with(), "weights": spec.weights_sha256()}
    except Unavailable:
        return []
    then = {**record["external"], "weights": record["weights"]}
    return sorted(name for name in {*now, *then} if now.get(name) != then.get(name))


def not_registered(name: str) -> Stale:
    """What is said of a metric that is not registered here."""
    command = "add --register FILE.py with the file that has it"
    return Stale(f"metric {name} is not registered here", command, "unregistered")


def _stale_score(name: str, fingerprint: str) -> Stale | None:
    metric = current_metric(name)
    if metric is None:
        return not_registered(name)
    if fingerprint != metric.fingerprint:
        reason = f"{name} has fingerprint {fingerprint}, now {metric.fingerprint}"
        return Stale(reason, f"bokehbench evaluate RESULTS --metric {shlex.quote(name)}", "metric")
    return None
