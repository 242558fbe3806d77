"""Files whose settings move: keys, drivers and markers do not undo what a stack sets."""

import subprocess
import sys

import pytest

from bokehbench.blender import driver
from bokehbench.errors import InputError
from bokehbench.images import read_exr
from bokehbench.metrics.psnr import psnr

pytestmark = pytest.mark.blender
pytest.importorskip("bpy", reason="needs the [blender] extra")

MAKE = """
import math, os, sys
import bpy
folder = sys.argv[1]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine = "CYCLES"

def lamp(name, x, y):
    mesh = bpy.data.meshes.new(name)
    corners = [(x + s, y, z) for s in (-0.1, 0.1) for z in (-0.1, 0.1)]
    mesh.from_pydata(corners, [], [(0, 1, 3, 2)])
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    bsdf = material.node_tree.nodes["Principled BSDF"]
    bsdf.inputs["Emission Strength"].default_value = 1.0
    bsdf.inputs["Emission Color"].default_value = (1, 1, 1, 1)
    mesh.materials.append(material)
    scene.collection.objects.link(bpy.data.objects.new(name, mesh))

for number in range(5):
    lamp(f"lamp{number}", 0.5 * (number - 2), 2.0 + number)

def camera(name, x):
    thing = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    thing.location, thing.rotation_euler = (x, 0, 0), (math.pi / 2, 0, 0)
    scene.collection.objects.link(thing)
    return thing

first, second = camera("first", 0.0), camera("second", 0.4)
scene.camera = first
bpy.ops.wm.save_as_mainfile(filepath=folder + "/still.blend")

dof = first.data.dof
dof.use_dof = True
for frame, distance, stop in ((1, 3.0, 22.0), (10, 9.0, 16.0)):
    dof.focus_distance, dof.aperture_fstop = distance, stop
    dof.keyframe_insert("focus_distance", frame=frame)
    dof.keyframe_insert("aperture_fstop", frame=frame)
scene.cycles.driver_add("seed").driver.expression = "frame"
scene.cycles.film_exposure = 0.2
scene.cycles.keyframe_insert("film_exposure", frame=1)
scene.view_layers[0].cycles.use_denoising = False
scene.frame_set(1)
bpy.ops.wm.save_as_mainfile(filepath=folder + "/moving.blend")
scene.timeline_markers.new("cut", frame=1).camera = first
bpy.ops.wm.save_as_mainfile(filepath=folder + "/cut.blend")

text = bpy.data.curves.new("text", "FONT")
fonts = os.path.join(bpy.utils.resource_path("LOCAL"), "datafiles", "fonts")
font = bpy.data.fonts.load(os.path.join(fonts, "Inter.woff2"))
text.font = font
font.filepath = "//gone.ttf"
scene.collection.objects.link(bpy.data.objects.new("text", text))
bpy.ops.wm.save_as_mainfile(filepath=folder + "/no_font.blend")
sys.stdout.flush()
os._exit(0)
"""
SMALL = {"size": (64, 36), "levels": (4,), "foci": (0,), "spp": 64}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("moving")
    made = subprocess.run([sys.executable, "-c", MAKE, str(folder)], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr[-2000:]
    return folder


def pictures(report):
    """The all-in-focus image and the bokeh, red."""
    return [read_exr(report.folder / f"{name}.exr")["R"] for name in ("image", "bokeh_04_00")]


def test_what_is_keyed_or_driven_stays_as_it_is_in_its_frame(files, tmp_path):
    still = driver.render_blend(files / "still.blend", tmp_path / "a", **SMALL)
    moving = driver.render_blend(files / "moving.blend", tmp_path / "b", **SMALL)
    for one, other in zip(pictures(still), pictures(moving), strict=True):
        assert psnr(one, other) > 36.0  # same focal plane, aperture, exposure
    assert psnr(*pictures(moving)) < 30.0  # it is blurred
    # Two halves with one seed would be one picture: an error of nothing.
    assert moving.info["images"]["bokeh_04_00"]["noise_psnr"] < 60.0
    changed = " | ".join(moving.info["scene"]["changed"])
    assert "cycles.film_exposure, cycles.seed) -> as in frame 1" in changed
    assert "dof.aperture_fstop, dof.focus_distance) -> as in frame 1" in changed


def test_a_marker_does_not_take_another_camera(files, tmp_path):
    bound, asked = (
        driver.render_blend(files / "cut.blend", tmp_path / name, **SMALL, camera=camera)
        for name, camera in (("a", ""), ("b", "second"))
    )
    assert [report.info["scene"]["camera"] for report in (bound, asked)] == ["first", "second"]
    assert psnr(pictures(bound)[0], pictures(asked)[0]) < 25.0
    assert any("switch cameras: 1 -> second" in line for line in asked.info["scene"]["changed"])


def test_a_font_that_is_gone_is_refused(files, tmp_path):
    with pytest.raises(InputError, match=r"linked files are missing: .*gone\.ttf"):
        driver.render_blend(files / "no_font.blend", tmp_path, **SMALL)
