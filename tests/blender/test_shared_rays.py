"""Rays that images share make the picture that Cycles' own lens makes: bumps, shifted lenses, clipping.

Two renders each way: the product of two independent differences has no noise on average, only what both have
in common, which is how far the two ways are apart.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import bokehbench
from bokehbench.blender import driver
from bokehbench.blender.rays import Film
from bokehbench.records import read_json

SCRIPT = '''
import json, math, os, sys
from pathlib import Path
import bpy
import numpy as np
from bokehbench.blender import sampling
from bokehbench.blender.rays import Lens, pattern
from bokehbench.blender.scripts import camera as lenses
from bokehbench.blender.scripts.cycles import Cycles
from bokehbench.blender.scripts.raycamera import RayCamera
from bokehbench.blender.scripts.sharedrays import Optics, SharedRays
from bokehbench.blender.scripts.unfinished import Unfinished

scratch = Path(sys.argv[1])
DISTANCES, RADIUS = (12.0, 3.0), 0.02


def material(bumpy):
    """A diffuse surface, bumpy or with a pattern of light."""
    made = bpy.data.materials.new("m")
    made.use_nodes = True
    tree = made.node_tree
    tree.nodes.clear()
    add, link = (lambda kind: tree.nodes.new("ShaderNode" + kind)), tree.links.new
    out, noise, place = add("OutputMaterial"), add("TexNoise"), add("TexCoord")
    noise.inputs["Scale"].default_value = 3
    link(place.outputs["Object"], noise.inputs["Vector"])
    if bumpy:
        bump, diffuse = add("Bump"), add("BsdfDiffuse")
        bump.inputs["Distance"].default_value = 0.3
        link(noise.outputs[0], bump.inputs["Height"])
        link(bump.outputs[0], diffuse.inputs["Normal"])
        link(diffuse.outputs[0], out.inputs[0])
    else:
        light = add("Emission")
        link(noise.outputs["Color"], light.inputs["Color"])
        link(light.outputs[0], out.inputs[0])
    return made


def scene(view, size):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    made = bpy.context.scene
    bpy.ops.mesh.primitive_plane_add(size=40, location=(0, 10, -1))
    bpy.context.object.data.materials.append(material(True))
    # A wall that comes out of the picture past the camera on its left.
    bpy.ops.mesh.primitive_plane_add(size=4, location=(-0.7, 2.2, 0))
    bpy.context.object.rotation_euler = (0, math.pi / 2, math.radians(5))
    bpy.context.object.data.materials.append(material(False))
    sun = bpy.data.lights.new("sun", "SUN")
    sun.energy = 3
    light = bpy.data.objects.new("sun", sun)
    light.rotation_euler = (math.radians(65), 0, math.radians(40))
    data = bpy.data.cameras.new("camera")
    eye = bpy.data.objects.new("camera", data)
    eye.rotation_euler = (math.radians(86), 0, 0)
    for thing in (light, eye):
        made.collection.objects.link(thing)
    made.camera = eye
    data.lens, data.clip_start = 28, 0.1
    if view == "shift":
        data.sensor_fit, data.sensor_height, data.shift_x, data.shift_y = "VERTICAL", 30, 0.12, -0.08
    if view == "clip":
        data.lens, data.clip_start, data.clip_end = 14, 1.5, 60
    cycles = Cycles(made, size, scratch, denoise=False, guides=True)
    made.cycles.pixel_filter_type, made.cycles.filter_width = "BOX", 1.0
    return made, cycles


def compare(view, size):
    made, cycles = scene(view, size)
    data = made.camera.data
    physical = lenses.physical(data, *size)
    data.dof.use_dof = False
    sharp = cycles.render(64, 5).raw
    own = {}
    for focus, distance in enumerate(DISTANCES):
        lenses.focus_at(data, distance, data.lens / 1000 / (2 * RADIUS * sampling.RING_EDGES[1]))
        own[focus] = [cycles.render(48, seed).raw for seed in (1, 2)]
    optics = Optics(physical, Lens(), RADIUS, DISTANCES, size, sampling.PATTERNS[-1])
    before = [getattr(data, name) for name in ("type", "shift_x", "shift_y", "clip_start", "clip_end")]
    shared = {0: [], 1: []}
    for seed in (100, 200):
        camera = RayCamera(made, optics.film(), optics.lens, physical, scratch.parent)
        keep = lambda name: Unfinished(scratch.parent / f"{name}.npz", "test")
        rays = SharedRays(cycles, camera, optics, lambda colour, guides: colour, keep)
        images = rays.render({(0, 0): 20.0, (0, 1): 20.0}, (0, 1), lambda name: seed, lambda count: None)
        for (_, focus), _, clean in images:
            shared[focus].append(clean.image)
    after = [getattr(data, name) for name in ("type", "shift_x", "shift_y", "clip_start", "clip_end")]
    code = sampling.encoded
    apart = [
        np.mean(np.prod([code(shared[f][i]) - code(own[f][i]) for i in (0, 1)], axis=0)) for f in own
    ]
    flat = float(np.mean((code(sharp) - code(sharp).mean()) ** 2))
    return {"apart": [sampling.psnr(value) for value in apart], "contrast": flat, "restored": before == after}


def misplaced(version):
    """By how many pixels Cycles' rays miss, at most, the places on the reference plane that `pattern` has."""
    size, reference = (24, 16), 3.0
    made, cycles = scene("bump", size)
    for thing in list(made.objects):
        if thing.type != "CAMERA":
            bpy.data.objects.remove(thing)
    eye = made.camera
    eye.location, eye.rotation_euler = (0, 0, 0), (0, 0, 0)
    bpy.ops.mesh.primitive_plane_add(size=100, location=(0, 0, -reference))
    material = bpy.data.materials.new("place")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    out, light, place, shown = (
        tree.nodes.new("ShaderNode" + kind)
        for kind in ("OutputMaterial", "Emission", "NewGeometry", "VectorMath")
    )
    shown.operation = "MULTIPLY_ADD"
    shown.inputs[1].default_value, shown.inputs[2].default_value = (1, 1, 1), (8, 8, 8)
    tree.links.new(place.outputs["Position"], shown.inputs[0])
    tree.links.new(shown.outputs[0], light.inputs["Color"])
    tree.links.new(light.outputs[0], out.inputs[0])
    bpy.context.object.data.materials.append(material)
    physical = lenses.physical(eye.data, *size)
    optics = Optics(physical, Lens(), RADIUS, DISTANCES, size, version)
    camera = RayCamera(made, optics.film(), optics.lens, physical, scratch.parent)
    worst = 0.0
    for film in (0, 1, 6, 21):
        with camera:
            camera.aim((0.2, 0.4), RADIUS, reference, 12345, film, version)
            seen = cycles.render(1, 3, first=0).raw.astype(float) - 8.0
        rays = pattern(camera.film, optics.lens, (0.2, 0.4), 12345, film, version)
        x = seen[..., 0] * physical.focal_px / reference + size[0] / 2
        y = -seen[..., 1] * physical.focal_px / reference + size[1] / 2
        worst = max(worst, float(np.hypot(x - rays[..., 0], y - rays[..., 1]).max()))
    return worst


