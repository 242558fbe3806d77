"""Surfaces with wear: glass, glazes, metal, cloth, wood, stone, plaster, print, leaves.

Glass lets shadow rays and diffuse light pass straight through, which is what a thin wall does, and spares the
caustics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bokehbench.blender.scripts import materials


def glass(name: str, colour: materials.Colour = (1.0, 1.0, 1.0), ior: float = 1.5) -> Any:
    """Clear or coloured glass, or a liquid.

    Reflection is a glossy surface of its own and a little rough, so that lamps are sampled in it.
    """
    shader = materials.Shader(name)
    through = shader.node("BsdfRefraction", {"Color": colour, "Roughness": 0.0, "IOR": ior}).outputs[0]
    mirror = shader.node("BsdfAnisotropic", {"Color": (1.0, 1.0, 1.0), "Roughness": 0.045}).outputs[0]
    share = shader.node("Fresnel", {"IOR": ior}).outputs[0]
    seen = shader.node("MixShader", {0: share, 1: through, 2: mirror}).outputs[0]
    path = shader.node("LightPath").outputs
    passing = shader.math("MAXIMUM", path["Is Shadow Ray"], path["Is Diffuse Ray"])
    tint = shader.node("BsdfTransparent", {"Color": tuple(0.94 * c**0.5 for c in colour)}).outputs[0]
    return shader.done(shader.node("MixShader", {0: passing, 1: seen, 2: tint}).outputs[0])


def glazed(name: str, colour: materials.Colour, speckle: float = 0.25) -> Any:
    """Stoneware: an uneven glaze with specks, its rim worn to the brown body."""
    shader = materials.Shader(name)
    cloud = shader.noise(9.0, 4.0)
    body = shader.mix(cloud, tuple(0.86 * c for c in colour), colour)
    specks = shader.ramp(shader.noise(260.0, 2.0), [(0.66, (0, 0, 0)), (0.70, (speckle,) * 3)])
    dotted = shader.mix(specks, body, tuple(0.25 * c for c in colour))
    normal = shader.bump(shader.noise(22.0, 2.0), 0.12, 0.004)
    rough = shader.math("ADD", 0.20, shader.math("MULTIPLY", cloud, 0.22))
    return shader.done(shader.principled(dotted, rough, Normal=normal, Specular_IOR_Level=0.6))


def metal(name: str, colour: materials.Colour, roughness: float = 0.16) -> Any:
    """Polished and used: fine scratches change its roughness."""
    shader = materials.Shader(name)
    worn = shader.noise(34.0, 5.0, roughness=0.7)
    rough = shader.math("ADD", 0.6 * roughness, shader.math("MULTIPLY", worn, roughness))
    return shader.done(shader.principled(colour, rough, Metallic=1.0))


def linen(name: str, colour: materials.Colour) -> Any:
    """Woven cloth with slubs."""
    shader = materials.Shader(name)
    thread = [shader.noise(1.0, 2.0, shader.coordinates(scale)) for scale in ((700, 40, 40), (40, 700, 700))]
    weave = shader.math("MULTIPLY", thread[0], thread[1])
    shade = shader.ramp(weave, [(0.12, tuple(0.72 * c for c in colour)), (0.38, colour)])
    return shader.done(shader.principled(shade, 0.9, Normal=shader.bump(weave, 0.5, 0.002), Sheen_Weight=0.3))


def wax(name: str, colour: materials.Colour) -> Any:
    """Candle wax, which light enters a little."""
    shader = materials.Shader(name)
    mottled = shader.mix(shader.noise(18.0, 3.0), tuple(0.85 * c for c in colour), colour)
    body = shader.principled(mottled, 0.45)
    inside = shader.node("BsdfTranslucent", {"Color": colour}).outputs[0]
    return shader.done(shader.node("MixShader", {0: 0.35, 1: body, 2: inside}).outputs[0])


def flame() -> Any:
    """A candle's flame: blue at its foot, white in the middle, orange at the tip."""
    shader = materials.Shader("flame")
    height = shader.node("SeparateXYZ", {0: shader.node("TexCoord").outputs["Generated"]}).outputs["Z"]
    stops = [(0.0, (0.25, 0.32, 0.9)), (0.16, (1.0, 0.50, 0.14)), (0.45, (1.0, 0.72, 0.34))]
    colour = shader.ramp(height, [*stops, (1.0, (1.0, 0.40, 0.08))])
    lit = shader.ramp(height, [(0.0, (0.12,) * 3), (0.4, (1.0,) * 3), (1.0, (0.7,) * 3)])
    strength = shader.math("MULTIPLY", lit, 8.0)
    made = shader.done(shader.node("Emission", {"Color": colour, "Strength": strength}).outputs[0])
    made.cycles.emission_sampling = "NONE"
    return made


