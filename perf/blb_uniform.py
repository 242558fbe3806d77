"""The other way to a stack of stated quality, measured in a Blender process: one sample count for all images.

An image with n samples and OpenImageDenoise has the error of a half of `OwnSamples` with 2 n samples, which
the other half estimates without bias. Every image is looked at with few samples; the worst of them is then
sampled until it is clean: at least so many samples must every image have.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from bokehbench.blender import plan, sampling
from bokehbench.blender.plan import ALL_IN_FOCUS, StackRequest
from bokehbench.blender.scripts import camera, clean
from bokehbench.blender.scripts.denoise import Denoiser
from bokehbench.blender.scripts.stackjob import start

if TYPE_CHECKING:
    from bokehbench.blender.scripts.worker import Events

PILOT = 4
"""Rounds of the first look at each image."""


class Half(clean.OwnSamples):
    """Samples of one image, judged as a plain render with half of them would be."""

    def error(self, rounds: int) -> float:
        """Squared error of a denoised image of `8 rounds` samples."""
        if rounds > self.rounds:
            self._add(rounds - self.rounds, lambda spp: None)
        spp = self.rounds * sampling.ROUND // sampling.QUARTERS
        quarters = [colour / spp for colour in self.colour]
        samples = sum(quarters[1:], quarters[0]) / sampling.QUARTERS
        errors = []
        for half, (one, two) in enumerate(((0, 1), (2, 3))):
            other = [quarters[index] for index in (2, 3, 0, 1)][2 * half : 2 * half + 2]
            image = self.denoise((quarters[one] + quarters[two]) / 2, self.guides[half] / (2 * spp))
            product = (image - other[0]) * (image - other[1])
            errors.append(float((sampling.secant(image, samples) ** 2.0 * product).mean()))
        return sampling.CAUTION * sum(errors) / 2.0


def work(job: dict[str, Any], events: Events) -> None:
    """Send the uniform sample count and CPU seconds per sample (of each pixel) and per denoised image."""
    request = StackRequest.from_json(job["request"])
    assert request.quality is not None
    cycles, _, _ = start(request, job)
    size = request.width, request.height
    view = bpy.context.scene.camera.data
    lens = camera.physical(view, *size)
    camera.focus_everywhere(view)
    planes = plan.focus_plan(plan.clean_depth(cycles.render(1, 0).z))
    denoise = Denoiser(size, Path(job["scratch"]))
    halves: dict[str, Half] = {}

    def error(name: str, rounds: int) -> float:
        camera.focus_everywhere(view)
        if name != ALL_IN_FOCUS:
            level, focus = (int(part) for part in name.split("_")[1:])
            K = plan.level_K(level, request.width)
            camera.focus_at(view, planes.distance(focus), lens.f_number(K, planes.disparity_range))
        own = halves.setdefault(
            name, Half(cycles, denoise, lambda part: request.sampling_seed(f"uniform {name}", part))
        )
        return own.error(rounds)

    began = time.process_time()
    errors = {name: error(name, PILOT) for name in request.images()}
    per_sample = (time.process_time() - began) / (len(errors) * PILOT * sampling.ROUND)
    began = time.process_time()
    denoise(halves[ALL_IN_FOCUS].colour[0], halves[ALL_IN_FOCUS].guides[0])
    per_image = time.process_time() - began
    per_sample -= 2 * per_image / (PILOT * sampling.ROUND)
    worst = max(errors, key=errors.__getitem__)
    rounds, found = PILOT, errors[worst]
    while sampling.psnr(found) < request.quality and rounds < sampling.MOST:
        rounds = sampling.next_look(rounds, found, request.quality)
        found = error(worst, rounds)
    events.send(
        "uniform",
        samples=rounds * sampling.ROUND // 2,
        worst=worst,
        psnr=sampling.psnr(found),
        pilot={name: sampling.psnr(value) for name, value in errors.items()},
        per_sample=per_sample,
        per_image=per_image,
        finite=bool(np.isfinite(found)),
    )
