"""Time and memory of MagicBokeh's masked attention, of one picture through the up blocks of SD 2.1's UNet.

    python perf/fama.py [--quick] [--focus SHARE] [--json FILE]

The three grids of a tile of 512²: 256 tokens with 20 heads, 1024 with 10, 4096 with 5, of 64 channels each; a
subject in focus covers SHARE of the tile. Computations: `reference`, `masked` (torch's fused attention with a
mask) and `fast` (one attention for each region); `forward` without gradients, `both` with the backward pass.
On the CPU one thread is used, and seconds are the processor's. MB is the peak beyond what was held before.

Goal: at 4096 tokens (1024 with `--quick`) `fast` takes no longer than either of the others and no more memory
than `masked`, and results differ by at most 1e-4 of the largest one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from pisa import TOLERANCE, peak, seconds, show
from torch import Tensor

from bokehbench import records
from bokehbench.baselines.magicbokeh.fama.fast import attention_fast, attention_masked
from bokehbench.baselines.magicbokeh.fama.reference import attention_reference
from bokehbench.baselines.magicbokeh.fama.regions import Regions, regions_of

HEADS = {16: 20, 32: 10, 64: 5}
"""Of the attention on a grid of so many tokens each way."""
CHANNELS, TILE_PX, ACROSS = 64, 512, -100.0
FORMS = {"reference": attention_reference, "masked": attention_masked, "fast": attention_fast}


def subject(share: float) -> Tensor:
    """Condition [1, 1, 512, 512] of a disc in focus that covers a share of it."""
    y, x = torch.meshgrid(*[torch.arange(TILE_PX) - TILE_PX / 2] * 2, indexing="ij")
    return (torch.hypot(y, x) > TILE_PX * (share / torch.pi) ** 0.5).float()[None, None]


def measure(side: int, share: float, device: str) -> list[dict[str, Any]]:
    """A row for each computation and pass."""
    draw = torch.Generator().manual_seed(0)
    shape = 1, HEADS[side], side * side, CHANNELS
    parts = [torch.randn(shape, generator=draw).to(device).requires_grad_() for _ in range(3)]
    condition = subject(share).to(device)
    rows: list[dict[str, Any]] = []
    exact: list[Tensor] = []
    for form, attend in FORMS.items():
        regions: Regions = regions_of(condition, (side, side))

        def forward(attend: Callable[..., Tensor] = attend, regions: Regions = regions) -> Tensor:
            return attend(*parts, regions, ACROSS)

        def both(forward: Callable[[], Tensor] = forward) -> list[Tensor]:
            out = forward()
            return [out.detach(), *torch.autograd.grad(out.square().sum(), parts)]

        found = both()
        exact = exact or found
        error = max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, exact, strict=True))
        del found
        for name, work in (("forward", torch.no_grad()(forward)), ("both", both)):
            row = {"tokens": side * side, "form": form, "pass": name, "seconds": seconds(work, device)}
            rows.append({**row, "mb": peak(work, device), "error": error})
            show(rows[-1], next(other for other in rows if other["pass"] == name))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="256 and 1024 tokens only")
    parser.add_argument("--focus", type=float, default=0.3, help="share of the tile that is in focus")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(1)
    print(f"{device}; {arguments.focus:g} in focus; time and memory of `reference` are 1.00")
    print("tokens  form       pass         seconds       MB     time   memory  max error")
    sides = list(HEADS)[: 2 if arguments.quick else 3]
    rows = [row for side in sides for row in measure(side, arguments.focus, device)]
    if arguments.json:
        records.write_json(arguments.json, {"device": device, "focus": arguments.focus, "rows": rows})
    last = {row["form"]: row for row in rows if row["pass"] == "both" and row["tokens"] == sides[-1] ** 2}
    error, fast = max(row["error"] for row in rows), last["fast"]
    quicker = all(fast["seconds"] <= row["seconds"] for row in last.values())
    met = error <= TOLERANCE and quicker and not fast["mb"] > last["masked"]["mb"]
    print(f"largest difference {error:.1e} (goal: {TOLERANCE:g}): {'met' if met else 'missed'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
