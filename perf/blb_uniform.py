"""The other way to a stack of stated quality, measured in a Blender process: one sample count for all images.

An image with n samples and OpenImageDenoise has the error of a half of `OwnSamples` with 2 n samples, which
the other half estimates. Every image is looked at with few samples; the worst of them is then
sampled until it is clean: at least so many samples must every image have.
"""

from __future__ import annotations

import math
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
COUNTS = 16, 80
"""Samples whose times tell what a sample costs from what a render costs."""


class Half(clean.OwnSamples):
    """Samples of one image, judged as a plain render with half of them would be."""

    def error(self, rounds: int) -> float:
        """Squared error of a denoised image of `8 rounds` samples."""
        if rounds > self.rounds:
            self._add(rounds - self.rounds, lambda spp: None)
        spp = self.rounds * sampling.ROUND // sampling.QUARTERS
        quarters = [colour / spp for colour in self.colour]
        own = [(quarters[0] + quarters[1]) / 2, (quarters[2] + quarters[3]) / 2]
        images = [
            self.denoise(half, guides / (2 * spp)) for half, guides in zip(own, self.guides, strict=True)
        ]
        squared = [sampling.half_squared(images, quarters, half) for half in range(2)]
        mean = (float(squared[0].mean()) + float(squared[1].mean())) / 2.0
        return mean + sampling.standard_error(*squared)


def smallest(looks: list[tuple[int, float]], quality: float) -> tuple[float, float]:
    """(rounds, squared error) where the quality is just reached: between the last two looks, by a power law.

    A look that overshoots would make the other way look dearer than it is.
    """
    wanted = 10.0 ** (-quality / 10.0)
    if len(looks) < 2 or looks[-1][1] >= wanted or looks[-2][1] <= wanted:
        return looks[-1]
    (few, noisy), (many, clean_enough) = looks[-2:]
    share = math.log(noisy / wanted) / math.log(noisy / clean_enough)
    return few * (many / few) ** share, wanted


def work(job: dict[str, Any], events: Events) -> None:
    """Send the uniform sample count and CPU seconds per sample (of each pixel), render and denoising."""
    request = StackRequest.from_json(job["request"])
    assert request.quality is not None
    cycles, _, _ = start(request, job)
    settings = cycles.scene.cycles
    settings.pixel_filter_type, settings.filter_width = "BOX", 1.0  # as in the stack it is compared with
    size = request.width, request.height
    view = bpy.context.scene.camera.data
    lens = camera.physical(view, *size)
    camera.focus_everywhere(view)
    planes = plan.focus_plan(plan.clean_depth(cycles.render(1, 0).z))
    denoise = Denoiser(size, Path(job["scratch"]))
    halves: dict[str, Half] = {}

    def focus(name: str) -> None:
        camera.focus_everywhere(view)
        if name != ALL_IN_FOCUS:
            level, focus = (int(part) for part in name.split("_")[1:])
            K = plan.level_K(level, request.width)
            camera.focus_at(view, planes.distance(focus), lens.f_number(K, planes.disparity_range))

    def error(name: str, rounds: int) -> float:
        focus(name)
        own = halves.setdefault(
            name, Half(cycles, denoise, lambda part: request.sampling_seed(f"uniform {name}", part))
        )
        return own.error(rounds)

    def sampling_seconds(name: str, spp: int) -> float:
        focus(name)
        cycles.render(spp, 1)  # the first of a view also uploads it
        began = time.process_time()
        cycles.render(spp, 2)
        return time.process_time() - began

    errors = {name: error(name, PILOT) for name in request.images()}
    few, many = (sum(sampling_seconds(name, spp) for name in errors) / len(errors) for spp in COUNTS)
    per_sample = (many - few) / (COUNTS[1] - COUNTS[0])
    began = time.process_time()
    denoise(halves[ALL_IN_FOCUS].colour[0], halves[ALL_IN_FOCUS].guides[0])
    per_image = time.process_time() - began
    worst = max(errors, key=errors.__getitem__)
    looks = [(PILOT, errors[worst])]
    while sampling.psnr(looks[-1][1]) < request.quality and looks[-1][0] < sampling.MOST:
        rounds = sampling.next_look(*looks[-1], request.quality)
        looks.append((rounds, error(worst, rounds)))
    rounds, found = smallest(looks, request.quality)
    events.send(
        "uniform",
        samples=round(rounds * sampling.ROUND / 2),
        worst=worst,
        psnr=sampling.psnr(found),
        pilot={name: sampling.psnr(value) for name, value in errors.items()},
        per_sample=per_sample,
        per_render=max(0.0, few - COUNTS[0] * per_sample),
        per_image=per_image,
        finite=bool(np.isfinite(found)),
    )
