"""MPIB's procedure around its networks, one for training, validation and rendering (methods spec C3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from bokehbench.baselines.mpib.background import background
from bokehbench.baselines.mpib.blur import blurred
from bokehbench.baselines.mpib.networks import ALIGN, MPIBNet, resized

REACH = 30.0
"""MPINet sees a picture so small that K is at most this."""
LARGEST = 512
"""Pixels of the shorter side that MPINet sees at most."""
LEAST = 1e-6


def render(
    network: MPIBNet,
    image: Tensor,  # [1, 3, H, W]
    disparity: Tensor,  # [1, 1, H, W]
    K: float,
    disp_focus: float,
    gamma: float,
) -> Tensor:  # [1, 3, H, W]
    """The whole method.

    Args:
        network: MPINet and AUPNet.
        image: encoded, >= 0; where it exceeds 1 the networks see white.
        disparity: in [0, 1], near large.
        K: pixels of radius per unit of disparity.
        disp_focus: of the focal plane.
        gamma: exponent of the encoding.
    """
    size, seen = image.shape[-2:], image.clamp(0.0, 1.0)
    small = mpinet_size((size[0], size[1]), K)
    share, alpha = network.mpinet(resized(seen, small), resized(disparity, small))
    share = resized(functional.max_pool2d(share, 5, 1, 2), size)
    for step in upsampled_sizes((size[0], size[1]), small):
        half = (step[0] // 2, step[1] // 2)
        alpha = network.aupnet(resized(seen, step), resized(disparity, step), resized(alpha, half))
    alpha = resized(alpha, size)
    return composite(image, background(image, disparity, K), share, alpha, K, disp_focus, gamma)


def mpinet_size(size: tuple[int, int], K: float) -> tuple[int, int]:
    """(height, width) that MPINet sees: the shorter side at most 512 pixels, and such that K is at most 30.

    The authors enlarge small pictures to it; ours does not.
    """
    short = min(size)
    wanted = min(short, LARGEST, int(REACH * short / K) if K > 0.0 else LARGEST)
    height, width = (max(ALIGN, round(side * wanted / short / ALIGN) * ALIGN) for side in size)
    return height, width


def upsampled_sizes(size: tuple[int, int], small: tuple[int, int]) -> list[tuple[int, int]]:
    """(height, width) of AUPNet's passes: doubled as long as it stays within the picture, then its size."""
    times = int(math.log2(max(1.0, size[0] / small[0])))
    doubled = [(small[0] * 2**n, small[1] * 2**n) for n in range(1, times + 1)]
    return [*doubled, (max(2, size[0] - size[0] % 2), max(2, size[1] - size[1] % 2))]


def composite(
    image: Tensor,  # [1, 3, H, W]
    behind: Tensor,  # [1, 3, H, W]
    share: Tensor,  # [1, N, H, W]
    alpha: Tensor,  # [1, N, H, W]
    K: float,
    disp_focus: float,
    gamma: float,
) -> Tensor:  # [1, 3, H, W]
    """Planes blurred apart and composited from the farthest on, divided by their weight.

    With D_r the disc of plane i, r = K max(0, |d_i - d_focus| - 1/2N), and its light J:

        C <- C (1 - D_r(alpha)) + D_r(alpha J),      W <- W (1 - D_r(alpha)) + D_r(alpha)

    The authors round r to whole pixels; ours does not.

    Args:
        image: encoded. behind: what is hidden, `background`.
        share: of `behind` in each plane's colour.
        alpha: of each plane.
        K, disp_focus, gamma: see `render`.
    """
    near, far = (picture[0].clamp(min=0.0) for picture in (image, behind))
    made = torch.zeros_like(torch.cat([near, near[:1]]))
    planes = alpha.shape[1]
    for n in range(planes):
        centre = (n + 0.5) / planes
        colour = share[0, n] * far + (1.0 - share[0, n]) * near
        cover = alpha[0, n : n + 1]
        radius = K * max(0.0, abs(centre - disp_focus) - 0.5 / planes)
        plane = blurred(torch.cat([colour.clamp(min=LEAST) ** gamma * cover, cover]), radius)
        made = made * (1.0 - plane[3:]) + plane
    light = made[:3] / made[3:].clamp(min=LEAST)
    return (light.clamp(min=LEAST) ** (1.0 / gamma))[None]
