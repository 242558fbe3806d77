"""Training pairs per hour on this machine, with one worker and with two.

    python perf/synth.py [--quick] [--json FILE]

Every run makes the same samples of `bokehbench_v1` in a process of its own, into a new folder, after one
sample that loads the kernels; start-up of the workers counts. One worker alone lets the ray tracer use all
cores, so it is also measured on one core. Goal: two workers of one core each make pairs at least 1.6 times
as fast as one of them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOAL = 1.6
RUNS = {"1 worker, 1 core": (1, 1), "1 worker, 2 cores": (1, 2), "2 workers, 1 core each": (2, 2)}
"""What is compared: (workers, cores in all)."""


def child(workers: int, size: int, count: int, folder: Path) -> None:
    """Make the pairs and print seconds and the digest of all pictures."""
    from bokehbench.records import sha256_files
    from bokehbench.synth.config import bokehbench_v1, load_recipe
    from bokehbench.synth.dataset import build, make_library

    recipe = load_recipe(bokehbench_v1(), size=(size, size))
    library = make_library(recipe)
    build(recipe, library, count=1, root_seed=0, root=folder / "warm")
    out = folder / "out"
    start = time.perf_counter()
    build(recipe, library, count=count, root_seed=7, root=out, workers=workers)
    seconds = time.perf_counter() - start
    # Pixels only: the JSON names the commit, and somebody may commit between two runs.
    digest = sha256_files((path for path in out.rglob("*") if path.suffix in (".png", ".exr")), out)
    print(json.dumps({"seconds": seconds, "digest": digest}))


def measure(name: str, size: int, count: int) -> dict[str, object]:
    """One run in a process that may use as many cores as the row says."""
    workers, cores = RUNS[name]
    threads = str(cores // workers)
    environment = dict(os.environ, NUMBA_NUM_THREADS=threads, OMP_NUM_THREADS=threads)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--child", str(workers), str(size), str(count), folder]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"error: {name}: {done.stderr.strip().splitlines()[-1]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> int:
    """Print the table and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and smaller pairs, under a minute")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        workers, size, count, folder = arguments.child
        child(int(workers), int(size), int(count), Path(folder))
        return 0
    size, count, repeats = (256, 30, 1) if arguments.quick else (512, 24, 2)
    rows = [name for name in RUNS if not (arguments.quick and name == "1 worker, 2 cores")]
    # Interleaved, best of each: what else runs on the machine then disturbs all rows alike.
    runs = [(name, measure(name, size, count)) for _ in range(repeats) for name in rows]
    if len({run["digest"] for _, run in runs}) != 1:
        sys.exit("error: the runs left different pixels")
    print(f"{count} pairs at {size}x{size}; load of the machine at the end {os.getloadavg()[0]:.1f}")
    best = {name: min(float(str(run["seconds"])) for other, run in runs if other == name) for name in rows}
    for name, seconds in best.items():
        print(f"{name:<24} {seconds:8.1f} s {3600 * count / seconds:10.0f} pairs/hour")
    ratio = best["1 worker, 1 core"] / best["2 workers, 1 core each"]
    if arguments.json:
        figures = {"seconds": best, "pairs": count, "size": size, "ratio": ratio, "goal": GOAL}
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"2 workers: {ratio:.2f} times the pairs of 1 worker on 1 core (goal {GOAL}), same pixels")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
