"""The procedural scenes by name, without importing any of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bokehbench.errors import ConfigError


@dataclass(frozen=True)
class SceneInfo:
    """What a scene is and what it costs.

    Attributes:
        name: what users write; `bokehbench.blender.scripts.scenes.{name}` builds it.
        summary: one sentence.
        spp: samples per pixel of the all-in-focus image and of levels 1 to 5.
        denoise: whether OpenImageDenoise runs; off only where a measurement must see raw samples.
        listed: part of `--scene all`.
    """

    name: str
    summary: str
    spp: tuple[int, int, int, int, int, int]
    denoise: bool = True
    listed: bool = True


SCENES = {
    scene.name: scene
    for scene in (
        SceneInfo(
            "night_street",
            "A wet street at blue hour behind an iron railing: lanterns, neon, windows, reflections.",
            spp=(72, 56, 52, 48, 44, 40),
        ),
        SceneInfo(
            "thicket",
            "A sunlit wood behind a near twig: leaves, grass, bark at every depth, bright sky in the gaps.",
            spp=(56, 36, 34, 32, 30, 28),
        ),
        SceneInfo(
            "headland",
            "A coast path: sea pinks, a fingerpost, bare twigs on bright sky, sheep, far headlands, the sea.",
            spp=(56, 36, 34, 32, 30, 28),
        ),
        SceneInfo(
            "glass_table",
            "A table laid at dusk: wine glasses, ice, candles, a bar, bulbs (depth: first surface).",
            spp=(72, 56, 52, 48, 44, 40),
        ),
        SceneInfo(
            "plush",
            "Soft toys in a child's room: fur in low sun, blocks and books, strings of lamps behind.",
            spp=(64, 48, 44, 40, 36, 32),
        ),
        SceneInfo(
            "newsstand",
            "A newsagent's table in morning sun: newspapers, letters, books; racks, a shop, a street.",
            spp=(56, 40, 36, 34, 32, 30),
        ),
        SceneInfo(
            "pier",
            "A wooden jetty in low sun: planks into the distance, ropes, lanterns, boats, the sea.",
            spp=(64, 48, 44, 40, 38, 36),
        ),
        SceneInfo(
            "mirror_hall",
            "A sunlit hall of gilt wall mirrors, chequered marble, a piano, palms (depth: first surface).",
            spp=(72, 56, 52, 48, 44, 40),
        ),
        SceneInfo(
            "courtyard",
            "A sunny courtyard behind vine leaves that hang before the lens: fountain, flower pots, laundry.",
            spp=(72, 48, 44, 40, 36, 32),
        ),
        SceneInfo(
            "chain_fence",
            "A tennis court through a chain-link fence close to the lens: rust, leaves, trees, houses.",
            spp=(64, 44, 40, 36, 34, 32),
        ),
        SceneInfo(
            "point_lights",
            "Small discs of light at known depths on black, to measure the blur radius.",
            spp=(64, 256, 256, 256, 256, 256),
            denoise=False,
            listed=False,
        ),
    )
}
BLEND_SPP = (128, 64, 64, 64, 64, 64)
"""Samples per pixel of a user's own file."""


@dataclass(frozen=True)
class SceneName:
    """A scene and which of its variations: ``thicket`` is variation 0, ``thicket#3`` variation 3."""

    info: SceneInfo
    variation: int = 0

    def __str__(self) -> str:
        return f"{self.info.name}#{self.variation}" if self.variation else self.info.name


def parse_scene(text: str) -> SceneName:
    """Read NAME or NAME#SEED; ConfigError with the known names where there is no such scene."""
    name, mark, seed = text.partition("#")
    if name not in SCENES:
        known = ", ".join(info.name for info in SCENES.values() if info.listed)
        raise ConfigError(f"unknown scene {name!r}; there are {known}, or all")
    if mark and not re.fullmatch(r"\d{1,9}", seed):
        raise ConfigError(f"{text}: the variation after # must be a number from 0 to 999999999")
    return SceneName(SCENES[name], int(seed) if mark else 0)


def parse_scenes(texts: tuple[str, ...] | list[str]) -> list[SceneName]:
    """Read several names, `all` among them; each scene once, in the order given."""
    names: list[SceneName] = []
    for text in texts:
        if text == "all":
            names += [SceneName(info) for info in SCENES.values() if info.listed]
        else:
            names.append(parse_scene(text))
    return list(dict.fromkeys(names))
