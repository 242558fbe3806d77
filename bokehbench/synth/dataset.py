"""A set of samples on disk: who may write into a folder, what is missing, what the whole is.

::

    DIR/
        dataset.json               recipe, every value of it, root seed, assets, counts, code
        aif/{key}.png              all-in-focus, 8 bit, encoded
        bokeh/{key}_k0.png         through the lens, 8 bit, encoded
        disp/{key}.png             disparity of the nearest layer with alpha >= 0.5, 16 bit
        layers/{key}_{l}.exr       near to far, premultiplied linear RGBA, half
        meta/{key}.json            planes, offsets, sources, lens, plan, hashes: written last
        metadata.jsonl             one line a sample, for the imagefolder loader of `datasets`
        failures.jsonl             indices that were given up, if any
        contact_sheet.png

A sample depends on (recipe, assets, root seed, index) alone; keys are nine-digit indices.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehbench import __version__
from bokehbench.errors import ConfigError, InputError
from bokehbench.jobs import run_jobs
from bokehbench.records import code_version, read_json, remove_parts, sha256_json, write_json, write_text
from bokehbench.synth.assets.folder import scan_backgrounds, scan_foregrounds
from bokehbench.synth.assets.library import Library
from bokehbench.synth.assets.photographs import SHIPPED, large_enough
from bokehbench.synth.config import Recipe
from bokehbench.synth.sample import make_first_valid, truths
from bokehbench.synth.store.folder import SampleFiles, read_meta, write_sample

SCHEMA = "bokehbench.synth.dataset/1"
DATASET = "dataset.json"
MAX_FAILED = 0.01
"""Share of indices that may be given up before a build counts as failed."""


def make_library(recipe: Recipe, fg: Path | None = None, bg: Path | None = None) -> Library:
    """What layers may be made of: the recipe's kinds, and the user's folders where given.

    Raises:
        InputError: a folder has no usable picture.
        ConfigError: both folders are the same.
    """
    if fg is not None and bg is not None and fg.resolve() == bg.resolve():
        raise ConfigError(f"--fg and --bg are the same folder {fg}; cut-outs and backgrounds go in two")
    upscale = recipe.backgrounds.upscale_max
    return Library(
        foregrounds=recipe.foregrounds.kinds,
        backgrounds=recipe.backgrounds.kinds,
        photographs=tuple(
            name for name, photo in sorted(SHIPPED.items()) if large_enough(photo.size, recipe.size, upscale)
        ),
        foreground_folder=scan_foregrounds(fg) if fg is not None else None,
        background_folder=scan_backgrounds(bg, recipe.size, upscale) if bg is not None else None,
        folder_share=recipe.folder_share,
    )


@dataclass(frozen=True)
class _Job:
    root: Path
    recipe: Recipe
    library: Library
    root_seed: int
    index: int
    code: dict[str, Any]


def _make(job: _Job) -> None:
    sample, failures = make_first_valid(job.recipe, job.library, job.root_seed, job.index)
    write_sample(
        sample, job.root, truths(sample), config_hash=job.recipe.hash, code=job.code, failures=failures
    )


@dataclass(frozen=True)
class Built:
    """What a build did: samples made now, samples there in all, and indices given up with the reason."""

    made: int
    total: int
    failed: tuple[tuple[int, str], ...]


def build(
    recipe: Recipe, library: Library, *, count: int, root_seed: int, root: Path, workers: int = 1
) -> Built:
    """Make the samples 0 ... count - 1 that are missing in `root`.

    Raises:
        ConfigError: count < 1 or a negative seed.
        InputError: `root` holds another set, or files that are none.
        JobFailed: a worker process died.
    """
    if count < 1 or root_seed < 0:
        raise ConfigError(f"--count must be at least 1 and --seed at least 0, not {count} and {root_seed}")
    identity = _identity(recipe, library, root_seed)
    _claim(root, identity, count)
    remove_parts(root)
    code = code_version()
    missing = [i for i in range(count) if not SampleFiles(root, f"{i:09d}").meta.is_file()]
    jobs = [(f"{i:09d}", _Job(root, recipe, library, root_seed, i, code)) for i in missing]
    failed = sorted(
        (int(outcome.key), str(outcome.error))
        for outcome in run_jobs(_make, jobs, label="synthesizing", workers=workers)
        if outcome.error is not None
    )
    metas = [read_meta(path) for path in sorted((root / "meta").glob("*.json"))]
    _write_summary(root, identity, metas, failed)
    return Built(len(missing) - len(failed), len(metas), tuple(failed))


def _identity(recipe: Recipe, library: Library, root_seed: int) -> dict[str, Any]:
    """What makes the samples; a folder holds samples of one identity."""
    assets = library.to_json()
    return {
        "schema": SCHEMA,
        "recipe": recipe.id,
        "config": recipe.to_json(),
        "config_hash": recipe.hash,
        "root_seed": root_seed,
        "assets": assets,
        "assets_hash": sha256_json(assets),
        "version": __version__,
    }


def _claim(root: Path, identity: dict[str, Any], count: int) -> None:
    """Write dataset.json in a new folder, or make sure that the one there is the same."""
    path = root / DATASET
    if not path.is_file():
        if root.is_dir() and any(root.iterdir()):
            raise InputError(f"{root}: is not empty and holds no synthetic set; name a new folder with --out")
        write_json(path, {**identity, "count": 0, "failed": [], "code": []})
        return
    there = read_dataset(root)
    for name, what in (
        ("recipe", "recipe"),
        ("config_hash", "configuration"),
        ("root_seed", "seed"),
        ("assets_hash", "set of asset pictures"),
        ("version", "version of bokehbench"),
    ):
        if there.get(name) != identity[name]:
            old, new = _short(there.get(name)), _short(identity[name])
            raise InputError(
                f"{root}: was made with another {what} ({old}, now {new}); "
                "name a new folder with --out, or repeat the first command to go on"
            )


def _short(value: object) -> str:
    text = str(value)
    return text[:12] if len(text) == 64 else text


def _write_summary(
    root: Path, identity: dict[str, Any], metas: Sequence[dict[str, Any]], failed: Sequence[tuple[int, str]]
) -> None:
    """dataset.json, metadata.jsonl and failures.jsonl: functions of what is there, not of how it came."""
    codes = sorted({json.dumps(meta["code"], sort_keys=True) for meta in metas})
    licences = sorted({layer["licence"] for meta in metas for layer in meta["layers"]})
    kinds = Counter(str(layer["source"]).partition("#")[0] for meta in metas for layer in meta["layers"])
    write_json(
        root / DATASET,
        {
            **identity,
            "count": len(metas),
            "failed": [index for index, _ in failed],
            "code": [json.loads(text) for text in codes],
            "licences": licences,
            "layers_by_source": dict(sorted(kinds.items())),
        },
    )
    write_text(
        root / "metadata.jsonl", "".join(json.dumps(_row(meta), sort_keys=True) + "\n" for meta in metas)
    )
    if failed:
        lines = (json.dumps({"index": index, "error": error}) + "\n" for index, error in failed)
        write_text(root / "failures.jsonl", "".join(lines))
    else:
        (root / "failures.jsonl").unlink(missing_ok=True)


def _row(meta: dict[str, Any]) -> dict[str, Any]:
    """One line of metadata.jsonl; columns that end with `file_name` become images."""
    key, render = meta["key"], meta["renders"][0]
    return {
        "key": key,
        "aif_file_name": f"aif/{key}.png",
        "bokeh_file_name": f"bokeh/{key}_{render['id']}.png",
        "disp_file_name": f"disp/{key}.png",
        "K": render["K"],
        "disp_focus": render["disp_focus"],
        "gamma": render["gamma"],
        "radius_max": render["radius_max"],
        "layers": len(meta["layers"]),
    }


def read_dataset(root: Path) -> dict[str, Any]:
    """dataset.json of a set; InputError where the folder is none."""
    path = root / DATASET
    if not path.is_file():
        raise InputError(
            f"{root}: not a synthetic set (no {DATASET}); bokehbench synth build --out {root} makes one"
        )
    values = read_json(path)
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        raise InputError(f"{path}: not the record of a synthetic set of this version ({SCHEMA})")
    return values


def sample_keys(root: Path) -> list[str]:
    """Keys of complete samples, sorted."""
    return sorted(path.stem for path in (root / "meta").glob("*.json") if path.stem.isdigit())
