"""Which device renders: the first GPU that is there, else the CPU, and once a GPU fails the CPU."""

import subprocess
import sys

import pytest

CHECK = """
import os, sys, traceback
from types import SimpleNamespace as Plain
from bokehbench.blender.scripts import devices, stackjob
from bokehbench.errors import ConfigError

def main():
    scene = Plain(cycles=Plain(device=""))
    cards = {"HIP": ["Card A", "Card B"]}
    devices._switch_on = lambda kind: cards.get(kind, [])
    assert devices.choose(scene, "auto") == "HIP: Card A, Card B" and scene.cycles.device == "GPU"
    assert devices.choose(scene, "cpu").startswith("CPU: ") and scene.cycles.device == "CPU"
    try:
        devices.choose(scene, "cuda")
    except ConfigError as error:
        assert "cuda" in str(error) and "auto" in str(error)
    else:
        raise AssertionError("took another GPU than was asked for")
    cards.clear()
    assert devices.choose(scene, "auto").startswith("CPU: ") and scene.cycles.device == "CPU"

    writer = object.__new__(stackjob.StackWriter)
    writer.device, writer.cycles = "HIP: Card A", Plain(scene=scene)
    scene.cycles.device, tried = "GPU", []

    def image(name):
        tried.append(scene.cycles.device)
        if scene.cycles.device == "GPU":
            raise RuntimeError("out of memory")
        return None, {"spp": 8}

    writer._image = image
    for _ in range(2):
        assert writer._on_some_device("image")[1]["device"].startswith("CPU: ")
    assert tried == ["GPU", "CPU", "CPU"]

    def broken(name):
        raise RuntimeError("broken")

    writer._image = broken
    try:
        writer._on_some_device("image")
    except RuntimeError:
        return
    raise AssertionError("a CPU that fails is no reason to try again")

try:
    main()
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
os._exit(0)
"""


@pytest.mark.blender
def test_the_gpu_that_is_there_is_taken_and_what_it_cannot_render_the_cpu_renders():
    pytest.importorskip("bpy", reason="needs the [blender] extra")
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
