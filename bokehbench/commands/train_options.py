"""Options that every training on photographs has, and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from bokehbench.training.turns import Result

F = TypeVar("F", bound=Callable[..., Any])

start = click.option(
    "--start",
    metavar="RUN|FILE|shipped",
    help="Begin with the newest weights of another run, with a file of weights that has its card beside it, "
    "or with the weights that come with the package.",
)
"""Of the methods that can go on from other weights."""


def common(configs: str, stages: tuple[str, ...]) -> Callable[[F], F]:
    """The options, by the names that `asked` knows.

    Args:
        configs: help on the settings that the method brings.
        stages: of the method.
    """
    options = (
        click.option("--config", default="compact", show_default=True, help=configs),
        click.option(
            "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change a field (repeatable)."
        ),
        click.option(
            "--data", required=True, metavar="SET|stream", help="A stored set, or scenes made on the fly."
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            required=True,
            help="Folder of the run; the same command goes on there.",
        ),
        click.option(
            "--stage",
            type=click.Choice([*stages, "all"]),
            default="all",
            show_default=True,
            help="Which network.",
        ),
        click.option(
            "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True
        ),
        click.option(
            "--workers",
            type=click.IntRange(min=0),
            default=0,
            show_default=True,
            help="Processes that prepare batches; the results do not depend on it.",
        ),
        click.option(
            "--validate", "benchmark", metavar="NAME:DIR", help="Also validate on a benchmark, blb-mini:DIR."
        ),
        click.option(
            "--hours",
            type=click.FloatRange(min=0.0),
            help="Stop after so long, ready to go on; 0 writes the weights of what is there.",
        ),
    )

    def with_all(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return with_all


def asked(
    options: Mapping[str, Any], load: Callable[[str, tuple[str, ...]], Any], stages: tuple[str, ...]
) -> dict[str, Any]:
    """Fields of `training.method_run.Request` from the options of `common`.

    Args:
        options: by name.
        load: the method's settings, by name and changes.
        stages: all of the method's.
    """
    kept = ("config", "data", "out", "device", "workers", "benchmark")
    stage, hours, changes = options["stage"], options["hours"], options["assignments"]
    return {
        **{name: options[name] for name in kept},
        "settings": load(options["config"], changes),
        "changes": changes,
        "start": options.get("start"),
        "stages": stages if stage == "all" else (stage,),
        "hours": float("inf") if hours is None else hours,
    }


def report(out: Path, result: Result, without: str) -> None:
    """A line for each stage, and one for the weights; of one process among those that train together.

    Args:
        out: folder of the run.
        result: of it.
        without: what to say where there are no weights to write yet.
    """
    from bokehbench.training.starting import describe

    if not result.speaks:
        return
    for line in describe(result.standings):
        click.echo(line)
    if result.card is None:
        click.echo(f"{out}: {without}; the same command goes on")
    else:
        weights = result.card["weights"]
        click.echo(f"{out / weights['file']}: {weights['bytes']} bytes, sha256:{weights['sha256']}")
