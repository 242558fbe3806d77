"""What a ready-made set consists of, file by file, and whether a folder still holds it.

``DIR/manifest.json`` is written when a set is complete. The one of the set as it was published lies in the
package; files that differ from it are not wrong: another processor rounds otherwise. Those that differ from
their own info.json are damaged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bokehbench
from bokehbench import records
from bokehbench.blender import stack
from bokehbench.blender.plan import ALL_IN_FOCUS
from bokehbench.blender.sets import SetSpec
from bokehbench.errors import InputError

FILE = "manifest.json"
SAME, OTHER, DAMAGED, MISSING = "same bytes", "other bytes", "damaged", "missing"


@dataclass(frozen=True)
class Finding:
    """One file of a stack.

    Attributes:
        scene: name of its folder.
        file: name in it.
        status: `SAME`, `OTHER`, `DAMAGED` or `MISSING`; compared with what was published where that is
            known, else with info.json alone.
    """

    scene: str
    file: str
    status: str


def write(spec: SetSpec, out: Path) -> dict[str, Any] | None:
    """Write manifest.json of a set that is complete below `out`; None where images are missing."""
    scenes: dict[str, Any] = {}
    for request in spec.requests():
        path = out / request.scene / "info.json"
        info = _load_info(path.parent) if path.is_file() else {"images": {}}
        if not set(request.images()) <= info["images"].keys():
            return None
        timing = records.read_json(path.with_name("info.timing.json"))
        scenes[request.scene] = {
            "code_sha256": info["settings"]["code_sha256"],
            "blender": info["blender"],
            "geometry_sha256": stack.geometry(info),
            "images": {
                name: {**_published(info["images"][name]), "seconds": timing[name]["seconds"]}
                for name in request.images()
            },
        }
    images = [image for scene in scenes.values() for image in scene["images"].values()]
    manifest = {
        "set": str(spec),
        "summary": spec.summary,
        "bokehbench": bokehbench.__version__,
        "size": list(spec.size),
        "bytes": sum((out / s / name).stat().st_size for s in scenes for name in _files(scenes[s])),
        "seconds": round(sum(image["seconds"] for image in images), 1),
        "devices": sorted({image["device"] for image in images}),
        "lowest_noise_psnr": min(image["noise_psnr"] for image in images),
        "scenes": scenes,
    }
    records.write_json(out / FILE, manifest)
    return manifest


def _published(image: dict[str, Any]) -> dict[str, Any]:
    names = ("sha256", "depth_sha256", "spp", "noise_psnr", "device")
    return {name: image[name] for name in names if name in image}


def shipped(set_name: str) -> dict[str, Any] | None:
    """The manifest of a set as it was published with the package, None where it was not."""
    path = Path(bokehbench.__file__).parent / "benchmarks" / "data" / f"{set_name.partition('@')[0]}.json"
    manifest: dict[str, Any] | None = records.read_json(path) if path.is_file() else None
    return manifest if manifest and (set_name in (manifest["set"], set_name.partition("@")[0])) else None


def set_of(folder: Path) -> str | None:
    """``NAME@VERSION`` of the set that a folder says it is, None for stacks of one's own.

    Raises:
        InputError: its manifest.json is none.
    """
    manifest = _own(folder)
    return str(manifest["set"]) if manifest else None


def images_of(folder: Path) -> dict[str, list[str]]:
    """Stems by scene of the images that a folder's manifest.json lists; {} without one.

    Raises:
        InputError: its manifest.json is none.
    """
    scenes = (_own(folder) or {"scenes": {}})["scenes"]
    return {name: list(scene["images"]) for name, scene in scenes.items()}


def _own(folder: Path) -> dict[str, Any] | None:
    path = folder / FILE
    if not path.is_file():
        return None
    manifest = records.read_json(path)
    known = isinstance(manifest, dict) and isinstance(manifest.get("set"), str)
    scenes = manifest.get("scenes") if known else None
    if not isinstance(scenes, dict) or not all(
        isinstance(scene, dict) and isinstance(scene.get("images"), dict) for scene in scenes.values()
    ):
        raise InputError(f"{path}: is not the manifest of a set (set, and scenes with their images)")
    return dict(manifest)


def check(
    folder: Path,
    published: dict[str, Any] | None = None,
    wanted: Mapping[str, Collection[str]] | None = None,
) -> list[Finding]:
    """Compare every file with its info.json, and with what was published.

    Args:
        folder: holds a folder per scene, or is one.
        published: a manifest, whose bytes the files are compared with.
        wanted: stems by scene of the images that must be there; None for all that were published.

    Raises:
        InputError: there is no stack, or one whose info.json has no hashes.
    """
    there = stack.folders(folder)
    known = published["scenes"] if published else {}
    due = {scene: known[scene]["images"] for scene in known} if wanted is None else wanted
    findings: list[Finding] = []
    for scene in dict.fromkeys([*there, *due]):
        expected = _files(known[scene]) if scene in known else {}
        info = _load_info(there[scene]) if scene in there else {"images": {}}
        own = _files(info)
        if scene in there:
            blur = known[scene]["geometry_sha256"] if scene in known else None
            findings.append(Finding(scene, "info.json", _status_of_info(info, blur)))
        for file in dict.fromkeys([*own, *_names(due.get(scene, ()))]):
            path = there.get(scene, folder / scene) / file
            findings.append(Finding(scene, file, _status(path, own.get(file), expected.get(file))))
    return findings


def _load_info(folder: Path) -> dict[str, Any]:
    """info.json with a hash of each image and of the depth."""
    info = stack.load_info(folder)
    images = info.get("images")
    if not isinstance(images, dict) or not all(
        isinstance(image, dict)
        and isinstance(image.get("sha256"), str)
        and (name != ALL_IN_FOCUS or isinstance(image.get("depth_sha256"), str))
        for name, image in images.items()
    ):
        raise InputError(
            f"{folder / 'info.json'}: has no hashes of its images, so that they cannot be checked; only what "
            "bokehbench blb render wrote has them"
        )
    return info


def _status(path: Path, own: str | None, published: str | None) -> str:
    if not path.is_file() or own is None:
        return MISSING
    if records.sha256_file(path) != own:
        return DAMAGED
    return SAME if published in (own, None) else OTHER


def _status_of_info(info: dict[str, Any], published: str | None) -> str:
    """The hash that the renderer left in info.json tells a change of the blur; older files have none."""
    if info.get("geometry_sha256", stack.geometry(info)) != stack.geometry(info):
        return DAMAGED
    return SAME if published in (stack.geometry(info), None) else OTHER


def _files(described: dict[str, Any]) -> dict[str, str]:
    """Hash by file name, of an info.json or of a scene of a manifest."""
    return dict(_hashes(described["images"]))


def _hashes(images: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, image in sorted(images.items()):
        yield f"{name}.exr", image["sha256"]
        if name == ALL_IN_FOCUS:
            yield "depth.exr", image["depth_sha256"]


def _names(stems: Collection[str]) -> Iterator[str]:
    """Files of images: the all-in-focus image has its depth beside it."""
    for stem in sorted(stems):
        yield f"{stem}.exr"
        if stem == ALL_IN_FOCUS:
            yield "depth.exr"


def summary(findings: list[Finding], published: dict[str, Any] | None) -> Iterator[str]:
    """A line per scene, and one per file that is damaged or missing of a scene that is there."""
    for scene in dict.fromkeys(finding.scene for finding in findings):
        mine = [finding for finding in findings if finding.scene == scene]
        counts = {status: sum(f.status == status for f in mine) for status in (SAME, OTHER, DAMAGED, MISSING)}
        if counts[MISSING] == len(mine):
            yield f"{scene}: is missing, all {len(mine)} files"
            continue
        if published is None or scene not in published["scenes"]:
            text = f"{counts[SAME]} files as info.json describes them"
        elif counts[OTHER] == 0:
            text = f"{counts[SAME]} files, the bytes of {published['set']} as published"
        else:
            text = (
                f"{counts[OTHER]} of {len(mine)} files are sound but not the published bytes of "
                f"{published['set']} (another machine, Blender or version of the scene)"
            )
        yield f"{scene}: {text}"
        yield from (f"  {f.file}: {f.status}" for f in mine if f.status in (DAMAGED, MISSING))
