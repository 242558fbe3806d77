"""What MagicBokeh's corrections of colour leave of a perfect rendering: `python perf/magicbokeh_colour.py`.

Each ground truth of `blb-mini`, taken for what the networks have made of its all-in-focus picture, is
corrected and compared with itself.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch

from bokehbench.baselines.diffusion.pictures import to_picture, to_tensor
from bokehbench.baselines.magicbokeh.colour import CORRECTIONS
from bokehbench.benchmarks.locate import Reference, open_benchmark
from bokehbench.metrics.psnr import psnr


def main() -> None:
    opened = open_benchmark(Reference("blb-mini"))
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for info in opened.cases():
        case = opened.load(info)
        assert case.target is not None
        given, true = (np.clip(picture, 0.0, 1.0) for picture in (case.inputs.image, case.target))
        made, seen = (to_tensor(picture, torch.device("cpu")) for picture in (true, given))
        for name in ("mean", "shift", "adain"):
            picture = to_picture(CORRECTIONS[name](made, seen).clamp(0.0, 1.0))
            found[name, info.level].append(psnr(picture, true))
    for (name, level), values in found.items():
        print(f"{name:>6} {level}: mean {np.mean(values):5.1f} dB, worst {min(values):5.1f} dB")


if __name__ == "__main__":
    main()
