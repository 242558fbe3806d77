"""What a method may see and what it is scored on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bokehbench.layers import Layer
from bokehbench.optics import Lens

FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Inputs:
    """All that a method may see.

    Attributes:
        key: the case's name; deterministic methods ignore it, stochastic ones seed from it and from `seed`.
        image: [H, W, 3] float32, encoded all-in-focus image; nominal [0, 1], may exceed 1 (BLB).
        disparity: [H, W] float32 in [0, 1], near large.
        disparity_range: (d_min, d_max) in 1/m that [0, 1] stands for; None where no metric scale is known.
        lens: K at the size of `image`.
        layers: near to far, only where the protocol grants the oracle `layers` and the method declares it.
        lq: [h, w, 3] float32, the small low-quality picture of a restoration protocol; `image` is then its
            bicubic enlargement at the target's size.
        seed: of a stochastic method (`MethodSpec.stochastic`): its random numbers are those of
            `rng.stream(seed, 0, key)`; others ignore it.
    """

    key: str
    image: FloatImage
    disparity: FloatImage
    lens: Lens
    disparity_range: tuple[float, float] | None = None
    layers: Sequence[Layer] | None = None
    lq: FloatImage | None = None
    seed: int = 0


@dataclass(frozen=True)
class CaseInfo:
    """A case before its pixels are read: cheap to list, safe to send to another process.

    Attributes:
        key: unique in its benchmark; letters, digits, `_` and `-` (it becomes a file name).
        scene: cluster that statistics resample; cases of one scene are not independent.
        level: the blur level that tables group by, for example ``L5``.
        lens: what is asked for, as far as it is known before pixels are read; `Case.inputs.lens` is final.
        data: sha256 over the files the case is made of.
        K_search: where K is not known: the range in which the runner looks for it (`lens.K` is then 0).
        own_data: `data` without the disparity track; empty where there is none.
    """

    key: str
    scene: str
    level: str
    lens: Lens
    data: str
    K_search: tuple[float, float] | None = None
    own_data: str = ""


@dataclass(frozen=True, eq=False)
class Case:
    """Inputs, target and what is known about them.

    Attributes:
        info: the case's name, scene, level and lens.
        inputs: what the method sees (without oracles).
        target: [H, W, 3] float32, encoded ground truth; scored after clipping and rounding to 8 bit. None
            where there is none: such a case is rendered and shown, never scored.
        layers: the true layers, near to far, where the benchmark has them.
        notes: numbers that say how good the target itself is, for example ``target_noise_psnr``.
        focus_region: [H, W] bool, the part of the image in whose median disparity the focal plane lies;
            None where disp_focus is given. Another disparity map moves the focal plane with it.
        reference: [h, w, 3] float32, a photograph to look at beside the renderings; not a ground truth.
        true_disparity: [H, W] in [0, 1], the map that K and disp_focus are about, where methods are given
            another one; None where `inputs.disparity` is it, or none is known.
        made_with: what predicted the maps, by role: ``{"disparity": "depth-pro@1 (weights 1a2b3c4d)"}``,
            or ``unverified`` where nothing says it.
    """

    info: CaseInfo
    inputs: Inputs
    target: FloatImage | None
    layers: Sequence[Layer] | None = None
    notes: Mapping[str, float] = field(default_factory=dict)
    focus_region: npt.NDArray[np.bool_] | None = None
    reference: FloatImage | None = None
    true_disparity: FloatImage | None = None
    made_with: Mapping[str, str] = field(default_factory=dict)


class Benchmark(Protocol):
    """A set of cases on disk under one protocol; made by `module:Class(root)` of its spec."""

    root: Path

    def cases(self) -> list[CaseInfo]:
        """All cases in a fixed order; raises InputError where the folder is not such a set."""
        ...

    def load(self, info: CaseInfo) -> Case:
        """Read the pixels of one case."""
        ...


class Renderer(Protocol):
    """A method; made by `module:Class(**options)` of its spec."""

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`."""
        ...


class Restorer(Protocol):
    """What makes a good picture of a small, bad one; made by `module:Class(*weights, **options)`."""

    def restore(self, inputs: Inputs) -> FloatImage:
        """The picture [H', W', 3] float32, encoded, that was made of `inputs.lq`.

        Its size is free; the one that is wanted is that of `inputs.image`, the bicubic enlargement. Disparity
        and lens say nothing.
        """
        ...


class ScaledK:
    """A method that is given K times a constant: for one whose blur is not the K that it is asked for.

    Args:
        renderer: the method.
        k_scale: > 0.
    """

    def __init__(self, renderer: Renderer, k_scale: float) -> None:
        self.renderer, self.k_scale = renderer, k_scale

    def render(self, inputs: Inputs) -> FloatImage:
        """As `Renderer.render`."""
        return self.renderer.render(self._scaled(inputs))

    def facts(self, inputs: Inputs) -> dict[str, Any]:
        """See `facts_of`."""
        return facts_of(self.renderer, self._scaled(inputs))

    def _scaled(self, inputs: Inputs) -> Inputs:
        return replace(inputs, lens=inputs.lens.scaled(self.k_scale))


def facts_of(renderer: Renderer, inputs: Inputs) -> dict[str, Any]:
    """What a method says of how it renders a case, for its record; empty where it says nothing.

    Args:
        renderer: one that may have `facts(inputs)`: plain values that follow from the inputs alone.
        inputs: as it is given them.
    """
    say = getattr(renderer, "facts", None)
    return dict(say(inputs)) if say is not None else {}
