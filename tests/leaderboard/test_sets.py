"""Numbers over whole sets: stored, renewed when their pictures change, shown apart and never ranked."""

from __future__ import annotations

import numpy as np
import pytest
from board_world import register_world, write_result, write_world
from click.testing import CliRunner

from bokehbench import images, records, registry
from bokehbench.commands.evaluate import evaluate as command
from bokehbench.errors import ConfigError, Unavailable
from bokehbench.leaderboard import sets
from bokehbench.metrics import weights
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
    return records.read_json(at.folder / method / "none" / sets.FILE)["scores"]


def error(at, method: str) -> float:
    """Mean squared error of all pictures, 8-bit units."""
    folder = at.folder / method / "none"
    found = []
    for path in sorted(folder.glob("*.png")):
        target = images.read_image(at.case_image(path.stem, "target"))
        found.append(np.mean((255.0 * (images.read_image(path).astype(float) - target)) ** 2))
    return float(np.mean(found))


def test_a_number_is_stored_with_what_it_was_made_from_and_holds(world):
    summary = sets.evaluate_sets(world.root, ["psnr-pooled"])
    assert (summary.computed, summary.present, summary.failed) == (2, 0, [])
    for method in ("identity", "soft"):
        score = stored(world, method)["psnr-pooled"]
        expected = 10 * np.log10(255**2 / error(world, method))
        assert score["value"] == pytest.approx(expected, abs=1e-5)
        assert (score["n"], score["metric"]) == (4, "psnr-pooled@1")
    again = sets.evaluate_sets(world.root, ["psnr-pooled"])
    assert (again.computed, again.present) == (0, 2)


def test_another_picture_or_version_makes_it_stale_and_is_measured_again(world, monkeypatch):
    sets.evaluate_sets(world.root, ["psnr-pooled"])
    before = stored(world, "soft")["psnr-pooled"]["value"]
    target = images.read_image(world.case_image("s0_L1", "target"))
    write_result(world, "s0_L1", "soft", target, 80.0, seed=77)
    (table,) = sets.collect_sets([world.root])
    assert table.stale == {("soft", "psnr-pooled")}
    assert "stale: bokehbench evaluate RESULTS --metric psnr-pooled" in sets.to_markdown([table])
    assert sets.evaluate_sets(world.root, ["psnr-pooled"]).computed == 1
    assert stored(world, "soft")["psnr-pooled"]["value"] < before
    key = ("set-metric", "psnr-pooled")
    spec = registry._registered[key]
    changed = SetMetricSpec(**{**spec.__dict__, "version": 2})
    monkeypatch.setitem(registry._registered, key, changed)
    (table,) = sets.collect_sets([world.root])
    assert len(table.stale) == 2
    assert sets.evaluate_sets(world.root, ["psnr-pooled"]).computed == 2


def test_workers_and_order_do_not_change_a_byte(world):
    sets.evaluate_sets(world.root, ["psnr-pooled"])
    files = sorted(world.root.rglob(sets.FILE))
    one = [file.read_bytes() for file in files]
    for file in files:
        file.unlink()
    sets.evaluate_sets(world.root, ["psnr-pooled"], workers=2)
    assert [file.read_bytes() for file in files] == one


def test_a_row_that_lacks_a_case_has_no_number(world):
    (world.folder / "soft" / "none" / "s1_L5.json").unlink()
    sets.evaluate_sets(world.root, ["psnr-pooled"])
    score = stored(world, "soft")["psnr-pooled"]
    assert (score["value"], score["status"], score["reason"]) == (
        None,
        "undefined",
        "1 of 4 cases are missing",
    )
    assert stored(world, "identity")["psnr-pooled"]["value"] is not None


def test_weights_that_are_missing_are_said_once_and_a_number_from_elsewhere_stays(world):
    summary = sets.evaluate_sets(world.root, ["fid"])
    assert summary.computed == 0 and list(summary.unavailable) == ["fid"]
    assert "bokehbench weights fetch inception" in summary.unavailable["fid"]
    file = world.folder / "soft" / "none" / sets.FILE
    content = records.read_json(file)
    content["scores"]["fid"] |= {"value": 12.5, "status": "ok", "reason": ""}
    records.write_json(file, content)
    assert sets.evaluate_sets(world.root, ["fid"]).present == 1
    sets.evaluate_sets(world.root, ["fid"], only_missing=False)
    assert stored(world, "soft")["fid"]["value"] == 12.5
    text = sets.to_markdown(sets.collect_sets([world.root]))
    assert "| soft | 4 | 12.50 [" in text and "small set, 4 pictures, fewer than 2048" in text
    assert "None of these numbers is ranked." in text


def test_tables_of_several_folders_are_merged_and_written(world, tmp_path):
    sets.evaluate_sets(world.root, ["psnr-pooled"])
    other = write_world(tmp_path / "other", scenes=2, methods={"given": 4.0}, size=(24, 16))
    sets.evaluate_sets(other.root, ["psnr-pooled"])
    (table,) = sets.write([world.root, other.root], tmp_path / "site")
    assert list(table.rows) == ["identity", "soft", "given"]
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
    done = run(world.root, "--profile", "ebb-legacy")
    assert done.exit_code == 0
    scores = records.read_json(world.folder / "soft" / "none" / "s0_L1.scores.json")["scores"]
    assert {"psnr-peakmax", "ssim-sk7"} <= set(scores)
    done = run(world.root, "--require", "psnr", "--require", "lpips-alex")
    assert isinstance(done.exception, Unavailable)
    assert str(done.exception).startswith("--require lpips-alex: needs alexnet")
    assert isinstance(run(world.root, "--profile", "nobody").exception, ConfigError)
