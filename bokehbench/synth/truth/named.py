"""Ground truth by name: what a recipe's `truth` list may hold, and how each picture is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError
from bokehbench.layers import Layer
from bokehbench.optics import Lens, signed_defocus
from bokehbench.synth.render import label_map
from bokehbench.synth.truth.boundary import boundary_maps
from bokehbench.synth.truth.corruption import CorruptionPlan
from bokehbench.synth.truth.cutouts import straight_rgba
from bokehbench.synth.truth.maps import (
    MAGICBOKEH_FOCUS_RADIUS,
    FloatMap,
    focus_mask,
    frame,
    soft_disparity,
    subject,
    visibility,
)
from bokehbench.synth.truth.types import Kind, Truth

if TYPE_CHECKING:
    from bokehbench.synth.plan import Plan
    from bokehbench.synth.sample import Sample

Needs = Literal["scene", "lens", "light"]
MOST_LAYERS = 255
"""Labels are 8 bit."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One photograph of a scene: its lens, and the image once it is rendered.

    Attributes:
        id: `k0`, `k1` ...
        lens: what it is made with.
        focus_layer: index of the layer that disp_focus was taken from, None where it was taken from none.
        image: [H, W, 3] float32 encoded, None before rendering.
    """

    id: str
    lens: Lens
    focus_layer: int | None = None
    image: FloatMap | None = None


@dataclass(frozen=True, eq=False)
class View:
    """What ground truth is made from; maps that several names share are made once.

    Attributes:
        layers: near to far.
        size: (W, H).
        gamma: of encoded colours.
        disparity: [H, W] float32, hard edges.
        shots: all of the bokeh stack.
        all_in_focus: [H, W, 3] float32 encoded, None before rendering.
        corruption, degrade: plans as plain values, where the sample has them.
        transfer: "power", or "srgb" for colours encoded by the piecewise curve.
    """

    layers: tuple[Layer, ...]
    size: tuple[int, int]
    gamma: float
    disparity: FloatMap
    shots: tuple[Shot, ...] = ()
    all_in_focus: FloatMap | None = None
    corruption: dict[str, object] | None = field(default=None, repr=False)
    degrade: dict[str, object] | None = field(default=None, repr=False)
    transfer: str = "power"

    @classmethod
    def of(cls, sample: Sample) -> View:
        """Everything that a rendered sample can say."""
        shots = tuple(
            Shot(render.id, render.lens, render.facts.get("focus_layer"), render.image)
            for render in sample.renders
        )
        return cls.of_scene(
            sample.plan, sample.scene.layers, sample.scene.disparity, shots, sample.all_in_focus
        )

    @classmethod
    def of_scene(
        cls,
        plan: Plan,
        layers: tuple[Layer, ...],
        disparity: FloatMap,
        shots: tuple[Shot, ...],
        all_in_focus: FloatMap | None = None,
    ) -> View:
        """As much as is known before anything is rendered."""
        return cls(
            layers,
            plan.size,
            plan.gamma,
            disparity,
            shots,
            all_in_focus,
            plan.corruption,
            plan.degrade,
            plan.transfer,
        )

    @cached_property
    def labels(self) -> npt.NDArray[np.int32]:
        """[H, W] index of the nearest layer with alpha >= 0.5."""
        return label_map(self.layers, self.size)

    @cached_property
    def shares(self) -> FloatMap:
        """[L, H, W] visibility of the layers."""
        return visibility(self.layers, self.size)


@dataclass(frozen=True)
class TruthSpec:
    """One name of ground truth.

    Attributes:
        name: as in a recipe.
        summary: one line.
        needs: "scene" (layers alone), "lens" (and a lens, one picture for each), "light" (rendered images).
        make: from a view to its pictures.
    """

    name: str
    summary: str
    needs: Needs
    make: Callable[[View], list[Truth]]


def compute(names: Iterable[str], source: Sample | View) -> list[Truth]:
    """The pictures of a sample that are asked for, in the order of `names`.

    Args:
        names: of `TRUTHS`.
        source: a sample, or a view of a scene that is not rendered (then no name may need light).

    Raises:
        ConfigError: an unknown name, or one that needs a plan that the sample does not have.
    """
    specs = [truth_spec(name) for name in names]
    view = source if isinstance(source, View) else View.of(source)
    return [truth for spec in specs for truth in spec.make(view)]


def truth_spec(name: str) -> TruthSpec:
    """The spec of a name; ConfigError for an unknown one."""
    if name not in TRUTHS:
        raise ConfigError(f"unknown ground truth {name!r}; one of {', '.join(TRUTHS)}")
    return TRUTHS[name]


def _aif(view: View) -> list[Truth]:
    return [Truth("aif", "image", _rendered(view.all_in_focus, "aif"))]


def _bokeh(view: View) -> list[Truth]:
    return [Truth(f"bokeh_{shot.id}", "image", _rendered(shot.image, "bokeh")) for shot in view.shots]


def _rendered(image: FloatMap | None, name: str) -> FloatMap:
    if image is None:
        raise ConfigError(f"ground truth {name!r} needs a rendered sample")
    return image


def _disp(view: View) -> list[Truth]:
    return [Truth("disp", "disparity", view.disparity)]


def _disp_soft(view: View) -> list[Truth]:
    return [Truth("disp_soft", "disparity", soft_disparity(view.layers, view.size, view.shares))]


def _disp_pred(view: View) -> list[Truth]:
    if view.corruption is None:
        raise ConfigError(
            "ground truth 'disp_pred' needs `corruption` in the recipe: how disparity is spoiled"
        )
    plan = CorruptionPlan.from_json(view.corruption)
    return [Truth("disp_pred", "disparity", plan.apply(view.disparity, view.labels))]


def _label(view: View) -> list[Truth]:
    if len(view.layers) > MOST_LAYERS:
        raise ConfigError(
            f"ground truth 'label' has 8 bit: at most {MOST_LAYERS} layers, not {len(view.layers)}"
        )
    return [Truth("label", "label", view.labels.astype(np.uint8))]


def _each(name: str, kind: Kind, maps: Iterable[FloatMap]) -> list[Truth]:
    return [Truth(f"{name}_{index}", kind, pixels) for index, pixels in enumerate(maps)]


def _alpha(view: View) -> list[Truth]:
    return _each("alpha", "mask", (frame(layer, view.size)[..., 3] for layer in view.layers))


def _rgba(view: View) -> list[Truth]:
    frames = (frame(layer, view.size) for layer in view.layers)
    return _each("rgba", "rgba", (straight_rgba(each, view.gamma, view.transfer) for each in frames))


def _layers(view: View) -> list[Truth]:
    return _each("layer", "layer", (layer.rgba for layer in view.layers))


def _visibility(view: View) -> list[Truth]:
    return _each("visibility", "mask", view.shares)


def _defocus(view: View) -> list[Truth]:
    return [
        Truth(f"defocus_{shot.id}", "float", signed_defocus(view.disparity, shot.lens).astype(np.float32))
        for shot in view.shots
    ]


def _focus_mask(view: View) -> list[Truth]:
    return [
        Truth(f"focus_mask_{shot.id}", "mask", focus_mask(view.disparity, shot.lens)) for shot in view.shots
    ]


def _focus_mask_magicbokeh(view: View) -> list[Truth]:
    radius = MAGICBOKEH_FOCUS_RADIUS
    return [
        Truth(f"focus_mask_magicbokeh_{shot.id}", "mask", focus_mask(view.disparity, shot.lens, radius))
        for shot in view.shots
    ]


def _subject_mask(view: View) -> list[Truth]:
    found = []
    for shot in view.shots:
        index = subject(view.labels, view.disparity, shot.lens, shot.focus_layer)
        found.append(Truth(f"subject_mask_{shot.id}", "mask", view.shares[index]))
    return found


def _boundary(view: View) -> list[Truth]:
    distance, other = boundary_maps(view.labels, view.disparity, len(view.layers))
    return [*_each("bdist", "float", distance), *_each("bdisp", "disparity", other)]


def _lq(view: View) -> list[Truth]:
    from bokehbench.synth.degrade import DegradePlan, apply

    if view.degrade is None:
        raise ConfigError("ground truth 'lq' needs `degrade` in the recipe: a preset")
    image = np.clip(_rendered(view.all_in_focus, "lq"), 0.0, 1.0)
    return [Truth("lq", "image", apply(DegradePlan.from_json(view.degrade), image))]


TRUTHS: dict[str, TruthSpec] = {
    spec.name: spec
    for spec in (
        TruthSpec("aif", "all-in-focus image", "light", _aif),
        TruthSpec("bokeh", "every image of the bokeh stack: bokeh_k0, bokeh_k1 ...", "light", _bokeh),
        TruthSpec("disp", "disparity of the nearest layer with alpha >= 0.5, hard edges", "scene", _disp),
        TruthSpec("disp_soft", "disparity mixed by visibility", "scene", _disp_soft),
        TruthSpec("disp_pred", "disparity as an estimator would give it (corruption)", "scene", _disp_pred),
        TruthSpec("label", "index of the nearest layer with alpha >= 0.5, near to far", "scene", _label),
        TruthSpec("alpha", "alpha of each layer in the frame: alpha_0 ...", "scene", _alpha),
        TruthSpec("rgba", "each layer as a straight cut-out in the frame: rgba_0 ...", "scene", _rgba),
        TruthSpec(
            "layers", "each layer with its margins, linear premultiplied: layer_0 ...", "scene", _layers
        ),
        TruthSpec(
            "visibility", "share of each layer in the sharp image: visibility_0 ...", "scene", _visibility
        ),
        TruthSpec("defocus", "signed defocus, pixels: defocus_k0 ...", "lens", _defocus),
        TruthSpec("focus_mask", "blur radius at most 1 pixel: focus_mask_k0 ...", "lens", _focus_mask),
        TruthSpec(
            "focus_mask_magicbokeh",
            "blur radius at most 3.2 pixels, MagicBokeh's rule: focus_mask_magicbokeh_k0 ...",
            "lens",
            _focus_mask_magicbokeh,
        ),
        TruthSpec(
            "subject_mask", "visibility of the layer in focus: subject_mask_k0 ...", "lens", _subject_mask
        ),
        TruthSpec(
            "boundary",
            "distance to and disparity of the nearest pixel of each label: bdist_0 ..., bdisp_0 ...",
            "scene",
            _boundary,
        ),
        TruthSpec("lq", "the all-in-focus image, degraded", "light", _lq),
    )
}
"""By name."""
