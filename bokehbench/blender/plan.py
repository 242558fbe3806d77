"""What a stack consists of: file names, blur levels, focal planes, sample counts and seeds.

Pure functions of numbers, shared by the driver, the worker and the tests; nothing here imports bpy.
"""

from __future__ import annotations

import base64
import itertools
import math
import re
import zlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.apertures import MASK, MASK_SIDE, Aperture
from bokehbench.blender import sampling
from bokehbench.errors import ConfigError
from bokehbench.images import encode_png
from bokehbench.optics import SKY_DEPTH

LEVELS = 5
FOCI = 10
REFERENCE_WIDTH = 1920
"""Width at which level n has K = 10 n pixels."""
SKY_FROM = 6e4
"""Depths from here on are sky."""
ALL_IN_FOCUS = "image"
FOCUS_MODES = ("linear", "quantile")
GPU_KINDS = ("optix", "cuda", "hip", "metal", "oneapi")
"""In the order in which they are tried."""
DEVICES = ("auto", "cpu", "gpu", *GPU_KINDS)
HALF_MANTISSA = 10


def level_K(level: int, width: int) -> float:
    """K of level index 0 to 4 at an image width: ``10 (level + 1) W / 1920`` pixels."""
    return 10.0 * (level + 1) * width / REFERENCE_WIDTH


def bokeh_name(level: int, focus: int) -> str:
    """Stem of the file of level index 0 to 4 (weak to strong) and focus index 0 to 9 (far to near)."""
    return f"bokeh_{level:02d}_{focus:02d}"


