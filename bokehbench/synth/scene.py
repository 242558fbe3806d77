"""From a plan to layers and a lens: planes, focus, K, margins; everything here is a function of the plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import BokehbenchError, InputError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Aperture, Lens
from bokehbench.rng import stream
from bokehbench.synth.assets.glow import add_lamps
from bokehbench.synth.assets.library import Library, describe_source
from bokehbench.synth.place import crop, fit, lift, position
from bokehbench.synth.plan import BackgroundPlan, ForegroundPlan, Plan
from bokehbench.synth.render import disparity_bounds, disparity_map, label_map, margin, validate

Raster = npt.NDArray[np.float32]
HALVINGS = 4
"""Times that foreground tilts are halved before an attempt is given up."""
HALF_MAX = 65504.0


class AttemptFailed(BokehbenchError):
    """The random numbers of an attempt make no valid scene; the next attempt has others."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What is rendered.

    Attributes:
        layers: near to far, as they are stored (rounded to half floats).
        lens: K at the size of the plan.
        disparity: [H, W] float32.
        radius: largest blur radius of a visible pixel.
        facts: per layer and per scene, for the sample's JSON.
    """

    layers: tuple[Layer, ...]
    lens: Lens
    disparity: npt.NDArray[np.float32]
    radius: float
    facts: dict[str, Any]


def compose(plan: Plan, library: Library) -> Scene:
    """Build the scene of a plan.

    Raises:
        AttemptFailed: the layers would meet, whatever their tilt, or nothing of a foreground is visible.
        InputError: an asset of the plan is not to be found.
    """
    placed = [_foreground(part, plan, library) for part in plan.foregrounds]
    problem: InputError | None = None
    for halvings in range(HALVINGS + 1):
        planes = [
            _tilted(part, layer, 0.5**halvings) for part, layer in zip(plan.foregrounds, placed, strict=True)
        ]
        near = [replace(layer, plane=plane) for layer, plane in zip(placed, planes, strict=True)]
        far = _background_plane(plan.background, plan.size, plan.lens.radius)
        lens, disparity, radius, focus = _lens(plan, near, far)
        pad = _margin(far, plan.size, lens, plan.quality)
        stand_in = _opaque(np.zeros((plan.size[1] + 2 * pad, plan.size[0] + 2 * pad, 3), np.float32))
        try:
            validate([*near, Layer(stand_in, far, -pad, -pad)], lens, plan.size, quality=plan.quality)
        except InputError as error:
            problem = error
            continue
        return _finish(
            plan, library, near, (far, pad), (lens, disparity, radius), focus | {"tilt_halvings": halvings}
        )
    raise AttemptFailed(f"attempt {plan.attempt}: {problem}")


def _foreground(part: ForegroundPlan, plan: Plan, library: Library) -> Layer:
    """A cut-out in its place; the plane comes later."""
    area = part.area * plan.size[0] * plan.size[1]
    # Drawn a quarter larger than needed: rotation and the final average cost a little sharpness.
    rgba, sides = library.foreground(part.source, 1.25 * float(np.sqrt(area)), plan.gamma)
    rgba = np.array(rgba, np.float32)
    rgba[..., :3] *= np.asarray(part.grade.gains, np.float32)
    rgba[..., :3] = lift(rgba[..., :3], rgba[..., 3], plan.highlight, plan.gamma)
    rgba = fit(rgba, area, part.rotation_deg, part.flip)
    x, y = position(rgba[..., 3], part, sides, plan.size)
    layer = Layer(_half(rgba), Plane(0.0, 0.0, part.disparity), x, y)
    if not (label_map([layer, _far_nothing()], plan.size) == 0).any() and layer.rgba[..., 3].max() < 0.02:
        raise AttemptFailed(f"attempt {plan.attempt}: {part.source} is all but transparent")
    return layer


def _far_nothing() -> Layer:
    return Layer(np.zeros((1, 1, 4), np.float32), Plane(0.0, 0.0, 0.0))


def _half(rgba: Raster) -> Raster:
    """Rounded to half floats: what is stored is exactly what was rendered."""
    return np.minimum(rgba, HALF_MAX).astype(np.float16).astype(np.float32)


def _opaque(rgb: Raster) -> Raster:
    return np.concatenate([rgb, np.ones_like(rgb[..., :1])], axis=2)


def _tilted(part: ForegroundPlan, layer: Layer, factor: float) -> Plane:
    """A plane that spans tilt_range * factor over the layer's raster, around the disparity of its centre."""
    height, width = layer.rgba.shape[:2]
    centre = (layer.x + (width - 1) / 2.0, layer.y + (height - 1) / 2.0)
    return _plane(part.disparity, part.tilt_range * factor, part.tilt_direction_deg, (width, height), centre)


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


def _background_plane(part: BackgroundPlan, size: tuple[int, int], radius: float) -> Plane:
    """Spans base ... base + range over the frame and about the margin that the blur will need."""
    reach = 2.0 * (1.25 * radius + 8.0)
    extent = (size[0] + reach, size[1] + reach)
    centre = ((size[0] - 1) / 2.0, (size[1] - 1) / 2.0)
    return _plane(part.base + part.range / 2.0, part.range, part.direction_deg, extent, centre)


