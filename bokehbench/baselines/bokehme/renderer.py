"""BokehMe as a method: `bokehme` (both renderers, fused) and `bokehme-nr` (the neural one alone)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from bokehbench.baselines.bokehme import weights
from bokehbench.baselines.bokehme.networks import GAMMAS
from bokehbench.baselines.bokehme.neural import VARIANTS, NeuralRenderer
from bokehbench.baselines.bokehme.procedure import neural_rendering, render
from bokehbench.baselines.bokehme.weights import OURS, load, trained_variant
from bokehbench.baselines.scatter.renderer import boost_highlights, usable_device
from bokehbench.cases import FloatImage, Inputs
from bokehbench.errors import ConfigError
from bokehbench.optics import signed_defocus

ERROR_MAPS = ("arnet", "analytic")
PASSES = ("needed", "released")


class BokehMe:
    """Scattering, corrected at depth edges by ARNet and IUNet (Peng et al., CVPR 2022).

    Args:
        files: weight files, see `weights`.
        fused: with the classical renderer (eq. 9); else the neural rendering alone.
        error_map: "arnet", as predicted, or "analytic", from the disparity map.
        variant: B1 to B5 of the paper's Table 3, how the neural rendering is brought to full size; None: as
            the weights were trained, B5 where they do not say. Of other variants only B1, which needs no
            IUNet, can be asked for.
        passes: of IUNet: "needed", until the picture has its full size (none where blur is below 10 pixels
            everywhere: ARNet's picture has it already), or "released", with one at full size in any case, as
            the authors' released code has it.
        highlight_boost: see `scatter.renderer.Scatter`.
        device: "cpu", "cuda" or "cuda:1", for the networks and for scattering (Triton on CUDA).

    Raises:
        Unavailable: a weight file, or the device, is missing.
        ConfigError: an option out of range.
        InputError: a weight file of something else.
    """

    def __init__(
        self,
        files: Sequence[str] = OURS,
        fused: bool = True,
        error_map: str = "arnet",
        variant: str | None = None,
        passes: str = "needed",
        highlight_boost: float = 0.0,
        device: str = "cpu",
    ) -> None:
        if error_map not in ERROR_MAPS:
            raise ConfigError(f"bokehme: error_map must be one of {', '.join(ERROR_MAPS)}, not {error_map!r}")
        if variant is not None and variant not in VARIANTS:
            raise ConfigError(f"bokehme: variant must be one of {', '.join(VARIANTS)}, not {variant!r}")
        if passes not in PASSES:
            raise ConfigError(f"bokehme: passes must be one of {', '.join(PASSES)}, not {passes!r}")
        if highlight_boost < 0.0:
            raise ConfigError(f"bokehme: highlight_boost must be at least 0, not {highlight_boost}")
        self.fused, self.error_map, self.highlight_boost = fused, error_map, highlight_boost
        self.device = torch.device(usable_device(device, "bokehme"))
        upsampling = VARIANTS[_variant(variant, trained_variant(files))]
        model = load(NeuralRenderer(replace(upsampling, always=passes == "released")), files)
        self.model = model.eval().requires_grad_(False).to(self.device)

    @staticmethod
    def weights_sha256(files: Sequence[str]) -> dict[str, str]:
        """Weight file name -> sha256; InputError for a file of other networks."""
        return weights.sha256(files)

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`; clipped to [0, 1] if fused."""
        lens = inputs.lens
        low, high = GAMMAS
        if not low <= lens.gamma <= high:
            raise ConfigError(f"bokehme: gamma must lie in [{low:g}, {high:g}], not {lens.gamma:g}")
        boosted = boost_highlights(inputs.image, inputs.disparity, lens, self.highlight_boost)
        image = self._tensor(boosted)
        defocus = self._tensor(signed_defocus(inputs.disparity, lens)[..., None])
        gamma = torch.tensor([lens.gamma], device=self.device)
        with torch.inference_mode():
            if not self.fused:
                return _picture(neural_rendering(self.model, image, defocus, gamma)[0])
            analytic = self.error_map == "analytic"
            made = render(self.model, image, defocus, gamma, lens.aperture, analytic=analytic)
            return _picture(made.fused.clamp(0.0, 1.0))

    def _tensor(self, picture: FloatImage) -> Tensor:
        """[H, W, C] -> [1, C, H, W] on the device."""
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32)
        return torch.from_numpy(planes)[None].to(self.device)


def _variant(asked: str | None, trained: str | None) -> str:
    """What is rendered; ConfigError where the weights were trained for something else."""
    if trained is not None and trained not in VARIANTS:
        raise ConfigError(f"bokehme: the weights are of an unknown variant {trained!r}; update bokehbench")
    if asked is None:
        return trained or "B5"
    if trained is not None and asked not in (trained, "B1"):
        raise ConfigError(f"bokehme: the weights were trained as {trained}, they cannot render {asked}")
    return asked


def _picture(tensor: Tensor) -> FloatImage:
    """[1, C, H, W] -> [H, W, C]."""
    return np.ascontiguousarray(tensor[0].permute(1, 2, 0).cpu().numpy())
