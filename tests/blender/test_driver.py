"""The life of the worker: what it leaves when it is stopped, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bokehbench.blender import driver, stack
from bokehbench.cli import main
from bokehbench.errors import ConfigError, Unavailable
from bokehbench.records import read_json, sha256_file

COMMAND = ["blb", "render", "--scene", "point_lights", "--size", "320x180", "--levels", "5"]
# Images of a stated quality have sample counts of their own: none may depend on what was rendered before it.
QUALITY = 38.0  # dB; no more, since three runs shall take seconds
COMMAND += ["--foci", "0,5,9", "--quality", str(QUALITY), "--out"]


def test_without_bpy_the_error_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"bokehbench\[blender\]"):
        driver.render_scenes(["thicket"], tmp_path)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("options", [["--scene", "nowhere"], [], ["--scene", "thicket", "--size", "9"]])
def test_bad_options_end_with_2_and_one_line(options, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["blb", "render", "--out", str(tmp_path), *options])
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_rendered_otherwise_is_not_mixed(tmp_path):
    (tmp_path / "info.json").write_text(json.dumps({"settings": {"spp": [8]}, "images": {}}))
    with pytest.raises(ConfigError, match=r"another spp.*--out"):
        stack.read_info(tmp_path, {"spp": [16]})


def hashes(out: Path) -> dict[str, str]:
    return {
        p.name: sha256_file(p) for p in sorted(out.rglob("*")) if p.is_file() and ".timing." not in p.name
    }


def start(out: Path, *options: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "bokehbench", *COMMAND, str(out), *options]

    # Background jobs of a shell ignore SIGINT, and hand that on.
    def heeds() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return subprocess.Popen(command, stderr=subprocess.PIPE, preexec_fn=heeds)


def worker_of(process: subprocess.Popen) -> int:
    while True:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                if stat.read_text().rpartition(")")[2].split()[1] == str(process.pid):
                    return int(stat.parent.name)
            except OSError:
                continue
        assert process.poll() is None
        time.sleep(0.02)


def gone_within(pid: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def wait_for(path: Path, process: subprocess.Popen) -> None:
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


@pytest.mark.blender
def test_interrupted_killed_and_resumed_gives_the_bytes_of_an_uninterrupted_run(tmp_path):
    pytest.importorskip("bpy", reason="needs the [blender] extra")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    folder = parts / "point_lights"

    process = start(parts)
    worker = worker_of(process)
    wait_for(folder / "info.json", process)
    process.send_signal(signal.SIGINT)
    assert process.wait(300) == 130
    assert gone_within(worker, 5.0), "the worker outlived its parent"
    assert b"Traceback" not in process.stderr.read()

    process = start(parts)
    worker = worker_of(process)
    wait_for(folder / "bokeh_04_00.exr", process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert gone_within(worker, 5.0), "the worker outlived its parent"

    damaged = folder / "bokeh_04_00.exr"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    (folder / "depth.exr").unlink()
    assert start(whole).wait() == 0
    # The rest by two processes, of which one does not render the all-in-focus image.
    assert start(parts, "--workers", "2").wait() == 0
    assert hashes(parts) == hashes(whole)
    assert set(hashes(whole)) == {"asked.json", "info.json", "image.exr", "depth.exr"} | {
        f"bokeh_04_0{f}.exr" for f in (0, 5, 9)
    }

    # A third run has nothing to do and starts no Blender; fewer images are a part of what is there.
    report = driver.render_scenes(["point_lights"], whole, (320, 180), (4,), (0,), quality=QUALITY)[0]
    assert report.rendered == () and set(report.noise()) >= {"image", "bokeh_04_09"}
    info = read_json(whole / "point_lights" / "info.json")
    assert all(image["noise_psnr"] > 20 for image in info["images"].values())
