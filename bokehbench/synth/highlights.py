"""What pictures with clipped lights are given back before they are blurred, and other changes of light.

All of it works on linear layers, before the all-in-focus image and the bokeh are rendered, so that both show
the same scene.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bokehbench.layers import Layer
from bokehbench.optics import Lens, decode, encode
from bokehbench.rng import stream
from bokehbench.synth.assets.brushes import smoothstep
from bokehbench.synth.assets.glow import add_lamps
from bokehbench.synth.plan_types import HighlightPlan

Raster = npt.NDArray[np.float32]
SHOULDER = 220.0 / 255.0
LIT = 2.0
"""Radiance above which a picture has its lights (drawings, EXR) and no tone curve is undone."""


def brighten(rgb: Raster, alpha: Raster | None, plan: HighlightPlan, gamma: float) -> Raster:
    """The models that depend on a picture alone: lift and inverse_reinhard; others leave it as it is.

    Args:
        rgb: [h, w, 3] linear, premultiplied where `alpha` [h, w] is given.
    """
    if plan.mode == "lift":
        return lift(rgb, alpha, plan, gamma)
    if plan.mode == "inverse_reinhard" and _brightest(rgb, alpha).max(initial=0.0) <= LIT:
        return inverse_reinhard(rgb, alpha, plan.white)
    return rgb


def lift(rgb: Raster, alpha: Raster | None, plan: HighlightPlan, gamma: float) -> Raster:
    """Give nearly clipped pixels back the light that clipping took.

    ``L (1 + g smoothstep(t0, t1, max_c x))`` with x the encoded straight colour; the result does not exceed
    `lift_limit`, and what is brighter already stays.
    """
    brightest = _brightest(rgb, alpha)
    shown = np.clip(brightest, 0.0, 1.0) ** (1.0 / gamma)
    factor = 1.0 + plan.gain * smoothstep(plan.lift_from, plan.lift_to, shown)
    return _times(rgb, factor, brightest, plan.lift_limit)


def inverse_reinhard(rgb: Raster, alpha: Raster | None, white: float) -> Raster:
    """Undo Reinhard's tone curve: ``L / (1 - L (1 - 1/M))``, so that 1 becomes M.

    L is the brightest channel, and all three are multiplied alike, which keeps the colour. What exceeds 1
    becomes M at least and is not made darker.
    """
    brightest = _brightest(rgb, alpha)
    factor = 1.0 / (1.0 - np.clip(brightest, 0.0, 1.0) * (1.0 - 1.0 / white))
    return _times(rgb, factor, brightest, white)


def bokehme(layer: Layer, lens: Lens) -> Layer:
    """The boost of BokehMe's demonstration, for comparison: it depends on the focus.

    Encoded colour x becomes ``x (1 + 0.4 m1 m2)`` with ``m1 = clip(tanh(200 (|d - df|^2 - 0.01)), 0, 1)`` and
    ``m2 = clip(tanh(10 (x - 220/255)), 0, 1)``, channel by channel.
    """
    height, width = layer.rgba.shape[:2]
    x, y = layer.x + np.arange(width)[None, :], layer.y + np.arange(height)[:, None]
    distance = np.abs(layer.plane.disparity(x, y) - lens.disp_focus)
    away = np.clip(np.tanh(200.0 * (distance**2 - 0.01)), 0.0, 1.0)[..., None]
    alpha = np.maximum(layer.rgba[..., 3:4], 1e-3)
    shown = encode(layer.rgba[..., :3] / alpha, lens.gamma)
    bright = np.clip(np.tanh(10.0 * (shown - SHOULDER)), 0.0, 1.0)
    rgba = np.array(layer.rgba, np.float32)
    rgba[..., :3] *= (1.0 + 0.4 * away * bright) ** lens.gamma
    return Layer(rgba, layer.plane, layer.x, layer.y)


def with_lamps(rgb: Raster, plan: HighlightPlan) -> Raster:
    """Lamps at the plan's places, but for those where the picture is bright: nobody lights a lamp there."""
    if not plan.lights:
        return rgb
    height, width = rgb.shape[:2]
    u, v, radius, radiance = np.asarray(plan.lights).T
    dark = rgb[(v * height).astype(int), (u * width).astype(int)].mean(axis=1) < plan.lights_below
    places = np.stack([u * width, v * height], axis=1)[dark]
    rgb = np.array(rgb, np.float32)
    add_lamps(stream(plan.lights_seed, 0, "lights"), rgb, places, radius[dark], radiance[dark])
    return rgb


def bounded(rgb: Raster, alpha: Raster | None, plan: HighlightPlan) -> Raster:
    """Straight colour cut at the plan's limit, channel by channel, as a file of bounded range cuts it.

    Args:
        rgb: [h, w, 3] linear, premultiplied where `alpha` [h, w] is given.
    """
    if plan.limit is None:
        return rgb
    most = plan.limit if alpha is None else plan.limit * alpha[..., None]
    return np.minimum(rgb, most, dtype=np.float32)


def regamma(layer: Layer, old: float, new: float) -> Layer:
    """The layer as it would be if its encoded picture were decoded with another gamma."""
    alpha = layer.rgba[..., 3:4]
    straight = layer.rgba[..., :3] / np.maximum(alpha, 1e-6)
    rgb = decode(encode(straight, old), new) * alpha
    return Layer(np.concatenate([rgb, alpha], axis=2).astype(np.float32), layer.plane, layer.x, layer.y)


def srgb_decode(encoded: npt.NDArray[np.floating]) -> Raster:
    """Linear from sRGB (IEC 61966-2-1); the power law goes on above 1."""
    encoded = np.maximum(encoded, 0.0)
    curved = ((encoded + 0.055) / 1.055) ** 2.4
    return np.where(encoded <= 0.04045, encoded / 12.92, curved).astype(np.float32)


def srgb_encode(linear: npt.NDArray[np.floating]) -> Raster:
    """Inverse of `srgb_decode`."""
    linear = np.maximum(linear, 0.0)
    curved = 1.055 * linear ** (1.0 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curved).astype(np.float32)


def as_srgb(rgb: Raster, alpha: Raster | None, gamma: float) -> Raster:
    """Colours that were decoded with `gamma` as the sRGB curve decodes them; premultiplied with `alpha`."""
    if alpha is None:
        return srgb_decode(encode(rgb, gamma))
    straight = rgb / np.maximum(alpha, 1e-6)[..., None]
    return srgb_decode(encode(straight, gamma)) * alpha[..., None]


def _brightest(rgb: Raster, alpha: Raster | None) -> Raster:
    straight = rgb if alpha is None else rgb / np.maximum(alpha, 1e-3)[..., None]
    return np.asarray(straight.max(axis=2))


def _times(rgb: Raster, factor: Raster, brightest: Raster, limit: float) -> Raster:
    room = np.maximum(limit / np.maximum(brightest, 1e-6), 1.0)
    return np.asarray(rgb * np.minimum(factor, room)[..., None], np.float32)
