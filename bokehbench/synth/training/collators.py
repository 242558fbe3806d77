"""From a batch to what a method is trained on: its own units, ranges and names.

Each collator is called with a batch of `items` (stored or rendered, on any device) and returns tensors.
Images are encoded; K and disp_focus of the batch are those of the images after crops and flips.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bokehbench.errors import ConfigError
from bokehbench.synth.training.items import Batch
from bokehbench.synth.truth.boundary import RATIO, SHARPNESS


def signed_defocus(disparity: Tensor, K: Tensor, disp_focus: Tensor) -> Tensor:
    """S = K (disparity - disp_focus), pixels: [B, 1, H, W] from [B, 1, H, W] and numbers [B]."""
    return K.view(-1, 1, 1, 1) * (disparity - disp_focus.view(-1, 1, 1, 1))


def error_map(disparity: Tensor, distance: Tensor, other: Tensor, K: Tensor, disp_focus: Tensor) -> Tensor:
    """`truth.error_map` in torch, batched and on any device.

    Args:
        disparity: [B, 1, H, W].
        distance, other: [B, L, H, W], keys bdist and bdisp of a batch.
        K, disp_focus: [B].

    Returns:
        [B, 1, H, W] in [0, 1].
    """
    own = signed_defocus(disparity, K, disp_focus).abs()
    theirs = signed_defocus(other, K, disp_focus).abs()
    wide = torch.maximum(own, theirs)
    safe = torch.where(wide > 0.0, wide, 1.0)
    near = 1.0 - (distance / safe).clamp(max=1.0) ** SHARPNESS
    unlike = 0.5 + 0.5 * torch.tanh(10.0 * (RATIO - torch.minimum(own, theirs) / safe))
    return torch.where(wide > 0.0, near * unlike, 0.0).amax(dim=1, keepdim=True)


def _get(batch: Batch, key: str, method: str) -> Tensor:
    if key not in batch:
        raise ConfigError(f"{method} is trained on {key!r}: make the data with keys=(..., {key!r})")
    value: Tensor = batch[key]
    return value


def _seen_disparity(batch: Batch, method: str) -> Tensor:
    """What the method is shown: the corrupted map where the batch has one."""
    return _get(batch, "disp_pred" if "disp_pred" in batch else "disp", method)


@dataclass(frozen=True)
class BokehMeCollate:
    """BokehMe (Peng et al., CVPR 2022): needs aif, bokeh, disp and error_map (or boundary); takes disp_pred.

    Attributes:
        radius: acceptable defocus, pixels; signed defocus is clipped to [-radius, radius] (12 in training).
        unit: pixels that the network counts as 1, in training as in rendering, whose unit is 10: in training
            the networks see up to 1.2.
        gammas: largest gamma of the normalised map (gamma - 1) / (gammas - 1).

    Returns, each [B, ., H, W]: image and target (3), defocus (1, in units), gamma (1, in [0, 1]), error (1).
    """

    radius: float = 12.0
    unit: float = 10.0
    gammas: float = 5.0

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """What ARNet and IUNet are trained on."""
        name = "BokehMe"
        image, seen = _get(batch, "aif", name), _seen_disparity(batch, name)
        defocus = signed_defocus(seen, batch["K"], batch["disp_focus"]).clamp(-self.radius, self.radius)
        gamma = (batch["gamma"].view(-1, 1, 1, 1) - 1.0) / (self.gammas - 1.0)
        return {
            "image": image,
            "target": _get(batch, "bokeh", name),
            "defocus": defocus / self.unit,
            "gamma": gamma.expand_as(seen),
            "error": self._error(batch),
        }

    def _error(self, batch: Batch) -> Tensor:
        """E* is a fact of the scene: it comes from the true disparity, whatever the network is shown."""
        if "error_map" in batch or "bdist" not in batch:
            return _get(batch, "error_map", "BokehMe")
        disparity = _get(batch, "disp", "BokehMe")
        return error_map(disparity, batch["bdist"], batch["bdisp"], batch["K"], batch["disp_focus"])


@dataclass(frozen=True)
class BokehDiffCollate:
    """BokehDiff (Zhu et al., ICCV 2025): needs aif, bokeh and disp (or disp_pred).

    Attributes:
        unit: pixels of blur radius that its second map counts as 1.

    Returns: image and target [B, 3, H, W] in [-1, 1]; disparity [B, 1, H, W], near 1; distance [B, 1, H, W],
    |d - disp_focus|; K [B], over unit; disp_coc [B, 2, H, W], disparity and radius over unit.
    """

    unit: float = 10.0

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """What the one-step network is trained on."""
        name = "BokehDiff"
        seen = _seen_disparity(batch, name)
        distance = (seen - batch["disp_focus"].view(-1, 1, 1, 1)).abs()
        K = batch["K"] / self.unit
        return {
            "image": 2.0 * _get(batch, "aif", name) - 1.0,
            "target": 2.0 * _get(batch, "bokeh", name) - 1.0,
            "disparity": seen,
            "distance": distance,
            "K": K,
            "disp_coc": torch.cat([seen, K.view(-1, 1, 1, 1) * distance], dim=1),
        }


@dataclass(frozen=True)
class MagicBokehCollate:
    """MagicBokeh (Shi et al., CVPR 2026): needs lq, disp (or disp_pred), and bokeh or aif by phase.

    Attributes:
        phase: "bokeh" learns lq -> bokeh; "sr" learns lq -> aif with defocus 0 everywhere.
        K_max: pixels that the condition counts as 1.
        focus: largest condition that counts as in focus (3.2 pixels at K_max 32).

    Returns: lq and target [B, 3, H, W] in [-1, 1]; condition [B, 1, H, W], 2 c - 1 with
    c = K |d - disp_focus| / K_max (above 1 where K exceeds K_max); focus_mask [B, 1, H, W] of 0 and 1, all
    1 in the sr phase: attention then stays unmasked.
    """

    phase: Literal["bokeh", "sr"] = "bokeh"
    K_max: float = 32.0
    focus: float = 0.1

    def __post_init__(self) -> None:
        if self.phase not in ("bokeh", "sr"):
            raise ConfigError(f"phase must be bokeh or sr, not {self.phase!r}")

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """What the network is trained on in this phase."""
        name = "MagicBokeh"
        lq = _get(batch, "lq", name)
        target = _get(batch, "bokeh" if self.phase == "bokeh" else "aif", name)
        if lq.shape != target.shape:
            raise ConfigError(
                f"MagicBokeh is trained on lq at the size of its target; lq is {tuple(lq.shape[2:])}, the "
                f"target {tuple(target.shape[2:])}: take a degradation that enlarges"
            )
        seen = _seen_disparity(batch, name)
        c = signed_defocus(seen, batch["K"], batch["disp_focus"]).abs() / self.K_max
        if self.phase == "sr":
            c = torch.zeros_like(c)
        return {
            "lq": 2.0 * lq - 1.0,
            "target": 2.0 * target - 1.0,
            "condition": 2.0 * c - 1.0,
            "focus_mask": (c <= self.focus).to(c.dtype),
        }
