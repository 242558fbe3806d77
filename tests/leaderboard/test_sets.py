"""Numbers over whole sets: stored, renewed when their pictures change, shown apart and never ranked."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from board_world import register_world, write_result, write_world
from click.testing import CliRunner

from bokehbench import images, records, registry
from bokehbench.commands.evaluate import chosen
from bokehbench.commands.evaluate import evaluate as command
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.leaderboard import focus, set_scores, sets
from bokehbench.metrics import noreference, weights
from bokehbench.metrics.sets import Measured
from bokehbench.metrics.specs import DEFAULT
from bokehbench.registry import SetMetricSpec


@pytest.fixture
def world(tmp_path, monkeypatch):
    """4 cases, two methods; no weights but the bundled ones."""
    register_world(monkeypatch)
    monkeypatch.setattr(weights, "folders", lambda: [tmp_path / "weights"])
    return write_world(
        tmp_path / "results", scenes=2, methods={"identity": 60.0, "soft": 12.0}, size=(24, 16)
    )


def stored(at, method: str) -> dict:
    return records.read_json(at.folder / method / "none" / set_scores.FILE)["scores"]


def error(at, method: str) -> float:
    """Mean squared error of all pictures, 8-bit units."""
    folder = at.folder / method / "none"
    found = []
    for path in sorted(folder.glob("*.png")):
        target = images.read_image(at.case_image(path.stem, "target"))
        found.append(np.mean((255.0 * (images.read_image(path).astype(float) - target)) ** 2))
    return float(np.mean(found))


def test_a_number_is_stored_with_what_it_was_made_from_and_holds(world):
    summary = set_scores.evaluate_sets(world.root, ["psnr-pooled"])
    assert (summary.computed, summary.present, summary.failed) == (2, 0, [])
    for method in ("identity", "soft"):
        score = stored(world, method)["psnr-pooled"]
        expected = 10 * np.log10(255**2 / error(world, method))
        assert score["value"] == pytest.approx(expected, abs=1e-5)
        assert (score["n"], score["metric"]) == (4, "psnr-pooled@1")
    again = set_scores.evaluate_sets(world.root, ["psnr-pooled"])
    assert (again.computed, again.present) == (0, 2)


def test_another_picture_or_version_makes_it_stale_and_is_measured_again(world, monkeypatch):
    set_scores.evaluate_sets(world.root, ["psnr-pooled"])
    before = stored(world, "soft")["psnr-pooled"]["value"]
    target = images.read_image(world.case_image("s0_L1", "target"))
    write_result(world, "s0_L1", "soft", target, 80.0, seed=77)
    (table,) = sets.collect_sets([world.root])
    assert set(table.stale) == {("soft", "psnr-pooled")}
    again = f"stale: bokehbench evaluate {world.root} --metric psnr-pooled"
    assert again in sets.to_markdown([table])
    assert set_scores.evaluate_sets(world.root, ["psnr-pooled"]).computed == 1
    assert stored(world, "soft")["psnr-pooled"]["value"] < before
    key = ("set-metric", "psnr-pooled")
    spec = registry._registered[key]
    changed = SetMetricSpec(**{**spec.__dict__, "version": 2})
    monkeypatch.setitem(registry._registered, key, changed)
    (table,) = sets.collect_sets([world.root])
    assert len(table.stale) == 2
    assert set_scores.evaluate_sets(world.root, ["psnr-pooled"]).computed == 2


def test_workers_and_order_do_not_change_a_byte(world):
    set_scores.evaluate_sets(world.root, ["psnr-pooled"])
    files = sorted(world.root.rglob(set_scores.FILE))
    one = [file.read_bytes() for file in files]
    for file in files:
        file.unlink()
    set_scores.evaluate_sets(world.root, ["psnr-pooled"], workers=2)
    assert [file.read_bytes() for file in files] == one


def test_a_row_that_lacks_a_case_has_no_number(world):
    (world.folder / "soft" / "none" / "s1_L5.json").unlink()
    set_scores.evaluate_sets(world.root, ["psnr-pooled"])
    score = stored(world, "soft")["psnr-pooled"]
    assert (score["value"], score["status"], score["reason"]) == (
        None,
        "undefined",
        "1 of 4 cases are missing",
    )
    assert stored(world, "identity")["psnr-pooled"]["value"] is not None


def test_weights_that_are_missing_are_said_once_and_a_number_from_elsewhere_stays(world):
    summary = set_scores.evaluate_sets(world.root, ["fid"])
    assert summary.computed == 0 and list(summary.unavailable) == ["fid"]
    assert "bokehbench weights fetch inception" in summary.unavailable["fid"]
    file = world.folder / "soft" / "none" / set_scores.FILE
    content = records.read_json(file)
    content["scores"]["fid"] |= {"value": 12.5, "status": "ok", "reason": ""}
    records.write_json(file, content)
    assert set_scores.evaluate_sets(world.root, ["fid"]).present == 1
    set_scores.evaluate_sets(world.root, ["fid"], only_missing=False)
    assert stored(world, "soft")["fid"]["value"] == 12.5
    text = sets.to_markdown(sets.collect_sets([world.root]))
    assert "| soft | 4 | 12.50 [" in text and "small set, 4 pictures, fewer than 2048" in text
    assert "None of these numbers is ranked." in text


def test_tables_of_several_folders_are_merged_and_written(world, tmp_path):
    set_scores.evaluate_sets(world.root, ["psnr-pooled"])
    other = write_world(tmp_path / "other", scenes=2, methods={"given": 4.0}, size=(24, 16))
    set_scores.evaluate_sets(other.root, ["psnr-pooled"])
    (table,) = sets.write([world.root, other.root], tmp_path / "site")
    assert list(table.rows) == ["given", "identity", "soft"]
    assert (tmp_path / "site" / "sets.md").read_text().count("\n| ") == 4
    (written,) = records.read_json(tmp_path / "site" / "sets.json")
    assert written["rows"]["given"]["psnr-pooled"]["stale"] is False


def test_where_there_is_no_such_number_nothing_is_written(world, tmp_path):
    assert sets.write([world.root], tmp_path / "site") == []
    assert not (tmp_path / "site").exists()


def run(*arguments: object):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_the_command_takes_both_kinds_profiles_and_requirements(world):
    done = run(world.root, "--metric", "psnr", "--metric", "psnr-pooled")
    assert done.exit_code == 0, done.output
    assert "8 scores of 8 predictions hold" in done.output or "8 scores computed" in done.output
    assert "2 numbers of whole sets computed, 0 were there" in done.output
    assert "| method | pictures | psnr-pooled ↑ dB |" in done.output
    done = run(world.root, "--metric", "psnr-pooled")
    assert "0 numbers of whole sets computed, 2 were there" in done.output
    assert "scores computed" not in done.output
    done = run(world.root, "--require", "psnr", "--require", "lpips-alex")
    assert isinstance(done.exception, Unavailable)
    assert str(done.exception).startswith("--require lpips-alex: unavailable: needs alexnet")
    assert isinstance(run(world.root, "--profile", "nobody").exception, ConfigError)


def test_a_profile_or_a_requirement_adds_to_the_metrics_of_its_command():
    assert chosen([], ["fid", "psnr-peakmax"]) == ([*DEFAULT, "psnr-peakmax"], ["fid"])
    assert chosen([], []) == (list(DEFAULT), [])
    assert chosen(["psnr"], ["ssim", "psnr"]) == (["psnr", "ssim"], [])
    assert chosen(["fid"], []) == ([], ["fid"])


def test_shards_of_rows_are_the_whole(world):
    names = ["psnr-pooled"]
    set_scores.evaluate_sets(world.root, names)
    files = sorted(world.root.rglob(set_scores.FILE))
    whole = [file.read_bytes() for file in files]
    for file in files:
        file.unlink()
    done = [set_scores.evaluate_sets(world.root, names, shard=(part, 3)).computed for part in range(3)]
    assert sorted(done) == [0, 1, 1]
    assert [file.read_bytes() for file in files] == whole


def why(roots, method: str) -> str:
    (table,) = sets.collect_sets(roots)
    return table.stale.get((method, "psnr-pooled"), "")


def test_a_number_of_a_stale_row_is_stale(world, monkeypatch):
    set_scores.evaluate_sets(world.root, ["psnr-pooled"])
    key = ("method", "soft")
    newer = registry._registered[key].__class__(**{**registry._registered[key].__dict__, "version": 2})
    monkeypatch.setitem(registry._registered, key, newer)
    assert why([world.root], "soft").startswith("made by soft@1, now soft@2 → bokehbench run ")
    assert why([world.root], "identity") == ""


def test_cases_are_counted_over_all_folders(world, tmp_path):
    """Two machines with two cases each: neither has the number of the set, which has four."""
    first, second = tmp_path / "first", tmp_path / "second"
    for root, scene in ((first, "s0"), (second, "s1")):
        shutil.copytree(world.root, root)
        for path in root.rglob(f"{'s1' if scene == 's0' else 's0'}_*"):
            path.unlink()
        set_scores.evaluate_sets(root, ["psnr-pooled"])
    assert why([first], "soft") == ""
    assert why([first, second], "soft").startswith(
        "2 of 4 cases lie in this folder: copy the folders into one"
    )
    for path in second.rglob("soft/none/s1_L5.json"):
        path.unlink()
    assert why([first, second], "soft") == "1 of 4 cases are missing"


@pytest.mark.parametrize("content", ["[]", "3", '{"schema": 1}', '{"scores": {"psnr-pooled": 7}}', "{"])
def test_a_damaged_file_is_one_line_that_names_it_and_is_made_again(world, content):
    set_scores.evaluate_sets(world.root, ["psnr-pooled"])
    file = world.folder / "soft" / "none" / set_scores.FILE
    whole = file.read_bytes()
    file.write_text(content)
    with pytest.raises(InputError, match=set_scores.FILE):
        sets.collect_sets([world.root])
    assert set_scores.evaluate_sets(world.root, ["psnr-pooled"]).computed == 1
    assert file.read_bytes() == whole


def test_a_number_in_focus_is_of_the_boxes_and_stale_with_their_regions(world, monkeypatch):
    """The near half of each picture is in focus; the number is of that half alone."""
    seen = []

    def mean_light(pictures, *, least):
        seen.append([picture.box for picture in pictures])
        return Measured(1.0, 2.0, "nobody==1", n=len(pictures))

    monkeypatch.setattr(noreference, "niqe", mean_light)
    monkeypatch.setattr(
        weights, "status_of", lambda name, needed_by=(): weights.WeightStatus(name, (), "ok", None)
    )
    for case in ("s0_L1", "s0_L5", "s1_L1", "s1_L5"):
        disparity = np.full((16, 24), 0.5)
        disparity[:, :8] = 0.0
        images.write_disparity(world.case_image(case, "disparity"), disparity)
    assert set_scores.evaluate_sets(world.root, ["niqe-focus"]).computed == 2
    # K is 4 or 8 pixels, so that 2 + 2 or 4 + 2 pixels beside the edge are no longer in focus.
    assert seen[0] == [(0, 13, 16, 24), (0, 15, 16, 24), (0, 13, 16, 24), (0, 15, 16, 24)]
    assert set_scores.evaluate_sets(world.root, ["niqe-focus"]).present == 2
    assert focus.digest(world, "s0_L1") and stored(world, "soft")["niqe-focus"]["regions"]
    images.write_disparity(world.case_image("s0_L1", "disparity"), np.full((16, 24), 0.5))
    (table,) = sets.collect_sets([world.root])
    assert "--metric niqe-focus" in table.stale["soft", "niqe-focus"]
    assert set_scores.evaluate_sets(world.root, ["niqe-focus"]).computed == 2
    assert seen[-1][0] == (0, 0, 16, 24)
