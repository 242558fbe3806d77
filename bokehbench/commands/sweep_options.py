"""The options of `render --sweep`: how many frames, how fast, there and back, how well encoded."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bokehbench.commands.focus_options import Focus, FocusOptions
from bokehbench.errors import ConfigError, InputError

if TYPE_CHECKING:
    from bokehbench.cases import Renderer
    from bokehbench.sweep import Step, Sweep

SUFFIXES = (".mp4", ".webm", ".gif", ".webp")
FAR_TO_NEAR = 0.0, 1.0
Ends = tuple[float, float]


@dataclass(frozen=True)
class SweepOptions:
    """What the command line said; see the options' help."""

    sweep: str | None
    frames: int
    fps: float
    back_and_forth: bool
    quality: int

    @classmethod
    def taken(cls, chosen: dict[str, Any]) -> SweepOptions:
        """Take this class's options out of all that were given."""
        return cls(**{item.name: chosen.pop(item.name) for item in dataclasses.fields(cls)})

    def check_absent(self) -> None:
        """ConfigError for an option of sweeps where there is none."""
        if given := _given("frames", "fps", "back_and_forth", "quality"):
            raise ConfigError(f"{given[0]} is of a sweep; leave it out, or give --sweep")

    def check(self, out: Path, radii: Sequence[float], foci: FocusOptions, strip: str) -> None:
        """ConfigError for what does not go together, before any work."""
        from bokehbench.sweep import check_count

        if out.suffix.lower() not in ("", *SUFFIXES):
            raise ConfigError(f"--out {out}: a sweep ends in {', '.join(SUFFIXES)}, or is a folder")
        if not out.suffix and (given := _given("fps", "back_and_forth", "quality")):
            raise ConfigError(f"{given[0]} is of a video; --out {out} is a folder of frames")
        check_count(self.frames)
        if strip:
            raise ConfigError("--strip is of single pictures: a sweep has a strip of its own; leave it out")
        if not (math.isfinite(self.fps) and 0.1 <= self.fps <= 240.0):
            raise ConfigError(f"--fps must lie between 0.1 and 240, not {self.fps:g}")
        if not 1 <= self.quality <= 100:
            raise ConfigError(f"--quality must lie between 1 and 100, not {self.quality}")
        if self.sweep == "focus":
            if foci.count not in (0, 2) or foci.kinds > 1:
                raise ConfigError(
                    "--sweep focus goes from far to near, or between two foci named in one way "
                    f"(two points, two disparities or two masks); {foci.count} are given"
                )
            if len(radii) != 1:
                raise ConfigError(f"--sweep focus has one --k, not {len(radii)}")
            if radii[0] == 0.0:
                raise ConfigError("--k 0 is no blur: no frame of --sweep focus would differ from another")
        else:
            if foci.count != 1:
                raise ConfigError(
                    "--sweep aperture needs one focus (--focus-point, --focus-disparity or --focus-mask); "
                    f"{foci.count} are given"
                )
            if len(radii) > 2:
                raise ConfigError(f"--sweep aperture goes from 0 to --k, or between two; {len(radii)} given")
            if radii[-1] == (radii[0] if len(radii) == 2 else 0.0):
                raise ConfigError(
                    f"--sweep aperture from K {radii[-1]:g} to {radii[-1]:g}: no frame would differ from "
                    "another; give a --k that is larger"
                )

    def ends(self, radii: Sequence[float], foci: Sequence[Focus]) -> tuple[Ends, Ends]:
        """(first K, last K), (first, last disparity of the focal plane); ConfigError where they are one."""
        if self.sweep == "focus":
            focus = (foci[0].disparity, foci[1].disparity) if foci else FAR_TO_NEAR
            if focus[0] == focus[1]:
                raise ConfigError(
                    f"both foci lie at disparity {focus[0]:.3f}: no frame would differ from another; name "
                    "two that lie apart"
                )
            return (radii[0], radii[0]), focus
        K = (radii[0], radii[1]) if len(radii) == 2 else (0.0, radii[0])
        return K, (foci[0].disparity, foci[0].disparity)

    def steps(self, K: Ends, focus: Ends) -> list[Step]:
        """The frames between the ends."""
        from bokehbench.sweep import steps

        return steps(self.frames, K, focus)

    def write(self, made: Sweep, out: Path, workers: int, renderer: Renderer | None = None) -> Iterator[str]:
        """Render, encode, put into a strip; a line on each. For `renderer` see `sweep.render`."""
        from bokehbench import sweep
        from bokehbench.images import video

        is_video = out.suffix.lower() in SUFFIXES
        folder = out.with_name(f"{out.stem}_frames") if is_video else out
        strip = out.with_name(f"{out.stem}_strip.png") if is_video else out / "strip.png"
        if not is_video and strip.exists() and not (folder / sweep.RECORD).exists():
            raise InputError(f"{strip}: no sweep made it (there is no {sweep.RECORD}); choose another --out")
        kept = sweep.render(made, folder, workers, renderer)
        first, last = made.steps[0], made.steps[-1]
        what = (
            f"focus from disparity {first.disp_focus:.3f} to {last.disp_focus:.3f}, K {last.K:g} px"
            if self.sweep == "focus"
            else f"K from {first.K:g} to {last.K:g} px, focus at disparity {last.disp_focus:.3f}"
        )
        scale = f" (k_scale {made.options['k_scale']:g})" if "k_scale" in made.options else ""
        yield f"{folder}: {len(made.steps)} frames ({kept} were there), {made.method}, {what}{scale}"
        if is_video:
            count = len(made.steps)
            how = video.encoding(out.suffix.lower(), self.quality)
            order = video.there_and_back(count) if self.back_and_forth else list(range(count))
            video.write_video(
                out,
                count,
                lambda number: sweep.frame(folder, made.steps[number]),
                fps=self.fps,
                how=how,
                order=order,
            )
            yield f"{out}: {len(order)} frames at {video.rate(how, self.fps):.4g} a second, {how}"
        sweep.write_strip(strip, made, folder, f"{made.key}, {made.method}{scale}: {what}")
        yield f"{strip}: a strip to look at"


def _given(*names: str) -> list[str]:
    """Those of the options that stand on the command line, as they are written."""
    context = click.get_current_context()
    source = click.core.ParameterSource.COMMANDLINE
    return [f"--{n.replace('_', '-')}" for n in names if context.get_parameter_source(n) is source]


def sweep_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as keyword arguments of `SweepOptions`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option(
        "--sweep",
        type=click.Choice(["focus", "aperture"]),
        default=None,
        help="Frames between two focal planes (far to near), or two apertures (K from 0 to --k).",
    ),
    click.option("--frames", type=int, default=24, show_default=True, help="Of a sweep."),
    click.option("--fps", type=float, default=12.0, show_default=True, help="Frames a second."),
    click.option("--back-and-forth", is_flag=True, help="Show the frames forwards, then backwards."),
    click.option(
        "--quality",
        type=int,
        default=90,
        show_default=True,
        help="Of the video, 1 to 100: 90 is H.264 at crf 17, VP9 at 24, WebP at 90. Frames are lossless.",
    ),
)
