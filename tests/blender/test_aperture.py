"""The lens opening that Cycles uses is the one that info.json tells renderers."""

import numpy as np
import pytest

from bokehbench.benchmarks.blb import BLBScene
from bokehbench.blender import driver, plan
from bokehbench.blender.requests import scene_requests
from bokehbench.errors import ConfigError
from bokehbench.images import read_exr_rgb
from bokehbench.records import read_json


def moments(light, x, y):
    """Mean of (x + iy)³, x² and y² about the centroid: orientation of a triangle, and both widths."""
    light = light / light.sum()
    x, y = x - (light * x).sum(), y - (light * y).sum()
    return (light * (x + 1j * y) ** 3).sum(), (light * x**2).sum(), (light * y**2).sum()


def of_aperture(aperture):
    t, s = (np.indices((512, 512)) + 0.5) / 256 - 1
    return moments(aperture.transmission(s, t), s, t)


def of_light(image, light, focal_px):
    height, width = image.shape
    x, y = (focal_px * tangent for tangent in light["tangent"])
    column, row = round(width / 2 - 0.5 + x), round(height / 2 - 0.5 + y)
    part = image[max(0, row - 20) : row + 21, column - 20 : column + 21]
    y, x = np.indices(part.shape)
    return moments(part, x, y)


@pytest.mark.blender
def test_a_far_light_shows_the_opening_and_a_near_one_turned_by_180_degrees(tmp_path):
    pytest.importorskip("bpy", reason="needs the [blender] extra")
    lens = {"blades": 3, "rotation": 0.4, "ratio": 1.5, "focus_mode": plan.parse_focus_mode("inf,1.6")}
    (report,) = driver.render_scenes(["point_lights"], tmp_path, (320, 180), (4,), (0, 1), 256, **lens)
    scene = BLBScene.load(report.folder)
    info = read_json(report.folder / "info.json")
    sharp = read_exr_rgb(report.folder / "image.exr").mean(axis=2)
    seen = set()
    for focus in (0, 1):
        case = scene.lens(4, focus)
        corner, wide, high = of_aperture(case.aperture)
        assert high / wide == pytest.approx(1.5**2, rel=0.01)
        image = read_exr_rgb(scene.path(4, focus)).mean(axis=2)
        for light in info["scene"]["lights"]:
            low, top = scene.disparity_range
            S = case.K * ((1 / light["depth"] - low) / (top - low) - case.disp_focus)
            if abs(S) < 5.0:
                continue
            found = of_light(image, light, info["camera"]["focal_px"])
            still = of_light(sharp, light, info["camera"]["focal_px"])
            # Near (S > 0): turned, which changes the sign of a third moment.
            assert abs((found[0] - still[0]) / (-(S**3)) - corner) < 0.2 * abs(corner)
            assert (found[1] - still[1]) / S**2 == pytest.approx(wide, rel=0.08)
            assert (found[2] - still[2]) / S**2 == pytest.approx(high, rel=0.08)
            seen.add(S > 0)
    assert seen == {True, False}


def test_a_narrow_opening_is_as_high_as_its_round_one_and_narrower_by_the_ratio():
    (round_one,) = scene_requests(["thicket"])
    (narrow,) = scene_requests(["thicket"], ratio=2.0)
    edge = np.linspace(0.0, 1.0, 2001)
    reach = [
        [
            np.flatnonzero(a.transmission(*point) > 0.5).max() / 2000
            for point in ((edge, 0 * edge), (0 * edge, edge))
        ]
        for a in (round_one.aperture(), narrow.aperture())
    ]
    np.testing.assert_allclose(reach, [[1.0, 1.0], [0.5, 1.0]], atol=0.01)


@pytest.mark.parametrize("lens", [{"blades": 2}, {"blades": 99}, {"ratio": 0.5}, {"focus_mode": "inf,3"}])
def test_what_no_lens_has_is_one_line(lens):
    with pytest.raises(ConfigError):
        scene_requests(["thicket"], foci=(0, 9), **lens)
