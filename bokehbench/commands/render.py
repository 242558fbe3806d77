"""`bokehbench render`: refocus one photograph, or sweep over focus and blur."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bokehbench.commands import options
from bokehbench.commands.lens_options import LensOptions, lens_options
from bokehbench.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from bokehbench.optics import Aperture, Lens
    from bokehbench.photograph import Photograph

SUFFIXES = (".png", ".jpg", ".jpeg", ".exr")


@dataclass(frozen=True)
class Shot:
    """One picture of a sweep."""

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
@click.option(
    "--focus-point", "points", multiple=True, metavar="X,Y", help="Focus on this pixel (repeatable)."
)
@click.option(
    "--focus-disparity",
    "disparities",
    type=float,
    multiple=True,
    help="Focus on this disparity, 0 far to 1 near (repeatable).",
)
@click.option("--gamma", type=float, default=2.2, show_default=True, help="encoded = linear ** (1/gamma).")
@lens_options
@click.option("--option", "settings", multiple=True, metavar="NAME=VALUE", help="Of the method (repeatable).")
@click.option("--out", type=click.Path(path_type=Path), required=True, help=".png, .jpg or linear .exr.")
@click.option("--strip", default="", metavar="TITLE", help="Also write the pictures as a strip for the page.")
@options.weights
@options.register
def render(
    photo: str,
    disparity: str,
    method: str,
    radii: tuple[float, ...],
    points: tuple[str, ...],
    disparities: tuple[float, ...],
    gamma: float,
    settings: tuple[str, ...],
    out: Path,
    strip: str,
    **chosen: Any,
) -> None:
    """Refocus PHOTO with its disparity MAP.

    Several --k, --focus-point or --focus-disparity make a sweep, whose files get suffixes. The word
    sample:motorcycle stands for a photograph, and its map, that come with the installation.
    """
    from bokehbench import photograph

    if out.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--out {out}: the name must end in {', '.join(SUFFIXES)}")
    if not points and not disparities:
        raise ConfigError("say where to focus: --focus-point X,Y or --focus-disparity D")
    glass = LensOptions(**chosen)
    aperture = glass.opening()
    method_options = dict(_setting(text) for text in settings)
    # What is wrong is found before a large file is read.
    photograph.prepare(method, method_options, glass.lens(max(radii), 0.0, gamma, aperture))
    loaded = photograph.load(photo, disparity, gamma)
    shots = _shots(loaded, radii, points, disparities, out)
    lenses = [glass.lens(shot.K, shot.disp_focus, gamma, aperture) for shot in shots]
    _announce(loaded, photo, aperture)
    for shot, lens in zip(shots, lenses, strict=True):
        started = time.perf_counter()
        image = photograph.refocus(
            loaded.image, loaded.disparity, method, lens, method_options, Path(photo).stem
        )
        seconds = time.perf_counter() - started
        _write(shot.path, image, lens)
        click.echo(
            f"{shot.path}: {method}, K {shot.K:g} px, focus {shot.where} (disparity {shot.disp_focus:.3f}), "
            f"{seconds:.2f} s"
        )
    if strip:
        _write_strip(loaded, shots, out, strip, method)


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


def _shots(
    loaded: Photograph, radii: Sequence[float], points: Sequence[str], disparities: Sequence[float], out: Path
) -> list[Shot]:
    """Every focus with every K; a suffix names what varies."""
    from bokehbench.photograph import focus_at

    foci: list[tuple[float, str, str]] = []
    for text in points:
        x, y = _point(text)
        foci.append((focus_at(loaded.disparity, x, y), f"on ({x}, {y})", f"_x{x}y{y}"))
    for value in disparities:
        if not 0.0 <= value <= 1.0:
            raise ConfigError(f"--focus-disparity must lie in [0, 1], not {value:g}")
        foci.append((value, "chosen", f"_d{value:g}"))
    shots = []
    for disp_focus, where, focus_suffix in foci:
        for K in radii:
            suffix = (focus_suffix if len(foci) > 1 else "") + (f"_k{K:g}" if len(radii) > 1 else "")
            shots.append(Shot(K, disp_focus, where, out.with_name(f"{out.stem}{suffix}{out.suffix}")))
    if len({shot.path for shot in shots}) < len(shots):
        raise ConfigError("the sweep names the same picture twice; give every --k and focus once")
    return shots


def _point(text: str) -> tuple[int, int]:
    x, _, y = text.partition(",")
    try:
        return int(x), int(y)
    except ValueError:
        raise ConfigError(
            f"--focus-point must be X,Y in whole pixels, for example 540,155, not {text!r}"
        ) from None


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
