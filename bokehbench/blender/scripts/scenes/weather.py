"""Open air for the procedural scenes: a sky with lit clouds, and haze that grows with distance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy

from bokehbench.blender.scripts import materials
from bokehbench.blender.scripts.materials import Colour


@dataclass(frozen=True)
class Haze:
    """Air: its colour (radiance) and the distance in metres over which 63 % of a surface's light is lost."""

    colour: tuple[float, float, float]
    distance: float

    def over(self, shader: materials.Shader, surface: Any) -> Any:
        """Finish a material with the light that the air adds by distance."""
        far = shader.node("CameraData").outputs["View Z Depth"]
        clear = shader.math("POWER", math.exp(-1.0 / self.distance), far)
        air = shader.node("Emission", {"Color": self.colour, "Strength": 1.0}).outputs[0]
        material = shader.done(shader.node("MixShader", {0: clear, 1: air, 2: surface}).outputs[0])
        material.cycles.emission_sampling = "NONE"
        return material


@dataclass(frozen=True)
class Clouds:
    """A layer of clouds.

    Attributes:
        cover: share of the noise that is cloud; 0.5 covers about half of the sky.
        size: of the clouds; 1 is cumulus over a landscape.
        lit, shaded: radiance of their sunny and their dark sides.
        shift: which clouds, any number.
        sunward: direction (x, y) of the sun as seen from above.
    """

    cover: float = 0.5
    size: float = 1.0
    lit: Colour = (1.0, 0.97, 0.92)
    shaded: Colour = (0.52, 0.56, 0.64)
    shift: float = 0.0
    sunward: tuple[float, float] = (-1.0, 0.3)


class _Sky(materials.Shader):
    """The world's node tree, built with the same words as a material."""

    def __init__(self, scene: Any) -> None:
        world = bpy.data.worlds.new("sky")
        scene.world, world.use_nodes = world, True
        # The automatic 2048 costs seconds a scene and finds nothing more in a smooth sky.
        world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", 256
        self.tree = world.node_tree
        self.tree.nodes.clear()

    def finish(self, colour: Any, strength: float) -> None:
        background = self.node("Background", {"Color": colour, "Strength": strength}).outputs[0]
        self.node("OutputWorld", {"Surface": background})


def cloudy_sky(scene: Any, stops: Sequence[tuple[float, Colour]], strength: float, clouds: Clouds) -> None:
    """A sky by elevation (position 0 is the horizon, 1 the zenith) behind a layer of clouds.

    The layer is flat and far above, so that clouds shrink and flatten towards the horizon; a cloud is light
    where it thins out towards the sun.
    """
    sky = _Sky(scene)
    direction = sky.node("TexCoord").outputs["Generated"]
    split = sky.node("SeparateXYZ", {0: direction})
    up = sky.math("MAXIMUM", split.outputs["Z"], 0.0)
    clear = sky.ramp(up, stops)
    layer = sky.math("ADD", up, 0.10)
    over = [sky.math("DIVIDE", split.outputs[axis], layer) for axis in "XY"]

    def density(offset: float) -> Any:
        x, y = (sky.math("ADD", p, offset * s) for p, s in zip(over, clouds.sunward, strict=True))
        where = sky.node("CombineXYZ", {0: x, 1: y, 2: clouds.shift}).outputs[0]
        return sky.noise(0.55 / clouds.size, 9.0, where, 0.56)

    here = density(0.0)
    edge = 0.66 - 0.30 * clouds.cover
    body = sky.ramp(here, [(edge, (0, 0, 0)), (edge + 0.045, (0.75,) * 3), (edge + 0.13, (1, 1, 1))])
    thinner = sky.math("MULTIPLY", sky.math("SUBTRACT", here, density(0.16 * clouds.size)), 4.5)
    thick = sky.math("MULTIPLY", sky.math("SUBTRACT", here, edge), 2.2)
    light = sky.math("SUBTRACT", sky.math("ADD", thinner, 0.72), thick)
    cloud = sky.ramp(light, [(0.1, clouds.shaded), (0.75, clouds.lit)])
    # In the last degrees above the horizon the air hides them.
    low = sky.ramp(up, [(0.0, (0.12,) * 3), (0.09, (1, 1, 1))])
    sky.finish(sky.mix(sky.math("MULTIPLY", body, low), clear, cloud), strength)
