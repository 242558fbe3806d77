"""Dr.Bokeh's renderer (Sheng et al., CVPR 2024): two layers, soft alpha, what is hidden filled in, a gather.

Formulas as its released code has them (methods spec B5); delta = D - disp_focus, rho the distance of a pixel
p and its neighbour n, both on one layer:

    s_n = K |delta_n| + 1,      w = step(s_n, rho) / s_n²,
    step(a, b) = 0.1 / (0.1 + exp(-3 (a - b)) + 1e-6),
    o(p, n) = b + (1 - b) (1/2 + 1/2 tanh(10 (delta_n - delta_p - 0.1))),      b = 1 - exp(-3 (K delta_p)²),

o = 1 for n = p: a p in focus takes light from clearly nearer n alone. With a_n the layer's alpha, a layer's
colour is sum w o a_n J_n / sum w o a_n, its coverage the mean of alpha over the box of half-width
floor((K |delta_p| + 1) / 2), and both layers are composited front to back.

- Foreground: the paper's is what a saliency network finds; inputs here have none, so it is what lies above
  Otsu's threshold of the disparity map, its rim softened by a guided filter of the picture. Its disparity is
  continued outwards from where alpha > 0.1 by Telea's inpainting.
- Background: colour and disparity filled behind the foreground, by Telea's method, or by LaMa as the released
  code has it, for which disparity is a grey picture. Both fill encoded colours, decoded afterwards.

As released: the radius has one pixel more than the circle of confusion, so that pixels in focus are mixed
with their neighbours as well. Ours: the window is as large as the largest radius asks for (the released one
stops at 20 pixels), what is filled reaches beyond a rim in proportion to the picture (4 pixels of 1024), the
opening may have an obstruction, and there are no highlights (where the released code puts the foreground's
colours into the background).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.baselines.footprints import edge_table, refuse_radius
from bokehbench.cases import FloatImage, Inputs
from bokehbench.errors import ConfigError
from bokehbench.optics import Aperture, decode, encode

ALPHA = 0.1
"""Alpha from which a pixel is foreground."""
GROWN = 4.0 / 1024.0
"""How far what is filled reaches beyond the rim, in widths of the picture: the released 4 pixels are for
pictures of about 1024, in a smaller one they would fill what is seen through a fence."""
RIM, RIM_NOISE = 2, 1e-3
"""Half-width of the guided filter's window, pixels, and the variance of what it takes for noise."""
FILL_RADIUS = 7.0
"""Of Telea's method, pixels."""
FILL_BITS = 65535.0


Inpaint = Callable[[FloatImage, FloatImage, npt.NDArray[np.uint8]], tuple[FloatImage, FloatImage]]
"""(image [H, W, 3] encoded, disparity [H, W], hole [H, W]) -> both, continued into the hole."""


