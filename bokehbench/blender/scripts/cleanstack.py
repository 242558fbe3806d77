"""Images of a stated quality: `stackjob`'s way of rendering when the request says how clean they shall be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.blender import sampling, stack
from bokehbench.blender.plan import ALL_IN_FOCUS, LEVELS, bokeh_name
from bokehbench.blender.rays import Lens
from bokehbench.blender.scripts import blendcheck, devices
from bokehbench.blender.scripts.clean import Clean, Denoise, OwnSamples
from bokehbench.blender.scripts.denoise import Denoiser
from bokehbench.blender.scripts.raycamera import RayCamera
from bokehbench.blender.scripts.sharedrays import Optics, SharedRays
from bokehbench.blender.scripts.stackjob import StackWriter
from bokehbench.blender.scripts.unfinished import EVERY, Unfinished, now
from bokehbench.images import write_exr_rgb
from bokehbench.records import sha256_file, sha256_json


class CleanWriter(StackWriter):
    """Renders each image until it is as clean as asked for, bokeh images of one scene from shared rays."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Rays that are shared are counted in the pixel that they land in: the mean over a pixel's area.
        settings = self.cycles.scene.cycles
        settings.pixel_filter_type, settings.filter_width = "BOX", 1.0
        self.facts = {**self.facts, "pixel_filter": "box, 1 pixel"}
        self.shares = self.device.startswith((devices.CPU, "OPTIX"))  # what runs cameras written as shaders
        if bound := blendcheck.bound_to_picture():
            self.shares = False
            said = f"images share no rays: window coordinates or adaptive subdivision in {', '.join(bound)}"
            self.facts["warnings"] = [*self.facts["warnings"], said]
        self.scratch = self.cycles.file.parent
        self.keep_every = EVERY
        self.denoise: Denoise = _as_it_is
        if self.request.denoise:
            self.denoise = Denoiser((self.request.width, self.request.height), self.scratch)

    def render(self, names: list[str]) -> Iterator[str]:
        """Render images; names of those that are recorded, as they are."""
        if ALL_IN_FOCUS in names:
            self.all_in_focus()
            yield ALL_IN_FOCUS
        waiting = [name for name in names if name != ALL_IN_FOCUS]
        if not self.shares:
            for name in waiting:
                self.bokeh(name)
                yield name
            return
        if waiting and not self.info:
            self._establish_from_depth()
        try:
            for name in self._shared(waiting):
                waiting.remove(name)
                yield name
        except RuntimeError:
            if self.device.startswith(devices.CPU):
                raise
            self.device = devices.use_cpu(self.cycles.scene)
            yield from self._shared(waiting)

    def _image(self, name: str) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Render with samples of the image's own."""
        kept = self._keep(name)
        own = OwnSamples(self.cycles, self.denoise, lambda part: self.request.sampling_seed(name, part), kept)
        clean = own.render(self.request.quality_of(name), self.report.finished)
        assert own.z is not None
        self.started = kept.started
        return own.z, self._write(name, clean, own.rounds * sampling.ROUND, "own")

    def _shared(self, names: list[str]) -> Iterator[str]:
        """Render bokeh images from shared rays."""
        if not names:
            return
        request, info = self.request, self.info
        optics = Optics(
            self.lens,
            Lens(request.blades, request.rotation, request.ratio),
            info["camera"]["aperture_radius_m"][LEVELS - 1] * request.aperture_factor,
            tuple(info["focus_distances"]),
            (request.width, request.height),
            request.ray_pattern,
        )
        camera = RayCamera(self.cycles.scene, optics.film(), optics.lens, self.lens, self.scratch)
        rays = SharedRays(self.cycles, camera, optics, self.denoise, self._keep)
        wanted = {_level_and_focus(name): request.quality_of(name) for name in names}
        images = rays.render(wanted, request.foci, self._seed, self.report.finished)
        for (level, focus), rounds, clean in images:
            name = bokeh_name(level, focus)
            record = self._write(name, clean, sampling.samples(level, rounds), "shared")
            self.started = rays.started
            self._record(name, {**record, "device": self.device})
            rays.started = now()
            yield name

    def _keep(self, name: str) -> Unfinished:
        """Where the light of an image, or of those that share their rays, waits while they are not clean."""
        made = {
            "settings": stack.settings(self.request),
            "device": self.device,
            "denoiser": self.request.denoise,
        }
        path = self.folder / f"unfinished-{name}.npz"
        return Unfinished(path, sha256_json(made), self.keep_every)

    def _seed(self, name: str) -> int:
        return self.request.sampling_seed(name, 0)

    def _write(self, name: str, clean: Clean, spp: int, rays: str) -> dict[str, Any]:
        path = self.folder / f"{name}.exr"
        write_exr_rgb(path, stack.rounded(clean.image, self.request.mantissa))
        return {
            "spp": spp,
            "rays": rays,
            "noise_psnr": sampling.psnr(clean.error),
            "noise_psnr_raw": sampling.psnr(clean.raw_error),
            "sha256": sha256_file(path),
        }


def _level_and_focus(name: str) -> tuple[int, int]:
    level, focus = name.split("_")[1:]
    return int(level), int(focus)


def _as_it_is(colour: npt.NDArray[np.float32], guides: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return colour
