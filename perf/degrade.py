"""Pictures degraded per second and core, for every preset, against a straightforward pipeline.

    python perf/degrade.py [--quick] [--json FILE]

All run on one thread, alternately, over the same plans of 512 x 512 pictures. The alternative does what is
usually done: every kernel padded to 21 x 21 and convolved depthwise in torch, torch's interpolate, noise
from torch's own Poisson generator, JPEG through Pillow. Goal: the default preset at least 3 times as fast.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from skimage import data
from torch.nn import functional

from bokehbench.rng import stream
from bokehbench.synth.degrade import DEFAULT_PRESET, PRESETS, DegradePlan, degrade
from bokehbench.synth.degrade.batch import degrade_batch
from bokehbench.synth.degrade.plan import Blur, Jpeg, Noise, Resize

SIDE = 512
GOAL = 3.0
LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]


def straightforward(plan: DegradePlan, image: torch.Tensor) -> torch.Tensor:
    """The plan by the usual means, [3, H, W]."""
    now = image
    if plan.sharpen is not None:
        line = torch.from_numpy(cv2.getGaussianKernel(plan.sharpen.size, 0, cv2.CV_32F))
        kernel = (line @ line.T).numpy()
        residual = now - convolve(now, kernel)
        mask = convolve((residual.abs() * 255 > plan.sharpen.threshold).float(), kernel)
        now = mask * (now + plan.sharpen.weight * residual).clamp(0, 1) + (1 - mask) * now
    for step in plan.steps:
        if isinstance(step, Blur):
            kernel = step.kernel()
            now = convolve(now, np.pad(kernel, (21 - len(kernel)) // 2))
        elif isinstance(step, Resize):
            now = functional.interpolate(now[None], size=step.size[::-1], mode=step.mode)[0]
        elif isinstance(step, Noise):
            now = add_noise(now, step)
        elif isinstance(step, Jpeg):
            file = io.BytesIO()
            pixels = (now.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
            Image.fromarray(pixels).save(file, "JPEG", quality=int(step.quality))
            now = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).float() / 255
    small = (now.clamp(0, 1) * 255).round() / 255
    if plan.enlarge is None:
        return small
    whole = functional.interpolate(small[None], size=(SIDE, SIDE), mode=plan.enlarge)[0]
    return (whole.clamp(0, 1) * 255).round() / 255


def convolve(image: torch.Tensor, kernel: np.ndarray) -> torch.Tensor:
    pad = len(kernel) // 2
    padded = functional.pad(image[None], (pad,) * 4, mode="reflect")
    return functional.conv2d(padded, torch.from_numpy(kernel).expand(3, 1, -1, -1), groups=3)[0]


def add_noise(image: torch.Tensor, step: Noise) -> torch.Tensor:
    base = (image * LUMA).sum(0, keepdim=True) if step.grey else image
    if step.kind == "gaussian":
        return (image + step.strength * torch.randn_like(base)).clamp(0, 1)
    rounded = (base * 255).round().clamp(0, 255) / 255
    photons = 2.0 ** np.ceil(np.log2(len(torch.unique(rounded))))
    return (image + step.strength * (torch.poisson(rounded * photons) / photons - rounded)).clamp(0, 1)


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> int:
    """Print the table and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer plans")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    count = 8 if arguments.quick else 30
    picture = np.ascontiguousarray(data.astronaut().astype(np.float32) / 255)
    tensor = torch.from_numpy(picture).permute(2, 0, 1).contiguous()
    rows = {}
    print(
        f"{'preset':<16}{'ms':>8}{'images/s/core':>16}{'torch, exact':>14}{'straightforward':>17}{'ratio':>8}"
    )
    for preset in PRESETS:
        plans = [DegradePlan.sample(stream(7, i, "perf"), preset, (SIDE, SIDE)) for i in range(count)]
        ways = {
            "ours": lambda plan: degrade(plan, picture),
            "batch": lambda plan: degrade_batch([plan], tensor[None]),
            "straightforward": lambda plan: straightforward(plan, tensor),
        }
        spent = dict.fromkeys(ways, 0.0)
        for plan in plans:  # tables and compiled code
            degrade(plan, picture)
        with torch.no_grad():
            for plan in plans:
                for name, way in ways.items():
                    spent[name] += seconds(lambda way=way, plan=plan: way(plan))
        ms = {name: 1e3 * total / count for name, total in spent.items()}
        ratio = ms["straightforward"] / ms["ours"]
        rows[preset] = {
            **{f"{name}_ms": round(value, 2) for name, value in ms.items()},
            "ratio": round(ratio, 2),
        }
        print(
            f"{preset:<16}{ms['ours']:>8.1f}{1e3 / ms['ours']:>16.1f}{ms['batch']:>11.1f} ms"
            f"{ms['straightforward']:>14.1f} ms{ratio:>8.1f}"
        )
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"side": SIDE, "plans": count, "presets": rows}, indent=1) + "\n"
        )
    ratio = rows[DEFAULT_PRESET]["ratio"]
    met = ratio >= GOAL
    verdict = "met" if met else "missed"
    print(f"{DEFAULT_PRESET}: {ratio:.1f} times as fast as the usual means, goal {GOAL:g}: {verdict}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