def _lens(
    plan: Plan, near: list[Layer], far: Plane
) -> tuple[Lens, npt.NDArray[np.float32], float, dict[str, Any]]:
    """Focal plane by the plan's rule, then K so that the largest visible radius is the one asked for."""
    width, height = plan.size
    behind = Layer(_opaque(np.zeros((height, width, 3), np.float32)), far)
    layers = [*near, behind]
    labels, disparity = label_map(layers, plan.size), disparity_map(layers, plan.size)
    disp_focus, layer = _focus(plan, labels, disparity, len(layers))
    farthest = float(np.abs(disparity - disp_focus).max())
    steepest = max(float(np.hypot(item.plane.p, item.plane.q)) for item in layers)
    limits = {"radius": plan.lens.radius / max(farthest, 1e-6), "K_max": plan.lens.K_max}
    if steepest > 0.0:
        limits["tilt_max"] = plan.lens.tilt_max / steepest
    limited_by = min(limits, key=lambda name: limits[name])
    K = limits[limited_by]
    lens = Lens(K, disp_focus, plan.gamma, Aperture(**plan.lens.aperture))  # type: ignore[arg-type]
    facts = {"focus_rule": plan.focus.rule, "focus_layer": layer, "K_set_by": limited_by}
    return lens, disparity, K * farthest, facts


def _focus(
    plan: Plan, labels: npt.NDArray[np.int32], disparity: npt.NDArray[np.float32], count: int
) -> tuple[float, int | None]:
    """(disparity of the focal plane, index of the layer it was taken from or None)."""
    rule, u, v = plan.focus.rule, plan.focus.u, plan.focus.v
    visible = [i for i in range(count) if (labels == i).any()]
    if rule == "uniform":
        return plan.focus.uniform, None
    if rule == "between" and len(visible) > 1:
        k = int(u * (len(visible) - 1))
        nearer, farther = (float(np.median(disparity[labels == visible[k + j]])) for j in (0, 1))
        return nearer + plan.focus.between * (farther - nearer), None
    foregrounds = [i for i in visible if i < count - 1]
    if rule == "pixel":
        layer = visible[int(u * len(visible))]
    elif rule == "background_median" and count - 1 in visible:
        layer = count - 1
    else:
        layer = foregrounds[int(u * len(foregrounds))] if foregrounds else visible[-1]
    values = np.sort(disparity[labels == layer])
    if rule == "pixel":
        return float(values[int(v * len(values))]), layer
    return float(np.median(values)), layer


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


def _finish(
    plan: Plan,
    library: Library,
    near: list[Layer],
    far: tuple[Plane, int],
    optics: tuple[Lens, npt.NDArray[np.float32], float],
    facts: dict[str, Any],
) -> Scene:
    """Draw the background on its canvas and cut the foregrounds to what can matter."""
    plane, pad = far
    rgb, scale, border = _background(plan, library, pad)
    layers, described = [], []
    for part, layer in zip(plan.foregrounds, near, strict=True):
        raster, x, y = crop(layer.rgba, layer.x, layer.y, plan.size, _reach(layer, optics[0]) + pad)
        layers.append(Layer(raster, layer.plane, x, y))
        described.append({"role": "fg", "source": part.source, **_layer_facts(layers[-1])})
    layers.append(Layer(_half(_opaque(rgb)), plane, -pad, -pad))
    described.append({"role": "bg", "source": plan.background.source, **_layer_facts(layers[-1])})
    for item in described:
        item.update(describe_source(str(item["source"])))
    described[-1].update({"scale": scale, "border": border})
    return Scene(tuple(layers), *optics, facts | {"layers": described, "margin": pad})


def _reach(layer: Layer, lens: Lens) -> int:
    """Largest blur radius of a layer over its own raster, pixels."""
    height, width = layer.rgba.shape[:2]
    bounds = disparity_bounds(layer.plane, (layer.x, layer.y, layer.x + width, layer.y + height))
    return int(np.ceil(lens.K * max(abs(d - lens.disp_focus) for d in bounds)))


def _layer_facts(layer: Layer) -> dict[str, Any]:
    alpha = layer.rgba[..., 3]
    height, width = alpha.shape
    support = max(int((alpha > 0.01).sum()), 1)
    return {
        **layer.to_json(),
        "disparity_range": list(
            disparity_bounds(layer.plane, (layer.x, layer.y, layer.x + width, layer.y + height))
        ),
        "alpha_mean": round(float(alpha.mean(dtype=np.float64)), 6),
        "soft_share": round(int(((alpha > 0.01) & (alpha < 0.99)).sum()) / support, 6),
    }


def _background(plan: Plan, library: Library, pad: int) -> tuple[Raster, float, str]:
    """Linear RGB [H + 2 pad, W + 2 pad, 3], scale, and what its border is made of."""
    part, canvas = plan.background, (plan.size[0] + 2 * pad, plan.size[1] + 2 * pad)
    rgb, scale, border = library.background(
        part.source, canvas, part.at, part.crop, part.upscale_max, plan.gamma
    )
    if part.flip:
        rgb = rgb[:, ::-1]
    rgb = np.ascontiguousarray(rgb * np.asarray(part.grade.gains, np.float32), np.float32)
    rgb = lift(rgb, None, plan.highlight, plan.gamma)
    if plan.highlight.lights:
        rgb = _with_lights(rgb, plan)
    return rgb, float(scale), border


def _with_lights(rgb: Raster, plan: Plan) -> Raster:
    """Lamps at the plan's places, but for those where the picture is bright: nobody lights a lamp there."""
    height, width = rgb.shape[:2]
    u, v, radius, radiance = np.asarray(plan.highlight.lights).T
    dark = rgb[(v * height).astype(int), (u * width).astype(int)].mean(axis=1) < plan.highlight.lights_below
    places = np.stack([u * width, v * height], axis=1)[dark]
    rgb = np.array(rgb, np.float32)
    add_lamps(stream(plan.highlight.lights_seed, 0, "lights"), rgb, places, radius[dark], radiance[dark])
    return rgb
