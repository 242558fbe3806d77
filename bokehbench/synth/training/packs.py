"""Scenes made while training: everything but the light, ready to be rendered in the main process.

Workers draw and place layers on the CPU and make the maps that follow from geometry; the images are left to
`render.RenderCollate`, which may use a device. A pack is a function of (recipe, assets, root seed, index).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bokehbench.errors import ConfigError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens
from bokehbench.records import sha256_json
from bokehbench.rng import stream
from bokehbench.synth.assets.library import Library
from bokehbench.synth.config import Recipe
from bokehbench.synth.degrade import DegradePlan, Preset, load_preset
from bokehbench.synth.place import crop
from bokehbench.synth.plan import Plan, draw_plan
from bokehbench.synth.render import disparity_bounds, margin
from bokehbench.synth.scene import AttemptFailed, Scene, compose
from bokehbench.synth.training.items import Item, checked_keys, lens_fields, map_tensors, truth_names
from bokehbench.synth.training.order import visit
from bokehbench.synth.training.window import Augment, Window
from bokehbench.synth.truth.corruption import Corruption, CorruptionPlan
from bokehbench.synth.truth.named import Shot, View, compute, truth_spec

PATIENCE = 10
"""A stream tries this many times the recipe's attempts before it gives up: it cannot leave an index out."""


@dataclass(frozen=True, eq=False)
class ScenePack:
    """One scene, one lens, nothing rendered yet.

    Arrays, not tensors: those would go from workers to the main process through shared memory, a file each,
    of which containers and shells have few.

    Attributes:
        index: global index of the sample.
        layers: [h, w, 4] float16 each, premultiplied linear, near to far (exactly the stored precision).
        planes: of the layers, in the coordinates of `size`.
        corners: (x, y) of each raster's first pixel.
        lens: what it is rendered with.
        size: (W, H) to render.
        window: what is cut out of the rendered images (all of them, unless the lens depends on the place).
        maps: arrays of the keys that need no light, as in `items`, cut out already.
        gamma, transfer: of the recipe: how the all-in-focus image is encoded, and what the layers were
            decoded with; the lens may have another gamma.
        render: id of the photograph, `k0` ...
        quality: of the recipe.
        degrade: plan of the low-quality image, None without.
        plan: all of the sample's random numbers.
    """

    index: int
    layers: tuple[npt.NDArray[np.float16], ...]
    planes: tuple[Plane, ...]
    corners: tuple[tuple[int, int], ...]
    lens: Lens
    size: tuple[int, int]
    window: Window
    maps: dict[str, npt.NDArray[Any]]
    render: str
    quality: str
    gamma: float
    transfer: str
    degrade: dict[str, Any] | None
    plan: dict[str, Any]

    def scene(self) -> tuple[Layer, ...]:
        """The layers as the tracer takes them."""
        parts = zip(self.layers, self.planes, self.corners, strict=True)
        return tuple(Layer(rgba.astype(np.float32), plane, *at) for rgba, plane, at in parts)

    def item(self) -> Item:
        """What is known without light."""
        maps = {key: torch.from_numpy(values) for key, values in self.maps.items()}
        return {**maps, **lens_fields(self.lens, f"{self.index:09d}", self.render)}


