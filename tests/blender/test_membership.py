"""What a folder is meant to hold is known: from its set, its manifest, what the renderer was asked for."""

import json
import shutil

import pytest

from bokehbench.benchmarks.ready_made import ReadyMade
from bokehbench.blender import asked, driver, manifest, membership, plan, sets, stack
from bokehbench.cli import main
from bokehbench.errors import InputError
from bokehbench.records import read_json, sha256_file, write_json
from bokehbench.registry import BenchmarkSpec, get

SPEC = sets.SetSpec("tiny", 3, "", ("thicket", "pier"), levels=(0,), foci=(4,), size=(32, 18), quality=40.0)
MADE_WITH = {"code_sha256": "c", "bpy": "4.5.1"}


def stack_of(request, folder):
    """A stack as the renderer leaves it; pixels do not matter."""
    folder.mkdir(parents=True)
    images = {}
    for name in request.images():
        (folder / f"{name}.exr").write_bytes(name.encode())
        images[name] = {"sha256": sha256_file(folder / f"{name}.exr"), "noise_psnr": 40.0, "device": "CPU"}
    (folder / "depth.exr").write_bytes(b"depth")
    images["image"]["depth_sha256"] = sha256_file(folder / "depth.exr")
    settings = {**stack.chosen(request), **MADE_WITH}
    info = {"settings": settings, "blender": {}, "images": images, "blur_parameters": [1.0]}
    write_json(folder / "info.json", {**info, "geometry_sha256": stack.geometry(info)})
    write_json(folder / "info.timing.json", {name: {"seconds": 1.0} for name in images})


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A complete set without its manifest, as after a kill."""
    monkeypatch.setattr(sets, "SETS", {"tiny": SPEC})
    monkeypatch.setattr(membership, "SETS", sets.SETS)
    for request in SPEC.requests():
        stack_of(request, tmp_path / request.scene)
    return tmp_path


def test_another_pattern_of_rays_is_another_set(tmp_path):
    """Sets of before there was a second pattern do not say which they have."""
    first, second = (
        sets.SetSpec("tiny", version, "", ("pier",), (0,), (4,), (32, 18), 40.0, ray_pattern=version)
        for version in (1, 2)
    )
    for spec in (first, second):
        stack_of(spec.requests()[0], tmp_path / str(spec) / "pier")
    assert "ray_pattern" not in read_json(tmp_path / str(first) / "pier" / "info.json")["settings"]
    for spec, other in ((first, second), (second, first)):
        membership.require(spec, tmp_path / str(spec))
        with pytest.raises(InputError, match=f"ray_pattern {other.version}, not {spec.version}"):
            membership.require(spec, tmp_path / str(other))


def change(path, **values):
    write_json(path, {**read_json(path), **values})


def verify(*arguments):
    with pytest.raises(SystemExit) as stop:
        main(["blb", "verify", *map(str, arguments)])
    return stop.value.code


def test_a_set_is_opened_under_its_name_also_while_it_is_rendered(root):
    assert ReadyMade(root, "tiny").root == root and ReadyMade(root / "pier", "tiny")
    manifest.write(SPEC, root)
    assert ReadyMade(root, "tiny")
    shutil.rmtree(root / "pier")
    (root / "thicket" / "image.exr").unlink()
    assert ReadyMade(root, "tiny")


@pytest.mark.parametrize(
    ("key", "value"),
    [("quality", 30.0), ("size", [64, 36]), ("variation", 2), ("blades", 6), ("mantissa", 7), ("seed", 1)],
)
def test_a_scene_of_other_settings_is_not_of_the_set(root, key, value):
    path = root / "pier" / "info.json"
    change(path, settings={**read_json(path)["settings"], key: value})
    with pytest.raises(InputError, match=rf"pier: is not of tiny@3: {key} .*, not "):
        ReadyMade(root, "tiny")


def test_other_scenes_levels_and_versions_are_not_of_the_set(root):
    extra = root / "thicket" / "bokeh_00_05.exr"
    extra.write_bytes(b"")
    with pytest.raises(InputError, match=r"the set has no bokeh_00_05\.exr"):
        ReadyMade(root, "tiny")
    extra.unlink()
    (root / "pier").rename(root / "plush")
    with pytest.raises(InputError, match="plush: is not of tiny@3: the set has no such scene"):
        ReadyMade(root, "tiny")
    (root / "plush").rename(root / "pier")
    manifest.write(SPEC, root)
    change(root / "manifest.json", set="tiny@2")
    with pytest.raises(InputError, match=r"manifest\.json: is of tiny@2, not of tiny@3"):
        ReadyMade(root, "tiny")


def test_blb_mini_is_not_blb_lite_and_both_specs_say_the_version_of_their_set(capsys):
    for name, spec in sets.SETS.items():
        assert get(BenchmarkSpec, name).id == str(spec)
    mini = get(BenchmarkSpec, "blb-mini").load()
    root = sets.__file__.replace("blender/sets.py", "benchmarks/data/blb-mini")
    assert mini(root).root.name == "blb-mini"
    with pytest.raises(SystemExit) as stop:
        main(["run", "--benchmark", f"blb-lite:{root}", "--method", "identity", "--out", "nowhere"])
    assert stop.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_what_a_set_lacks_is_missing_although_nothing_says_which_set_it_is(root, capsys):
    assert verify(root) == 0
    info = read_json(root / "thicket" / "info.json")
    del info["images"]["bokeh_00_04"]
    write_json(root / "thicket" / "info.json", info)
    (root / "thicket" / "bokeh_00_04.exr").unlink()
    shutil.rmtree(root / "pier")
    capsys.readouterr()
    for arguments in ((root,), (root, "--set", "tiny")):
        assert verify(*arguments) == 1
        out = capsys.readouterr().out
        assert "  bokeh_00_04.exr: missing" in out and "pier: is missing, all 3 files" in out
    assert verify(root / "thicket") == 1
    assert "pier" not in capsys.readouterr().out  # a folder that is one scene is held to this one


def test_a_changed_blur_is_damage_also_where_the_set_is_known_by_its_scenes_alone(root, capsys):
    change(root / "pier" / "info.json", blur_parameters=[2.0])
    (root / "thicket" / "bokeh_00_04.exr").unlink()
    assert verify(root) == 1
    out = capsys.readouterr().out
    assert "info.json: damaged" in out and "bokeh_00_04.exr: missing" in out


def test_a_manifest_of_an_older_version_says_what_is_missing(root):
    manifest.write(SPEC, root)
    change(root / "manifest.json", set="tiny@2")
    assert verify(root) == 0
    shutil.rmtree(root / "pier")
    assert verify(root) == 1


def test_verify_refuses_what_is_not_the_set_that_was_named(root, capsys):
    path = root / "pier" / "info.json"
    change(path, settings={**read_json(path)["settings"], "quality": 30.0})
    assert verify(root) == 0  # a folder of its own
    capsys.readouterr()
    assert verify(root, "--set", "tiny") == 2 and "quality 30.0, not 40.0" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", [{"blur_parameters": [1.0], "focus_distances": [2.0]}, [], {"images": {"image": {"spp": 2}}}]
)
def test_an_info_json_without_hashes_is_one_line(tmp_path, capsys, content):
    (tmp_path / "info.json").write_text(json.dumps(content))
    assert verify(tmp_path) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(("name", "content"), [("manifest.json", {"set": 3}), ("asked.json", {"scenes": []})])
def test_other_broken_files_are_one_line(root, capsys, name, content):
    write_json(root / name, content)
    assert verify(root) == 2
    assert name in capsys.readouterr().err


# -------------------------------------------------------------------------------- stacks of one's own


@pytest.fixture
def rendering(tmp_path, monkeypatch):
    """`rendering(request, failure)`: the driver without Blender; it "renders" where there is no failure."""
    monkeypatch.setattr(driver.processes, "require_bpy", lambda: None)
    monkeypatch.setattr(stack, "settings", lambda request: {**stack.chosen(request), **MADE_WITH})

    def render(request, failure=None):
        monkeypatch.setattr(driver, "_here", lambda pieces, means: [failure for _ in pieces])
        return driver.render_stacks([request], tmp_path, driver.Means())

    return render


def own(scene="thicket", foci=(0, 9)):
    return plan.StackRequest(scene, "thicket", 0, "", 32, 18, levels=(1,), foci=foci, spp=(2,) * 6)


def test_what_was_asked_for_is_missing_until_it_is_there(rendering, tmp_path):
    stack_of(own(foci=(0,)), tmp_path / "thicket")
    assert verify(tmp_path) == 0
    rendering(own())
    assert verify(tmp_path) == verify(tmp_path / "thicket") == 1
    shutil.rmtree(tmp_path / "thicket")
    stack_of(own(), tmp_path / "thicket")
    assert verify(tmp_path) == 0
    rendering(own(foci=(0,)))  # less than before: what was asked for then still is
    assert asked.read(tmp_path) == {"thicket": sorted(own().images())}


def test_a_file_that_cannot_be_rendered_is_not_missed(rendering, tmp_path):
    rendering(own("refused"), InputError("has no camera"))
    assert not any(tmp_path.iterdir())
