"""Training pairs per hour on this machine for every recipe, and what a second worker brings.

    python perf/synth.py [--quick] [--recipe NAME ...] [--json FILE]

Every figure is the whole command `bokehbench synth build` into a new folder, start-up of Python and of the
workers included (about 1 s and 1.5 s), after one run that fills the caches of compiled kernels on disk. A
pair is one bokeh image with its all-in-focus image: `bokehme` makes 200 of a scene. One worker runs on one
core, two on two: the process is bound to them. Goal: two workers make pairs of bokehbench_v1 at least 1.8
times as fast as one. Start-up is the same for 32 pairs and for 32 000, so --quick comes out lower.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

GOAL = 1.8
SCALED = "bokehbench_v1"
SLOW = {"bokehme": 12, "bokehdiff_compat": 12}
"""Recipes that make 200 images of a scene, or sample as slowly as published: so many fewer samples."""


def measure(recipe: str, workers: int, size: int, count: int) -> dict[str, Any]:
    """One build: seconds, seconds of processor time, pairs, and the set's hash."""
    cores = sorted(os.sched_getaffinity(0))[:workers]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bokehbench", "synth", "build", "--recipe", recipe, "--out", folder]
        command += ["--size", f"{size}x{size}", "--count", str(count), "--workers", str(workers)]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            command, preexec_fn=lambda: os.sched_setaffinity(0, cores), capture_output=True, text=True
        )
        seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(f"error: {recipe}: {done.stderr.strip().splitlines()[-1]}")
        record = json.loads((Path(folder) / "dataset.json").read_text())
        metas = [json.loads(path.read_text()) for path in (Path(folder) / "meta").glob("*.json")]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    pairs = sum(len(meta["renders"]) for meta in metas)
    return {"seconds": seconds, "cpu": cpu, "pairs": pairs, "hash": record["content_hash"]}


def scaling(size: int, count: int, repeats: int) -> dict[int, dict[str, Any]]:
    """The fastest run with one and with two workers, taken in turns: what else runs disturbs both alike."""
    runs = [(workers, measure(SCALED, workers, size, count)) for _ in range(repeats) for workers in (1, 2)]
    if len({run["hash"] for _, run in runs}) != 1:
        sys.exit("error: one and two workers made different sets")
    return {w: min((run for n, run in runs if n == w), key=lambda run: run["seconds"]) for w in (1, 2)}


def main() -> int:
    """Print the table and the verdict."""
    from bokehbench.registry import RecipeSpec, names

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and smaller pairs, about a minute")
    parser.add_argument("--recipe", action="append", choices=names(RecipeSpec), help="only this (repeatable)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args()
    size, scaled, count, repeats = (256, 16, 4, 1) if arguments.quick else (512, 48, 24, 2)
    measure(SCALED, 1, 64, 1)
    print(
        f"{'recipe':<20} {'samples':>8} {'pairs':>6} {'seconds':>8} {'pairs/hour':>11}   2 workers, 2 cores"
    )
    rows = {}
    for recipe in arguments.recipe or names(RecipeSpec):
        samples = max(count // SLOW.get(recipe, 1), 2)
        run = measure(recipe, 2, size, samples)
        rows[recipe] = {"samples": samples, **run, "pairs_per_hour": 3600 * run["pairs"] / run["seconds"]}
        figures = f"{run['pairs']:6} {run['seconds']:8.1f} {rows[recipe]['pairs_per_hour']:11.0f}"
        print(f"{recipe:<20} {samples:8} {figures}", flush=True)
    one, two = scaling(size, scaled, repeats).values()
    ratio, by_cpu = one["seconds"] / two["seconds"], 2.0 * one["cpu"] / two["cpu"]
    if arguments.json:
        report = {"size": size, "recipes": rows, "one": one, "two": two, "ratio": ratio, "goal": GOAL}
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{size}x{size}; load of the machine {os.getloadavg()[0]:.1f}, on {os.cpu_count()} cores")
    print(f"{SCALED}, {scaled} pairs: {one['seconds']:.1f} s with 1 worker, {two['seconds']:.1f} s with 2")
    print(
        f"processor time {one['cpu']:.1f} s and {two['cpu']:.1f} s: on idle cores {by_cpu:.2f} times at best"
    )
    print(f"2 workers: {ratio:.2f} times the pairs of 1 worker on 1 core (goal {GOAL}), same hash")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
