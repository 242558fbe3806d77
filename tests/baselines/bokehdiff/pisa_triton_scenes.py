"""Compares PISA in Triton with the reference, forward and gradients; prints the largest differences.

    python pisa_triton_scenes.py DEVICE

A script of its own: Triton decides at import whether kernels are interpreted.
"""

import json
import sys
from dataclasses import replace

import torch
from torch.nn import functional

from bokehbench.baselines.bokehdiff.pisa.launch import pisa_triton
from bokehbench.baselines.bokehdiff.pisa.reference import pisa_reference
from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings

# No whole tiles, several of them, channels beside a power of two; small, as the interpreter is slow.
TRAINING = PisaSettings(samples=2, jitters=2, dropout=0.2)
CASES = {
    "training": ((2, 2, 3, 6, 9), TRAINING, 30.0, torch.float32),
    "compat, inference": (
        (1, 1, 5, 5, 16),
        PisaSettings(samples=2, jitters=2, compat=True),
        1e7,
        torch.float32,
    ),
    "key softmax, half": ((1, 1, 3, 6, 8), replace(TRAINING, query_softmax=False), 30.0, torch.float16),
    "no mask": ((1, 1, 2, 8, 8), PisaSettings(coc=False, occlusion=False), 9.0, torch.float32),
}


def compare(
    device: str, shape: tuple[int, ...], settings: PisaSettings, hardness: float, kind: torch.dtype
) -> float:
    """Largest difference of the output or a gradient, of the largest value of each."""
    batch, heads, h, w, channels = shape
    draw = torch.Generator().manual_seed(1)
    parts = [torch.randn(batch, heads, h * w, channels, generator=draw).to(device, kind) for _ in range(4)]
    coarse = torch.rand(batch, 1, 2, 3, generator=draw)
    disparity = functional.interpolate(coarse, (16 * h, 16 * w), mode="bilinear").to(device)
    blur = 400.0 if settings.compat else 60.0  # compat takes the picture to be 512 px wide
    scene = Scene(disparity, (disparity - 0.4).abs() * blur)

    def found(form) -> list[torch.Tensor]:
        inputs = [part.clone().requires_grad_() for part in parts[:3]]
        out = form(*inputs, scene, (h, w), settings, hardness, torch.Generator().manual_seed(2))
        return [out.detach(), *torch.autograd.grad((out * parts[3]).sum(), inputs)]

    pairs = zip(found(pisa_triton), found(pisa_reference), strict=True)
    return max(
        float((a.float() - b.float()).abs().max() / b.float().abs().max().clamp(min=1e-2)) for a, b in pairs
    )


def main() -> None:
    print(json.dumps({name: compare(sys.argv[1], *case) for name, case in CASES.items()}))


if __name__ == "__main__":
    main()
