"""BLB folders: the authors' release and what `bokehbench blb render` writes, through one loader.

Both hold, per scene, linear all-in-focus and bokeh EXR images, a depth map and info.json. The files say
which blur was applied in one of two ways, and using one for the other is wrong by the span of the disparity
(14 times on the authors' scene 277):

- raw: ``S = K (1/depth − 1/focus_distance)``, K already divided by the span of 1/depth;
- normalised: the same with both disparities stretched to [0, 1], K = 10, 20, 30, 40, 50 at width 1920.

Whichever it is, a case has the normalised triple of docs/conventions.md.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench import records
from bokehbench.apertures import Aperture
from bokehbench.cases import Case, CaseInfo, Inputs
from bokehbench.errors import BadImage, ConfigError, InputError
from bokehbench.images import read_exr, read_exr_rgb
from bokehbench.optics import SKY_DEPTH, Lens, encode

FloatImage = npt.NDArray[np.float32]
GAMMA = 2.2
REFERENCE_WIDTH = 1920
STEP = 10.0
"""K of level 1 at the reference width; level n has n times as much."""
SKY_FROM = 6e4
CONVENTIONS = ("auto", "raw", "normalized")
NAMES = {"auto": "blb", "raw": "blb-raw", "normalized": "blb-norm"}
"""Benchmark by the convention it reads."""
TOLERANCE = 0.05
"""By how much the strongest level's K may differ from 10 n W/1920 to count as said in a convention."""
_BOKEH = re.compile(r"bokeh_(\d{1,2})_(\d{1,2})\.exr")


@dataclass(frozen=True, eq=False)
class BLBScene:
    """One scene folder, read as far as geometry goes.

    Attributes:
        folder: where it lies.
        convention: "raw" or "normalized", what info.json turned out to mean.
        K: per level index, pixels of blur radius per unit of normalised disparity at the image's width.
        disp_focus: per focus index, normalised to the depth map's range; far to near.
        disparity: [H, W] float32, normalised to [0, 1].
        disparity_range: (d_min, d_max), 1/m.
        files: (level index, focus index) of the bokeh images that exist, sorted.
        noise: per file stem, the recorded noise of the image as PSNR; empty for the authors' files.
        aperture: what the bokeh images were taken with; the authors' is a disc.
    """

    folder: Path
    convention: str
    K: tuple[float, ...]
    disp_focus: tuple[float, ...]
    disparity: FloatImage
    disparity_range: tuple[float, float]
    files: tuple[tuple[int, int], ...]
    noise: Mapping[str, float]
    aperture: Aperture = field(default_factory=Aperture)

    @classmethod
    def load(cls, folder: Path, convention: str = "auto") -> BLBScene:
        """Read info.json and the depth map.

        Args:
            folder: one scene.
            convention: auto, raw or normalized; auto believes an explicit `disparity_convention`, else
                the one under which the strongest level is 50 px at width 1920, within 5 %.

        Raises:
            InputError: files are missing or contradict each other, or no convention fits.
        """
        info = _read_info(folder)
        depth = read_depth(folder / "depth.exr", info["focus_distances"])
        raw = 1.0 / depth.astype(np.float64)
        low, high = float(raw.min()), float(raw.max())
        if high <= low:
            raise InputError(f"{folder}: the depth map is flat, so that nothing can be blurred")
        span = high - low
        chosen = _convention(folder, info, span, depth.shape[1], convention)
        scale = span if chosen == "raw" else 1.0
        focus = np.array(info["focus_distances"], np.float64)
        normalised = _normalised_focus(folder, info, low, span, chosen)
        if normalised.min() < -0.02 or normalised.max() > 1.02:
            warnings.warn(f"{folder}: focal planes lie outside the depth of the scene", stacklevel=2)
        return cls(
            folder=folder,
            convention=chosen,
            K=tuple(float(K) * scale for K in info["blur_parameters"]),
            disp_focus=tuple(float(d) for d in normalised),
            disparity=((raw - low) / span).astype(np.float32),
            disparity_range=(low, high),
            files=_bokeh_files(folder, len(info["blur_parameters"]), len(focus)),
            noise=_noise(info),
            aperture=_aperture(folder / "info.json", info.get("aperture")),
        )

    def lens(self, level: int, focus: int) -> Lens:
        """What the file bokeh_{level}_{focus} was taken with."""
        return Lens(K=self.K[level], disp_focus=self.disp_focus[focus], gamma=GAMMA, aperture=self.aperture)

    def path(self, level: int, focus: int) -> Path:
        """The bokeh image, also where its numbers have one digit."""
        for name in (f"bokeh_{level:02d}_{focus:02d}.exr", f"bokeh_{level:02d}_{focus}.exr"):
            if (self.folder / name).is_file():
                return self.folder / name
        raise InputError(f"{self.folder}: bokeh_{level:02d}_{focus:02d}.exr is gone")


