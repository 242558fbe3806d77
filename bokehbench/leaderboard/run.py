"""Run methods on benchmarks: what is missing, nothing twice, every prediction with its record.

One unit of work is one case rendered by one method. Its record is written last, so a killed run leaves no
result that looks complete; the same command goes on from there and ends with the same bytes.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import platform
import re
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bokehbench import images, jobs, records
from bokehbench.benchmarks.locate import Opened, open_benchmark
from bokehbench.cases import Case, CaseInfo, FloatImage, Inputs, Renderer
from bokehbench.errors import BokehbenchError, InputError, JobFailed
from bokehbench.leaderboard.results import NO_WEIGHTS, Protocol, Result
from bokehbench.registry import MethodSpec, get, names, registered_files

LIBRARIES = ("numpy", "numba", "opencv-python-headless", "scipy", "torch")


@dataclass(frozen=True)
class Unit:
    """One case to be rendered by one method; small enough to send to another process."""

    reference: str
    result: Result
    info: CaseInfo


@dataclass
class Summary:
    """What a run did.

    Attributes:
        rendered: units rendered now.
        present: units that were already complete.
        skipped: one line for each (benchmark, method) that does not fit, with the reason.
        failed: one line a unit that failed.
    """

    rendered: int = 0
    present: int = 0
    skipped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def run(
    benchmarks: Sequence[str],
    methods: Sequence[str],
    out: Path,
    *,
    workers: int = 1,
    shard: tuple[int, int] = (0, 1),
    renew: bool = False,
) -> Summary:
    """Render every missing (benchmark, method, case).

    Args:
        benchmarks: `NAME:DIR` or `NAME`.
        methods: registered names; `all` stands for every one.
        out: results folder (layout: bokehbench.leaderboard.results).
        workers: processes; the results do not depend on it.
        shard: (i, n): this run does the i-th of n parts of the cases.
        renew: replace results that were made from other data of the same name.

    Raises:
        ConfigError: an unknown name.
        InputError: a benchmark that cannot be read, or results of other data without `renew`.
    """
    chosen = names(MethodSpec) if "all" in methods else methods
    specs = list({spec.name: spec for spec in (get(MethodSpec, name) for name in chosen)}.values())
    opened = {reference: open_benchmark(reference) for reference in dict.fromkeys(benchmarks)}
    summary = Summary()
    units: list[tuple[str, Unit]] = []
    if out.exists():
        records.remove_parts(out)
    for reference, benchmark in opened.items():
        units += _missing(reference, benchmark, specs, out, shard, renew, summary)
    for outcome in jobs.run_jobs(render_unit, units, label="rendering", workers=workers):
        if outcome.error is None:
            summary.rendered += 1
        else:
            summary.failed.append(f"{outcome.key}: {outcome.error}")
    summary.failed.sort()
    return summary


def _missing(
    reference: str,
    opened: Opened,
    specs: Sequence[MethodSpec],
    out: Path,
    shard: tuple[int, int],
    renew: bool,
    summary: Summary,
) -> list[tuple[str, Unit]]:
    """Units without a complete, current result; case by case, so that a case is read once."""
    at = Protocol(out, opened.spec.name, opened.protocol.id)
    fitting = []
    for spec in specs:
        if spec.oracle is None or spec.oracle in opened.spec.oracles:
            fitting.append(spec)
        else:
            summary.skipped.append(
                f"{spec.name} on {at.benchmark}: needs the true {spec.oracle}, which it has not"
            )
    left_out = getattr(opened.benchmark, "left_out", None)
    if left_out is not None and (count := left_out()):
        summary.skipped.append(f"{count} samples of {at.benchmark}: nothing to render (K = 0)")
    units = []
    for info in _cases(opened)[shard[0] :: shard[1]]:
        _refuse_other_data(at, info, renew)
        _mend_case(at, opened, info)
        for spec in fitting:
            result = Result(at, spec.name, weights_hash(spec), info.key)
            if is_complete(result, spec, info):
                summary.present += 1
            else:
                units.append((f"{at.benchmark} {info.key} {spec.name}", Unit(reference, result, info)))
    return units


def _cases(opened: Opened) -> list[CaseInfo]:
    """The benchmark's cases; InputError for a key that cannot be a file name."""
    try:
        cases = opened.benchmark.cases()
    except BokehbenchError:
        raise
    except Exception as error:
        # A benchmark may be anybody's code, like a method.
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{opened.spec.name}: its cases could not be listed: {said}") from error
    for info in cases:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", info.key):
            raise InputError(
                f"{opened.spec.name}: case key {info.key!r} may have letters, digits, _ and - only"
            )
    return cases


