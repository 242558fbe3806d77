"""Dr.Bokeh's class DrBokeh, called with arrays; the subject's matte is by the repository's own network."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from bench_adapter import Bench

FIXED: dict[str, Any] = {"Salient": "LDF", "offset": 0.0, "fg_erode": 5, "fg_iters": 2, "inpaint_kernel": 7}
FIXED.update(threshold=0.1, Occlusion=True)
"""What the repository's command line passes on."""


def lens_size(defocus: Any) -> int:
    """Odd side of the neighbourhood that holds every disc: radius |S| + 1, as the code has it."""
    return 2 * math.ceil(float(np.abs(defocus).max()) + 1.0) + 1


def main() -> None:
    """All cases."""
    bench = Bench(sys.argv)
    bench.enter("app/Render")
    from app.Render import Inference

    renderers: dict[int, Any] = {}
    for case in bench.cases:
        lens, image, disparity = case["lens"], bench.image(case), bench.disparity(case)
        size = lens_size(bench.defocus(case))
        if size not in renderers:
            renderers.clear()
            renderers[size] = Inference.DrBokeh(size)
        alpha = np.asarray(Inference.salient_segmentation(np.clip(image, 0.0, 1.0)), np.float32)
        alpha = alpha.reshape((*alpha.shape[:2], -1))[..., :1]
        if alpha.shape[:2] != disparity.shape:
            import cv2

            alpha = cv2.resize(alpha, disparity.shape[::-1])[..., None]
        asked = dict(FIXED, focal=lens["disp_focus"], lens_effect=lens["K"], gamma=lens["gamma"])
        answer = renderers[size].inference(image, disparity[..., None], alpha, asked)
        bench.save(case, np.asarray(answer["bokeh"]))


if __name__ == "__main__":
    main()
