"""Images of many levels and focal planes from the same rays.

Rays start from rings of the widest aperture; an image of level k is the mean of the inner k rings, each by
its area. A round of rays serves all images that are not yet clean; each image stops where its own error says
so, hence does not depend on which others are rendered with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bokehbench.blender import sampling
from bokehbench.blender.rays import Film, Lens, pattern, splat
from bokehbench.blender.scripts.clean import Clean, Denoise, judge
from bokehbench.blender.scripts.cycles import Cycles
from bokehbench.blender.scripts.raycamera import RayCamera
from bokehbench.blender.scripts.unfinished import Unfinished, now
from bokehbench.optics import PhysicalCamera

FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Optics:
    """What the stack's images share.

    Attributes:
        physical: the camera at the image's size.
        lens: shape of the opening.
        radius: of the widest aperture, metres.
        distances: of all focal planes, metres, far to near.
        size: (width, height).
        pattern: version of how rays are spread.
    """

    physical: PhysicalCamera
    lens: Lens
    radius: float
    distances: tuple[float, ...]
    size: tuple[int, int]
    pattern: int

    @property
    def reference(self) -> float:
        """Distance of the plane on which rays are placed: half-way in disparity, so that none moves far."""
        return 2.0 / (1.0 / self.distances[0] + 1.0 / self.distances[-1])

    def shift(self, focus: int) -> float:
        """By how many pixels the rim's rays move when the plane is in focus instead of the reference."""
        return self.radius * self.physical.focal_px * (1.0 / self.distances[focus] - 1.0 / self.reference)

    def film(self) -> Film:
        """Raster of rays that reach all images of the stack."""
        reach = max(abs(self.shift(focus)) for focus in range(len(self.distances)))
        return Film.of(*self.size, math.ceil(reach) + 1)