views = {"bump": (96, 54), "shift": (54, 96), "clip": (96, 54)}
result = {view: compare(view, size) for view, size in views.items()}
result["misplaced"] = [misplaced(version) for version in sampling.PATTERNS]
Path(sys.argv[1] + ".json").write_text(json.dumps(result))
os._exit(0)
'''


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    pytest.importorskip("bpy", reason="needs the [blender] extra")
    scratch = tmp_path_factory.mktemp("rays") / "render.exr"
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(scratch)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(scratch.with_name("render.exr.json").read_text())


@pytest.mark.blender
@pytest.mark.parametrize("view", ["bump", "shift", "clip"])
def test_shared_rays_make_the_picture_of_the_renderers_own_lens(views, view):
    found = views[view]
    assert found["contrast"] > 0.01, "there must be something to see"
    assert min(found["apart"]) > 36.0, found
    assert found["restored"]


@pytest.mark.blender
def test_the_cameras_shader_sends_each_ray_where_the_pattern_has_it(views):
    assert max(views["misplaced"]) < 1e-3, views["misplaced"]


WINDOW = """
import math, sys
import bpy
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
for name in ("plain", "window"):
    bpy.ops.mesh.primitive_plane_add(size=4, location=(0, 4, 0), rotation=(math.radians(70), 0, 0))
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    if name == "window":  # inside a group, as node libraries have it
        group = bpy.data.node_groups.new("inside", "ShaderNodeTree")
        group.interface.new_socket("out", in_out="OUTPUT", socket_type="NodeSocketColor")
        place, out = group.nodes.new("ShaderNodeTexCoord"), group.nodes.new("NodeGroupOutput")
        group.links.new(place.outputs["Window"], out.inputs[0])
        node = material.node_tree.nodes.new("ShaderNodeGroup")
        node.node_tree = group
        shader = material.node_tree.nodes["Principled BSDF"]
        material.node_tree.links.new(node.outputs[0], shader.inputs["Emission Color"])
        shader.inputs["Emission Strength"].default_value = 1
    bpy.context.object.data.materials.append(material)
    if name == "plain":
        eye = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        eye.rotation_euler = (math.radians(90), 0, 0)
        sun = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
        for thing in (eye, sun):
            scene.collection.objects.link(thing)
        scene.camera = eye
    bpy.ops.wm.save_as_mainfile(filepath=f"{sys.argv[1]}/{name}.blend")
"""


@pytest.mark.blender
def test_a_file_that_looks_at_the_pictures_frame_gets_rays_of_each_images_own(tmp_path):
    pytest.importorskip("bpy", reason="needs the [blender] extra")
    subprocess.run([sys.executable, "-c", WINDOW, str(tmp_path)], check=True, capture_output=True)
    for name, rays in (("plain", "shared"), ("window", "own")):
        report = driver.render_blend(
            tmp_path / f"{name}.blend", tmp_path / "out", (64, 36), levels=(0,), foci=(0,), quality=20.0
        )
        info = read_json(report.folder / "info.json")
        assert info["images"]["bokeh_00_00"]["rays"] == rays
        assert any("share no rays" in said and "window" in said for said in info["warnings"]) == (
            rays == "own"
        )


def test_no_procedural_scene_looks_at_the_pictures_frame():
    for path in (Path(bokehbench.__file__).parent / "blender" / "scripts").rglob("*.py"):
        if path.name != "blendcheck.py":
            assert '"Window"' not in path.read_text() and "adaptive_subdivision" not in path.read_text(), path


def test_quarters_of_an_image_take_random_numbers_of_their_own():
    for pixels, cells in (((480, 270), 4), ((1920, 1080), 2), ((3840, 2160), 1)):
        film = Film.of(*pixels, 0)
        assert film.cells == cells
        taken = {film.sequence(index) for index in range(64)}
        assert len(taken) == 64
        if cells == 1:  # all rays of film number n belong to quarter n mod 4
            assert all(
                len({index % 4 for index in range(64) if film.sequence(index)[0] == s}) == 1 for s in range(4)
            )
