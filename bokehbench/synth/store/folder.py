"""The folder store: one file a picture, one JSON a sample, written last.

::

    aif/{key}.png   bokeh/{key}_k0.png   disp/{key}.png   layers/{key}_0.exr   meta/{key}.json
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bokehbench.errors import InputError
from bokehbench.records import read_json, sha256_file, write_json
from bokehbench.synth.sample import SCHEMA, Sample, describe
from bokehbench.synth.store.pictures import file_name, gamma_of, write_picture
from bokehbench.synth.store.profile import PROFILES, Profile
from bokehbench.synth.truth.types import Truth

META = "meta"
FIELDS = (
    *("key", "index", "attempt", "root_seed", "recipe", "config_hash", "out_size", "gamma"),
    *("layers", "renders", "highlight", "checks", "plan", "files", "code"),
)
"""What the JSON of every sample has, whatever version wrote it."""
DEFAULT = PROFILES["train-png"]


@dataclass(frozen=True)
class SampleFiles:
    """Where the files of one sample lie below the root of its set, with the default profile."""

    root: Path
    key: str

    @property
    def all_in_focus(self) -> Path:
        """8-bit PNG."""
        return self.root / "aif" / f"{self.key}.png"

    @property
    def bokeh(self) -> Path:
        """8-bit PNG of the first bokeh image."""
        return self.root / "bokeh" / f"{self.key}_k0.png"

    @property
    def disparity(self) -> Path:
        """16-bit PNG."""
        return self.root / "disp" / f"{self.key}.png"

    @property
    def meta(self) -> Path:
        """JSON; exists only when the sample is complete."""
        return self.root / META / f"{self.key}.json"


def write_sample(
    sample: Sample,
    root: Path,
    truths: Sequence[Truth],
    *,
    config_hash: str,
    code: dict[str, Any],
    failures: list[str],
    profile: Profile = DEFAULT,
) -> None:
    """Write all files of a sample; the JSON is written last and commits it.

    The JSON names each picture (`pictures`: name -> file and kind) and the digest of each file (`files`).
    """
    files = SampleFiles(root, sample.plan.key)
    lenses = {render.id: render.lens.gamma for render in sample.renders}
    hashes, pictures = {}, {}
    for truth in truths:
        encoding = profile.encoding(truth.name, truth.kind)
        name = file_name(files.key, truth.name, truth.kind, encoding)
        gamma = gamma_of(truth.name, lenses, sample.plan.gamma)
        write_picture(root / name, truth, profile, gamma)
        hashes[name] = sha256_file(root / name)
        pictures[truth.name] = {"file": name, "kind": truth.kind}
    described = describe(sample, config_hash, failures)
    write_json(files.meta, {**described, "pictures": pictures, "files": hashes, "code": code})


def remove_sample(root: Path, key: str) -> None:
    """Remove a sample, its JSON first, so that half of it is none."""
    files = SampleFiles(root, key)
    names = read_meta(files.meta)["files"]
    files.meta.unlink()
    for name in names:
        (root / name).unlink(missing_ok=True)


def read_meta(path: Path) -> dict[str, Any]:
    """The JSON of a sample; InputError where it is something else."""
    return check_meta(read_json(path), str(path))


def check_meta(meta: Any, where: str) -> dict[str, Any]:
    """A sample's JSON, or InputError; the files that it names lie below the set, whoever wrote it."""
    if not isinstance(meta, dict) or meta.get("schema") != SCHEMA:
        raise InputError(f"{where}: not the JSON of a sample ({SCHEMA})")
    if lost := [name for name in FIELDS if name not in meta]:
        raise InputError(f"{where}: lacks {', '.join(lost)}; delete it, and the same build makes it again")
    try:
        named = [*meta["files"], *(picture["file"] for picture in meta.get("pictures", {}).values())]
        outside = [
            name for name in named if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: does not say which files the sample has") from error
    if outside:
        raise InputError(f"{where}: names {outside[0]}, which lies outside the set")
    return meta


def complete_keys(root: Path) -> list[str]:
    """Keys of complete samples, sorted."""
    return sorted(path.stem for path in (root / META).glob("*.json") if path.stem.isdigit())
