"""Materials and lights for the procedural scenes: node trees built from plain numbers.

A lamp that is seen is a mesh that neither lights diffuse surfaces nor is sampled (`emission`); the light it
seems to give comes from a `lamp` beside it. So a small bright thing makes no fireflies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import bpy
import numpy as np

Colour = Sequence[float]


class Shader:
    """A material under construction: `node` adds a node and links or sets its inputs."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.tree.nodes.clear()

    def node(self, kind: str, inputs: Mapping[Any, Any] | None = None, **properties: Any) -> Any:
        """Add a node; an input may be a number, a colour or another node's output socket."""
        made = self.tree.nodes.new(f"ShaderNode{kind}")
        for attribute, setting in properties.items():
            setattr(made, attribute, setting)
        for name, value in (inputs or {}).items():
            socket = made.inputs[name]
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, socket)
            else:
                wide = isinstance(value, Sequence) and len(value) == 3 and socket.type == "RGBA"
                socket.default_value = (*value, 1.0) if wide else value
        return made

    def coordinates(self, scale: Colour = (1.0, 1.0, 1.0), space: str = "Object") -> Any:
        """Texture coordinates, stretched by `scale`."""
        raw = self.node("TexCoord").outputs[space]
        return self.node("Mapping", {"Vector": raw, "Scale": tuple(scale)}).outputs["Vector"]

    def noise(self, scale: float, detail: float = 3.0, vector: Any = None, roughness: float = 0.55) -> Any:
        """Fractal noise, 0 to 1, around 0.5."""
        inputs: dict[str, Any] = {"Scale": scale, "Detail": detail, "Roughness": roughness}
        inputs["Vector"] = self.coordinates() if vector is None else vector
        return self.node("TexNoise", inputs).outputs["Fac"]

    def ramp(self, factor: Any, stops: Sequence[tuple[float, Colour]]) -> Any:
        """Colour by position."""
        made = self.node("ValToRGB", {"Fac": factor})
        elements = made.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, colour) in zip(elements, stops, strict=True):
            element.position, element.color = position, (*colour, 1.0)
        return made.outputs["Color"]

    def math(self, operation: str, a: Any, b: Any = 0.0) -> Any:
        """One arithmetic operation on numbers or sockets."""
        return self.node("Math", {0: a, 1: b}, operation=operation).outputs["Value"]

    def mix(self, factor: Any, a: Any, b: Any) -> Any:
        """Mix of two colours."""
        inputs = {"Factor": factor, "A": a, "B": b}
        made = self.node("Mix", data_type="RGBA")
        for socket in made.inputs:
            if socket.name in inputs and socket.enabled:
                value = inputs[socket.name]
                if isinstance(value, bpy.types.NodeSocket):
                    self.tree.links.new(value, socket)
                else:
                    socket.default_value = value if isinstance(value, float) else (*value, 1.0)
        return next(socket for socket in made.outputs if socket.enabled)

    def bump(self, height: Any, strength: float, distance: float = 0.02) -> Any:
        """A normal from a height."""
        inputs = {"Height": height, "Strength": strength, "Distance": distance}
        return self.node("Bump", inputs).outputs["Normal"]

    def principled(self, colour: Any, roughness: Any, **inputs: Any) -> Any:
        """The all-purpose surface; input names with `_` for spaces."""
        named = {key.replace("_", " "): value for key, value in inputs.items()}
        made = self.node("BsdfPrincipled", {"Base Color": colour, "Roughness": roughness, **named})
        return made.outputs["BSDF"]

    def done(self, surface: Any) -> Any:
        """Connect the surface; the material."""
        output = self.node("OutputMaterial")
        self.tree.links.new(surface, output.inputs["Surface"])
        return self.material


def plain(name: str, colour: Colour, roughness: float = 0.6, **inputs: Any) -> Any:
    """One colour."""
    shader = Shader(name)
    return shader.done(shader.principled(colour, roughness, **inputs))


def emission(name: str, colour: Colour, strength: float) -> Any:
    """A thing that is seen to glow and is not sampled as a light."""
    shader = Shader(name)
    material = shader.done(shader.node("Emission", {"Color": colour, "Strength": strength}).outputs[0])
    material.cycles.emission_sampling = "NONE"
    return material


