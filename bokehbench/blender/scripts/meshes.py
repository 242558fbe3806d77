"""Geometry for the procedural scenes: numpy arrays of vertices and faces, joined into few mesh objects.

Everything is in metres, z up; shapes are made around the origin and placed by `moved`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Vector = Sequence[float] | Array


@dataclass(frozen=True, eq=False)
class Shape:
    """Vertices [N, 3] and faces of one size [M, 3 or 4]."""

    vertices: Array
    faces: npt.NDArray[np.int64]

    def moved(self, offset: Vector, turn: Array | None = None, scale: float | Vector = 1.0) -> Shape:
        """Scaled, then turned by a 3 × 3 matrix, then shifted."""
        vertices = self.vertices * np.asarray(scale, np.float64)
        if turn is not None:
            vertices = vertices @ np.asarray(turn).T
        return Shape(vertices + np.asarray(offset, np.float64), self.faces)

    def copies(self, offsets: Array, turns: Array, scales: Array) -> Shape:
        """One copy per row of offsets [N, 3], turns [N, 3, 3] and scales [N], joined."""
        placed = np.einsum("nij,vj->nvi", turns, self.vertices) * scales[:, None, None] + offsets[:, None, :]
        steps = np.arange(len(offsets))[:, None, None] * len(self.vertices)
        return Shape(placed.reshape(-1, 3), (self.faces[None] + steps).reshape(-1, self.faces.shape[1]))


def join(shapes: Sequence[Shape]) -> Shape:
    """Several shapes as one; triangles become degenerate quads where both kinds meet."""
    width = max(shape.faces.shape[1] for shape in shapes)
    vertices, faces, count = [], [], 0
    for shape in shapes:
        padded = shape.faces
        if padded.shape[1] < width:
            padded = np.concatenate([padded, padded[:, -1:]], axis=1)
        vertices.append(shape.vertices)
        faces.append(padded + count)
        count += len(shape.vertices)
    return Shape(np.concatenate(vertices), np.concatenate(faces))


def add(name: str, shape: Shape | Sequence[Shape], material: Any, *, smooth: bool = False) -> Any:
    """Put a shape into the scene; the bpy object."""
    if not isinstance(shape, Shape):
        shape = join(shape)
    mesh = bpy.data.meshes.new(name)
    faces = shape.faces
    # A face whose last two corners agree is a triangle (see `join`).
    corners = np.full(len(faces), faces.shape[1])
    if faces.shape[1] == 4:
        corners[faces[:, 3] == faces[:, 2]] = 3
    loops = faces[np.arange(faces.shape[1]) < corners[:, None]]
    mesh.vertices.add(len(shape.vertices))
    mesh.vertices.foreach_set("co", shape.vertices.astype(np.float32).ravel())
    mesh.loops.add(len(loops))
    mesh.loops.foreach_set("vertex_index", loops.astype(np.int32))
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", (np.cumsum(corners) - corners).astype(np.int32))
    mesh.update(calc_edges=True)
    if smooth:
        mesh.shade_smooth()
    mesh.materials.append(material)
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def scatter(thing: Any, offsets: Array, turns: Array, scales: Array) -> None:
    """Show an object's mesh once per row of offsets [N, 3], turns [N, 3, 3] and scales [N]; itself no more.

    The copies share memory; Object Info's Random tells them apart in a material.
    """
    from mathutils import Matrix

    links = bpy.context.scene.collection.objects
    for offset, turn, scale in zip(offsets, turns, scales, strict=True):
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = turn * scale, offset
        copy = bpy.data.objects.new(thing.name, thing.data)
        copy.matrix_world = Matrix(matrix.tolist())
        links.link(copy)
    bpy.data.objects.remove(thing)


# --------------------------------------------------------------------------------------------- shapes


def box(low: Vector, high: Vector) -> Shape:
    """An axis-aligned box between two corners."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    corners = [(x, y, z) for z in (z0, z1) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
    faces = [(3, 2, 1, 0), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
    return Shape(np.array(corners, np.float64), np.array(faces))


def quad(corner: Vector, along: Vector, up: Vector) -> Shape:
    """A rectangle from a corner and two edges."""
    c, a, u = (np.asarray(v, np.float64) for v in (corner, along, up))
    return Shape(np.stack([c, c + a, c + a + u, c + u]), np.array([[0, 1, 2, 3]]))


def grid(x: Array, y: Array, z: Array) -> Shape:
    """A sheet over arrays [rows, columns] of coordinates."""
    rows, columns = x.shape
    index = np.arange(rows * columns).reshape(rows, columns)
    faces = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], axis=-1)
    return Shape(np.stack([x, y, z], axis=-1).reshape(-1, 3), faces.reshape(-1, 4))


