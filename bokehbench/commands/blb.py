"""`bokehbench blb`: render BLB scenes in Blender, prove their geometry, check their files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bokehbench.commands import options
from bokehbench.errors import ConfigError

if TYPE_CHECKING:
    from bokehbench.blender.driver import Means, StackReport
    from bokehbench.blender.plan import StackRequest
    from bokehbench.blender.prove import Radius
    from bokehbench.blender.sets import SetSpec

ASK_ABOVE = 3600.0
"""Seconds: longer work is asked about where somebody sits at the terminal."""

BESIDE_SET = {"set_name", "out", "device", "workers", "ray", "shard", "yes"}
"""Parameters of `render` that do not change the images."""

DEVICE = click.option(
    "--device",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "cpu", "gpu", "optix", "cuda", "hip", "metal", "oneapi"]),
    help="auto: the GPU where Blender finds one.",
)


@click.group()
def blb() -> None:
    """Render BLB scenes in Blender, prove their geometry, check their files."""


@blb.command()
@click.option("--scene", "scenes", multiple=True, metavar="NAME", help="NAME, NAME#SEED or all; repeatable.")
@click.option(
    "--blend", "blends", multiple=True, type=click.Path(path_type=Path), help="A .blend file; repeatable."
)
@click.option("--set", "set_name", metavar="NAME", help="A ready-made set: blb-mini or blb-lite.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Gets a folder per scene.")
@click.option("--size", help="Pixels.  [default: 1920x1080]")
@click.option("--levels", help="Blur levels; level n is K = 10 n W/1920.  [default: 1,2,3,4,5]")
@click.option("--foci", help="How many focal planes, or indices 0 (far) to 9: 0,4,9.  [default: all]")
@click.option(
    "--focus-mode", help="linear, quantile, or metres from far to near: inf,8,2.5. [default: linear]"
)
@click.option("--blades", type=int, default=0, help="Corners of the aperture.  [default: a disc]")
@click.option("--blade-rotation", type=float, default=0.0, help="Degrees, clockwise on the screen.")
@click.option("--ratio", type=float, default=1.0, help="Height over width of the aperture.  [default: 1]")
@click.option("--spp", type=int, help="Samples per pixel of every image, instead of --quality.")
@click.option(
    "--quality",
    metavar="DB",
    help="Sample until every image is so clean, or six values: all in focus, levels 1 to 5.  [default: 45]",
)
@click.option("--seed", type=int, default=0, help="Of the sampling noise (content: NAME#SEED).  [default: 0]")
@click.option("--camera", default="", help="Camera of the .blend file, if not its active one.")
@click.option("--frame", type=int, help="Frame of the .blend file, if not the one it was saved at.")
@click.option("--view-layer", default="", help="View layer of the .blend file, if not its first.")
@click.option(
    "--texture-dir",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder in which missing textures of the .blend file are looked for.",
)
@click.option("--allow-missing", is_flag=True, help="Render a .blend file although textures are missing.")
@DEVICE
@options.workers
@options.ray
@options.shard
@click.option("--yes", is_flag=True, help="Do not ask before hours of work.")
def render(
    scenes: tuple[str, ...],
    blends: tuple[Path, ...],
    set_name: str | None,
    out: Path,
    device: str,
    workers: int,
    ray: str | None,
    shard: str,
    yes: bool,
    **choices: Any,
) -> None:
    """Render stacks: all-in-focus image, depth, and levels × focal planes, in the layout of BLB.

    What is there already is kept: the same command goes on where it was stopped. Scripts inside .blend files
    do not run.
    """
    from bokehbench.blender import driver
    from bokehbench.blender.sets import find_set

    spec = find_set(set_name) if set_name is not None else None
    if spec is not None:
        _refuse_beside_set()
        requests = spec.requests()
    else:
        requests = _requests(scenes, blends, choices)
    means = driver.Means(device, workers, ray, options.parse_shard(shard))
    _announce(requests, out, means, yes)
    reports = driver.render_stacks(requests, out, means)
    for report in reports:
        _report(report)
    failed = [report for report in reports if report.failure is not None]
    for report in failed[1:]:  # the first is raised
        click.echo(f"{report.folder}: {report.failure}", err=True)
    driver.raised(reports)
    if spec is not None:
        _write_manifest(spec, out)


def _refuse_beside_set() -> None:
    """A set is what it is: what else was asked for would make another one."""
    context = click.get_current_context()
    for name in context.params:
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name not in BESIDE_SET:
            option = {"scenes": "scene", "blends": "blend"}.get(name, name.replace("_", "-"))
            raise ConfigError(f"--set says all about the images; leave out --{option}")


def _write_manifest(spec: SetSpec, out: Path) -> None:
    from bokehbench.blender import manifest

    written = manifest.write(spec, out)
    if written is None:
        click.echo(f"{spec}: not complete yet; no {manifest.FILE}")
        return
    click.echo(
        f"{out / manifest.FILE}: {spec}, {written['bytes'] / 1e6:.1f} MB, noise at least "
        f"{written['lowest_noise_psnr']:.1f} dB, {written['seconds']:.0f} s of rendering"
    )


def _requests(
    scenes: tuple[str, ...], blends: tuple[Path, ...], choices: dict[str, Any]
) -> list[StackRequest]:
    """What the options ask for."""
    import math
    from collections import Counter

    from bokehbench.blender import plan, sampling
    from bokehbench.blender.requests import blend_request, scene_requests

    if not scenes and not blends:
        raise ConfigError("give --scene NAME (or all), --blend FILE or --set NAME")
    if choices["spp"] is not None and choices["quality"] is not None:
        raise ConfigError("give --spp (samples of every image) or --quality (dB that it reaches), not both")
    by_default = str(sampling.DEFAULT_QUALITY) if choices["spp"] is None else None
    quality, level_quality = plan.parse_quality(choices["quality"] or by_default)
    mode = plan.parse_focus_mode(choices["focus_mode"] or "linear")
    planes = plan.focus_count(mode)
    stack: dict[str, Any] = {
        "size": plan.parse_size(choices["size"] or "1920x1080"),
        "levels": plan.parse_levels(choices["levels"] or "1,2,3,4,5"),
        "foci": plan.parse_foci(choices["foci"] or str(planes), planes),
        "spp": choices["spp"],
        "quality": quality,
        "level_quality": level_quality,
        "seed": choices["seed"],
        "focus_mode": mode,
        "blades": choices["blades"],
        "rotation": math.radians(choices["blade_rotation"]),
        "ratio": choices["ratio"],
    }
    folder = choices["texture_dir"]
    files = {name: choices[name] for name in ("camera", "frame", "view_layer", "allow_missing")}
    files["texture_dir"] = "" if folder is None else str(folder.resolve())
    requests = [*scene_requests(scenes, **stack), *(blend_request(b, **stack, **files) for b in blends)]
    twice = [name for name, count in Counter(request.scene for request in requests).items() if count > 1]
    if twice:
        raise ConfigError(f"two of the scenes would be rendered into the folder {twice[0]!r}; rename a file")
    return requests


def _announce(requests: list[StackRequest], out: Path, means: Means, yes: bool) -> None:
    """Say how long it will take, and ask where it is long and somebody is there."""
    import sys

    from bokehbench.blender import driver, estimate, processes

    processes.require_bpy()
    work = driver.missing_work(requests, out, means.shard)
    seconds = estimate.seconds(work, means)
    if seconds is None:
        return
    images = sum(len(share.images) for share in work)
    where = "this machine alone" if means.ray is not None else "this machine"
    click.echo(f"{images} images: about {estimate.in_words(seconds)} on {where}", err=True)
    if seconds > ASK_ABOVE and not yes and sys.stdin.isatty():
        click.confirm("Render them now? (--yes does not ask; a stopped run goes on later)", abort=True)


def _report(report: StackReport) -> None:
    noise = report.noise()
    if not noise:
        return
    worst = min(noise, key=noise.__getitem__)
    done = f"{len(report.rendered)} rendered" if report.rendered else "nothing to render"
    # With --spp the denoiser's own error is not in the figure.
    what = "error" if report.info["settings"].get("quality") is not None else "random part of the error"
    sharp = f"{noise['image']:.1f} dB (all in focus), " if "image" in noise else ""
    by = f" on {', '.join(report.devices())}" if report.rendered else ""
    click.echo(
        f"{report.folder}: {len(noise)} images, {done}{by}; estimated {what} {sharp}"
        f"{noise[worst]:.1f} dB (worst, {worst})"
    )
    for change in report.info.get("scene", {}).get("changed", ()) if report.rendered else ():
        click.echo(f"  changed: {change}", err=True)
    for warning in report.warnings:
        click.echo(f"  warning: {warning}", err=True)


@blb.command()
@click.option(
    "--tolerance", type=float, default=0.5, show_default=True, help="Largest error of a radius, pixels."
)
@click.option(
    "--view",
    "views",
    multiple=True,
    help="landscape, sensor height, portrait; shared rays, shared sensor height, shared portrait.  "
    "[default: all]",
)
@click.option("--spp", type=int, help="Samples per pixel.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every measured radius.")
@click.option("--out", type=click.Path(path_type=Path), help="Keep the images here.")
@click.option(
    "--aperture-factor",
    type=float,
    default=1.0,
    help="Render with an aperture wrong by this factor: must fail.",
)
@DEVICE
@options.workers
def prove(
    tolerance: float,
    views: tuple[str, ...],
    spp: int | None,
    json_file: Path | None,
    out: Path | None,
    aperture_factor: float,
    device: str,
    workers: int,
) -> int:
    """Measure the blur radius of point lights at known depths against the formula.

    Lights on and off axis, behind, in front of and in the focal plane, in landscape and portrait pictures,
    with rays of each image's own and with rays that focal planes share (--quality of `blb render`).
    Exit code 0 when every radius is right within the tolerance, 1 when one is not, 2 when nothing could be
    measured.
    """
    import tempfile

    from bokehbench.blender import driver
    from bokehbench.blender import prove as proof

    if not tolerance > 0.0:
        raise ConfigError(f"--tolerance must be > 0 pixels, not {tolerance}")
    with tempfile.TemporaryDirectory(prefix="bokehbench-prove-") as scratch:
        radii = proof.prove(
            out or Path(scratch),
            spp=spp,
            views=proof.parse_views(views),
            aperture_factor=aperture_factor,
            means=driver.Means(device, workers),
        )
    _print_radii(radii)
    result = proof.to_json(radii, tolerance)
    if json_file is not None:
        from bokehbench.records import write_json

        write_json(json_file, result)
    click.echo(proof.verdict(radii, tolerance))
    return 0 if result["holds"] else 1


def _print_radii(radii: list[Radius]) -> None:
    """Per view and light, a column per focal plane."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    planes = sorted({r.focus_distance for r in radii}, reverse=True)
    table = Table(title="blur radius in pixels: measured/predicted", box=box.SIMPLE)
    for name in ("view", "light, m", "off, px"):
        table.add_column(name, justify="right", no_wrap=True)
    for plane in planes:
        table.add_column(f"focus {'infinity' if plane > 6e4 else f'{plane:.4g} m'}", justify="right")
    rows: dict[tuple[str, float, float], dict[float, str]] = {}
    for r in sorted(radii, key=lambda r: r.depth):
        cells = rows.setdefault((r.view, r.depth, r.off_axis), {})
        cells[r.focus_distance] = f"{r.measured:.2f}/{r.predicted:.2f}"
    for view in dict.fromkeys(r.view for r in radii):
        for (of, depth, off_axis), cells in rows.items():
            if of == view:
                table.add_row(view, f"{depth:g}", f"{off_axis:.0f}", *(cells.get(z, "") for z in planes))
        table.add_section()
    Console().print(table)


