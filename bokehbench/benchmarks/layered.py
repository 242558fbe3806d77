"""Benchmark `layered`: synthetic sets of ray-traced layers, where the true layers and lens are known.

Methods see the all-in-focus image (8 bit), the stored disparity (16 bit, hard edges) and the lens. The
target is what the ray tracer made of the layers. Samples with K = 0 stay out: there is nothing to render.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bokehbench.cases import Case, CaseInfo, Inputs
from bokehbench.errors import InputError
from bokehbench.images import read_exr, read_grey, read_image
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens
from bokehbench.records import read_json, sha256_file, sha256_json

DATASET_SCHEMA = "bokehbench.synth.dataset/1"
SAMPLE_SCHEMA = "bokehbench.synth/1"
LENS = tuple(item.name for item in fields(Lens))
LEVELS = ((8.0, "small"), (20.0, "medium"), (float("inf"), "large"))
"""Upper ends of the largest blur radius in the frame, pixels: below 8, 8 to 20, above 20."""


def level_of(radius: float) -> str:
    """The bin of a largest blur radius, pixels."""
    return next(name for limit, name in LEVELS if radius < limit)


class Layered:
    """A folder made by `bokehbench synth build`.

    Attributes:
        NEEDED: pictures that a sample must have been made with.
        AGAIN: how a picture that is missing or changed is made again.
        root: the folder.
    """

    NEEDED: ClassVar[tuple[str, ...]] = ("aif", "bokeh_k0", "disp", "layer_0")
    AGAIN: ClassVar[str] = "delete the JSON of the sample and run bokehbench synth build again"

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def cases(self) -> list[CaseInfo]:
        """One case a sample with K > 0, sorted by key; InputError where the folder is no such set."""
        metas = self._metas()
        infos = [self._info(meta) for _, meta in metas if meta["renders"][0]["K"] > 0.0]
        if not infos:
            raise InputError(
                f"{self.root}: has no sample with K > 0; bokehbench synth build --out goes on with it"
            )
        return infos

    def left_out(self) -> int:
        """Samples with K = 0, where bokeh equals the input."""
        return sum(meta["renders"][0]["K"] == 0.0 for _, meta in self._metas())

    def load(self, info: CaseInfo) -> Case:
        """Read one case; InputError where a file is missing or was changed since the set was made."""
        path = self.root / "meta" / f"{info.scene}.json"
        meta = _read_meta(path)
        self._check(meta)
        key, render = meta["key"], meta["renders"][0]
        for name in self.NEEDED:
            if name not in meta.get("pictures", {name: None}):
                raise InputError(f"{path}: has no {name}; build the set with truth aif, bokeh, disp, layers")
        image = read_image(self.root / "aif" / f"{key}.png")
        disparity = read_grey(self.root / "disp" / f"{key}.png")
        target = read_image(self.root / "bokeh" / f"{key}_{render['id']}.png")
        if not image.shape[:2] == disparity.shape == target.shape[:2]:
            raise InputError(f"{path}: image, disparity and bokeh differ in size; build the set again")
        layers = self._true_layers(meta)
        return Case(
            info=info,
            inputs=Inputs(key=info.key, image=image, disparity=disparity, lens=info.lens),
            target=target,
            layers=layers,
            notes={
                "layers": float(len(meta["layers"])),
                "radius_max": float(render["radius_max"]),
                "clipped_share": float(meta["checks"]["clipped_share"]),
            },
        )

    def _metas(self) -> list[tuple[Path, dict[str, Any]]]:
        record = self.root / "dataset.json"
        if not record.is_file():
            raise InputError(
                f"{self.root}: not a layered set (no dataset.json); "
                f"bokehbench synth build --count 12 --seed 7 --out {self.root} makes one"
            )
        values = read_json(record)
        if not isinstance(values, dict) or values.get("schema") != DATASET_SCHEMA:
            raise InputError(f"{record}: not the record of a layered set ({DATASET_SCHEMA})")
        if values.get("store", "folder") != "folder":
            raise InputError(
                f"{self.root}: is packed in shards; build it with --store folder for a benchmark"
            )
        return [(path, _read_meta(path)) for path in sorted((self.root / "meta").glob("*.json"))]

    def _info(self, meta: dict[str, Any]) -> CaseInfo:
        render = meta["renders"][0]
        return CaseInfo(
            key=f"{meta['key']}_{render['id']}",
            scene=meta["key"],
            level=level_of(render["radius_max"]),
            lens=Lens.from_json({name: render[name] for name in LENS if name in render}),
            # The hashes of all pixel files, which `load` compares, and what else makes the case; not which
            # commit of the code wrote it.
            data=sha256_json({name: meta[name] for name in ("files", "layers", "renders")}),
        )

    def _check(self, meta: dict[str, Any]) -> None:
        for name, expected in meta["files"].items():
            path = self.root / name
            if self._is_needed(name) and not path.is_file():
                raise InputError(f"{path}: missing; {self.AGAIN}")
            if self._is_needed(name) and sha256_file(path) != expected:
                raise InputError(f"{path}: was changed since the set was made; {self.AGAIN}")

    def _is_needed(self, name: str) -> bool:
        """Whether a file of a sample must be there, as it was made; `name` is its path below the folder."""
        return True

    def _true_layers(self, meta: dict[str, Any]) -> list[Layer] | None:
        """Near to far; None where they are not granted."""
        return [self._layer(meta["key"], index, facts) for index, facts in enumerate(meta["layers"])]

    def _layer(self, key: str, index: int, facts: dict[str, Any]) -> Layer:
        channels = read_exr(self.root / "layers" / f"{key}_{index}.exr")
        rgba = np.stack([channels[name] for name in "RGBA"], axis=2)
        return Layer(rgba, Plane(*facts["plane"]), facts["x"], facts["y"])


def _read_meta(path: Path) -> dict[str, Any]:
    meta = read_json(path)
    if not isinstance(meta, dict) or meta.get("schema") != SAMPLE_SCHEMA:
        raise InputError(f"{path}: not the JSON of a sample ({SAMPLE_SCHEMA})")
    return meta
