"""The photographs of a scene: where each focuses and how strongly it blurs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.layers import Layer
from bokehbench.optics import Aperture, Lens
from bokehbench.rng import stream
from bokehbench.synth.plan_types import Plan, StackPlan
from bokehbench.synth.render import disparity_map, label_map


@dataclass(frozen=True)
class Setting:
    """One photograph: its lens, the largest blur radius of a visible pixel, how these came about."""

    id: str
    lens: Lens
    radius: float
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Maps:
    """What is seen of layers: [H, W] index of the nearest with alpha >= 0.5, and its disparity."""

    labels: npt.NDArray[np.int32]
    disparity: npt.NDArray[np.float32]

    @classmethod
    def of(cls, layers: Sequence[Layer], size: tuple[int, int]) -> Maps:
        """Of layers near to far; the last one counts where none is opaque enough."""
        return cls(label_map(layers, size), disparity_map(layers, size))


def choose_settings(plan: Plan, layers: Sequence[Layer], maps: Maps) -> tuple[Setting, ...]:
    """Focus and K by the plan's rules, then all combinations of its stack."""
    disp_focus, layer = focus(plan, layers, maps)
    K, set_by = _strength(plan, layers, maps, disp_focus)
    drawn = (plan.lens.aperture, K, disp_focus, plan.gamma)
    stack = plan.stack
    apertures = (stack.apertures if stack else ()) or (drawn[0],)
    strengths = (stack.K if stack else ()) or (K,)
    planes = (stack.disp_focus if stack else ()) or (disp_focus,)
    gammas = (stack.gamma if stack else ()) or (plan.gamma,)
    settings = []
    chosen = [
        (fields, strength, where, gamma)
        for opening, (fields, strength) in enumerate(itertools.product(apertures, strengths))
        for where, gamma in _taken(stack, opening, list(itertools.product(planes, gammas)))
    ]
    for number, (fields, strength, where, gamma) in enumerate(chosen):
        given = bool(stack and stack.disp_focus)
        lens = Lens(
            strength,
            where,
            gamma,
            Aperture.from_json(fields),
            vignette=plan.lens.vignette,
            focus_shift=plan.lens.focus_shift,
        )
        facts = {
            "focus_rule": "stack" if given else plan.focus.rule,
            "focus_layer": None if given else layer,
            "K_set_by": "stack" if stack and stack.K else set_by,
        }
        radius = strength * float(np.abs(maps.disparity - where).max())
        settings.append(Setting(f"k{number}", lens, radius, facts))
    return tuple(settings)


def _taken(
    stack: StackPlan | None, opening: int, combinations: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    """(focal plane, gamma) that are photographed through one opening with one K."""
    if stack is None or stack.photographs is None:
        return combinations
    rng = stream(stack.seed, opening, "stack.photographs")
    return [combinations[index] for index in sorted(rng.permutation(len(combinations))[: stack.photographs])]


def _strength(plan: Plan, layers: Sequence[Layer], maps: Maps, disp_focus: float) -> tuple[float, str]:
    """K, and what set it: the rule, or a limit."""
    rule, value = plan.lens.rule, plan.lens.value
    if rule == "K":
        return value, rule
    if rule == "reach":
        return value / max(disp_focus, 1.0 - disp_focus), rule
    farthest = float(np.abs(maps.disparity - disp_focus).max())
    steepest = max(float(np.hypot(layer.plane.p, layer.plane.q)) for layer in layers)
    limits = {"radius": value / max(farthest, 1e-6), "K_max": plan.lens.K_max}
    if steepest > 0.0:
        limits["tilt_max"] = plan.lens.tilt_max / steepest
    limited_by = min(limits, key=lambda name: limits[name])
    return limits[limited_by], limited_by


def focus(plan: Plan, layers: Sequence[Layer], maps: Maps) -> tuple[float, int | None]:
    """(disparity of the focal plane, index of the layer it was taken from or None)."""
    rule, u, v = plan.focus.rule, plan.focus.u, plan.focus.v
    labels, disparity, last = maps.labels, maps.disparity, len(layers) - 1
    visible = [i for i in range(len(layers)) if (labels == i).any()]
    if rule == "uniform":
        return plan.focus.uniform, None
    if rule == "between" and len(visible) > 1:
        k = int(u * (len(visible) - 1))
        nearer, farther = (float(np.median(disparity[labels == visible[k + j]])) for j in (0, 1))
        return nearer + plan.focus.between * (farther - nearer), None
    foregrounds = [i for i in visible if i < last] or visible[-1:]
    if rule == "pixel":
        layer = visible[int(u * len(visible))]
    elif rule.startswith("background") and last in visible:
        layer = last
    else:
        layer = foregrounds[int(u * len(foregrounds))]
    if rule in ("foreground_mean", "background_mean"):
        return _mean(layers[layer], labels.shape), layer
    values = np.sort(disparity[labels == layer])
    if rule.endswith("pixel"):
        return float(values[int(v * len(values))]), layer
    return float(np.median(values)), layer


def _mean(layer: Layer, shape: tuple[int, ...]) -> float:
    """Mean disparity of a plane over its raster, of one larger than the picture over the picture."""
    height, width = layer.rgba.shape[:2]
    if height >= shape[0] and width >= shape[1]:
        return float(layer.plane.disparity((shape[1] - 1) / 2.0, (shape[0] - 1) / 2.0))
    return float(layer.plane.disparity(layer.x + (width - 1) / 2.0, layer.y + (height - 1) / 2.0))
