"""What a benchmark's pictures are made of, by names that training data has as well.

- pictures by the sha256 of their files, ``sha256:…``: of a layered set the assets of all its layers, of any
  other benchmark all files of its folder;
- drawn layers by their names, ``proc:KIND#SEED``, which say every pixel of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bokehbench.errors import InputError
from bokehbench.jobs import progress
from bokehbench.records import read_json, sha256_file

DATASET = "dataset.json"


def assets_of(root: Path) -> set[str]:
    """Names of what the benchmark in a folder is made of; InputError where there is no such folder."""
    if not root.is_dir():
        raise InputError(f"{root}: no folder")
    if (root / DATASET).is_file():
        return _of_layered_set(root)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    found = set()
    with progress("hash files of the benchmark", len(files)) as advance:
        for path in files:
            found.add(f"sha256:{sha256_file(path)}")
            advance(1)
    return found


def _of_layered_set(root: Path) -> set[str]:
    assets: dict[str, Any] = read_json(root / DATASET).get("assets") or {}
    found = set()
    for folder in (assets.get("foregrounds"), assets.get("backgrounds")):
        for file in folder["files"] if folder else ():
            found |= {f"sha256:{file[name]}" for name in ("sha256", "matte_sha256") if name in file}
    for path in sorted((root / "meta").glob("*.json")):
        for layer in read_json(path).get("layers", ()):
            found.add(f"sha256:{layer['sha256']}" if layer.get("sha256") else layer["source"])
    return found
