"""RealBokeh, test split: scenes at f/22 and at larger apertures, with the lens (Seizinger et al., ICCV 2025).

`test/metadata/{id}.json` names the pictures and gives f-numbers, focal length (mm) and focus distance (m), so
that with a metric depth map K and focal plane follow from optics alone:

    K = f / (2 N) · f_px · (d_max − d_min),   disp_focus = (1 / z_focus − d_min) / (d_max − d_min)

The set states no sensor size. Pictures are taken to show the full 24 mm of a full-frame sensor along their
shorter side; a crop would scale every K of a camera by one factor.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.benchmarks.inventory import SALIENCY, Part, index, is_number, natural
from bokehbench.benchmarks.photoset import Item, PhotoSet, at_size, safe_key
from bokehbench.cases import CaseInfo, FloatImage
from bokehbench.errors import InputError
from bokehbench.images import read_disparity
from bokehbench.optics import Lens, PhysicalCamera
from bokehbench.records import read_json

SENSOR_MM = 24.0
PERCENTILES = (0.1, 99.9)
"""Inverse depths outside of these are clipped: one pixel too near would leave no range for the rest."""
LEVELS = ((2.8, "f2-2.8"), (5.6, "f3.2-5.6"), (11.0, "f6.3-11"), (float("inf"), "f13-20"))
FIELDS = ("id", "source_image", "target_images", "target_avs", "focal_length", "focus_plane_distance")


def level_of(f_number: float) -> str:
    """The bin of an f-number, full stops."""
    return next(name for limit, name in LEVELS if f_number <= limit)


class RealBokeh(PhotoSet):
    """The folder of RealBokeh_3MP, or its `test` folder."""

    NAME = "realbokeh"
    PAIRS = 220
    PARTS = (
        Part("image", ("test/in", "in"), 220),
        Part("depth-pro", ("depth-pro",), tail=".raw", made="--model depth-pro --raw"),
        SALIENCY,
    )

    @property
    def split(self) -> Path:
        """The folder with `metadata`, `in` and `gt`."""
        return self.root / "test" if (self.root / "test").is_dir() else self.root

    def items(self) -> list[Item]:
        """One item a target, by scene and f-number."""
        metas = self._metas()
        sources = {str(meta["id"]): self.split / meta["source_image"] for _, meta in metas}
        maps = self.maps([path.stem for path in sources.values()])
        items = []
        for path, meta in metas:
            source = sources[str(meta["id"])]
            shared = {"image": source, **{role: files[source.stem] for role, files in maps.items()}}
            for name, f_number in zip(meta["target_images"], meta["target_avs"], strict=True):
                target = self.split / name
                for picture in (source, target):
                    if not picture.is_file():
                        raise InputError(f"{path}: names {picture}, which is missing")
                known = {key: float(meta[key]) for key in ("focal_length", "focus_plane_distance")}
                items.append(
                    Item(
                        key=safe_key(target.stem.replace(".", "_")),
                        scene=str(meta["id"]),
                        files={**shared, "target": target},
                        level=level_of(f_number),
                        known={**known, "f_number": float(f_number)},
                    )
                )
        return items

    def files(self) -> list[Path]:
        """See `PhotoSet.files`; targets and metadata too."""
        return super().files() + sorted([*self.split.glob("gt/*/*"), *self.split.glob("metadata/*.json")])

    def counts(self) -> list[tuple[str, int, int]]:
        """See `PhotoSet.counts`."""
        targets = sum(len(index(folder)) for folder in self.split.glob("gt/*"))
        return [
            *super().counts(),
            ("target (gt/{id}/)", targets, 1257),
            ("metadata (metadata/)", len(list(self.split.glob("metadata/*.json"))), 220),
        ]

    def _metas(self) -> list[tuple[Path, dict[str, Any]]]:
        paths = sorted(self.split.glob("metadata/*.json"), key=lambda path: natural(path.stem))
        if not paths:
            raise InputError(f"{self.root}: has no test/metadata/{{id}}.json; {self._help()}")
        metas = [(path, _checked(path, read_json(path))) for path in paths]
        by_id: dict[str, Path] = {}
        for path, meta in metas:
            if by_id.setdefault(str(meta["id"]), path) != path:
                raise InputError(
                    f"{path} and {by_id[str(meta['id'])].name}: two scenes of one id, {meta['id']}"
                )
        return metas

    def _disparity(self, item: Item, image: FloatImage) -> tuple[FloatImage, tuple[float, float] | None]:
        if self.protocol.K != "given":
            return super()._disparity(item, image)
        path = item.files["disparity"]
        read = read_disparity(path, kind="depth")
        low, high = read.range
        inverse = low + read.values.astype(np.float64) * (high - low)
        low, high = (float(value) for value in np.percentile(inverse, PERCENTILES))
        if not high > low:
            raise InputError(f"{path}: one depth everywhere")
        values = np.clip((inverse - low) / (high - low), 0.0, 1.0).astype(np.float32)
        return at_size(values, image.shape[:2], path), (low, high)

    def _lens(
        self,
        item: Item,
        info: CaseInfo,
        disparity: FloatImage,
        disparity_range: tuple[float, float] | None,
        region: npt.NDArray[np.bool_] | None,
    ) -> Lens:
        if disparity_range is None:
            return super()._lens(item, info, disparity, disparity_range, region)
        known, (low, high) = item.known, disparity_range
        camera = PhysicalCamera(known["focal_length"], SENSOR_MM, min(disparity.shape))
        plane = (1.0 / known["focus_plane_distance"] - low) / (high - low)
        return replace(info.lens, K=camera.K(known["f_number"], disparity_range), disp_focus=plane)


def _is_below(name: str) -> bool:
    """Whether a path stays in the folder it starts from; links inside that folder are its owner's choice."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not PurePosixPath(name).is_absolute() and ".." not in parts


def _checked(path: Path, meta: Any) -> dict[str, Any]:
    if not isinstance(meta, dict) or any(name not in meta for name in FIELDS):
        raise InputError(f"{path}: not the metadata of a scene; it needs {', '.join(FIELDS)}")
    if not isinstance(meta["target_images"], list) or not isinstance(meta["target_avs"], list):
        raise InputError(f"{path}: target_images and target_avs must be lists")
    for name in (meta["source_image"], *meta["target_images"]):
        if not isinstance(name, str) or not _is_below(name):
            raise InputError(f"{path}: {name!r} is no path of a picture below the folder of the split")
    if isinstance(meta["id"], bool) or not isinstance(meta["id"], int | str):
        raise InputError(f"{path}: id must be a number or a name, not {meta['id']!r}")
    numbers = [meta["focal_length"], meta["focus_plane_distance"], *meta["target_avs"]]
    if not all(is_number(value) and value > 0 for value in numbers):
        raise InputError(f"{path}: focal length, focus distance and f-numbers must be positive numbers")
    if len(meta["target_images"]) != len(meta["target_avs"]):
        raise InputError(
            f"{path}: {len(meta['target_images'])} pictures, {len(meta['target_avs'])} f-numbers"
        )
    return meta