class SceneSource:
    """Scenes by global index, for `stream.Batches`.

    Args:
        recipe, library, root_seed: as `synth build` takes them; index j here is sample j there.
        keys: what items will hold, see `items`.
        epoch_size: indices per epoch; the epochs are 0 ... N - 1, N ... 2 N - 1, ..., each shuffled.
        augment: random crop and flips. A crop is cut out of the scene, so only it is rendered.
        degrade: preset of `lq` (a name or a YAML file), where the recipe has none or another.
        corruption: of `disp_pred`, where the recipe has none or another.

    Raises:
        ConfigError: an unknown key, `lq` or `disp_pred` without these, or a recipe under `compat`.
    """

    def __init__(
        self,
        recipe: Recipe,
        library: Library,
        *,
        root_seed: int,
        keys: Sequence[str] = ("aif", "bokeh", "disp"),
        epoch_size: int = 10_000,
        augment: Augment | None = None,
        degrade: str | None = None,
        corruption: Corruption | None = None,
    ) -> None:
        if recipe.compat is not None:
            raise ConfigError(
                f"recipe {recipe.id} imitates published samplers (compat), which a stream does not: build a "
                "set and train on that"
            )
        if "lq" in keys and degrade is None and recipe.degrade is None:
            raise ConfigError("key 'lq' needs a degradation: degrade='osediff_512', or one in the recipe")
        if "disp_pred" in keys and corruption is None and recipe.corruption is None:
            raise ConfigError("key 'disp_pred' needs corruption=Corruption(...), or one in the recipe")
        self.recipe, self.library, self.root_seed = recipe, library, root_seed
        self.keys, self.epoch_size = checked_keys(keys), epoch_size
        self.augment, self.corruption = augment or Augment(), corruption
        self.degrade = load_preset(degrade) if degrade is not None else None

    def __len__(self) -> int:
        return self.epoch_size

    def item(self, position: int) -> ScenePack:
        """The pack at a position of the endless order."""
        epoch, place = visit(position, self.epoch_size, self.root_seed)
        return self.pack(epoch * self.epoch_size + place)

    def identity(self) -> dict[str, Any]:
        """What has to be equal for a run to be resumed on this source."""
        return {
            "recipe": self.recipe.hash,
            "assets": sha256_json(self.library.to_json()),
            "root_seed": self.root_seed,
            "keys": list(self.keys),
            "epoch_size": self.epoch_size,
            "augment": repr(self.augment),
            "degrade": self.degrade and self.degrade.model_dump(mode="json"),
            "corruption": repr(self.corruption),
        }

    def pack(self, index: int) -> ScenePack:
        """The scene of a global index.

        Raises:
            AttemptFailed: no attempt made a valid scene.
        """
        plan, scene = self._first_valid(index)
        shot = self._shot(index, scene)
        window = self.augment.window(plan.size, self.root_seed, index)
        names = [name for name in truth_names(self.keys) if truth_spec(name).needs != "light"]
        view = View.of_scene(plan, scene.layers, scene.disparity, (shot,))
        if self.corruption is not None:
            rng = stream(self.root_seed, index, "training.corruption")
            view = replace(view, corruption=CorruptionPlan.sample(rng, self.corruption).to_json())
        pictures = {truth.name: truth.pixels for truth in compute(names, view)}
        dark = [key for key in self.keys if key not in ("aif", "bokeh", "lq", "planes")]
        tensors = map_tensors(dark, pictures, shot.lens, shot.id, window)
        maps = {key: values.numpy() for key, values in tensors.items()}
        lens = window.lens(shot.lens)
        if "planes" in self.keys:
            planes = [window.plane(layer.plane) for layer in scene.layers]
            maps["planes"] = np.array([(plane.p, plane.q, plane.r) for plane in planes])
        # A lens that draws differently at every place has to see the whole image.
        seen = window.outer() if depends_on_place(lens) else window
        layers = [_trimmed(layer, lens, seen.size) for layer in seen.layers(scene.layers)]
        return ScenePack(
            index=index,
            layers=tuple(layer.rgba.astype(np.float16) for layer in layers),
            planes=tuple(layer.plane for layer in layers),
            corners=tuple((layer.x, layer.y) for layer in layers),
            lens=lens,
            size=seen.size,
            window=window.inner() if seen != window else Window(0, 0, *window.size, full=window.size),
            maps=maps,
            render=shot.id,
            quality=plan.quality,
            gamma=plan.gamma,
            transfer=plan.transfer,
            degrade=self._degradation(plan, window.size),
            plan=plan.to_json(),
        )

    def _first_valid(self, index: int) -> tuple[Plan, Scene]:
        last: AttemptFailed | None = None
        for attempt in range(PATIENCE * self.recipe.attempts):
            plan = draw_plan(self.recipe, self.library, self.root_seed, index, attempt)
            try:
                return plan, compose(plan, self.library)
            except AttemptFailed as error:
                last = error
        raise AttemptFailed(
            f"sample {index}: none of {PATIENCE * self.recipe.attempts} attempts made a valid scene; {last}"
        )

    def _shot(self, index: int, scene: Scene) -> Shot:
        """The lens of this visit: of a bokeh stack, one at random."""
        number = stream(self.root_seed, index, "training.render").integers(len(scene.settings))
        setting = scene.settings[int(number)]
        return Shot(setting.id, setting.lens, setting.facts.get("focus_layer"))

    def _degradation(self, plan: Plan, size: tuple[int, int]) -> dict[str, Any] | None:
        if "lq" not in self.keys:
            return None
        preset: str | Preset | None = self.degrade
        if preset is None:
            assert plan.degrade is not None and self.recipe.degrade is not None
            if size == plan.size or not plan.degrade["steps"]:  # whole, or one of the recipe's clean ones
                return {**plan.degrade, "size": list(size)}
            preset = self.recipe.degrade.preset
        return DegradePlan.sample(stream(self.root_seed, plan.index, "degrade"), preset, size).to_json()


def depends_on_place(lens: Lens) -> bool:
    """Whether the same point light looks different elsewhere in the image, defocus apart."""
    return lens.aperture.cat_eye > 0.0 or lens.cos4 > 0.0


def _trimmed(layer: Layer, lens: Lens, size: tuple[int, int]) -> Layer:
    """What of a layer can matter for an image of this size, at any quality."""
    height, width = layer.rgba.shape[:2]
    rect = (layer.x, layer.y, layer.x + width, layer.y + height)
    pad = margin(disparity_bounds(layer.plane, rect), lens, quality="draft")
    rgba, x, y = crop(layer.rgba, layer.x, layer.y, size, pad)
    return replace(layer, rgba=rgba, x=x, y=y)
