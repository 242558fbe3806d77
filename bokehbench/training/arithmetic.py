"""Whether a device computes bf16 itself: without that, bf16 is slower than fp32 and gains nothing."""

from __future__ import annotations

from pathlib import Path

import torch

CPU_FLAGS = ("amx_bf16", "avx512_bf16", "bf16")
"""What the system calls it: x86 with matrix units, x86, ARM."""
CPU_FACTS = Path("/proc/cpuinfo")


def bf16_support(device: torch.device) -> str:
    """What bf16 is computed with on a device: a CPU's instructions, or `GPU`.

    Returns:
        Empty where it is emulated; `unknown` where the system does not say.
    """
    if device.type == "cuda":
        with torch.cuda.device(device):
            return "GPU" if torch.cuda.is_bf16_supported(including_emulation=False) else ""
    if device.type != "cpu" or not CPU_FACTS.is_file():
        return "unknown"
    lines = (line.partition(":") for line in CPU_FACTS.read_text().splitlines())
    has = {
        flag for name, _, flags in lines if name.strip() in ("flags", "Features") for flag in flags.split()
    }
    return next((flag for flag in CPU_FLAGS if flag in has), "")
