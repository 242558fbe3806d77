"""Renders small scenes with the Triton kernel and the reference; prints their differences.

    python scatter_triton_scenes.py DEVICE

A script of its own: Triton decides at import whether kernels are interpreted.
"""

import json
import sys

import numpy as np
import torch

from bokehbench.baselines.scatter.reference import dilate_reference, scatter_reference
from bokehbench.baselines.scatter.triton_kernel import scatter_triton
from bokehbench.optics import Aperture, encode

# Several tiles across or down, no whole ones; small, as a source takes the interpreter milliseconds.
CASES = {
    "disc": ((17, 3), Aperture(), 0.0),
    "ring": ((3, 19), Aperture(inner=0.4, rotation=1.0), 0.0),
    "pentagon donut": ((18, 3), Aperture(blades=5, rotation=0.3, curvature=0.3), 0.4),
    "heart": ((2, 20), Aperture(shape="heart", rotation=0.2, inner=0.2), 0.0),
}
LAMP = 60.0


def scene(size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch of two: blur from near to far over the image, and a sharp half beside a blurred one."""
    draw = torch.Generator().manual_seed(3)
    light = torch.rand(2, 3, *size, generator=draw) ** 4
    light[:, :, size[0] // 2, 1] = LAMP
    defocus = torch.empty(2, 1, *size)
    defocus[0] = torch.linspace(-5.2, 4.1, size[1]) + torch.rand(size, generator=draw)
    defocus[1] = torch.where(torch.arange(size[1]) < size[1] - 3, 0.3, -4.4)
    defocus[1, 0, 0, 0] = 5.0**0.5  # a circle through pixel centres
    return light, defocus


def compare(device: str, size: tuple[int, int], aperture: Aperture, donut: float) -> tuple[float, float]:
    """Largest difference of the displayed images, and of the dilated maps in pixels."""
    light, defocus = scene(size)
    strided = light.to(memory_format=torch.channels_last)
    found = [
        part.cpu().numpy() for part in scatter_triton(strided.to(device), defocus.to(device), aperture, donut)
    ]
    blurred, dilated = 0.0, 0.0
    for index in range(2):
        expected = scatter_reference(light[index].permute(1, 2, 0), defocus[index, 0], aperture, donut)
        shown = [
            np.clip(encode(image, 2.2), 0, 1) for image in (found[0][index].transpose(1, 2, 0), expected)
        ]
        blurred = max(blurred, float(np.abs(shown[0] - shown[1]).max()))
        spread = dilate_reference(defocus[index, 0].numpy())
        dilated = max(dilated, float(np.abs(found[1][index, 0] - spread).max()))
    return blurred, dilated


def main() -> None:
    print(json.dumps({name: compare(sys.argv[1], *case) for name, case in CASES.items()}))


if __name__ == "__main__":
    main()
