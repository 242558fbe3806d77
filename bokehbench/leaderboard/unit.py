"""One unit of work: one case rendered by one method, written with its record."""

from __future__ import annotations

import contextlib
import functools
import shlex
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench import images, records
from bokehbench.benchmarks.locate import Opened, Reference, open_benchmark
from bokehbench.cases import Case, CaseInfo, FloatImage, Inputs, Renderer, facts_of
from bokehbench.errors import BokehbenchError, InputError, JobFailed
from bokehbench.leaderboard import find_k, measure, restored
from bokehbench.leaderboard.results import NO_WEIGHTS, Protocol, Result
from bokehbench.leaderboard.stored import RECORD, read_object
from bokehbench.registry import BenchmarkSpec, MethodSpec, TwoStageSpec, files_of, get, registered_files

RENDERERS = 8
"""As many methods are kept in memory by a process."""
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

    @property
    def name(self) -> str:
        """For people: benchmark, track, case, method, seed."""
        seed = f" seed {self.result.seed}" if self.result.seed else ""
        track = self.reference.track.suffix
        # Several protocols may be run at once; keys of work must differ.
        rules = f" ({self.reference.protocol})" if self.reference.protocol else ""
        return f"{self.result.at.benchmark}{track}{rules} {self.info.key} {self.result.method}{seed}"


def stored(path: Path) -> dict[str, Any]:
    """A record; empty where there is none or it is broken, so that it is made again."""
    with contextlib.suppress(InputError):
        content = records.read_json(path)
        if isinstance(content, dict):
            return content
    return {}


def weights_hash(spec: MethodSpec) -> str:
    """First 8 digits of the hash over a method's weights, or `none`; of an external one, over all of it."""
    weights, made = spec.weights_sha256(), spec.made_with()
    if made:
        return records.sha256_json({**made, "weights": weights})[:8]
    return records.sha256_json(weights)[:8] if weights else NO_WEIGHTS


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
    wanted |= restored.rests_on(unit.result, spec)
    with contextlib.suppress(InputError):  # damaged: tables do not count it either
        return wanted.items() <= read_object(unit.result.record, RECORD).items()
    return False


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as JSON gives them back."""
    return dict(records.plain(dict(options)))


# ------------------------------------------------------------------------------------------- rendering


@functools.lru_cache(maxsize=4)
def _opened(reference: Reference) -> Opened:
    return open_benchmark(reference)


@functools.lru_cache(maxsize=1)
def _case(reference: Reference, info: CaseInfo) -> Case:
    return _opened(reference).load(info)


def load_case(unit: Unit) -> Case:
    """The case of a unit, with its pixels."""
    return _case(unit.reference, unit.info)


_renderers: dict[str, tuple[MethodSpec, Renderer]] = {}
_warm: set[str] = set()


def _renderer(name: str) -> Renderer:
    """The last stage, whatever stands before it; made once a process, and again if its name is another's."""
    spec = get(MethodSpec, name).last_stage
    if spec.name not in _renderers or _renderers[spec.name][0] is not spec:
        while len(_renderers) >= RENDERERS:
            _renderers.pop(next(iter(_renderers)))
        _renderers[spec.name] = spec, spec.create()
        _warm.discard(spec.name)
    return _renderers[spec.name][1]


def _warm_up(name: str, inputs: Inputs) -> None:
    """Render a corner once a process, so that compilation and loading are not counted as rendering."""
    if name not in _warm and not hasattr(_renderer(name), "render_many"):
        corner = (slice(0, 64), slice(0, 64))
        _renderer(name).render(
            replace(inputs, image=inputs.image[corner], disparity=inputs.disparity[corner], lq=None)
        )
        _warm.add(name)


def render_unit(unit: Unit, repeats: int = 0) -> None:
    """Render one case by one method and write prediction, timing, record (in this order).

    Args:
        unit: what to render; of a result that is complete, the timing alone is written.
        repeats: renderings that are timed after one that is not; 0 times the only one.

    Raises:
        JobFailed: the method raised, or returned something that is no image; the traceback lies beside.
    """
    with blamed_on_the_method(unit):
        spec = get(MethodSpec, unit.result.method)
        inputs, K = prepare(unit, spec)
        if repeats:
            image, timing = measure.profile(_renderer(spec.name), inputs, repeats)
        else:
            _warm_up(spec.last_stage.name, inputs)
            image, timing = measure.once(_renderer(spec.name), inputs)
        facts = facts_of(_renderer(spec.name), inputs)
    commit(unit, spec, image, timing, K, facts)


def prepare(unit: Unit, spec: MethodSpec) -> tuple[Inputs, float | None]:
    """What the method is given, and the K that was found where none is; writes the case."""
    case = store_case(unit)
    inputs = granted(unit, spec, case)
    K = _search_per_image(unit) if searches_K(unit, spec) and unit.K is None else unit.K
    return (inputs if K is None else with_K(inputs, K)), K


def store_case(unit: Unit) -> Case:
    """Write the case of a unit into the results, where it is not there yet."""
    case = load_case(unit)
    write_case(unit.result.at, case, _opened(unit.reference))
    return case


