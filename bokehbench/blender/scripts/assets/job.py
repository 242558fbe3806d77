"""What the worker does for cut-outs: builds each in an empty file, renders it without a background."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
import numpy.typing as npt

from bokehbench.blender.scripts.cycles import Cycles
from bokehbench.blender.scripts.stackjob import SampleReport
from bokehbench.images import encode_png
from bokehbench.optics import encode
from bokehbench.records import sha256_file, write_bytes, write_json
from bokehbench.rng import stream

if TYPE_CHECKING:
    from bokehbench.blender.scripts.worker import Events

GAMMA = 2.2
"""Of the pictures, as the cut-out reader expects it."""


def work(job: dict[str, Any], events: Events) -> None:
    """Render the cut-outs that the job names; the sidecar of each is written last and commits it.

    Args:
        job: kind, seed, side, spp, names {name: index}, settings, folder, scratch.
        events: tells the driver how far it is.
    """
    builder = importlib.import_module(f"bokehbench.blender.scripts.assets.{job['kind']}")
    report = SampleReport(events)
    for name, index in job["names"].items():
        rng = stream(job["seed"], index, f"blender:{job['kind']}")
        bpy.ops.wm.read_factory_settings(use_empty=True)
        facts = builder.build(rng)
        scratch = Path(job["scratch"])
        cycles = Cycles(bpy.context.scene, (job["side"],) * 2, scratch, denoise=False, transparent=True)
        bpy.app.handlers.render_stats.append(report)
        passes = cycles.render(job["spp"], int(rng.integers(2**31)))
        report.finished(job["spp"])
        rgba = straight(passes.image, passes.alpha)
        path = Path(job["folder"]) / f"{name}.png"
        write_bytes(path, encode_png(np.floor(np.clip(rgba, 0.0, 1.0) * 65535.0 + 0.5).astype(np.uint16)))
        record = {**job["settings"], "index": index, "content": facts, "sha256": sha256_file(path)}
        write_json(path.with_suffix(".json"), record)


def straight(rgb: npt.NDArray[np.float32], alpha: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Encoded straight RGBA [h, w, 4], cut to what is seen, of premultiplied linear [H, W, 3] and alpha."""
    seen = alpha > 0.0
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    rgb, alpha = rgb[window], np.clip(alpha[window], 0.0, 1.0)[..., None]
    colour = encode(rgb / np.maximum(alpha, 1e-6), GAMMA)
    return np.concatenate([colour, alpha], axis=2).astype(np.float32)
