"""Files of users: scripts stay off, the camera's view is rendered exactly, what cannot work is refused."""

import subprocess
import sys

import numpy as np
import pytest

from bokehbench.blender import driver
from bokehbench.errors import InputError
from bokehbench.images import read_exr

pytestmark = pytest.mark.blender
pytest.importorskip("bpy", reason="needs the [blender] extra")

MAKE = """
import math, os, sys
import bpy
folder, sentinel = sys.argv[1:]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
bpy.ops.wm.save_as_mainfile(filepath=folder + "/no_camera.blend")

# z = 2 / (1 - 0.5 x / z): a wall that runs away to the right of a camera at the origin looking along +y.
corners = [(t * z, z, h) for t, z in ((-0.6, 2 / 1.3), (1.0, 4.0)) for h in (-3.0, 3.0)]
mesh = bpy.data.meshes.new("wall")
mesh.from_pydata(corners, [], [(0, 1, 3, 2)])
wall = bpy.data.objects.new("wall", mesh)
camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
camera.rotation_euler = (math.pi / 2, 0, 0)
sun = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
sun.rotation_euler = (math.pi / 2, 0, 0)
for thing in (wall, camera, sun):
    scene.collection.objects.link(thing)
scene.camera = camera
camera.data.lens, camera.data.sensor_width = 50, 36
camera.data.dof.use_dof, camera.data.dof.aperture_blades = True, 5
scene.render.engine = "BLENDER_EEVEE_NEXT"
scene.render.use_border, scene.render.film_transparent, scene.render.resolution_percentage = True, True, 50
scene.view_settings.exposure = 2.0

text = bpy.data.texts.new("run_me.py")
text.write(f"open({sentinel!r}, 'a').write('script ')")
text.use_module = True
wall["trap"] = 0.0
driver = wall.driver_add('["trap"]').driver
driver.type = "SCRIPTED"
driver.expression = f"__import__('os').system('echo driver >> {sentinel}') + 0.0"
bpy.ops.wm.save_as_mainfile(filepath=folder + "/trap.blend")

# A file with everything that could change the picture, and textures that moved away.
camera.data.dof.focus_object, camera.data.dof.aperture_fstop = wall, 1.2
render = scene.render
render.engine = "CYCLES"
render.use_motion_blur = render.use_multiview = render.use_stamp = render.use_simplify = True
render.use_crop_to_border, render.pixel_aspect_x, render.pixel_aspect_y = True, 2.0, 1.0
render.border_max_x, render.use_freestyle = 0.3, True
scene.cycles.shading_system, scene.cycles.time_limit = True, 0.01
scene.use_nodes = True
tree = scene.node_tree
out = tree.nodes.new("CompositorNodeOutputFile")
out.base_path = folder + "/compositor_wrote"
tree.links.new(tree.nodes["Render Layers"].outputs[0], out.inputs[0])
tree.links.new(tree.nodes["Render Layers"].outputs[0], tree.nodes.new("CompositorNodeInvert").inputs[1])
module = scene.view_layers[0].freestyle_settings.modules.new()
module.script = text
scene.view_layers[0].freestyle_settings.mode = "SCRIPT"
paint = bpy.data.images.new("paint", 4, 4)
paint.pixels = [0.5, 0.5, 0.5, 1.0] * 16
paint.filepath_raw, paint.file_format = folder + "/moved/Paint.PNG", "PNG"
paint.save()
paint.source, paint.filepath = "FILE", "C:\\\\old\\\\paint.png"
material = bpy.data.materials.new("painted")
material.use_nodes = True
node = material.node_tree.nodes.new("ShaderNodeTexImage")
node.image = paint
material.node_tree.links.new(node.outputs[0], material.node_tree.nodes["Principled BSDF"].inputs[0])
wall.data.materials.append(material)
layers = scene.view_layers.new("second")
layers.material_override = bpy.data.materials.new("override")
bpy.ops.wm.save_as_mainfile(filepath=folder + "/mess.blend")
wall.data.materials.clear()
scene.use_nodes = False
bpy.data.images.remove(paint)

image = bpy.data.images.new("paint", 4, 4)
image.source, image.filepath, image.use_fake_user = "FILE", "//nowhere.png", True
camera.data.type = "PERSP"
bpy.ops.wm.save_as_mainfile(filepath=folder + "/no_texture.blend")
camera.data.type = "ORTHO"
bpy.data.images.remove(image)
bpy.ops.wm.save_as_mainfile(filepath=folder + "/ortho.blend")
if os.path.exists(sentinel):
    os.remove(sentinel)
# The control: allowed to, the file does run what it carries.
bpy.ops.wm.open_mainfile(filepath=folder + "/trap.blend", use_scripts=True)
bpy.context.view_layer.update()
sys.stdout.flush()
os._exit(0 if os.path.exists(sentinel) else 7)
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blend")
    sentinel = folder / "it_ran"
    made = subprocess.run(
        [sys.executable, "-c", MAKE, str(folder), str(sentinel)], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr[-2000:]
    sentinel.unlink()
    (folder / "garbage.blend").write_bytes(b"BLENDER-v405" + bytes(range(256)) * 8)
    return folder, sentinel


def test_scripts_and_drivers_stay_off_and_the_view_is_the_cameras(files, tmp_path):
    folder, sentinel = files
    report = driver.render_blend(folder / "trap.blend", tmp_path, (96, 54), levels=(4,), foci=(0,), spp=8)
    assert not sentinel.exists()
    assert any("Cycles" in warning for warning in report.warnings)
    depth = read_exr(report.folder / "depth.exr")["R"]
    # Pixel centres of the rendered size; 50 mm over 36 mm on 96 pixels.
    slope = (np.arange(96) - 47.5) / (50 / 36 * 96)
    np.testing.assert_allclose(depth, np.broadcast_to(2 / (1 - 0.5 * slope), depth.shape), rtol=1e-5)
    # The exposure puts the brightest 2 % of the picture at 1.
    assert 0.9 < np.quantile(read_exr(report.folder / "image.exr")["R"], 0.98) < 1.1


def test_whatever_a_file_asks_for_the_cameras_plain_picture_comes_and_what_was_changed_is_said(
    files, tmp_path
):
    folder, sentinel = files
    small = {"size": (96, 54), "levels": (4,), "foci": (0,), "spp": 4}
    with pytest.raises(InputError, match=r"paint\.png.*--texture-dir"):
        driver.render_blend(folder / "mess.blend", tmp_path, **small)
    report = driver.render_blend(
        folder / "mess.blend", tmp_path, **small, texture_dir=str(folder / "moved"), view_layer="second"
    )
    assert not sentinel.exists() and not (folder / "compositor_wrote").exists()
    depth = read_exr(report.folder / "depth.exr")["R"]
    slope = (np.arange(96) - 47.5) / (50 / 36 * 96)
    np.testing.assert_allclose(depth, np.broadcast_to(2 / (1 - 0.5 * slope), depth.shape), rtol=1e-5)
    changed = " | ".join(report.info["scene"]["changed"])
    for what in (
        "texture: paint.png found",
        "compositing: ",
        "pixel aspect: 2:1",
        "use_motion_blur: on -> off",
        "use_multiview",
        "use_freestyle",
        "use_crop_to_border",
        "shading_system",
        "time_limit",
        "material override: override -> none",
        "f/1.2 at wall, 5 blades",
        "+2 stops",
    ):
        assert what in changed, changed
    assert report.info["scene"]["view_layer"] == "second"
    assert list(report.info["scene"]["textures"]) == ["Paint.PNG"]
    assert any("Freestyle modules" in warning for warning in report.warnings)
    assert any("drivers" in warning for warning in report.warnings)


@pytest.mark.parametrize(
    "name, reason",
    [
        ("garbage", "cannot open"),
        ("no_camera", "no active camera"),
        ("ortho", "ortho"),
        ("no_texture", r"nowhere\.png.*--allow-missing"),
    ],
)
def test_what_cannot_be_rendered_is_refused_with_the_reason(files, tmp_path, name, reason):
    with pytest.raises(InputError, match=reason):
        driver.render_blend(files[0] / f"{name}.blend", tmp_path, (64, 36), levels=(0,), foci=(0,), spp=2)
    assert not any(tmp_path.iterdir())
