"""From a plan to layers and lenses: planes, order, margins; everything here is a function of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import BokehbenchError, InputError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens
from bokehbench.synth.assets.library import Library
from bokehbench.synth.fields import GAP_LEAST
from bokehbench.synth.highlights import bokehme
from bokehbench.synth.materials import background, describe_layer, foreground, half, opaque
from bokehbench.synth.order import Eased, Gap, ease, gaps
from bokehbench.synth.place import crop, mirrored
from bokehbench.synth.plan_types import BackgroundPlan, ForegroundPlan, Plan
from bokehbench.synth.render import disparity_bounds, margin, validate
from bokehbench.synth.settings import Maps, Setting, choose_settings

MOST_CHANGES = 40
"""Changes to foregrounds that meet others before an attempt is given up."""


class AttemptFailed(BokehbenchError):
    """The random numbers of an attempt make no valid scene; the next attempt has others."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What is rendered.

    Attributes:
        layers: near to far, as they are stored (rounded to half floats).
        settings: the photographs to take.
        disparity: [H, W] float32.
        facts: per layer and per scene, for the sample's JSON.
    """

    layers: tuple[Layer, ...]
    settings: tuple[Setting, ...]
    disparity: npt.NDArray[np.float32]
    facts: dict[str, Any]

    @property
    def lens(self) -> Lens:
        """Of the first photograph."""
        return self.settings[0].lens

    @property
    def radius(self) -> float:
        """Largest blur radius of a visible pixel in the first photograph."""
        return self.settings[0].radius


@dataclass(frozen=True, eq=False)
class _Arrangement:
    """Planes and lenses for one state of the foregrounds; the background is a stand-in without picture."""

    layers: list[Layer]
    maps: Maps
    settings: tuple[Setting, ...]

    def extremes(self) -> list[Lens]:
        """The lenses that reach farthest: strongest K with the nearest and the farthest focus."""
        strongest = max((setting.lens for setting in self.settings), key=lambda lens: lens.K)
        planes = [s.lens.disp_focus + shift for s in self.settings for shift in s.lens.focus_shift]
        plain = replace(strongest, focus_shift=(0.0, 0.0, 0.0))
        return [replace(plain, disp_focus=where) for where in sorted({min(planes), max(planes)})]


def compose(plan: Plan, library: Library) -> Scene:
    """Build the scene of a plan.

    Under `plan.compat` the scene fills the whole frame and is neither mirrored nor checked.

    Raises:
        AttemptFailed: the layers meet, however they are tilted, or a foreground is all but transparent.
        InputError: an asset of the plan is not to be found.
    """
    placed = [foreground(part, plan, library) for part in plan.foregrounds]
    for part, (layer, _) in zip(plan.foregrounds, placed, strict=True):
        if layer.rgba[..., 3].max() < 0.02:
            raise AttemptFailed(f"attempt {plan.attempt}: {part.source} is all but transparent")
    cutouts = [layer for layer, _ in placed]
    eased = [Eased() for _ in cutouts]
    for _ in range(MOST_CHANGES):
        arrangement = _arrange(plan, cutouts, eased)
        found = [] if plan.compat else _gaps(plan, arrangement)
        problem = None if plan.compat else _problem(plan, arrangement, found)
        if problem is None:
            facts = {"eased": eased, "cutouts": [fact for _, fact in placed]}
            return _finish(plan, library, arrangement, found, facts)
        index, missing, what = problem
        if index is None:
            raise AttemptFailed(f"attempt {plan.attempt}: {what}")
        eased[index] = ease(eased[index], missing)
        part = eased[index].apply(plan.foregrounds[index])
        if part.disparity + part.tilt_range / 2.0 > 1.0:
            raise AttemptFailed(f"attempt {plan.attempt}: {what}, and there is no room in front")
    raise AttemptFailed(f"attempt {plan.attempt}: layers still meet after {MOST_CHANGES} changes")


def view_size(plan: Plan) -> tuple[int, int]:
    """(W, H) that a scene is composed for: the picture, under `compat` the frame."""
    return plan.frame.size if plan.compat else plan.size


def to_picture(plan: Plan, layer: Layer) -> Layer:
    """A layer of the frame in the picture's coordinates, mirrored as the plan says."""
    x, y = plan.frame.x, plan.frame.y
    moved = Layer(layer.rgba, layer.plane.shifted(x, y), layer.x - x, layer.y - y)
    return mirrored(moved, plan.size, plan.augment.hflip, plan.augment.vflip)


