"""`blb render` before and after Blender: the estimate, the question, scenes that fail alone."""

import sys
from pathlib import Path

import pytest

from bokehbench.blender import driver, estimate, processes
from bokehbench.cli import main
from bokehbench.errors import InputError, JobFailed

RENDER = ["blb", "render", "--scene", "thicket", "--scene", "night_street", "--size", "64x36", "--spp", "2"]


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([*arguments])
    return stop.value.code


@pytest.fixture
def no_blender(monkeypatch):
    """Rendering that only says what it was asked for."""
    asked = []

    def render(requests, out, means):
        asked.append(([request.scene for request in requests], means))
        return [driver.StackReport(Path(out) / request.scene, {}) for request in requests]

    monkeypatch.setattr(processes, "require_bpy", lambda: None)
    monkeypatch.setattr(driver, "render_stacks", render)
    return asked


class Terminal:
    """Standard input with somebody at it, who answers no."""

    def isatty(self):
        return True

    def readline(self, *_):
        return "n\n"


def test_hours_are_asked_about_at_a_terminal_and_only_there(no_blender, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(estimate, "seconds", lambda work, means: 2.5 * 3600)
    assert run(*RENDER, "--out", str(tmp_path)) == 0
    assert "102 images: about 2.5 h on this machine" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", Terminal())
    assert run(*RENDER, "--out", str(tmp_path)) == 130
    assert len(no_blender) == 1
    assert run(*RENDER, "--out", str(tmp_path), "--yes") == 0
    monkeypatch.setattr(estimate, "seconds", lambda work, means: 1800.0)
    assert run(*RENDER, "--out", str(tmp_path)) == 0
    assert "about 30 min" in capsys.readouterr().err and len(no_blender) == 3


def test_processes_clusters_and_parts_reach_the_renderer(no_blender, tmp_path):
    options = ["--workers", "3", "--ray", "local", "--shard", "1/4", "--device", "cpu"]
    assert run(*RENDER, "--out", str(tmp_path), *options) == 0
    assert no_blender == [(["thicket", "night_street"], driver.Means("cpu", 3, "local", (1, 4)))]


@pytest.mark.parametrize(
    "options",
    [
        ["--shard", "4/4"],
        ["--workers", "0"],
        ["--device", "abacus"],
        ["--blades", "2"],
        ["--ratio", "0.1"],
        ["--focus-mode", "near"],
        ["--foci", "0,10"],
        ["--focus-mode", "inf,3", "--foci", "0,2"],
    ],
)
def test_bad_options_start_nothing(no_blender, options, tmp_path, capsys):
    assert run(*RENDER, "--out", str(tmp_path), *options) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not no_blender


def test_a_scene_that_fails_does_not_stop_the_others(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "require_bpy", lambda: None)
    failures = {"thicket": InputError("thicket: no light"), "point_lights": JobFailed("died")}
    begun = []

    def workers(jobs, heed, workers):
        begun.extend(name for name, _ in jobs)
        return [failures.get(name) for name, _ in jobs]

    monkeypatch.setattr(processes, "run_workers", workers)
    requests = driver.scene_requests(
        ["thicket", "night_street", "point_lights"], levels=(0,), foci=(0,), spp=2
    )
    reports = driver.render_stacks(requests, tmp_path, driver.Means())
    assert begun == ["thicket", "night_street", "point_lights"]
    assert (reports[0].failure, reports[2].failure) == (failures["thicket"], failures["point_lights"])
    # A process that ends well without its images did not do its work.
    assert "2 images were not rendered" in str(reports[1].failure)
    assert not (tmp_path / "thicket").exists()  # nothing was written there
    with pytest.raises(InputError, match="no light"):
        driver.raised(reports)
