"""EBokehNet's model for EBB!, through its own loader; its package is called `code`, like one of Python's."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from bench_adapter import Bench, eight_bit, upwards, write_png

FIXED = {"lens_factor": 1.0, "bokeh_strength": 0.7}
"""What its evaluation on EBB! gives in the place of lens data."""
MULTIPLE = 16


def middle(array: Any, height: int, width: int) -> Any:
    """The centre of [H, W, C], where its loader has put the picture."""
    top = round((array.shape[0] - height) / 2.0)
    left = round((array.shape[1] - width) / 2.0)
    return array[top : top + height, left : left + width]


def render(bench: Bench, model: Any, get_dataloader: Any, device: str, case: Any) -> Any:
    """[H, W, 3] float."""
    width, height = case["size"]
    folder = bench.folder(case["key"])
    write_png(
        os.path.join(folder, case["key"] + ".src.jpg"), eight_bit(bench.image(case))
    )  # known by its content
    size = upwards(height, MULTIPLE), upwards(width, MULTIPLE)
    for batch in get_dataloader(folder, model, FIXED, size):
        lens = batch["lens_factor"]
        made = model.model(
            batch["source"].to(device),
            batch["bokeh_strength"].to(device),
            lens.reshape(lens.shape[0], 1, 1, 1).to(device),
            batch["pos_map"].to(device),
        )
        return middle(np.asarray(made.detach().cpu())[0].transpose(1, 2, 0), height, width)
    raise SystemExit("the repository's loader found no picture in " + folder)


def main() -> None:
    """All cases."""
    bench = Bench(sys.argv)
    bench.enter()
    sys.modules.pop("code", None)
    from code.model.ln_modules import DeBokehLn
    from code.utils.eval_utils import get_dataloader

    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = (
        DeBokehLn.load_from_checkpoint(bench.weights["modelzoo/EBokehNet_s_EBB_best.ckpt"]).to(device).eval()
    )
    with torch.no_grad():
        for case in bench.cases:
            bench.save(case, render(bench, model, get_dataloader, device, case))


if __name__ == "__main__":
    main()
