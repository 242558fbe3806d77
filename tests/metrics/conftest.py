"""Pictures that metrics are tested on, made from formulas."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bokehbench import rng

# perf/ has the formulas and the calibration that these tests use too.
sys.path.insert(0, str(Path(__file__).parents[2] / "perf"))


def golden_pair(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """(prediction, target) [H, W, 3] uint8: a pattern with edges and texture, and its 5 x 5 box blur."""
    i, j, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    board = 60 * ((i // 16 + j // 16 + c) % 2)
    target = ((3 * i + 5 * j + 40 * c) // 4 + board + (i * j) % 11) % 256
    padded = np.pad(target, ((2, 2), (2, 2), (0, 0)), mode="edge")
    total = sum(padded[y : y + height, x : x + width] for y in range(5) for x in range(5))
    return ((total + 12) // 25).astype(np.uint8), target.astype(np.uint8)


@pytest.fixture(scope="session")
def golden() -> tuple[np.ndarray, np.ndarray]:
    return golden_pair(270, 384)


@pytest.fixture(scope="session")
def golden_large() -> tuple[np.ndarray, np.ndarray]:
    return golden_pair(540, 640)


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """A photograph [176, 184, 3] uint8; the smallest that every metric takes, sides not powers of two."""
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[20:196, 130:314])


@pytest.fixture(scope="session")
def distorted(photo) -> dict[str, np.ndarray]:
    """The photograph, worse in four ways."""
    import cv2

    noise = rng.stream(1, 0, "noise").normal(0.0, 8.0, photo.shape)
    return {
        "blur": cv2.GaussianBlur(photo, (0, 0), 2.0),
        "noise": np.clip(photo + noise, 0, 255).round().astype(np.uint8),
        "dark": (photo * 0.8).astype(np.uint8),
        "shift": np.roll(photo, 3, axis=1),
    }
