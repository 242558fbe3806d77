"""The other way to a stack of stated quality, measured in a Blender process: one sample count for all images.

An image with n samples and OpenImageDenoise has the error of a half of `OwnSamples` with 2 n samples, which
the other half estimates. Every image is looked at twice with few samples; then the one that is expected to
need most is sampled until it is clean, and so is each other that is expected to need nearly as many. The rest
might need more in truth: the count is rather too small than too large.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from bokehbench.blender import plan, sampling
from bokehbench.blender.plan import ALL_IN_FOCUS, StackRequest
from bokehbench.blender.scripts import camera, clean
from bokehbench.blender.scripts.denoise import Denoiser
from bokehbench.blender.scripts.stackjob import start

if TYPE_CHECKING:
    from bokehbench.blender.scripts.worker import Events

Looks = dict[int, float]
"""Rounds to squared error."""

PILOT = 4, 16
"""Rounds of the first looks at each image."""
PER_ROUND = sampling.ROUND // 2
"""Samples of a plain render for a round of a `Half`."""
COUNTS = 16, 80
"""Samples whose times tell what a sample costs from what a render costs."""
SLOPES = 0.5, 1.0
"""Squared error falls as samples to a power: at best as plain noise does."""
MARGIN = 0.7
"""Images that are expected to need this share of the count found are sampled as often, to be sure."""


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
        return max(0.0, mean) + sampling.CAUTION * sampling.standard_error(*squared)


def needed(looks: Looks, quality: float) -> float:
    """Rounds at which an image of these looks has the quality, by a power law.

    Between the last look that misses it and the next one: a count that overshoots would make the other way
    look dearer than it is. Where the last look misses, from there on as steeply as over the last factor of 4.
    """
    wanted = 10.0 ** (-quality / 10.0)
    counts = sorted(looks)
    missed = [count for count in counts if looks[count] > wanted]
    if not missed:
        return counts[0]
    last = missed[-1]
    later = [count for count in counts if count > last]
    other = later[0] if later else max((count for count in counts if 4 * count <= last), default=counts[0])
    if other == last:
        slope = sampling.SLOPE
    else:
        slope = math.log(looks[last] / looks[other]) / math.log(other / last)
        slope = slope if later else min(max(slope, SLOPES[0]), SLOPES[1])
    return last * (looks[last] / wanted) ** (1.0 / slope)


class Uniform:
    """The stack's images with samples of their own, and what is known of their errors."""

    def __init__(self, request: StackRequest, job: dict[str, Any]) -> None:
        self.request = request
        self.cycles, _, _ = start(request, job)
        settings = self.cycles.scene.cycles
        settings.pixel_filter_type, settings.filter_width = "BOX", 1.0  # as in the stack it is compared with
        size = request.width, request.height
        self.view = bpy.context.scene.camera.data
        self.lens = camera.physical(self.view, *size)
        camera.focus_everywhere(self.view)
        self.planes = plan.focus_plan(plan.clean_depth(self.cycles.render(1, 0).z))
        self.denoise = Denoiser(size, Path(job["scratch"]))
        self.halves: dict[str, Half] = {}
        self.looks: dict[str, Looks] = {name: {} for name in request.images()}

    def focus(self, name: str) -> None:
        """Set the camera up for an image."""
        camera.focus_everywhere(self.view)
        if name != ALL_IN_FOCUS:
            level, focus = (int(part) for part in name.split("_")[1:])
            K = plan.level_K(level, self.request.width)
            f_number = self.lens.f_number(K, self.planes.disparity_range)
            camera.focus_at(self.view, self.planes.distance(focus), f_number)

    def look(self, name: str, rounds: int) -> None:
        """Sample an image so often and note its error."""
        self.focus(name)
        seed = self.request.sampling_seed
        own = self.halves.setdefault(
            name, Half(self.cycles, self.denoise, lambda part: seed(f"uniform {name}", part))
        )
        error = own.error(rounds)
        if not math.isfinite(error):
            raise RuntimeError(f"{name}: samples that are not finite")
        self.looks[name][rounds] = max(error, 1e-9)

    def reach(self, name: str, quality: float) -> None:
        """Look at an image until it has the quality, or has as many samples as are allowed."""
        while (rounds := max(self.looks[name])) < sampling.MOST:
            if sampling.psnr(self.looks[name][rounds]) >= quality:
                break
            self.look(name, sampling.next_look(rounds, self.looks[name][rounds], quality))

    def search(self, quality: float) -> tuple[float, str]:
        """(rounds, image): the fewest at which all images have the quality, and which needs them."""
        for rounds in PILOT:
            for name in self.looks:
                self.look(name, rounds)
        sure: dict[str, float] = {}
        while True:
            expected = {name: needed(looks, quality) for name, looks in self.looks.items()}
            most = max(sure.values(), default=0.0)
            rest = {
                name: count for name, count in expected.items() if name not in sure and count > MARGIN * most
            }
            if not rest:
                return most, max(sure, key=sure.__getitem__)
            name = max(rest, key=rest.__getitem__)
            self.reach(name, quality)
            sure[name] = needed(self.looks[name], quality)

    def sampling_seconds(self, name: str, spp: int) -> float:
        """CPU seconds of a render."""
        self.focus(name)
        self.cycles.render(spp, 1)  # the first of a view also uploads it
        began = time.process_time()
        self.cycles.render(spp, 2)
        return time.process_time() - began

    def denoising_seconds(self) -> float:
        """CPU seconds of denoising an image."""
        some = self.halves[ALL_IN_FOCUS]
        began = time.process_time()
        self.denoise(some.colour[0], some.guides[0])
        return time.process_time() - began


def work(job: dict[str, Any], events: Events) -> None:
    """Send the uniform sample count and CPU seconds per sample (of each pixel), render and denoising."""
    request = StackRequest.from_json(job["request"])
    assert request.quality is not None
    other = Uniform(request, job)
    few, many = (
        sum(other.sampling_seconds(name, spp) for name in other.looks) / len(other.looks) for spp in COUNTS
    )
    per_sample = (many - few) / (COUNTS[1] - COUNTS[0])
    rounds, worst = other.search(request.quality)
    events.send(
        "uniform",
        samples=round(rounds * PER_ROUND),
        worst=worst,
        samples_for_ours=round(max(needed(looks, job["ours"]) for looks in other.looks.values()) * PER_ROUND),
        extrapolated=rounds > sampling.MOST,
        looks={
            name: {str(count * PER_ROUND): sampling.psnr(error) for count, error in looks.items()}
            for name, looks in other.looks.items()
        },
        per_sample=per_sample,
        per_render=max(0.0, few - COUNTS[0] * per_sample),
        per_image=other.denoising_seconds(),
    )
