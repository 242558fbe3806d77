"""`bokehbench render`: refocus one photograph, or sweep over focus or aperture."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bokehbench.commands import options
from bokehbench.commands.focus_options import Focus, FocusOptions, focus_options
from bokehbench.commands.lens_options import LensOptions, lens_options
from bokehbench.commands.sweep_options import SweepOptions, sweep_options
from bokehbench.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from bokehbench.optics import Aperture, Lens
    from bokehbench.photograph import Photograph

SUFFIXES = (".png", ".jpg", ".jpeg", ".exr")


@dataclass(frozen=True)
class Shot:
    """One picture of several."""

    K: float
    disp_focus: float
    where: str
    path: Path


@click.command()
@click.argument("photo")
@click.option(
    "--disparity", required=True, metavar="MAP", help="Near is bright; 8/16-bit image, EXR or .npy."
)
@click.option("--method", default="scatter", show_default=True, help="A name of: bokehbench list methods.")
@click.option(
    "--k",
    "radii",
    type=float,
    multiple=True,
    required=True,
    help="Blur radius in pixels from nearest to farthest (repeatable).",
)
@focus_options
@click.option("--gamma", type=float, default=2.2, show_default=True, help="encoded = linear ** (1/gamma).")
@click.option("--width", type=int, default=0, help="Render at this width, in pixels; K is then of that size.")
@lens_options
@click.option(
    "--option",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Of the method (repeatable); k_scale=VALUE of any: K is multiplied by it.",
)
@click.option(
    "--calibrated", default=None, metavar="FILE", help="k_scale as `bokehbench calibrate` found it."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help=".png, .jpg or linear .exr; of a sweep .mp4, .webm, .gif, .webp or a folder.",
)
@click.option("--strip", default="", metavar="TITLE", help="Also write the pictures as a strip for the page.")
@sweep_options
@options.workers
@options.weights
@options.register
def render(
    photo: str,
    disparity: str,
    method: str,
    radii: tuple[float, ...],
    gamma: float,
    width: int,
    settings: tuple[str, ...],
    calibrated: str | None,
    out: Path,
    strip: str,
    workers: int,
    **chosen: Any,
) -> None:
    """Refocus PHOTO with its disparity MAP.

    Several --k or foci give a picture each, whose files get suffixes. With --sweep they are the ends of a
    video or of a folder of frames: --sweep focus goes from far to near unless two foci are given, --sweep
    aperture from K = 0 to --k. The word sample:motorcycle stands for a photograph, and its map, that come
    with the installation.
    """
    from bokehbench import photograph
    from bokehbench.cases import Inputs

    sweep, foci = SweepOptions.taken(chosen), FocusOptions.taken(chosen)
    glass = LensOptions.taken(chosen)
    if sweep.sweep:
        sweep.check(out, radii, foci, strip)
    else:
        sweep.check_absent()
        _check(out, foci)
    aperture = glass.opening()
    method_options = dict(_setting(text) for text in settings)
    if calibrated is not None:
        method_options |= _calibrated(Path(calibrated), method, method_options)
    # What is wrong is found before a large file is read.
    lens, *_ = [glass.lens(K, 0.0, gamma, aperture) for K in radii]
    renderer = photograph.prepare(method, method_options, lens)
    loaded = photograph.load(photo, disparity, gamma)
    found = foci.find(loaded.disparity)
    if width:
        loaded = photograph.narrowed(loaded, width, gamma)
    _announce(loaded, photo, aperture)
    if sweep.sweep:
        from bokehbench.sweep import Sweep

        K, focus = sweep.ends(radii, found)
        steps = sweep.steps(K, focus)
        made = Sweep(loaded.image, loaded.disparity, Path(photo).stem, method, method_options, lens, steps)
        alone = renderer if workers == 1 else None
        del renderer  # a large network is loaded once, and not kept where each process makes its own
        for line in sweep.write(made, out, workers, alone):
            click.echo(line)
        return
    scale = f" (k_scale {method_options['k_scale']:g})" if "k_scale" in method_options else ""
    shots = _shots(found, radii, out)
    for shot in shots:
        seen = replace(lens, K=shot.K, disp_focus=shot.disp_focus)
        asked = Inputs(Path(photo).stem, loaded.image, loaded.disparity, seen)
        started = time.perf_counter()
        ((_, image),) = photograph.pictures(renderer, method, [asked])
        seconds = time.perf_counter() - started
        _write(shot.path, image, seen)
        click.echo(
            f"{shot.path}: {method}, K {shot.K:g} px{scale}, focus {shot.where} "
            f"(disparity {shot.disp_focus:.3f}), {seconds:.2f} s"
        )
    if strip:
        _write_strip(loaded, shots, out, strip, method)


def _check(out: Path, foci: FocusOptions) -> None:
    if out.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--out {out}: the name must end in {', '.join(SUFFIXES)}, or give --sweep")
    if not foci.count:
        raise ConfigError("say where to focus: --focus-point X,Y, --focus-disparity D or --focus-mask FILE")


def _calibrated(path: Path, method: str, given: dict[str, Any]) -> dict[str, Any]:
    """The option that a calibration stands for."""
    from bokehbench.leaderboard import k_scale
    from bokehbench.registry import MethodSpec, get

    if "k_scale" in given:
        raise ConfigError("--calibrated and --option k_scale say different things; give one")
    found = k_scale.read(path)
    variant = k_scale.variant(found, path)
    if get(MethodSpec, method).name != found.base:
        raise ConfigError(f"--calibrated {path}: is of {found.base}, not of {method}")
    click.echo(k_scale.sentence(found))
    return {"k_scale": variant.k_scale}


def _write_strip(loaded: Photograph, shots: Sequence[Shot], out: Path, title: str, method: str) -> None:
    """Beside the shots: the photograph, its disparity, and the JSON that puts them in a row on the page."""
    from bokehbench import images
    from bokehbench.leaderboard.strips import StripImage, write_strip

    photo, disparity = (out.with_name(f"{out.stem}_{what}.png") for what in ("all-in-focus", "disparity"))
    images.write_png(photo, loaded.image)
    images.write_png(disparity, loaded.disparity)
    filled = f"{loaded.filled:,} invalid pixels filled" if loaded.filled else ""
    pictures = [
        StripImage(file=photo.name, label="all in focus"),
        StripImage(file=disparity.name, label="disparity", note=filled),
        *(StripImage(file=s.path.name, label=f"focus {s.where}", note=f"K = {s.K:g} px") for s in shots),
    ]
    write_strip(out.with_suffix(".json"), title, f"rendered by {method}", pictures)


def _announce(loaded: Photograph, photo: str, aperture: Aperture) -> None:
    """Say what was loaded and what was done to it."""
    width, height = loaded.size
    filled = f"{loaded.filled:,} invalid pixels of disparity filled from the background"
    shape = f", {aperture.blades} blades" if aperture.blades else ""
    click.echo(f"{photo}: {width}x{height}{shape}" + (f"; {filled}" if loaded.filled else ""))
    for note in loaded.notes:
        click.echo(f"note: {note}")


def _shots(foci: Sequence[Focus], radii: Sequence[float], out: Path) -> list[Shot]:
    """Every focus with every K; a suffix names what varies."""
    shots = []
    for focus in foci:
        for K in radii:
            suffix = (focus.suffix if len(foci) > 1 else "") + (f"_k{K:g}" if len(radii) > 1 else "")
            path = out.with_name(f"{out.stem}{suffix}{out.suffix}")
            shots.append(Shot(K, focus.disparity, focus.where, path))
    if len({shot.path for shot in shots}) < len(shots):
        raise ConfigError("the same picture is named twice; give every --k and focus once")
    return shots


def _setting(text: str) -> tuple[str, Any]:
    """`NAME=VALUE` with VALUE a number where it reads as one."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ConfigError(f"--option must be NAME=VALUE, not {text!r}")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


def _write(path: Path, image: npt.NDArray[np.float32], lens: Lens) -> None:
    from bokehbench import images
    from bokehbench.optics import decode

    if path.suffix.lower() == ".exr":
        images.write_exr_rgb(path, decode(image, lens.gamma))
    elif path.suffix.lower() == ".png":
        images.write_png(path, image)
    else:
        images.write_jpeg(path, image, quality=95)
