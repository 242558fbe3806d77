"""`bokehbench degrade`: low-quality twins of pictures and folders."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import cast

import click
from click.core import ParameterSource

from bokehbench.commands import options

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
    from bokehbench.benchmarks import twins
    from bokehbench.benchmarks.twins import Source
    from bokehbench.errors import ConfigError, InputError
    from bokehbench.synth.degrade import load_preset
    from bokehbench.synth.degrade.folder import KeyedBy, Order, degrade_folders

    with contextlib.ExitStack() as stack:
        if twin is None:
            if not inputs:
                raise ConfigError("say what to degrade: pictures or folders, or --set blb-mini-lq")
            source = Source(inputs, only, ("*",) if copy_rest else ())
        else:
            given = [
                name for name in FIXED if context.get_parameter_source(name) is not ParameterSource.DEFAULT
            ]
            if given:
                raise ConfigError(f"--set {twin} fixes --{given[0].replace('_', '-')}; leave it out")
            made = twins.find(twin)
            preset, seed = made.preset, made.seed
            keep_small, key = True, made.keyed_by
            source = stack.enter_context(made.source(inputs))
        order = Order(load_preset(preset), seed, cast(KeyedBy, key), keep_small)
        done = degrade_folders(
            source.folders,
            out,
            order,
            only=source.only,
            copy_rest=bool(source.copied),
            copied=source.copied,
            workers=workers,
        )
    for entry in done.rejected:
        click.echo(f"left out: {entry.message}", err=True)
    click.echo(
        f"{out}: {len(done.made)} files made now, {len(done.kept)} kept; {out / 'degrade.json'} says how"
    )
    if done.rejected:
        total = len(done.rejected) + len(done.made) + len(done.kept)
        raise InputError(f"{len(done.rejected)} of {total} files could not be used")