def wood(
    name: str, colour: materials.Colour, roughness: float = 0.42, coat: float = 0.0, along: int = 1
) -> Any:
    """Planed wood whose grain runs along an axis (0 x, 1 y, 2 z), each board of a tone of its own."""
    shader = materials.Shader(name)
    stretch = [14.0, 14.0, 14.0]
    stretch[along] = 0.9
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    raw = shader.coordinates(tuple(stretch))
    apart = shader.node("CombineXYZ", {i: shader.math("MULTIPLY", island, 37.0) for i in range(3)}).outputs[0]
    where = shader.node("VectorMath", {0: raw, 1: apart}, operation="ADD").outputs[0]
    grain = shader.noise(2.2, 7.0, where, 0.62)
    dark, light = tuple(0.42 * c for c in colour), tuple(1.35 * c for c in colour)
    tone = shader.ramp(grain, [(0.34, dark), (0.50, colour), (0.66, light)])
    value = shader.math("ADD", 0.72, shader.math("MULTIPLY", island, 0.5))
    tinted = shader.node("HueSaturation", {"Color": tone, "Value": value}).outputs[0]
    rough = shader.math("ADD", 0.75 * roughness, shader.math("MULTIPLY", grain, 0.5 * roughness))
    normal = shader.bump(grain, 0.25, 0.004)
    return shader.done(shader.principled(tinted, rough, Normal=normal, Coat_Weight=coat, Coat_Roughness=0.16))


def stone(name: str, colour: materials.Colour, scale: float = 2.0) -> Any:
    """Worn slabs in running bond with dark joints."""
    shader = materials.Shader(name)
    where = shader.coordinates()
    look = {"Color1": tuple(0.75 * c for c in colour), "Color2": colour, "Mortar": (0.05, 0.042, 0.035)}
    size = {"Scale": scale, "Mortar Size": 0.014, "Mortar Smooth": 0.3}
    slabs = shader.node("TexBrick", {"Vector": where, **look, **size})
    dirt = shader.ramp(shader.noise(3.1, 7.0, where, 0.65), [(0.32, (0.45,) * 3), (0.62, (1.0,) * 3)])
    mixed = shader.node("Mix", data_type="RGBA", blend_type="MULTIPLY")
    mixed.inputs["Factor"].default_value = 1.0
    colours = [socket for socket in mixed.inputs if socket.type == "RGBA"]
    shader.tree.links.new(slabs.outputs["Color"], colours[0])
    shader.tree.links.new(dirt, colours[1])
    tinted = next(socket for socket in mixed.outputs if socket.type == "RGBA")
    rough = shader.math("ADD", 0.35, shader.math("MULTIPLY", shader.noise(5.0, 5.0, where), 0.5))
    normal = shader.bump(slabs.outputs["Fac"], -0.4, 0.01)
    return shader.done(shader.principled(tinted, rough, Normal=normal))


def plaster(name: str, colour: materials.Colour) -> Any:
    """A rendered wall with stains."""
    shader = materials.Shader(name)
    stains = shader.noise(0.9, 7.0, shader.coordinates((1.0, 1.0, 0.6)), 0.62)
    tone = shader.ramp(stains, [(0.32, tuple(0.62 * c for c in colour)), (0.6, colour)])
    return shader.done(shader.principled(tone, 0.9, Normal=shader.bump(shader.noise(30.0, 4.0), 0.3, 0.01)))


