"""Whether a folder is a ready-made set, or a part of one, and which images it is meant to hold.

A scene is of a set when it was rendered with the set's settings and has no image that the set has not. The
digest of the code and Blender's version do not count: `manifest.check` tells another version of a scene, and
files or an info.json that were changed since.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from bokehbench.blender import asked, manifest, stack
from bokehbench.blender.plan import StackRequest
from bokehbench.blender.sets import SETS, SetSpec
from bokehbench.errors import InputError


def require(spec: SetSpec, root: Path) -> None:
    """Refuse a folder that is not of the set; one that lacks some of it is.

    Args:
        spec: the set.
        root: holds a folder per scene, or is one.

    Raises:
        InputError: a scene of another set, size or quality, or a manifest.json of another set.
    """
    said = manifest.set_of(root)
    if said not in (None, str(spec)):
        raise InputError(f"{root / manifest.FILE}: is of {said}, not of {spec}")
    requests = {request.scene: request for request in spec.requests()}
    for scene, folder in stack.folders(root).items():
        why = _why_not(requests.get(scene), folder)
        if why:
            raise InputError(
                f"{folder}: is not of {spec}: {why}; bokehbench blb render --set {spec.name} makes the set, "
                "--benchmark blb:DIR takes any folder"
            )


def find(root: Path) -> SetSpec | None:
    """The set that a folder says it is, else the one that all its scenes are of; None of one's own stacks.

    Raises:
        InputError: there is no stack, or a file that is not what its name says.
    """
    said = manifest.set_of(root)
    if said is not None:
        return next((spec for spec in SETS.values() if str(spec) == said), None)
    folders = stack.folders(root)
    for spec in SETS.values():
        requests = {request.scene: request for request in spec.requests()}
        if not any(_why_not(requests.get(scene), folder) for scene, folder in folders.items()):
            return spec
    return None


def wanted(root: Path, spec: SetSpec | None) -> dict[str, set[str]]:
    """Stems by scene of the images that are due: by the set, the folder's manifest, what was asked for.

    Args:
        root: holds a folder per scene; of one that is a scene itself, only this scene counts.
        spec: the set that it is of, if any.

    Raises:
        InputError: a file that is not what its name says.
    """
    alone = (root / "info.json").is_file()
    home = root.resolve().parent if alone else root
    of_set = {request.scene: request.images() for request in spec.requests()} if spec is not None else {}
    due: defaultdict[str, set[str]] = defaultdict(set)
    for source in (of_set, manifest.images_of(root), asked.read(home)):
        for scene, stems in source.items():
            if not alone or scene == root.resolve().name:
                due[scene].update(stems)
    return dict(due)


def _why_not(request: StackRequest | None, folder: Path) -> str:
    """Why a scene is not the one that a set requests; empty where it is."""
    if request is None:
        return "the set has no such scene"
    info = stack.load_info(folder)
    found = info.get("settings")
    if not isinstance(found, dict):
        return "info.json does not say how it was rendered"
    due = stack.chosen(request)
    # `stack.chosen` leaves the first pattern out.
    due, found = ({"ray_pattern": 1, **said} for said in (due, found))
    other = [f"{key} {found.get(key)}, not {due[key]}" for key in sorted(due) if found.get(key) != due[key]]
    if other:
        return "; ".join(other)
    beyond = {path.stem for path in folder.glob("bokeh_*.exr")} - set(request.images())
    return f"the set has no {min(beyond)}.exr" if beyond else ""