def seen_only(thing: Any) -> Any:
    """Let a glowing object be seen and mirrored, but light no diffuse surface (lamps do that)."""
    thing.visible_diffuse = False
    thing.visible_shadow = False
    return thing


def lamp(name: str, place: Sequence[float], colour: Colour, watts: float, radius: float) -> Any:
    """A ball of light that is itself invisible."""
    light = bpy.data.lights.new(name, "POINT")
    light.energy, light.color, light.shadow_soft_size = watts, colour, radius
    return _place(light, place)


def panel(
    name: str,
    place: Sequence[float],
    towards: Sequence[float],
    size: tuple[float, float],
    colour: Colour,
    watts: float,
    spread: float = math.pi,
) -> Any:
    """A rectangle of light that is itself invisible."""
    from mathutils import Vector

    light = bpy.data.lights.new(name, "AREA")
    light.shape, light.size, light.size_y = "RECTANGLE", *size
    light.energy, light.color, light.spread = watts, colour, spread
    thing = _place(light, place)
    thing.rotation_euler = Vector(np.subtract(towards, place)).to_track_quat("-Z", "Y").to_euler()
    return thing


def _place(light: Any, place: Sequence[float]) -> Any:
    thing = bpy.data.objects.new(light.name, light)
    thing.location = place
    thing.visible_camera = thing.visible_glossy = False
    bpy.context.scene.collection.objects.link(thing)
    return thing


def sun(towards: Sequence[float], colour: Colour, strength: float, degrees: float) -> Any:
    """Parallel light shining along `towards`, with the angular diameter of its source."""
    from mathutils import Vector

    light = bpy.data.lights.new("sun", "SUN")
    light.energy, light.color, light.angle = strength, colour, math.radians(degrees)
    thing = bpy.data.objects.new("sun", light)
    thing.rotation_euler = Vector(towards).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(thing)
    return thing


def world_colour(scene: Any, colour: Colour, strength: float) -> None:
    """A sky of one colour."""
    world_gradient(scene, [(0.0, colour)], strength)


def world_gradient(
    scene: Any, stops: Sequence[tuple[float, Colour]], strength: float, clouds: float = 0.0
) -> None:
    """A sky by elevation: position 0 is the horizon, 1 the zenith; `clouds` disturbs the bands."""
    world = bpy.data.worlds.new("sky")
    scene.world, world.use_nodes = world, True
    # The automatic 2048 costs seconds a scene and finds nothing more in a smooth sky.
    world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", 256
    tree = world.node_tree
    tree.nodes.clear()

    def node(kind: str) -> Any:
        return tree.nodes.new(f"ShaderNode{kind}")

    output, background, ramp = node("OutputWorld"), node("Background"), node("ValToRGB")
    coordinates, split = node("TexCoord"), node("SeparateXYZ")
    tree.links.new(coordinates.outputs["Generated"], split.inputs[0])
    height = split.outputs["Z"]
    if clouds:
        stretch, noise, shift = node("Mapping"), node("TexNoise"), node("Math")
        stretch.inputs["Scale"].default_value = (2.0, 2.0, 9.0)
        noise.inputs["Scale"].default_value, noise.inputs["Detail"].default_value = 1.6, 5.0
        shift.operation = "MULTIPLY_ADD"
        shift.inputs[1].default_value = clouds
        tree.links.new(coordinates.outputs["Generated"], stretch.inputs["Vector"])
        tree.links.new(stretch.outputs[0], noise.inputs["Vector"])
        tree.links.new(noise.outputs["Fac"], shift.inputs[0])
        tree.links.new(height, shift.inputs[2])
        height = shift.outputs[0]
    tree.links.new(height, ramp.inputs["Fac"])
    elements = ramp.color_ramp.elements
    while len(elements) > len(stops):
        elements.remove(elements[-1])
    while len(elements) < len(stops):
        elements.new(0.5)
    for element, (position, colour) in zip(elements, stops, strict=True):
        element.position, element.color = position, (*colour, 1.0)
    background.inputs["Strength"].default_value = strength
    tree.links.new(ramp.outputs["Color"], background.inputs["Color"])
    tree.links.new(background.outputs[0], output.inputs["Surface"])
