"""Apply plans to tensors on any device: training degrades what it has just rendered.

The same plan gives the same picture as `pipeline` up to the rounding of sums: noise comes from the same CPU
streams and JPEG from the same codec, unless the caller trades that for speed. A value that lies between two
code values may then round to the other one, and a JPEG block change with it (tests bound how often).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bokehbench.errors import InputError
from bokehbench.synth.degrade import kernels, noise, resample, shot
from bokehbench.synth.degrade.diffjpeg import diff_jpeg
from bokehbench.synth.degrade.pipeline import LUMA, check, code_bytes
from bokehbench.synth.degrade.plan import Blur, DegradePlan, Jpeg, Noise, Resize, Step
from bokehbench.synth.degrade.preset import Sharpen

Source = Literal["exact", "device"]


@dataclass(frozen=True)
class Speed:
    """What may be given up for speed; the default gives up nothing.

    Attributes:
        noise: "exact" makes fields on the CPU from the plan's streams; "device" makes them where the picture
            is, seeded by the plan but other numbers on other hardware.
        jpeg: "exact" goes through libjpeg on the CPU; "device" stays on the device (nvJPEG), whose values
            differ by a few code values.
    """

    noise: Source = "exact"
    jpeg: Source = "exact"


EXACT = Speed()


@dataclass(frozen=True, eq=False)
class DegradedBatch:
    """One tensor [3, h, w] a picture: see `pipeline.Degraded`."""

    lq: list[Tensor]
    small: list[Tensor]
    hq: list[Tensor]


def apply_batch(
    plans: Sequence[DegradePlan], images: Tensor | Sequence[Tensor], speed: Speed = EXACT
) -> Tensor:
    """The low-quality pictures [B, 3, h, w] of a batch whose plans have one size; see `degrade_batch`."""
    lq = degrade_batch(plans, images, speed).lq
    if len({picture.shape for picture in lq}) != 1:
        raise InputError("pictures of several sizes cannot be one tensor; use degrade_batch")
    return torch.stack(lq)


@torch.no_grad()
def degrade_batch(
    plans: Sequence[DegradePlan], images: Tensor | Sequence[Tensor], speed: Speed = EXACT
) -> DegradedBatch:
    """Degrade pictures as their plans say, on the device they are on; not differentiable.

    Args:
        plans: one a picture.
        images: [B, 3, H, W], or tensors [3, H, W]; float32 encoded in [0, 1] (clipped), of the plans' outer
            sizes.
        speed: what may be given up.

    Raises:
        InputError: counts or shapes that do not agree.
    """
    if len(plans) != len(images):
        raise InputError(f"{len(plans)} plans for {len(images)} pictures")
    clean = []
    for plan, image in zip(plans, images, strict=True):
        check(plan, (*image.shape[1:], image.shape[0]))
        image = image.float().clamp(0.0, 1.0)
        clean.append(image if plan.sharpen is None else _sharpen(image, plan.sharpen))
    now, first = _first_blurs(plans, clean)
    made = DegradedBatch([], [], [])
    for plan, picture, start, hq in zip(plans, now, first, clean, strict=True):
        for step in plan.steps[start:]:
            picture = _apply_step(step, picture, plan.noise_seed, speed)
        small = _eight_bit(picture)
        lq = small
        if plan.enlarge is not None:
            whole = _resize(small, Resize(size=plan.outer_size, mode=plan.enlarge))
            lq = _eight_bit(_without_margin(whole, plan.margin))
        small = _without_margin(small, plan.margin // plan.scale)
        made.lq.append(small if plan.enlarge is None else lq)
        made.small.append(small)
        made.hq.append(_without_margin(hq, plan.margin))
    return made


def _first_blurs(plans: Sequence[DegradePlan], images: list[Tensor]) -> tuple[list[Tensor], list[int]]:
    """First steps that are blurs, as one grouped convolution where sizes agree; (pictures, steps done)."""
    firsts = [plan.steps[0] if plan.steps else None for plan in plans]
    blurred = list(images)
    groups: dict[torch.Size, list[int]] = {}
    for index, (first, image) in enumerate(zip(firsts, images, strict=True)):
        if isinstance(first, Blur):
            groups.setdefault(image.shape, []).append(index)
    for members in groups.values():
        weights = [first.kernel() for i in members if isinstance(first := firsts[i], Blur)]
        side = max(weight.shape[0] for weight in weights)
        padded = np.stack([np.pad(weight, (side - weight.shape[0]) // 2) for weight in weights])
        stacked = torch.stack([images[i] for i in members], dim=1)  # [3, B, H, W]: one group a picture
        result = _convolve(stacked, torch.from_numpy(padded)[:, None])
        for place, i in enumerate(members):
            blurred[i] = result[:, place]
    return blurred, [int(isinstance(first, Blur)) for first in firsts]


def _convolve(images: Tensor, weights: Tensor) -> Tensor:
    """[N, G, H, W] with kernels [G, 1, k, l], one a group; borders mirrored without repeating the rim."""
    weights = weights.to(images)
    padded = _mirrored(images, weights.shape[2] // 2, weights.shape[3] // 2)
    # Kernels are symmetric about their centre: correlation is convolution.
    return functional.conv2d(padded, weights, groups=weights.shape[0])


def _mirrored(images: Tensor, rows: int, columns: int) -> Tensor:
    """Pad [N, G, H, W]; unlike torch's own, however small the picture is."""
    for dim, margin in ((2, rows), (3, columns)):
        size = images.shape[dim]
        if margin == 0:
            continue
        period = max(2 * (size - 1), 1)
        place = np.abs(np.arange(-margin, size + margin)) % period
        place = np.minimum(place, period - place) if size > 1 else np.zeros_like(place)
        images = images.index_select(dim, torch.from_numpy(place).to(images.device))
    return images