def lathe(profile: Sequence[tuple[float, float]], sides: int = 24) -> Shape:
    """A profile of (radius, height) turned about the z axis."""
    r, h = np.array(profile, np.float64).T
    angle = np.linspace(0.0, 2.0 * math.pi, sides + 1)
    return grid(r[:, None] * np.cos(angle), r[:, None] * np.sin(angle), np.repeat(h[:, None], sides + 1, 1))


def sphere(radius: float, sides: int = 24) -> Shape:
    """A ball around the origin."""
    steps = np.linspace(-math.pi / 2, math.pi / 2, sides // 2 + 1)
    return lathe([(radius * math.cos(a), radius * math.sin(a)) for a in steps], sides)


def tube(points: Array, radii: float | Array, sides: int = 8) -> Shape:
    """A tube along a line [N, 3] with a radius per point (or one); frames are carried without twisting."""
    points = np.asarray(points, np.float64)
    radii = np.broadcast_to(np.asarray(radii, np.float64), len(points))
    tangents = np.gradient(points, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True) + 1e-12
    side = np.cross(tangents[0], (0.0, 0.0, 1.0) if abs(tangents[0][2]) < 0.9 else (1.0, 0.0, 0.0))
    angle = np.linspace(0.0, 2.0 * math.pi, sides, endpoint=False)
    rings = []
    for point, tangent, radius in zip(points, tangents, radii, strict=True):
        side = side - tangent * (side @ tangent)
        side /= np.linalg.norm(side) + 1e-12
        other = np.cross(tangent, side)
        rings.append(point + radius * (np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * other))
    vertices = np.concatenate(rings)
    index = np.arange(len(vertices)).reshape(len(points), sides)
    following = np.roll(index, -1, axis=1)
    faces = np.stack([index[:-1], following[:-1], following[1:], index[1:]], axis=-1)
    return Shape(vertices, faces.reshape(-1, 4))


def sagging(start: Vector, end: Vector, sag: float, count: int) -> Array:
    """Points [count, 3] of a hanging wire (a parabola) between two ends."""
    t = np.linspace(0.0, 1.0, count)[:, None]
    points = np.asarray(start) * (1 - t) + np.asarray(end) * t
    points[:, 2:] -= 4.0 * sag * t * (1 - t)
    return points


def rotation(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Array:
    """Turn about x, then y, then z, radians; 3 × 3."""
    cx, sx, cy, sy, cz, sz = (f(a) for a in (x, y, z) for f in (math.cos, math.sin))
    rx = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rz = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(rz @ ry @ rx)


def facing(directions: Array, roll: Array) -> Array:
    """Turns [N, 3, 3] that carry +y to `directions` [N, 3], rolled by angles [N] about it."""
    d = directions / (np.linalg.norm(directions, axis=1, keepdims=True) + 1e-12)
    up = np.where(np.abs(d[:, 2:]) < 0.95, (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    side = np.cross(d, up)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    top = np.cross(side, d)
    c, s = np.cos(roll)[:, None], np.sin(roll)[:, None]
    return np.stack([c * side + s * top, d, c * top - s * side], axis=2)


def disc(name: str, centre: Vector, radius: float, material: Any, normal: Vector) -> Any:
    """A flat disc in the scene."""
    angle = np.linspace(0.0, 2.0 * math.pi, 48, endpoint=False)
    flat = np.stack([np.cos(angle), np.zeros_like(angle), np.sin(angle)], axis=1) * radius
    turn = facing(np.array([normal], np.float64), np.zeros(1))[0]
    shape = Shape(flat, np.arange(48)[None])
    return add(name, shape.moved(centre, turn), material)


# ------------------------------------------------------------------------------------- scene and camera


def start_scene(focal_mm: float, sensor_mm: float, place: Vector, look_at: Vector) -> Any:
    """The current scene with a camera at `place`; the sensor counts along the image's width."""
    from mathutils import Vector as BlenderVector

    scene = bpy.context.scene
    camera = bpy.data.cameras.new("camera")
    camera.lens, camera.sensor_width, camera.sensor_fit = focal_mm, sensor_mm, "HORIZONTAL"
    camera.clip_start, camera.clip_end = 0.05, 5000.0
    thing = bpy.data.objects.new("camera", camera)
    thing.location = place
    thing.rotation_euler = BlenderVector(np.subtract(look_at, place)).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(thing)
    scene.camera = thing
    return scene


def text(
    name: str, body: str, material: Any, *, size: float, place: Vector, turn: Vector, **options: float
) -> Any:
    """Text with Blender's own font, upright along +x before `turn` (Euler angles); options as bpy's curve."""
    curve = bpy.data.curves.new(name, "FONT")
    curve.body, curve.size, curve.align_x = body, size, "CENTER"
    for key, value in options.items():
        setattr(curve, key, value)
    curve.materials.append(material)
    thing = bpy.data.objects.new(name, curve)
    thing.location, thing.rotation_euler = place, turn
    bpy.context.scene.collection.objects.link(thing)
    return thing
