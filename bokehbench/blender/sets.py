"""Ready-made sets by name: what is rendered, how large, how clean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bokehbench.blender import sampling
from bokehbench.blender.plan import HALF_MANTISSA, StackRequest
from bokehbench.blender.requests import scene_requests
from bokehbench.errors import ConfigError


@dataclass(frozen=True)
class SetSpec:
    """A set; whatever changes its pixels raises the version.

    Attributes:
        name: what users write.
        version: whole number.
        summary: one sentence.
        scenes: names of procedural scenes; variation 0 is for benchmarks, all others are for training.
        levels: level indices 0 to 4.
        foci: focus indices 0 (far) to 9 (near).
        size: (width, height), pixels.
        quality: noise of every image, dB, see `sampling`; None renders `spp` samples.
        level_quality: of levels 1 to 5, where other than `quality`. Scores fall with blur; so may the noise.
        spp: samples per pixel of every image; None takes each scene's own.
        mantissa: bits of mantissa that the images keep.
        ray_pattern: see `StackRequest`.
    """

    name: str
    version: int
    summary: str
    scenes: tuple[str, ...]
    levels: tuple[int, ...]
    foci: tuple[int, ...] = (0, 4, 9)
    size: tuple[int, int] = (480, 270)
    quality: float | None = None
    level_quality: tuple[float, ...] = ()
    spp: int | None = None
    mantissa: int = HALF_MANTISSA
    ray_pattern: int = sampling.PATTERNS[-1]

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    def requests(self) -> list[StackRequest]:
        """What is rendered, one request per scene."""
        options: dict[str, Any] = {
            "mantissa": self.mantissa,
            "quality": self.quality,
            "level_quality": self.level_quality,
            "ray_pattern": self.ray_pattern,
        }
        return scene_requests(self.scenes, self.size, self.levels, self.foci, self.spp, **options)


TEN = (
    "chain_fence",
    "courtyard",
    "glass_table",
    "headland",
    "mirror_hall",
    "newsstand",
    "night_street",
    "pier",
    "plush",
    "thicket",
)
SETS = {
    spec.name: spec
    for spec in (
        SetSpec(
            name="blb-mini",
            version=1,
            summary="Three scenes, levels 1 and 5, three focal planes, converged: a test of one second.",
            scenes=("chain_fence", "headland", "plush"),
            levels=(0, 4),
            quality=45.0,
            level_quality=(50.0, 49.0, 48.0, 47.0, 45.0),
            mantissa=7,  # an error of about 70 dB
            ray_pattern=1,
        ),
        SetSpec(
            name="blb-lite",
            version=2,
            summary="Ten scenes, five levels, three focal planes at 480x270.",
            scenes=TEN,
            levels=(0, 1, 2, 3, 4),
            quality=40.0,  # 2 dB more cost twice the time
            # About 1 dB above what the best method reaches on such scenes, 3 to 6 above the others.
            level_quality=(41.0, 40.0, 39.0, 38.0, 37.0),
            ray_pattern=1,
        ),
    )
}


def find_set(name: str) -> SetSpec:
    """The set of a name; ConfigError with the known names where there is none."""
    if name not in SETS:
        raise ConfigError(f"unknown set {name!r}; there are {', '.join(SETS)}")
    return SETS[name]
