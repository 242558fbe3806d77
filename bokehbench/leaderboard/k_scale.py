"""What `calibrate` found for a method: a file that `run` and `render` take, and what every row says of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bokehbench import records
from bokehbench.cases import CaseInfo
from bokehbench.errors import ConfigError, InputError
from bokehbench.leaderboard.results import Result
from bokehbench.registry import MethodSpec, base_name, get

SCHEMA: Literal["bokehbench.k_scale/1"] = "bokehbench.k_scale/1"
FILE = Path("_about") / "k_scale.json"
"""Beside the predictions: the calibration, and the cases of it that are scored there."""


class Calibration(BaseModel):
    """The constant by which K has to be multiplied for a method, and what that rests on.

    Attributes:
        method: `name@version`.
        options, weights, external: what the method was made with.
        k_scale: the constant; of one digit less than is known at best.
        interval: 95 % by scene; None under `statistics.MIN_SCENES` scenes.
        benchmark, protocol: what it was found on.
        data: case -> sha256 of what it is made of.
        psnr: mean over the cases in dB, by constant: 1 is the method as it is.
        gain: (mean, low, high) in dB over the method as it is, on scenes that a constant was not found on;
            None under `statistics.MIN_SCENES` scenes, and in files from before there was one.
        by_scene: the constant that is best for each scene alone, among those tried.
        training: what the method was trained on, and whether that has anything of the benchmark.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    version: Literal["bokehbench.k_scale/1"] = Field(SCHEMA, alias="schema")
    method: str
    options: dict[str, Any]
    weights: dict[str, str]
    external: dict[str, Any] = {}
    k_scale: float = Field(gt=0.0)
    interval: tuple[float, float] | None
    cases: int
    scenes: int
    benchmark: str
    protocol: str
    data: dict[str, str]
    psnr: dict[str, float]
    gain: tuple[float, float, float] | None = None
    by_scene: dict[str, float]
    training: str
    search: dict[str, Any]
    command: str
    code: dict[str, Any]
    libraries: dict[str, str]

    @property
    def base(self) -> str:
        """Name of the method."""
        return self.method.partition("@")[0]

    @property
    def is_needed(self) -> bool:
        """Whether the set says that the method needs the constant: 1 lies outside, and it gains elsewhere."""
        if self.interval is None or self.interval[0] <= 1.0 <= self.interval[1]:
            return False
        return self.gain is None or self.gain[1] > 0.0


def read(path: Path) -> Calibration:
    """Read a calibration; InputError where it is none."""
    try:
        return Calibration.model_validate(records.read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: not what bokehbench calibrate writes: {where}: {first['msg']}") from error


def variants(paths: Sequence[Path]) -> dict[str, Calibration]:
    """The calibrations of several files, by the name of the method with its k_scale; see `variant`."""
    found = {path: read(path) for path in paths}
    return {variant(one, path).name: one for path, one in found.items()}


def variant(found: Calibration, path: Path) -> MethodSpec:
    """The method with its k_scale; ConfigError where it is another one today than was calibrated."""
    spec = get(MethodSpec, found.base)
    then = {name: getattr(found, name) for name in ("method", "options", "weights", "external")}
    now = made_with(spec)
    if changed := [name for name in then if then[name] != now[name]]:
        raise ConfigError(
            f"{path}: {spec.name} was calibrated with another {', '.join(changed)} than it has now; "
            "run bokehbench calibrate again"
        )
    return spec.with_k_scale(found.k_scale)


def made_with(spec: MethodSpec) -> dict[str, Any]:
    """What a calibration of a method holds for."""
    return {
        "method": spec.id,
        "options": records.plain(dict(spec.options)),
        "weights": spec.weights_sha256(),
        "external": records.plain(spec.made_with()),
    }


def sentence(found: Calibration) -> str:
    """What was found, and on what."""
    between = f" ({found.interval[0]:.3g} to {found.interval[1]:.3g})" if found.interval else ""
    return (
        f"{found.base}: K times {found.k_scale:g}{between}, calibrated on {found.benchmark} "
        f"({found.cases} cases of {found.scenes} scenes)"
    )


# ------------------------------------------------------------------------------------------ in results


def note(found: Calibration, result: Result, infos: Sequence[CaseInfo]) -> None:
    """Write a calibration beside the results that it was used for, with the cases that it was found on.

    Args:
        found: what was used.
        result: any of the results.
        infos: the cases of the benchmark.
    """
    known = set(found.data.values())
    shared = sorted(info.key for info in infos if info.data in known)
    content = {"calibration": found.model_dump(by_alias=True), "shared": shared}
    path = result.folder / FILE
    with contextlib.suppress(InputError):
        if records.read_json(path) == records.plain(content):
            return
    records.write_json(path, content)


def of_results(results: Iterable[Result], spec: MethodSpec | None) -> tuple[str, tuple[str, ...]]:
    """(what a row says of its k_scale, what of it the ground truth of these very cases chose)."""
    if spec is None or spec.k_scale == 1.0:
        return "", ()
    said: dict[str, None] = {}
    count = 0
    for path in dict.fromkeys(result.folder / FILE for result in results):
        with contextlib.suppress(InputError, ValidationError, KeyError, TypeError):
            content: Mapping[str, Any] = records.read_json(path)
            found = Calibration.model_validate(content["calibration"])
            # What an earlier version of the method needed is no reason for what this one is given.
            if found.method == f"{base_name(spec.name)}@{spec.version}" and found.k_scale == spec.k_scale:
                said[sentence(found)] = None
                count = max(count, len(content["shared"]))
    if not said:
        return f"K times {spec.k_scale:g}, given, not calibrated", ()
    truth = f"K times {spec.k_scale:g}, calibrated on {count} of these cases"
    return "; ".join(said), (truth,) if count else ()
