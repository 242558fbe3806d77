"""A render that is killed in the middle of its rays goes on with them, to the bytes of one that was not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bokehbench.blender.requests import scene_requests
from bokehbench.records import sha256_file

WORKER = """
import json, os, sys
from pathlib import Path
from bokehbench.blender.scripts import cleanstack, stackjob
from bokehbench.blender.scripts.cycles import Cycles

job = json.loads(Path(sys.argv[1]).read_text())
cleanstack.EVERY = 0.0
renders = 0
render = Cycles.render

def counted(self, *arguments, **options):
    global renders
    renders += 1
    if renders == job["killed_at"]:
        os._exit(9)
    return render(self, *arguments, **options)

Cycles.render = counted

class Events:
    def send(self, event, **values):
        pass

    def samples(self, done):
        pass

stackjob.work(job, Events())
Path(job["scratch"], "renders").write_text(str(renders))
os._exit(0)
"""


def work(tmp_path: Path, out: Path, images: list[str], killed_at: int = 0) -> int:
    """Run a worker that dies before a given render; its exit code."""
    (request,) = scene_requests(["point_lights"], (64, 36), (0, 4), (0, 9), quality=36.0)
    scratch = out / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    folder = out / "stack"
    folder.mkdir(exist_ok=True)
    missing = [name for name in images if not (folder / f"{name}.exr").exists()]
    values = {
        "folder": str(folder),
        "images": missing,
        "device": "cpu",
        "threads": 1,
        "scratch": str(scratch),
    }
    job = {"request": request.to_json(), **values, "killed_at": killed_at}
    (scratch / "job.json").write_text(json.dumps(job))
    command = [sys.executable, "-c", WORKER, str(scratch / "job.json")]
    return subprocess.run(command, capture_output=True, timeout=300).returncode


@pytest.mark.blender
def test_rays_of_a_killed_run_are_not_traced_again(tmp_path):
    pytest.importorskip("bpy", reason="needs the [blender] extra")
    images = ["image", "bokeh_00_00", "bokeh_00_09", "bokeh_04_00", "bokeh_04_09"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert work(tmp_path, whole, images) == 0
    renders = int((whole / "scratch" / "renders").read_text())
    assert work(tmp_path, parts, images, killed_at=3 * renders // 4) == 9
    assert list((parts / "stack").glob("unfinished-shared.npz"))
    assert work(tmp_path, parts, images) == 0
    assert not list((parts / "stack").glob("unfinished-*.npz"))
    for name in images:
        assert sha256_file(parts / "stack" / f"{name}.exr") == sha256_file(whole / "stack" / f"{name}.exr")
    again = int((parts / "scratch" / "renders").read_text())
    assert again <= renders // 4 + 2, "the last run began anew"


def test_light_of_something_else_and_half_files_are_not_used(tmp_path):
    pytest.importorskip("bpy", reason="needs the [blender] extra")
    code = """
import sys, numpy as np
from pathlib import Path
from bokehbench.blender.scripts.unfinished import Unfinished
path = Path(sys.argv[1])
Unfinished(path, "one", every=-1.0).save({"sums": np.arange(5.0)})
assert Unfinished(path, "one").load()["sums"].tolist() == [0, 1, 2, 3, 4]
assert Unfinished(path, "other").load() == {}
path.write_bytes(path.read_bytes()[:-40])
assert Unfinished(path, "one").load() == {}
path.unlink()
assert Unfinished(path, "one").load() == {}
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "unfinished.npz")], check=True, timeout=100)
