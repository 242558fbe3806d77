"""Low-quality twins of benchmarks: which pictures of which set are degraded, with which preset and seed.

A twin is made on the user's machine (`bokehbench degrade DIR --set NAME --out OUT`), since nobody may pass on
the pictures; the definition here and the plans in ``degrade.json`` make everybody's twin the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehbench.benchmarks.ebb400 import BOXES, IMAGES, TARGETS
from bokehbench.benchmarks.inventory import Part
from bokehbench.errors import ConfigError, InputError
from bokehbench.records import read_json
from bokehbench.synth.degrade.preset import load_preset

RECORD = "degrade.json"
SMALL = "lq_small"


@dataclass(frozen=True)
class Twin:
    """How a set's low-quality twin is made.

    Attributes:
        of: the benchmark whose folder is given.
        folders: names that its folder of input pictures may have; the first that exists is degraded.
        targets: names that its folder of targets may have.
        pairs: of the published set.
        others: further files that are copied. Nothing else is: maps of the clean pictures would show a method
            what the degraded ones hide.
        preset: of the degradations.
        seed: root of their random numbers.
        keyed_by: what else they depend on: the picture's number, since copies of a set differ in the names of
            folders and in suffixes, and everybody's twin is the same.
    """

    of: str
    folders: tuple[str, ...]
    targets: tuple[str, ...]
    pairs: int
    others: tuple[str, ...] = ()
    preset: str = "realesrgan_x4_lq"
    seed: int = 7
    keyed_by: str = "name"

    @property
    def copied(self) -> tuple[str, ...]:
        """Patterns of the files that the twin has from its set as they are."""
        return (*(f"{name}/*" for name in self.targets), *self.others)


TWINS: dict[str, Twin] = {
    "ebb400-lq": Twin("ebb400", IMAGES, TARGETS, 400, (BOXES,)),
}


def find(name: str) -> Twin:
    """The twin of that name; ConfigError where there is none."""
    if name not in TWINS:
        raise ConfigError(f"unknown set {name!r}; one of {', '.join(TWINS)}")
    return TWINS[name]


def pattern(twin: Twin, folders: Sequence[Path]) -> str:
    """Pattern of the pictures to be degraded in the one folder given.

    Raises:
        InputError: not one folder, or not one of the set: numbered pictures with a target each.
    """
    if len(folders) != 1 or not folders[0].is_dir():
        raise InputError(f"--set takes one folder, that of {twin.of}")
    root = folders[0]
    pictures = Part("image", twin.folders).files(root)
    targets = Part("target", twin.targets).files(root)
    for found, names in ((pictures, twin.folders), (targets, twin.targets)):
        if not found:
            raise InputError(f"{root}: not a folder of {twin.of}; it needs {' or '.join(names)}/")
    lacking = [name for name in pictures if name not in targets]
    strange = [name for name in pictures if not name.isdecimal()]
    if lacking:
        raise InputError(f"{root}: not a folder of {twin.of}; it has no target for {lacking[0]}")
    if strange or len(pictures) > twin.pairs:
        said = f"a picture called {strange[0]}, not a number" if strange else f"{len(pictures)} pairs"
        raise InputError(f"{root}: not a folder of {twin.of}, {twin.pairs} numbered pairs; it has {said}")
    folder = next(iter(pictures.values())).parent
    return f"{folder.relative_to(root).as_posix()}/*"


def check(root: Path, name: str) -> None:
    """Refuse a folder that is not the twin as it is defined here.

    Raises:
        InputError: no record, another preset or seed, or pictures changed since.
    """
    twin = find(name)
    path = root / RECORD
    if not path.is_file():
        raise InputError(
            f"{root}: has no {RECORD}; bokehbench degrade {twin.of.upper()} --set {name} --out {root} "
            "makes the set"
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


def digests(root: Path) -> dict[str, str]:
    """sha256 of every file of a twin by its path, as its record has them; InputError where it has none."""
    try:
        entries: dict[str, dict[str, Any]] = read_json(root / RECORD)["files"]
        targets = [target for entry in entries.values() for target in entry["targets"].values()]
        return {str(target["path"]): str(target["sha256"]) for target in targets}
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{root / RECORD}: has no paths and digests of its files; make it again") from error