@blb.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--set", "set_name", help="The ready-made set that it must be; by default what the folder says."
)
def verify(folder: Path, set_name: str | None) -> int:
    """Check rendered files against their info.json, and a ready-made set against the published one.

    All images must be there that the set has, or that `blb render` was asked for. Exit code 0 when every file
    is there and sound, 1 when one is damaged or missing, 2 when the folder is not of the set. Files that are
    sound but not the published bytes were rendered by another machine, Blender or version; they are no
    failure.
    """
    from bokehbench.blender import manifest, membership
    from bokehbench.blender.sets import find_set

    spec = find_set(set_name) if set_name is not None else membership.find(folder)
    if spec is not None:
        membership.require(spec, folder)
    name = str(spec) if spec is not None else manifest.set_of(folder)
    published = manifest.shipped(name) if name is not None else None
    if name is not None and published is None:
        click.echo(
            f"{name}: this package has no published bytes of it; all its files must be there, as info.json "
            "describes them",
            err=True,
        )
    findings = manifest.check(folder, published, membership.wanted(folder, spec))
    for line in manifest.summary(findings, published):
        click.echo(line)
    bad = sum(finding.status in (manifest.DAMAGED, manifest.MISSING) for finding in findings)
    if bad:
        click.echo(
            f"{folder}: {bad} files damaged or missing; the command that rendered them mends it", err=True
        )
    return 1 if bad else 0
