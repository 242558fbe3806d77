"""Which methods a run is for, and on which benchmarks: those whose weights and inputs are there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from bokehbench import weights
from bokehbench.benchmarks.locate import Opened
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.leaderboard import restoring
from bokehbench.leaderboard.unit import weights_hash
from bokehbench.registry import MethodSpec, TwoStageSpec, get, names


def chosen(methods: Sequence[str], further: Iterable[str] = ()) -> list[MethodSpec]:
    """The methods that a command names, each once.

    Args:
        methods: names; `all` stands for every registered one, `RESTORER+all` for each behind a restorer.
        further: names of other methods.
    """
    every = names(MethodSpec)
    asked = restoring.expanded(methods, every)
    written = [one for name in asked for one in (every if name == "all" else [name])]
    specs = (get(MethodSpec, name) for name in (*written, *further))
    return list({spec.name: spec for spec in specs}.values())


def with_weights(specs: Sequence[MethodSpec], named: set[str]) -> tuple[list[MethodSpec], list[str]]:
    """Methods whose weights are here, and a line on each other.

    An error for one that was named, or whose file of weights was.
    """
    here, lacking, recipes = [], [], []
    for spec in specs:
        try:
            weights_hash(spec)
        except (Unavailable, InputError) as error:  # missing, or of something else
            given = any(weights.is_given(one.file) for one in spec.weights_wanted())
            if given or named & {spec.name, *spec.aliases}:
                raise type(error)(f"{spec.name}: {error}") from error
            if any(stage.is_recipe for stage in spec.stages):
                recipes.append(spec.name)
            else:
                lacking.append(f"{spec.name}: {error}")
        else:
            here.append(spec)
    if recipes:
        lacking.append(
            f"{', '.join(recipes)}: their authors' code is yours to bring (bokehbench external list)"
        )
    return here, lacking


def refuse_unfair(specs: Sequence[MethodSpec], benchmarks: Collection[str], named: set[str]) -> None:
    """ConfigError for a method that was named, where it may be run on none of the benchmarks."""
    for spec in specs:
        if spec.only_on and not {*benchmarks} & {*spec.only_on} and named & {spec.name, *spec.aliases}:
            raise ConfigError(f"{spec.name}: {_only_on(spec)}")


def fitting(specs: Sequence[MethodSpec], opened: Opened, sharp: bool) -> tuple[list[MethodSpec], list[str]]:
    """Methods that a benchmark has all inputs for, and a line on each other.

    `sharp`: its cases have no low-quality pictures.
    """
    here, others = [], []
    for spec in specs:
        lacks = ""
        if spec.oracle is not None and spec.oracle not in opened.spec.oracles:
            lacks = f"needs the true {spec.oracle}"
        elif sharp and isinstance(spec, TwoStageSpec):
            lacks = "restores low-quality pictures"
        if lacks:
            others.append(f"{spec.name} on {opened.spec.name}: {lacks}, which it has not")
        elif spec.only_on and opened.spec.name not in spec.only_on:
            others.append(f"{spec.name} on {opened.spec.name}: {_only_on(spec)}")
        else:
            here.append(spec)
    return here, others


def _only_on(spec: MethodSpec) -> str:
    return f"it cannot be asked for a focal plane, and is run only on {', '.join(spec.only_on)}"
