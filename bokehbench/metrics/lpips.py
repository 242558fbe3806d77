"""Learned perceptual image patch similarity (Zhang et al., 2018).

The heads are those of the `lpips` package, the trunk is torchvision's official file; both are verified
before they are read. Inputs are u8/255 scaled to [-1, 1], at full resolution.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.metrics import weights
from bokehbench.metrics.tensors import to_tensor

TRUNKS = {
    "alex": "alexnet-owt-7be5be79.pth",
    "vgg": "vgg16-397923af.pth",
    "squeeze": "squeezenet1_1-b8a52dc0.pth",
}
ROWS = 128
"""Of a stage's features that are compared at once."""


def lpips(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    mask: npt.NDArray[np.bool_] | None = None,
    *,
    net: str = "alex",
) -> float:
    """Distance of unit-normalised features, weighted by the v0.1 heads, averaged over the image, summed.

    Args:
        prediction: [H, W, 3] uint8.
        target: the same.
        mask: [H, W], pixels that count; None for all.
        net: alex, vgg or squeeze.

    Returns:
        At least 0, which means equal.

    Raises:
        Unavailable: the trunk or the head is missing, or is not the published file.
    """
    import torch

    model = _model(net, weights.require(TRUNKS[net]), weights.require(f"lpips-v0.1-{net}.pth"))
    with torch.inference_mode():
        x, y = (to_tensor(picture, double=False) for picture in (prediction, target))
        return float(distance(model, x, y, None if mask is None else torch.from_numpy(mask)))


@functools.cache
def _model(net: str, trunk: Path, head: Path) -> Any:
    import torch

    return build(net, torch.load(trunk, map_location="cpu", weights_only=True), head)


def build(net: str, trunk: dict[str, Any], head: Path) -> Any:
    """The `lpips.LPIPS` network with this trunk; makes no use of the network or of random weights.

    Args:
        net: alex, vgg or squeeze.
        trunk: torchvision's state dict; only `features.*` is used.
        head: file with the v0.1 heads.
    """
    import torch
    from lpips import LPIPS

    # On "meta" parameters are neither drawn nor stored; each must come from the files, or loading raises.
    # Without pnet_rand the constructor would download.
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False)
    model.scaling_layer = type(model.scaling_layer)()
    # "slice2.3.weight" is torchvision's "features.3.weight".
    sources = {f"net.{name}": f"features.{name.partition('.')[2]}" for name in model.net.state_dict()}
    state = {name: trunk[source].clone() for name, source in sources.items()}
    heads = torch.load(head, map_location="cpu", weights_only=True)
    # The class has each head under two names.
    state |= heads | {name.replace("lin", "lins.", 1): values for name, values in heads.items()}
    model.load_state_dict(state | model.scaling_layer.state_dict(prefix="scaling_layer."), assign=True)
    return model.eval().requires_grad_(False)


def distance(model: Any, prediction: Any, target: Any, mask: Any = None) -> Any:
    """`model(2 prediction - 1, 2 target - 1)`, in the memory of one stage.

    Args:
        model: from `build`.
        prediction: [1, 3, H, W] float32 in [0, 1].
        target: the same.
        mask: [H, W] bool, pixels that count, by the share they have of each stage's; None for all.

    Returns:
        Scalar tensor, float64.
    """
    return sum(_mean(stage, mask) for stage in distance_maps(model, prediction, target))


def _mean(stage: Any, mask: Any) -> Any:
    """Of a map [1, 1, h, w], weighted by the mask [H, W] at its size."""
    from torch.nn.functional import interpolate

    stage = stage.double()
    if mask is None:
        return stage.mean()
    share = interpolate(mask[None, None].to(stage), stage.shape[2:], mode="area")
    return (share * stage).sum() / share.sum()


def distance_maps(model: Any, prediction: Any, target: Any) -> Iterator[Any]:
    """Yield what each stage adds, [1, 1, h, w]; one stage at a time, so that no stage but the last is kept.

    Arguments as of `distance`, which is the sum of the means of these maps.
    """
    x, y = model.scaling_layer(2 * prediction - 1), model.scaling_layer(2 * target - 1)
    for index, head in enumerate(model.lins, start=1):
        stage = getattr(model.net, f"slice{index}")
        x, y = stage(x), stage(y)
        yield _stage_map(head, x, y)


def _stage_map(head: Any, x: Any, y: Any) -> Any:
    """The weighted distance of unit features, some rows at a time: the features alone are large enough."""
    import torch
    from lpips import normalize_tensor

    rows = zip(x.split(ROWS, dim=2), y.split(ROWS, dim=2), strict=True)
    return torch.cat([head((normalize_tensor(a) - normalize_tensor(b)) ** 2) for a, b in rows], dim=2)
