"""The digest of a stack's code covers what makes its pixels and nothing else."""

import shutil
from pathlib import Path

import pytest

from bokehbench.blender import digest
from bokehbench.blender.catalogue import SCENES


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A copy of the room, to change; digests are taken of it."""
    copy = tmp_path / "blender"
    shutil.copytree(Path(digest.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(digest, "__file__", str(copy / "digest.py"))
    return copy


def changed_by(room, file, old, new):
    """Scenes ("" is a user's file) whose digest a change to one file moves."""
    names = ("night_street", "thicket", "point_lights", "")
    before = {name: digest.pixel_code(name) for name in names}
    path = room / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return {name for name in names if digest.pixel_code(name) != before[name]}


def test_a_scene_is_made_by_its_own_modules_those_they_import_and_the_renderer():
    modules = {name.removeprefix("bokehbench.blender.") for name in digest.pixel_code("night_street")}
    assert modules >= {"plan", "scripts.camera", "scripts.cycles", "scripts.stackjob", "scripts.meshes"}
    assert {"scripts.scenes.night_street", "scripts.scenes.facades", "scripts.scenes.tram"} <= modules
    assert not modules & {"driver", "stack", "scripts.worker", "scripts.blendfile", "scripts.scenes.thicket"}
    assert "bokehbench.blender.scripts.blendfile" in digest.pixel_code("")


def test_every_scene_of_the_catalogue_has_a_digest_of_its_own():
    assert len({digest.code_digest(name) for name in (*SCENES, "")}) == len(SCENES) + 1


def test_a_change_to_one_scene_leaves_the_others(room):
    assert changed_by(room, "scripts/scenes/point_lights.py", "RADIUS = 0.0045", "RADIUS = 0.005") == {
        "point_lights"
    }
    assert changed_by(room, "scripts/blendfile.py", "0.98", "0.97") == {""}


def test_a_function_that_scenes_share_counts_for_those_that_call_it(room):
    meshes = "scripts/meshes.py"
    assert changed_by(room, meshes, "def disc(", "def unheard_of():\n    return 1\n\n\ndef disc(") == set()
    assert changed_by(room, meshes, "def disc(", "def disc(spare=0, *, ") >= {"point_lights"}
    assert changed_by(room, meshes, "def start_scene(", "def start_scene(spare=0, *, ") == {
        "night_street",
        "thicket",
        "point_lights",
    }


def test_the_renderer_is_part_of_every_stack(room):
    changed = changed_by(room, "scripts/camera.py", "focus_object = None", "focus_object = 0")
    assert changed == {"night_street", "thicket", "point_lights", ""}


def test_words_and_bookkeeping_are_part_of_none(room):
    assert changed_by(room, "scripts/camera.py", '"""The camera', '"""A camera') == set()
    assert changed_by(room, "scripts/camera.py", "# it would", "# or it would") == set()
    assert changed_by(room, "stack.py", "import annotations", "import annotations\nSPARE = 1") == set()