def print_on_paper(name: str) -> Any:
    """Labels: each of a paper of its own, with broken lines that read as print from afar."""
    shader = materials.Shader(name)
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    papers = [(0.0, (0.62, 0.56, 0.45)), (0.4, (0.72, 0.69, 0.63)), (0.6, (0.04, 0.04, 0.045))]
    base = shader.ramp(island, [*papers, (0.8, (0.40, 0.05, 0.03)), (1.0, (0.50, 0.38, 0.15))])
    height = shader.node("SeparateXYZ", {0: shader.node("TexCoord").outputs["Object"]}).outputs["Z"]
    line = shader.math("GREATER_THAN", shader.math("FRACT", shader.math("MULTIPLY", height, 95.0)), 0.62)
    broken = shader.math("GREATER_THAN", shader.noise(90.0, 1.0, shader.coordinates((1.0, 1.0, 0.35))), 0.5)
    ink = shader.mix(shader.math("MULTIPLY", line, broken), base, (0.10, 0.08, 0.06))
    return shader.done(shader.principled(ink, 0.7))


def foliage(name: str, colours: Sequence[materials.Colour]) -> Any:
    """Leaves that light shines through, each of its own tone."""
    shader = materials.Shader(name)
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    colour = shader.ramp(island, [(index / (len(colours) - 1), c) for index, c in enumerate(colours)])
    top = shader.principled(colour, 0.45, Specular_IOR_Level=0.4)
    through = shader.node("BsdfTranslucent", {"Color": colour}).outputs[0]
    return shader.done(shader.node("MixShader", {0: 0.3, 1: top, 2: through}).outputs[0])


def painted(name: str, colour: materials.Colour, roughness: float = 0.38) -> Any:
    """Satin paint on wood or plaster, with faint brush marks and dirt."""
    shader = materials.Shader(name)
    dirt = shader.noise(1.8, 7.0, roughness=0.65)
    tone = shader.ramp(dirt, [(0.30, tuple(0.78 * c for c in colour)), (0.55, colour)])
    brushed = shader.noise(40.0, 3.0, shader.coordinates((1.0, 1.0, 0.12)))
    return shader.done(shader.principled(tone, roughness, Normal=shader.bump(brushed, 0.06, 0.004)))


def stone_slab(name: str, colour: materials.Colour) -> Any:
    """Polished stone with clouds and veins."""
    shader = materials.Shader(name)
    where = shader.coordinates()
    bent = shader.node("TexNoise", {"Vector": where, "Scale": 3.0, "Detail": 5.0}).outputs["Color"]
    warped = shader.node("VectorMath", {0: where, 1: bent}, operation="ADD").outputs[0]
    cloud = shader.noise(4.5, 7.0, warped, 0.6)
    vein = shader.ramp(cloud, [(0.46, (0, 0, 0)), (0.50, (0.6,) * 3), (0.54, (0, 0, 0))])
    base = shader.mix(cloud, tuple(0.8 * c for c in colour), colour)
    tone = shader.mix(vein, base, tuple(0.35 * c for c in colour))
    return shader.done(shader.principled(tone, shader.math("ADD", 0.10, shader.math("MULTIPLY", cloud, 0.2))))


def lacquer(name: str, colour: materials.Colour) -> Any:
    """Black piano lacquer: deep gloss with fine dust and swirls."""
    shader = materials.Shader(name)
    dust = shader.noise(55.0, 6.0, roughness=0.75)
    rough = shader.math("ADD", 0.03, shader.math("MULTIPLY", dust, 0.14))
    return shader.done(shader.principled(colour, rough, Coat_Weight=0.6, Coat_Roughness=0.04))


def leather(name: str, colour: materials.Colour) -> Any:
    """Leather or bookcloth, rubbed lighter."""
    shader = materials.Shader(name)
    grain = shader.node("TexVoronoi", {"Vector": shader.coordinates(), "Scale": 240.0}).outputs["Distance"]
    rub = shader.noise(14.0, 6.0, roughness=0.65)
    tone = shader.ramp(
        rub, [(0.35, tuple(0.6 * c for c in colour)), (0.55, colour), (0.75, tuple(1.8 * c for c in colour))]
    )
    rough = shader.math("ADD", 0.30, shader.math("MULTIPLY", rub, 0.35))
    return shader.done(shader.principled(tone, rough, Normal=shader.bump(grain, 0.2, 0.002)))
