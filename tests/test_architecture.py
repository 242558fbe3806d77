"""Claims about the house: imports go one way, nothing heavy above the room that needs it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bokehbench

ROOT = Path(bokehbench.__file__).parent
CORE = {
    "",
    "__version__",
    "apertures",
    "cases",
    "errors",
    "images",
    "jobs",
    "layers",
    "method_specs",
    "optics",
    "progress_made",
    "ray_jobs",
    "records",
    "registry",
    "rng",
    "spec_kinds",
    "weights",
}
MAY_IMPORT = {
    "synth.render": set(),
    "synth.degrade": set(),
    "synth": {"synth.render", "synth.degrade"},
    "blender": set(),
    "depth": {"synth.degrade"},
    "metrics": set(),
    "benchmarks": {"synth.render", "synth.degrade", "depth", "blender"},
    "baselines": {"synth.render", "synth.degrade"},
    "photograph": set(),
    "sweep": {"photograph"},
    "leaderboard": {"baselines", "benchmarks", "metrics"},
    "training": {"baselines", "synth", "synth.render", "synth.degrade", "benchmarks", "metrics", "depth"},
    "study": {"leaderboard"},
    "weights_convert": {"baselines"},
    "commands": {
        "leaderboard",
        "study",
        "training",
        "baselines",
        "benchmarks",
        "metrics",
        "synth",
        "synth.degrade",
        "blender",
        "depth",
        "photograph",
        "sweep",
        "weights_convert",
    },
    "cli": {"commands"},
    "__main__": {"cli"},
}
HEAVY = {
    *("av", "torch", "torchvision", "cv2", "bpy", "numba", "pandas", "scipy", "skimage", "numpy"),
    *(
        "diffusers",
        "transformers",
        "peft",
        "accelerate",
        "webdataset",
        "pyarrow",
        "datasets",
        "ray",
        "triton",
    ),
}


def room(module: str) -> str:
    """`bokehbench.synth.render.kernel` is in `synth.render`; core modules are rooms of their own name."""
    inside = module.removeprefix("bokehbench").removeprefix(".")
    rooms = (name for name in ("synth.render", "synth.degrade") if f"{inside}.".startswith(f"{name}."))
    return next(rooms, inside.partition(".")[0])


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """(module, at the top of the file) of every import, also those inside functions."""
    tree = ast.parse(path.read_text())
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{path}: a relative import"
            # `from bokehbench import jobs` imports a module, whatever it looks like.
            inside = [f"bokehbench.{alias.name}" for alias in node.names]
            names = inside if node.module == "bokehbench" else [node.module]
        yield from ((name, id(node) in top) for name in names)


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    here = room(".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"))
    for module, _ in imports(path):
        if module.partition(".")[0] == "bokehbench":
            there = room(module)
            allowed = CORE | MAY_IMPORT.get(here, set()) | {here}
            assert there in allowed, f"{here} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_scripts_of_blender_import_bpy(path: Path) -> None:
    imported = {module.partition(".")[0] for module, _ in imports(path)}
    assert not imported & {"bpy", "mathutils", "bmesh"} or "blender/scripts" in path.as_posix()


@pytest.mark.parametrize("path", sorted((ROOT / "commands").glob("*.py")), ids=lambda path: path.stem)
def test_commands_import_their_room_when_they_run(path: Path) -> None:
    at_top = {module.partition(".")[0] for module, top in imports(path) if top}
    assert not at_top & HEAVY


@pytest.mark.parametrize("path", sorted(ROOT.rglob("specs.py")), ids=lambda path: path.parent.name)
def test_specs_import_the_registry_alone(path: Path) -> None:
    assert {module for module, _ in imports(path)} <= {"__future__", "bokehbench.registry"}
