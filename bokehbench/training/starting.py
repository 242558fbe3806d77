"""What every training starts with: a device, seeds, and how it reports."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, KwargsHandler

from bokehbench.errors import Unavailable
from bokehbench.rng import stream
from bokehbench.training.stage import Standing


def open_accelerator(device: str, partly: bool = False) -> Accelerator:
    """Device and processes of a training.

    Args:
        device: auto, cpu or cuda.
        partly: whether some steps leave some of the trained weights alone; processes then ask which.

    Raises:
        Unavailable: no such device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise Unavailable("--device cuda: no CUDA device here; train with --device cpu")
    handlers: list[KwargsHandler] = [DistributedDataParallelKwargs(find_unused_parameters=True)]
    return Accelerator(
        cpu=device == "cpu", mixed_precision="no", kwargs_handlers=handlers if partly else None
    )


def seed_number(seed: int, name: str) -> int:
    """A seed for torch's random numbers."""
    return int(stream(seed, 0, name).integers(2**62))


def device_name(device: torch.device) -> str:
    """What was computed on, in words."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.is_file() else []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{named or platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"


def describe(standings: Mapping[str, Standing]) -> list[str]:
    """A line for each stage: how far it is, how good, and what a step costs."""
    lines = []
    for name, done in standings.items():
        best = (
            f"best {done.best_score:.2f} dB at step {done.best_step}" if done.curve else "not validated yet"
        )
        cost = f", {done.seconds / done.step:.3g} s a step with validation" if done.step else ""
        memory = f", at most {done.peak_bytes / 2**30:.2f} GiB" if done.peak_bytes else ""
        lines.append(f"{name}: step {done.step}, {best}{cost}{memory}")
    return lines
