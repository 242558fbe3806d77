"""What a rendering costs: seconds and memory, once on the way, or with care (`run --profile`)."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bokehbench.cases import FloatImage, Inputs, Renderer
from bokehbench.errors import JobFailed

PROFILE = "bokehbench.profile/1"


def once(renderer: Renderer, inputs: Inputs) -> tuple[FloatImage, dict[str, Any]]:
    """The image, and the timing of this one rendering."""
    _reset_peaks()
    image, seconds = _timed(renderer, inputs)
    return image, about(round(seconds, 4), _peak_memory_mb())


def profile(renderer: Renderer, inputs: Inputs, repeats: int) -> tuple[FloatImage, dict[str, Any]]:
    """The image, and the timing of `repeats` renderings after one at the same size that is not counted.

    Loading, compilation and caches that depend on the size are in the first. Memory is the peak of this
    process over the repeats, and what it held before them; on a GPU, that of torch's allocator as well.
    """
    image, _ = _timed(renderer, inputs)
    before = _memory_mb("VmRSS:")
    _reset_peaks()
    seconds = [_timed(renderer, inputs)[1] for _ in range(repeats)]
    size = inputs.image.shape[1], inputs.image.shape[0]
    return image, profiled(size, seconds, _peak_memory_mb(), before)


def profiled(
    size: tuple[int, int], seconds: Sequence[float], peak: float | None, before: float | None = None
) -> dict[str, Any]:
    """The content of a timing file: median of several renderings, and all that belongs to it."""
    facts = {
        "schema": PROFILE,
        "warm_up": 1,
        "repeats": len(seconds),
        "seconds": [round(value, 5) for value in seconds],
        "size": list(size),
        "memory_before_mb": before,
        "threads": threads(),
        **_gpu(),
    }
    return {**about(round(statistics.median(seconds), 5), peak), "profile": facts}


def about(seconds: float | None, peak: float | None) -> dict[str, Any]:
    """The content of a timing file."""
    return {
        "seconds": seconds,
        "peak_memory_mb": peak,
        "device": device_name(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def is_profiled(timing: Mapping[str, Any], repeats: int) -> bool:
    """Whether a timing file holds as many renderings on this device as are wanted."""
    profile = timing.get("profile")
    known = profile.get("repeats", 0) if isinstance(profile, dict) else 0
    return repeats == 0 or (known >= repeats and timing.get("device") == device_name())


def pictures(renderer: Renderer, asked: Sequence[Inputs]) -> Iterator[FloatImage]:
    """Renderings in the order of asking; by one process where the method has its own."""
    if not hasattr(renderer, "render_many"):
        yield from (checked(renderer, inputs) for inputs in asked)
        return
    answers = {answer.number: answer for answer in renderer.render_many(asked)}
    for number in range(len(asked)):
        if answers[number].image is None:
            raise answers[number].error
        yield answers[number].image


def checked(renderer: Renderer, inputs: Inputs) -> FloatImage:
    """The rendering; JobFailed where it is no image of the input's size."""
    image = renderer.render(inputs)
    if not isinstance(image, np.ndarray) or image.shape != inputs.image.shape:
        raise JobFailed(f"returned {getattr(image, 'shape', type(image))}, not an image {inputs.image.shape}")
    if not np.isfinite(image).all():
        raise JobFailed("returned NaN or infinite pixels")
    return image


def _timed(renderer: Renderer, inputs: Inputs) -> tuple[FloatImage, float]:
    _wait_for_gpu()
    start = time.perf_counter()
    image = checked(renderer, inputs)
    _wait_for_gpu()
    return image, time.perf_counter() - start


# ---------------------------------------------------------------------------------------- memory, device


def _reset_peaks() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak of resident memory
    if (cuda := _cuda()) is not None:
        cuda.reset_peak_memory_stats()


def _peak_memory_mb() -> float | None:
    return _memory_mb("VmHWM:")


def _memory_mb(what: str) -> float | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(what):
                return round(int(line.split()[1]) / 1024, 1)
    return None


def _cuda() -> Any | None:
    """torch.cuda, where a method of this process has already used it."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None


def _wait_for_gpu() -> None:
    if (cuda := _cuda()) is not None:
        cuda.synchronize()


def _gpu() -> dict[str, Any]:
    cuda = _cuda()
    if cuda is None:
        return {}
    peak = round(cuda.max_memory_allocated() / 2**20, 1)
    return {"gpu": cuda.get_device_name(), "gpu_peak_memory_mb": peak}


def threads() -> int:
    """Threads that this process may use."""
    return int(os.environ.get("NUMBA_NUM_THREADS", len(os.sched_getaffinity(0))))


@functools.cache
def device_name() -> str:
    """The CPU's name and the threads this process may use."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return f"{model}, {threads()} threads"
