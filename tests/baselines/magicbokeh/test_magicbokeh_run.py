"""On benchmarks: rows of restoration, rows with a factor of K, and records that say what was cut off."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest
from magicbokeh_models import random_model

from bokehbench import records
from bokehbench import weights as weight_files
from bokehbench.baselines.magicbokeh import weights
from bokehbench.leaderboard.evaluate import evaluate
from bokehbench.leaderboard.run import run

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import set_replicas as replicas


@pytest.fixture(autouse=True)
def compact(tmp_path, monkeypatch):
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, "")
    path = tmp_path / weights.COMPACT[0]
    weights.save(random_model(), path)
    monkeypatch.setenv(weight_files.FILE_VARIABLE, f"magicbokeh-compact={path}")
    monkeypatch.setattr("os.fsync", lambda handle: None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # replicas are a part of the set
        yield


@pytest.mark.parametrize("name", ["realsr", "drealsr"])
def test_restoration_is_a_row_of_these_sets(tmp_path, name):
    root = replicas.realsr(tmp_path / "set", 1) if name == "realsr" else replicas.drealsr(tmp_path / "set")
    out = tmp_path / "results"
    summary = run([f"{name}:{root}"], ["magicbokeh-compact", "magicbokeh-compact-vae", "identity"], out)
    assert not summary.failed and not summary.skipped and summary.rendered % 3 == 0
    assert evaluate(out, ["psnr"]).computed == summary.rendered
    made = [path for path in out.glob(f"{name}/*/magicbokeh-compact/*/*.json") if path.name.count(".") == 1]
    assert made and all("rendered" not in records.read_json(path) for path in made)


def test_blur_beyond_the_trained_range_stands_in_the_record(tmp_path):
    root, out = replicas.ipb(tmp_path / "set"), tmp_path / "results"
    summary = run([f"ipb:{root}"], ["magicbokeh-compact", "magicbokeh-compact+k9"], out)
    assert not summary.failed
    for method, factor in (("magicbokeh-compact", 1.0), ("magicbokeh-compact+k9", 9.0)):
        found = [path for path in out.glob(f"ipb/*/{method}/*/*.json") if path.name.count(".") == 1]
        assert len(found) == summary.rendered // 2
        for path in found:
            lens = records.read_json(path.parents[2] / "_cases" / path.name)["lens"]
            said = records.read_json(path).get("rendered", {})
            largest = factor * lens["K"] * max(lens["disp_focus"], 1.0 - lens["disp_focus"])
            assert bool(said) == (largest > 16.0)
            if said:
                assert said["note"] == "blur of more than 16 px of radius is cut off"
                assert said["largest_radius_px"] == pytest.approx(largest, rel=0.02)
