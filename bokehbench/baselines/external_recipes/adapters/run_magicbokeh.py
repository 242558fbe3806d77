"""MagicBokeh's inference.py over a folder: its depth file holds the condition, its mask is empty.

With an empty mask its focal plane is 0, so |depth - 0| K/32 with K = 32 is the depth file itself.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from bench_adapter import Bench, padded, replaced, run_script, seeded_at_reading, write_png

K_UNIT = 32.0
"""Pixels of radius that its condition of 1 stands for, and the end of its training."""
PATCH = 512


def condition(defocus: Any) -> Any:
    """[H, W] in [0, 1] of signed defocus in pixels, rounded for the script, which cuts off to 8 bit."""
    levels = np.floor(255.0 * np.clip(np.abs(defocus) / K_UNIT, 0.0, 1.0) + 0.5)
    return ((levels + 0.25) / 255.0).astype(np.float32)


def prepare(bench: Bench, folders: dict[str, str]) -> dict[str, int]:
    """Write the files of all cases; path of the picture -> seed."""
    seeds = {}
    for case in bench.cases:
        width, height = case["size"]
        size = max(height, PATCH), max(width, PATCH)
        defocus = bench.defocus(case)
        if np.abs(defocus).max() > K_UNIT:
            print(f"{case['key']}: blur beyond {K_UNIT:g} px is cut off", flush=True)
        path = os.path.join(folders["input_dir"], case["key"] + ".png")
        write_png(path, padded(bench.image(case), *size, mode="reflect"))  # its colours count: AdaIN
        given = condition(padded(defocus, *size, mode="reflect"))
        np.save(os.path.join(folders["depth_dir"], case["key"] + ".npy"), given)
        write_png(os.path.join(folders["mask_dir"], case["key"] + ".png"), np.zeros(size, np.uint8))
        seeds[path] = case["seed"]
    return seeds


def main() -> None:
    """All cases in one run."""
    bench = Bench(sys.argv)
    bench.enter()
    from PIL import Image

    folders = {name: bench.folder(name) for name in ("input_dir", "depth_dir", "mask_dir", "output_dir")}
    seeds = prepare(bench, folders)
    by_name = {case["key"] + ".png": case for case in bench.cases}
    base = bench.weights["models/stable-diffusion-2-1-base/unet/diffusion_pytorch_model.safetensors"]

    def save(picture: Any, path: Any, *others: Any, **named: Any) -> None:
        case = by_name[os.path.basename(str(path))]
        width, height = case["size"]
        bench.save(case, np.asarray(picture.convert("RGB"))[:height, :width])

    arguments = [f"--{name}={folder}" for name, folder in sorted(folders.items())]
    arguments += [f"--K={K_UNIT:.0f}"]
    arguments += ["--pretrained_model_name_or_path=" + os.path.dirname(os.path.dirname(base))]
    arguments += ["--model_path=" + bench.weights["checkpoints/magicbokeh-released.pth"]]
    with seeded_at_reading(seeds), replaced(Image.Image, "save", save):
        run_script("inference.py", arguments)


if __name__ == "__main__":
    main()
