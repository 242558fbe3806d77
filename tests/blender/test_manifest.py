"""Sets and their manifests: same bytes, other bytes, damaged, missing are told apart."""

import json

import pytest

from bokehbench.blender import manifest, sets, stack
from bokehbench.cli import main
from bokehbench.errors import ConfigError
from bokehbench.records import sha256_file, write_json

SPEC = sets.SetSpec("tiny", 1, "Two files.", ("thicket",), levels=(0,), foci=(4,), spp=2)


@pytest.fixture
def rendered(tmp_path):
    """What a rendered set looks like; pixels do not matter."""
    folder = tmp_path / "thicket"
    folder.mkdir()
    for name in ("image", "depth", "bokeh_00_04"):
        (folder / f"{name}.exr").write_bytes(name.encode() * 9)
    hashes = {name: sha256_file(folder / f"{name}.exr") for name in ("image", "depth", "bokeh_00_04")}
    common = {"spp": 2, "noise_psnr": 41.5, "device": "CPU: some"}
    info = {
        "settings": {"code_sha256": "c"},
        "blender": {"version": "4.5"},
        "disparity_range": [0.0, 0.5],
        "images": {
            "image": {**common, "sha256": hashes["image"], "depth_sha256": hashes["depth"]},
            "bokeh_00_04": {**common, "sha256": hashes["bokeh_00_04"], "noise_psnr": 39.0},
        },
    }
    info = {"blur_parameters": [20.0, 40.0], "focus_distances": [9.0, 2.0], **info}
    write_json(folder / "info.json", {**info, "geometry_sha256": stack.geometry(info)})
    write_json(folder / "info.timing.json", {name: {"seconds": 2.5} for name in info["images"]})
    return tmp_path


def statuses(out, published):
    return {finding.file: finding.status for finding in manifest.check(out, published)}


def test_the_manifest_of_a_complete_set_finds_every_file_as_published(rendered):
    written = manifest.write(SPEC, rendered)
    assert written["set"] == "tiny@1" and written["lowest_noise_psnr"] == 39.0 and written["seconds"] == 5.0
    assert json.loads((rendered / "manifest.json").read_text()) == written
    assert set(statuses(rendered, written).values()) == {manifest.SAME}
    assert len(statuses(rendered, written)) == 4
    assert "as published" in next(manifest.summary(manifest.check(rendered, written), written))


def test_an_incomplete_set_has_no_manifest(rendered):
    other = sets.SetSpec("tiny", 1, "", ("thicket",), levels=(0, 4), foci=(4,), spp=2)
    assert manifest.write(other, rendered) is None
    assert not (rendered / "manifest.json").exists()


def test_sound_files_of_another_machine_are_told_from_damaged_and_missing_ones(rendered):
    published = manifest.write(SPEC, rendered)
    folder = rendered / "thicket"
    (folder / "image.exr").write_bytes(b"flipped")
    (folder / "depth.exr").unlink()
    # Another machine's file agrees with its own info.json.
    (folder / "bokeh_00_04.exr").write_bytes(b"rounded otherwise")
    info = json.loads((folder / "info.json").read_text())
    info["images"]["bokeh_00_04"]["sha256"] = sha256_file(folder / "bokeh_00_04.exr")
    write_json(folder / "info.json", info)
    assert statuses(rendered, published) == {
        "info.json": manifest.SAME,
        "image.exr": manifest.DAMAGED,
        "depth.exr": manifest.MISSING,
        "bokeh_00_04.exr": manifest.OTHER,
    }
    # Where nothing is published, info.json alone decides.
    assert statuses(rendered, None)["bokeh_00_04.exr"] == manifest.SAME


def test_a_changed_blur_is_damage_and_another_one_is_not_the_published(rendered):
    published = manifest.write(SPEC, rendered)
    path = rendered / "thicket" / "info.json"
    info = json.loads(path.read_text())
    write_json(path, {**info, "blur_parameters": [21.0, 42.0]})
    assert statuses(rendered, published)["info.json"] == manifest.DAMAGED
    other = {**info, "blur_parameters": [21.0, 42.0]}
    write_json(path, {**other, "geometry_sha256": stack.geometry(other)})
    assert statuses(rendered, published)["info.json"] == manifest.OTHER


def test_a_scene_of_the_published_set_that_is_not_there_is_missing(rendered):
    published = manifest.write(SPEC, rendered)
    published["scenes"]["night_street"] = published["scenes"]["thicket"]
    missing = [f for f in manifest.check(rendered, published) if f.status == manifest.MISSING]
    assert {finding.scene for finding in missing} == {"night_street"} and len(missing) == 3


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        main(["blb", *arguments])
    return stop.value.code


def test_verify_exits_with_0_for_sound_1_for_damaged_2_for_nothing(rendered, capsys):
    assert run("verify", str(rendered)) == 0
    (rendered / "thicket" / "depth.exr").write_bytes(b"")
    assert run("verify", str(rendered)) == 1
    assert "depth.exr: damaged" in capsys.readouterr().out
    assert run("verify", str(rendered / "nowhere")) == 2


def test_sets_have_one_definition_that_options_cannot_bend(tmp_path, capsys):
    for spec in sets.SETS.values():
        requests = spec.requests()
        assert [request.scene for request in requests] == list(spec.scenes)
        assert all(request.variation == 0 and request.foci == (0, 4, 9) for request in requests)
    with pytest.raises(ConfigError, match="blb-mini"):
        sets.find_set("blb-maxi")
    for option in (["--size", "64x64"], ["--scene", "thicket"], ["--seed", "1"]):
        assert run("render", "--set", "blb-lite", "--out", str(tmp_path), *option) == 2
        assert option[0] in capsys.readouterr().err
