"""`bokehbench train`: the networks whose weights come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bokehbench.commands.train_comparators import deepfocus, deeplens, mpib
from bokehbench.commands.train_da_depth import da_depth
from bokehbench.commands.train_options import asked, common, report, start


@click.group()
def train() -> None:
    """Train a method's networks on synthetic pairs."""


train.add_command(da_depth)
train.add_command(deepfocus)
train.add_command(deeplens)
train.add_command(mpib)


@train.command()
@common("compact, paper, an ablation (B1 to B5, no-augmentation), or a YAML file.", ("arnet", "iunet"))
@click.option(
    "--arnet", type=click.Path(path_type=Path), metavar="RUN", help="Take the ARNet of another run as it is."
)
@start
def bokehme(arnet: Path | None, **options: Any) -> None:
    """BokehMe's ARNet and IUNet (docs/bokehme.md).

    Several GPUs: accelerate launch -m bokehbench train bokehme ...
    """
    from bokehbench.training.bokehme.settings import load
    from bokehbench.training.bokehme.train import STAGES, Request
    from bokehbench.training.bokehme.train import train as train_bokehme

    result = train_bokehme(Request(**asked(options, load, STAGES), arnet=arnet))
    report(options["out"], result, "no weights of both networks yet")


@train.command()
@common(
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
def bokehdiff(base: str | None, revision: str | None, vae: Path | None, **options: Any) -> None:
    """BokehDiff: a LoRA on SDXL, or the compact model from nothing (docs/bokehdiff.md).

    Several GPUs: accelerate launch -m bokehbench train bokehdiff ...
    """
    from bokehbench.training.bokehdiff.settings import STAGES, load
    from bokehbench.training.bokehdiff.train import Request
    from bokehbench.training.bokehdiff.train import train as train_bokehdiff

    own: dict[str, Any] = {"base": base, "revision": revision, "vae": vae}
    result = train_bokehdiff(Request(**asked(options, load, STAGES), **own))
    report(options["out"], result, "no weights of the denoiser yet")


@train.command()
@common(
    "compact, paper, an ablation (no-fama, no-alternating, no-da-depth), or a YAML file.",
    ("vae", "isr", "alternate"),
)
@click.option(
    "--base", metavar="ID|FOLDER", help="The SD 2.1 model that LoRA are trained on; compact has none."
)
@click.option("--revision", metavar="COMMIT", help="Of a base on the hub.")
@click.option(
    "--photographs",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Sharp pictures, in sub-folders or not, that restoration is learnt from.",
)
@click.option(
    "--vae", type=click.Path(path_type=Path), metavar="RUN", help="Take the VAE of another run as it is."
)
@click.option(
    "--isr",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Take the restoration of another run as it is (its VAE as well).",
)
def magicbokeh(**options: Any) -> None:
    """MagicBokeh: LoRA and ControlNet on SD 2.1, or the compact model from nothing (docs/magicbokeh.md).

    Several GPUs: accelerate launch -m bokehbench train magicbokeh ...
    """
    from bokehbench.training.magicbokeh.settings import STAGES, load
    from bokehbench.training.magicbokeh.train import Request
    from bokehbench.training.magicbokeh.train import train as train_magicbokeh

    own = {name: options[name] for name in ("base", "revision", "photographs", "vae", "isr")}
    result = train_magicbokeh(Request(**asked(options, load, STAGES), **own))
    report(options["out"], result, "no weights of the last stage yet")
