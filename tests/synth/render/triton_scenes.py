"""Renders small scenes with both tracers on the device of the first argument; prints their differences.

A script of its own: Triton decides at import whether kernels are interpreted.
"""

import json
import sys

import numpy as np
import torch

from bokehbench.layers import Layer, Plane
from bokehbench.optics import Aperture, Lens
from bokehbench.synth.render import render_bokeh
from bokehbench.synth.render.quality import Quality
from bokehbench.synth.render.torch_tracer import render_layers

SIZE = (36, 10)  # more than a tile across, no multiple of a program
LOW = (36, 5)  # with half as many programs, where there are no tiles: interpreted, each takes seconds
LAMPS = 20.0


def layers() -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(3)
    near = torch.rand(2, 4, 7, 11, generator=draw)
    near[:, :3] *= near[:, 3:]
    far = torch.rand(2, 4, 28, 58, generator=draw)
    far[:, :3] *= LAMPS
    far[:, 3] = 1.0
    return near, far


def compare(device: str, tilt: float, lens: Lens) -> tuple[float, float]:
    """Largest difference of the images, and of the gradients relative to the largest."""
    planes = torch.tensor([[tilt, -tilt, 0.8], [-tilt, 0.5 * tilt, 0.2]])
    images, slopes = [], []
    for backend in ("torch", "triton"):
        rgba = [part.to(device).requires_grad_() for part in layers()]
        K = torch.tensor([11.3, 6.0], device=device, requires_grad=True)
        focus = torch.tensor(0.437, device=device, requires_grad=True)
        image = render_layers(
            rgba,
            planes,
            [(4, 2), (-11, -9)],
            K,
            focus,
            LOW,
            lens=lens,
            cells_per_axis=3,
            quality=Quality(6.0, 0),
            backend=backend,
        )
        image.square().mean().backward()
        images.append(image.detach())
        slopes.append([part.grad for part in (*rgba, K, focus)])
    apart = [float((a - b).abs().max() / a.abs().max()) for a, b in zip(*slopes, strict=True)]
    return float((images[0] - images[1]).abs().max()), max(apart)


def compare_tiles(device: str) -> float:
    """The same through `render_bokeh`, whose tiles have lens samples of their own number."""
    near, far = (part[0].permute(1, 2, 0).contiguous().numpy() for part in layers())
    stack = [Layer(near, Plane(0.0, 0.0, 0.8), 24, 2), Layer(far, Plane(0.0, 0.0, 0.2), -11, -9)]
    lens = Lens(12.0, 0.2, focus_shift=(0.0, 0.0, 0.1))
    images = [
        render_bokeh(stack, lens, SIZE, quality=Quality(8.0, 0, 2), backend=f"{name}:{device}")
        for name in ("torch", "triton")
    ]
    return float(np.abs(images[0] - images[1]).max())


def main() -> None:
    device = sys.argv[1]
    rich = Lens(0.0, 0.0, aperture=Aperture(shape="heart", cat_eye=0.6), vignette="physical")
    found = {"tiles": compare_tiles(device)}
    for name, tilt, lens in (("flat", 0.0, Lens(0.0, 0.0)), ("tilted", 2e-3, rich)):
        found[name], found[name + " slopes"] = compare(device, tilt, lens)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
