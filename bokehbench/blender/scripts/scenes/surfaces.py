"""Weathered everyday surfaces: wood, cloth, paper, paint, metal, glazed clay; procedural, in metres."""

from __future__ import annotations

import math
from typing import Any

from bokehbench.blender.scripts.materials import Shader

Colour = tuple[float, float, float]


def times(colour: Colour, factor: float) -> Colour:
    """A colour, brighter or darker."""
    r, g, b = colour
    return (r * factor, g * factor, b * factor)


def wood(
    name: str,
    colour: Colour,
    *,
    along: str = "X",
    worn: float = 0.4,
    roughness: float = 0.62,
    fine: float = 1.0,
    weathered: Colour | None = None,
    bump: float = 0.5,
) -> Any:
    """Boards: grain along an axis, knots, stains, and another piece of the tree for every board.

    Args:
        name: of the material.
        colour: of fresh wood.
        along: axis of the grain, X, Y or Z in object coordinates.
        worn: 0 to 1, how much of the surface is bleached or stained.
        roughness: of the surface.
        fine: scale of the grain; 1 suits planks, 3 a pencil or a box.
        weathered: colour of bleached places; grey where it is not given.
        bump: strength of the relief.
    """
    shader = Shader(name)
    where = _own_piece(shader)
    stretch = {"X": (0.08, 1.0, 1.0), "Y": (1.0, 0.08, 1.0), "Z": (1.0, 1.0, 0.08)}[along]
    stretched = shader.node("VectorMath", {0: where, 1: stretch}, operation="MULTIPLY").outputs[0]
    bent = shader.node("TexNoise", {"Vector": stretched, "Scale": 9.0 * fine, "Detail": 2.0})
    shift = shader.node("VectorMath", {0: bent.outputs["Color"], 1: (0.05, 0.05, 0.05)}, operation="MULTIPLY")
    warped = shader.node("VectorMath", {0: stretched, 1: shift.outputs[0]}, operation="ADD").outputs[0]
    rings = shader.noise(42.0 * fine, 5.0, warped, 0.62)
    fibre = shader.noise(330.0 * fine, 2.0, stretched, 0.6)
    grain = shader.math("ADD", shader.math("MULTIPLY", rings, 0.72), shader.math("MULTIPLY", fibre, 0.28))
    fresh = shader.ramp(grain, [(0.34, times(colour, 0.34)), (0.5, colour), (0.66, times(colour, 1.45))])
    pale = weathered or (0.30, 0.285, 0.26)
    old = shader.ramp(grain, [(0.34, times(pale, 0.3)), (0.5, pale), (0.68, times(pale, 1.35))])
    patches = shader.noise(3.1 * fine, 5.0, where, 0.62)
    bleached = shader.ramp(patches, [(0.72 - 0.5 * worn, (0, 0, 0)), (0.90 - 0.5 * worn, (1, 1, 1))])
    surface = shader.mix(bleached, fresh, old)
    stains = shader.ramp(shader.noise(1.7 * fine, 6.0, where, 0.7), [(0.30, (0, 0, 0)), (0.44, (1, 1, 1))])
    stained = shader.mix(stains, times(colour, 0.22), surface)
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    shade = shader.math("MULTIPLY_ADD", island, 0.55)
    shade.node.inputs[2].default_value = 0.70
    toned = shader.node("MixRGB", {0: 1.0, 1: stained, 2: shade}, blend_type="MULTIPLY").outputs[0]
    rough = shader.math("ADD", roughness - 0.12, shader.math("MULTIPLY", patches, 0.24))
    relief = shader.bump(grain, bump, 0.004 / fine)
    return shader.done(shader.principled(toned, rough, Normal=relief, Specular_IOR_Level=0.4))


def _own_piece(shader: Shader) -> Any:
    """Object coordinates, shifted far away for every connected piece of the mesh."""
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    spread = shader.node("CombineXYZ", {0: shader.math("MULTIPLY", island, 37.0), 1: island})
    apart = shader.node("VectorMath", {0: spread.outputs[0], 1: (1.0, 53.0, 1.0)}, operation="MULTIPLY")
    place = shader.coordinates()
    return shader.node("VectorMath", {0: place, 1: apart.outputs[0]}, operation="ADD").outputs[0]


