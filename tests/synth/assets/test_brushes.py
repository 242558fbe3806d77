"""Strokes cover what geometry says, colours stay premultiplied, noise is reproducible."""

import numpy as np
import pytest

from bokehbench.rng import stream
from bokehbench.synth.assets.brushes import Strokes, average_down, blank, colour, fbm, over, smooth_path


@pytest.mark.parametrize("radius", [0.12, 0.5, 1.7, 4.0])
def test_stroke_covers_its_area(radius):
    raster = blank(160, 160)
    strokes = Strokes()
    strokes.add([[20.3, 30.7], [140.1, 121.2]], radius, (1.0, 1.0, 1.0))
    strokes.draw(raster)
    length = np.hypot(140.1 - 20.3, 121.2 - 30.7)
    expected = 2 * radius * length + np.pi * radius**2
    assert raster[..., 3].sum() == pytest.approx(expected, rel=0.06, abs=2.0)


def test_joints_of_thin_strokes_make_no_beads():
    """Coverage of a polyline equals that of the same line in one piece, although segments overlap."""
    whole, pieces = blank(80, 40), blank(80, 40)
    for raster, count in ((whole, 2), (pieces, 9)):
        strokes = Strokes()
        t = np.linspace(0.0, 1.0, count)
        strokes.add(np.stack([10 + 60 * t, 10.2 + 20 * t], axis=1), 0.3, (0.5, 0.5, 0.5))
        strokes.draw(raster)
    np.testing.assert_allclose(whole, pieces, atol=2e-3)


def test_strokes_stay_premultiplied_and_inside_the_raster():
    rng = stream(1, 0, "strokes")
    raster = blank(64, 48)
    strokes = Strokes(roundness=0.8)
    for _ in range(60):
        strokes.add(rng.uniform(-40, 100, (5, 2)), rng.uniform(0.1, 3, 5), (0.7, 0.7, 0.7))
    strokes.draw(raster)
    assert raster[..., 3].max() <= 1.0 + 1e-6
    assert (raster[..., :3] <= raster[..., 3:4] * 0.7 * 1.2 + 1e-5).all()


def test_over_is_the_composite_and_cuts_what_sticks_out():
    raster = np.full((10, 10, 4), 0.5, np.float32)
    patch = np.full((6, 6, 4), 0.25, np.float32)
    over(raster, patch, 7, -3)
    assert raster[0, 8] == pytest.approx(0.5 * 0.75 + 0.25)
    assert raster[5, 5] == pytest.approx(0.5)


def test_average_down_keeps_the_mean():
    raster = stream(3, 0, "mean").random((32, 48, 4)).astype(np.float32)
    small = average_down(raster, 4)
    assert small.shape == (8, 12, 4)
    np.testing.assert_allclose(small.mean((0, 1)), raster.mean((0, 1)), rtol=1e-5)


def test_noise_has_unit_scale_and_depends_on_the_stream_alone():
    first, again = (fbm(stream(5, 0, "noise"), (200, 300), 24.0) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (200, 300)
    assert 0.6 < first.std() < 1.4


def test_smooth_path_runs_through_its_knots():
    knots = [(0, 0), (10, 4), (20, -3), (30, 7)]
    path = smooth_path(knots, 301)
    for knot in knots:
        assert np.hypot(*(path - knot).T).min() < 0.1


def test_colour_is_linear_light():
    assert colour("#ffffff") == pytest.approx(1.0)
    assert colour("#808080")[0] == pytest.approx((128 / 255) ** 2.2, rel=1e-5)