def commit(
    unit: Unit,
    spec: MethodSpec,
    image: FloatImage,
    timing: Mapping[str, Any],
    K: float | None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write prediction, timing, record; of a complete result the timing, if the picture is still the same."""
    complete = is_complete(unit, spec)
    if not complete:
        images.write_png(unit.result.prediction, image)
    elif not np.array_equal(_stored_pixels(unit), images.quantise(image)):
        raise JobFailed(f"rendered again, it differs from {unit.result.prediction}: it was not measured")
    records.write_json(unit.result.timing, timing_of(unit, spec, timing))
    if not complete:
        records.write_json(unit.result.record, make_record(unit, spec, K, facts or {}))
        _trace(unit).unlink(missing_ok=True)


def timing_of(unit: Unit, spec: MethodSpec, timing: Mapping[str, Any]) -> dict[str, Any]:
    """The timing of a rendering, of two stages with that of the restoration before it."""
    if not isinstance(spec, TwoStageSpec):
        return dict(timing)
    return restored.both_stages(restored.at(unit.result, spec.restorer), timing)


def _stored_pixels(unit: Unit) -> Any:
    return images.quantise(images.read_image(unit.result.prediction))


@contextlib.contextmanager
def blamed_on_the_method(unit: Unit) -> Any:
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


def granted(unit: Unit, spec: MethodSpec, case: Case) -> Inputs:
    """What the method may see of its case, behind its restorer where it has one."""
    inputs = replace(case.inputs, seed=unit.result.seed)
    if isinstance(spec, TwoStageSpec):
        picture = restored.picture(unit.result, case, spec.restorer)
        return _opened(unit.reference).restored(case, inputs, picture)
    return replace(inputs, layers=case.layers) if spec.oracle == "layers" else inputs


# ------------------------------------------------------------------------------------ K where it is not given


def _search_per_image(unit: Unit) -> float:
    """The K whose rendering has the best PSNR against this case's target."""
    assert unit.info.K_search is not None
    search = find_k.search(*unit.info.K_search)
    made = made_by(unit, get(MethodSpec, unit.result.method))
    wanted = next(search)
    while True:
        curve = curve_over(unit, wanted, made, lambda inputs, K: with_K(inputs, float(K)))
        try:
            wanted = search.send([curve[K] for K in wanted])
        except StopIteration as end:
            return float(end.value)


def target_of(case: Case) -> npt.NDArray[np.uint8]:
    """What a strength of blur is chosen by, [H, W, 3]; InputError where a case has none."""
    if case.target is None:
        raise InputError(f"{case.info.key}: K cannot be searched without a ground truth")
    return images.quantise(case.target)


def curve_over(
    unit: Unit, wanted: Sequence[int], made: Mapping[str, Any], asked: Callable[[Inputs, int], Inputs]
) -> dict[int, float]:
    """PSNR of one case by one method at several strengths of blur, kept in the curve file of its result.

    Args:
        unit: case and method.
        wanted: numbers of the strengths.
        made: what a curve in the file must have been made by to count.
        asked: the case's inputs and such a number to what the method gets.
    """
    spec, path = get(MethodSpec, unit.result.method), find_k.curve_file(unit.result)
    curve = find_k.read_curve(path, made)
    lacking = [number for number in wanted if number not in curve]
    if lacking:
        with blamed_on_the_method(unit):
            case = load_case(unit)
            inputs, target = granted(unit, spec, case), target_of(case)
            pictures = measure.pictures(_renderer(spec.name), [asked(inputs, number) for number in lacking])
            for number, image in zip(lacking, pictures, strict=True):
                curve[number] = find_k.quality(images.quantise(image), target)
        find_k.write_curve(path, made, curve)
    return {number: curve[number] for number in wanted}


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


def make_record(unit: Unit, spec: MethodSpec, K: float | None, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What makes the number: enough to repeat it, and the same however it was run.

    `facts` are the method's own, see `cases.facts_of`.
    """
    at, opened = unit.result.at, _opened(unit.reference)
    return {
        "schema": "bokehbench.result/1",
        "benchmark": at.benchmark,
        "protocol": at.protocol,
        "case": unit.info.key,
        "method": spec.id,
        "options": _plain(spec.options),
        **({} if spec.k_scale == 1.0 else {"k_scale": spec.k_scale}),
        # Code of one's own has no commit of ours: the file's hash stands for it.
        "registered": {} if spec.is_builtin else registered_files(),
        **({"external": made} if (made := spec.made_with()) else {}),
        "weights": spec.weights_sha256(),
        "oracles": [spec.oracle] if spec.oracle else [],
        "uses_truth": [what for what in opened.uses_truth if K is not None or not what.startswith("K,")],
        **({} if K is None else {"K": K, "K_search": find_k.identity(unit.info)}),
        **({"rendered": records.plain(dict(facts))} if facts else {}),
        "data": unit.info.data,
        **restored.facts(unit.result, spec),
        "prediction": records.sha256_file(unit.result.prediction),
        "code": records.code_version(),
        "libraries": records.library_versions(*LIBRARIES),
        "seed": unit.result.seed if spec.stochastic else None,
        "command": command(unit.reference, spec.name, unit.result.seed),
    }


def command(reference: Reference, method: str, seed: int = 0) -> str:
    """What repeats a result, with the folders left to the reader; of files to register, the names."""
    specs = (get(MethodSpec, method), get(BenchmarkSpec, reference.benchmark.partition(":")[0]))
    files = dict.fromkeys(file.name for spec in specs for file in files_of(spec))
    parts = [f"bokehbench run --benchmark {reference.benchmark.partition(':')[0]}:DIR"]
    if reference.protocol:
        parts.append(f"--protocol {reference.protocol}")
    if reference.track.suffix:
        parts.append(f"--disparity {reference.track.public}")
    seeds = f" --seeds {seed + 1}" if seed else ""
    parts.append(f"--method {method}{seeds} --out RESULTS")
    return " ".join([*parts, *(f"--register {shlex.quote(name)}" for name in files)])
