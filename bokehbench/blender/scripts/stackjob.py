"""What the worker does: builds or opens one scene and renders what is missing of its stack."""

from __future__ import annotations

import importlib
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
import numpy.typing as npt

from bokehbench.blender import plan, stack
from bokehbench.blender.plan import ALL_IN_FOCUS, StackRequest
from bokehbench.blender.scripts import blendfile, camera
from bokehbench.blender.scripts.cycles import Cycles
from bokehbench.images import write_exr, write_exr_rgb
from bokehbench.records import read_json, sha256_file, write_json

if TYPE_CHECKING:
    from bokehbench.blender.scripts.worker import Events


def work(job: dict[str, Any], events: Events) -> None:
    """Build, plan, render, record; every image is complete on disk before the next begins.

    Args:
        job: what `driver` wrote: request, folder, scratch.
        events: tells the driver how far it is.
    """
    request = StackRequest.from_json(job["request"])
    folder = Path(job["folder"])
    info = stack.read_info(folder, stack.settings(request))
    todo = stack.missing(folder, info, request.images())
    parameters, warnings = _open_scene(request)
    size = (request.width, request.height)
    cycles = Cycles(bpy.context.scene, size, Path(job["scratch"]), denoise=request.denoise)
    if request.blend:
        parameters["film_exposure"] = blendfile.expose(cycles, request.sampling_seed("exposure", 0))
    report = SampleReport(events)
    bpy.app.handlers.render_stats.append(report)
    facts = {"blender": _build(), "scene": parameters, "warnings": warnings}
    writer = StackWriter(request, folder, info, facts, cycles, report)
    for name in todo:
        if name == ALL_IN_FOCUS:
            writer.all_in_focus()
        else:
            writer.bokeh(name)


def _open_scene(request: StackRequest) -> tuple[dict[str, Any], list[str]]:
    """Make the scene current; what its builder says about it, and warnings."""
    if request.blend:
        return blendfile.open_file(request)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    module = importlib.import_module(f"bokehbench.blender.scripts.scenes.{request.module}")
    return module.build(request.variation), []


def _build() -> dict[str, str]:
    """Which Blender this is."""
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
        request: StackRequest,
        folder: Path,
        info: dict[str, Any],
        facts: dict[str, Any],
        cycles: Cycles,
        report: SampleReport,
    ) -> None:
        self.request, self.folder, self.info, self.facts = request, folder, info, facts
        self.cycles, self.report = cycles, report
        self.camera = cycles.scene.camera.data
        self.lens = camera.physical(self.camera, request.width, request.height)

    def all_in_focus(self) -> None:
        """image.exr, depth.exr, and with them the focal planes."""
        camera.focus_everywhere(self.camera)
        z, record = self._image(ALL_IN_FOCUS)
        depth = plan.clean_depth(z)
        planes = plan.focus_plan(depth)
        write_exr(self.folder / "depth.exr", dict.fromkeys("RGB", depth), half=False)
        self.facts["warnings"] = [*self.facts["warnings"], *planes.warnings]
        known = self.info.get("images", {})  # of an earlier run whose image.exr or depth.exr was lost
        self.info = stack.describe(self.request, planes, self.lens, self.facts)
        self.info["images"] = dict(known)
        record["depth_sha256"] = sha256_file(self.folder / "depth.exr")
        self._record(ALL_IN_FOCUS, record)

    def bokeh(self, name: str) -> None:
        """One bokeh_KK_FF.exr."""
        level, focus = (int(part) for part in name.split("_")[1:])
        distance = self.info["focus_distances"][focus]
        camera.focus_at(self.camera, distance, self.info["camera"]["f_numbers"][level])
        _, record = self._image(name)
        self._record(name, record)

    def _image(self, name: str) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Render two independent halves, write their mean; depth of the first half, and the record."""
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
            "noise_psnr": stack.noise_psnr(a.image, b.image),
            "noise_psnr_raw": stack.noise_psnr(a.raw, b.raw),
            "sha256": sha256_file(path),
        }
        return a.z, record

    def _record(self, name: str, record: dict[str, Any]) -> None:
        self.info["images"][name] = record
        timing = self.folder / "info.timing.json"
        seconds = read_json(timing) if timing.exists() else {}
        wall, cpu = time.perf_counter() - self.started[0], time.process_time() - self.started[1]
        seconds[name] = {"seconds": round(wall, 2), "cpu_seconds": round(cpu, 2)}
        write_json(timing, seconds)
        write_json(self.folder / "info.json", self.info)
