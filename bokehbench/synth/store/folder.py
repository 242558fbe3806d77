"""The folder store: one file a picture, one JSON a sample, written last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehbench.errors import InputError
from bokehbench.images import write_disparity, write_exr, write_png
from bokehbench.records import read_json, sha256_file, write_json
from bokehbench.synth.sample import SCHEMA, Sample, describe
from bokehbench.synth.truth.types import Truth


@dataclass(frozen=True)
class SampleFiles:
    """Where the files of one sample lie below the root of its set."""

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
        return self.root / "meta" / f"{self.key}.json"

    def path(self, truth: Truth) -> Path:
        """File of a picture: `aif` -> aif/KEY.png, `bokeh_k0` -> bokeh/KEY_k0.png, ..."""
        folder, _, part = truth.name.partition("_")
        if truth.kind == "layer":
            return self.root / "layers" / f"{self.key}_{part}.exr"
        return self.root / folder / f"{self.key}{'_' + part if part else ''}.png"


def write_sample(
    sample: Sample,
    root: Path,
    truths: Sequence[Truth],
    *,
    config_hash: str,
    code: dict[str, Any],
    failures: list[str],
) -> None:
    """Write all files of a sample; the JSON is written last and commits it."""
    files = SampleFiles(root, sample.plan.key)
    hashes = {}
    for truth in truths:
        path = files.path(truth)
        if truth.kind == "layer":
            write_exr(path, {name: truth.pixels[..., c] for c, name in enumerate("RGBA")})
        elif truth.kind == "disparity":
            write_disparity(path, truth.pixels)
        else:
            write_png(path, truth.pixels)
        hashes[path.relative_to(root).as_posix()] = sha256_file(path)
    write_json(files.meta, {**describe(sample, config_hash, failures), "files": hashes, "code": code})


def read_meta(path: Path) -> dict[str, Any]:
    """The JSON of a sample; InputError where it is something else."""
    meta = read_json(path)
    if not isinstance(meta, dict) or meta.get("schema") != SCHEMA:
        raise InputError(f"{path}: not the JSON of a sample ({SCHEMA})")
    return meta
