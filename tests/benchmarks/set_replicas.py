"""Small folders laid out like the published sets, with pictures that look like photographs."""

from __future__ import annotations

import contextlib
import functools
import json
import warnings
from pathlib import Path

import cv2
import numpy as np

from bokehbench import images, records
from bokehbench.benchmarks.locate import Reference, open_benchmark

SIZE = (96, 64)
SUBJECT, NEAR, FAR = 0.8, 0.35, 0.1
"""Disparities: of the subject in the middle, of the ground at the lower edge and at the upper."""


@functools.cache
def photograph(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Encoded [H, W, 3] in [0, 1]."""
    from skimage import data

    source = (data.coffee, data.astronaut, data.chelsea, data.rocket)[number % 4]()
    shift = 7 * (number // 4 % 5)
    cut = source[shift : shift + 200, shift : shift + 300]
    return cv2.resize(cut, size, interpolation=cv2.INTER_AREA) / 255.0


def subject(size: tuple[int, int] = SIZE) -> np.ndarray:
    """[H, W] bool: where the subject stands."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    return np.hypot((x - size[0] / 2) / (0.25 * size[0]), (y - size[1] / 2) / (0.4 * size[1])) < 1.0


def disparity(size: tuple[int, int] = SIZE) -> np.ndarray:
    """[H, W] in [0, 1], near large: ground that comes nearer downwards, a subject before it."""
    ground = np.linspace(FAR, NEAR, size[1])[:, None].repeat(size[0], axis=1)
    return np.where(subject(size), SUBJECT, ground)


def bokeh(number: int, sigma: float = 3.0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """The photograph with its surroundings blurred in light."""
    light = photograph(number, size) ** 2.2
    blurred = cv2.GaussianBlur(light, (0, 0), sigma)
    return np.where(subject(size)[..., None], light, blurred) ** (1 / 2.2)


def box(size: tuple[int, int] = SIZE) -> list[int]:
    """A box inside the subject: left, top, right, bottom."""
    return [size[0] // 2 - 8, size[1] // 2 - 8, size[0] // 2 + 8, size[1] // 2 + 8]


def write_saliency(path: Path, size: tuple[int, int] = SIZE) -> None:
    """A mask as `bokehbench depth --saliency` writes it."""
    images.write_exr(path, {"Y": subject(size).astype(np.float32)}, half=False)


def write_map(path: Path, size: tuple[int, int] = SIZE) -> None:
    """Disparity as `bokehbench depth` writes it."""
    images.write_exr(path, {"Y": disparity(size).astype(np.float32)}, half=False)


def write_origin(
    path: Path, picture: Path, network: str, task: str = "depth", weights: str = "1a2b3c4d"
) -> None:
    """The record that `bokehbench depth` writes beside a map."""
    stem = path.stem.removesuffix(".raw").removesuffix(".saliency")
    identity = {"spec": f"{network}@1", "weights": weights, "options": {}}
    record = {
        "version": 1,
        "identities": {"depth": None, "saliency": None} | {task: identity},
        "source": picture.name,
        "source_sha256": records.sha256_file(picture),
        "files": {"any": {"path": path.name, "sha256": records.sha256_file(path)}},
    }
    records.write_json(path.with_name(f"{stem}.json"), record)


def ebb400(
    root: Path, numbers: tuple[int, ...] = (218, 864, 1205, 3466), size: tuple[int, int] = SIZE
) -> Path:
    """EBB400: pairs, MiDaS and DPT maps, boxes, and saliency made beside them."""
    for number in numbers:
        images.write_jpeg(root / "image" / f"{number}.jpg", photograph(number, size), quality=95)
        images.write_jpeg(root / "bokeh" / f"{number}.jpg", bokeh(number, size=size), quality=95)
        images.write_png(root / "disparity" / f"{number}.png", disparity(size))
        images.write_png(root / "disparity_dpt" / f"{number}.png", disparity(size) ** 0.8)
        write_saliency(root / "birefnet" / f"{number}.saliency.exr", size)
    boxes = {str(number): box(size) for number in numbers}
    (root / "boxes.json").write_text(json.dumps(boxes))
    return root


def ebb400_lq(root: Path, numbers: tuple[int, ...] = (218, 864), size: tuple[int, int] = SIZE) -> Path:
    """The low-quality twin, by the command that makes it, with a network's maps of its pictures."""
    from bokehbench.cli import main

    clean = ebb400(root.with_name("EBB400"), numbers, size)
    with contextlib.suppress(SystemExit):
        main(["degrade", str(clean), "--set", "ebb400-lq", "--out", str(root)])
    for number in numbers:
        path = root / "depth-anything-v2-large" / f"{number}.exr"
        write_map(path, size)
        write_origin(path, root / "image" / f"{number}.png", "depth-anything-v2-large")
    return root


def ebb_val294(
    root: Path, numbers: tuple[int, ...] = (4398, 4399, 4400, 4401, 4693), size: tuple[int, int] = SIZE
) -> Path:
    """EBB!'s training folder around the beginning of the split, with maps of a network."""
    for number in numbers:
        images.write_jpeg(root / "original" / f"{number}.jpg", photograph(number, size), quality=95)
        images.write_jpeg(root / "bokeh" / f"{number}.jpg", 0.8 * bokeh(number, size=size), quality=95)
        write_map(root / "depth-anything-v2-base" / f"{number}.exr", size)
        write_saliency(root / "birefnet" / f"{number}.saliency.exr", size)
    return root


def realbokeh(root: Path, scenes: tuple[int, ...] = (1, 2, 135), focus_distance: float = 1.25) -> Path:
    """RealBokeh's test split, with depth as `bokehbench depth --raw` writes it; the subject in focus."""
    depth = 1.0 / disparity()
    for scene in scenes:
        images.write_jpeg(root / "test" / "in" / f"{scene}_f22.JPG", photograph(scene), quality=95)
        targets, stops = [], (2.0, 5.6, 20.0)
        for stop in stops:
            name = (
                f"gt/{scene}/{scene}_f{stop:.1f}.JPG" if stop < 10 else f"gt/{scene}/{scene}_f{stop:.0f}.JPG"
            )
            images.write_jpeg(root / "test" / name, bokeh(scene, 6.0 / stop), quality=95)
            targets.append(name)
        meta = {
            "id": scene,
            "source_image": f"in/{scene}_f22.JPG",
            "source_av": 22.0,
            "target_images": targets,
            "target_avs": list(stops),
            "focal_length": 50,
            "ISO": 100,
            "EV": 13.1,
            "focus_plane_distance": focus_distance,
            "focus_plane_uncertainty": 0.03,
        }
        (root / "test" / "metadata").mkdir(parents=True, exist_ok=True)
        (root / "test" / "metadata" / f"{scene}.json").write_text(json.dumps(meta))
        raw = root / "depth-pro" / f"{scene}_f22.raw.exr"
        images.write_exr(raw, {"Z": depth.astype(np.float32)}, half=False)
        write_map(root / "depth-anything-v2-base" / f"{scene}_f22.exr")
        write_saliency(root / "birefnet" / f"{scene}_f22.saliency.exr")
    return root


def ipb(root: Path) -> Path:
    """Photographs with a lens each, one of them with a telephone's bokeh beside it."""
    for number, name in enumerate(("portrait-1", "portrait 2", "cup")):
        images.write_jpeg(root / "image" / f"{name}.jpg", photograph(number), quality=95)
        images.write_png(root / "disparity" / f"{name}.png", disparity())
    images.write_jpeg(root / "reference" / "cup.jpg", bokeh(2), quality=95)
    lenses = {
        "portrait-1": {"K": 12, "disp_focus": 0.8},
        "portrait 2": {"K": 6.5, "point": [48, 32]},
        "cup": {"K": 8, "point": [4, 4]},
    }
    (root / "lens.json").write_text(json.dumps(lenses))
    return root


def _quarter(number: int) -> np.ndarray:
    small = (SIZE[0] // 4, SIZE[1] // 4)
    return cv2.resize(photograph(number), small, interpolation=cv2.INTER_AREA)


def realsr(root: Path, count: int = 2) -> Path:
    """RealSR, version 3, as released."""
    for camera in ("Canon", "Nikon"):
        folder = root / camera / "Test" / "4"
        for number in range(1, count + 1):
            images.write_png(folder / f"{camera}_{number:03}_HR.png", photograph(number))
            images.write_png(folder / f"{camera}_{number:03}_LR4.png", _quarter(number))
    return root


def drealsr(root: Path) -> Path:
    """DRealSR's Test_x4 as released."""
    for number, name in enumerate(("Canon_10", "panasonic_131", "P1160726")):
        images.write_png(root / "test_HR" / f"{name}_x4.png", photograph(number))
        images.write_png(root / "test_LR" / f"{name}_x1.png", _quarter(number))
    return root


def crops(root: Path) -> Path:
    """StableSR's crops: one name in both folders."""
    for number in range(2):
        images.write_png(root / "test_HR" / f"Canon_{number:03}.png", photograph(number))
        images.write_png(root / "test_LR" / f"Canon_{number:03}.png", _quarter(number))
    return root


def opened(root, name, protocol=None):
    """The benchmark of a replica."""
    return open_benchmark(Reference(f"{name}:{root}", protocol))


def cases(root, name, protocol=None):
    """Its cases."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # replicas are a part of the set
        return opened(root, name, protocol).cases()


def loaded(root, name, protocol=None, which=0):
    """One of its cases with its pictures."""
    infos = cases(root, name, protocol)
    return opened(root, name, protocol).load(infos[which])
