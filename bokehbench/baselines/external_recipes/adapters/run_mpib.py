"""MPIB's demo.py, one run of it a case, as with BokehMe's; its map is taken as it is."""

from __future__ import annotations

import os
import sys
from typing import Any

from bench_adapter import Bench, replaced
from run_bokehme import render

LEAST_K = 1e-3
"""demo.py divides by K."""
GREATEST_K = 200.0
"""Its renderer's table of kernels ends there."""


def main() -> None:
    """All cases."""
    bench = Bench(sys.argv)
    bench.enter()
    import cv2
    import torch

    inpainting = bench.weights["checkpoints/inpnet.pth"]

    def load(path: str, *others: Any, **named: Any) -> Any:
        """demo.py names a file of its author's machine for the inpainting network."""
        return loading(path if os.path.isfile(path) else inpainting, *others, **named)

    folder = bench.folder("demo")
    with replaced(torch, "load", load) as loading:
        for case in [case for case in bench.cases if case["lens"]["K"] <= GREATEST_K]:
            lens = case["lens"]
            arguments = [
                f"--K={max(lens['K'], LEAST_K)!r}",
                f"--disp_focus={lens['disp_focus']!r}",
                f"--gamma={lens['gamma']!r}",
                "--gpus=" + os.environ.get("CUDA_VISIBLE_DEVICES", "0"),
                "--mpinet_checkpoint_path=" + bench.weights["checkpoints/mpinet.pth"],
                "--aupnet_checkpoint_path=" + bench.weights["checkpoints/aupnet.pth"],
                "--inpnet_checkpoint_path=" + inpainting,
            ]
            bench.save(case, render(cv2, bench.image(case), bench.disparity(case), arguments, folder))
    for case in bench.cases:
        if case["lens"]["K"] > GREATEST_K:  # said at the end, where the reason of a failure is looked for
            print(f"MPIB renders K up to {GREATEST_K:g} px, not {case['lens']['K']:g} ({case['key']})")


if __name__ == "__main__":
    main()
