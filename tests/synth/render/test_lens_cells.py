"""Cells carry the light of the aperture; boxes tile."""

import numpy as np
import pytest
import torch

from bokehbench.errors import ConfigError
from bokehbench.optics import Aperture
from bokehbench.synth.render.cells import lens_cells
from bokehbench.synth.render.quality import QUALITIES, Quality
from bokehbench.synth.render.torch_prefilter import box_taps

SHAPES = [
    Aperture(),
    Aperture(blades=5, rotation=0.4),
    Aperture(blades=7, curvature=0.6),
    Aperture(inner=0.5),
]


@pytest.mark.parametrize("aperture", SHAPES)
@pytest.mark.parametrize(("n", "depth"), [(1, 0), (5, 0), (12, 1), (10, 2)])
def test_cells_hold_all_light_once(aperture, n, depth):
    cells = lens_cells(aperture, n, depth)
    assert cells.weight.sum() == pytest.approx(1.0, abs=1e-12)
    assert (cells.weight > 0.0).all()
    assert np.hypot(cells.s, cells.t).max() <= 1.0
    # No cell holds more light than its area has.
    area = (2.0 / (n * 2.0**cells.level)) ** 2
    opening = area.min() if n == 1 else (area / cells.weight).min()
    assert (cells.weight <= area / opening * (1 + 1e-9)).all() or n == 1


def test_a_disc_is_balanced():
    cells = lens_cells(Aperture(), 12, 2)
    assert (cells.weight * cells.s).sum() == pytest.approx(0.0, abs=1e-12)
    second = (cells.weight * (cells.s**2 + cells.t**2)).sum()
    assert second == pytest.approx(0.5, rel=0.01)


def test_an_aperture_without_light_is_refused():
    with pytest.raises(ConfigError, match="no light"):
        lens_cells(Aperture(inner=0.9999), 5)
    with pytest.raises(ConfigError, match="at least 1"):
        lens_cells(Aperture(), 0)


def taps(h):
    m, f = box_taps(torch.tensor(float(h), dtype=torch.float64))
    return int(m), float(f)


@pytest.mark.parametrize("h", [2.0, 2.6, 3.0, 3.7, 4.0, 5.3, 8.0])
def test_boxes_h_apart_add_up_to_a_constant(h):
    m, f = taps(h)
    box = np.concatenate([[f], np.ones(2 * m + 1), [f]])
    box /= box.sum()
    at = np.arange(-m - 1, m + 2)
    x = np.linspace(0.0, 40.0, 401)
    centres = h * np.arange(-30, 60)
    hat = np.clip(1.0 - np.abs(x[:, None, None] - centres[:, None] - at), 0.0, None)
    density = h * (hat * box).sum(axis=(1, 2))
    if h % 1.0 == 0.0:
        np.testing.assert_allclose(density, 1.0, atol=1e-9)
    assert density.std() < 0.06


def test_narrow_boxes_do_nothing():
    for h in (0.0, 0.5, 1.0):
        m, f = taps(h)
        assert (m, f) == (0, 0.0)


def test_a_quality_out_of_range_is_refused():
    for wrong in ({"cell": 0.0}, {"cell": 4.0, "depth": 4}, {"cell": 4.0, "least": 0}):
        with pytest.raises(ConfigError, match="quality needs"):
            Quality(**wrong)


def test_no_cell_is_wider_than_its_quality_says():
    for quality in QUALITIES.values():
        for radius in np.linspace(0.0, 90.0, 500):
            assert quality.cell_side(radius) <= quality.widest_cell(radius) + 1e-9
