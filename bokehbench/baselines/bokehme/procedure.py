"""BokehMe's procedure around its networks, one for training, validation and rendering (methods spec A1.7).

Scattering happens in linear light, the networks and the fusion see encoded pictures. Everything stays on the
device of the image: the fast numba kernel on the CPU, the Triton kernel on CUDA.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bokehbench.baselines.bokehme.error_map import analytic_error_map
from bokehbench.baselines.bokehme.networks import TILE
from bokehbench.baselines.bokehme.neural import NeuralRenderer, fuse
from bokehbench.baselines.scatter.tensors import dilate_tensor, scatter_tensor
from bokehbench.optics import Aperture


@dataclass(frozen=True)
class Rendering:
    """All that a rendering of BokehMe is made of; pictures are encoded and not clipped.

    Attributes:
        fused: [B, 3, H, W], eq. 9.
        neural, classical: [B, 3, H, W].
        error: [B, 1, H, W] in [0, 1], where the neural rendering is taken.
    """

    fused: Tensor
    neural: Tensor
    classical: Tensor
    error: Tensor


def classical_rendering(
    image: Tensor,  # [B, 3, H, W]
    defocus: Tensor,  # [B, 1, H, W]
    gamma: Tensor,  # [B]
    aperture: Aperture | None = None,
) -> tuple[Tensor, Tensor]:  # [B, 3, H, W], [B, 1, H, W]
    """Decode, scatter, encode.

    Args:
        image: encoded; what is below 0 counts as 0, what is above 1 is light.
        defocus: signed, pixels.
        gamma: exponent of each image's encoding.
        aperture: of all images; None for a disc.

    Returns:
        The classical rendering, encoded, >= 0; the dilated defocus map, whole pixels. Float32, no gradients.

    Raises:
        See `scatter.tensors.scatter_tensor`.
    """
    exponent = gamma.view(-1, 1, 1, 1)
    blurred, dilated = scatter_tensor(image.clamp(min=0.0) ** exponent, defocus, aperture)
    encoded: Tensor = blurred.clamp(min=0.0) ** (1.0 / exponent)
    return encoded, dilated


def neural_rendering(
    renderer: NeuralRenderer,
    image: Tensor,  # [B, 3, H, W]
    defocus: Tensor,  # [B, 1, H, W]
    gamma: Tensor,  # [B]
    tile: int = TILE,
) -> tuple[Tensor, Tensor]:  # [B, 3, H, W], [B, 1, H, W]
    """The neural rendering and ARNet's error map alone: nothing is scattered. Arguments as `render`."""
    neural, error = renderer(image, defocus, dilate_tensor(defocus), gamma, tile=tile)
    return neural, error


def render(
    renderer: NeuralRenderer,
    image: Tensor,  # [B, 3, H, W]
    defocus: Tensor,  # [B, 1, H, W]
    gamma: Tensor,  # [B]
    aperture: Aperture | None = None,
    *,
    analytic: bool = False,
    tile: int = TILE,
) -> Rendering:
    """The whole method.

    Args:
        renderer: the networks, on the device of `image`.
        image, defocus, gamma, aperture: see `classical_rendering`; gamma from 1 to 5.
        analytic: fuse by the error map that follows from the disparity alone, not by ARNet's.
        tile: see `networks.tiled`.

    Raises:
        See `scatter.tensors.scatter_tensor`.
    """
    classical, dilated = classical_rendering(image, defocus, gamma, aperture)
    neural, error = renderer(image, defocus, dilated, gamma, tile=tile)
    if analytic:
        maps = [torch.from_numpy(analytic_error_map(one.numpy())) for one in defocus[:, 0].cpu()]
        error = torch.stack(maps)[:, None].to(image.device)
    return Rendering(fuse(classical, neural, error), neural, classical, error)