class BLB:
    """A folder of BLB scenes (`bokehbench.cases.Benchmark`).

    Cases are the bokeh images that exist, so that subsets of levels and focal planes are sets as well. The
    image keeps values above 1, as the authors' protocol feeds it; the target is clipped by the scorer.

    Args:
        root: holds a folder per scene, or is one.
        convention: see `BLBScene.load`.
    """

    def __init__(self, root: Path, convention: str = "auto") -> None:
        if convention not in CONVENTIONS:
            raise ConfigError(f"BLB convention must be one of {', '.join(CONVENTIONS)}, not {convention!r}")
        self.root = Path(root)
        self.convention = convention
        self._scene = functools.lru_cache(maxsize=2)(self._load_scene)
        self._where: dict[str, tuple[Path, int, int]] = {}

    def cases(self) -> list[CaseInfo]:
        """Scenes by name, then levels, then focal planes far to near.

        Raises:
            InputError: there is no scene, or one that contradicts itself.
        """
        cases: list[CaseInfo] = []
        self._where.clear()
        for folder in self._folders():
            scene = self._scene(folder)
            common = {name: records.sha256_file(folder / name) for name in ("image.exr", "depth.exr")}
            for level, focus in scene.files:
                key = f"{safe_name(folder.name)}-k{level:02d}-f{focus:02d}"
                path = scene.path(level, focus)
                lens = scene.lens(level, focus)
                # The lens stands for what info.json says of this case: another K is other data.
                content = {**common, "target": records.sha256_file(path), "lens": lens.to_json()}
                digest = records.sha256_json(content)
                cases.append(CaseInfo(key, folder.name, f"L{level + 1}", lens, digest))
                self._where[key] = (folder, level, focus)
        return cases

    def load(self, info: CaseInfo) -> Case:
        """Read one case; InputError where the folder has no such case or its images differ in size."""
        if info.key not in self._where:
            self.cases()
        if info.key not in self._where:
            raise InputError(f"{self.root}: has no case {info.key}")
        folder, level, focus = self._where[info.key]
        scene = self._scene(folder)
        image, target = _encoded(folder / "image.exr"), _encoded(scene.path(level, focus))
        if not image.shape == target.shape == (*scene.disparity.shape, 3):
            raise InputError(f"{folder}: image, depth and {scene.path(level, focus).name} differ in size")
        inputs = Inputs(info.key, image, scene.disparity, info.lens, scene.disparity_range)
        stem = scene.path(level, focus).stem
        notes = {"target_noise_psnr": scene.noise[stem]} if stem in scene.noise else {}
        return Case(info, inputs, target, notes=notes)

    def _folders(self) -> list[Path]:
        if (self.root / "info.json").is_file():
            return [self.root]
        found = sorted(path.parent for path in self.root.glob("*/info.json"))
        if not found:
            raise InputError(
                f"{self.root}: no BLB scene in it (a folder with info.json, image.exr, depth.exr)"
            )
        return found

    def _load_scene(self, folder: Path) -> BLBScene:
        return BLBScene.load(folder, self.convention)


BLBRaw = functools.partial(BLB, convention="raw")
BLBNorm = functools.partial(BLB, convention="normalized")


def safe_name(scene: str) -> str:
    """A scene's name in letters, digits, `_` and `-`: ``night_street#3`` is ``night_street-s3``.

    Other characters become `_`, with a few digits of a hash so that two scenes never share a name.
    """
    name = re.sub(r"#(\d+)$", r"-s\1", scene)
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    return re.sub(r"[^A-Za-z0-9_-]", "_", name) + "-" + records.sha256_bytes(scene.encode())[:6]


def read_depth(path: Path, focus_distances: list[float] | None = None) -> FloatImage:
    """Planar depth [H, W] in metres; invalid and far values become sky, 65504.

    Args:
        path: EXR; the first of the channels Z, V, Y, R (also of layered names).
        focus_distances: to notice a file of disparities that is called depth.
    """
    channels = {name.rpartition(".")[2]: pixels for name, pixels in read_exr(path).items()}
    name = next((name for name in "ZVYR" if name in channels), None)
    if name is None:
        raise BadImage(path, "E_CHANNELS", f"needs a channel Z, V, Y or R, has {', '.join(sorted(channels))}")
    depth = channels[name]
    sky = ~np.isfinite(depth) | (depth <= 0.0) | (depth >= SKY_FROM)
    if sky.all():
        raise BadImage(path, "E_DISPARITY", "has no valid depth")
    largest = float(depth[np.isfinite(depth)].max())
    if focus_distances and largest <= 1.0001 and max(focus_distances) > 1.5 * largest:
        raise BadImage(path, "E_DISPARITY", "holds disparities (none above 1), not depths in metres")
    return np.where(sky, np.float32(SKY_DEPTH), depth).astype(np.float32)