@dataclass(frozen=True)
class StackRequest:
    """One scene's stack.

    Attributes:
        scene: folder name, for example ``night_street#3``.
        module: module of `scripts.scenes`, empty for a .blend file.
        variation: seed of the scene's content.
        blend: path of the user's file, empty for a procedural scene.
        width, height: pixels.
        levels: level indices 0 to 4.
        foci: focus indices 0 to 9.
        spp: samples per pixel of the all-in-focus image and of levels 1 to 5, even numbers.
        seed: of the sampling noise.
        denoise: run OpenImageDenoise.
        allow_missing: render a .blend file although textures are missing.
        camera: name of the camera of a .blend file; empty for the file's own.
        frame: of a .blend file; None for the one it was saved at.
        view_layer: of a .blend file; empty for the first that it renders.
        texture_dir: folder in which missing textures are looked for.
        focus_mode: where the focal planes lie: linear, quantile, or metres from far to near (``12,4,2.5``).
        blades: corners of the aperture, 0 for a disc.
        rotation: of its blades, radians, as `optics.Aperture` has it.
        ratio: height over width of the aperture, >= 1: an anamorphic lens.
        mantissa: bits of mantissa that colours keep, 10 for all of a half float; fewer take less space.
        aperture_factor: what the aperture's radius is multiplied by; other than 1, the stack is wrong, which
            shows that a proof of its geometry would notice.
        quality: PSNR in dB at which an image is clean enough (`sampling`); None renders `spp` samples.
        level_quality: of levels 1 to 5, where they are to be cleaner or need not be as clean as image.exr.
        ray_pattern: version of how shared rays are spread, one of `sampling.PATTERNS`.
    """

    scene: str
    module: str
    variation: int
    blend: str
    width: int
    height: int
    levels: tuple[int, ...]
    foci: tuple[int, ...]
    spp: tuple[int, ...]
    seed: int = 0
    denoise: bool = True
    allow_missing: bool = False
    camera: str = ""
    frame: int | None = None
    view_layer: str = ""
    texture_dir: str = ""
    focus_mode: str = "linear"
    blades: int = 0
    rotation: float = 0.0
    ratio: float = 1.0
    mantissa: int = HALF_MANTISSA
    aperture_factor: float = 1.0
    quality: float | None = None
    level_quality: tuple[float, ...] = ()
    ray_pattern: int = sampling.PATTERNS[-1]

    def __post_init__(self) -> None:
        if not (16 <= self.width <= 16384 and 16 <= self.height <= 16384):
            raise ConfigError(
                f"--size must lie between 16x16 and 16384x16384, not {self.width}x{self.height}"
            )
        if not self.levels or not set(self.levels) <= set(range(LEVELS)):
            raise ConfigError("--levels must be numbers from 1 to 5")
        planes = focus_count(self.focus_mode)
        if not self.foci or not set(self.foci) <= set(range(planes)):
            raise ConfigError(
                f"--foci must be indices from 0 (far) to {planes - 1} (near), or a count from 1 to {planes}"
            )
        if self.blades != 0 and not 3 <= self.blades <= 16:
            raise ConfigError(f"--blades must be 0 (a disc) or 3 to 16, not {self.blades}")
        if not 1.0 <= self.ratio <= 4.0:
            raise ConfigError(f"--ratio (height over width of the aperture) must be 1 to 4, not {self.ratio}")
        if not (math.isfinite(self.aperture_factor) and 0.0 < self.aperture_factor <= 10.0):
            raise ConfigError(f"--aperture-factor must lie in (0, 10], not {self.aperture_factor}")
        if self.ray_pattern not in sampling.PATTERNS:
            raise ConfigError(f"ray_pattern must be one of {sampling.PATTERNS}, not {self.ray_pattern}")
        if not 4 <= self.mantissa <= HALF_MANTISSA:
            raise ConfigError(f"mantissa must be 4 to {HALF_MANTISSA} bits, not {self.mantissa}")
        if self.level_quality and (self.quality is None or len(self.level_quality) != LEVELS):
            raise ConfigError(
                "--quality takes one value, or six: of the all-in-focus image, of levels 1 to 5"
            )
        for quality in () if self.quality is None else (self.quality, *self.level_quality):
            sampling.check_quality(quality)
        if min(self.spp) < 2 or max(self.spp) > 2**20:
            raise ConfigError("--spp must be at least 2 (each image is two independent halves)")

    def images(self) -> list[str]:
        """Stems in the order of rendering: all-in-focus, then whole levels."""
        return [ALL_IN_FOCUS] + [bokeh_name(k, f) for k in self.levels for f in self.foci]

    def samples(self, image: str) -> int:
        """Samples per pixel of an image, over both halves; a guess where a quality is asked for."""
        if self.quality is not None:
            if image == ALL_IN_FOCUS:
                return sampling.expected(self.quality)
            groups = math.ceil(len(self.foci) / sampling.planes_at_once(self.width, self.height))
            return sampling.expected(self.quality_of(image), len(self.images()) - 1, groups)
        return self.spp[0] if image == ALL_IN_FOCUS else self.spp[1 + int(image.split("_")[1])]

    def quality_of(self, image: str) -> float:
        """PSNR in dB at which an image is clean enough; ValueError where `spp` counts."""
        if self.quality is None:
            raise ValueError("this stack has sample counts, no quality")
        if image == ALL_IN_FOCUS or not self.level_quality:
            return self.quality
        return self.level_quality[int(image.split("_")[1])]

    def sampling_seed(self, image: str, half: int) -> int:
        """Seed of one half of an image: independent noise over the stack, the same on every run."""
        return zlib.crc32(f"{self.seed}/{self.scene}/{image}/{half}".encode()) & 0x7FFFFFFF

    def aperture(self) -> Aperture:
        """The opening as renderers know it; one that is not as wide as high becomes a picture."""
        blades = Aperture(blades=self.blades, rotation=self.rotation)
        if self.ratio == 1.0:
            return blades
        fine = (np.arange(8 * MASK_SIDE) + 0.5) / (4.0 * MASK_SIDE) - 1.0
        # Cycles turns the blades first and narrows the opening then.
        light = blades.contains(self.ratio * fine[None, :], fine[:, None])
        mask = light.reshape(MASK_SIDE, 8, MASK_SIDE, 8).mean(axis=(1, 3))
        # Not `Aperture.from_image`, which would stretch it to the unit circle: K counts the height.
        return Aperture(shape=MASK + base64.b64encode(encode_png(mask)).decode("ascii"))

    def to_json(self) -> dict[str, Any]:
        """Plain data, inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> StackRequest:
        """Inverse of `to_json`."""
        tuples = {name: tuple(data[name]) for name in ("levels", "foci", "spp", "level_quality")}
        return cls(**{**data, **tuples})


@dataclass(frozen=True)
class FocusPlan:
    """Where the focal planes lie.

    Attributes:
        disparity_range: (d_min, d_max) of the depth map, 1/m; [0, 1] of the normalised map.
        normalised: disparity of the planes, far to near, on the normalised scale.
        warnings: what a reader of the results should know about this depth map.
    """

    disparity_range: tuple[float, float]
    normalised: tuple[float, ...]
    warnings: tuple[str, ...] = ()

    @property
    def span(self) -> float:
        """d_max − d_min, 1/m."""
        return self.disparity_range[1] - self.disparity_range[0]

    def distance(self, focus: int) -> float:
        """Focal distance in metres of a plane, 0 the farthest."""
        return 1.0 / (self.disparity_range[0] + self.normalised[focus] * self.span)


def clean_depth(z: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Planar depth as stored: sky (anything invalid, or beyond 6e4 m) becomes 65504; any shape."""
    z = np.asarray(z, np.float32)
    sky = ~np.isfinite(z) | (z <= 0.0) | (z >= SKY_FROM)
    return np.where(sky, np.float32(SKY_DEPTH), z)


