"""How fast the forms of scatter are against a direct O(r²) port of the formula on all cores, in one run.

    python perf/scatter.py [--quick] [--size 512|1080p|12mp]... [--donut D] [--gather] [--json FILE]

The motorcycle photograph with its measured disparity (1920x1080 unless said), focus on the far wall (the
largest blur it can have), K = 10 to 50. Forms: `fast` (O(r), numba), `direct` (O(r²), numba), `gather`
(torch, differentiable; takes minutes at the largest K, so at the smallest alone unless --gather) and, where
there is a GPU, `triton`; `dilation` is the fast signed defocus dilation, which the Triton form includes.

Goal: `fast` at least 12 times faster than `direct` at K = 50 (with a soft donut: faster at all), every form
within 1e-3 of `direct` (encoded). `--quick` halves size and K. MB is the peak of the process during a form,
beyond what it held before (on Linux; of the device for `triton`).
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numba
import numpy as np
import torch

from bokehbench import records
from bokehbench.baselines.scatter.direct import scatter_direct
from bokehbench.baselines.scatter.gather import scatter_gather
from bokehbench.baselines.scatter.kernel import dilate_defocus, scatter
from bokehbench.baselines.scatter.tensors import scatter_tensor
from bokehbench.optics import Lens, decode, encode, signed_defocus
from bokehbench.photograph import load_sample

GOAL, TOLERANCE = 12.0, 1e-3
REPEATS = 3
SIZES = {"512": (512, 512), "1080p": (1920, 1080), "12mp": (4000, 3000)}
LEVELS = (10.0, 20.0, 30.0, 40.0, 50.0)
Image = np.ndarray


class Memory:
    """Peak of the resident memory, MB, beyond what was held when the block began; NaN off Linux."""

    def __enter__(self) -> Memory:
        self.before, self.mb = float("nan"), float("nan")
        if sys.platform == "linux":
            gc.collect()
            ctypes.CDLL(None).malloc_trim(0)  # freed memory that the allocator has kept
            Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
            self.before = self._field("VmRSS")
        return self

    def __exit__(self, *_: object) -> None:
        if sys.platform == "linux":
            self.mb = self._field("VmHWM") - self.before

    @staticmethod
    def _field(name: str) -> float:
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(name))


def timed(function: Callable[[], Any], repeats: int) -> tuple[Any, dict[str, float]]:
    """Result, median wall seconds, processor seconds and peak memory."""
    walls, cpus = [], []
    with Memory() as memory:
        for _ in range(repeats):
            wall, cpu = time.perf_counter(), time.process_time()
            result = function()
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
    figures = {"seconds": statistics.median(walls), "cpu_seconds": statistics.median(cpus), "mb": memory.mb}
    return result, figures


def on_gpu(light: Image, defocus: Image, donut: float) -> tuple[Image, dict[str, float]]:
    """The Triton form: blur and dilation, tensors already on the device."""
    pixels = torch.from_numpy(light).permute(2, 0, 1)[None].contiguous().cuda()
    maps = torch.from_numpy(defocus)[None, None].cuda()

    def render() -> torch.Tensor:
        blurred, _ = scatter_tensor(pixels, maps, donut=donut)
        torch.cuda.synchronize()
        return blurred

    render()  # compile
    held = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    blurred, figures = timed(render, REPEATS)
    figures["mb"] = (torch.cuda.max_memory_allocated() - held) / 2**20
    return blurred[0].permute(1, 2, 0).cpu().numpy(), figures


def in_torch(light: Image, defocus: Image) -> tuple[Image, dict[str, float]]:
    """The differentiable form, on the CPU."""
    pixels, maps = torch.from_numpy(light).permute(2, 0, 1)[None], torch.from_numpy(defocus)[None, None]
    blurred, figures = timed(lambda: scatter_gather(pixels, maps), 1)
    return blurred[0].permute(1, 2, 0).numpy(), figures


def measure(light: Image, disparity: Image, K: float, donut: float, gather: bool) -> list[dict[str, Any]]:
    """One row a form at one K."""
    defocus = signed_defocus(disparity, Lens(K, 0.0)).astype(np.float32)
    made = {"fast": timed(lambda: scatter(light, defocus, donut=donut), REPEATS)}
    made["direct"] = timed(lambda: scatter_direct(light, defocus, donut=donut), 1)
    if gather and donut == 0.0:
        made["gather"] = in_torch(light, defocus)
    if torch.cuda.is_available():
        made["triton"] = on_gpu(light, defocus, donut)
    exact, direct = made["direct"]
    rows = [
        {
            "form": form,
            **figures,
            "ratio": direct["seconds"] / figures["seconds"],
            "cpu_ratio": direct["cpu_seconds"] / figures["cpu_seconds"],
            "max_error": float(np.abs(encode(image, 2.2) - encode(exact, 2.2)).max()),
        }
        for form, (image, figures) in made.items()
    ]
    _, dilation = timed(lambda: dilate_defocus(defocus), REPEATS)
    rows.append({"form": "dilation", **dilation})
    place = {"K": K, "mean_radius": float(np.abs(defocus).mean())}
    return [{**place, **row} for row in rows]


def show(row: dict[str, Any]) -> None:
    line = f"{row['K']:4g} {row['mean_radius']:7.1f}  {row['form']:8s} {row['seconds']:9.3f} "
    line += f"{row['cpu_seconds']:9.2f} {row['mb']:7.0f}"
    if "ratio" in row:
        line += f" {row['ratio']:7.1f} {row['cpu_ratio']:7.1f} {row['max_error']:10.1e}"
    print(line, flush=True)


def run(name: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """All rows of one size."""
    scale = 2 if arguments.quick else 1
    size = (SIZES[name][0] // scale, SIZES[name][1] // scale)
    sample = load_sample("motorcycle")
    light = decode(cv2.resize(sample.image, size), 2.2).astype(np.float32)
    disparity = cv2.resize(sample.disparity, size)
    print(f"{size[0]}x{size[1]}, {numba.get_num_threads()} threads, soft donut {arguments.donut:g}")
    print("   K  mean r  form        wall s     cpu s      MB   ratio  by cpu  max error")
    rows = []
    levels = (LEVELS[0], LEVELS[-1]) if arguments.quick else LEVELS
    for K in levels:
        gather = arguments.gather or levels[0] == K
        for row in measure(light, disparity, K / scale, arguments.donut, gather):
            show(row)
            rows.append({"size": list(size), **row})
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="half the size, K = 5 and 25")
    parser.add_argument("--size", action="append", choices=SIZES, help="repeatable; 1080p unless given")
    parser.add_argument("--donut", type=float, default=0.0, help="0 to 0.5, strength of the soft donut")
    parser.add_argument("--gather", action="store_true", help="the torch gather form at every K")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    for warm in (scatter, scatter_direct):  # compile
        warm(np.ones((8, 8, 3), np.float32), np.ones((8, 8), np.float32))
    dilate_defocus(np.ones((8, 8), np.float32))

    rows = [row for name in arguments.size or ["1080p"] for row in run(name, arguments)]
    last = [row for row in rows if row["form"] == "fast"][-1]
    error = max(row.get("max_error", 0.0) for row in rows)
    goal = GOAL if arguments.donut == 0.0 else 1.0
    met = last["ratio"] >= goal and error <= TOLERANCE
    if arguments.json:
        figures = {"threads": numba.get_num_threads(), "donut": arguments.donut, "goal": goal, "rows": rows}
        records.write_json(arguments.json, {**figures, "met": met})
    print(
        f"{last['ratio']:.1f} times faster than the direct port at K = {last['K']:g} (goal: {goal:g}), "
        f"largest error {error:.1e} (goal: {TOLERANCE:g}): {'met' if met else 'missed'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
