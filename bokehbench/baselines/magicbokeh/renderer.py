"""MagicBokeh as methods: ours, the authors' weights, the compact one, and the round trips of their VAEs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from bokehbench import weights as weight_files
from bokehbench.baselines.diffusion.pictures import (
    GAMMA,
    PRECISIONS,
    padded,
    reencoded,
    to_picture,
    to_tensor,
    up_to_multiples,
)
from bokehbench.baselines.magicbokeh import colour as colours
from bokehbench.baselines.magicbokeh import tiles
from bokehbench.baselines.magicbokeh.condition import condition, enlarged, reach, shrunk
from bokehbench.baselines.magicbokeh.model import MagicBokeh as Model
from bokehbench.baselines.magicbokeh.weights import COMPACT, OURS, load, locate
from bokehbench.baselines.scatter.renderer import usable_device
from bokehbench.cases import FloatImage, Inputs
from bokehbench.errors import ConfigError


def render_picture(
    model: Model, inputs: Inputs, *, colour: str = "mean", allow_rescale: bool = False
) -> FloatImage:
    """Render one picture of any size.

    Args:
        model: in eval mode, on any device.
        inputs: K in pixels of radius, as everywhere; without blur anywhere the picture is restored alone. The
            picture may be good or the enlargement of a low-quality one.
        colour: see `colour.CORRECTIONS`.
        allow_rescale: see `condition.reach`.

    Returns:
        [H, W, 3] float32 in [0, 1], encoded with `inputs.lens.gamma`.
    """
    gamma, (height, width) = inputs.lens.gamma, inputs.image.shape[:2]
    fit = reach(inputs, model.layout.condition_unit_px, allow_rescale)
    if fit.rescaled:
        inputs = shrunk(inputs, fit.size)
    device = model.scaling.device
    blur = condition(inputs, model.layout.condition_unit_px)
    with torch.inference_mode():
        given = to_tensor(_known(inputs.image, gamma), device)
        told = to_tensor(blur, device) if blur.any() else None
        made = 0.5 * tiles.rendered(model, 2.0 * given - 1.0, told) + 0.5
        picture = to_picture(colours.correction(colour)(made, given).clamp(0.0, 1.0))
    if fit.rescaled:
        picture = enlarged(picture, (height, width))
    return np.asarray(reencoded(picture, GAMMA, gamma), np.float32)


def round_trip(model: Model, image: FloatImage) -> FloatImage:
    """A picture [H, W, 3] in [0, 1] through the VAE and back, in one piece.

    No hard limit of renderings: the encoder is trained for low-quality pictures, not for this.
    """
    height, width = image.shape[:2]
    with torch.inference_mode():
        seen = to_tensor(2.0 * np.clip(image, 0.0, 1.0) - 1.0, model.scaling.device)
        made = model.decode(model.encode(padded(seen, up_to_multiples((height, width), model.multiple))))
        return np.clip(0.5 * to_picture(made)[:height, :width] + 0.5, 0.0, 1.0)


class MagicBokeh:
    """One step of a diffusion model that restores and blurs at once (Shi et al., CVPR 2026).

    Args:
        files: weight files, see `weights`.
        colour: how colours are put back to the input's: "mean" (of light), "shift" (of encoded values),
            "adain" (the authors') or "none".
        allow_rescale: whether a picture with more blur than was trained (32 px of radius, compact 16) is
            rendered smaller, which keeps the blur and loses detail in focus; else such blur is cut off.
        precision: "fp32" or "bf16", of UNet and ControlNet of a model on a base; VAE and the step compute in
            fp32. A compact model takes "fp32" alone.
        device: "cpu", "cuda", "cuda:1", or "auto": a GPU where there is one.
        compute: of the focus-aware attention, see `fama.settings`.

    Raises:
        Unavailable: a weight file, or the device, is missing.
        ConfigError: an option out of range.
        InputError: a weight file of something else.
    """

    def __init__(
        self,
        files: Sequence[str] = OURS,
        colour: str = "mean",
        allow_rescale: bool = False,
        precision: str = "fp32",
        device: str = "auto",
        compute: str = "auto",
    ) -> None:
        colours.correction(colour)
        self.colour, self.allow_rescale, self._warned = colour, allow_rescale, False
        self.model = _loaded(files, precision, device, compute)

    @staticmethod
    def weights_sha256(files: Sequence[str]) -> dict[str, str]:
        """Weight file name -> sha256."""
        return {name: weight_files.sha256(path) for name, path in locate(files).items()}

    def facts(self, inputs: Inputs) -> dict[str, Any]:
        """What was done with blur beyond the trained range; see `condition.Reach.facts`."""
        return reach(inputs, self.model.layout.condition_unit_px, self.allow_rescale).facts()

    def render(self, inputs: Inputs) -> FloatImage:
        """Image [H, W, 3] float32 in [0, 1], encoded with `inputs.lens.gamma`; with K = 0 only restored."""
        if not self._warned and self.facts(inputs):
            self._warned = True
            warnings.warn(self._beyond(), stacklevel=2)
        return render_picture(self.model, inputs, colour=self.colour, allow_rescale=self.allow_rescale)

    def _beyond(self) -> str:
        known = f"{self.model.layout.condition_unit_px:g} px"
        if self.allow_rescale:
            return (
                f"magicbokeh: blur of more than {known} of radius is asked for, more than it was trained on: "
                "such pictures are rendered smaller and enlarged"
            )
        return (
            f"magicbokeh: blur of more than {known} of radius is asked for, more than it was trained on: it "
            f"is cut off at {known} (the option allow_rescale renders such pictures smaller instead)"
        )


class RoundTrip:
    """The VAE of a model alone: how much of a picture its latent keeps.

    Args:
        files, device: see `MagicBokeh`.
    """

    def __init__(self, files: Sequence[str] = COMPACT, device: str = "auto") -> None:
        self.model = _loaded(files, "fp32", device, "auto")

    weights_sha256 = MagicBokeh.weights_sha256

    def render(self, inputs: Inputs) -> FloatImage:
        """[H, W, 3] float32 in [0, 1], encoded with `inputs.lens.gamma`."""
        gamma = inputs.lens.gamma
        made = round_trip(self.model, reencoded(inputs.image, gamma, GAMMA))
        return np.asarray(reencoded(made, GAMMA, gamma), np.float32)


def _known(image: FloatImage, gamma: float) -> FloatImage:
    """As the networks know pictures: their gamma, light above white cut off."""
    return np.asarray(np.clip(reencoded(image, gamma, GAMMA), 0.0, 1.0), np.float32)


def _loaded(files: Sequence[str], precision: str, device: str, compute: str) -> Model:
    if precision not in PRECISIONS:
        raise ConfigError(f"magicbokeh: precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
    if precision != "fp32" and tuple(files) == COMPACT:
        raise ConfigError(f"magicbokeh-compact: computes in fp32 alone; leave out precision={precision}")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    where = torch.device(usable_device(device, "magicbokeh"))
    return load(files, compute, PRECISIONS[precision]).to(where)
