"""`bokehbench depth`: disparity and saliency of pictures; depth networks against measured depth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bokehbench.commands import options
from bokehbench.errors import ConfigError, InputError

if TYPE_CHECKING:
    from bokehbench.depth.choice import Choice
    from bokehbench.depth.folder import Result


@click.command()
@click.argument("inputs", metavar="[IN]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="A name of: bokehbench list depth-models; OWNER/NAME of the hub; a folder (--evaluate: repeatable).",
)
@click.option(
    "--saliency",
    metavar="NAME",
    help="Mask of the subject; a name of: bokehbench list saliency-models, or as above.",
)
@click.option("--prompt", metavar="TEXT", help="What a prompted saliency network looks for.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the results.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["exr", "npy", "png"]),
    help="Of the maps (repeatable): float32 EXR (default), float32 NPY, 16-bit PNG.",
)
@click.option("--raw", is_flag=True, help="Store what the depth network put out, too.")
@click.option(
    "--raw-is",
    type=click.Choice(["disparity", "depth"]),
    help="What a network of your own puts out, where its configuration does not say.",
)
@click.option("--revision", metavar="R", help="Branch, tag or commit of --model on the hub (also NAME@R).")
@click.option("--offline", is_flag=True, help="Never ask the network, also where weights are missing.")
@click.option(
    "--trust-remote-code",
    "trust",
    multiple=True,
    metavar="ID",
    help="Let the code that comes with these weights run; the id must be the model's (repeatable).",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option(
    "--evaluate",
    "sets",
    multiple=True,
    metavar="SET:DIR",
    help="Compare with measured depth instead: nyuv2:DIR, kitti:DIR (repeatable).",
)
@click.option(
    "--degradation",
    default="osediff_512",
    show_default=True,
    metavar="NAME|FILE",
    help="Preset of --evaluate's low-quality pictures.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Root of the degradation's numbers.")
@click.option("--limit", type=int, help="Evaluate the first pictures of a set only; the table says so.")
@options.workers
@options.register
def depth(inputs: tuple[Path, ...], out: Path, sets: tuple[str, ...], workers: int, **chosen: Any) -> None:
    """Predict disparity (near = 1) and saliency of pictures, in files or folders.

    The maps go into `bokehbench render PHOTO --disparity MAP`. The same command goes on after an
    interruption.
    """
    models = [_choice(name, **chosen) for name in chosen.pop("models")]
    if chosen["revision"] is not None and len(models) != 1:
        raise ConfigError("--revision is of one --model; write NAME@REVISION for several")
    if sets:
        if inputs or chosen["saliency"] or chosen["raw"] or chosen["formats"]:
            raise ConfigError(
                "--evaluate takes networks and sets alone: no pictures, --saliency, --raw, --format"
            )
        _check_trust(models)
        _evaluate(models, sets, out, workers, **chosen)
        return
    if not inputs:
        raise ConfigError("say which pictures: files or folders (or --evaluate SET:DIR)")
    if chosen["limit"] is not None:
        raise ConfigError("--limit is of --evaluate")
    if len(models) > 1:
        raise ConfigError("one --model at a time, each into a folder of its own")
    _predict(inputs, models, out, workers, **chosen)


def _predict(inputs: tuple[Path, ...], models: list[Choice], out: Path, workers: int, **chosen: Any) -> None:
    from bokehbench.depth.folder import Order, predict_folders

    saliency = _choice(chosen["saliency"], "saliency", **chosen) if chosen["saliency"] else None
    if chosen["prompt"] is not None and saliency is None:
        raise ConfigError("--prompt is of --saliency")
    _check_trust([*models, *([saliency] if saliency else [])])
    order = Order(
        models[0] if models else None,
        saliency,
        tuple(dict.fromkeys(chosen["formats"])) or ("exr",),
        chosen["raw"],
    )
    _say(predict_folders(inputs, out, order, workers=workers), out)


def _check_trust(choices: list[Choice]) -> None:
    """A name that allows nothing is a typo."""
    ids = {name for choice in choices for name in (choice.name, choice.spec().repo)}
    for trusted in choices[0].trust if choices else ():
        if trusted not in ids:
            asked = ", ".join(choice.spec().repo for choice in choices)
            raise ConfigError(f"--trust-remote-code {trusted}: not asked for; the networks here are {asked}")


def _say(done: Result, out: Path) -> None:
    """Foci, files that were left out, and how many of what; InputError where some were left out."""
    records = {**done.kept, **done.made}
    for name in sorted(records):
        record = records[name]
        if "disp_focus" in record:
            share = f"mask {record['saliency']['share']:.0%} of the picture"
            focus = record["disp_focus"]
            said = (
                f"focus disparity {focus:.4f} ({share})" if focus is not None else "nothing marked, no focus"
            )
            click.echo(f"{name}: {said}")
        elif "saliency" in record:
            click.echo(f"{name}: mask {record['saliency']['share']:.0%} of the picture")
    for entry in done.rejected:
        click.echo(f"left out: {entry.message}", err=True)
    click.echo(f"{out}: {len(done.made)} pictures done now, {len(done.kept)} kept")
    if done.rejected:
        total = len(done.rejected) + len(records)
        raise InputError(f"{len(done.rejected)} of {total} pictures could not be used")


def _evaluate(models: list[Choice], sets: tuple[str, ...], out: Path, workers: int, **chosen: Any) -> None:
    from bokehbench.depth.evaluate import Test, evaluate, table

    test = Test(sets, tuple(models), chosen["degradation"], chosen["seed"], chosen["limit"])
    rows = evaluate(test, out, workers=workers)
    click.echo(table(rows), nl=False)
    click.echo(f"{out / 'depth.json'} has every picture")


def _choice(name: str, task: str = "depth", **chosen: Any) -> Choice:
    from bokehbench.depth.choice import Choice

    is_depth = task == "depth"
    return Choice(
        name,
        task,
        revision=chosen["revision"] if is_depth else None,
        raw=chosen["raw_is"] if is_depth else None,
        prompt=None if is_depth else chosen["prompt"],
        device=chosen["device"],
        offline=chosen["offline"],
        trust=frozenset(chosen["trust"]),
    )