def _arrange(plan: Plan, cutouts: Sequence[Layer], eased: Sequence[Eased]) -> _Arrangement:
    size = view_size(plan)
    layers = []
    for part, layer, change in zip(plan.foregrounds, cutouts, eased, strict=True):
        flat = bool(plan.compat and plan.compat.flat_foregrounds)
        layers.append(replace(layer, plane=_tilted(change.apply(part), layer, flat)))
    frame = Layer(opaque(np.zeros((*plan.frame.size[::-1], 3), np.float32)), _background_plane(plan))
    if not plan.compat:
        layers = [to_picture(plan, layer) for layer in layers]
        frame = to_picture(plan, frame)
    layers.append(frame)
    maps = Maps.of(layers, size)
    if plan.stretch:
        low, high = float(maps.disparity.min()), float(maps.disparity.max())
        if high - low < GAP_LEAST:
            raise AttemptFailed(f"attempt {plan.attempt}: disparities span {high - low:.3f} only")
        layers = [replace(layer, plane=_stretched(layer.plane, low, high)) for layer in layers]
        maps = Maps.of(layers, size)
    return _Arrangement(layers, maps, choose_settings(plan, layers, maps))


def _gaps(plan: Plan, arrangement: _Arrangement) -> list[Gap]:
    found = [gap for lens in arrangement.extremes() for gap in gaps(arrangement.layers, lens, plan.size)]
    return sorted(found, key=lambda gap: gap.least)


def _problem(plan: Plan, arrangement: _Arrangement, found: list[Gap]) -> tuple[int | None, float, str] | None:
    """(foreground to change or None for hopeless, missing disparity, words), None where all is well."""
    K, limit = max(s.lens.K for s in arrangement.settings), plan.lens.tilt_max
    for index, layer in enumerate(arrangement.layers):
        slope = K * float(np.hypot(layer.plane.p, layer.plane.q))
        if slope > limit * (1.0 + 1e-9):
            what = f"layer {index} is too steep for K = {K:.0f}"
            return (index if index < len(plan.foregrounds) else None), 0.0, what
    if found and found[0].least < GAP_LEAST:
        near, far, least = found[0]
        return near, GAP_LEAST - least + 1e-6, f"layers {near} and {far} are {least:.3f} apart in disparity"
    return None


def _finish(
    plan: Plan, library: Library, arrangement: _Arrangement, found: list[Gap], facts: dict[str, Any]
) -> Scene:
    """Draw the background on its canvas and cut the foregrounds to what can matter."""
    lenses, size = arrangement.extremes(), view_size(plan)
    *near, far = arrangement.layers
    pad = 0 if plan.compat else max(_margin(far.plane, size, lens, plan.quality) for lens in lenses)
    rgb, scale, border = background(plan, library, pad)
    behind = Layer(half(opaque(rgb)), far.plane, -pad, -pad)
    if plan.augment.hflip or plan.augment.vflip:
        pixels = mirrored(behind, size, plan.augment.hflip, plan.augment.vflip).rgba
        behind = behind if plan.compat else replace(behind, rgba=pixels)
    layers = []
    for layer in near:
        reach = max(_reach(layer, lens) for lens in lenses)
        raster, x, y = crop(layer.rgba, layer.x, layer.y, size, reach + pad)
        layers.append(Layer(raster, layer.plane, x, y))
    layers.append(behind)
    if plan.highlight.mode == "bokehme":
        layers = [bokehme(layer, arrangement.settings[0].lens) for layer in layers]
        layers = [replace(layer, rgba=half(layer.rgba)) for layer in layers]
    if not plan.compat:
        _check(plan, layers, lenses)
    described = [
        {**describe_layer(part.source, layer, "fg", library), **fact}
        for part, layer, fact in zip(plan.foregrounds, layers[:-1], facts["cutouts"], strict=True)
    ]
    about = {"scale": scale, "border": border, "flip": plan.background.flip}
    described.append({**describe_layer(plan.background.source, behind, "bg", library), **about})
    K = max(lens.K for lens in lenses)
    return Scene(
        tuple(layers),
        arrangement.settings,
        arrangement.maps.disparity,
        {
            "layers": described,
            "margin": pad,
            "focus_layer": arrangement.settings[0].facts["focus_layer"],
            "min_gap": round(found[0].least, 6) if found else None,
            "tilt_K": round(K * max(float(np.hypot(x.plane.p, x.plane.q)) for x in layers), 6),
            "tilt_halvings": sum(change.halvings for change in facts["eased"]),
            "shifts": [round(change.shift, 6) for change in facts["eased"]],
        },
    )


