"""`bokehbench train`: the networks whose weights come with the package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bokehbench.commands.train_da_depth import da_depth

if TYPE_CHECKING:
    from bokehbench.training.turns import Result

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def train() -> None:
    """Train a method's networks on synthetic pairs."""


train.add_command(da_depth)


def _common(configs: str, stages: tuple[str, ...]) -> Callable[[F], F]:
    """Options that every training has."""
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


@train.command()
@_common("compact, paper, an ablation (B1 to B5, no-augmentation), or a YAML file.", ("arnet", "iunet"))
@click.option(
    "--arnet", type=click.Path(path_type=Path), metavar="RUN", help="Take the ARNet of another run as it is."
)
def bokehme(arnet: Path | None, **common: Any) -> None:
    """BokehMe's ARNet and IUNet (docs/bokehme.md).

    Several GPUs: accelerate launch -m bokehbench train bokehme ...
    """
    from bokehbench.training.bokehme.settings import load
    from bokehbench.training.bokehme.train import STAGES, Request
    from bokehbench.training.bokehme.train import train as train_bokehme

    result = train_bokehme(Request(**_asked(common, load, STAGES), arnet=arnet))
    _report(common["out"], result, "no weights of both networks yet")


@train.command()
@_common(
    "compact, paper, an ablation (no-coc, no-query-softmax, no-occlusion, no-lpips, no-adversarial, no-edge, "
    "t249, t749), or a YAML file.",
    ("vae", "denoiser"),
)
@click.option(
    "--base", metavar="ID|FOLDER", help="The SDXL model that a LoRA is trained on; compact has none."
)
@click.option("--revision", metavar="COMMIT", help="Of a base on the hub.")
@click.option(
    "--vae", type=click.Path(path_type=Path), metavar="RUN", help="Take the VAE of another run as it is."
)
def bokehdiff(base: str | None, revision: str | None, vae: Path | None, **common: Any) -> None:
    """BokehDiff: a LoRA on SDXL, or the compact model from nothing (docs/bokehdiff.md).

    Several GPUs: accelerate launch -m bokehbench train bokehdiff ...
    """
    from bokehbench.training.bokehdiff.settings import STAGES, load
    from bokehbench.training.bokehdiff.train import Request
    from bokehbench.training.bokehdiff.train import train as train_bokehdiff

    asked = _asked(common, load, STAGES)
    result = train_bokehdiff(Request(**asked, base=base, revision=revision, vae=vae))
    _report(common["out"], result, "no weights of the denoiser yet")


def _asked(
    common: Mapping[str, Any], load: Callable[[str, tuple[str, ...]], Any], stages: tuple[str, ...]
) -> dict[str, Any]:
    """Fields of `training.method_run.Request` from the options of `_common`.

    Args:
        common: the options.
        load: the method's settings, by name and changes.
        stages: all of the method's.
    """
    kept = ("config", "data", "out", "device", "workers", "benchmark")
    stage, hours, changes = common["stage"], common["hours"], common["assignments"]
    return {
        **{name: common[name] for name in kept},
        "settings": load(common["config"], changes),
        "changes": changes,
        "stages": stages if stage == "all" else (stage,),
        "hours": float("inf") if hours is None else hours,
    }


def _report(out: Path, result: Result, without: str) -> None:
    """A line for each stage, and one for the weights; of one process among those that train together."""
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
