"""One unit of work: one case rendered by one method, written with its record."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import platform
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bokehbench import images, records
from bokehbench.benchmarks.locate import Opened, Reference, open_benchmark
from bokehbench.cases import Case, CaseInfo, FloatImage, Inputs, Renderer
from bokehbench.errors import BokehbenchError, InputError, JobFailed
from bokehbench.leaderboard import find_k
from bokehbench.leaderboard.results import NO_WEIGHTS, Protocol, Result
from bokehbench.registry import MethodSpec, get, registered_files

LIBRARIES = ("numpy", "numba", "opencv-python-headless", "scipy", "torch")


@dataclass(frozen=True)
class Unit:
    """One case to be rendered by one method; small enough to send to another process.

    Attributes:
        K: what the protocol chose for the set; None where the case gives it, or it is searched per image.
    """

    reference: Reference
    result: Result
    info: CaseInfo
    K: float | None = None


def stored(path: Path) -> dict[str, Any]:
    """A record; empty where there is none or it is broken, so that it is made again."""
    with contextlib.suppress(InputError):
        content = records.read_json(path)
        if isinstance(content, dict):
            return content
    return {}


def weights_hash(spec: MethodSpec) -> str:
    """First 8 digits of the hash over a method's weights, or `none`."""
    return records.sha256_json(weights_of(spec))[:8] if spec.weights else NO_WEIGHTS


def weights_of(spec: MethodSpec) -> dict[str, str]:
    """Weight file name -> sha256, from the implementation that loads them; Unavailable where one lacks."""
    return dict(spec.load().weights_sha256(spec.weights)) if spec.weights else {}


def made_by(unit: Unit, spec: MethodSpec) -> dict[str, Any]:
    """What a prediction, or a search for K, must have been made by to count today."""
    made: dict[str, Any] = {"method": spec.id, "options": _plain(spec.options), "data": unit.info.data}
    if spec.stochastic:
        made["seed"] = unit.result.seed
    if searches_K(unit, spec):
        made["K_search"] = find_k.identity(unit.info)
    return made


def searches_K(unit: Unit, spec: MethodSpec) -> bool:
    """Whether K is not given, and the method would heed it."""
    return unit.info.K_search is not None and not spec.ignores_lens


def is_complete(unit: Unit, spec: MethodSpec) -> bool:
    """Whether the prediction is there, undamaged, and of this method version, weights, data and K."""
    if not unit.result.prediction.exists():
        return False
    wanted = {**made_by(unit, spec), "prediction": records.sha256_file(unit.result.prediction)}
    if unit.K is not None:
        wanted["K"] = unit.K
    return wanted.items() <= stored(unit.result.record).items()


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as JSON gives them back."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(options), default=str))
    return plain


# ------------------------------------------------------------------------------------------- rendering


@functools.lru_cache(maxsize=4)
def _opened(reference: Reference) -> Opened:
    return open_benchmark(reference)


@functools.lru_cache(maxsize=1)
def _case(reference: Reference, info: CaseInfo) -> Case:
    return _opened(reference).load(info)


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
            replace(inputs, image=inputs.image[corner], disparity=inputs.disparity[corner], lq=None)
        )
        _warm.add(name)


def render_unit(unit: Unit) -> None:
    """Render one case by one method and write prediction, timing, record (in this order).

    Raises:
        JobFailed: the method raised, or returned something that is no image; the traceback lies beside.
    """
    with _blamed_on_the_method(unit):
        spec = get(MethodSpec, unit.result.method)
        case = _case(unit.reference, unit.info)
        write_case(unit.result.at, case, _opened(unit.reference))
        inputs = _granted(unit, spec, case)
        K = _search_per_image(unit) if searches_K(unit, spec) and unit.K is None else unit.K
        if K is not None:
            inputs = with_K(inputs, K)
        _warm_up(spec.name, inputs)
        image, timing = _timed(_renderer(spec.name), inputs)
    images.write_png(unit.result.prediction, image)
    records.write_json(unit.result.timing, timing)
    records.write_json(unit.result.record, make_record(unit, spec, K))
    _trace(unit).unlink(missing_ok=True)


@contextlib.contextmanager
def _blamed_on_the_method(unit: Unit) -> Any:
    """A method may be anybody's code: what it raises is its result on this case, not our crash."""
    try:
        yield
    except BokehbenchError:
        raise
    except Exception as error:
        records.write_text(_trace(unit), traceback.format_exc())
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise JobFailed(f"{said} (traceback: {_trace(unit)})") from error


def _trace(unit: Unit) -> Path:
    return unit.result.folder / f"{unit.result.case}.failed.txt"


def with_K(inputs: Inputs, K: float) -> Inputs:
    """The same inputs, rendered with another K."""
    return replace(inputs, lens=replace(inputs.lens, K=K))


def _granted(unit: Unit, spec: MethodSpec, case: Case) -> Inputs:
    inputs = replace(case.inputs, seed=unit.result.seed)
    return replace(inputs, layers=case.layers) if spec.oracle == "layers" else inputs


