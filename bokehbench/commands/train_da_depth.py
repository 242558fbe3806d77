"""`bokehbench train da-depth`: depth that stands low-quality pictures."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("da-depth")
@click.option("--config", default="paper", show_default=True, help="paper, small, or a YAML file.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change a field (repeatable).")
@click.option(
    "--data", required=True, metavar="FOLDER", help="Pictures, in sub-folders or not; any size, no labels."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the run; the same command goes on there.",
)
@click.option(
    "--teacher",
    metavar="NAME",
    help="Depth Anything V2: a name of bokehbench list depth-models, OWNER/NAME of the hub, or a folder; "
    "of --config otherwise.",
)
@click.option("--revision", metavar="COMMIT", help="Of a teacher on the hub.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Processes that prepare batches; the results do not depend on it.",
)
@click.option(
    "--validate",
    "benchmark",
    metavar="NAME:DIR",
    help="Also validate on measured depth: nyuv2:DIR, kitti:DIR.",
)
@click.option(
    "--hours",
    type=click.FloatRange(min=0.0),
    help="Stop after so long, ready to go on; 0 writes the weights of what is there.",
)
def da_depth(
    config: str,
    assignments: tuple[str, ...],
    data: str,
    out: Path,
    teacher: str | None,
    revision: str | None,
    device: str,
    workers: int,
    benchmark: str | None,
    hours: float | None,
) -> None:
    """A depth network that sees in low-quality pictures what it saw in clean ones (docs/depth.md).

    Several GPUs: accelerate launch -m bokehbench train da-depth ...
    """
    from bokehbench.commands.train_options import report
    from bokehbench.training.da_depth.settings import load
    from bokehbench.training.da_depth.train import Request, train

    request = Request(
        settings=load(config, assignments),
        config=config,
        changes=assignments,
        data=data,
        out=out,
        teacher=teacher,
        revision=revision,
        device=device,
        workers=workers,
        benchmark=benchmark,
        hours=float("inf") if hours is None else hours,
    )
    report(out, train(request), "no weights yet")
