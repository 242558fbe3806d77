"""BokehMe's classical renderer as a method: decode, scatter, encode (Peng et al., CVPR 2022)."""

from __future__ import annotations

import re

import numpy as np

from bokehbench.baselines.scatter.kernel import scatter
from bokehbench.cases import FloatImage, Inputs
from bokehbench.errors import ConfigError, Unavailable
from bokehbench.optics import Aperture, Lens, decode, encode, signed_defocus


class Scatter:
    """Scatters every pixel into its circle of confusion, in linear light; knows no occlusion.

    Args:
        highlight_boost: gain of bright, defocused pixels before scattering; the authors' code uses 0.4, 0 is
            off.
        donut: 0 to 0.5, strength of the authors' soft donut (several times slower); the lens's
            `aperture.inner` is the physical one and always honoured.
        device: "cpu", or "cuda" (or "cuda:1") for the Triton kernel, within 1e-3 of it (encoded).

    Raises:
        ConfigError: an option out of range.
        Unavailable: a device that is not there.
    """

    def __init__(self, highlight_boost: float = 0.0, donut: float = 0.0, device: str = "cpu") -> None:
        if highlight_boost < 0.0:
            raise ConfigError(f"scatter: highlight_boost must be at least 0, not {highlight_boost}")
        if not 0.0 <= donut <= 0.5:
            raise ConfigError(f"scatter: donut must lie in [0, 0.5], not {donut}")
        self.highlight_boost = highlight_boost
        self.donut = donut
        self.device = usable_device(device)

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`."""
        lens = inputs.lens
        image = boost_highlights(inputs.image, inputs.disparity, lens, self.highlight_boost)
        light = decode(image, lens.gamma).astype(np.float32)
        defocus = signed_defocus(inputs.disparity, lens)
        if self.device == "cpu":
            blurred = scatter(light, defocus, lens.aperture, self.donut)
        else:
            blurred = _scatter_on(self.device, light, defocus, lens.aperture, self.donut)
        return encode(blurred, lens.gamma).astype(np.float32)


def usable_device(device: str, method: str = "scatter") -> str:
    """The device, if a method can compute on it.

    Raises:
        ConfigError: not the name of a device.
        Unavailable: it is not there.
    """
    found = re.fullmatch(r"cpu|cuda(?::(\d+))?", device)
    if not found:
        raise ConfigError(f"{method}: device must be cpu, cuda or cuda:N, not {device!r}")
    if device != "cpu":
        import torch

        if int(found[1] or 0) >= torch.cuda.device_count():
            raise Unavailable(f"{method}: there is no CUDA device for device={device}; take device=cpu")
    return device


def _scatter_on(
    device: str, light: FloatImage, defocus: FloatImage, aperture: Aperture, donut: float
) -> FloatImage:
    import torch

    from bokehbench.baselines.scatter.tensors import scatter_tensor

    pixels = torch.from_numpy(light).permute(2, 0, 1)[None].to(device)
    blurred, _ = scatter_tensor(pixels, torch.from_numpy(defocus)[None, None].to(device), aperture, donut)
    return blurred[0].permute(1, 2, 0).cpu().numpy()


def boost_highlights(image: FloatImage, disparity: FloatImage, lens: Lens, gain: float) -> FloatImage:
    """Brighten highlights out of focus, which an 8-bit photograph has clipped (methods spec A1.7).

    Args:
        image: [H, W, 3] encoded.
        disparity: [H, W].
        lens: for the focal plane.
        gain: 0 leaves the image as it is.

    Returns:
        [H, W, 3]: ``image (1 + gain m1 m2)`` with m1 = clip(tanh(200 ((d - disp_focus)² - 0.01)), 0, 1) and
        m2 = clip(tanh(10 (image - 220/255)), 0, 1).
    """
    if gain == 0.0:
        return image
    defocused = np.clip(np.tanh(200.0 * ((disparity - lens.disp_focus) ** 2 - 0.01)), 0.0, 1.0)
    bright = np.clip(np.tanh(10.0 * (image - 220.0 / 255.0)), 0.0, 1.0)
    return np.asarray(image * (1.0 + gain * defocused[..., None] * bright), np.float32)
