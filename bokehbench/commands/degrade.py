"""`bokehbench degrade`: low-quality twins of pictures and folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from click.core import ParameterSource

from bokehbench.commands import options

if TYPE_CHECKING:
    from bokehbench.benchmarks.twins import Source
    from bokehbench.synth.degrade.folder import Order, Result

FIXED = ("preset", "seed", "only", "copy_rest", "keep_small", "key")
"""What --set decides."""


@click.command()
@click.argument("inputs", metavar="[IN]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--preset",
    default="osediff_512",
    show_default=True,
    metavar="NAME|FILE",
    help="A preset, or its YAML file.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Root of all random numbers.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the results.")
@click.option("--keep-small", is_flag=True, help="Store the small pictures too, in OUT/lq_small.")
@click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Degrade paths below IN that match, for example 'aif/*' (repeatable).",
)
@click.option("--copy-rest", is_flag=True, help="Copy every other file: OUT becomes a whole set again.")
@click.option(
    "--key",
    type=click.Choice(["path", "name", "content"]),
    default="path",
    show_default=True,
    help="What a picture's random numbers depend on, besides the seed; name is without folder and suffix.",
)
@click.option(
    "--set",
    "twin",
    metavar="NAME",
    help="Make the low-quality twin of a benchmark, as it is defined: ebb400-lq of an EBB400 folder, "
    "layered-lq of one of `synth build`, blb-mini-lq of nothing but the package.",
)
@options.workers
@click.pass_context
def degrade(
    context: click.Context,
    inputs: tuple[Path, ...],
    preset: str,
    seed: int,
    out: Path,
    keep_small: bool,
    only: tuple[str, ...],
    copy_rest: bool,
    key: str,
    twin: str | None,
    workers: int,
) -> None:
    """Make low-quality versions of pictures, in files or folders, as Real-ESRGAN does.

    The benchmark EBB400-LQ: bokehbench degrade EBB400 --set ebb400-lq --out EBB400-LQ. The same command goes
    on after an interruption.
    """
    from bokehbench.benchmarks.twins import Source
    from bokehbench.errors import ConfigError
    from bokehbench.synth.degrade import load_preset
    from bokehbench.synth.degrade.folder import KeyedBy, Order

    if twin is not None:
        _refuse_fixed(context, twin)
        done = _degrade_twin(twin, inputs, out, workers)
    elif inputs:
        order = Order(load_preset(preset), seed, cast(KeyedBy, key), keep_small)
        done = _degrade(Source(inputs, only, ("*",) if copy_rest else ()), order, out, workers)
    else:
        raise ConfigError("say what to degrade: pictures or folders, or --set blb-mini-lq")
    _say(done, out)


def _refuse_fixed(context: click.Context, twin: str) -> None:
    """ConfigError for an option that a twin decides."""
    from bokehbench.errors import ConfigError

    for name in FIXED:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise ConfigError(f"--set {twin} fixes --{name.replace('_', '-')}; leave it out")


def _degrade_twin(twin: str, inputs: Sequence[Path], out: Path, workers: int) -> Result:
    """The low-quality twin of a benchmark, as it is defined."""
    from bokehbench.benchmarks import twins
    from bokehbench.synth.degrade import load_preset
    from bokehbench.synth.degrade.folder import KeyedBy, Order

    made = twins.find(twin)
    with made.source(inputs) as source:
        order = Order(load_preset(made.preset), made.seed, cast(KeyedBy, made.keyed_by), keep_small=True)
        return _degrade(source, order, out, workers)


def _degrade(source: Source, order: Order, out: Path, workers: int) -> Result:
    from bokehbench.synth.degrade.folder import degrade_folders

    return degrade_folders(
        source.folders,
        out,
        order,
        only=source.only,
        copy_rest=bool(source.copied),
        copied=source.copied,
        workers=workers,
    )


def _say(done: Result, out: Path) -> None:
    from bokehbench.errors import InputError

    for entry in done.rejected:
        click.echo(f"left out: {entry.message}", err=True)
    click.echo(
        f"{out}: {len(done.made)} files made now, {len(done.kept)} kept; {out / 'degrade.json'} says how"
    )
    if done.rejected:
        total = len(done.rejected) + len(done.made) + len(done.kept)
        raise InputError(f"{len(done.rejected)} of {total} files could not be used")
