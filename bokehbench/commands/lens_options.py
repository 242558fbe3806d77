"""The options that describe a lens opening and its light, the same wherever a lens is chosen."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bokehbench.errors import ConfigError

if TYPE_CHECKING:
    from bokehbench.optics import Aperture, Lens

DONUT = 0.5
"""Obstruction of `--aperture donut` unless --inner says another."""


@dataclass(frozen=True)
class LensOptions:
    """What the command line said; see the options' help."""

    aperture: str
    blades: int
    curvature: float
    rotation: float
    inner: float
    rim: float
    cat_eye: float
    vignette: str
    cos4: float
    focus_shift: str

    @classmethod
    def taken(cls, chosen: dict[str, Any]) -> LensOptions:
        """Take this class's options out of all that were given."""
        return cls(**{item.name: chosen.pop(item.name) for item in dataclasses.fields(cls)})

    def opening(self) -> Aperture:
        """The aperture; ConfigError for what no lens has, BadImage for a file that is no picture."""
        from bokehbench.apertures import OUTLINES, Aperture

        others: dict[str, Any] = {
            "curvature": self.curvature,
            "rotation": math.radians(self.rotation),
            "inner": self.inner,
            "rim": self.rim,
            "cat_eye": self.cat_eye,
        }
        name = self.aperture
        if self.blades and name:
            raise ConfigError(f"--blades {self.blades} and --aperture {name} say different things; give one")
        if name in ("", "disc"):
            return Aperture(self.blades, **others)
        if name.isdecimal():
            return Aperture(int(name), **others)
        if name == "donut":
            return Aperture(**{**others, "inner": self.inner or DONUT})
        if name in OUTLINES:
            return Aperture(shape=name, **others)
        if not Path(name).suffix:
            raise ConfigError(
                f"--aperture {name}: take disc, donut, a number of blades, {', '.join(OUTLINES)} or a picture"
            )
        from bokehbench import images

        return Aperture.from_image(images.read_rgba(Path(name)).clip(0.0, 1.0), **others)

    def lens(self, K: float, disp_focus: float, gamma: float, opening: Aperture) -> Lens:
        """A lens with this opening and light."""
        from bokehbench.optics import Lens

        return Lens(K, disp_focus, gamma, opening, self.vignette, self.cos4, self._shift())

    def _shift(self) -> tuple[float, float, float]:
        if not self.focus_shift:
            return 0.0, 0.0, 0.0
        try:
            red, green, blue = (float(part) for part in self.focus_shift.split(","))
        except ValueError:
            raise ConfigError(
                f"--focus-shift must be R,G,B in disparity, as 0.01,0,-0.01, not {self.focus_shift!r}"
            ) from None
        return red, green, blue


def lens_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as keyword arguments of `LensOptions`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option(
        "--aperture",
        default="",
        metavar="SHAPE",
        help="disc, donut, a number of blades, heart, star, clover, or a picture (white lets light through).",
    ),
    click.option(
        "--blades", type=int, default=0, show_default=True, help="Corners of the aperture; 0 is a disc."
    ),
    click.option("--curvature", type=float, default=0.0, show_default=True, help="Of the blades, 0 to 1."),
    click.option("--rotation", type=float, default=0.0, show_default=True, help="Of the aperture, degrees."),
    click.option("--inner", type=float, default=0.0, show_default=True, help="Central obstruction, 0 to <1."),
    click.option(
        "--rim",
        type=float,
        default=0.0,
        show_default=True,
        help="Soap bubbles: light 1 + RIM r^6, RIM >= -1.",
    ),
    click.option(
        "--cat-eye",
        type=float,
        default=0.0,
        show_default=True,
        help="How far the corners see a second disc displaced, 0 to 1 aperture radii.",
    ),
    click.option(
        "--vignette",
        type=click.Choice(["normalise", "physical"]),
        default="normalise",
        show_default=True,
        help="Whether corners stay as bright as the middle or get less light.",
    ),
    click.option(
        "--cos4",
        type=float,
        default=0.0,
        show_default=True,
        help="Tangent of the corners' field angle, for a cos^4 falloff (physical).",
    ),
    click.option(
        "--focus-shift",
        default="",
        metavar="R,G,B",
        help="Longitudinal colour: shift of focus, in disparity.",
    ),
)
