"""Time and memory of PISA's forms, of one picture through SDXL's stage: 10 heads of 64 channels.

    python perf/pisa.py [--quick] [--tokens N]... [--json FILE]

256, 1024 and 2048 tokens (a 256-px, a 512-px tile and two of them at 16 px a token) in the settings of
training (5 samples, 4 jitters, dropout) and hardness 1e4; disparity is smooth, radii go up to 50 px. Forms:
`reference` and `blocked`, and `triton` where there is a GPU, on which then all three run; `forward` without
gradients, and `both` with the backward pass. On the CPU one thread is used, and seconds are the processor's.
MB is the peak beyond what was held before (on Linux; of the device on a GPU).

Goal: at 1024 tokens `blocked` takes no longer than `reference` and at most half its memory, with gradients,
and its results differ by at most 1e-4 of the largest one. `--quick` leaves 2048 tokens out.
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

import torch
from torch import Tensor
from torch.nn import functional

from bokehbench import records
from bokehbench.baselines.bokehdiff.pisa.attention import pisa
from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings

GRIDS = {256: (16, 16), 1024: (32, 32), 2048: (32, 64)}
HEADS, CHANNELS, HARDNESS, REPEATS = 10, 64, 1e4, 3
TOLERANCE = 1e-4


def problem(grid: tuple[int, int], device: str) -> tuple[list[Tensor], Scene]:
    """Query, key and value, and a scene of 16 px a token."""
    draw = torch.Generator().manual_seed(0)
    parts = [torch.randn(1, HEADS, grid[0] * grid[1], CHANNELS, generator=draw) for _ in range(3)]
    coarse = torch.rand(1, 1, 6, 6, generator=draw)
    disparity = functional.interpolate(coarse, (16 * grid[0], 16 * grid[1]), mode="bicubic").clamp(0, 1)
    scene = Scene(disparity, 100 * (disparity - 0.5).abs())
    return [part.to(device).requires_grad_() for part in parts], scene.to(device)


def resident(field: str) -> float:
    """A field of the process's memory, MB."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(field))


def peak(work: Callable[[], Any], device: str) -> float:
    """Peak memory of a call beyond what was held before, MB; NaN where it cannot be read."""
    gc.collect()
    if device == "cuda":
        held = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        work()
        return (torch.cuda.max_memory_allocated() - held) / 2**20
    if sys.platform != "linux":
        return float("nan")
    ctypes.CDLL(None).malloc_trim(0)  # freed memory that the allocator has kept
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
    before = resident("VmRSS")
    work()
    return resident("VmHWM") - before


def seconds(work: Callable[[], Any], device: str) -> float:
    """Median of the processor's seconds, or of the clock's on a GPU."""
    clock = time.perf_counter if device == "cuda" else time.process_time
    found = []
    for _ in range(REPEATS):
        begun = clock()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        found.append(clock() - begun)
    return statistics.median(found)


def measure(tokens: int, device: str) -> list[dict[str, Any]]:
    """A row for each form and pass."""
    grid = GRIDS[tokens]
    parts, scene = problem(grid, device)
    rows: list[dict[str, Any]] = []
    exact: list[Tensor] = []
    for form in ("reference", "blocked", *(["triton"] if device == "cuda" else [])):
        settings = PisaSettings(samples=5, jitters=4, dropout=0.1, form=form)

        def forward(settings: PisaSettings = settings) -> Tensor:
            return pisa(*parts, scene, grid, settings, HARDNESS)

        def both(forward: Callable[[], Tensor] = forward) -> list[Tensor]:
            out = forward()
            return [out.detach(), *torch.autograd.grad(out.square().sum(), parts)]

        found = both()  # also warms up, and compiles
        exact = exact or found
        error = max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, exact, strict=True))
        del found
        for name, work in (("forward", torch.no_grad()(forward)), ("both", both)):
            row = {"tokens": tokens, "form": form, "pass": name, "seconds": seconds(work, device)}
            rows.append({**row, "mb": peak(work, device), "error": error})
            slow = next(other for other in rows if other["pass"] == name)
            show(rows[-1], slow)
    return rows


def show(row: dict[str, Any], slow: dict[str, Any]) -> None:
    line = f"{row['tokens']:6d}  {row['form']:10s} {row['pass']:8s} {row['seconds']:9.4f} {row['mb']:8.0f}"
    share = row["seconds"] / slow["seconds"], row["mb"] / slow["mb"] if slow["mb"] else float("nan")
    print(f"{line} {share[0]:8.2f} {share[1]:8.2f} {row['error']:10.1e}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="256 and 1024 tokens only")
    parser.add_argument("--tokens", type=int, action="append", choices=GRIDS, help="repeatable")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(1)
    print(f"{device}; time and memory of `reference` are 1.00")
    print("tokens  form       pass         seconds       MB     time   memory  max error")
    chosen = arguments.tokens or list(GRIDS)[: 2 if arguments.quick else 3]
    rows = [row for tokens in chosen for row in measure(tokens, device)]
    if arguments.json:
        records.write_json(arguments.json, {"device": device, "rows": rows})
    both = {row["form"]: row for row in rows if row["tokens"] == 1024 and row["pass"] == "both"}
    error = max(row["error"] for row in rows)
    met = error <= TOLERANCE
    if both:
        ours, theirs = both["blocked"], both["reference"]
        met = met and ours["seconds"] <= theirs["seconds"] and not ours["mb"] > 0.5 * theirs["mb"]
    print(f"largest difference {error:.1e} (goal: {TOLERANCE:g}): {'met' if met else 'missed'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
