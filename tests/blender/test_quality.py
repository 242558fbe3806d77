"""Images of a stated quality: the same bytes whatever else is rendered, and as clean as was asked for."""

import pytest

from bokehbench.blender import driver
from bokehbench.records import read_json, sha256_file


@pytest.mark.blender
def test_an_image_of_shared_rays_does_not_depend_on_which_others_share_them(tmp_path):
    pytest.importorskip("bpy", reason="needs the [blender] extra")
    size = (96, 54)
    many, one = tmp_path / "many", tmp_path / "one"
    driver.render_scenes(["point_lights"], many, size, (1, 4), (0, 9), quality=30.0)
    driver.render_scenes(["point_lights"], one, size, (4,), (9,), quality=30.0)
    name = "bokeh_04_09.exr"
    assert sha256_file(many / "point_lights" / name) == sha256_file(one / "point_lights" / name)
    # A lost image is rendered again to the same bytes.
    known = sha256_file(many / "point_lights" / "bokeh_01_00.exr")
    (many / "point_lights" / "bokeh_01_00.exr").unlink()
    (report,) = driver.render_scenes(["point_lights"], many, size, (1, 4), (0, 9), quality=30.0)
    assert report.rendered == ("bokeh_01_00",)
    assert sha256_file(many / "point_lights" / "bokeh_01_00.exr") == known
    info = read_json(many / "point_lights" / "info.json")
    assert info["settings"]["quality"] == 30.0
    assert min(image["noise_psnr"] for image in info["images"].values()) >= 30.0
    assert {image["rays"] for image in info["images"].values()} == {"own", "shared"}


@pytest.mark.blender
def test_levels_may_differ_in_quality(tmp_path):
    """Level 1 is cleaner than level 5 has to be, which stops earlier."""
    pytest.importorskip("bpy", reason="needs the [blender] extra")
    (report,) = driver.render_scenes(
        ["point_lights"], tmp_path, (64, 36), (0, 4), (0,), quality=30.0, level_quality=(42, 39, 36, 33, 30)
    )
    images = report.info["images"]
    assert images["bokeh_00_00"]["noise_psnr"] >= 42.0
    assert images["bokeh_04_00"]["noise_psnr"] >= 30.0
    (even,) = driver.render_scenes(["point_lights"], tmp_path / "even", (64, 36), (0, 4), (0,), quality=42.0)
    assert images["bokeh_00_00"]["sha256"] == even.info["images"]["bokeh_00_00"]["sha256"]
    assert images["bokeh_04_00"]["spp"] < even.info["images"]["bokeh_04_00"]["spp"]
