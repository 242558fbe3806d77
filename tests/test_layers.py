"""Claims about planes."""

from __future__ import annotations

import numpy as np
import pytest

from bokehbench.layers import Layer, Plane


def test_cropping_moves_the_origin() -> None:
    plane = Plane(0.001, -0.002, 0.5)
    assert plane.shifted(10, 20).disparity(3, 4) == pytest.approx(plane.disparity(13, 24))


def test_resizing_keeps_the_disparity_of_every_point() -> None:
    plane = Plane(0.001, -0.002, 0.5)
    # Half-pixel centres: the point at x of the small image is at (x + 0.5) k - 0.5 of the large one.
    x, k = np.array([0.0, 7.0]), 3.0
    np.testing.assert_allclose(
        plane.scaled(k).disparity((x + 0.5) * k - 0.5, 2.0), plane.disparity(x, (2.5) / k - 0.5)
    )


def test_layers_are_float32_rgba() -> None:
    with pytest.raises(ValueError, match="rgba"):
        Layer(np.zeros((4, 4, 3), np.float32), Plane(0, 0, 0.5))
