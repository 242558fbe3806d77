"""Images with a stated error: four quarters of samples become a denoised image and what it is off by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bokehbench.blender import sampling
from bokehbench.blender.scripts.cycles import Cycles
from bokehbench.blender.scripts.unfinished import Unfinished

FloatImage = npt.NDArray[np.float32]
Denoise = Callable[[FloatImage, FloatImage], FloatImage]


@dataclass(frozen=True, eq=False)
class Clean:
    """An image and its estimated error.

    Attributes:
        image: linear [H, W, 3].
        error: mean squared error of the encoded image, estimated with caution (`sampling.squared_error`).
        raw_error: the same of its samples' plain mean.
    """

    image: FloatImage
    error: float
    raw_error: float


def judge(
    quarters: list[FloatImage], halves: list[FloatImage], guides: list[FloatImage], denoise: Denoise
) -> Clean:
    """Denoise both halves, take back what the denoiser did wrong, and estimate what is left.

    Args:
        quarters: four, linear [H, W, 3], independent.
        halves: the means of quarters 0, 1 and 2, 3.
        guides: albedo and normal [H, W, 6] of both halves.
        denoise: takes an image and its guides.
    """
    clean = [denoise(half, guide) for half, guide in zip(halves, guides, strict=True)]
    clean = [
        sampling.reconciled(half, quarters[2 * which : 2 * which + 2]) for which, half in enumerate(clean)
    ]
    between = sampling.encoded(halves[0]) - sampling.encoded(halves[1])
    return Clean(
        (clean[0] + clean[1]) / 2,
        sampling.squared_error(clean, quarters),
        float((between.astype(np.float64) ** 2).mean()) / 4.0,
    )


class OwnSamples:
    """One image with samples of its own: the all-in-focus one, and all where rays cannot be shared."""

    def __init__(
        self, cycles: Cycles, denoise: Denoise, seed: Callable[[int], int], kept: Unfinished | None = None
    ) -> None:
        self.cycles, self.denoise, self.seed, self.kept = cycles, denoise, seed, kept
        self.rounds = 0
        self.colour = self.guides = np.zeros(0, np.float32)
        self.z: FloatImage | None = None

    def render(self, quality: float, finished: Callable[[int], None]) -> Clean:
        """Add samples until the image is `quality` dB clean; `finished` gets samples per pixel done."""
        look = self._go_on()
        while True:
            self._add(look - self.rounds, finished)
            clean = self._judge()
            if -10.0 * np.log10(max(clean.error, 1e-9)) >= quality or self.rounds >= sampling.MOST:
                if self.kept is not None:
                    self.kept.remove()
                return clean
            look = sampling.next_look(self.rounds, clean.error, quality)
            self._keep(look)

    def _go_on(self) -> int:
        """Rounds before the next look: the first, or where an interrupted run stood."""
        stored = self.kept.load() if self.kept is not None else {}
        if not stored:
            return sampling.FIRST
        self.rounds, self.z = int(stored["rounds"]), stored["z"]
        self.colour, self.guides = stored["colour"], stored["guides"]
        return int(stored["look"])

    def _keep(self, look: int) -> None:
        if self.kept is not None and self.z is not None:
            numbers = {"rounds": np.array(self.rounds), "look": np.array(look), "z": self.z}
            self.kept.save({**numbers, "colour": self.colour, "guides": self.guides})

    def _add(self, rounds: int, finished: Callable[[int], None]) -> None:
        spp = rounds * sampling.ROUND // sampling.QUARTERS
        for quarter in range(sampling.QUARTERS):
            passes = self.cycles.render(spp, self.seed(self.rounds * sampling.QUARTERS + quarter))
            assert passes.guides is not None
            if self.z is None:
                self.z = passes.z
                self.colour = np.zeros((sampling.QUARTERS, *passes.raw.shape), np.float32)
                self.guides = np.zeros((2, *passes.guides.shape), np.float32)
            self.colour[quarter] += spp * passes.raw
            self.guides[quarter // 2] += spp * passes.guides
            finished(spp)
        self.rounds += rounds

    def _judge(self) -> Clean:
        spp = self.rounds * sampling.ROUND // sampling.QUARTERS
        quarters = [colour / spp for colour in self.colour]
        halves = [(quarters[0] + quarters[1]) / 2, (quarters[2] + quarters[3]) / 2]
        return judge(quarters, halves, [guide / (2 * spp) for guide in self.guides], self.denoise)
