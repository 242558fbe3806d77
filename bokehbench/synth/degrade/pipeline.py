"""Apply a plan to a picture on the CPU: OpenCV, one picture at a time; pure (same plan, same pixels)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.errors import InputError
from bokehbench.images import quantise
from bokehbench.synth.degrade import kernels, noise, resample, shot
from bokehbench.synth.degrade.diffjpeg import diff_jpeg
from bokehbench.synth.degrade.plan import Blur, DegradePlan, Jpeg, Noise, Resize, Step
from bokehbench.synth.degrade.preset import Sharpen

Picture = npt.NDArray[np.float32]
LUMA = (0.299, 0.587, 0.114)
_MODES = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
_BORDER = cv2.BORDER_REFLECT_101


@dataclass(frozen=True, eq=False)
class Degraded:
    """One picture, all float32 encoded RGB in [0, 1]; `small` and `lq` hold 8-bit values.

    Attributes:
        lq: the low-quality picture: enlarged to `DegradePlan.size` where the plan says so, else `small`.
        small: before enlarging, `DegradePlan.small_size`.
        hq: the clean picture without margin; sharpened where the preset sharpens its target.
    """

    lq: Picture
    small: Picture
    hq: Picture


def apply(plan: DegradePlan, image: npt.NDArray[np.float32]) -> Picture:
    """The low-quality picture of `image` ([H, W, 3] encoded, [0, 1], `plan.outer_size`); see `degrade`."""
    return degrade(plan, image).lq


def degrade(plan: DegradePlan, image: npt.NDArray[np.float32]) -> Degraded:
    """Degrade a picture as its plan says.

    Args:
        plan: from `DegradePlan.sample`.
        image: [H, W, 3] float32 encoded in [0, 1] (clipped), W x H = `plan.outer_size`.

    Raises:
        InputError: another shape, or values that are not finite.
    """
    check(plan, image.shape)
    if not np.isfinite(image).all():
        raise InputError("a picture with NaN or infinite values cannot be degraded")
    hq = np.clip(np.asarray(image, np.float32), 0.0, 1.0)
    if plan.sharpen is not None:
        hq = sharpen(hq, plan.sharpen)
    now = hq
    for step in plan.steps:
        now = apply_step(step, now, plan.noise_seed)
    small = _eight_bit(now)
    lq = small
    if plan.enlarge is not None:
        whole = Resize(size=plan.outer_size, mode=plan.enlarge)
        lq = _eight_bit(without_margin(resize(small, whole), plan.margin))
    small = without_margin(small, plan.margin // plan.scale)
    return Degraded(small if plan.enlarge is None else lq, small, without_margin(hq, plan.margin))


def check(plan: DegradePlan, shape: tuple[int, ...]) -> None:
    """InputError where a picture's shape [H, W, 3] is not the plan's."""
    width, height = plan.outer_size
    if tuple(shape) != (height, width, 3):
        raise InputError(
            f"the degradation was planned for {(height, width, 3)}, the picture is {tuple(shape)}"
        )


def without_margin(image: Picture, margin: int) -> Picture:
    """Cut `margin` pixels off every side of [H, W, C]."""
    if margin == 0:
        return image
    return np.ascontiguousarray(image[margin:-margin, margin:-margin])


def apply_step(step: Step, image: Picture, noise_seed: int) -> Picture:
    """One step on [H, W, 3]."""
    if isinstance(step, Blur):
        return blur(image, step.kernel())
    if isinstance(step, Resize):
        return resize(image, step)
    if isinstance(step, Noise):
        return add_noise(image, step, noise_seed)
    return jpeg(image, step)


def sharpen(image: Picture, settings: Sharpen) -> Picture:
    """Unsharp masking where the residual exceeds the threshold, blended by a blurred mask."""

    def soft(picture: Picture) -> Picture:
        return cv2.GaussianBlur(picture, (settings.size, settings.size), 0, borderType=_BORDER)

    residual = image - soft(image)
    mask = soft((np.abs(residual) * 255.0 > settings.threshold).astype(np.float32))
    sharp = np.clip(image + settings.weight * residual, 0.0, 1.0)
    return image + mask * (sharp - image)


def blur(image: Picture, kernel: kernels.Kernel) -> Picture:
    """Convolve with a kernel cut to what weighs anything; in two passes where it is a product."""
    kernel = kernels.cropped(kernel)
    if kernel.size == 1:
        return image
    passes = kernels.separated(kernel)
    if passes is not None:
        return cv2.sepFilter2D(image, -1, passes[1], passes[0], borderType=_BORDER)
    return cv2.filter2D(image, -1, kernel, borderType=_BORDER)


def resize(image: Picture, step: Resize) -> Picture:
    """To `step.size`, with OpenCV where it does what `resample` defines."""
    (height, width), (out_w, out_h) = image.shape[:2], step.size
    # Enlarging by areas, OpenCV rounds the place of some pixels to the wrong neighbour.
    enlarges = out_w > width or out_h > height
    if step.drift is None and step.mode in _MODES and not (step.mode == "area" and enlarges):
        return cv2.resize(image, step.size, interpolation=_MODES[step.mode])
    rows = resample.sparse_weights(height, out_h, step.mode, step.drift)
    columns = resample.sparse_weights(width, out_w, step.mode, step.drift)
    tall = (rows @ image.reshape(height, -1)).reshape(out_h, width, 3)
    turned = columns @ np.ascontiguousarray(tall.swapaxes(0, 1)).reshape(width, -1)
    return np.ascontiguousarray(turned.reshape(out_w, out_h, 3).swapaxes(0, 1))


def add_noise(image: Picture, step: Noise, noise_seed: int) -> Picture:
    """Add Gaussian or shot noise and clip."""
    height, width = image.shape[:2]
    if step.kind == "gaussian":
        field = noise.gaussian_field(noise_seed, step, height, width)
    else:
        field = _shot_noise(image, step, noise_seed)
    if step.grey:
        field = np.repeat(field, 3, axis=2)
    noisy = cv2.scaleAdd(field, step.strength, np.ascontiguousarray(image))
    return np.clip(noisy, 0.0, 1.0, out=noisy)


def _shot_noise(image: Picture, step: Noise, noise_seed: int) -> Picture:
    """Counts minus mean, [H, W, 1|3], of the picture rounded to 8 bit (of its luma where grey)."""
    source = (image @ np.asarray(LUMA, np.float32))[..., None] if step.grey else image
    values = to_bytes(source)
    table = shot.table(photons := shot.photons_of(values))
    uniform = noise.uniform_field(noise_seed, step, *image.shape[:2])
    counts = shot.counts(values.ravel(), uniform.ravel(), table.upper, table.guide)
    return shot.residual(counts, values.ravel(), photons).reshape(values.shape)


def to_bytes(image: Picture) -> npt.NDArray[np.uint8]:
    """Code values of [H, W, C] in [0, 1], rounded to the nearest."""
    rounded = cv2.addWeighted(image, 255.0, image, 0.0, 0.0, dtype=cv2.CV_8U)
    return np.asarray(rounded).reshape(image.shape)


def _eight_bit(image: Picture) -> Picture:
    return quantise(image).astype(np.float32) / np.float32(255.0)


def jpeg(image: Picture, step: Jpeg) -> Picture:
    """Encode with libjpeg (chroma at half size) and decode; clipped to [0, 1] before."""
    if step.codec == "diff":
        return diff_jpeg(image, step.quality)
    return code_bytes(to_bytes(image), int(step.quality)).astype(np.float32) / np.float32(255.0)


def code_bytes(pixels: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    """[H, W, 3] RGB through libjpeg at a whole quality."""
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        height, width = pixels.shape[:2]
        raise InputError(f"a picture of {width}x{height} pixels cannot be stored as JPEG (65500 at most)")
    return np.asarray(cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))
