"""The options that say where to focus: by point, by disparity, by mask."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bokehbench.errors import BokehbenchError, ConfigError, InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Focus:
    """A focal plane, what is said of it, and what it adds to the name of a file."""

    disparity: float
    where: str
    suffix: str


@dataclass(frozen=True)
class FocusOptions:
    """What the command line said; see the options' help."""

    focus_points: tuple[str, ...]
    focus_disparities: tuple[float, ...]
    focus_masks: tuple[str, ...]

    @classmethod
    def taken(cls, chosen: dict[str, Any]) -> FocusOptions:
        """Take this class's options out of all that were given."""
        return cls(**{item.name: chosen.pop(item.name) for item in dataclasses.fields(cls)})

    @property
    def count(self) -> int:
        """How many foci were named."""
        return len(self.focus_points) + len(self.focus_disparities) + len(self.focus_masks)

    @property
    def kinds(self) -> int:
        """In how many ways: the order among them is not known."""
        return sum(map(bool, (self.focus_points, self.focus_disparities, self.focus_masks)))

    def find(self, disparity: npt.NDArray[np.float32]) -> list[Focus]:
        """The focal planes: points first, then disparities, then masks.

        Args:
            disparity: [H, W] of the photograph as it was given.

        Raises:
            ConfigError: a point outside, or a disparity outside [0, 1].
            InputError: a mask that cannot be read, or shows nothing.
        """
        from bokehbench.photograph import focus_at

        found = []
        for text in self.focus_points:
            x, y = _point(text)
            found.append(Focus(focus_at(disparity, x, y), f"on ({x}, {y})", f"_x{x}y{y}"))
        for value in self.focus_disparities:
            if not 0.0 <= value <= 1.0:
                raise ConfigError(f"--focus-disparity must lie in [0, 1], not {value:g}")
            found.append(Focus(value, "chosen", f"_d{value:g}"))
        found += [_in_mask(Path(name), disparity) for name in self.focus_masks]
        return found


def focus_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as keyword arguments of `FocusOptions`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _point(text: str) -> tuple[int, int]:
    x, _, y = text.partition(",")
    try:
        return int(x), int(y)
    except ValueError:
        raise ConfigError(
            f"--focus-point must be X,Y in whole pixels, for example 540,155, not {text!r}"
        ) from None


def _in_mask(path: Path, disparity: npt.NDArray[np.float32]) -> Focus:
    from bokehbench import images
    from bokehbench.photograph import focus_in

    mask = images.read_grey(path)
    try:
        value = focus_in(disparity, mask)
    except BokehbenchError as error:
        raise InputError(f"--focus-mask {path}: {error}") from error
    return Focus(value, f"in {path.name}", f"_{path.stem}")


_OPTIONS = (
    click.option(
        "--focus-point",
        "focus_points",
        multiple=True,
        metavar="X,Y",
        help="Focus on this pixel of PHOTO (repeatable).",
    ),
    click.option(
        "--focus-disparity",
        "focus_disparities",
        type=float,
        multiple=True,
        help="Focus on this disparity, 0 far to 1 near (repeatable).",
    ),
    click.option(
        "--focus-mask",
        "focus_masks",
        multiple=True,
        metavar="FILE",
        help="Focus on what is white in this picture: the median disparity there (repeatable).",
    ),
)
