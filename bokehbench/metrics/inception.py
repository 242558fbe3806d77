"""Features of Inception v3 as FID takes them: the network of 2015, whose pooling torchvision has changed.

The layers and their names are torchvision's, the weights the published port of the original ones. Two things
differ from torchvision's forward pass: average pooling does not count the padding, and the last block pools
by maximum (Szegedy et al. 2016, as trained in 2015).
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench import images
from bokehbench.metrics import weights
from bokehbench.metrics.set_specs import INCEPTION

FEATURES = 2048


def features(picture: Path, size: int) -> npt.NDArray[np.float64]:
    """[2048] of one picture; a picture is looked at once a process.

    Args:
        picture: 8-bit file.
        size: it is resized to, both sides (Pillow's bicubic on floats: nothing aliases, nothing is rounded).

    Raises:
        Unavailable: the weights are missing, or are not the published file.
    """
    facts = picture.stat()
    return _features(picture, facts.st_size, facts.st_mtime_ns, size, weights.require(INCEPTION))


@functools.lru_cache(maxsize=20000)
def _features(picture: Path, length: int, mtime_ns: int, size: int, file: Path) -> npt.NDArray[np.float64]:
    import torch

    image = resized(images.quantise(images.read_image(picture)), size)
    with torch.inference_mode():
        planes = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
        return np.asarray(forward(_network(file), planes)[0].double().numpy())


def resized(image: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.float32]:
    """[size, size, 3] in [-1, 1], a little beyond where the filter overshoots, of [H, W, 3] uint8."""
    from PIL import Image

    planes = (
        Image.fromarray(image[..., c].astype(np.float32)).resize((size, size), Image.Resampling.BICUBIC)
        for c in range(3)
    )
    return np.stack([np.asarray(plane, np.float32) for plane in planes], axis=-1) / 127.5 - 1.0


@functools.cache
def _network(file: Path) -> Any:
    import torch

    return build(torch.load(file, map_location="cpu", weights_only=True))


def build(state: dict[str, Any]) -> Any:
    """The network with these weights: every tensor comes from them, or loading raises."""
    import torch
    from torchvision.models.inception import Inception3

    with torch.device("meta"):
        network = Inception3(1008, aux_logits=False, transform_input=False, init_weights=False)
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


def forward(network: Any, x: Any) -> Any:
    """[B, 2048] of [B, 3, 299, 299] in [-1, 1]."""
    import torch.nn.functional as functional

    def halve(x: Any) -> Any:
        return functional.max_pool2d(x, 3, stride=2)

    x = network.Conv2d_2b_3x3(network.Conv2d_2a_3x3(network.Conv2d_1a_3x3(x)))
    x = halve(network.Conv2d_4a_3x3(network.Conv2d_3b_1x1(halve(x))))
    for block in (network.Mixed_5b, network.Mixed_5c, network.Mixed_5d):
        x = _block_a(block, x)
    x = network.Mixed_6a(x)
    for block in (network.Mixed_6b, network.Mixed_6c, network.Mixed_6d, network.Mixed_6e):
        x = _block_c(block, x)
    x = _block_e(network.Mixed_7b, network.Mixed_7a(x), _mean_3x3)
    x = _block_e(network.Mixed_7c, x, lambda x: functional.max_pool2d(x, 3, stride=1, padding=1))
    return x.mean(dim=(2, 3))


def _mean_3x3(x: Any) -> Any:
    import torch.nn.functional as functional

    return functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def _chain(x: Any, *layers: Any) -> Any:
    for layer in layers:
        x = layer(x)
    return x


def _block_a(block: Any, x: Any) -> Any:
    import torch

    return torch.cat(
        [
            block.branch1x1(x),
            _chain(x, block.branch5x5_1, block.branch5x5_2),
            _chain(x, block.branch3x3dbl_1, block.branch3x3dbl_2, block.branch3x3dbl_3),
            _chain(x, _mean_3x3, block.branch_pool),
        ],
        dim=1,
    )


def _block_c(block: Any, x: Any) -> Any:
    import torch

    double = (block.branch7x7dbl_1, block.branch7x7dbl_2, block.branch7x7dbl_3, block.branch7x7dbl_4)
    return torch.cat(
        [
            block.branch1x1(x),
            _chain(x, block.branch7x7_1, block.branch7x7_2, block.branch7x7_3),
            _chain(x, *double, block.branch7x7dbl_5),
            _chain(x, _mean_3x3, block.branch_pool),
        ],
        dim=1,
    )


def _block_e(block: Any, x: Any, pool: Any) -> Any:
    import torch

    single = block.branch3x3_1(x)
    double = _chain(x, block.branch3x3dbl_1, block.branch3x3dbl_2)
    return torch.cat(
        [
            block.branch1x1(x),
            block.branch3x3_2a(single),
            block.branch3x3_2b(single),
            block.branch3x3dbl_3a(double),
            block.branch3x3dbl_3b(double),
            _chain(x, pool, block.branch_pool),
        ],
        dim=1,
    )
