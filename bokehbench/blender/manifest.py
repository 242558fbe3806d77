"""What a ready-made set consists of, file by file, and whether a folder still holds it.

``DIR/manifest.json`` is written when a set is complete. The one of the set as it was published lies in the
package; files that differ from it are not wrong: another processor rounds otherwise. Those that differ from
their own info.json are damaged.
"""

from __future__ import annotations

from collections.abc import Iterator
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
        info = records.read_json(path) if path.is_file() else {"images": {}}
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
    """``NAME@VERSION`` of the set that a folder says it is, None for stacks of one's own."""
    path = folder / FILE
    return str(records.read_json(path)["set"]) if path.is_file() else None


def check(folder: Path, published: dict[str, Any] | None = None) -> list[Finding]:
    """Compare every file with its info.json, and with what was published.

    Args:
        folder: holds a folder per scene, or is one.
        published: a manifest; its scenes and images must all be there.

    Raises:
        InputError: there is no stack.
    """
    there = {path.parent.name: path.parent for path in sorted(folder.glob("*/info.json"))}
    if (folder / "info.json").is_file():
        there = {folder.resolve().name: folder}
    if not there:
        raise InputError(f"{folder}: no rendered stack in it (a folder with info.json)")
    wanted = published["scenes"] if published else {}
    findings: list[Finding] = []
    for scene in dict.fromkeys([*there, *wanted]):
        expected = _files(wanted[scene]) if scene in wanted else {}
        info = records.read_json(there[scene] / "info.json") if scene in there else {"images": {}}
        own = _files(info)
        if scene in there:
            due = wanted[scene]["geometry_sha256"] if scene in wanted else None
            findings.append(Finding(scene, "info.json", _status_of_info(info, due)))
        for file in dict.fromkeys([*own, *expected]):
            path = there.get(scene, folder / scene) / file
            findings.append(Finding(scene, file, _status(path, own.get(file), expected.get(file))))
    return findings


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


def summary(findings: list[Finding], published: dict[str, Any] | None) -> Iterator[str]:
    """A line per scene, and one per file that is damaged or missing."""
    for scene in dict.fromkeys(finding.scene for finding in findings):
        mine = [finding for finding in findings if finding.scene == scene]
        counts = {status: sum(f.status == status for f in mine) for status in (SAME, OTHER, DAMAGED, MISSING)}
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
