"""How long rendering will take, from a small render of each scene on this machine.

Time is linear in pixels × samples, plus a part per pixel (denoising, writing) and one per process (building
the scene). Two small renders with different sample counts tell the parts from each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bokehbench import jobs
from bokehbench.blender.driver import Means, Share
from bokehbench.blender.plan import ALL_IN_FOCUS, StackRequest
from bokehbench.blender.processes import run_workers

WORTH_TIMING = 40e6
"""Pixels × samples below which the estimate would take longer than is gained."""
STATED_QUALITY = 2.5
"""Seconds of images of a stated quality over those that samples alone account for: they are looked at several
times, denoised each time, and rings of the aperture are renders of their own. On three scenes of `blb-lite`:
1.7, 2.7 and 3.7."""


@dataclass(frozen=True)
class Rate:
    """What a scene costs here, seconds with all cores at work.

    Attributes:
        start: of a process: Blender, building the scene, its first render.
        pixel: of each pixel of an image, whatever its samples.
        sample: of each sample of a pixel.
    """

    start: float
    pixel: float
    sample: float

    @classmethod
    def of(cls, probe: dict[str, Any]) -> Rate:
        """From the event of a `scripts.probe` process."""
        (few, quick), (many, slow) = probe["renders"]
        sample = max(0.0, slow - quick) / ((many - few) * probe["pixels"])
        pixel = max(0.0, quick / probe["pixels"] - few * sample)
        return cls(probe["start"], pixel, sample)

    def seconds(self, share: Share) -> float:
        """Of rendering a share."""
        request = share.request
        samples = sum(rays(request, name) for name in share.images)
        one_pixel = self.pixel * len(share.images) + self.sample * samples
        further = 1.0 if request.quality is None else STATED_QUALITY
        return self.start + request.width * request.height * one_pixel * further


def rays(request: StackRequest, image: str) -> int:
    """Samples per pixel of an image; where images share their rays, a share of what the cleanest asks for."""
    if request.quality is None or image == ALL_IN_FOCUS:
        return request.samples(image)
    return max(request.samples(name) for name in request.images() if name != ALL_IN_FOCUS)


def samples(work: Sequence[Share]) -> int:
    """Pixels × samples of the work."""
    return sum(
        share.request.width * share.request.height * rays(share.request, name)
        for share in work
        for name in share.images
    )


def seconds(work: Sequence[Share], means: Means) -> float | None:
    """Estimated seconds of the work on this machine, None where it is too little to be worth timing.

    A scene that cannot be rendered counts as nothing: the rendering itself will say why.
    """
    if samples(work) < WORTH_TIMING:
        return None
    rates: dict[int, Rate] = {}
    with jobs.progress("timing", len(work)) as advance:

        def heed(index: int, event: dict[str, Any]) -> None:
            if event["event"] == "probe":
                rates[index] = Rate.of(event)
                advance(1)

        alone = Means(device=means.device)
        run_workers([share.job(alone, module="probe") for share in work], heed)
    return sum(rate.seconds(work[index]) for index, rate in rates.items())


def in_words(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    if seconds < 90.0:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400.0 else f"{seconds / 3600:.1f} h"