class DrBokeh:
    """The method: split into two layers, fill, gather each, composite, encode.

    Args:
        inpainter: what fills the background: "telea", or "lama", which needs weights (`baselines.lama`).
        device: of LaMa, "cpu", "cuda" or "cuda:1".

    Raises:
        ConfigError: another inpainter.
        Unavailable: LaMa's weights, or the device, are missing.
    """

    def __init__(self, inpainter: str = "telea", device: str = "cpu") -> None:
        if inpainter not in ("telea", "lama"):
            raise ConfigError(f"dr-bokeh: inpainter is telea or lama, not {inpainter!r}")
        self.inpaint = telea if inpainter == "telea" else by_lama(device)

    @staticmethod
    def weights_sha256(files: Sequence[str]) -> dict[str, str]:
        """Weight file name -> sha256."""
        from bokehbench.baselines import lama

        return lama.weights_sha256(files)

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`."""
        lens = inputs.lens
        alpha = soft_rim(above_otsu(inputs.disparity), inputs.image)
        planes = split(inputs.image, inputs.disparity, alpha, lens.gamma, self.inpaint)
        made = composite(planes, lens.K, lens.disp_focus, lens.aperture)
        return encode(made, lens.gamma).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Plane:
    """One of the two layers.

    Attributes:
        light: [H, W, 3] float32, linear.
        disparity: [H, W] float32.
        alpha: [H, W] float32 in [0, 1].
    """

    light: FloatImage
    disparity: FloatImage
    alpha: FloatImage


def above_otsu(disparity: FloatImage) -> FloatImage:
    """[H, W] 1 where disparity lies above Otsu's threshold, else 0; a map of one value is all background."""
    import cv2

    low, high = float(disparity.min()), float(disparity.max())
    if high <= low:
        return np.zeros(disparity.shape, np.float32)
    scaled = np.rint(255.0 * (disparity - low) / (high - low)).astype(np.uint8)
    threshold, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return (scaled > threshold).astype(np.float32)


def soft_rim(mask: FloatImage, image: FloatImage) -> FloatImage:
    """[H, W] alpha in [0, 1]: a mask [H, W] following the picture's rims (guided filter, He et al. 2010)."""
    import cv2

    guide = np.clip(image, 0.0, 1.0).mean(axis=2).astype(np.float32)

    def mean(values: FloatImage) -> FloatImage:
        return np.asarray(cv2.blur(values, (2 * RIM + 1, 2 * RIM + 1), borderType=cv2.BORDER_REFLECT))

    low, own = mean(guide), mean(mask)
    slope = (mean(guide * mask) - low * own) / (mean(guide * guide) - low * low + RIM_NOISE)
    return np.clip(mean(slope) * guide + mean(own - slope * low), 0.0, 1.0).astype(np.float32)


def split(
    image: FloatImage, disparity: FloatImage, alpha: FloatImage, gamma: float, inpaint: Inpaint
) -> tuple[Plane, Plane]:
    """Foreground and background, each with what the other hides.

    Args:
        image: [H, W, 3] encoded.
        disparity: [H, W].
        alpha: [H, W] of the foreground.
        gamma: of the image.
        inpaint: fills the background.
    """
    import cv2

    inside = (alpha > ALPHA).astype(np.uint8)
    square, steps = np.ones((3, 3), np.uint8), max(1, round(GROWN * image.shape[1]))
    outside_grown = cv2.dilate(1 - inside, square, iterations=steps)
    inside_grown = cv2.dilate(inside, square, iterations=steps)
    light = decode(image, gamma).astype(np.float32)
    filled, farther = inpaint(image, disparity, inside_grown)
    front = Plane(light, fill(disparity, outside_grown), np.asarray(alpha, np.float32))
    behind = decode(filled, gamma).astype(np.float32)
    return front, Plane(behind, farther, np.ones_like(disparity))


def telea(
    image: FloatImage, disparity: FloatImage, hole: npt.NDArray[np.uint8]
) -> tuple[FloatImage, FloatImage]:
    """Every channel by itself, see `fill`."""
    filled = np.stack([fill(image[..., c], hole) for c in range(3)], axis=2)
    return filled, fill(disparity, hole)


def by_lama(device: str) -> Inpaint:
    """By LaMa; the fill of disparity is the mean of its three channels."""
    from bokehbench.baselines.lama import LaMa

    network = LaMa(device)

    def inpaint(
        image: FloatImage, disparity: FloatImage, hole: npt.NDArray[np.uint8]
    ) -> tuple[FloatImage, FloatImage]:
        grey = network.fill(np.repeat(disparity[..., None], 3, axis=2), hole).mean(axis=2)
        return network.fill(image, hole), np.where(hole == 0, disparity, grey).astype(np.float32)

    return inpaint


def fill(values: FloatImage, hole: npt.NDArray[np.uint8]) -> FloatImage:
    """[H, W] continued into a hole by Telea's method, in steps of 1/65535 of its range there.

    Where everything is hole, or nothing, `values` as they are.
    """
    import cv2

    known = hole == 0
    if not hole.any() or not known.any():
        return values
    low, high = float(values[known].min()), float(values[known].max())
    if high <= low:
        return np.where(known, values, np.float32(low))
    steps = np.rint(FILL_BITS * np.clip((values - low) / (high - low), 0.0, 1.0)).astype(np.uint16)
    painted = cv2.inpaint(steps, hole, FILL_RADIUS, cv2.INPAINT_TELEA).astype(np.float32)
    return np.where(known, values, low + (high - low) * painted / FILL_BITS).astype(np.float32)


def composite(
    planes: tuple[Plane, ...], K: float, disp_focus: float, aperture: Aperture
) -> npt.NDArray[np.float32]:
    """The layers, gathered each, front to back.

    Args:
        planes: near to far, the last opaque.
        K, disp_focus: of the lens.
        aperture: its opening.

    Returns:
        [H, W, 3] linear.
    """
    made = np.zeros_like(planes[0].light)
    through = np.ones((*planes[0].alpha.shape, 1), np.float32)
    for plane in planes:
        colour, weight = gather(plane, K, disp_focus, aperture)
        cover = coverage(plane, K, disp_focus)[..., None]
        made += through * cover * colour / (weight[..., None] + 1e-8)
        through = through * (1.0 - cover)
    return made


def coverage(plane: Plane, K: float, disp_focus: float) -> FloatImage:
    """[H, W], the mean of alpha over a box of half-width floor((K |delta| + 1) / 2) within the frame."""
    half = np.floor((K * np.abs(plane.disparity - disp_focus) + 1.0) / 2.0).astype(np.int64)
    height, width = half.shape
    sums = np.zeros((height + 1, width + 1))
    sums[1:, 1:] = plane.alpha.astype(np.float64).cumsum(0).cumsum(1)
    y, x = np.mgrid[:height, :width]
    top, bottom = np.maximum(y - half, 0), np.minimum(y + half + 1, height)
    left, right = np.maximum(x - half, 0), np.minimum(x + half + 1, width)
    total = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return np.clip(total / ((bottom - top) * (right - left)), 0.0, 1.0).astype(np.float32)


def gather_reference(
    plane: Plane, K: float, disp_focus: float, aperture: Aperture
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(sum of w o a J [H, W, 3], sum of w o a [H, W]) by the formulas above, one offset after another."""
    delta = plane.disparity.astype(np.float64) - disp_focus
    height, width = delta.shape
    reach = _reach(delta, K)
    total, weights = np.zeros((height, width, 3)), np.zeros((height, width))
    blurred = 1.0 - np.exp(-3.0 * (K * delta) ** 2)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if math.hypot(dx, dy) > reach + 0.5:
                continue
            at = np.ix_(_mirrored(np.arange(height) + dy, height), _mirrored(np.arange(width) + dx, width))
            turn = np.where(delta[at] > 0.0, -1.0, 1.0)  # light goes from n to p: by (-dx, -dy)
            edge = aperture.edge(np.arctan2(-turn * dy + 0.0, -turn * dx + 0.0))
            s = (K * np.abs(delta[at]) + 1.0) * edge
            distance = math.hypot(dx, dy)
            w = 0.1 / (0.1 + np.exp(-3.0 * (s - distance)) + 1e-6) / s**2
            if aperture.inner > 0.0:
                w = w * 0.1 / (0.1 + np.exp(-3.0 * (distance - aperture.inner * s)) + 1e-6)
            nearer = 0.5 + 0.5 * np.tanh(10.0 * (delta[at] - delta - 0.1))
            seen = 1.0 if dx == dy == 0 else blurred + (1.0 - blurred) * nearer
            share = w * seen * plane.alpha[at]
            total += share[..., None] * plane.light[at]
            weights += share
    return total, weights


def gather(
    plane: Plane, K: float, disp_focus: float, aperture: Aperture
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """As `gather_reference`, compiled; O(R²) operations a pixel, R the layer's largest radius."""
    delta = plane.disparity.astype(np.float64) - disp_focus
    reach = _reach(delta, K)
    colour = np.empty_like(plane.light)
    weight = np.empty_like(plane.alpha)
    edge = edge_table(aperture, reach)
    opening = (edge, float(aperture.inner))
    _gather(np.ascontiguousarray(plane.light), delta, plane.alpha, float(K), reach, opening, colour, weight)
    return colour, weight


def _reach(delta: npt.NDArray[np.float64], K: float) -> int:
    """Half-width of the window: beyond the largest radius and the soft step around it."""
    largest = K * float(np.abs(delta).max(initial=0.0))
    refuse_radius(largest)
    return math.ceil(largest + 1.0) + 1


def _mirrored(index: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    """Indices reflected at the frame, the edge not repeated."""
    period = max(2 * length - 2, 1)
    folded = np.abs(index) % period
    return np.minimum(folded, period - folded) if length > 1 else np.zeros_like(index)


@numba.njit(cache=True, parallel=True, fastmath={"contract"})
def _gather(light, delta, alpha, K, reach, opening, colour, weight) -> None:  # type: ignore[no-untyped-def]
    height, width = delta.shape
    edge, inner = opening
    for y in numba.prange(height):
        for x in range(width):
            own = delta[y, x]
            blurred = 1.0 - math.exp(-3.0 * (K * own) ** 2)
            red = green = blue = total = 0.0
            for dy in range(-reach, reach + 1):
                span = int(math.sqrt((reach + 0.5) ** 2 - dy * dy))
                for dx in range(-min(span, reach), min(span, reach) + 1):
                    ny, nx = _fold(y + dy, height), _fold(x + dx, width)
                    near = delta[ny, nx]
                    turn = 1 if near > 0.0 else -1
                    s = (K * abs(near) + 1.0) * edge[reach + turn * dy, reach + turn * dx]
                    distance = math.sqrt(dx * dx + dy * dy)
                    outside = distance - s
                    if outside > 6.0 or alpha[ny, nx] == 0.0:  # less than 2e-9 of the light
                        continue
                    share = 0.1 / (0.1 + math.exp(3.0 * outside) + 1e-6) / (s * s) * alpha[ny, nx]
                    if inner > 0.0:
                        share *= 0.1 / (0.1 + math.exp(3.0 * (inner * s - distance)) + 1e-6)
                    if dx != 0 or dy != 0:
                        seen = 0.5 + 0.5 * math.tanh(10.0 * (near - own - 0.1))
                        share *= blurred + (1.0 - blurred) * seen
                    red += share * light[ny, nx, 0]
                    green += share * light[ny, nx, 1]
                    blue += share * light[ny, nx, 2]
                    total += share
            colour[y, x, 0], colour[y, x, 1], colour[y, x, 2] = red, green, blue
            weight[y, x] = total


@numba.njit(cache=True, inline="always")
def _fold(at: int, length: int) -> int:
    period = max(2 * length - 2, 1)
    folded = abs(at) % period
    return min(folded, period - folded) if length > 1 else 0