def _encoded(path: Path) -> FloatImage:
    return encode(read_exr_rgb(path), GAMMA).astype(np.float32)


def _read_info(folder: Path) -> dict[str, Any]:
    path = folder / "info.json"
    info = records.read_json(path)
    for name in ("blur_parameters", "focus_distances"):
        values = info.get(name) if isinstance(info, dict) else None
        numbers = isinstance(values, list) and all(isinstance(v, int | float) and v >= 0 for v in values)
        if not values or not numbers:
            raise InputError(f"{path}: needs {name}, a list of positive numbers")
    focus = np.diff(info["focus_distances"])
    if not ((focus < 0).all() or (focus > 0).all()):
        raise InputError(f"{path}: focus_distances must rise or fall throughout")
    if (folder / "image.exr").is_file() is False:
        raise InputError(f"{folder}: image.exr is missing")
    return dict(info)


def _convention(folder: Path, info: dict[str, Any], span: float, width: int, asked: str) -> str:
    """Which of the two ways info.json speaks.

    Raises:
        InputError: it says otherwise than asked; or, where it says nothing, neither way fits, or both do.
    """
    path = folder / "info.json"
    said = info.get("disparity_convention")
    if said is not None and said not in CONVENTIONS[1:]:
        raise InputError(f"{path}: disparity_convention must be raw or normalized")
    if said is not None:
        if asked not in ("auto", said):
            raise InputError(
                f"{path}: says it is {said}; use blb, or {NAMES[said]}, instead of {NAMES[asked]}"
            )
        return str(said)
    strongest, levels = float(info["blur_parameters"][-1]), len(info["blur_parameters"])
    due = STEP * levels * width / REFERENCE_WIDTH
    fitting = [
        name
        for name, K in (("raw", strongest * span), ("normalized", strongest))
        if abs(K / due - 1.0) < TOLERANCE
    ]
    if asked != "auto":
        if fitting and asked not in fitting:
            raise InputError(f"{path}: its blur_parameters are {fitting[0]}; use blb, or {NAMES[fitting[0]]}")
        return asked
    if len(fitting) == 1:
        return fitting[0]
    how = "both conventions" if fitting else "neither convention"
    raise InputError(
        f"{path}: blur_parameters fit {how}: the last is {strongest:.5g}, the span of 1/depth {span:.5g}, so "
        f"level {levels} would be K = {strongest * span:.5g} (raw) or {strongest:.5g} (normalized) where "
        f"{due:.5g} is due at width {width}; say which it is with --benchmark blb-raw:DIR or blb-norm:DIR"
    )


def _normalised_focus(
    folder: Path, info: dict[str, Any], low: float, span: float, convention: str
) -> npt.NDArray[np.float64]:
    """Focal planes on the normalised scale; InputError where the file does not say what they are."""
    key, path = "focus_disparities_normalized", folder / "info.json"
    focus = np.array(info["focus_distances"], np.float64)
    metres = (1.0 / focus - low) / span if focus.min() > 0.0 else np.full_like(focus, np.inf)
    as_metres = metres.min() > -0.02 and metres.max() < 1.02
    # Some write the planes as normalised disparities, far to near, under the same name.
    as_disparities = convention == "normalized" and focus.max() <= 1.0 and bool(np.all(np.diff(focus) >= 0.0))
    if as_metres and as_disparities and key in info:
        return np.array(info[key], np.float64)
    if as_metres and as_disparities:
        raise InputError(
            f"{path}: focus_distances may be metres or normalised disparities; add {key}, far to near"
        )
    if focus.min() <= 0.0 and not as_disparities:
        raise InputError(f"{path}: focus_distances must be positive")
    return focus if as_disparities else metres


def _aperture(path: Path, values: Any) -> Aperture:
    try:
        return Aperture.from_json(values) if values is not None else Aperture()
    except (ConfigError, TypeError, ValueError) as error:
        raise InputError(f"{path}: its aperture is none ({error})") from error


def _bokeh_files(folder: Path, levels: int, foci: int) -> tuple[tuple[int, int], ...]:
    found = []
    for path in folder.iterdir():
        match = _BOKEH.fullmatch(path.name)
        if match:
            level, focus = int(match[1]), int(match[2])
            if level >= levels or focus >= foci:
                raise InputError(f"{path}: info.json has {levels} levels and {foci} focal planes only")
            found.append((level, focus))
    if not found:
        raise InputError(f"{folder}: has no bokeh_KK_FF.exr")
    return tuple(sorted(set(found)))


def _noise(info: dict[str, Any]) -> dict[str, float]:
    images = info.get("images")
    if not isinstance(images, dict):
        return {}
    known = {name: image.get("noise_psnr") for name, image in images.items() if isinstance(image, dict)}
    return {name: float(noise) for name, noise in known.items() if isinstance(noise, int | float)}
