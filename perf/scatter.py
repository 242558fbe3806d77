"""How fast the scatter kernel is against a direct O(r²) port of the formula, both on all cores, in one run.

    python perf/scatter.py [--quick] [--json FILE]

The motorcycle photograph with its measured disparity at 1920x1080, focus on the far wall (the largest blur it
can have), K = 10 to 50. Goal: at least 4 times faster at K = 50, within 1e-3 of the exact image (encoded).
`--quick` halves size and K. Memory is the peak of the whole process after the fast kernel.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numba
import numpy as np

from bokehbench import records
from bokehbench.baselines.scatter.direct import scatter_direct
from bokehbench.baselines.scatter.kernel import dilate_defocus, scatter
from bokehbench.optics import Lens, decode, encode, signed_defocus
from bokehbench.photograph import load_sample

GOAL, TOLERANCE = 4.0, 1e-3
REPEATS = 3


def seconds(function: Callable[[], Any], repeats: int) -> float:
    """Median wall time."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(light: np.ndarray, disparity: np.ndarray, K: float) -> dict[str, float]:
    defocus = signed_defocus(disparity, Lens(K, 0.0)).astype(np.float32)
    fast = seconds(lambda: scatter(light, defocus), REPEATS)
    memory = peak_mb()
    dilation = seconds(lambda: dilate_defocus(defocus), REPEATS)
    images: list[np.ndarray] = []
    direct = seconds(lambda: images.append(scatter_direct(light, defocus)), 1)
    error = np.abs(encode(scatter(light, defocus), 2.2) - encode(images[0], 2.2)).max()
    return {
        "K": K,
        "mean_radius": float(np.abs(defocus).mean()),
        "fast_s": fast,
        "direct_s": direct,
        "ratio": direct / fast,
        "dilation_s": dilation,
        "peak_mb": memory,
        "max_error": float(error),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="960x540, K = 5 to 25")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    scale = 2 if arguments.quick else 1
    size = (1920 // scale, 1080 // scale)
    sample = load_sample("motorcycle")
    light = decode(cv2.resize(sample.image, size), 2.2).astype(np.float32)
    disparity = cv2.resize(sample.disparity, size)
    for warm in (scatter, scatter_direct):  # compile
        warm(light[:8, :8], np.ones((8, 8), np.float32))
    dilate_defocus(np.ones((8, 8), np.float32))

    print(f"{size[0]}x{size[1]}, {numba.get_num_threads()} threads")
    print("   K  mean r   fast s  direct s   ratio  dilation s    peak MB  max error")
    rows = []
    for K in (10.0, 50.0) if arguments.quick else (10.0, 20.0, 30.0, 40.0, 50.0):
        row = measure(light, disparity, K / scale)
        rows.append(row)
        print(
            f"{row['K']:4g} {row['mean_radius']:7.1f} {row['fast_s']:8.3f} {row['direct_s']:9.2f} "
            f"{row['ratio']:7.1f} {row['dilation_s']:11.3f} {row['peak_mb']:10.0f} "
            f"{row['max_error']:10.1e}",
            flush=True,
        )
    last = rows[-1]
    met = last["ratio"] >= GOAL and max(row["max_error"] for row in rows) <= TOLERANCE
    if arguments.json:
        figures = {"size": list(size), "threads": numba.get_num_threads(), "goal": GOAL, "rows": rows}
        records.write_json(arguments.json, {**figures, "met": met})
    error = max(row["max_error"] for row in rows)
    print(
        f"{last['ratio']:.1f} times faster than the direct port at K = {last['K']:g} (goal: {GOAL:g}), "
        f"largest error {error:.1e} (goal: {TOLERANCE:g}): {'met' if met else 'missed'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
