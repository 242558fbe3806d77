"""The folder of one stack: what is in it, what of a request is missing, and its info.json.

::

    DIR/{scene}/
        image.exr            all in focus, half RGB, linear
        depth.exr            planar depth, float32, three equal channels, sky 65504
        bokeh_KK_FF.exr      level index 0-4, focus index 0-9 (far to near), half RGB, linear
        info.json            the official keys (raw convention) and everything that made the pixels
        info.timing.json     seconds per image; the only file that may differ between two runs

info.json is rewritten after each image, so that a killed run is continued image by image; several processes
may work on one folder, each on its own images.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench import records
from bokehbench.blender import sampling
from bokehbench.blender.digest import code_digest
from bokehbench.blender.plan import ALL_IN_FOCUS, HALF_MANTISSA, LEVELS, FocusPlan, StackRequest, level_K
from bokehbench.errors import ConfigError, InputError
from bokehbench.optics import PhysicalCamera

GEOMETRY = (
    "blur_parameters",
    "focus_distances",
    "disparity_convention",
    "blur_parameters_normalized",
    "focus_disparities_normalized",
    "disparity_range",
    "resolution",
    "aperture",
)
"""Keys of info.json that a loader reads the blur from."""
NOISE_MEANING = (
    "noise_psnr: each image is the mean of two halves A and B with independent seeds, each denoised by "
    "itself; mean((A-B)^2)/4 over encoded pixels clipped to [0, 1] estimates the random error "
    "of the mean, as PSNR. noise_psnr_raw: the same before denoising. What a denoiser does to both halves "
    "alike is not in it: against 512 samples the error was found 2 to 4 dB larger."
)


def geometry(info: dict[str, Any]) -> str:
    """Hash of what info.json says about the blur."""
    return records.sha256_json({key: info.get(key) for key in GEOMETRY})


def folders(root: Path) -> dict[str, Path]:
    """Folders of stacks by name, sorted: those in `root`, or `root` itself.

    Raises:
        InputError: there is none.
    """
    if (root / "info.json").is_file():
        return {root.resolve().name: root}
    found = {path.parent.name: path.parent for path in sorted(root.glob("*/info.json"))}
    if not found:
        raise InputError(f"{root}: no rendered stack in it (a folder with info.json)")
    return found


def chosen(request: StackRequest) -> dict[str, Any]:
    """What a request says of the pixels, besides which images are asked for."""
    apart = ("levels", "foci", "blend", "height", "texture_dir")
    said = {key: value for key, value in request.to_json().items() if key not in apart}
    said["spp"], said["level_quality"] = list(request.spp), list(request.level_quality)
    said["size"] = [said.pop("width"), request.height]
    if request.quality is None or request.ray_pattern == 1:
        del said["ray_pattern"]  # it changes nothing, or the stack is of a time when there was no other
    return said


def settings(request: StackRequest) -> dict[str, Any]:
    """What makes the pixels: `chosen`, the code, Blender, the file; two runs that differ in it do not mix."""
    made = chosen(request)
    made["code_sha256"] = code_digest(request.module)
    made["bpy"] = metadata.version("bpy")
    if request.blend:
        made["blend"] = Path(request.blend).name
        made["blend_sha256"] = records.sha256_file(Path(request.blend))
    return made


def load_info(folder: Path) -> dict[str, Any]:
    """info.json; InputError where it is missing or holds something else than keys and values."""
    info = records.read_json(folder / "info.json")
    if not isinstance(info, dict):
        raise InputError(f"{folder / 'info.json'}: is not the description of a stack (keys and values)")
    return info


def read_info(folder: Path, wanted: dict[str, Any]) -> dict[str, Any]:
    """info.json of a stack, {} where there is none yet.

    Raises:
        ConfigError: the folder holds a stack that was rendered with other settings.
        InputError: info.json is something else.
    """
    if not (folder / "info.json").exists():
        return {}
    info = load_info(folder)
    found = info.get("settings", {})
    changed = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
    if changed:
        raise ConfigError(
            f"{folder}: holds a stack rendered with another {', '.join(changed)}; "
            "give another --out, or delete the folder"
        )
    return info


def missing(folder: Path, info: dict[str, Any], images: list[str]) -> list[str]:
    """Images of a request that are not there as info.json describes them."""
    return [name for name in images if not _is_complete(folder, info, name)]


def _is_complete(folder: Path, info: dict[str, Any], name: str) -> bool:
    known = info.get("images", {}).get(name)
    if known is None:
        return False
    files = {f"{name}.exr": known["sha256"]}
    if name == ALL_IN_FOCUS:
        files["depth.exr"] = known["depth_sha256"]
    return all((folder / f).is_file() and records.sha256_file(folder / f) == h for f, h in files.items())


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder's info.json belongs to this process while the block runs; a dead process holds no lock."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def establish(folder: Path, info: dict[str, Any], *, again: bool = False) -> dict[str, Any]:
    """Write info.json unless another process has, and return the one that is there.

    Args:
        folder: of the stack.
        info: from `describe`.
        again: replace what is there but for its images: the depth that it stands on was lost and rendered.
    """
    path = folder / "info.json"
    with locked(folder):
        if path.exists():
            there: dict[str, Any] = records.read_json(path)
            if not again:
                return there
            info = {**info, "images": there["images"]}
        records.write_json(path, info)
    return info


def add_image(folder: Path, name: str, record: dict[str, Any], timing: dict[str, float]) -> None:
    """Record an image that is complete on disk, in info.json, and what it cost in info.timing.json."""
    with locked(folder):
        for path, value in ((folder / "info.timing.json", timing), (folder / "info.json", record)):
            known = records.read_json(path) if path.exists() else {}
            (known["images"] if path.name == "info.json" else known)[name] = value
            records.write_json(path, known)


def describe(
    request: StackRequest, plan: FocusPlan, camera: PhysicalCamera, facts: dict[str, Any]
) -> dict[str, Any]:
    """info.json before any image is in it.

    Args:
        request: the whole of it is recorded, through `settings`.
        plan: focal planes and disparity range of the rendered depth.
        camera: as Cycles has it, at the rendered size.
        facts: what only the worker knows (Blender build, denoiser, scene parameters, warnings).
    """
    Ks = [level_K(level, request.width) for level in range(LEVELS)]
    f_numbers = [camera.f_number(K, plan.disparity_range) for K in Ks]
    info = {
        "blur_parameters": [K / plan.span for K in Ks],
        "focus_distances": [plan.distance(focus) for focus in range(len(plan.normalised))],
        "disparity_convention": "raw",
        "blur_parameters_normalized": Ks,
        "focus_disparities_normalized": list(plan.normalised),
        "disparity_range": list(plan.disparity_range),
        "resolution": [request.width, request.height],
        "camera": {
            "focal_mm": camera.focal_mm,
            "sensor_mm": camera.sensor_mm,
            "focal_px": camera.focal_px,
            "f_numbers": f_numbers,
            "aperture_radius_m": [camera.aperture_radius(N) for N in f_numbers],
        },
        "aperture": request.aperture().to_json(),
        "settings": settings(request),
        "noise": NOISE_MEANING if request.quality is None else sampling.MEANING,
        "images": {},
        **facts,
    }
    return {**info, "geometry_sha256": geometry(info)}


def rounded(image: npt.NDArray[Any], mantissa: int) -> npt.NDArray[np.float16]:
    """Light as half floats of which so many bits of mantissa are used, any shape, values >= 0.

    With m bits, the relative error is at most 2^-(m+1); encoded with gamma 2.2 it is 2.2 times smaller.
    """
    spare = np.uint16(HALF_MANTISSA - mantissa)
    bits = np.minimum(image, np.finfo(np.float16).max).astype(np.float16).view(np.uint16)
    if spare:
        up = bits + (np.uint16(1) << (spare - np.uint16(1)))
        largest = np.float16(np.finfo(np.float16).max).view(np.uint16)  # the next step is infinity
        bits = np.minimum(up, largest) >> spare << spare
    return bits.view(np.float16)


def noise_psnr(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Estimated noise of the mean of two independent linear images [H, W, 3], as PSNR of encoded [0, 1]."""
    first, second = (np.clip(x.astype(np.float64), 0.0, 1.0) ** (1 / 2.2) for x in (a, b))
    error = float(((first - second) ** 2).mean()) / 4.0
    return round(float(-10.0 * np.log10(max(error, 1e-12))), 2)