def paper(name: str, colour: Colour, *, gloss: float = 0.0, aged: float = 0.5) -> Any:
    """Paper with fibres, waves and yellowed patches; gloss 1 is a magazine's cover."""
    shader = Shader(name)
    where = shader.coordinates()
    clouds = shader.noise(7.0, 5.0, where, 0.6)
    yellow = (colour[0] * 0.90, colour[1] * 0.80, colour[2] * 0.62)
    tone = shader.mix(shader.math("MULTIPLY", clouds, aged), colour, yellow)
    fibres = shader.noise(520.0, 3.0, where)
    flecked = shader.mix(
        shader.ramp(fibres, [(0.28, (1, 1, 1)), (0.42, (0, 0, 0))]), tone, times(yellow, 0.8)
    )
    relief = shader.bump(shader.noise(24.0, 3.0, where), 0.25, 0.004)
    rough = 0.85 - 0.5 * gloss
    return shader.done(shader.principled(flecked, rough, Normal=relief, Specular_IOR_Level=0.2 + 0.3 * gloss))


def ink(name: str, colour: Colour = (0.018, 0.017, 0.018), paper_shows: float = 0.25) -> Any:
    """Printing ink, thinner here and there."""
    shader = Shader(name)
    thin = shader.ramp(shader.noise(260.0, 3.0), [(0.42, (0, 0, 0)), (0.75, (1, 1, 1))])
    amount = shader.math("MULTIPLY", thin, paper_shows)
    return shader.done(shader.principled(shader.mix(amount, colour, (0.45, 0.43, 0.38)), 0.7))


def page_edges(name: str, colour: Colour, pitch: float = 0.0011) -> Any:
    """The cut edges of many sheets: fine lines across z."""
    shader = Shader(name)
    height = shader.node("SeparateXYZ", {0: shader.coordinates()}).outputs["Z"]
    wobble = shader.math("MULTIPLY", shader.noise(14.0, 2.0), 0.004)
    line = shader.node("CombineXYZ", {0: shader.math("DIVIDE", shader.math("ADD", height, wobble), pitch)})
    tone = shader.node("TexNoise", {"Vector": line.outputs[0], "Scale": 1.0, "Detail": 1.0}).outputs["Fac"]
    colours = shader.ramp(tone, [(0.32, times(colour, 0.42)), (0.62, colour)])
    dirt = shader.ramp(shader.noise(9.0, 4.0), [(0.3, (0.55, 0.5, 0.42)), (0.6, (1.0, 1.0, 1.0))])
    dirty = shader.node("MixRGB", {0: 1.0, 1: colours, 2: dirt}, blend_type="MULTIPLY").outputs[0]
    return shader.done(shader.principled(dirty, 0.9))


def linen(name: str, colour: Colour, stripe: Colour, pitch: float = 0.0022) -> Any:
    """Woven cloth: threads over and under each other, a band of stripes along its length (y)."""
    shader = Shader(name)
    where = shader.coordinates()
    slubs = shader.node("TexNoise", {"Vector": where, "Scale": 60.0, "Detail": 3.0}).outputs["Color"]
    shift = shader.node("VectorMath", {0: slubs, 1: (0.0016, 0.0016, 0.0)}, operation="MULTIPLY").outputs[0]
    place = shader.node("VectorMath", {0: where, 1: shift}, operation="ADD").outputs[0]
    split = shader.node("SeparateXYZ", {0: place})
    turns = math.pi / pitch
    warp = shader.math("SINE", shader.math("MULTIPLY", split.outputs["X"], turns))
    weft = shader.math("SINE", shader.math("MULTIPLY", split.outputs["Y"], turns))
    woven = shader.math("MULTIPLY_ADD", shader.math("MULTIPLY", warp, weft), 0.5)
    woven.node.inputs[2].default_value = 0.5
    across = shader.math("ABSOLUTE", split.outputs["X"])
    bands = [(0.0, (0, 0, 0)), (0.46, (1, 1, 1)), (0.52, (0, 0, 0)), (0.54, (1, 1, 1)), (0.555, (0, 0, 0))]
    striped = shader.ramp(across, bands)
    striped.node.color_ramp.interpolation = "CONSTANT"
    dyed = shader.mix(striped, colour, stripe)
    mottled = shader.node("HueSaturation", {"Color": dyed, "Value": shader.math("ADD", 0.72, slubs)})
    dark = shader.node("HueSaturation", {"Color": mottled.outputs[0], "Value": 0.40}).outputs[0]
    colours = shader.mix(woven, dark, mottled.outputs[0])
    relief = shader.bump(woven, 0.6, 0.001)
    return shader.done(shader.principled(colours, 0.92, Normal=relief, Sheen_Weight=0.2))