def _mend_case(at: Protocol, opened: Opened, info: CaseInfo) -> None:
    """Write a case again where its record is broken or one of its pictures missing or damaged."""
    if not at.case_record(info.key).exists():
        return
    hashes = _stored(at.case_record(info.key)).get("pictures", {})
    pictures = {what: at.case_image(info.key, what) for what in {"image", "disparity", *hashes}}
    if any(not p.exists() or records.sha256_file(p) != hashes.get(what) for what, p in pictures.items()):
        write_case(at, opened.benchmark.load(info), again=True)


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as JSON gives them back."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(options), default=str))
    return plain


def _stored(path: Path) -> dict[str, Any]:
    """A record; empty where there is none or it is broken, so that it is made again."""
    with contextlib.suppress(InputError):
        content = records.read_json(path)
        if isinstance(content, dict):
            return content
    return {}


def _refuse_other_data(at: Protocol, info: CaseInfo, renew: bool) -> None:
    if not renew and _stored(at.case_record(info.key)).get("data", info.data) != info.data:
        raise InputError(
            f"{at.folder}: case {info.key} was run on other data of the same name; "
            "choose another --out, or replace the old results with --renew"
        )


def weights_hash(spec: MethodSpec) -> str:
    """First 8 digits of the hash over a method's weights, or `none`."""
    return records.sha256_json(weights_of(spec))[:8] if spec.weights else NO_WEIGHTS


def weights_of(spec: MethodSpec) -> dict[str, str]:
    """Weight file name -> sha256, from the implementation that loads them."""
    return dict(spec.load().weights_sha256()) if spec.weights else {}


def is_complete(result: Result, spec: MethodSpec, info: CaseInfo) -> bool:
    """Whether the prediction is there, undamaged, and of this method version, weights and data."""
    if not result.prediction.exists():
        return False
    made_by = {"method": spec.id, "options": _plain(spec.options), "data": info.data}
    made_by["prediction"] = records.sha256_file(result.prediction)
    return made_by.items() <= _stored(result.record).items()


# ---------------------------------------------------------------------------------------- one unit of work


@functools.lru_cache(maxsize=4)
def _opened(reference: str) -> Opened:
    return open_benchmark(reference)


@functools.lru_cache(maxsize=1)
def _case(reference: str, info: CaseInfo) -> Case:
    return _opened(reference).benchmark.load(info)


@functools.lru_cache(maxsize=8)
def _renderer(name: str) -> Renderer:
    renderer: Renderer = get(MethodSpec, name).create()
    return renderer


_warm: set[str] = set()


def _warm_up(name: str, inputs: Inputs) -> None:
    """Render a corner once a process, so that compilation and loading are not counted as rendering."""
    if name not in _warm:
        corner = (slice(0, 64), slice(0, 64))
        _renderer(name).render(
            replace(inputs, image=inputs.image[corner], disparity=inputs.disparity[corner])
        )
        _warm.add(name)


