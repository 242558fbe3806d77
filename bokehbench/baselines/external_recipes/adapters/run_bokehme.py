"""BokehMe's demo.py, one run of it a case: arrays go in where it reads files, and come out where it writes.

Its own reading would round the disparity to 8 bit and cut the picture at 1; its writing is JPEG.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from bench_adapter import Bench, replaced, run_script

FLAT = 1e-6
STEP = 1e-3
"""What one pixel of a flat map is moved by: its radius changes by K / 1000."""


def stretched(disparity: Any) -> tuple[Any, float, float]:
    """(map, offset, span): demo.py stretches its map to [0, 1], so K and focus are changed the other way."""
    low, high = float(disparity.min()), float(disparity.max())
    if high - low < FLAT:  # it would divide by nothing
        disparity = np.full_like(disparity, low)
        disparity[0, 0] = low + STEP
        high = float(disparity.max())
    return disparity, low, high - low


def render(cv2: Any, image: Any, disparity: Any, arguments: list[str], folder: str) -> Any:
    """[H, W, 3] float: what demo.py calls bokeh_pred."""
    given = {"image": image[..., ::-1] * np.float32(255.0), "disparity": disparity * np.float32(255.0)}
    written = {}

    def read(path: str, *flags: Any) -> Any:
        return given[os.path.basename(path)].copy()

    def write(path: str, array: Any, *flags: Any) -> bool:
        written[os.path.basename(path)] = np.array(array)
        return True

    files = ["--image_path=image", "--disp_path=disparity", f"--save_dir={folder}"]
    with replaced(cv2, "imread", read), replaced(cv2, "imwrite", write):
        run_script("demo.py", files + arguments)
    return written["bokeh_pred.jpg"][..., ::-1] / 255.0


def main() -> None:
    """All cases."""
    bench = Bench(sys.argv)
    bench.enter()
    import cv2

    folder = bench.folder("demo")
    for case in bench.cases:
        lens = case["lens"]
        disparity, offset, span = stretched(bench.disparity(case))
        arguments = [
            f"--K={lens['K'] * span!r}",
            f"--disp_focus={(lens['disp_focus'] - offset) / span!r}",
            f"--gamma={lens['gamma']!r}",
            "--arnet_checkpoint_path=" + bench.weights["checkpoints/arnet.pth"],
            "--iunet_checkpoint_path=" + bench.weights["checkpoints/iunet.pth"],
        ]
        bench.save(case, render(cv2, bench.image(case), disparity, arguments, folder))


if __name__ == "__main__":
    main()
