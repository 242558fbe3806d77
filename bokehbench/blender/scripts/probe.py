"""What the worker does for an estimate: times two small, strongly blurred renders of a scene."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import bpy

from bokehbench.blender import plan
from bokehbench.blender.plan import StackRequest
from bokehbench.blender.scripts import camera
from bokehbench.blender.scripts.stackjob import start

if TYPE_CHECKING:
    from bokehbench.blender.scripts.worker import Events

SHRINK = 4
SAMPLES = (4, 16)


def work(job: dict[str, Any], events: Events) -> None:
    """Send seconds of the start and of the two renders.

    Args:
        job: as for `stackjob`.
        events: gets one event `probe`: start, pixels, renders [(samples, seconds), (samples, seconds)].
    """
    began = time.perf_counter()
    request = StackRequest.from_json(job["request"])
    small = max(16, request.width // SHRINK), max(16, request.height // SHRINK)
    request = replace(request, width=small[0], height=small[1])
    cycles, _, _ = start(request, job)
    view = bpy.context.scene.camera.data
    camera.focus_everywhere(view)
    planes = plan.focus_plan(plan.clean_depth(cycles.render(1, 0).z))
    lens = camera.physical(view, *small)
    camera.focus_at(
        view, planes.distance(5), lens.f_number(plan.level_K(4, small[0]), planes.disparity_range)
    )
    started = time.perf_counter() - began
    renders = []
    for spp in SAMPLES:
        before = time.perf_counter()
        cycles.render(spp, 1)
        renders.append((spp, time.perf_counter() - before))
    events.send("probe", start=started, pixels=small[0] * small[1], renders=renders)
