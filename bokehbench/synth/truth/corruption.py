"""Disparity as a depth estimator would give it: edges in the wrong place, noise beside them, softness.

Two published sets of augmentations in one chain, every step optional and every number in the plan:
BokehMe's (Gaussian blur, dilation, erosion) and Any-to-Bokeh's (elastic warp, noise in the ring that the
warp leaves, morphology).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bokehbench.errors import InputError
from bokehbench.rng import stream

FloatMap = npt.NDArray[np.float32]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Morphology = Literal["none", "dilate", "erode"]


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Corruption(_Plain):
    """How strongly disparity is spoiled; pairs are [low, high] of a uniform number. A recipe's field.

    Attributes:
        p: probability that anything is done at all; the other probabilities are given that.
        elastic_p, elastic_alpha, elastic_sigma: a random displacement in [-1, 1] per pixel and axis, blurred
            by sigma and multiplied by alpha, pixels (50 and 4 displace by about 2 pixels).
        morphology_p, morphology_half: grow near things, or (as likely) shrink them, by a square of side
            2 n + 1, n an integer in [low, high].
        ring_p, ring_amplitude: Perlin noise where the edges above have moved, as a share of the pixel's
            disparity.
        ring_scales, ring_weights, ring_octaves: cells of the noise in pixels, their weights, octaves of each.
        blur_p, blur_sigma: Gaussian blur at the end, pixels.
        single: one step alone is done, drawn with the steps' probabilities as weights; None: each step by
            itself, so that several may meet.
    """

    p: Probability = 0.75
    elastic_p: Probability = 0.3
    elastic_alpha: tuple[Positive, Positive] = (30.0, 50.0)
    elastic_sigma: tuple[Positive, Positive] = (4.0, 4.0)
    morphology_p: Probability = 0.5
    morphology_half: tuple[Annotated[int, Field(ge=1, le=16)], Annotated[int, Field(ge=1, le=16)]] = (1, 5)
    ring_p: Probability = 0.5
    ring_amplitude: tuple[Positive, Positive] = (0.1, 0.1)
    ring_scales: tuple[Positive, ...] = (50.0, 20.0, 10.0)
    ring_weights: tuple[Positive, ...] = (0.5, 0.3, 0.2)
    ring_octaves: Annotated[int, Field(ge=1, le=6)] = 3
    blur_p: Probability = 0.5
    blur_sigma: tuple[Positive, Positive] = (0.5, 3.0)
    single: Literal[True] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Corruption:
        for name in ("elastic_alpha", "elastic_sigma", "morphology_half", "ring_amplitude", "blur_sigma"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} [low, high] needs low <= high, not [{low:g}, {high:g}]")
        if self.single and not any(self._weights()):
            raise ValueError("single needs a step with a probability above 0")
        if len(self.ring_scales) != len(self.ring_weights) or not self.ring_scales:
            raise ValueError("ring_scales and ring_weights need equally many numbers, at least one")
        return self

    def _weights(self) -> tuple[float, float, float, float]:
        """Of elastic, morphology, ring, blur."""
        return self.elastic_p, self.morphology_p, self.ring_p, self.blur_p

    def alone(self, u: float) -> Corruption:
        """The step that `u` in [0, 1) draws, and no other."""
        weights = np.cumsum(self._weights())
        step = int(np.searchsorted(weights / weights[-1], u, side="right"))
        certain = [float(index == step) for index in range(len(weights))]
        names = ("elastic_p", "morphology_p", "ring_p", "blur_p")
        return self.model_copy(update=dict(zip(names, certain, strict=True)))


class CorruptionPlan(_Plain):
    """What is done to one disparity map; steps that are left out have 0 or "none".

    Attributes:
        elastic_alpha, elastic_sigma, elastic_seed: displacement, 0 for none.
        morphology, morphology_half: near things grow or shrink by n pixels.
        ring_amplitude, ring_scales, ring_weights, ring_octaves, ring_seed: noise where edges moved.
        blur_sigma: pixels.
    """

    elastic_alpha: float = 0.0
    elastic_sigma: float = 4.0
    elastic_seed: int = 0
    morphology: Morphology = "none"
    morphology_half: int = 0
    ring_amplitude: float = 0.0
    ring_scales: tuple[float, ...] = ()
    ring_weights: tuple[float, ...] = ()
    ring_octaves: int = 1
    ring_seed: int = 0
    blur_sigma: float = 0.0

    @classmethod
    def sample(cls, rng: np.random.Generator, config: Corruption | None = None) -> CorruptionPlan:
        """Draw a plan; always the same draws from `rng`, one of its own for every decision.

        Args:
            rng: a named stream of the sample.
            config: how strong; defaults as `Corruption`.
        """
        config = config or Corruption()
        some = rng.random() < config.p
        if config.single:
            config = config.alone(rng.random())

        def happens(probability: float) -> bool:
            return bool(rng.random() < probability) and some

        elastic = (happens(config.elastic_p), rng.uniform(*config.elastic_alpha))
        sigma, elastic_seed = rng.uniform(*config.elastic_sigma), int(rng.integers(2**31))
        grown = (happens(config.morphology_p), rng.random() < 0.5)
        low, high = config.morphology_half
        half = int(rng.integers(low, high + 1))
        ring = (happens(config.ring_p), rng.uniform(*config.ring_amplitude), int(rng.integers(2**31)))
        blur = (happens(config.blur_p), rng.uniform(*config.blur_sigma))
        return cls(
            elastic_alpha=elastic[1] if elastic[0] else 0.0,
            elastic_sigma=sigma,
            elastic_seed=elastic_seed,
            morphology=("dilate" if grown[1] else "erode") if grown[0] else "none",
            morphology_half=half if grown[0] else 0,
            ring_amplitude=ring[1] if ring[0] else 0.0,
            ring_scales=config.ring_scales,
            ring_weights=config.ring_weights,
            ring_octaves=config.ring_octaves,
            ring_seed=ring[2],
            blur_sigma=blur[1] if blur[0] else 0.0,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, inverse of `from_json`."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, values: Any) -> CorruptionPlan:
        """Inverse of `to_json`; InputError for anything else."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise InputError(f"not a plan of corrupted disparity: {field}: {first['msg']}") from error

    def apply(self, disparity: FloatMap, labels: npt.NDArray[np.integer]) -> FloatMap:
        """The spoiled map.

        Args:
            disparity: [H, W] in [0, 1], near large.
            labels: [H, W] index of the visible layer, 0 the nearest: says where edges are.

        Returns:
            [H, W] float32 in [0, 1].
        """
        height, width = disparity.shape
        spoiled, moved = disparity.astype(np.float32), labels.astype(np.float32)
        if self.elastic_alpha > 0.0:
            at = self._displaced((height, width))
            # Nearest: a moved edge stays an edge, and labels stay labels.
            spoiled, moved = (
                cv2.remap(image, *at, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
                for image in (spoiled, moved)
            )
        if self.morphology != "none":
            side = 2 * self.morphology_half + 1
            kernel = np.ones((side, side), np.uint8)
            # Near is large in disparity and small in labels.
            grow, shrink = (cv2.dilate, cv2.erode) if self.morphology == "dilate" else (cv2.erode, cv2.dilate)
            spoiled, moved = grow(spoiled, kernel), shrink(moved, kernel)
        if self.ring_amplitude > 0.0:
            noise = perlin(
                (height, width), self.ring_scales, self.ring_weights, self.ring_octaves, self.ring_seed
            )
            ring = moved != labels
            spoiled = np.where(ring, spoiled * (1.0 + self.ring_amplitude * noise), spoiled)
        if self.blur_sigma > 0.0:
            spoiled = cv2.GaussianBlur(spoiled, (0, 0), self.blur_sigma, borderType=cv2.BORDER_REFLECT_101)
        return np.clip(spoiled, 0.0, 1.0).astype(np.float32)

    def _displaced(self, shape: tuple[int, int]) -> tuple[FloatMap, FloatMap]:
        """[H, W] columns and rows that pixels are taken from."""
        rng = stream(self.elastic_seed, 0, "corruption.elastic")
        y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
        field = rng.uniform(-1.0, 1.0, (2, *shape)).astype(np.float32)
        dx, dy = (self.elastic_alpha * cv2.GaussianBlur(part, (0, 0), self.elastic_sigma) for part in field)
        return x + dx, y + dy


def perlin(
    shape: tuple[int, int],
    scales: tuple[float, ...],
    weights: tuple[float, ...],
    octaves: int,
    seed: int,
) -> FloatMap:
    """Gradient noise (Perlin, SIGGRAPH 1985): several cell sizes, each with octaves of half the size.

    Args:
        shape: (H, W).
        scales: sides of the lattice's cells, pixels.
        weights: of the scales.
        octaves: per scale; each has half the cells' side and half the amplitude of the one before.
        seed: of the gradients.

    Returns:
        [H, W] float32 within [-1, 1], mean about 0; several scales and octaves together rarely exceed 0.5.
    """
    total, amount = np.zeros(shape, np.float64), 0.0
    for number, (scale, weight) in enumerate(zip(scales, weights, strict=True)):
        for octave in range(octaves):
            rng = stream(seed, octave, f"corruption.perlin.{number}")
            share = weight * 0.5**octave
            total += share * _gradient_noise(shape, max(scale * 0.5**octave, 1.0), rng)
            amount += share
    # One octave reaches 1 / sqrt(2) at most.
    return (np.sqrt(2.0) / amount * total).astype(np.float32)


def _gradient_noise(shape: tuple[int, int], cell: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """[H, W]: random unit gradients on a lattice, blended by the quintic fade."""
    height, width = shape
    rows, columns = int(height / cell) + 2, int(width / cell) + 2
    angle = rng.uniform(0.0, 2.0 * np.pi, (rows, columns))
    v, u = np.arange(height)[:, None] / cell, np.arange(width)[None, :] / cell
    k, i = v.astype(int), u.astype(int)
    fv, fu = v - k, u - i

    def corner(dk: int, di: int) -> npt.NDArray[np.float64]:
        turned = angle[k + dk, i + di]
        return np.asarray(np.cos(turned) * (fu - di) + np.sin(turned) * (fv - dk))

    def fade(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return t**3 * (t * (t * 6.0 - 15.0) + 10.0)

    upper = corner(0, 0) * (1.0 - fade(fu)) + corner(0, 1) * fade(fu)
    lower = corner(1, 0) * (1.0 - fade(fu)) + corner(1, 1) * fade(fu)
    return upper * (1.0 - fade(fv)) + lower * fade(fv)
