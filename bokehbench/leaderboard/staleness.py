"""Why a stored number no longer counts, and the command that renews it, as it can be typed here."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehbench import metrics, weights
from bokehbench.benchmarks.locate import DATA_VARIABLE
from bokehbench.benchmarks.protocols import base_id, current_ids
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.leaderboard import restored
from bokehbench.leaderboard.find_k import identity_of
from bokehbench.leaderboard.regions import FAMILY, PAIR_FAMILY
from bokehbench.leaderboard.results import Protocol, Result
from bokehbench.metrics.specs import DEFAULT
from bokehbench.registry import BenchmarkSpec, MethodSpec, Spec, files_of, find, get, names

REGISTER = "add --register FILE.py with the file that has it"


@dataclass(frozen=True)
class Stale:
    """Why a number no longer counts, and the command that renews it.

    Attributes:
        reason: one line.
        command: what renews it.
        cause: method, options, data, K, protocol, external, restored, prediction, scores, metric, or
            unregistered.
    """

    reason: str
    command: str
    cause: str = ""


def method_spec(name: str) -> MethodSpec | None:
    """The registered spec of a method, or None."""
    return find(MethodSpec, name)


def benchmark_spec(name: str) -> BenchmarkSpec | None:
    """The registered spec of a benchmark, or None."""
    return get(BenchmarkSpec, name) if name in names(BenchmarkSpec) else None


def current_metric(name: str) -> metrics.Metric | None:
    """The metric as it is computed today, or None where no such metric is registered."""
    try:
        return metrics.find(name)
    except ConfigError:
        return None


# ------------------------------------------------------------------------------------------- what is stale


def of_protocol(at: Protocol) -> str:
    """Why results under a protocol no longer count; empty where they do, or nobody here can say."""
    spec = benchmark_spec(at.benchmark)
    if spec is None or base_id(at.protocol) in current_ids(spec):
        return ""
    return f"protocol {at.protocol}, now {', '.join(sorted(current_ids(spec)))}"


class Today:
    """What would be made today, asked once for each method."""

    def __init__(self) -> None:
        self._made: dict[str, dict[str, Any] | None] = {}

    def why_stale(
        self, result: Result, record: Mapping[str, Any], held: str, case: Mapping[str, Any], protocol: str
    ) -> tuple[str, str]:
        """(cause, reason) of a result; empty where it counts.

        Args:
            result: where it lies.
            record: what made it.
            held: sha256 of its prediction file, empty where it is missing.
            case: the record of its case that is stored beside it.
            protocol: what `of_protocol` says.
        """
        spec = method_spec(result.method)
        if spec is None:
            return "unregistered", "method is not registered here"
        if protocol:
            return "protocol", protocol
        if record["method"] != spec.id:
            return "method", f"made by {record['method']}, now {spec.id}"
        today = json.loads(json.dumps(dict(spec.options), default=str))
        if record.get("options", today) != today:
            return "options", f"made with the options {record['options']}, now {today}"
        if record["data"] != case["data"]:
            return "data", "made from other data of the same name"
        if "K_search" in case and not spec.ignores_lens:
            search = identity_of(case["K_search"])
            if record.get("K_search") != search:
                return "K", f"K was found by the search {record.get('K_search')}, now {search}"
        if changed := self._changed(spec, record):
            return "external", f"made with another {', '.join(changed)}"
        if not restored.rests_on(result, spec).items() <= record.items():
            return "restored", "what the restorer made before it is another picture now"
        if record["prediction"] != held:
            return "prediction", "prediction file is missing or not the one of its record"
        return "", ""

    def _changed(self, spec: MethodSpec, record: Mapping[str, Any]) -> list[str]:
        """What of an external method is not as in a record; nothing where it is not here to be asked."""
        then = record.get("external", {})
        if spec.name not in self._made:
            self._made[spec.name] = _made_with(spec)
        now = self._made[spec.name]
        if now is None or not (now or then):
            return []
        if then:
            then = {**then, "weights": record.get("weights")}
        return sorted(name for name in {*now, *then} if now.get(name) != then.get(name))


def _made_with(spec: MethodSpec) -> dict[str, Any] | None:
    """Of an external method, what makes its numbers; empty of any other; None where it is not here."""
    try:
        made = spec.made_with()
        return {**made, "weights": spec.weights_sha256()} if made else {}
    except (Unavailable, InputError):  # missing, or of something else
        return None


def not_registered(name: str) -> Stale:
    """What is said of a metric that is not registered here."""
    return Stale(f"metric {name} is not registered here", REGISTER, "unregistered")


def of_score(root: Path, name: str, fingerprint: str) -> Stale | None:
    """Why one score no longer counts; None where it does."""
    metric = current_metric(name)
    if metric is None:
        return not_registered(name)
    if fingerprint == metric.fingerprint:
        return None
    reason = f"{name} has fingerprint {fingerprint}, now {metric.fingerprint}"
    return Stale(reason, scoring(root, [name], always_named=True), "metric")


# ---------------------------------------------------------------------------------------------- commands


def stale_result(
    result: Result, record: Mapping[str, Any], cause: str, reason: str, scored: Collection[str]
) -> Stale:
    """A result that no longer counts, with what renews it.

    Args:
        result: where it lies.
        record: what made it.
        cause: as of `Stale`.
        reason: one line.
        scored: names of the metrics that it has scores of.
    """
    if cause == "unregistered":
        return Stale(reason, REGISTER, cause)
    spec = get(MethodSpec, result.method)
    benchmark = benchmark_spec(result.at.benchmark)
    if cause == "protocol" and benchmark is not None and not _is_offered(benchmark, result.at):
        gone = shlex.quote(result.at.folder.as_posix())
        return Stale(reason, f"nothing makes it any more: delete {gone}", cause)
    words = _typed(str(record["command"]), result.at.root)
    # What lies in a folder of its own by version or environment stays there unless it is replaced.
    words += ["--renew"] if cause in ("data", "external", "protocol") else []
    words += _weights(spec, record)
    words += [word for file in _files(spec, benchmark) for word in ("--register", file)]
    again = scoring(result.at.root, scored, breakdown=result.breakdown.exists())
    return Stale(reason, f"{shlex.join(words)} && {again}", cause)


def scoring(
    root: Path, scored: Collection[str], *, breakdown: bool = False, always_named: bool = False
) -> str:
    """The `evaluate` that computes these metrics; without their names where those without a name will do."""
    parts = {*FAMILY, *PAIR_FAMILY} if breakdown else set()
    wanted = [name for name in scored if name not in parts]
    words = ["bokehbench", "evaluate", root.as_posix()]
    if always_named or not set(wanted) <= set(DEFAULT):
        words += [word for name in wanted for word in ("--metric", name)]
    words += ["--breakdown"] if breakdown else []
    specs = [metric.spec for name in wanted if (metric := current_metric(name)) is not None]
    return shlex.join([*words, *(word for file in _files(*specs) for word in ("--register", file))])


def _is_offered(spec: BenchmarkSpec, at: Protocol) -> bool:
    name = base_id(at.protocol).partition("@")[0]
    return name in {one.partition("@")[0] for one in current_ids(spec)}


def _typed(command: str, root: Path) -> list[str]:
    """A record's command with the folders and files of this machine, as far as they are known."""
    try:
        words = iter(shlex.split(command))
    except ValueError:  # a quotation without end: somebody has edited the record
        words = iter(command.split())
    typed: list[str] = []
    for word in words:
        if word == "--register":
            next(words, "")
        elif word == "--out":
            next(words, "")
            typed += [word, root.as_posix()]
        elif word == "--benchmark":
            name = next(words, "").partition(":")[0]
            typed += [word, name if _is_found(name) else f"{name}:DIR"]
        else:
            typed.append(word)
    return typed


def _is_found(benchmark: str) -> bool:
    """Whether a benchmark is found by its name alone."""
    spec, data = benchmark_spec(benchmark), os.environ.get(DATA_VARIABLE)
    if spec is None:
        return False
    return bool(spec.bundled) or (bool(data) and (Path(data or "").expanduser() / spec.name).is_dir())


def _weights(spec: MethodSpec, record: Mapping[str, Any]) -> list[str]:
    """What to add where a record's weights are not those that are found here: they are part of its path."""
    then = record.get("weights")
    if record.get("external") or not isinstance(then, Mapping):
        return []
    stems = []
    for wanted in spec.weights_wanted():
        path = weights.locate(wanted)[1]
        if wanted.file in then and (path is None or weights.sha256(path) != then[wanted.file]):
            stems.append(Path(wanted.file).stem)
    return [word for stem in stems for word in ("--weights", f"{stem}=FILE")]


def _files(*specs: Spec | None) -> Iterator[str]:
    """Files of `--register` that specs come from, each once, below the current folder where they are."""
    found = dict.fromkeys(file for spec in specs if spec is not None for file in files_of(spec))
    here = Path.cwd()
    yield from (str(file.relative_to(here) if file.is_relative_to(here) else file) for file in found)
