"""Bokehlicious: the model is called as predict.py does, without its conversion to a picture, which fails."""

from __future__ import annotations

import os
import sys

import numpy as np
from bench_adapter import Bench, padded, upwards, write_png

MULTIPLE = 4
F_NUMBER = 2.0
"""Of the larger aperture of EBB!, as the repository's own evaluation has it: strength 2 / N = 1."""


def main() -> None:
    """All cases; the arguments after the clone are the size of the model and its file."""
    bench = Bench(sys.argv)
    bench.enter()
    size, file = bench.more
    import torch
    from dataset.util import load_image
    from method.config import bokehlicious_size_builder
    from method.model import Bokehlicious

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = Bokehlicious(**bokehlicious_size_builder(size))
    # Tensors alone: nothing that a stranger has pickled is run.
    model.load_state_dict(torch.load(bench.weights[file], map_location=device, weights_only=True))
    model.to(device)
    model.eval()
    folder = bench.folder("pictures")
    for case in bench.cases:
        width, height = case["size"]
        rows, columns = upwards(height, MULTIPLE), upwards(width, MULTIPLE)
        path = os.path.join(folder, case["key"] + ".png")
        write_png(path, padded(bench.image(case), rows, columns))
        given = load_image(path, target_av=F_NUMBER, max_dim=max(rows, columns), device=device)
        with torch.no_grad():
            made = model(**given)
        picture = np.asarray(made.detach().cpu())[0].transpose(1, 2, 0)
        bench.save(case, picture[:height, :width])


if __name__ == "__main__":
    main()