def render_unit(unit: Unit) -> None:
    """Render one case by one method and write prediction, timing, record (in this order).

    Raises:
        JobFailed: the method raised, or returned something that is no image; the traceback lies beside.
    """
    spec = get(MethodSpec, unit.result.method)
    trace = unit.result.folder / f"{unit.result.case}.failed.txt"
    try:
        case = _case(unit.reference, unit.info)
        write_case(unit.result.at, case)
        inputs = _granted(spec, case)
        _warm_up(spec.name, inputs)
        image, timing = _timed(_renderer(spec.name), inputs)
    except BokehbenchError:
        raise
    except Exception as error:
        # A method may be anybody's code: what it raises is its result on this case, not our crash.
        records.write_text(trace, traceback.format_exc())
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise JobFailed(f"{said} (traceback: {trace})") from error
    images.write_png(unit.result.prediction, image)
    records.write_json(unit.result.timing, timing)
    records.write_json(unit.result.record, make_record(unit, spec))
    trace.unlink(missing_ok=True)


def _granted(spec: MethodSpec, case: Case) -> Inputs:
    return replace(case.inputs, layers=case.layers) if spec.oracle == "layers" else case.inputs


def _timed(renderer: Renderer, inputs: Inputs) -> tuple[FloatImage, dict[str, Any]]:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak of resident memory
    start = time.perf_counter()
    image = renderer.render(inputs)
    seconds = time.perf_counter() - start
    if not isinstance(image, np.ndarray) or image.shape != inputs.image.shape:
        raise JobFailed(f"returned {getattr(image, 'shape', type(image))}, not an image {inputs.image.shape}")
    if not np.isfinite(image).all():
        raise JobFailed("returned NaN or infinite pixels")
    return image, {
        "seconds": round(seconds, 4),
        "peak_memory_mb": _peak_memory_mb(),
        "device": device_name(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _peak_memory_mb() -> float | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    return None


@functools.cache
def device_name() -> str:
    """The CPU's name and the threads this process may use."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    threads = int(os.environ.get("NUMBA_NUM_THREADS", len(os.sched_getaffinity(0))))
    return f"{model}, {threads} threads"


def write_case(at: Protocol, case: Case, *, again: bool = False) -> None:
    """Write what was asked and what is scored against; the record last, and nothing if it is there."""
    record, key = at.case_record(case.info.key), case.info.key
    shown = {"image": case.inputs.image, "target": case.target, "reference": case.reference}
    written = {what: picture for what, picture in shown.items() if picture is not None}
    content = {
        "schema": "bokehbench.case/1",
        "case": case.info.key,
        "scene": case.info.scene,
        "level": case.info.level,
        "lens": case.inputs.lens.to_json(),
        "size": [case.inputs.image.shape[1], case.inputs.image.shape[0]],
        "data": case.info.data,
        "disparity_range": list(case.inputs.disparity_range) if case.inputs.disparity_range else None,
        "notes": dict(case.notes),
    }
    if not again and content.items() <= _stored(record).items():
        return
    for what, picture in written.items():
        images.write_png(at.case_image(key, what), picture)
    images.write_disparity(at.case_image(key, "disparity"), case.inputs.disparity)
    pictures = {what: records.sha256_file(at.case_image(key, what)) for what in (*written, "disparity")}
    records.write_json(record, {**content, "pictures": pictures})


def make_record(unit: Unit, spec: MethodSpec) -> dict[str, Any]:
    """What makes the number: enough to repeat it, and the same however it was run."""
    at = unit.result.at
    return {
        "schema": "bokehbench.result/1",
        "benchmark": at.benchmark,
        "protocol": at.protocol,
        "case": unit.info.key,
        "method": spec.id,
        "options": _plain(spec.options),
        # Code of one's own has no commit of ours: the file's hash stands for it.
        "registered": {} if spec.implementation.startswith("bokehbench.") else registered_files(),
        "weights": weights_of(spec),
        "oracles": [spec.oracle] if spec.oracle else [],
        "data": unit.info.data,
        "prediction": records.sha256_file(unit.result.prediction),
        "code": records.code_version(),
        "libraries": records.library_versions(*LIBRARIES),
        "seed": None,  # the methods here are deterministic
        "command": f"bokehbench run --benchmark {at.benchmark}:DIR --method {spec.name} --out RESULTS",
    }
