"""The constant by which K has to be multiplied for a method whose blur is not the K that it is asked for.

A network may have learned from pairs whose stated K is not the one that was rendered; then all its blur is
too large or too small by one factor. Here that factor is searched: the one with the best mean PSNR over a set
whose K is known, which neither training nor test may have seen.

Factors are 2^(i/64), 1.1 % apart, so that all cases are tried at the same ones. A ladder of half octaves
comes first; then the spacing is halved around the best factor and around the best ones without each scene,
which give the interval. Between the last three factors the peak is that of a parabola in log2 of the factor.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import stats

from bokehbench import records
from bokehbench.benchmarks.assets import assets_of
from bokehbench.benchmarks.locate import Opened, Reference, open_benchmark
from bokehbench.cases import Inputs
from bokehbench.errors import ConfigError, InputError, JobFailed
from bokehbench.leaderboard import curves, k_scale, trained_on
from bokehbench.leaderboard.k_scale import Calibration
from bokehbench.leaderboard.part import cases_of
from bokehbench.leaderboard.results import Protocol, Result
from bokehbench.leaderboard.statistics import MIN_SCENES
from bokehbench.leaderboard.unit import LIBRARIES, Unit, weights_hash
from bokehbench.registry import MethodSpec, get

VERSION = 1
"""Changes whenever another factor could be found."""
OCTAVE = 64
"""Factors between one and its double."""
FIRST = 32
RANGE = (0.25, 4.0)
CONFIDENCE = 0.95

Curves = dict[str, dict[int, float]]
"""Case -> number of a factor -> PSNR in dB."""


def factor(number: float) -> float:
    """The factor of a number: 2^(number / 64)."""
    return float(2.0 ** (number / OCTAVE))


@dataclass(frozen=True)
class Found:
    """The best number, and its bounds; None under `MIN_SCENES` scenes."""

    best: float
    bounds: tuple[float, float] | None


def calibrate(
    method: str,
    benchmark: str,
    out: Path,
    *,
    protocol: str | None = None,
    between: tuple[float, float] = RANGE,
    workers: int = 1,
    ray: str | None = None,
) -> Calibration:
    """Find the factor and write it to a file.

    Args:
        method: registered name, without a k_scale.
        benchmark: `NAME:DIR` or `NAME` of a set that gives K and a ground truth.
        out: JSON. Beside it `{stem}.curves/` keeps what was measured, so that a killed run goes on.
        protocol: one that the benchmark offers; its default where None.
        between: smallest and largest factor.
        workers, ray: see `bokehbench.jobs.run_jobs`.

    Raises:
        ConfigError: unknown names, a range that is none, a method that ignores the lens.
        InputError: a set that does not give K, or has no ground truth.
        JobFailed: the method failed on a case, or the best factor is an end of the range.
    """
    spec = get(MethodSpec, method)
    spec.with_k_scale(2.0)  # refuses what takes none
    ends = _ends(between)
    opened = open_benchmark(Reference(benchmark, protocol))
    units = _units(spec, Reference(benchmark, protocol), opened, out.with_suffix(".curves"))
    scenes = {unit.info.key: unit.info.scene for unit in units}
    search = {"version": VERSION, "octave": OCTAVE, "low": between[0], "high": between[1]}
    measure = functools.partial(_measure, units, workers, ray)
    tried, found = find(measure, scenes, ends)
    # Four digits stand for less than the interval can say.
    best = float(f"{factor(found.best):.4g}")
    low, high = found.bounds or (0.0, 0.0)
    bounds = (round(factor(low), 4), round(factor(high), 4)) if found.bounds else None
    infos = [unit.info for unit in units]
    calibration = Calibration(
        schema=k_scale.SCHEMA,
        **k_scale.made_with(spec),
        k_scale=best,
        interval=bounds,
        cases=len(infos),
        scenes=len(set(scenes.values())),
        benchmark=opened.spec.name,
        protocol=opened.protocol_id,
        data={info.key: info.data for info in infos},
        psnr={f"{factor(n):.4f}": round(value, 6) for n, value in sorted(mean(tried).items())},
        gain=gain(tried, scenes),
        by_scene={scene: round(factor(n), 4) for scene, n in sorted(_by_scene(tried, scenes).items())},
        training=_training(spec, opened).sentence,
        search=search,
        command=_command(spec, opened, protocol, between),
        code=records.code_version(),
        libraries=records.library_versions(*LIBRARIES),
    )
    records.write_json(out, calibration.model_dump(by_alias=True))
    return calibration


def _ends(between: tuple[float, float]) -> tuple[int, int]:
    low, high = between
    if not 0.01 <= low < 1.0 < high <= 100.0:
        raise ConfigError(
            f"the range of factors must have 1 inside and lie in 0.01 to 100, not {low:g},{high:g}"
        )
    return math.floor(math.log2(low) * OCTAVE), math.ceil(math.log2(high) * OCTAVE)


def _units(spec: MethodSpec, reference: Reference, opened: Opened, work: Path) -> list[Unit]:
    if spec.oracle is not None and spec.oracle not in opened.spec.oracles:
        raise ConfigError(f"{spec.name} needs the true {spec.oracle}, which {opened.spec.name} has not")
    infos = [info for info in cases_of(opened) if info.lens.K > 0.0 or info.K_search is not None]
    if any(info.K_search is not None for info in infos) or not infos:
        raise InputError(f"{opened.spec.name}: {opened.protocol_id} gives no K; take a synthetic set or BLB")
    at = Protocol(work, opened.spec.name, opened.protocol_id)
    weights = weights_hash(spec)
    return [Unit(reference, Result(at, spec.name, weights, info.key), info) for info in infos]


def _measure(
    units: Sequence[Unit], workers: int, ray: str | None, numbers: Sequence[int]
) -> dict[str, dict[int, float]]:
    """PSNR of every case at the factors of these numbers."""
    work = [(unit.info.key, (unit, tuple(numbers))) for unit in units]
    label = f"{units[0].result.method}, {len(numbers)} factors"
    found: Curves = {}
    for one in curves.measure(work, BY_FACTOR, label=label, workers=workers, ray=ray):
        if one.curve is None:
            raise JobFailed(f"{one.key}: {one.error}") from one.error
        found[one.key] = one.curve
    return found


def _scaled(inputs: Inputs, number: int) -> Inputs:
    return replace(inputs, lens=inputs.lens.scaled(factor(number)))


BY_FACTOR = curves.Scale(_scaled, {"factors": [VERSION, OCTAVE]})
"""Numbers of curves are those of factors."""


# ------------------------------------------------------------------------------------------------ search


def find(
    measure: Callable[[Sequence[int]], Curves], scenes: Mapping[str, str], ends: tuple[int, int]
) -> tuple[Curves, Found]:
    """The best number on a grid that is refined where the best may lie.

    Args:
        measure: numbers to their PSNR for every case.
        scenes: case -> scene.
        ends: smallest and largest number; 0 lies between.

    Raises:
        JobFailed: the best is one of the ends.
    """
    curves: Curves = {case: {} for case in scenes}
    spacing, wanted = FIRST, {*range(-FIRST * (-ends[0] // FIRST), ends[1] + 1, FIRST), *ends, 0}
    while wanted:
        for case, values in measure(sorted(wanted)).items():
            curves[case].update(values)
        around = [peak(mean(curves)), *_without_each(curves, scenes)]
        spacing //= 2
        if spacing == 0 or max(around) - min(around) > 8 * spacing:
            break
        low, high = min(around) - 1.5 * spacing, max(around) + 1.5 * spacing
        inside = range(math.ceil(max(low, ends[0]) / spacing), math.floor(min(high, ends[1]) / spacing) + 1)
        wanted = {spacing * n for n in inside} - set(mean(curves))
        if not wanted and spacing > 1:
            wanted = {round(around[0] / spacing) * spacing}
    best = peak(mean(curves))
    if best in ends:
        raise JobFailed(
            f"the best factor is an end of the range, {factor(best):g}; give a wider --range, or ask why "
            "the method's blur is so far from its K"
        )
    return curves, Found(best, _bounds(best, _without_each(curves, scenes), spacing))


def mean(curves: Curves) -> dict[int, float]:
    """Mean PSNR over the cases at the factors that all of them were tried at."""
    numbers = sorted(set.intersection(*(set(curve) for curve in curves.values())))
    # A fixed order: the last digits of a sum depend on it.
    return {n: sum(curves[case][n] for case in sorted(curves)) / len(curves) for n in numbers}


def peak(curve: Mapping[int, float]) -> float:
    """Where the parabola through the largest value and its two neighbours has its top; an end stays."""
    numbers = sorted(curve)
    index = max(range(len(numbers)), key=lambda i: (curve[numbers[i]], -abs(numbers[i])))
    if index in (0, len(numbers) - 1):
        return float(numbers[index])
    a, b, c = numbers[index - 1 : index + 2]
    left, right = (curve[b] - curve[a]) / (b - a), (curve[c] - curve[b]) / (c - b)
    if left <= right:  # flat
        return float(b)
    top = 0.5 * (a + b) + 0.5 * (c - a) * left / (left - right)
    return float(min(max(top, a), c))


def _without_each(curves: Curves, scenes: Mapping[str, str]) -> list[float]:
    """The best number without each of the scenes; none for a single scene."""
    names = sorted(set(scenes.values()))
    if len(names) < 2:
        return []
    rest = [{case: curve for case, curve in curves.items() if scenes[case] != name} for name in names]
    return [peak(mean(one)) for one in rest]


def _bounds(best: float, without: Sequence[float], spacing: int) -> tuple[float, float] | None:
    """t with the jackknife's standard error over scenes, as in `statistics`; never under the grid's step.

    Args:
        best: number over all scenes.
        without: numbers without each of the scenes.
        spacing: of the factors around it.
    """
    G = len(without)
    if G < MIN_SCENES:
        return None
    values = np.asarray(without)
    error = math.sqrt((G - 1) / G * float(((values - values.mean()) ** 2).sum()))
    half = max(float(stats.t.ppf(0.5 + CONFIDENCE / 2, df=G - 1)) * error, float(max(spacing, 1)))
    return best - half, best + half


def gain(curves: Curves, scenes: Mapping[str, str]) -> tuple[float, float, float] | None:
    """dB that a factor gains on a scene it was not found on: mean over scenes, and its 95 % t interval.

    Each scene is given the factor that is best for the others (the nearest that was tried) and compared with
    itself as it is, factor 1. The interval of the factor alone can be too narrow: a few scenes with sharp
    curves hold its place while the others do not care, or disagree.

    Returns:
        (mean, low, high); None under `MIN_SCENES` scenes.
    """
    names = sorted(set(scenes.values()))
    if len(names) < MIN_SCENES:
        return None
    tried = sorted(mean(curves))
    gains = []
    for name, best in zip(names, _without_each(curves, scenes), strict=True):
        own = mean({case: curve for case, curve in curves.items() if scenes[case] == name})
        gains.append(own[min(tried, key=lambda number: abs(number - best))] - own[0])
    middle = float(np.mean(gains))
    error = float(np.std(gains, ddof=1)) / math.sqrt(len(gains))
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, df=len(gains) - 1)) * error
    return round(middle, 4), round(middle - half, 4), round(middle + half, 4)


def _by_scene(curves: Curves, scenes: Mapping[str, str]) -> dict[str, float]:
    names = set(scenes.values())
    own = {name: {case: curve for case, curve in curves.items() if scenes[case] == name} for name in names}
    return {name: peak(mean(one)) for name, one in own.items()}


# ------------------------------------------------------------------------------------------------ record


def _training(spec: MethodSpec, opened: Opened) -> trained_on.Verdict:
    """Whether the method has seen the set: a factor found on training data says less."""
    has_assets = bool(trained_on.card_of(spec).get("assets")) if spec.weights or spec.card else False
    assets = assets_of(opened.benchmark.root) if has_assets else None
    return trained_on.judge(spec, opened.spec.name, assets)


def _command(spec: MethodSpec, opened: Opened, protocol: str | None, between: tuple[float, float]) -> str:
    parts = [f"bokehbench calibrate {spec.name} --benchmark {opened.spec.name}:DIR"]
    parts += [f"--protocol {protocol}"] if protocol else []
    parts += [f"--range {between[0]:g},{between[1]:g}"] if between != RANGE else []
    return " ".join([*parts, "--out FILE.json"])
