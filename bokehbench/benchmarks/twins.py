"""Low-quality twins of benchmarks: which pictures of which set are degraded, with which preset and seed.

A twin is made on the user's machine (`bokehbench degrade DIR --set NAME --out OUT`); the definition here and
the plans in ``degrade.json`` make everybody's the same. Of photographs nobody may pass it on; that of
`blb-mini` comes with the package.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bokehbench
from bokehbench.benchmarks.blb import BLB
from bokehbench.benchmarks.ebb400 import BOXES, IMAGES, TARGETS
from bokehbench.benchmarks.inventory import Part
from bokehbench.errors import ConfigError, InputError
from bokehbench.images import write_png
from bokehbench.records import read_json, sha256_file
from bokehbench.registry import BenchmarkSpec, get
from bokehbench.synth.degrade.preset import load_preset

RECORD = "degrade.json"
SMALL = "lq_small"


@dataclass(frozen=True)
class Source:
    """What is degraded and copied for a twin.

    Attributes:
        folders: of pictures.
        only: patterns of the pictures that are degraded.
        copied: patterns of the files that the twin has as they are. Nothing else is: maps of the clean
            pictures would show a method what the degraded ones hide.
    """

    folders: tuple[Path, ...]
    only: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Twin:
    """How a set's low-quality twin is made; everybody's is the same.

    Attributes:
        of: the benchmark whose pictures are degraded.
        preset: of the degradations.
        seed: root of their random numbers.
        keyed_by: what else they depend on: the picture's name, since copies of a set differ in the names of
            folders and in suffixes.
    """

    of: str
    preset: str = "realesrgan_x4_lq"
    seed: int = 7
    keyed_by: str = "name"

    @property
    def argument(self) -> str:
        """What `bokehbench degrade` is given before --set."""
        return f"{self.of.upper()} "

    @contextlib.contextmanager
    def source(self, folders: Sequence[Path]) -> Iterator[Source]:
        """What is degraded of the folders that the command was given.

        Raises:
            InputError: not one folder, or not one of the set.
        """
        if len(folders) != 1 or not folders[0].is_dir():
            raise InputError(f"--set takes one folder, that of {self.of}")
        yield self._of(folders[0])

    def _of(self, root: Path) -> Source:
        raise InputError(f"{root}: not a folder of {self.of}")


@dataclass(frozen=True, kw_only=True)
class TwinOfPairs(Twin):
    """Of numbered photographs with a target each.

    Attributes:
        folders: names that the folder of input pictures may have; the first that exists is degraded.
        targets: names that the folder of targets may have.
        pairs: of the published set.
        others: further files that are copied.
    """

    folders: tuple[str, ...]
    targets: tuple[str, ...]
    pairs: int
    others: tuple[str, ...] = ()

    def _of(self, root: Path) -> Source:
        pictures = Part("image", self.folders).files(root)
        targets = Part("target", self.targets).files(root)
        for found, names in ((pictures, self.folders), (targets, self.targets)):
            if not found:
                raise InputError(f"{root}: not a folder of {self.of}; it needs {' or '.join(names)}/")
        lacking = [name for name in pictures if name not in targets]
        strange = [name for name in pictures if not name.isdecimal()]
        if lacking:
            raise InputError(f"{root}: not a folder of {self.of}; it has no target for {lacking[0]}")
        if strange or len(pictures) > self.pairs:
            said = f"a picture called {strange[0]}, not a number" if strange else f"{len(pictures)} pairs"
            raise InputError(f"{root}: not a folder of {self.of}, {self.pairs} numbered pairs; it has {said}")
        folder = next(iter(pictures.values())).parent
        only = f"{folder.relative_to(root).as_posix()}/*"
        return Source((root,), (only,), (*(f"{name}/*" for name in self.targets), *self.others))


@dataclass(frozen=True, kw_only=True)
class TwinOfLayered(Twin):
    """Of a set of ray-traced layers: the all-in-focus pictures; the true layers stay behind."""

    @property
    def argument(self) -> str:
        """A folder that `bokehbench synth build` made."""
        return "SET "

    def _of(self, root: Path) -> Source:
        if not (root / "dataset.json").is_file() or not (root / "aif").is_dir():
            raise InputError(
                f"{root}: not a layered set with all-in-focus pictures; bokehbench synth build makes one"
            )
        return Source((root,), ("aif/*",), ("dataset.json", "meta/*", "disp/*", "bokeh/*"))


@dataclass(frozen=True, kw_only=True)
class TwinOfBundledBLB(Twin):
    """Of a BLB set that comes with the package: the all-in-focus image of each case, encoded, in 8 bit.

    Cases of a scene share that image and get a degradation each.
    """

    @property
    def argument(self) -> str:
        """None: the set is here."""
        return ""

    @contextlib.contextmanager
    def source(self, folders: Sequence[Path]) -> Iterator[Source]:
        """The images in a folder of their own; InputError where one was given."""
        if folders:
            raise InputError(f"--set takes no folder here: {self.of} comes with the package")
        clean = bundled(self.of)
        with tempfile.TemporaryDirectory(prefix="bokehbench-") as name:
            for info in clean.cases():
                write_png(Path(name) / f"{info.key}.png", clean.load(info).inputs.image)
            yield Source((Path(name),))


TWINS: dict[str, Twin] = {
    "ebb400-lq": TwinOfPairs(of="ebb400", folders=IMAGES, targets=TARGETS, pairs=400, others=(BOXES,)),
    "blb-mini-lq": TwinOfBundledBLB(of="blb-mini"),
    "layered-lq": TwinOfLayered(of="layered"),
}


def bundled(name: str) -> BLB:
    """The BLB set of that name that comes with the package."""
    return BLB(Path(bokehbench.__file__).parent / get(BenchmarkSpec, name).bundled)


def find(name: str) -> Twin:
    """The twin of that name; ConfigError where there is none."""
    if name not in TWINS:
        raise ConfigError(f"unknown set {name!r}; one of {', '.join(TWINS)}")
    return TWINS[name]


def check(root: Path, name: str) -> None:
    """Refuse a folder that is not the twin as it is defined here.

    Raises:
        InputError: no record, another preset or seed, or pictures changed since.
    """
    twin = find(name)
    path = root / RECORD
    if not path.is_file():
        raise InputError(
            f"{root}: has no {RECORD}, so it is no {name}; bokehbench degrade {twin.argument}--set {name} "
            "--out OUT makes one"
        )
    content = read_json(path)
    said = content if isinstance(content, dict) else {}
    wanted = {
        "preset": load_preset(twin.preset).model_dump(mode="json"),
        "seed": twin.seed,
        "keyed_by": twin.keyed_by,
    }
    if not isinstance(said.get("files"), dict):
        raise InputError(f"{path}: does not say which files it is about; make the set again")
    different = [key for key, value in wanted.items() if said.get(key) != value]
    if different:
        raise InputError(
            f"{path}: made with another {' and '.join(different)} than {name}; bokehbench degrade --set "
            f"{name} makes the set itself"
        )


def checked(root: Path, name: str, recorded: dict[str, str]) -> str:
    """sha256 of a picture of a twin.

    Args:
        root: the twin.
        name: path of the picture below it.
        recorded: as `digests` gives it.

    Raises:
        InputError: it is missing, or not the one that the record is about.
    """
    path = root / name
    if not path.is_file():
        raise InputError(f"{path}: missing; make the set again")
    digest = sha256_file(path)
    if recorded.get(name) != digest:
        raise InputError(f"{path}: is not the picture that {RECORD} is about; make the set again")
    return digest


def digests(root: Path) -> dict[str, str]:
    """sha256 of every file of a twin by its path, as its record has them; InputError where it has none."""
    try:
        entries: dict[str, dict[str, Any]] = read_json(root / RECORD)["files"]
        targets = [target for entry in entries.values() for target in entry["targets"].values()]
        return {str(target["path"]): str(target["sha256"]) for target in targets}
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{root / RECORD}: has no paths and digests of its files; make it again") from error
