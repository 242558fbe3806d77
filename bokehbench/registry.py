"""Light specs, heavy implementations: what exists, without importing any of it.

A spec is plain data (`spec_kinds.py`, `method_specs.py`); its `implementation` ("module:attribute") is
imported on demand. The specs of the project are listed in `BUILTIN`; third parties add theirs with an entry
point of the group `bokehbench.specs` (a spec or a list of specs), with `--register file.py` (a file that
calls `register`), or with `--register method.toml` (a method in an environment of its own).
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TypeVar

from bokehbench.errors import ConfigError, InputError
from bokehbench.method_specs import (
    BEHIND,
    K_SCALE,
    MethodSpec,
    RestorerSpec,
    StageSpec,
    TwoStageSpec,
    base_name,
    behind,
)
from bokehbench.spec_kinds import (
    BenchmarkSpec,
    DepthModelSpec,
    DepthSetSpec,
    MetricSpec,
    PretrainedSpec,
    ProtocolSpec,
    RecipeSpec,
    SaliencyModelSpec,
    SetMetricSpec,
    Spec,
)

__all__ = [
    "KINDS",
    "BenchmarkSpec",
    "DepthModelSpec",
    "DepthSetSpec",
    "MethodSpec",
    "MetricSpec",
    "PretrainedSpec",
    "ProtocolSpec",
    "RecipeSpec",
    "RestorerSpec",
    "SaliencyModelSpec",
    "SetMetricSpec",
    "Spec",
    "StageSpec",
    "TwoStageSpec",
    "base_name",
    "files_of",
    "find",
    "get",
    "names",
    "register",
    "register_files",
    "registered_files",
]

KINDS: dict[str, type[Spec]] = {
    spec.kind: spec
    for spec in (
        MethodSpec,
        RestorerSpec,
        BenchmarkSpec,
        ProtocolSpec,
        MetricSpec,
        SetMetricSpec,
        RecipeSpec,
        DepthModelSpec,
        SaliencyModelSpec,
        DepthSetSpec,
    )
}
BUILTIN = (
    "bokehbench.baselines.specs",
    "bokehbench.baselines.magicbokeh.specs",
    "bokehbench.baselines.comparators.specs",
    "bokehbench.baselines.restorers.specs",
    "bokehbench.baselines.external_recipes.specs",
    "bokehbench.benchmarks.specs",
    "bokehbench.benchmarks.protocol_specs",
    "bokehbench.depth.specs",
    "bokehbench.metrics.specs",
    "bokehbench.metrics.set_specs",
    "bokehbench.synth.recipes.specs",
)
REGISTER_VARIABLE = "BOKEHBENCH_REGISTER"
"""Environment variable with the files of --register; worker processes inherit it."""
DESCRIPTIONS = (".toml", ".yaml", ".yml")
"""Suffixes of files that describe a method in an environment of its own."""


S = TypeVar("S", bound=Spec)
_registered: dict[tuple[str, str], Spec] = {}
_files: dict[tuple[str, str], Path] = {}
"""The file of `--register` that a spec comes from."""
_executing: list[Path] = []
_variants: dict[str, tuple[tuple[StageSpec, ...], MethodSpec]] = {}
"""Name that is made of others -> (what it is made of, the spec): the same object each time."""
_files_of_weights: dict[str, RestorerSpec] = {}
"""Restorers that are named after a file of weights, by name: the same object each time."""
FILE_OF_WEIGHTS = "spandrel-"
"""Before the name of a file of weights (without suffix), a restorer: `spandrel-4xSharp`."""


def register(*specs: Spec) -> None:
    """Add specs; a name that is taken is refused (a typo must not replace a method silently)."""
    for spec in specs:
        for name in (spec.name, *spec.aliases):
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
                raise ConfigError(f"{spec.kind} {name!r}: a name has letters, digits, _ and - only")
            known = _registered.setdefault((spec.kind, name), spec)
            if _is_recipe(known) and not _is_recipe(spec):
                _registered[spec.kind, name] = spec
            elif known != spec and not _is_recipe(spec):
                raise ConfigError(f"{spec.kind} {name} is registered twice; give yours another name")
        _files.pop((spec.kind, spec.name), None)
        if _executing:
            _files[spec.kind, spec.name] = _executing[-1]


def _is_recipe(spec: Spec) -> bool:
    """Whether it gives way to the description of a program under its name."""
    return isinstance(spec, StageSpec) and spec.is_recipe


def files_of(spec: Spec) -> list[Path]:
    """The files of `--register` that a spec comes from, of both stages; none for one of a package."""
    stages = spec.stages if isinstance(spec, StageSpec) else (spec,)
    found = (_files.get((stage.kind, base_name(stage.name))) for stage in stages)
    return [path for path in found if path is not None]


@functools.cache
def _load_all() -> None:
    for module in BUILTIN:
        register(*importlib.import_module(module).SPECS)
    for entry in metadata.entry_points(group="bokehbench.specs"):
        loaded = entry.load()
        register(*([loaded] if isinstance(loaded, Spec) else loaded))
    for name in filter(None, os.environ.get(REGISTER_VARIABLE, "").split(os.pathsep)):
        _executing.append(Path(name))
        try:
            _execute(Path(name))
        finally:
            _executing.pop()


def _execute(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"--register {path}: no such file")
    if path.suffix in DESCRIPTIONS:
        # By name: nothing of it is needed where no such file is registered.
        register(importlib.import_module("bokehbench.baselines.external_spec").read(path))
        return
    spec = importlib.util.spec_from_file_location(f"bokehbench_registered_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"--register {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    known = importlib.util.find_spec(path.stem)
    if known is not None and known.name != spec.name and Path(known.origin or "").resolve() != path.resolve():
        raise InputError(f"--register {path}: a module is called {path.stem} already; rename the file")
    # So that "module:attribute" of a spec inside the file finds the file again.
    sys.modules[path.stem] = sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise InputError(f"--register {path}: {type(error).__name__}: {error}") from error


def register_files(paths: Sequence[Path]) -> None:
    """Register what `--register` names, here and in every process started from here."""
    known = [name for name in os.environ.get(REGISTER_VARIABLE, "").split(os.pathsep) if name]
    added = [str(path.resolve()) for path in paths if str(path.resolve()) not in known]
    if added:
        os.environ[REGISTER_VARIABLE] = os.pathsep.join(known + added)
        _load_all.cache_clear()


def registered_files() -> dict[str, str]:
    """File name -> sha256 of what `--register` named, for records."""
    paths = [Path(name) for name in os.environ.get(REGISTER_VARIABLE, "").split(os.pathsep) if name]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def names(kind: type[S]) -> list[str]:
    """Registered names of a kind without aliases, in order of registration (floor first, then by family)."""
    _load_all()
    return [
        name for (spec_kind, name), spec in _registered.items() if (spec_kind, spec.name) == (kind.kind, name)
    ]


def find(kind: type[S], name: str) -> S | None:
    """The spec of a name or alias, or None.

    A method may have a factor of K (`scatter+k1.5`), and a restorer before it (`bicubic+scatter`); a restorer
    may be a file of weights (`spandrel-4xSharp`).

    Raises:
        ConfigError: a restorer before a method that takes none.
    """
    _load_all()
    spec = _registered.get((kind.kind, name))
    if spec is None and kind.kind == MethodSpec.kind:
        spec = _with_factor(name) or _behind_a_restorer(name)
    if spec is None and kind.kind == RestorerSpec.kind and name.startswith(FILE_OF_WEIGHTS):
        spec = _restorer_of_file(name)
    assert spec is None or isinstance(spec, kind)
    return spec


def _with_factor(name: str) -> MethodSpec | None:
    """A method with a k_scale, written as it is printed (`+k1.5`, not `+k1.50`); else None."""
    base, scale = base_name(name), name.rpartition(K_SCALE)[2]
    method = _registered.get((MethodSpec.kind, base))
    if not isinstance(method, MethodSpec) or not re.fullmatch(r"[0-9]+(\.[0-9]+)?", scale):
        return None
    variant = method.with_k_scale(float(scale))
    if variant is method or not variant.name.endswith(f"{K_SCALE}{scale}"):
        return None
    return _the_same(name, (method,), variant)


def _behind_a_restorer(name: str) -> MethodSpec | None:
    """A method behind a restorer, or None where one of them is none."""
    first, plus, second = name.partition(BEHIND)
    restorer = find(RestorerSpec, first) if plus else None
    renderer = find(MethodSpec, second) if restorer else None
    if restorer is None or renderer is None:
        return None
    made = behind(restorer, renderer)
    return _the_same(made.name, (restorer, renderer), made)


def _the_same(name: str, parts: tuple[StageSpec, ...], made: MethodSpec) -> MethodSpec:
    """The spec that was made of the same parts before, or this one."""
    if name not in _variants or any(
        one is not other for one, other in zip(_variants[name][0], parts, strict=True)
    ):
        _variants[name] = parts, made
    return _variants[name][1]


def _restorer_of_file(name: str) -> RestorerSpec | None:
    """By name, as with files that describe a method: nothing of it is needed where none is asked for."""
    if name in _files_of_weights:
        return _files_of_weights[name]
    module = importlib.import_module("bokehbench.baselines.restorers.by_file")
    made: RestorerSpec | None
    made, is_here = module.of_file(name, name.removeprefix(FILE_OF_WEIGHTS))
    if made is not None and is_here:
        _files_of_weights[name] = made
    return made


def get(kind: type[S], name: str) -> S:
    """The spec of a name or alias; ConfigError with the nearest names where there is none."""
    spec = find(kind, name)
    if spec is None:
        near = difflib.get_close_matches(name, names(kind), n=3, cutoff=0.4)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ConfigError(f"unknown {kind.kind} {name!r}{hint} (bokehbench list {kind.kind}s)")
    return spec
