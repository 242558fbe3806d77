"""What the worker does: builds or opens one scene and renders what is missing of its stack."""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
import numpy.typing as npt

from bokehbench.blender import plan, stack
from bokehbench.blender.plan import ALL_IN_FOCUS, StackRequest
from bokehbench.blender.scripts import blendfile, camera, devices
from bokehbench.blender.scripts.cycles import Cycles
from bokehbench.images import write_exr, write_exr_rgb
from bokehbench.records import sha256_file

if TYPE_CHECKING:
    from bokehbench.blender.scripts.worker import Events


def work(job: dict[str, Any], events: Events) -> None:
    """Build, plan, render, record; every image is complete on disk before the next begins.

    Args:
        job: what `driver` wrote: request, folder, images to render, device, threads, scratch.
        events: tells the driver how far it is.
    """
    request = StackRequest.from_json(job["request"])
    folder = Path(job["folder"])
    info = stack.read_info(folder, stack.settings(request))
    cycles, device, facts = start(request, job)
    report = SampleReport(events)
    bpy.app.handlers.render_stats.append(report)
    kind = StackWriter if request.quality is None else _clean_writer()
    writer = kind(request, folder, info, facts, cycles, report, device)
    for name in writer.render(job["images"]):
        events.send("image", name=name, device=writer.device)


def _clean_writer() -> type[StackWriter]:
    from bokehbench.blender.scripts.cleanstack import CleanWriter  # which builds on this module

    return CleanWriter


def start(request: StackRequest, job: dict[str, Any]) -> tuple[Cycles, str, dict[str, Any]]:
    """Open the scene, ready to render.

    Args:
        request: which scene, and how.
        job: device, threads (0: all cores), scratch.

    Returns:
        The renderer, the device it uses, and what info.json says about build and scene.
    """
    parameters, warnings = _open_scene(request)
    scene = bpy.context.scene
    counted = request.quality is None
    size = request.width, request.height
    denoise = request.denoise and counted
    cycles = Cycles(scene, size, Path(job["scratch"]), denoise=denoise, guides=not counted)
    device = devices.choose(scene, job["device"])
    if job["threads"]:
        scene.render.threads_mode, scene.render.threads = "FIXED", job["threads"]
    if request.blend:
        parameters["film_exposure"] = blendfile.expose(cycles, request.sampling_seed("exposure", 0))
    camera.shape_aperture(scene.camera.data, request.blades, request.rotation, request.ratio)
    return cycles, device, {"blender": _build(), "scene": parameters, "warnings": warnings}


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
        device: str,
    ) -> None:
        self.request, self.folder, self.info, self.facts = request, folder, info, facts
        self.cycles, self.report, self.device = cycles, report, device
        self.camera = cycles.scene.camera.data
        self.lens = camera.physical(self.camera, request.width, request.height)

    def render(self, names: list[str]) -> Iterator[str]:
        """Render images, one after the other; names of those that are recorded, as they are."""
        for name in names:
            if name == ALL_IN_FOCUS:
                self.all_in_focus()
            else:
                self.bokeh(name)
            yield name

    def all_in_focus(self) -> None:
        """image.exr, depth.exr, and with them the focal planes."""
        camera.focus_everywhere(self.camera)
        z, record = self._on_some_device(ALL_IN_FOCUS)
        depth = plan.clean_depth(z)
        write_exr(self.folder / "depth.exr", dict.fromkeys("RGB", depth), half=False)
        record["depth_sha256"] = sha256_file(self.folder / "depth.exr")
        self._establish(depth, again=True)
        self._record(ALL_IN_FOCUS, record)

    def bokeh(self, name: str) -> None:
        """One bokeh_KK_FF.exr."""
        if not self.info:
            self._establish_from_depth()
        level, focus = (int(part) for part in name.split("_")[1:])
        f_number = self.info["camera"]["f_numbers"][level] / self.request.aperture_factor
        camera.focus_at(self.camera, self.info["focus_distances"][focus], f_number)
        _, record = self._on_some_device(name)
        self._record(name, record)

    def _establish_from_depth(self) -> None:
        """Where another process renders the all-in-focus image."""
        self._establish(plan.clean_depth(self._depth()))

    def _establish(self, depth: npt.NDArray[np.float32], *, again: bool = False) -> None:
        """Focal planes and everything else that all images share."""
        planes = plan.focus_plan(depth, self.request.focus_mode)
        facts = {**self.facts, "warnings": [*self.facts["warnings"], *planes.warnings]}
        info = stack.describe(self.request, planes, self.lens, facts)
        self.info = stack.establish(self.folder, info, again=again)

    def _depth(self) -> npt.NDArray[np.float32]:
        """Depth for a process that does not render the all-in-focus image: its first sample is enough."""
        camera.focus_everywhere(self.camera)
        settings, denoise = self.cycles.scene.cycles, self.cycles.denoise
        settings.use_denoising = self.cycles.denoise = False
        z = self.cycles.render(1, self.request.sampling_seed(ALL_IN_FOCUS, 0)).z
        settings.use_denoising = self.cycles.denoise = denoise
        return z

    def _on_some_device(self, name: str) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """`_image`; what a GPU fails to render (mostly for its memory), the CPU renders from there on."""
        try:
            z, record = self._image(name)
        except RuntimeError:
            if self.device.startswith(devices.CPU):
                raise
            self.device = devices.use_cpu(self.cycles.scene)
            z, record = self._image(name)
        return z, {**record, "device": self.device}

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
        write_exr_rgb(path, stack.rounded((a.image + b.image) / 2, self.request.mantissa))
        record = {
            "spp": 2 * spp,
            "seeds": seeds,
            "noise_psnr": stack.noise_psnr(a.image, b.image),
            "noise_psnr_raw": stack.noise_psnr(a.raw, b.raw),
            "sha256": sha256_file(path),
        }
        return a.z, record

    def _record(self, name: str, record: dict[str, Any]) -> None:
        wall, cpu = time.perf_counter() - self.started[0], time.process_time() - self.started[1]
        timing = {"seconds": round(wall, 2), "cpu_seconds": round(cpu, 2)}
        stack.add_image(self.folder, name, record, timing)