class SharedRays:
    """Traces rounds of rays and yields images as they become clean."""

    def __init__(
        self,
        cycles: Cycles,
        camera: RayCamera,
        optics: Optics,
        denoise: Denoise,
        keep: Callable[[str], Unfinished],
    ) -> None:
        self.cycles, self.camera, self.optics, self.denoise = cycles, camera, optics, denoise
        self.film, self.keep = camera.film, keep
        self.started = now()
        """When the work on the image that comes next began."""

    def render(
        self,
        wanted: dict[tuple[int, int], float],
        foci: Sequence[int],
        seed: Callable[[str], int],
        finished: Callable[[int], None],
    ) -> Iterator[tuple[tuple[int, int], int, Clean]]:
        """Render images.

        Args:
            wanted: (level, focus) of each, indices, and its quality, dB.
            foci: all of the stack, in order: those that fit into memory together share their rays.
            seed: of a name.
            finished: gets rays per pixel as they are done.

        Yields:
            (level, focus), rounds, and the image.
        """
        most = sampling.planes_at_once(*self.optics.size)
        for start in range(0, len(foci), most):
            group = foci[start : start + most]
            some = {image: quality for image, quality in wanted.items() if image[1] in group}
            if some:
                yield from self._group(some, sorted({focus for _, focus in some}), seed, finished)

    def _group(
        self,
        wanted: dict[tuple[int, int], float],
        foci: list[int],
        seed: Callable[[str], int],
        finished: Callable[[int], None],
    ) -> Iterator[tuple[tuple[int, int], int, Clean]]:
        width, height = self.optics.size
        rings = 1 + max(level for level, _ in wanted)
        colour = np.zeros((rings, len(foci), sampling.QUARTERS, height, width, 4), np.float32)
        guides = np.zeros((rings, len(foci), 2, height, width, 6), np.float32)
        shifts = np.array([self.optics.shift(focus) for focus in foci])
        looks = dict.fromkeys(wanted, sampling.FIRST)
        done = [0] * rings
        kept = self.keep("shared")
        self._go_on(kept, looks, done, foci, colour, guides)
        while looks:
            rounds = min(looks.values())
            for ring in range(1 + max(level for level, _ in looks)):
                while done[ring] < sampling.ring_rounds(ring, rounds):
                    self._round(ring, done[ring], shifts, colour[ring], guides[ring], seed)
                    done[ring] += 1
                    finished(sampling.ROUND)
                    kept.started = self.started
                    standing = {"looks": _table(looks), "done": np.array(done), "foci": np.array(foci)}
                    kept.save({**standing, "colour": colour, "guides": guides})
            for level, focus in sorted(image for image, look in looks.items() if look == rounds):
                plane = foci.index(focus)
                clean = self._judge(level, colour[:, plane], guides[:, plane])
                quality = wanted[level, focus]
                if sampling.psnr(clean.error) >= quality or rounds >= sampling.MOST:
                    del looks[level, focus]
                    yield (level, focus), rounds, clean
                else:
                    looks[level, focus] = sampling.next_look(rounds, clean.error, quality)
        kept.remove()

    def _go_on(
        self,
        kept: Unfinished,
        looks: dict[tuple[int, int], int],
        done: list[int],
        foci: list[int],
        colour: FloatImage,
        guides: FloatImage,
    ) -> None:
        """Take up the sums of an interrupted run, if all images that are wanted were among its own."""
        stored = kept.load()
        rows = stored["looks"].tolist() if stored else []
        waiting = {(level, focus): look for level, focus, look in rows}
        if not looks.keys() <= waiting.keys():
            return
        planes = [stored["foci"].tolist().index(focus) for focus in foci]
        rings = len(done)
        looks.update({image: waiting[image] for image in looks})
        done[:] = stored["done"][:rings].tolist()
        colour[:], guides[:] = stored["colour"][:rings, planes], stored["guides"][:rings, planes]
        self.started = kept.started

    def _round(
        self,
        ring: int,
        index: int,
        shifts: npt.NDArray[np.float64],
        colour: FloatImage,
        guides: FloatImage,
        seed: Callable[[str], int],
    ) -> None:
        """Add one round of rays of a ring."""
        optics, films = self.optics, sampling.ROUND // self.film.cells**2
        edges = sampling.RING_EDGES[ring : ring + 2]
        own = seed(f"ring {ring}")
        for film in range(index * films, (index + 1) * films):
            with self.camera:
                self.camera.aim(edges, optics.radius, optics.reference, own, film, optics.pattern)  # type: ignore[arg-type]
                quarter, sample = self.film.sequence(film)
                passes = self.cycles.render(
                    1, seed(f"ring {ring}, {quarter}") if quarter else own, first=sample
                )
            rays = pattern(self.film, optics.lens, edges, own, film, optics.pattern)  # type: ignore[arg-type]
            first = film * self.film.cells**2
            splat(rays, passes.raw, passes.guides, first, self.film.cells, shifts, colour, guides)  # type: ignore[arg-type]

    def _judge(self, level: int, colour: FloatImage, guides: FloatImage) -> Clean:
        """The image of a level from sums over its rings, [R, 4, H, W, 4] and [R, 2, H, W, 6]."""
        quarters = [np.zeros((*colour.shape[2:4], 3), np.float32) for _ in range(sampling.QUARTERS)]
        halves = [np.zeros_like(quarters[0]) for _ in range(2)]
        features = [np.zeros((*colour.shape[2:4], 6), np.float32) for _ in range(2)]
        for ring, weight in enumerate(sampling.ring_weights(level)):
            whole = colour[ring].sum(axis=0)
            for half in range(2):
                sums = colour[ring, 2 * half] + colour[ring, 2 * half + 1]
                # A pixel that no ray of a part has met takes those of the larger part.
                mean = _mean(sums, _mean(whole, np.zeros_like(halves[0])))
                halves[half] += weight * mean
                features[half] += weight * guides[ring, half] / np.maximum(sums[..., 3:], 1.0)
                for quarter in (2 * half, 2 * half + 1):
                    quarters[quarter] += weight * _mean(colour[ring, quarter], mean)
        return judge(quarters, halves, features, self.denoise)


def _table(looks: dict[tuple[int, int], int]) -> npt.NDArray[np.int64]:
    """Rows of level, focus, look."""
    return np.array([(*image, look) for image, look in looks.items()], np.int64).reshape(-1, 3)


def _mean(sums: FloatImage, otherwise: FloatImage) -> FloatImage:
    """Sums of light over counts, [H, W, 4] to [H, W, 3]."""
    mean: FloatImage = np.where(
        sums[..., 3:] > 0.0, sums[..., :3] / np.maximum(sums[..., 3:], 1.0), otherwise
    )
    return mean
