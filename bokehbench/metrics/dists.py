"""Deep image structure and texture similarity (Ding et al., 2020).

A module of our own: the constructors of the libraries that have it download their weights. The trunk is
torchvision's official VGG-16 with L2 pooling in place of max pooling; alpha and beta are the authors'.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy.typing as npt

from bokehbench.metrics import weights
from bokehbench.metrics.tensors import to_tensor

TRUNK = "vgg16-397923af.pth"
WEIGHTING = "dists_alpha_beta.safetensors"
CONVOLUTIONS = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
"""Indices in torchvision's `features`, by stage; an L2 pooling stands between the stages."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
C1 = C2 = 1e-6


def dists(prediction: npt.NDArray[Any], target: npt.NDArray[Any], *, size: int = 256) -> float:
    """1 − Σ (α l + β s) over the image itself and five stages of features (paper, equation 8).

    Args:
        prediction: [H, W, 3] uint8.
        target: the same.
        size: an image whose shorter side is larger is resized to it (bilinear, antialiased), as the authors
            do; 0 leaves every image as it is.

    Returns:
        In about [0, 1], 0 means equal.

    Raises:
        Unavailable: the trunk or alpha and beta are missing, or are not the published files.
    """
    import torch

    model = _model(weights.require(TRUNK), weights.require(WEIGHTING))
    with torch.inference_mode():
        pair = [_resized(to_tensor(image, double=False), size) for image in (prediction, target)]
        return float(distance(model, *pair))


def dists_piq(prediction: npt.NDArray[Any], target: npt.NDArray[Any], *, size: int = 256) -> float:
    """DISTS as piq computes it: a shorter side above `size` is resized without antialiasing.

    Arguments, range and errors as of `dists`. Sharp pictures alias, so the number is another one.
    """
    import torch
    from torch.nn.functional import interpolate

    model = _model(weights.require(TRUNK), weights.require(WEIGHTING))
    with torch.inference_mode():
        pair = [to_tensor(image, double=False) for image in (prediction, target)]
        shorter = min(target.shape[:2])
        if shorter > size:
            factor = size / shorter
            pair = [
                interpolate(image, scale_factor=factor, recompute_scale_factor=False, mode="bilinear")
                for image in pair
            ]
        return float(distance(model, *pair))


@functools.cache
def _model(trunk: Path, weighting: Path) -> dict[str, Any]:
    import torch
    from safetensors.torch import load_file

    return build(torch.load(trunk, map_location="cpu", weights_only=True), load_file(weighting))


def build(trunk: dict[str, Any], weighting: dict[str, Any]) -> dict[str, Any]:
    """What `distance` needs.

    Args:
        trunk: torchvision's state dict; only `features.*` is used.
        weighting: alpha and beta, [1475] float32 each: 3 + 64 + 128 + 256 + 512 + 512 channels.

    Returns:
        `stages`: per stage the (weight, bias) of its convolutions; `alpha`, `beta`: as given, divided by
        the total of both.
    """
    total = weighting["alpha"].sum() + weighting["beta"].sum()
    stages = [
        [
            (trunk[f"features.{index}.weight"].clone(), trunk[f"features.{index}.bias"].clone())
            for index in stage
        ]
        for stage in CONVOLUTIONS
    ]
    return {"stages": stages, "alpha": weighting["alpha"] / total, "beta": weighting["beta"] / total}


def distance(model: dict[str, Any], prediction: Any, target: Any) -> Any:
    """The distance at the size given.

    Args:
        model: from `build`.
        prediction: [1, 3, H, W] float32 in [0, 1].
        target: the same.

    Returns:
        Scalar tensor, float64.
    """
    similarity, channel = 0.0, 0
    pairs = zip(_features(model["stages"], prediction), _features(model["stages"], target), strict=True)
    for x, y in pairs:
        part = slice(channel, channel + x.shape[1])
        luminance, structure = _similarities(x.double().flatten(2)[0], y.double().flatten(2)[0])
        similarity = similarity + (model["alpha"][part] * luminance + model["beta"][part] * structure).sum()
        channel = part.stop
    return 1.0 - similarity


def _similarities(x: Any, y: Any) -> tuple[Any, Any]:
    """Per channel, l of the means and s of the covariance (paper, equations 6 and 7); x, y: [C, pixels]."""
    mean_x, mean_y = x.mean(1), y.mean(1)
    x, y = x - mean_x[:, None], y - mean_y[:, None]
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    structure = (2 * (x * y).mean(1) + C2) / ((x * x).mean(1) + (y * y).mean(1) + C2)
    return luminance, structure


def _features(stages: list[Any], image: Any) -> Any:
    """Yield the image itself, then the output of each stage, [1, C, h, w]."""
    import torch
    from torch.nn.functional import conv2d, relu

    yield image
    mean, std = (torch.tensor(values)[None, :, None, None] for values in (MEAN, STD))
    x = (image - mean) / std
    for index, stage in enumerate(stages):
        if index > 0:
            x = _l2_pool(x)
        for weight, bias in stage:
            x = relu(conv2d(x, weight, bias, padding=1))
        yield x


def _l2_pool(x: Any) -> Any:
    """Root of the Hann-weighted mean square over 3 × 3, stride 2: no aliasing. x: [1, C, h, w]."""
    import torch
    from torch.nn.functional import conv2d

    hann = torch.tensor([0.25, 0.5, 0.25])
    window = torch.outer(hann, hann).expand(x.shape[1], 1, 3, 3)
    return torch.sqrt(conv2d(x * x, window, stride=2, padding=1, groups=x.shape[1]) + 1e-12)


def _resized(image: Any, size: int) -> Any:
    """[1, 3, H, W] with the shorter side at most `size`."""
    from torch.nn.functional import interpolate

    shape = image.shape[2:]
    if not size or min(shape) <= size:
        return image
    target = tuple(int(size * side / min(shape)) for side in shape)
    return interpolate(image, target, mode="bilinear", antialias=True, align_corners=False)
