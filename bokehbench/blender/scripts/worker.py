"""The worker process: builds or opens one scene and renders what is missing of its stack.

``python -m bokehbench.blender.scripts.worker JOB.json``; events leave as JSON lines on the pipe that the
job names, everything Blender prints goes nowhere or to the log.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import re
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Ask Linux to kill this process when its parent dies, and leave at once where it has already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


class Events:
    """The private pipe to the driver."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.samples_done = 0

    def send(self, event: str, **values: Any) -> None:
        """One JSON line."""
        os.write(self.descriptor, (json.dumps({"event": event, **values}) + "\n").encode())

    def samples(self, done: int) -> None:
        """Samples per pixel done since the start; sends what is new."""
        if done > self.samples_done:
            self.send("samples", count=done - self.samples_done)
            self.samples_done = done


def main() -> int:
    """Do the job named on the command line; exit code 0, or 3 for an input that was refused."""
    job = json.loads(Path(sys.argv[1]).read_text())
    die_with(job["parent"])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)  # Blender writes to C's stdout
    events = Events(job["events"])
    from bokehbench.errors import BokehbenchError

    try:
        work(job, events)
    except BokehbenchError as error:
        events.send("refused", kind=type(error).__name__, message=str(error))
        return 3
    return 0


def work(job: dict[str, Any], events: Events) -> None:
    """Build, plan, render, record; every image is complete on disk before the next begins."""
    import bpy

    from bokehbench.blender import stack
    from bokehbench.blender.plan import ALL_IN_FOCUS, StackRequest
    from bokehbench.blender.scripts.cycles import Cycles

    request = StackRequest.from_json(job["request"])
    folder = Path(job["folder"])
    info = stack.read_info(folder, stack.settings(request))
    todo = stack.missing(folder, info, request.images())
    parameters, warnings = open_scene(request)
    scene = bpy.context.scene
    size = (request.width, request.height)
    cycles = Cycles(scene, size, Path(job["scratch"]), denoise=request.denoise)
    if request.blend:
        from bokehbench.blender.scripts.blendfile import expose

        parameters["film_exposure"] = expose(cycles, request.sampling_seed("exposure", 0))
    report = SampleReport(events)
    bpy.app.handlers.render_stats.append(report)
    facts = {"blender": build(), "scene": parameters, "warnings": warnings}
    writer = StackWriter(request, folder, info, facts, cycles, report)
    for name in todo:
        if name == ALL_IN_FOCUS:
            writer.all_in_focus()
        else:
            writer.bokeh(name)


def open_scene(request: Any) -> tuple[dict[str, Any], list[str]]:
    """Make the scene current; what its builder says about it, and warnings."""
    import bpy

    if request.blend:
        from bokehbench.blender.scripts import blendfile

        return blendfile.open_file(request)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    module = importlib.import_module(f"bokehbench.blender.scripts.scenes.{request.module}")
    return module.build(request.variation), []


def build() -> dict[str, str]:
    """Which Blender this is."""
    import bpy

    return {
        "version": bpy.app.version_string,
        "hash": bpy.app.build_hash.decode(),
        "platform": bpy.app.build_platform.decode(),
        "denoiser": "OpenImageDenoise (Cycles: HIGH, ACCURATE, albedo and normal)",
        "device": "CPU",
    }


class SampleReport:
    """Render-statistics handler: turns Blender's text into samples done."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self.before = 0
        self.__name__ = "bokehbench_samples"

    def __call__(self, text: Any, _: Any = None) -> None:
        """Blender calls this about 40 times a render, also from its own threads."""
        match = re.search(r"Sample (\d+)/(\d+)", str(text))
        if match:
            self.events.samples(self.before + int(match[1]))

    def finished(self, spp: int) -> None:
        """A render of `spp` samples is over."""
        self.before += spp
        self.events.samples(self.before)


class StackWriter:
    """Renders images of one stack and records each as soon as it is on disk."""

    def __init__(
        self,
        request: Any,
        folder: Path,
        info: dict[str, Any],
        facts: dict[str, Any],
        cycles: Any,
        report: SampleReport,
    ) -> None:
        from bokehbench.blender.scripts import camera

        self.request, self.folder, self.info, self.facts = request, folder, info, facts
        self.cycles, self.report = cycles, report
        self.camera = cycles.scene.camera.data
        self.lens = camera.physical(self.camera, request.width, request.height)

    def all_in_focus(self) -> None:
        """image.exr, depth.exr, and with them the focal planes."""
        from bokehbench.blender import plan, stack
        from bokehbench.blender.scripts import camera
        from bokehbench.images import write_exr
        from bokehbench.records import sha256_file

        camera.focus_everywhere(self.camera)
        z, record = self._image(plan.ALL_IN_FOCUS)
        depth = plan.clean_depth(z)
        planes = plan.focus_plan(depth)
        write_exr(self.folder / "depth.exr", dict.fromkeys("RGB", depth), half=False)
        self.facts["warnings"] = [*self.facts["warnings"], *planes.warnings]
        self.info = stack.describe(self.request, planes, self.lens, self.facts)
        record["depth_sha256"] = sha256_file(self.folder / "depth.exr")
        self._record(plan.ALL_IN_FOCUS, record)

    def bokeh(self, name: str) -> None:
        """One bokeh_KK_FF.exr."""
        from bokehbench.blender.scripts import camera

        level, focus = (int(part) for part in name.split("_")[1:])
        distance = self.info["focus_distances"][focus]
        camera.focus_at(self.camera, distance, self.info["camera"]["f_numbers"][level])
        _, record = self._image(name)
        self._record(name, record)

    def _image(self, name: str) -> tuple[Any, dict[str, Any]]:
        """Render two independent halves, write their mean; depth of the first half, and the record."""
        from bokehbench.blender.stack import noise_psnr
        from bokehbench.images import write_exr_rgb
        from bokehbench.records import sha256_file

        self.started = time.perf_counter(), time.process_time()
        spp = self.request.samples(name) // 2
        seeds = [self.request.sampling_seed(name, half) for half in (0, 1)]
        halves = []
        for seed in seeds:
            halves.append(self.cycles.render(spp, seed))
            self.report.finished(spp)
        a, b = halves
        path = self.folder / f"{name}.exr"
        write_exr_rgb(path, (a.image + b.image) / 2)
        record = {
            "spp": 2 * spp,
            "seeds": seeds,
            "noise_psnr": noise_psnr(a.image, b.image),
            "noise_psnr_raw": noise_psnr(a.raw, b.raw),
            "sha256": sha256_file(path),
        }
        return a.z, record

    def _record(self, name: str, record: dict[str, Any]) -> None:
        from bokehbench.records import read_json, write_json

        self.info["images"][name] = record
        timing = self.folder / "info.timing.json"
        seconds = read_json(timing) if timing.exists() else {}
        wall, cpu = time.perf_counter() - self.started[0], time.process_time() - self.started[1]
        seconds[name] = {"seconds": round(wall, 2), "cpu_seconds": round(cpu, 2)}
        write_json(timing, seconds)
        write_json(self.folder / "info.json", self.info)


if __name__ == "__main__":
    code = 1
    try:
        code = main()
    except BaseException:  # whatever it is, the log gets it and the process must still end below
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        # Blender's shutdown hangs on Python handlers and has nothing of ours to save.
        os._exit(code)
