"""LaMa (Suvorov et al., WACV 2022), large-mask inpainting: the authors' network, which spandrel runs.

The network was trained on photographs as files have them, so pictures go in encoded, as they come, and the
fill comes out encoded. It knows [0, 1] alone: what is brighter is clipped for it, and stays as it was where
it is known. Sizes are padded by reflection to multiples of 8, and cut back (spandrel).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bokehbench import weights
from bokehbench.baselines import spandrel_file
from bokehbench.baselines.scatter.renderer import usable_device
from bokehbench.cases import FloatImage
from bokehbench.errors import ConfigError, InputError

FILE = "lama.safetensors"
CONVERT = "`bokehbench weights convert lama FILE`"
SOURCE = (
    "https://github.com/Sanster/models/releases/download/add_big_lama/big-lama.pt, "
    f"converted by {CONVERT} (docs/official-weights.md)"
)
SHIPPED = Path(__file__).parent / "trained"


class LaMa:
    """The network with its weights, on its device.

    Args:
        device: "cpu", "cuda" or "cuda:1".

    Raises:
        Unavailable: the weights, or the device, are missing.
        InputError: a file of something else than weights.
        ConfigError: weights of another network.
    """

    def __init__(self, device: str = "cpu") -> None:
        self.device = torch.device(usable_device(device, "lama"))
        self.network = _network(_path()).to(self.device).eval()

    def fill(self, picture: FloatImage, hole: npt.NDArray[np.uint8]) -> FloatImage:
        """A picture continued into a hole.

        Args:
            picture: [H, W, 3], encoded.
            hole: [H, W], other than 0 where the picture is not to be seen.

        Returns:
            [H, W, 3] float32: `picture` outside of the hole, in [0, 1] inside. Where everything is hole, or
            nothing, `picture` as it is.
        """
        inside = hole != 0
        if not inside.any() or inside.all():
            return picture
        image = torch.from_numpy(np.clip(picture, 0.0, 1.0).astype(np.float32)).permute(2, 0, 1)[None]
        mask = torch.from_numpy(inside.astype(np.float32))[None, None]
        with torch.inference_mode():
            made = self.network(image.to(self.device), mask.to(self.device))[0].permute(1, 2, 0).cpu().numpy()
        return np.where(inside[..., None], made, picture).astype(np.float32)


def weights_sha256(files: Sequence[str]) -> dict[str, str]:
    """Weight file name -> sha256; Unavailable, with what to do, where it is missing."""
    return {file: weights.sha256(_path(file)) for file in files}


def _path(file: str = FILE) -> Path:
    return weights.find(file, SHIPPED, SOURCE)


def _network(path: Path) -> Any:
    """A spandrel descriptor."""
    try:
        network = spandrel_file.load(path)
    except InputError as error:
        raise InputError(f"{error}; big-lama.pt is converted by {CONVERT}") from error
    if network.architecture.id != "LaMa" or (network.input_channels, network.output_channels) != (3, 3):
        raise ConfigError(f"{path}: a network {network.architecture.name}, not LaMa for RGB")
    return network
