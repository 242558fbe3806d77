"""What the sets of real photographs have in common: parts to pictures, protocols to disparity, focus and K.

A set says which parts it has and how they make items; this file makes cases of them.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from bokehbench.benchmarks import focus
from bokehbench.benchmarks.inventory import Hashes, Part
from bokehbench.benchmarks.origin import UNVERIFIED, origin
from bokehbench.cases import Case, CaseInfo, FloatImage, Inputs
from bokehbench.errors import InputError
from bokehbench.images import read_disparity, read_image
from bokehbench.optics import Lens
from bokehbench.records import sha256_bytes, sha256_json
from bokehbench.registry import DepthModelSpec, ProtocolSpec, find

FINITE_K = ("given", "zero")
TARGET_COLOUR = "target-means"


@dataclass(frozen=True)
class Item:
    """One case of a set, before anything is read.

    Attributes:
        key: the case's name.
        scene: cluster that statistics resample.
        files: path by role: image, target, disparity, mask (of the salient subject), lq, reference.
        level: what tables group by.
        known: numbers of the set about this case (f-number, focus distance ...), part of its data.
        box: left, top, right, bottom of what is in focus, pixels; right and bottom outside.
        point: x, y to focus at, pixels.
    """

    key: str
    scene: str
    files: Mapping[str, Path]
    level: str = "real"
    known: Mapping[str, float] = field(default_factory=dict)
    box: tuple[float, float, float, float] | None = None
    point: tuple[float, float] | None = None


class PhotoSet:
    """Base of the sets of photographs: `items` is what a set adds.

    Attributes:
        NAME: the benchmark's name, for messages.
        PARTS: what its folder has.
        PAIRS: pairs (or pictures) of the published set; 0 where that is not fixed.
        root: the folder.
        protocol: the rules.
    """

    NAME: ClassVar[str]
    PARTS: ClassVar[tuple[Part, ...]] = ()
    PAIRS: ClassVar[int] = 0

    def __init__(self, root: Path, protocol: ProtocolSpec) -> None:
        self.root = Path(root)
        self.protocol = protocol

    def items(self) -> list[Item]:
        """Every case of the folder under the protocol, in a fixed order.

        Raises:
            InputError: the folder is no such set, or lacks what the protocol needs.
        """
        raise InputError(f"{self.root}: not a set")

    def files(self) -> list[Path]:
        """Every file of the set that is here, whatever the protocol needs of it."""
        return sorted({path for part in self.PARTS for path in part.files(self.root).values()})

    def counts(self) -> list[tuple[str, int, int]]:
        """(what, files here, files of the published set or 0) for `describe`."""
        return [(self._where(part), len(part.files(self.root)), part.count) for part in self.PARTS]

    def cases(self) -> list[CaseInfo]:
        """See `Benchmark`; a part of the published set is taken with a warning."""
        items = self.items()
        if not items:
            raise InputError(f"{self.root}: has no pictures of {self.NAME}; {self._help()}")
        by_key: dict[str, Item] = {}
        for item in items:
            if by_key.setdefault(item.key, item) is not item:
                pair = (self._named(entry) for entry in (item, by_key[item.key]))
                raise InputError(f"{' and '.join(pair)}: two cases called {item.key}; rename one")
        scenes = len({item.scene for item in items})
        if self.PAIRS and scenes != self.PAIRS:
            warnings.warn(
                f"{self.root}: {scenes} of the {self.PAIRS} of {self.NAME}; a table over these is not one of "
                "the set",
                stacklevel=2,
            )
        hashes = Hashes(self.root)
        return [self._info(item, hashes) for item in items]

    def load(self, info: CaseInfo) -> Case:
        """See `Benchmark`."""
        item = self._items().get(info.key)
        if item is None:
            raise InputError(f"{self.root}: has no case {info.key} any more; run again")
        image, target, lq = self._pictures(item)
        disparity, disparity_range = self._disparity(item, image)
        notes = dict(item.known)
        if self.protocol.colour == TARGET_COLOUR and target is not None:
            image = in_colours_of(image, target)
        region = self._region(item, image, target, disparity)
        lens = self._lens(item, info, disparity, disparity_range, region)
        reference = item.files.get("reference")
        made_with = self._made_with(item, Hashes(self.root))
        return Case(
            info=info,
            inputs=Inputs(info.key, image, disparity, lens, disparity_range=disparity_range, lq=lq),
            target=target,
            notes=notes,
            focus_region=region,
            reference=None if reference is None else read_image(reference),
            made_with=made_with,
        )

    # ------------------------------------------------------------------------------ what sets may replace

    def _pictures(self, item: Item) -> tuple[FloatImage, FloatImage | None, FloatImage | None]:
        """Input, target where there is one, and the small low-quality picture where there is one."""
        image = read_image(item.files["image"])
        target = read_image(item.files["target"]) if "target" in item.files else None
        if target is not None and target.shape != image.shape:
            raise InputError(
                f"{item.files['target']}: is {target.shape[1]} x {target.shape[0]}, its input is "
                f"{image.shape[1]} x {image.shape[0]} pixels; nothing is resized silently"
            )
        return image, target, None

    def _lens(
        self,
        item: Item,
        info: CaseInfo,
        disparity: FloatImage,
        disparity_range: tuple[float, float] | None,
        region: npt.NDArray[np.bool_] | None,
    ) -> Lens:
        """The lens with its focal plane; K as far as the protocol gives it."""
        if region is None:
            return info.lens
        return replace(info.lens, disp_focus=focus.median_disparity(disparity, region))

    def _disparity(self, item: Item, image: FloatImage) -> tuple[FloatImage, tuple[float, float] | None]:
        """Map in [0, 1] at the image's size, and what 0 and 1 stand for in 1/m where that is known."""
        if self.protocol.disparity == "none":
            return np.zeros(image.shape[:2], np.float32), None
        disparity = read_disparity(item.files["disparity"]).values
        return at_size(disparity, image.shape[:2], item.files["disparity"]), None

    def _region(
        self, item: Item, image: FloatImage, target: FloatImage | None, disparity: FloatImage
    ) -> npt.NDArray[np.bool_] | None:
        """What is in focus, by the protocol's focus source; None where disp_focus is given."""
        shape = (image.shape[0], image.shape[1])
        try:
            if item.box is not None and self.protocol.focus == "box":
                return focus.box_region(item.box, shape)
            if item.point is not None and self.protocol.focus == "point":
                return focus.point_region(item.point, shape)
        except InputError as error:
            raise InputError(f"{item.files['image']}: {error}") from error
        if self.protocol.focus == "saliency":
            return self._salient(item.files["mask"], shape)
        if self.protocol.focus == "shared-edges" and target is not None:
            return focus.shared_edges_region(image, target, disparity)
        return None

    def _salient(self, path: Path, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        mask = at_size(read_disparity(path, normalise=False).values, shape, path)
        try:
            return focus.mask_region(mask)
        except InputError as error:
            raise InputError(
                f"{path}: {error}, so there is nothing to focus on; leave this picture out of the set, or "
                "predict its mask with another network"
            ) from error

    # ------------------------------------------------------------------------------------------- helpers

    def _items(self) -> dict[str, Item]:
        if not hasattr(self, "_by_key"):
            self._by_key = {item.key: item for item in self.items()}
        return self._by_key

    @staticmethod
    def _named(item: Item) -> str:
        return str(item.files.get("target") or item.files["image"])

    def _info(self, item: Item, hashes: Hashes) -> CaseInfo:
        searched = self.protocol.K not in FINITE_K
        said = {
            "box": item.box,
            "point": item.point,
            "known": dict(sorted(item.known.items())),
            "made_with": self._made_with(item, hashes),
        }
        data = hashes.of_all(item.files.values())
        return CaseInfo(
            key=item.key,
            scene=item.scene,
            level=item.level,
            lens=Lens(K=0.0, disp_focus=0.0, gamma=self.protocol.gamma),
            data=sha256_json({"files": data, **{name: value for name, value in said.items() if value}}),
            K_search=self.protocol.K_range if searched else None,
        )

    def _made_with(self, item: Item, hashes: Hashes) -> dict[str, str]:
        """What predicted the maps of a case, by role, as `Case.made_with` has it.

        Raises:
            InputError: another network than the protocol's, another picture, or a map that was changed.
        """
        found = {}
        for role, source in (("disparity", self.protocol.disparity), ("mask", "saliency")):
            if role not in item.files:
                continue
            path, part = item.files[role], self._part(source)
            # Several networks may serve as one part, each in a folder of its name.
            network = source if role == "disparity" else path.parent.name
            shipped = part in self.PARTS and role == "disparity" and find(DepthModelSpec, source) is None
            try:
                said = origin(path, item.files["image"], network, hashes)
            except InputError as error:
                raise InputError(f"{error}; {self._command(part) if part.made else self._help()}") from error
            if said and shipped and not part.made:
                raise InputError(
                    f"{path}: was predicted by {said}; protocol {self.protocol.name} takes the map that "
                    f"comes with {self.NAME} (--disparity predicted:MODEL takes a network's)"
                )
            if said or not shipped:
                found[role] = said or UNVERIFIED
        return found

    def _part(self, role: str) -> Part:
        # What is no part of the set is a map that a depth network made, in a folder of its name.
        made = Part(role, (role,), made=f"--model {role}")
        return next((part for part in self.PARTS if part.role == role), made)

    def _where(self, part: Part) -> str:
        return f"{part.role} ({' or '.join(f'{name}/' for name in part.folders)})"

    def _needed(self, role: str, names: Sequence[str]) -> dict[str, Path]:
        """Files of a part for all the names given.

        Raises:
            InputError: the part is missing, or has not all of them; it says how to get it.
        """
        part = self._part(role)
        files = part.files(self.root)
        how = self._command(part) if part.made else f"{self._help()}"
        if not files:
            raise InputError(
                f"{self.root}: has no {self._where(part)}, which protocol {self.protocol.name} of "
                f"{self.NAME} needs; {how}"
            )
        missing = [name for name in names if name not in files]
        if missing:
            folder = next(iter(files.values())).parent
            raise InputError(
                f"{folder}: has no {role} for {len(missing)} of {len(names)} pictures, the first is "
                f"{missing[0]}; {how}"
            )
        return files

    def maps(self, names: Sequence[str]) -> dict[str, dict[str, Path]]:
        """Disparity maps and masks that the protocol needs, by role and name.

        A map that the set ships is a part of it, named as the protocol names it; any other is what
        `bokehbench depth` made, in a folder of the network's name.

        Raises:
            InputError: they are missing; the command that makes them is said.
        """
        found = {}
        source = self.protocol.disparity
        if source != "none":
            found["disparity"] = self._needed(source, names)
        if self.protocol.focus == "saliency":
            found["mask"] = self._needed("saliency", names)
        return found

    def _help(self) -> str:
        return f"bokehbench describe {self.NAME} says how it must lie"

    def _command(self, part: Part) -> str:
        """What makes a part that the set does not ship."""
        images = self._part("image")
        found = images.files(self.root)
        folder = next(iter(found.values())).parent if found else self.root / images.folders[0]
        return f"bokehbench depth {folder} {part.made} --out {self.root / part.folders[0]} makes it"


def safe_key(name: str) -> str:
    """A picture's name as a case key: letters, digits, `_` and `-`.

    Other characters become `_`, with a few digits of a hash so that two pictures never share a key.
    """
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    return re.sub(r"[^A-Za-z0-9_-]", "_", name) + "-" + sha256_bytes(name.encode())[:6]


def at_size(values: FloatImage, shape: tuple[int, ...], path: Path) -> FloatImage:
    """A map at a picture's size, bilinear; InputError where it has other proportions."""
    import cv2

    if values.shape == tuple(shape[:2]):
        return values
    height, width = values.shape
    if abs(width * shape[0] - height * shape[1]) > 2 * max(height, width, *shape[:2]):
        raise InputError(
            f"{path}: is {width} x {height}, its picture is {shape[1]} x {shape[0]} pixels: other proportions"
        )
    resized = cv2.resize(values, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(resized, 0.0, 1.0), np.float32)


def in_colours_of(image: FloatImage, target: FloatImage) -> FloatImage:
    """The input with each channel's mean turned to the target's (encoded, clipped), as BokehDiff does."""
    factor = target.mean(axis=(0, 1)) / np.clip(image.mean(axis=(0, 1)), 1e-6, 1.0)
    return np.asarray(np.clip(image * factor, 0.0, 1.0), np.float32)
