"""Claims about openings and light, by rays (`stratified`) and by every fast path."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bokehbench.errors import ConfigError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Aperture, Lens, falloff
from bokehbench.synth.render.stratified import _light, _opening, trace_pixels

FAR, NEAR = Plane(0.0, 0.0, 0.2), Plane(0.0, 0.0, 0.8)
RADIUS, SIDE = 12.0, 41


def letter() -> np.ndarray:
    """An F: no symmetry at all."""
    picture = np.zeros((40, 40), np.uint8)
    picture[6:34, 12:18] = picture[6:12, 12:30] = picture[18:23, 12:26] = 255
    return picture


OPENINGS = {
    "disc": Aperture(),
    "triangle": Aperture(blades=3, rotation=0.3),
    "heptagon": Aperture(blades=7, curvature=0.5, rotation=0.2),
    "donut": Aperture(inner=0.5),
    "heart": Aperture(shape="heart", rotation=0.4),
    "star": Aperture(shape="star", inner=0.15),
    "clover": Aperture(shape="clover"),
    "picture": Aperture.from_image(letter(), rotation=-0.7),
    "soap": Aperture(rim=3.0, rim_power=4.0),
    "dim rim": Aperture(blades=5, rim=-1.0, rim_power=2.0),
}


def spread(
    plane: Plane, lens: Lens, at: tuple[int, int] = (20, 20), size: int = SIDE, rays: int = 48
) -> np.ndarray:
    """[size, size] what rays make of one lit pixel."""
    rgba = np.zeros((size, size, 4), np.float32)
    rgba[..., 3] = 1.0
    rgba[at[1], at[0], :3] = 1.0
    y, x = (axis.ravel() for axis in np.mgrid[0:size, 0:size])
    image = trace_pixels([Layer(rgba, plane)], lens, x, y, per_axis=rays, seed=3, size=(size, size))
    return image.reshape(size, size, 4)[..., 1].astype(np.float64)


def moments(light: np.ndarray, centre: tuple[float, float] = (20.0, 20.0)) -> np.ndarray:
    """Energy, centroid and second moments about the centre."""
    y, x = np.mgrid[0 : light.shape[0], 0 : light.shape[1]].astype(float)
    x, y = x - centre[0], y - centre[1]
    return np.array([(light * value).sum() for value in (x**0, x, y, x * x, x * y, y * y)]) / light.sum()


def lens_moments(aperture: Aperture, radius: float) -> np.ndarray:
    grid = (np.arange(801) + 0.5) / 400.5 - 1.0
    s, t = np.meshgrid(grid, grid)
    light = aperture.transmission(s, t)
    s, t = radius * s, radius * t
    return np.array([(light * value).sum() for value in (s**0, s, t, s * s, s * t, t * t)]) / light.sum()


@pytest.mark.parametrize("name", OPENINGS)
def test_a_far_light_shows_the_opening_a_near_one_shows_it_turned(name: str) -> None:
    aperture = OPENINGS[name]
    lens = Lens(RADIUS / 0.3, 0.5, aperture=aperture)
    far, near = spread(FAR, lens), spread(NEAR, lens)
    assert far.sum() == pytest.approx(1.0, abs=0.01)
    expected = lens_moments(aperture, RADIUS)
    # The bilinear hat of the lit pixel adds 1/6 to each second moment.
    expected[[3, 5]] += 1.0 / 6.0
    np.testing.assert_allclose(moments(far)[1:3], expected[1:3], atol=0.01 * RADIUS)
    np.testing.assert_allclose(moments(far)[3:], expected[3:], atol=0.012 * RADIUS**2)
    np.testing.assert_allclose(moments(near)[1:3], -expected[1:3], atol=0.01 * RADIUS)
    # Noise of either, one pixel in a few hundred rays: far below what a wrong orientation would differ by.
    assert np.abs(near - far[::-1, ::-1]).sum() < 0.25 * max(np.abs(near - far).sum(), 1.0)


@pytest.mark.parametrize("name", OPENINGS)
def test_the_rays_know_the_same_opening_as_the_cells(name: str) -> None:
    aperture = OPENINGS[name]
    points = np.random.Generator(np.random.Philox(4)).uniform(-1.1, 1.1, (2000, 2))
    opening = _opening(aperture)
    rays = np.array([_light(s, t, *opening) for s, t in points])
    np.testing.assert_allclose(rays, aperture.transmission(points[:, 0], points[:, 1]), atol=1e-12)


def test_a_shape_touches_the_unit_circle_and_never_crosses_it() -> None:
    angle = np.linspace(0.0, 2.0 * math.pi, 7201)
    for name in ("heart", "star", "clover"):
        edge = Aperture(shape=name).edge(angle)
        assert edge.max() == pytest.approx(1.0, abs=1e-3)
        assert edge.min() > 0.1
    square = Aperture.from_image(np.full((50, 50), 255, np.uint8))
    assert square.transmission(0.66, 0.66) == pytest.approx(1.0)
    assert square.transmission(0.76, 0.0) == 0.0


def test_a_picture_of_a_disc_is_a_disc_at_any_size_and_place_in_its_frame() -> None:
    grid = np.linspace(-1.0, 1.0, 201)
    s, t = np.meshgrid(grid, grid)
    disc = Aperture().transmission(s, t)
    for side, radius in ((60, 25.0), (400, 120.0), (1500, 700.0)):
        y, x = np.mgrid[0:side, 0:side] - (side - 1) / 2.0
        picture = (np.hypot(x, y) <= radius).astype(np.float32)
        aperture = Aperture.from_image(picture)
        assert np.abs(aperture.transmission(s, t) - disc).mean() < 0.04
        assert Aperture.from_json(aperture.to_json()) == aperture


def test_colour_and_alpha_of_a_picture_are_light() -> None:
    grey = np.full((32, 32), 0.5, np.float32)
    colour = np.dstack([grey, grey, grey, np.ones_like(grey)])
    colour[:, 16:, 3] = 0.5
    light = Aperture.from_image(colour).transmission(np.array([-0.4, 0.4]), np.zeros(2))
    assert light[1] / light[0] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("vignette", ["normalise", "physical"])
def test_a_cat_eye_cuts_the_corners_light_and_darkens_only_where_asked(vignette: str) -> None:
    size = (90, 60)
    lens = Lens(20.0, 0.5, aperture=Aperture(cat_eye=0.8), vignette=vignette)
    field = np.full((160, 190, 4), 1.0, np.float32)
    x, y = np.array([0, 89, 44, 0, 20]), np.array([0, 59, 29, 59, 30])
    image = trace_pixels([Layer(field, FAR, -50, -50)], lens, x, y, per_axis=128, seed=1, size=size)
    np.testing.assert_allclose(image[:, 3], 1.0, atol=1e-6)
    dark = falloff(lens, size)
    expected = np.ones(len(x)) if dark is None else dark[y, x]
    np.testing.assert_allclose(image[:, 0], expected, atol=4e-3)
    if dark is not None:
        # Two unit discs d apart; the corner of the frame lies half a pixel outside the corner pixel's centre.
        for row, column, place in ((0, 0, (44.5, 29.5)), (29, 44, (0.5, 0.5))):
            d = 0.8 * math.hypot(*place) / math.hypot(45.0, 30.0)
            share = 2.0 / math.pi * (math.acos(d / 2.0) - d / 2.0 * math.sqrt(1.0 - d * d / 4.0))
            assert dark[row, column] == pytest.approx(share, abs=1e-3)


def test_what_a_cat_eye_leaves_lies_outwards_behind_the_focal_plane_and_inwards_before_it() -> None:
    lens = Lens(RADIUS / 0.3, 0.5, aperture=Aperture(cat_eye=0.9))
    at, size = (85, 50), 101  # right of the middle
    far, near = (spread(plane, lens, at, size, rays=20) for plane in (FAR, NEAR))
    assert moments(far, at)[1] > 1.0
    assert moments(near, at)[1] < -1.0
    assert abs(moments(far, at)[2]) < 0.1


def test_cos4_falls_with_the_field_angle() -> None:
    lens = Lens(0.0, 0.5, vignette="physical", cos4=math.tan(math.radians(30.0)))
    dark = falloff(lens, (1001, 1001))
    assert dark is not None
    assert dark[500, 500] == pytest.approx(1.0, abs=1e-6)
    assert dark[0, 0] == pytest.approx(math.cos(math.radians(30.0)) ** 4, rel=5e-3)


def test_a_channel_is_sharp_where_its_own_focal_plane_lies() -> None:
    lens = Lens(40.0, 0.5, focus_shift=(0.3, 0.0, -0.3))
    y, x = (axis.ravel() for axis in np.mgrid[0:SIDE, 0:SIDE])
    rgba = np.zeros((SIDE, SIDE, 4), np.float32)
    rgba[..., 3] = 1.0
    rgba[20, 20, :3] = 1.0
    peak = [
        trace_pixels([Layer(rgba, plane)], lens, x, y, per_axis=16, seed=3)[:, :3].max(axis=0)
        for plane in (NEAR, FAR)
    ]
    assert peak[0][0] == pytest.approx(1.0)  # > 0 is nearer: red is focused on the near plane
    assert peak[1][2] == pytest.approx(1.0)
    assert max(peak[0][1:].max(), peak[1][:2].max()) < 0.02


def test_fields_that_came_later_are_left_out_of_json_at_their_defaults() -> None:
    """Stored JSON, and the hashes of the sets it lies in, stay what they were."""
    assert Lens(3.0, 0.2).to_json() == {
        "K": 3.0,
        "disp_focus": 0.2,
        "gamma": 2.2,
        "aperture": {"blades": 0, "curvature": 0.0, "rotation": 0.0, "inner": 0.0},
    }
    for aperture in OPENINGS.values():
        lens = Lens(2.0, 0.1, 1.8, aperture, "physical", 0.3, (0.01, 0.0, -0.02))
        assert Lens.from_json(lens.to_json()) == lens
        assert hash(Lens.from_json(lens.to_json())) == hash(lens)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"shape": "hart"}, "heart, star, clover"),
        ({"shape": "png:@@"}, "not base64"),
        ({"shape": "png:aGVsbG8="}, "not an 8-bit grey PNG"),
        ({"shape": "heart", "blades": 5}, "not both"),
        ({"rim": -1.5}, "rim"),
        ({"rim": 1.0, "rim_power": 0.0}, "rim_power"),
        ({"cat_eye": 1.5}, "cat_eye"),
        ({"rotation": math.nan}, "rotation"),
    ],
)
def test_impossible_openings_are_refused_in_one_line(wrong: dict, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        Aperture(**wrong)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"vignette": "some"}, "normalise, physical"),
        ({"cos4": 0.3}, "needs vignette"),
        ({"focus_shift": (0.0, 1.0)}, "3 finite"),
        ({"focus_shift": (0.0, math.inf, 0.0)}, "3 finite"),
    ],
)
def test_impossible_light_is_refused(wrong: dict, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Lens(1.0, 0.5, **wrong)


def test_json_with_unknown_fields_is_refused() -> None:
    with pytest.raises(ConfigError, match="no field 'blade'"):
        Lens.from_json({"K": 1.0, "disp_focus": 0.0, "aperture": {"blade": 5}})
    with pytest.raises(ConfigError, match="no field 'focus'"):
        Lens.from_json({"K": 1.0, "disp_focus": 0.0, "focus": 5})


@pytest.mark.parametrize(
    "picture", [np.zeros((9, 9)), np.full((9, 9), np.nan), np.ones((4, 4, 7)), np.ones(5)]
)
def test_pictures_without_light_or_shape_are_refused(picture: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="aperture's picture"):
        Aperture.from_image(picture)


def test_rays_need_to_know_where_the_middle_is() -> None:
    lens = Lens(5.0, 0.5, aperture=Aperture(cat_eye=0.4))
    layer = Layer(np.ones((8, 8, 4), np.float32), FAR)
    with pytest.raises(ConfigError, match="needs its size"):
        trace_pixels([layer], lens, np.array([3]), np.array([3]), per_axis=4, seed=0)
