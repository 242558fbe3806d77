"""BokehDiff's inference_hf.py: its main() runs, with the cases in the place of its data set.

Of the three focal planes that it renders, the two that it makes up are left out. Each picture is taken before
it becomes a JPEG.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from bench_adapter import Bench, padded, replaced, upwards

PROMPT = "an excellent photo with a large aperture"
MULTIPLE = 8
SMALL, WHOLE = 512, 2 * 512 * 512
"""Beyond WHOLE pixels it cuts tiles of SMALL, and fails where a side is shorter."""
K_UNIT = 10.0
"""Its command line says K; the condition is K |D - df| / 10, and with K = 10 what it is given."""


def wanted_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) that its network can take."""
    height, width = upwards(height, MULTIPLE), upwards(width, MULTIPLE)
    if height * width > WHOLE:
        height, width = max(height, SMALL), max(width, SMALL)
    return height, width


class Cases:
    """In the place of TestDataset: items are arrays, which its loader makes tensors of."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def __len__(self) -> int:
        return len(self.bench.cases)

    def __getitem__(self, number: int) -> dict[str, Any]:
        case = self.bench.cases[number]
        width, height = case["size"]
        size = wanted_size(height, width)
        image = padded(self.bench.image(case), *size)
        radius = np.abs(padded(self.bench.defocus(case), *size))
        return {
            "pixel_values": np.ascontiguousarray(
                image.transpose(2, 0, 1) * np.float32(2.0) - np.float32(1.0)
            ),
            "disparity": padded(self.bench.disparity(case), *size)[None],
            "defocus_strength": radius[None] / np.float32(K_UNIT),
            "texts": PROMPT,
            "filename": case["key"],
        }


def main() -> None:
    """All cases in one run."""
    bench = Bench(sys.argv)
    bench.enter()
    import inference_hf
    from PIL import Image

    lora = bench.weights["small/pytorch_lora_weights.safetensors"]
    base = bench.weights["models/RealVisXL_V5.0/unet/diffusion_pytorch_model.safetensors"]
    calls: list[None] = []

    def log_validation(pipeline: Any, seed: Any, *others: Any, **named: Any) -> Any:
        """Called for three focal planes of each case in turn; the second is the one that was asked for."""
        calls.append(None)
        case = bench.cases[(len(calls) - 1) // 3]
        if len(calls) % 3 != 2:
            return Image.new("RGB", (8, 8)), 0.0
        made = rendering(pipeline, case["seed"], *others, **named)
        width, height = case["size"]
        bench.save(case, np.asarray(made[0])[:height, :width])
        return made

    arguments = ["--test_data_dir=manifest", "--data_id=cases", f"--K={K_UNIT}", "--upsample=1"]
    arguments += ["--resume_from_checkpoint=" + os.path.dirname(lora)]
    arguments += ["--pretrained_model_name_or_path=" + os.path.dirname(os.path.dirname(base))]
    arguments += ["--output_dir=" + bench.folder("left")]
    sys.argv = ["inference_hf.py", *arguments, *bench.more]
    inference_hf.TestDataset = lambda *others, **named: Cases(bench)
    with replaced(inference_hf, "log_validation", log_validation) as rendering:
        inference_hf.main()


if __name__ == "__main__":
    main()