def _timed(renderer: Renderer, inputs: Inputs) -> tuple[FloatImage, dict[str, Any]]:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak of resident memory
    start = time.perf_counter()
    image = _checked(renderer, inputs)
    seconds = time.perf_counter() - start
    return image, {
        "seconds": round(seconds, 4),
        "peak_memory_mb": _peak_memory_mb(),
        "device": device_name(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _checked(renderer: Renderer, inputs: Inputs) -> FloatImage:
    image = renderer.render(inputs)
    if not isinstance(image, np.ndarray) or image.shape != inputs.image.shape:
        raise JobFailed(f"returned {getattr(image, 'shape', type(image))}, not an image {inputs.image.shape}")
    if not np.isfinite(image).all():
        raise JobFailed("returned NaN or infinite pixels")
    return image


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


# ------------------------------------------------------------------------------------ K where it is not given


def _search_per_image(unit: Unit) -> float:
    """The K whose rendering has the best PSNR against this case's target."""
    assert unit.info.K_search is not None
    search = find_k.search(*unit.info.K_search)
    wanted = next(search)
    while True:
        curve = measure_curve((unit, tuple(wanted)))
        try:
            wanted = search.send([curve[K] for K in wanted])
        except StopIteration as end:
            return float(end.value)


def measure_curve(job: tuple[Unit, tuple[int, ...]]) -> dict[int, float]:
    """PSNR of one case by one method at several K; what was measured before is read, not made again."""
    unit, wanted = job
    spec = get(MethodSpec, unit.result.method)
    path = find_k.curve_file(unit.result)
    curve = find_k.read_curve(path, made_by(unit, spec))
    lacking = [K for K in wanted if K not in curve]
    if lacking:
        with _blamed_on_the_method(unit):
            case = _case(unit.reference, unit.info)
            if case.target is None:
                raise InputError(f"{unit.info.key}: K cannot be searched without a ground truth")
            inputs, target = _granted(unit, spec, case), images.quantise(case.target)
            for K in lacking:
                image = _checked(_renderer(spec.name), with_K(inputs, float(K)))
                curve[K] = find_k.quality(images.quantise(image), target)
        find_k.write_curve(path, made_by(unit, spec), curve)
    return {K: curve[K] for K in wanted}


# --------------------------------------------------------------------------------------------- records


def write_case(at: Protocol, case: Case, opened: Opened, *, again: bool = False) -> None:
    """Write what was asked and what is scored against; the record last, and nothing if it is there."""
    record, key = at.case_record(case.info.key), case.info.key
    content = case_content(case, opened)
    if not again and content.items() <= stored(record).items():
        return
    shown = {"image": case.inputs.image, "target": case.target, "reference": case.reference}
    written = {what: picture for what, picture in shown.items() if picture is not None}
    for what, picture in written.items():
        images.write_png(at.case_image(key, what), picture)
    maps = {"disparity": case.inputs.disparity, "truth": case.true_disparity}
    for what, disparity in maps.items():
        if disparity is not None:
            images.write_disparity(at.case_image(key, what), disparity)
            written[what] = disparity
    pictures = {what: records.sha256_file(at.case_image(key, what)) for what in written}
    records.write_json(record, {**content, "pictures": pictures})


def case_content(case: Case, opened: Opened) -> dict[str, Any]:
    """The record of a case, without the hashes of its pictures."""
    given = case.inputs.disparity_range
    content: dict[str, Any] = {
        "schema": "bokehbench.case/1",
        "case": case.info.key,
        "scene": case.info.scene,
        "level": case.info.level,
        "lens": case.inputs.lens.to_json(),
        "size": [case.inputs.image.shape[1], case.inputs.image.shape[0]],
        "data": case.info.data,
        "disparity_range": list(given) if given else None,
        "notes": dict(case.notes),
    }
    if case.made_with:
        content["made_with"] = dict(case.made_with)
    if case.info.K_search:
        content["K_search"] = list(case.info.K_search)
    if opened.protocol.crop:
        content["crop"] = opened.protocol.crop
    if opened.track.suffix:
        content["track"] = opened.track.identity()
    return content


def make_record(unit: Unit, spec: MethodSpec, K: float | None) -> dict[str, Any]:
    """What makes the number: enough to repeat it, and the same however it was run."""
    at, opened = unit.result.at, _opened(unit.reference)
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
        "uses_truth": [what for what in opened.uses_truth if K is not None or not what.startswith("K,")],
        **({} if K is None else {"K": K, "K_search": find_k.identity(unit.info)}),
        "data": unit.info.data,
        "prediction": records.sha256_file(unit.result.prediction),
        "code": records.code_version(),
        "libraries": records.library_versions(*LIBRARIES),
        "seed": unit.result.seed if spec.stochastic else None,
        "command": command(unit.reference, spec.name, unit.result.seed),
    }


def command(reference: Reference, method: str, seed: int = 0) -> str:
    """What repeats a result, with the folders left to the reader."""
    parts = [f"bokehbench run --benchmark {reference.benchmark.partition(':')[0]}:DIR"]
    if reference.protocol:
        parts.append(f"--protocol {reference.protocol}")
    if reference.track.suffix:
        parts.append(f"--disparity {reference.track.public}")
    seeds = f" --seeds {seed + 1}" if seed else ""
    return " ".join([*parts, f"--method {method}{seeds} --out RESULTS"])