def _apply_step(step: Step, image: Tensor, noise_seed: int, speed: Speed) -> Tensor:
    if isinstance(step, Blur):
        kernel = torch.from_numpy(kernels.cropped(step.kernel()))[None, None]
        return _convolve(image[:, None], kernel)[:, 0]
    if isinstance(step, Resize):
        return _resize(image, step)
    if isinstance(step, Noise):
        return _add_noise(image, step, noise_seed, speed)
    return _jpeg(image, step, speed)


def _sharpen(image: Tensor, settings: Sharpen) -> Tensor:
    sigma = 0.3 * (0.5 * (settings.size - 1) - 1.0) + 0.8
    line = torch.from_numpy(kernels.gaussian(settings.size, (sigma, sigma)).sum(axis=0))

    def soft(picture: Tensor) -> Tensor:
        across = _convolve(picture[:, None], line[None, None, None])
        return _convolve(across, line[None, None, :, None])[:, 0]

    residual = image - soft(image)
    mask = soft((residual.abs() * 255.0 > settings.threshold).float())
    sharp = (image + settings.weight * residual).clamp(0.0, 1.0)
    return image + mask * (sharp - image)


def _resize(image: Tensor, step: Resize) -> Tensor:
    (height, width), (out_w, out_h) = image.shape[1:], step.size
    if step.drift is None and step.mode in ("bilinear", "bicubic"):
        return functional.interpolate(image[None], size=(out_h, out_w), mode=step.mode)[0]
    rows = torch.tensor(resample.weights(height, out_h, step.mode, step.drift), device=image.device)
    columns = torch.tensor(resample.weights(width, out_w, step.mode, step.drift), device=image.device)
    return rows @ image @ columns.T


def _add_noise(image: Tensor, step: Noise, noise_seed: int, speed: Speed) -> Tensor:
    """Noise [1|3, H, W] added and clipped."""
    if step.kind == "gaussian":
        field = _gaussian_field(image, step, noise_seed, speed)
    else:
        field = _shot_noise(image, step, noise_seed, speed)
    return (image + step.strength * field).clamp(0.0, 1.0)


def _generator(image: Tensor, step: Noise, noise_seed: int) -> torch.Generator:
    return torch.Generator(image.device).manual_seed(noise_seed * 8 + step.field)


def _gaussian_field(image: Tensor, step: Noise, noise_seed: int, speed: Speed) -> Tensor:
    _, height, width = image.shape
    if speed.noise == "device":
        shape = (1 if step.grey else 3, height, width)
        return torch.randn(shape, generator=_generator(image, step, noise_seed), device=image.device)
    return _planes(noise.gaussian_field(noise_seed, step, height, width)).to(image.device)


def _shot_noise(image: Tensor, step: Noise, noise_seed: int, speed: Speed) -> Tensor:
    """See `pipeline`: counts by binary search in all distribution functions laid end to end."""
    source = (image * image.new_tensor(LUMA)[:, None, None]).sum(0, keepdim=True) if step.grey else image
    values = (source * 255.0).round().clamp(0, 255).long()
    different = int((torch.bincount(values.flatten(), minlength=256) > 0).sum())
    photons = 1 << max(0, different - 1).bit_length()
    upper = torch.from_numpy(shot.table(photons).upper.astype(np.int64)).to(image.device)
    if speed.noise == "device":
        generator = _generator(image, step, noise_seed)
        uniform = torch.randint(0, 2**32 - 1, values.shape, generator=generator, device=image.device)
    else:
        words = noise.uniform_field(noise_seed, step, *image.shape[1:]).astype(np.int64)
        uniform = _planes(words).to(image.device)
    line = (upper + (torch.arange(256, device=image.device) << 32)[:, None]).flatten()
    counts = torch.searchsorted(line, (values << 32) + uniform, right=True) - values * upper.shape[1]
    return counts.float() / photons - values.float() / 255.0


def _planes(field: np.ndarray) -> Tensor:
    """[H, W, C] to [C, H, W]."""
    return torch.from_numpy(np.ascontiguousarray(field.transpose(2, 0, 1)))


def _jpeg(image: Tensor, step: Jpeg, speed: Speed) -> Tensor:
    if step.codec == "diff":
        coded = diff_jpeg(image.permute(1, 2, 0).cpu().numpy(), step.quality)
        return _planes(coded).to(image.device)
    pixels = (image.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)
    if speed.jpeg == "device" and image.is_cuda:
        from torchvision.io import decode_jpeg, encode_jpeg

        data = encode_jpeg(pixels, quality=int(step.quality))
        return decode_jpeg(data.cpu(), device=image.device).float() / 255.0
    back = code_bytes(pixels.permute(1, 2, 0).contiguous().cpu().numpy(), int(step.quality))
    return _planes(back).to(image.device).float() / 255.0


def _eight_bit(image: Tensor) -> Tensor:
    return (image.clamp(0.0, 1.0) * 255.0 + 0.5).floor() / 255.0


def _without_margin(image: Tensor, margin: int) -> Tensor:
    return image[:, margin:-margin, margin:-margin].contiguous() if margin else image
