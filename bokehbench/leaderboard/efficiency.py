"""What a row costs, where it was measured with care (`run --profile`)."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bokehbench.leaderboard.measure import PROFILE


@dataclass(frozen=True)
class Efficiency:
    """Over the cases of a row, all measured on the same device.

    Attributes:
        cases: how many.
        repeats: timed renderings of each, at least; one before them was not counted.
        seconds: median over the cases of the median of each.
        megapixels_per_second: median over the cases.
        sizes: (W, H), each once, smallest first.
        device: CPU (or of an external method, the machine's) with threads.
        gpu: name; empty where none was used.
        peak_memory_mb: largest, of the process (of an external method, of all its processes).
        gpu_peak_memory_mb: largest that torch allocated; None without GPU.
    """

    cases: int
    repeats: int
    seconds: float
    megapixels_per_second: float
    sizes: tuple[tuple[int, int], ...]
    device: str
    gpu: str = ""
    peak_memory_mb: float | None = None
    gpu_peak_memory_mb: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "sizes": [list(size) for size in self.sizes]}

    @property
    def sentence(self) -> str:
        """All of it, for people."""
        first, last = self.sizes[0], self.sizes[-1]
        size = f"{first[0]}x{first[1]}" + (f" to {last[0]}x{last[1]}" if last != first else "")
        parts = [
            f"{self.seconds:.3g} s an image",
            f"{self.megapixels_per_second:.3g} megapixels/s",
            f"median of {self.repeats} after a warm-up, {self.cases} cases of {size}",
            f"on {self.device}" + (f" and {self.gpu}" if self.gpu else ""),
        ]
        if self.peak_memory_mb is not None:
            parts.append(f"peak memory {self.peak_memory_mb:.0f} MB")
        if self.gpu_peak_memory_mb is not None:
            parts.append(f"{self.gpu_peak_memory_mb:.0f} MB on the GPU")
        return "; ".join(parts)


def of_timings(timings: Sequence[Mapping[str, Any]]) -> Efficiency | None:
    """The efficiency of a row by its timing files; None unless all were measured so, on one device."""
    profiles = [timing.get("profile", {}) for timing in timings]
    devices = {
        (timing.get("device"), one.get("gpu", "")) for timing, one in zip(timings, profiles, strict=True)
    }
    if not timings or len(devices) > 1 or any(one.get("schema") != PROFILE for one in profiles):
        return None
    medians = [statistics.median(one["seconds"]) for one in profiles]
    pixels = [one["size"][0] * one["size"][1] for one in profiles]
    memory = [timing["peak_memory_mb"] for timing in timings if timing.get("peak_memory_mb")]
    on_gpu = [one["gpu_peak_memory_mb"] for one in profiles if "gpu_peak_memory_mb" in one]
    ((device, gpu),) = devices
    speeds = [n / 1e6 / max(seconds, 1e-9) for n, seconds in zip(pixels, medians, strict=True)]
    return Efficiency(
        cases=len(timings),
        repeats=min(one["repeats"] for one in profiles),
        seconds=round(statistics.median(medians), 5),
        megapixels_per_second=round(statistics.median(speeds), 4),
        sizes=tuple(
            sorted({(one["size"][0], one["size"][1]) for one in profiles}, key=lambda s: s[0] * s[1])
        ),
        device=str(device),
        gpu=gpu,
        peak_memory_mb=max(memory, default=None),
        gpu_peak_memory_mb=max(on_gpu, default=None),
    )
