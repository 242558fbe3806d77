"""`bokehbench synth`: build, plan, check and look at ray-traced layered training pairs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bokehbench.commands import options
from bokehbench.commands.assets import assets
from bokehbench.errors import JobFailed

if TYPE_CHECKING:
    from bokehbench.synth.assets.library import Library
    from bokehbench.synth.config import Recipe

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


@click.group()
def synth() -> None:
    """Build ray-traced layered training pairs."""


synth.add_command(assets)


def _sources(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say what samples are made of."""
    for option in (
        click.option("--recipe", default="bokehbench_v1", show_default=True, help="A name, or a YAML file."),
        click.option("--seed", type=int, default=7, show_default=True, help="Root of all random numbers."),
        click.option("--size", default=None, metavar="WxH", help="Instead of the recipe's size."),
        click.option(
            "--fg", type=click.Path(path_type=Path), help="Your cut-outs (pictures with transparency)."
        ),
        click.option("--bg", type=click.Path(path_type=Path), help="Your backgrounds."),
        click.option(
            "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change a field (repeatable)."
        ),
        options.register,
    ):
        function = option(function)
    return function


def _load(
    recipe: str, size: str | None, assignments: tuple[str, ...], fg: Path | None, bg: Path | None
) -> tuple[Recipe, Library]:
    from bokehbench.registry import RecipeSpec, get
    from bokehbench.synth.config import load_recipe
    from bokehbench.synth.dataset import make_library

    is_file = recipe.endswith((".yaml", ".yml"))
    path = Path(recipe) if is_file else get(RecipeSpec, recipe).load()()
    loaded = load_recipe(path, size=options.parse_size(size) if size else None, assignments=assignments)
    library = make_library(loaded, fg, bg)
    for folder in (library.foreground_folder, library.background_folder):
        for _, _, message in folder.rejected if folder else ():
            click.echo(f"left out: {message}", err=True)
    return loaded, library


@synth.command()
@_sources
@click.option("--count", type=int, required=True, help="Samples in all.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the set.")
@click.option(
    "--store",
    type=click.Choice(["folder", "wds"]),
    default="folder",
    show_default=True,
    help="One file a picture, or WebDataset shards.",
)
@click.option(
    "--profile",
    "profile_name",
    default="train-png",
    show_default=True,
    help="How pictures are stored: train-png, train-jpeg, full or linear.",
)
@click.option("--shard-size", type=int, default=500, show_default=True, help="Samples in a WebDataset shard.")
@options.shard
@options.workers
@options.ray
def build(
    recipe: str,
    seed: int,
    size: str | None,
    fg: Path | None,
    bg: Path | None,
    assignments: tuple[str, ...],
    count: int,
    out: Path,
    store: str,
    profile_name: str,
    shard_size: int,
    shard: str,
    workers: int,
    ray: str | None,
) -> None:
    """Make a set, or what is missing of it; the same command goes on after an interruption.

    Several machines may run it on one folder: each makes what no other is making.
    """
    from bokehbench.synth.dataset import MAX_FAILED
    from bokehbench.synth.dataset import build as build_set
    from bokehbench.synth.preview import write_contact_sheet
    from bokehbench.synth.store.profile import get_profile

    profile, part = get_profile(profile_name), options.parse_shard(shard)
    loaded, library = _load(recipe, size, assignments, fg, bg)
    built = build_set(
        loaded,
        library,
        count=count,
        root_seed=seed,
        root=out,
        workers=workers,
        ray=ray,
        shard=part,
        store="wds" if store == "wds" else "folder",
        profile=profile,
        shard_size=shard_size,
    )
    for _, error in built.failed:
        click.echo(f"given up: {error}", err=True)
    if built.total:
        write_contact_sheet(out)
    click.echo(f"{out}: {built.total} samples, {built.made} made now; {out / 'contact_sheet.png'} shows them")
    if built.lacks_tables:
        click.echo(f"without tables in parquet: {built.lacks_tables}", err=True)
    if len(built.failed) > MAX_FAILED * count:
        raise JobFailed(
            f"{out}: {len(built.failed)} of {count} samples were given up (failures.jsonl says why)"
        )


@synth.command()
@_sources
@click.option("--index", type=int, default=0, show_default=True, help="Which sample.")
@click.option("--attempt", type=int, default=0, show_default=True, help="Which of its attempts.")
def plan(
    recipe: str,
    seed: int,
    size: str | None,
    fg: Path | None,
    bg: Path | None,
    assignments: tuple[str, ...],
    index: int,
    attempt: int,
) -> None:
    """Print what a sample would be, as JSON; nothing is drawn or rendered."""
    from bokehbench.errors import ConfigError
    from bokehbench.synth.plan import draw_plan

    if min(seed, index, attempt) < 0:
        raise ConfigError("--seed, --index and --attempt must be at least 0")
    loaded, library = _load(recipe, size, assignments, fg, bg)
    click.echo(json.dumps(draw_plan(loaded, library, seed, index, attempt).to_json(), indent=1))


@synth.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--samples", type=click.IntRange(min=0), default=2, show_default=True, help="How many are made again."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the pick.")
@click.option("--fg", type=click.Path(path_type=Path), help="The cut-outs that the set was made from.")
@click.option("--bg", type=click.Path(path_type=Path), help="The backgrounds that it was made from.")
@options.workers
def verify(folder: Path, samples: int, seed: int, fg: Path | None, bg: Path | None, workers: int) -> None:
    """Open every file of a set, make random samples again, print the set's hash."""
    from bokehbench.errors import InputError
    from bokehbench.synth.verify import verify as verify_set

    found = verify_set(folder, samples=samples, seed=seed, workers=workers, fg=fg, bg=bg)
    for problem in found.problems:
        click.echo(problem, err=True)
    click.echo(f"{found.samples} samples, {found.remade} made again")
    click.echo(f"set   sha256:{found.content_hash}")
    click.echo(f"files sha256:{found.files_hash}")
    if found.problems:
        raise InputError(f"{folder}: {len(found.problems)} problems")


@synth.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--most", type=click.IntRange(min=1), default=36, show_default=True, help="Samples on the sheet."
)
@click.option("--columns", type=click.IntRange(min=1), help="Samples in a row (as many as fit).")
@click.option("--pictures", help="Names, separated by commas, instead of all: aif,bokeh_k0,subject_mask.")
def preview(folder: Path, most: int, columns: int | None, pictures: str | None) -> None:
    """Write the contact sheet of a set."""
    from bokehbench.synth.preview import write_contact_sheet

    names = tuple(pictures.split(",")) if pictures else ()
    click.echo(str(write_contact_sheet(folder, most=most, columns=columns, names=names)))
