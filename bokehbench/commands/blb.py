"""`bokehbench blb`: render BLB scenes in Blender."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bokehbench.errors import ConfigError


@click.group()
def blb() -> None:
    """Render BLB scenes in Blender."""


@blb.command()
@click.option("--scene", "scenes", multiple=True, metavar="NAME", help="NAME, NAME#SEED or all; repeatable.")
@click.option(
    "--blend", "blends", multiple=True, type=click.Path(path_type=Path), help="A .blend file; repeatable."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Gets a folder per scene.")
@click.option("--size", default="1920x1080", show_default=True, help="Pixels.")
@click.option(
    "--levels", default="1,2,3,4,5", show_default=True, help="Blur levels; level n is K = 10 n W/1920."
)
@click.option(
    "--foci", default="10", show_default=True, help="How many focal planes, or indices 0 (far) to 9: 0,4,9."
)
@click.option("--spp", type=int, help="Samples per pixel of every image; each scene has its own default.")
@click.option("--seed", default=0, show_default=True, help="Of the sampling noise (content: NAME#SEED).")
@click.option("--camera", default="", help="Camera of the .blend file, if not its active one.")
@click.option("--allow-missing", is_flag=True, help="Render a .blend file although textures are missing.")
def render(
    scenes: tuple[str, ...],
    blends: tuple[Path, ...],
    out: Path,
    size: str,
    levels: str,
    foci: str,
    spp: int | None,
    seed: int,
    camera: str,
    allow_missing: bool,
) -> None:
    """Render stacks: all-in-focus image, depth, and levels × focal planes, in the layout of BLB.

    What is there already is kept: the same command goes on where it was stopped. Scripts inside .blend files
    do not run.
    """
    from bokehbench.blender import driver, plan

    if not scenes and not blends:
        raise ConfigError("give --scene NAME (or all) or --blend FILE")
    common: dict[str, Any] = {
        "out": out,
        "size": plan.parse_size(size),
        "levels": plan.parse_levels(levels),
        "foci": plan.parse_foci(foci),
        "spp": spp,
        "seed": seed,
    }
    from bokehbench.blender.catalogue import parse_scenes

    for scene in parse_scenes(list(scenes)):
        _report(driver.render_scenes([str(scene)], **common)[0])
    for blend in blends:
        _report(driver.render_blend(blend, **common, camera=camera, allow_missing=allow_missing))


def _report(report: Any) -> None:
    noise = report.noise()
    worst = min(noise, key=noise.__getitem__)
    done = f"{len(report.rendered)} rendered" if report.rendered else "nothing to render"
    click.echo(
        f"{report.folder}: {len(noise)} images, {done}; estimated noise {noise['image']:.1f} dB "
        f"(all in focus), {noise[worst]:.1f} dB (worst, {worst})"
    )
    for warning in report.warnings:
        click.echo(f"  warning: {warning}", err=True)
