"""`bokehbench demo`: the main job once, small, each step the command that a user would type."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

METHODS = ("identity", "scatter", "sterefo", "vdslr", "raylayers", "raylayers-oracle")
TRAINED = ("bokehme", "bokehdiff-compact")
"""Ours, where their weights came with the package."""
FOCUS_POINTS = ((540, 155), (75, 215), (40, 40))
"""Pixels of the motorcycle photograph (741 × 500): its headlight, the end of the bench, the wall."""


@dataclass(frozen=True)
class Step:
    """One command and what it is for."""

    title: str
    arguments: Sequence[str]


@dataclass(frozen=True)
class Scale:
    """How much of everything the demo makes."""

    samples: int
    sample_size: str
    blb_size: str
    spp: int


FULL = Scale(samples=12, sample_size="512x512", blb_size="480x270", spp=64)
QUICK = Scale(samples=3, sample_size="256x256", blb_size="240x135", spp=16)
SCENE = "night_street"


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo-out"), show_default=True)
@click.option(
    "--quick", is_flag=True, help="Reduced counts and sizes: shows that it works, not how it looks."
)
@click.option("--workers", type=int, default=None, help="Processes; the number of cores unless said.")
def demo(out: Path, quick: bool, workers: int | None) -> None:
    """Run the whole line once: synthesize pairs, render Blender scenes, run renderers, score, write the page.

    What OUT has already is kept, so that an interrupted demo goes on where it was.
    """
    started = time.monotonic()
    steps = _steps(
        out, QUICK if quick else FULL, len(os.sched_getaffinity(0)) if workers is None else workers
    )
    for number, step in enumerate(steps, start=1):
        click.secho(f"\n[{number}/{len(steps)}] {step.title}", bold=True)
        click.echo(f"$ bokehbench {shlex.join(step.arguments)}")
        begun = time.monotonic()
        # The group that called us runs the step: what is shown is what is run.
        group = click.get_current_context().find_root().command
        group.main(args=list(step.arguments), prog_name="bokehbench", standalone_mode=False)
        click.echo(f"({time.monotonic() - begun:.0f} s)")
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    click.secho(f"\nDone in {minutes} min {seconds} s. Open {out / 'page' / 'index.html'}", bold=True)


def _methods() -> list[str]:
    """Those without weights, and those of `TRAINED` whose weights came with the package."""
    return [*METHODS, *(name for name in TRAINED if _ships(name))]


def _ships(name: str) -> bool:
    from bokehbench.registry import MethodSpec, get

    wanted = get(MethodSpec, name).weights_wanted()
    return all((one.beside / one.file).is_file() for one in wanted)


def _steps(out: Path, scale: Scale, workers: int) -> list[Step]:
    layered, blb, results = str(out / "layered"), str(out / "blb"), str(out / "results")
    processes = ["--workers", str(workers)]
    build = ["synth", "build", "--recipe", "bokehbench_v1", "--count", str(scale.samples), "--seed", "7"]
    build += ["--size", scale.sample_size, "--out", layered, *processes]
    blender = ["blb", "render", "--scene", SCENE, "--size", scale.blb_size, "--spp", str(scale.spp)]
    blender += ["--levels", "5", "--foci", "0,9", "--out", blb]
    run = ["run", "--benchmark", "blb-mini", "--benchmark", f"blb:{blb}", "--benchmark", f"layered:{layered}"]
    run += [word for method in _methods() for word in ("--method", method)]
    refocus = ["render", "sample:motorcycle", "--disparity", "sample:motorcycle", "--method", "scatter"]
    refocus += ["--k", "24", *(f"--focus-point={x},{y}" for x, y in FOCUS_POINTS)]
    refocus += ["--out", str(out / "results" / "_strips" / "motorcycle.png")]
    refocus += ["--strip", "A photograph with its measured disparity, refocused"]
    return [
        Step("Ray-traced training pairs from drawn and photographed layers", build),
        Step("A scene in Blender, in the layout of BLB", blender),
        Step("Every renderer, also on blb-mini, which the package has", [*run, "--out", results, *processes]),
        Step("Scores", ["evaluate", results, *processes]),
        Step("A photograph with its measured disparity, refocused near, middle and far", refocus),
        Step("Tables and the page", ["leaderboard", results, "--out", str(out / "page")]),
    ]
