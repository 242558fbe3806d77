"""Training pairs per hour on this machine, with one worker and with two.

    python perf/synth.py [--quick] [--json FILE]

Both runs make the same samples of `bokehbench_v1`, each into a new folder, after one sample that compiles
the kernels. Start-up of the workers counts. Goal: two workers make pairs at least 1.6 times as fast.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from bokehbench.records import code_version, sha256_files
from bokehbench.synth.config import bokehbench_v1, load_recipe
from bokehbench.synth.dataset import build, make_library

GOAL = 1.6


def measure(size: tuple[int, int], count: int, repeats: int, root: Path) -> list[dict[str, object]]:
    """Seconds of each run, best of `repeats`; every run must leave the same bytes."""
    recipe = load_recipe(bokehbench_v1(), size=size)
    library = make_library(recipe)
    build(recipe, library, count=1, root_seed=0, root=root / "warm")
    rows: list[dict[str, object]] = []
    hashes = set()
    for workers in (1, 2):
        seconds = []
        for repeat in range(repeats):
            out = root / f"{workers}_{repeat}"
            start = time.perf_counter()
            build(recipe, library, count=count, root_seed=7, root=out, workers=workers)
            seconds.append(time.perf_counter() - start)
            hashes.add(sha256_files((path for path in out.rglob("*") if path.is_file()), out))
        best = min(seconds)
        rows.append(
            {
                "workers": workers,
                "size": f"{size[0]}x{size[1]}",
                "pairs": count,
                "seconds": round(best, 2),
                "all_seconds": [round(value, 2) for value in seconds],
                "pairs_per_hour": round(3600.0 * count / best),
            }
        )
    if len(hashes) != 1:
        sys.exit("error: the runs left different bytes")
    return rows


def main() -> int:
    """Print the table and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and smaller pairs, under a minute")
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args()
    size, count, repeats = ((256, 256), 12, 1) if arguments.quick else ((512, 512), 24, 2)
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(size, count, repeats, Path(folder))
    ratio = float(rows[0]["seconds"]) / float(rows[1]["seconds"])  # type: ignore[arg-type]
    print(f"{'workers':>7} {'size':>9} {'pairs':>5} {'seconds':>8} {'pairs/hour':>10}")
    for row in rows:
        print("{workers:>7} {size:>9} {pairs:>5} {seconds:>8} {pairs_per_hour:>10}".format(**row))
    if arguments.json:
        figures = {
            "rows": rows,
            "ratio": ratio,
            "goal": GOAL,
            "cores": os.cpu_count(),
            "code": code_version(),
        }
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"2 workers: {ratio:.2f} times as fast as 1 on {os.cpu_count()} cores (goal {GOAL}), same bytes")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
