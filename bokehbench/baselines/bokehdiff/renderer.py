"""BokehDiff as methods: ours, the authors' weights, the compact one, and the round trips of their VAEs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from bokehbench import weights as weight_files
from bokehbench.baselines.bokehdiff import tiles
from bokehbench.baselines.bokehdiff.model import BokehDiff as Model
from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.baselines.bokehdiff.weights import COMPACT, OFFICIAL, OURS, load, locate
from bokehbench.baselines.diffusion.one_step import one_step
from bokehbench.baselines.diffusion.pictures import (
    GAMMA,
    PRECISIONS,
    padded,
    reencoded,
    to_picture,
    to_tensor,
)
from bokehbench.baselines.scatter.renderer import usable_device
from bokehbench.cases import FloatImage, Inputs
from bokehbench.errors import ConfigError
from bokehbench.optics import signed_defocus

RELEASED_MULTIPLE = 8
"""The released procedure resizes pictures to multiples of so many pixels."""


def render_picture(model: Model, inputs: Inputs, *, compat: bool = False) -> FloatImage:
    """Render one picture of any size.

    Args:
        model: in eval mode, on any device.
        inputs: K in pixels of radius, as everywhere.
        compat: the released procedure: resized to multiples of 8 instead of padded, always cut into tiles,
            values above 1 left as they are.

    Returns:
        [H, W, 3] float32 in [0, 1], encoded with `inputs.lens.gamma`.
    """
    image = reencoded(inputs.image, inputs.lens.gamma, GAMMA)
    radius = np.abs(signed_defocus(inputs.disparity, inputs.lens))
    disparity, size = inputs.disparity, image.shape[:2]
    if compat:
        image, disparity, radius = _to_multiples(image, disparity, radius)
    else:
        image = np.clip(image, 0.0, 1.0)
    made = _rendered(model, image, disparity, radius, compat)
    picture = np.clip(0.5 * made + 0.5, 0.0, 1.0)
    if made.shape[:2] != size:
        picture = np.clip(_resized(picture, size), 0.0, 1.0)
    return np.asarray(reencoded(picture, GAMMA, inputs.lens.gamma), np.float32)


def round_trip(model: Model, image: FloatImage) -> FloatImage:
    """A picture [H, W, 3] in [0, 1] through the VAE and back: what encoder and decoder lose of it.

    No hard limit of renderings: the encoder's ends are trained for those, not for this.
    """
    device, (height, width) = model.prompt_embeds.device, image.shape[:2]
    with torch.inference_mode():
        size = tiles.padded_size((height, width), model.multiple, model.layout.tile_px)
        z = model.encode(padded(2.0 * to_tensor(np.clip(image, 0.0, 1.0), device) - 1.0, size))
        return np.clip(0.5 * to_picture(model.decode(z))[:height, :width] + 0.5, 0.0, 1.0)


class BokehDiff:
    """One step of a diffusion model with physics-inspired self-attention (Zhu et al., ICCV 2025).

    Args:
        files: weight files, see `weights`.
        precision: "fp32" or "bf16", of the UNet of a model on a base; VAE and PISA compute in fp32. A compact
            model takes "fp32" alone.
        device: "cpu", "cuda", "cuda:1", or "auto": a GPU where there is one.
        form: of PISA, see `PisaSettings`.

    Raises:
        Unavailable: a weight file, or the device, is missing.
        ConfigError: an option out of range.
        InputError: a weight file of something else.
    """

    def __init__(
        self,
        files: Sequence[str] = OURS,
        precision: str = "fp32",
        device: str = "auto",
        form: str = "auto",
    ) -> None:
        self.compat = tuple(files) == OFFICIAL
        self.model = _loaded(files, precision, device, form)

    @staticmethod
    def weights_sha256(files: Sequence[str]) -> dict[str, str]:
        """Weight file name -> sha256."""
        return {name: weight_files.sha256(path) for name, path in locate(files).items()}

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32 in [0, 1], encoded with `inputs.lens.gamma`."""
        return render_picture(self.model, inputs, compat=self.compat)


class RoundTrip:
    """The VAE of a model alone: how much of a picture its latent keeps.

    Args:
        files, device: see `BokehDiff`.
        of: "input", the all-in-focus picture as it is; "layers", the picture that the ray tracer makes of the
            true layers: what the VAE leaves of a rendering without fault.
    """

    def __init__(self, files: Sequence[str] = COMPACT, of: str = "input", device: str = "auto") -> None:
        if of not in ("input", "layers"):
            raise ConfigError(f"bokehdiff: a round trip is of input or layers, not {of!r}")
        self.of, self.model = of, _loaded(files, "fp32", device, "auto")

    weights_sha256 = BokehDiff.weights_sha256

    def render(self, inputs: Inputs) -> FloatImage:
        """[H, W, 3] float32 in [0, 1], encoded with `inputs.lens.gamma`."""
        gamma = inputs.lens.gamma
        image = inputs.image
        if self.of == "layers":
            from bokehbench.baselines.raylayers import RayLayersOracle

            image = RayLayersOracle().render(inputs)
        return reencoded(round_trip(self.model, reencoded(image, gamma, GAMMA)), GAMMA, gamma)


def _loaded(files: Sequence[str], precision: str, device: str, form: str) -> Model:
    if precision not in PRECISIONS:
        raise ConfigError(f"bokehdiff: precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
    if precision != "fp32" and tuple(files) == COMPACT:
        raise ConfigError(f"bokehdiff-compact: computes in fp32 alone; leave out precision={precision}")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    where = torch.device(usable_device(device, "bokehdiff"))
    return load(files, form, PRECISIONS[precision]).to(where)


def _rendered(
    model: Model, image: FloatImage, disparity: FloatImage, radius: FloatImage, compat: bool
) -> FloatImage:
    """[H, W, 3] in about [-1, 1] of a picture in [0, 1] and its maps; padded and cropped."""
    device, (height, width) = model.prompt_embeds.device, image.shape[:2]
    multiple = RELEASED_MULTIPLE if compat else model.multiple
    size = tiles.padded_size((height, width), multiple, model.layout.tile_px, cut=compat)
    with torch.inference_mode():
        seen, near, blur = (padded(to_tensor(one, device), size) for one in (image, disparity, radius))
        z = model.encode(2.0 * seen - 1.0)
        noise = tiles.predicted_noise(model, z, Scene(near, blur), compat=compat)
        return to_picture(model.decode(one_step(z, noise, model.timestep)))[:height, :width]


def _to_multiples(
    image: FloatImage, disparity: FloatImage, radius: FloatImage
) -> tuple[FloatImage, FloatImage, FloatImage]:
    """Resized to multiples of 8 as the released procedure has it; radii grow and shrink with the picture."""
    import cv2

    height, width = image.shape[:2]
    size = tuple(
        max(RELEASED_MULTIPLE, side // RELEASED_MULTIPLE * RELEASED_MULTIPLE) for side in (height, width)
    )
    if size == (height, width):
        return image, disparity, radius
    maps = [
        cv2.resize(np.asarray(one, np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
        for one in (disparity, radius)
    ]
    return _resized(image, size), maps[0], maps[1] * (size[1] / width)


def _resized(image: FloatImage, size: tuple[int, ...]) -> FloatImage:
    import cv2

    return cv2.resize(np.asarray(image, np.float32), size[::-1], interpolation=cv2.INTER_LANCZOS4)