def _check(plan: Plan, layers: Sequence[Layer], lenses: Sequence[Lens]) -> None:
    for lens in lenses:
        try:
            validate(layers, lens, plan.size, quality=plan.quality)
        except InputError as error:
            raise AttemptFailed(f"attempt {plan.attempt}: {error}") from error


# ------------------------------------------------------------------------------------------------ planes


def _tilted(part: ForegroundPlan, layer: Layer, flat: bool) -> Plane:
    """A plane that spans the tilt's range over the layer's raster, around the disparity of its centre."""
    height, width = layer.rgba.shape[:2]
    centre = (layer.x + (width - 1) / 2.0, layer.y + (height - 1) / 2.0)
    span = 0.0 if flat else part.tilt_range
    return _plane(part.disparity, span, part.tilt_direction_deg, (width, height), centre)


def _plane(
    disparity: float,
    span: float,
    direction_deg: float,
    extent: tuple[float, float],
    centre: tuple[float, float],
) -> Plane:
    angle = np.deg2rad(direction_deg)
    along = abs(np.cos(angle)) * extent[0] + abs(np.sin(angle)) * extent[1]
    p, q = (float(span / along * c) for c in (np.cos(angle), np.sin(angle)))
    return Plane(p, q, disparity - p * centre[0] - q * centre[1])


def _background_plane(plan: Plan) -> Plane:
    """Spans base ... base + range over the frame and about the margin that the blur will need around it."""
    part: BackgroundPlan = plan.background
    strongest = max((*(plan.stack.K if plan.stack else ()), plan.lens.value))
    reach = 0.0 if plan.compat else 2.0 * (1.25 * strongest + 8.0)
    width, height = plan.frame.size
    extent = (max(width, plan.size[0] + reach), max(height, plan.size[1] + reach))
    centre = ((width - 1) / 2.0, (height - 1) / 2.0)
    return _plane(part.base + part.range / 2.0, part.range, part.direction_deg, extent, centre)


def _stretched(plane: Plane, low: float, high: float) -> Plane:
    span = high - low
    return Plane(plane.p / span, plane.q / span, (plane.r - low) / span)


def _margin(plane: Plane, size: tuple[int, int], lens: Lens, quality: str) -> int:
    """Pixels that the background must reach beyond the frame; settles because K |(p, q)| <= 0.5."""
    pad = 0
    for _ in range(16):
        rect = (-pad, -pad, size[0] + pad, size[1] + pad)
        needed = margin(disparity_bounds(plane, rect), lens, quality=quality)
        if needed <= pad:
            break
        pad = needed
    return pad


def _reach(layer: Layer, lens: Lens) -> int:
    """Largest blur radius of a layer over its own raster, pixels."""
    height, width = layer.rgba.shape[:2]
    bounds = disparity_bounds(layer.plane, (layer.x, layer.y, layer.x + width, layer.y + height))
    return int(np.ceil(lens.K * max(abs(d - lens.disp_focus) for d in bounds)))
