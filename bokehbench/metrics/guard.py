"""The one place where images are checked before a metric sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import InputError
from bokehbench.images import quantise

ByteImage = npt.NDArray[np.uint8]


def checked_pair(prediction: npt.NDArray[Any], target: npt.NDArray[Any]) -> tuple[ByteImage, ByteImage]:
    """Both images as they are scored: clipped to [0, 1] and rounded to 8 bit, alike.

    Args:
        prediction: [H, W, 3] uint8, or encoded float, nominal [0, 1].
        target: the same size.

    Raises:
        InputError: not such an image, not finite, on the scale of 0 to 255, or of different sizes.
    """
    pair = _checked(prediction, "prediction"), _checked(target, "target")
    if pair[0].shape != pair[1].shape:
        sizes = [f"{image.shape[1]} x {image.shape[0]}" for image in pair]
        raise InputError(
            f"prediction is {sizes[0]}, target is {sizes[1]} pixels; nothing is resized silently, "
            "make them the same size"
        )
    return pair


def _checked(image: npt.NDArray[Any], what: str) -> ByteImage:
    if not isinstance(image, np.ndarray):
        raise InputError(f"{what} must be a numpy array [H, W, 3], not {type(image).__name__}")
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise InputError(f"{what} must be [H, W, 3], not {list(image.shape)}")
    if image.dtype == np.uint8:
        return image
    if not np.issubdtype(image.dtype, np.floating):
        raise InputError(f"{what} must be uint8 or encoded float in [0, 1], not {image.dtype}")
    if not np.isfinite(image).all():
        raise InputError(f"{what} has NaN or infinite pixels")
    # Highlights may exceed 1 (BLB); half of a picture does not.
    if np.median(image) > 1.5:
        raise InputError(f"{what} looks like 0 to 255; encoded floats are nominally in [0, 1], divide by 255")
    return quantise(image)
