"""`bokehbench train`: the networks whose weights come with the package."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def train() -> None:
    """Train a method's networks on synthetic pairs."""


@train.command()
@click.option(
    "--config",
    default="compact",
    show_default=True,
    help="compact, paper, an ablation (B1 to B5, no-augmentation), or a YAML file.",
)
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change a field (repeatable).")
@click.option("--data", required=True, metavar="SET|stream", help="A stored set, or scenes made on the fly.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the run; the same command goes on there.",
)
@click.option(
    "--stage",
    type=click.Choice(["arnet", "iunet", "all"]),
    default="all",
    show_default=True,
    help="Which network.",
)
@click.option(
    "--arnet", type=click.Path(path_type=Path), metavar="RUN", help="Take the ARNet of another run as it is."
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Processes that prepare batches; the results do not depend on it.",
)
@click.option(
    "--validate", "benchmark", metavar="NAME:DIR", help="Also validate on a benchmark, blb-mini:DIR."
)
@click.option(
    "--hours",
    type=click.FloatRange(min=0.0),
    help="Stop after so long, ready to go on; 0 writes the weights of what is there.",
)
def bokehme(
    config: str,
    assignments: tuple[str, ...],
    data: str,
    out: Path,
    stage: str,
    arnet: Path | None,
    device: str,
    workers: int,
    benchmark: str | None,
    hours: float | None,
) -> None:
    """BokehMe's ARNet and IUNet (docs/bokehme.md).

    Several GPUs: accelerate launch -m bokehbench train bokehme ...
    """
    from bokehbench.training.bokehme.settings import load
    from bokehbench.training.bokehme.train import STAGES, Request, describe
    from bokehbench.training.bokehme.train import train as train_bokehme

    request = Request(
        settings=load(config, assignments),
        config=config,
        changes=assignments,
        data=data,
        out=out,
        stages=STAGES if stage == "all" else (stage,),
        device=device,
        workers=workers,
        benchmark=benchmark,
        arnet=arnet,
        hours=float("inf") if hours is None else hours,
    )
    result = train_bokehme(request)
    if not result.speaks:
        return
    for line in describe(result):
        click.echo(line)
    if result.card is None:
        click.echo(f"{out}: no weights of both networks yet; the same command goes on")
    else:
        weights = result.card["weights"]
        click.echo(f"{out / weights['file']}: {weights['bytes']} bytes, sha256:{weights['sha256']}")
