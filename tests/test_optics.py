"""Claims about lenses and cameras."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bokehbench.errors import ConfigError
from bokehbench.optics import Aperture, Lens, PhysicalCamera, decode, encode, signed_defocus


def test_defocus_is_positive_in_front_of_focus_and_zero_on_it() -> None:
    lens = Lens(K=20.0, disp_focus=0.5)
    assert signed_defocus(np.array([0.0, 0.5, 1.0]), lens).tolist() == [-10.0, 0.0, 10.0]


def test_resizing_an_image_scales_its_blur() -> None:
    assert Lens(K=50.0, disp_focus=0.2).scaled(480 / 1920).K == 12.5


def test_physical_camera_and_K_agree_on_every_radius() -> None:
    camera = PhysicalCamera(focal_mm=50.0, sensor_mm=36.0, pixels=1920)
    span = (1 / 40.0, 1 / 1.5)
    K = camera.K(1.8, span)
    depth = np.array([1.5, 2.0, 7.0, 40.0])
    disparity = (1 / depth - span[0]) / (span[1] - span[0])
    lens = Lens(K=K, disp_focus=float((1 / 3.0 - span[0]) / (span[1] - span[0])))
    radius = camera.blur_radius(depth, 3.0, 1.8)
    np.testing.assert_allclose(np.abs(signed_defocus(disparity, lens)), radius, rtol=1e-12)
    assert camera.f_number(K, span) == pytest.approx(1.8)


def test_encoding_round_trips_and_keeps_highlights() -> None:
    light = np.array([0.0, 0.2, 1.0, 30.0])
    np.testing.assert_allclose(decode(encode(light, 2.2), 2.2), light)
    assert encode(np.array([-0.1]), 2.2)[0] == 0.0


def test_polygon_has_its_corners_on_the_circle_and_its_sides_at_the_apothem() -> None:
    hexagon = Aperture(blades=6)
    assert hexagon.edge(np.array([0.0]))[0] == pytest.approx(1.0)
    assert hexagon.edge(np.array([math.pi / 6]))[0] == pytest.approx(math.cos(math.pi / 6))


def test_curved_blades_and_many_blades_approach_the_disc() -> None:
    angle = np.linspace(0, 2 * math.pi, 101)
    np.testing.assert_allclose(Aperture(blades=5, curvature=1.0).edge(angle), 1.0)
    np.testing.assert_allclose(Aperture(blades=400).edge(angle), 1.0, atol=1e-4)


def test_donut_blocks_its_centre() -> None:
    s = np.array([0.0, 0.4, 0.6, 1.1])
    assert Aperture(inner=0.5).contains(s, np.zeros(4)).tolist() == [False, False, True, False]


@pytest.mark.parametrize("wrong", [{"K": -1.0}, {"K": math.nan}, {"gamma": 0.0}, {"disp_focus": math.inf}])
def test_impossible_lenses_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Lens(**{"K": 1.0, "disp_focus": 0.5, **wrong})


def test_lens_survives_json() -> None:
    lens = Lens(K=3.5, disp_focus=0.25, gamma=1.8, aperture=Aperture(blades=7, curvature=0.3, rotation=0.1))
    assert Lens.from_json(lens.to_json()) == lens
