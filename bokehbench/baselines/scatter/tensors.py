"""Scattering and signed defocus dilation of a batch of tensors, on the device on which they lie."""

from __future__ import annotations

import torch
from torch import Tensor

from bokehbench.baselines.footprints import refuse_radius
from bokehbench.baselines.scatter.kernel import dilate_defocus, scatter_batch
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.optics import Aperture


def scatter_tensor(
    light: Tensor,  # [B, 3, H, W]
    defocus: Tensor,  # [B, 1, H, W]
    aperture: Aperture | None = None,
    donut: float = 0.0,
) -> tuple[Tensor, Tensor]:  # [B, 3, H, W], [B, 1, H, W]
    """BokehMe's classical renderer: the Triton kernel on CUDA, the fast numba kernel elsewhere.

    The forms differ by less than 1e-3 (encoded); an image's result does not depend on its batch.

    Args:
        light: linear, any memory layout and float type (channels_last is read without a copy on the CPU).
        defocus: signed, pixels (docs/conventions.md).
        aperture: None for a disc.
        donut: 0 to 0.5, strength of BokehMe's soft donut.

    Returns:
        Blurred light, linear, and dilated defocus, whole pixels (`kernel.dilate_defocus`); float32, on the
        device of `light`.

    Raises:
        InputError: shapes or devices that do not go together.
        ConfigError: a gradient is asked for (`gather.scatter_gather` has them), or a radius is absurd.
        Unavailable: CUDA tensors where there is no Triton.
    """
    _check(light, defocus)
    light, defocus = light.detach(), defocus.detach()
    if light.device.type == "cuda":
        return _on_cuda(light, defocus, aperture, donut)
    pixels = light.float().cpu().permute(0, 2, 3, 1).numpy()
    maps = defocus.float().cpu()[:, 0].numpy()
    blurred = torch.from_numpy(scatter_batch(pixels, maps, aperture, donut)).permute(0, 3, 1, 2)
    return blurred.contiguous().to(light.device), _dilate(defocus)


def dilate_tensor(defocus: Tensor) -> Tensor:  # [B, 1, H, W] -> [B, 1, H, W]
    """Signed defocus dilation alone: the second result of `scatter_tensor`, without scattering on the CPU.

    Args:
        defocus: signed, pixels.

    Raises:
        InputError: another shape.
        ConfigError: a radius beyond `footprints.MAX_RADIUS`, or not finite.
        Unavailable: a CUDA tensor where there is no Triton.
    """
    if defocus.dim() != 4 or defocus.shape[1] != 1:
        raise InputError(f"dilate_tensor takes defocus [B, 1, H, W], not {list(defocus.shape)}")
    defocus = defocus.detach()
    refuse_radius(float(defocus.abs().max()) if defocus.numel() else 0.0)
    if defocus.device.type == "cuda":  # one pass makes both, and it is fast
        return _on_cuda(defocus.new_zeros(()).expand(len(defocus), 3, *defocus.shape[2:]), defocus)[1]
    return _dilate(defocus)


def _dilate(defocus: Tensor) -> Tensor:
    dilated = torch.empty(defocus.shape)
    for index, one in enumerate(defocus.float().cpu()[:, 0].numpy()):
        dilated[index, 0] = torch.from_numpy(dilate_defocus(one))
    return dilated.to(defocus.device)


def _on_cuda(
    light: Tensor, defocus: Tensor, aperture: Aperture | None = None, donut: float = 0.0
) -> tuple[Tensor, Tensor]:
    try:
        from bokehbench.baselines.scatter.triton_kernel import scatter_triton
    except ImportError as error:
        raise Unavailable(
            "scatter on CUDA needs Triton, which PyTorch brings on Linux; take device 'cpu'"
        ) from error
    return scatter_triton(light, defocus, aperture, donut)


def _check(light: Tensor, defocus: Tensor) -> None:
    batch, channels, *size = light.shape if light.dim() == 4 else (0, 0)
    if channels != 3 or tuple(defocus.shape) != (batch, 1, *size):
        raise InputError(
            "scatter_tensor takes light [B, 3, H, W] and defocus [B, 1, H, W], "
            f"not {list(light.shape)} and {list(defocus.shape)}"
        )
    if light.device != defocus.device:
        raise InputError(f"scatter_tensor: light is on {light.device}, defocus on {defocus.device}; move one")
    if torch.is_grad_enabled() and (light.requires_grad or defocus.requires_grad):
        raise ConfigError("scatter_tensor has no gradients: detach its inputs, or take gather.scatter_gather")