def focus_plan(depth: npt.NDArray[np.float32], mode: str = "linear") -> FocusPlan:
    """Focal planes from the far end of the scene to its near end.

    linear, as BLB: ten, uniform in disparity. The ends are the sky (or the 0.1 % quantile where there is
    none) and the 99.9 % quantile, so that a speck before the lens takes no plane; the normalised map still
    spans exactly [0, 1]. quantile: the mean of those and of ten quantiles (2 to 98 %) of the disparity, for
    scenes whose linear planes lie in empty space. Else distances in metres, as `parse_focus_mode` gives them.

    Args:
        depth: [H, W] from `clean_depth`.
        mode: linear, quantile, or metres from far to near.

    Raises:
        ConfigError: the depth is flat, so that no lens could blur anything; a distance is not in the scene.
    """
    disparity = 1.0 / depth.astype(np.float64)
    low, high = float(disparity.min()), float(disparity.max())
    sky = float((depth >= SKY_FROM).mean())
    if (high - low) * float(np.median(depth)) < 0.02:
        raise ConfigError("the scene is flat or empty as the camera sees it: there is no depth to blur")
    far = low if sky > 0.001 else float(np.quantile(disparity, 0.001))
    near = float(np.quantile(disparity, 0.999))
    planes = np.linspace(far, near, FOCI)
    if mode == "quantile":
        planes = (planes + np.quantile(disparity, np.linspace(0.02, 0.98, FOCI))) / 2.0
    elif mode != "linear":
        planes = 1.0 / np.array([float(z) for z in mode.split(",")])
    normalised = (planes - low) / (high - low)
    if normalised.min() < -0.02 or normalised.max() > 1.02:
        raise ConfigError(
            f"--focus-mode {mode}: the scene's depth goes from {1 / low:.4g} to {1 / high:.4g} m as the "
            "camera sees it; name distances within"
        )
    warnings = []
    if high - near > 0.25 * (high - low):
        warnings.append("less than 0.1 % of the pixels hold the nearest quarter of the disparity range")
    if sky > 0.9:
        warnings.append(f"{sky:.0%} of the image is sky")
    warnings += _emptiness((disparity - low) / (high - low), normalised, mode)
    return FocusPlan((low, high), tuple(float(p) for p in normalised), tuple(warnings))


def _emptiness(disparity: npt.NDArray[Any], planes: npt.NDArray[Any], mode: str) -> list[str]:
    """A warning where most focal planes show nothing sharp; both arguments normalised."""
    if mode not in FOCUS_MODES:
        return []
    reach = 0.5 / (FOCI - 1)
    used = sum(bool((np.abs(disparity - plane) <= reach).mean() >= 0.005) for plane in planes)
    advice = "; --focus-mode quantile puts them where there is something" if mode == "linear" else ""
    return [f"only {used} of {FOCI} focal planes have anything in focus{advice}"] if used < 5 else []


def parse_focus_mode(text: str) -> str:
    """`linear`, `quantile`, or a list of distances in metres, from far to near, in one spelling."""
    if text in FOCUS_MODES:
        return text
    try:
        distances = [min(float(part), SKY_DEPTH) for part in text.split(",")]
    except ValueError:
        distances = []
    falling = all(a > b for a, b in itertools.pairwise(distances))
    if not 1 <= len(distances) <= FOCI or not falling or not min(distances) > 0.0:
        raise ConfigError(
            f"--focus-mode {text}: take {' or '.join(FOCUS_MODES)}, or up to {FOCI} distances in metres from "
            "far to near such as inf,8,2.5"
        )
    return ",".join(repr(distance) for distance in distances)


def focus_count(mode: str) -> int:
    """How many focal planes a focus mode has."""
    return FOCI if mode in FOCUS_MODES else mode.count(",") + 1


def parse_quality(text: str | None) -> tuple[float | None, tuple[float, ...]]:
    """`StackRequest`'s quality and level_quality from ``45`` or ``45,48,47,46,45,44``; None: none."""
    if text is None:
        return None, ()
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) not in (1, 1 + LEVELS):
        raise ConfigError(
            f"--quality {text}: give dB such as 45, or six values with commas: of the all-in-focus image "
            "and of levels 1 to 5"
        )
    return values[0], values[1:]


def parse_levels(text: str) -> tuple[int, ...]:
    """Level indices 0 to 4 from ``1,5``; ConfigError where it is no such list."""
    levels = _numbers(text, "--levels", "numbers from 1 to 5 such as 1,5")
    if not set(levels) <= set(range(1, LEVELS + 1)):
        raise ConfigError(f"--levels {text}: give numbers from 1 to 5 such as 1,5")
    return tuple(sorted({level - 1 for level in levels}))


def parse_foci(text: str, planes: int = FOCI) -> tuple[int, ...]:
    """Focus indices 0 (far) to 9 (near): a list such as ``0,4,9``, or a count spread over all planes."""
    last = planes - 1
    what = f"indices from 0 (far) to {last} (near) such as 0,{last}, or one number, how many, of {planes}"
    numbers = _numbers(text, "--foci", what)
    if "," in text:
        if not set(numbers) <= set(range(planes)):
            raise ConfigError(f"--foci {text}: give {what}")
        return tuple(sorted(set(numbers)))
    count = numbers[0]
    if not 1 <= count <= planes:
        raise ConfigError(f"--foci {text}: give {what}")
    return (last // 2,) if count == 1 else tuple(index * last // (count - 1) for index in range(count))


def parse_size(text: str) -> tuple[int, int]:
    """(width, height) from ``480x270``; as strict as the other commands' --size."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})", text.lower())
    if match is None:
        raise ConfigError(f"--size must be WxH, for example 480x270, not {text!r}")
    return int(match[1]), int(match[2])


def _numbers(text: str, option: str, what: str) -> list[int]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdigit() for part in parts):
        raise ConfigError(f"{option} {text}: give {what}")
    return [int(part) for part in parts]