def painted(name: str, colour: Colour, *, under: Colour = (0.20, 0.15, 0.10), chipped: float = 0.3) -> Any:
    """Paint that has come off in places."""
    shader = Shader(name)
    chips = shader.noise(13.0, 8.0, roughness=0.72)
    bare = shader.ramp(chips, [(0.70 - 0.3 * chipped, (0, 0, 0)), (0.73 - 0.3 * chipped, (1, 1, 1))])
    faded = shader.mix(shader.noise(2.3, 4.0), times(colour, 0.72), times(colour, 1.25))
    dirty = shader.mix(shader.math("MULTIPLY", shader.noise(5.0, 6.0), 0.35), faded, times(colour, 0.3))
    grain = shader.mix(shader.noise(60.0, 3.0), times(under, 0.6), times(under, 1.3))
    rough = shader.math("ADD", 0.34, shader.math("MULTIPLY", bare, 0.45))
    relief = shader.bump(shader.math("SUBTRACT", shader.noise(45.0, 3.0), bare), 0.35, 0.002)
    return shader.done(shader.principled(shader.mix(bare, dirty, grain), rough, Normal=relief))


def glaze(name: str, colour: Colour) -> Any:
    """Glazed clay with speckles."""
    shader = Shader(name)
    specks = shader.ramp(shader.noise(240.0, 2.0), [(0.66, (0, 0, 0)), (0.72, (1, 1, 1))])
    tone = shader.mix(shader.noise(18.0, 3.0), times(colour, 0.85), times(colour, 1.1))
    speckled = shader.mix(specks, tone, times(colour, 0.25))
    return shader.done(shader.principled(speckled, 0.22, Coat_Weight=0.4, Coat_Roughness=0.12))


def metal(name: str, colour: Colour, roughness: float = 0.3) -> Any:
    """Metal with scratches and tarnish."""
    shader = Shader(name)
    tarnish = shader.noise(22.0, 6.0)
    tone = shader.mix(shader.ramp(tarnish, [(0.4, (0, 0, 0)), (0.7, (1, 1, 1))]), colour, times(colour, 0.45))
    rough = shader.math("ADD", roughness, shader.math("MULTIPLY", tarnish, 0.25))
    return shader.done(shader.principled(tone, rough, Metallic=1.0))


def glass_over_print(name: str) -> Any:
    """Clear glass that lets light through to what lies under it without caustics.

    Only rays that look through it are bent; shadow and diffuse rays pass straight.
    """
    shader = Shader(name)
    glass = shader.node("BsdfGlass", {"Color": (0.97, 0.99, 0.98), "Roughness": 0.0, "IOR": 1.5}).outputs[0]
    clear = shader.node("BsdfTransparent", {"Color": (0.93, 0.95, 0.94)}).outputs[0]
    path = shader.node("LightPath")
    straight = shader.math("MAXIMUM", path.outputs["Is Shadow Ray"], path.outputs["Is Diffuse Ray"])
    return shader.done(shader.node("MixShader", {0: straight, 1: glass, 2: clear}).outputs[0])


def hazy(shader: Shader, surface: Any, air: Colour, distance: float) -> Any:
    """Finish a material with the light that the air adds by distance (metres to 1/e)."""
    far = shader.node("CameraData").outputs["View Z Depth"]
    clear = shader.math("POWER", math.exp(-1.0 / distance), far)
    glow = shader.node("Emission", {"Color": air, "Strength": 1.0}).outputs[0]
    material = shader.done(shader.node("MixShader", {0: clear, 1: glow, 2: surface}).outputs[0])
    material.cycles.emission_sampling = "NONE"
    return material


def plain(name: str, colour: Colour, roughness: float = 0.6) -> Any:
    """One colour with a little dirt."""
    shader = Shader(name)
    tone = shader.mix(shader.noise(11.0, 5.0), times(colour, 0.65), times(colour, 1.2))
    return shader.done(shader.principled(tone, roughness))
