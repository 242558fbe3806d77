"""A set of samples on disk: who may write into a folder, what is missing, what the whole is.

::

    DIR/
        dataset.json               recipe, every value of it, root seed, assets, store, counts, code
        aif/ bokeh/ disp/ ...      pictures, in a folder store (bokehbench.synth.store.folder)
        meta/{key}.json            planes, offsets, sources, lens, plan, hashes: written last
        train-000000.tar ...       pictures and JSON, in a WebDataset store (bokehbench.synth.store.shards)
        metadata.jsonl             one line a sample (folder store), for the imagefolder loader of `datasets`
        samples.parquet            one row a sample
        failures.jsonl             indices that were given up, if any
        README.md                  the card of the set
        contact_sheet.png

A sample depends on (recipe, assets, root seed, index) alone; keys are nine-digit indices.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bokehbench import __version__
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.records import remove_parts, sha256_json, write_json
from bokehbench.synth.assets.folder import scan_backgrounds, scan_foregrounds
from bokehbench.synth.assets.library import PHOTOGRAPH, Library
from bokehbench.synth.assets.photographs import SHIPPED, large_enough
from bokehbench.synth.config import Recipe, parse_recipe
from bokehbench.synth.making import Making, make_missing
from bokehbench.synth.store import claims, table
from bokehbench.synth.store.profile import DEFAULT_PROFILE, PROFILES, Profile
from bokehbench.synth.store.reader import RECORD, SCHEMA, open_set, read_dataset
from bokehbench.synth.store.reader import StoredSet as StoredSet
from bokehbench.synth.summary import write_summary

MAX_FAILED = 0.01
"""Share of indices that may be given up before a build counts as failed."""
SHARD_SIZE = 500
SHOWN = 120
"""Characters of a value that a refusal quotes."""
Store = Literal["folder", "wds"]


def make_library(recipe: Recipe, fg: Path | None = None, bg: Path | None = None) -> Library:
    """What layers may be made of: the recipe's kinds, and the user's folders where given.

    Raises:
        InputError: a folder has no usable picture.
        ConfigError: both folders are the same, or photographs are wanted alone and none is large enough.
    """
    if fg is not None and bg is not None and fg.resolve() == bg.resolve():
        raise ConfigError(f"--fg and --bg are the same folder {fg}; cut-outs and backgrounds go in two")
    upscale = recipe.backgrounds.upscale_max
    shipped = tuple(
        name for name, photo in sorted(SHIPPED.items()) if large_enough(photo.size, recipe.size, upscale)
    )
    drawn = sum(weight for kind, weight in recipe.backgrounds.kinds.items() if kind != PHOTOGRAPH)
    if not shipped and drawn == 0.0 and (bg is None or recipe.folder_share < 1.0):
        raise ConfigError(
            f"backgrounds.kinds has photograph alone, and none that comes along fills {recipe.size[0]}x"
            f"{recipe.size[1]}; give another kind a weight, or your own pictures with --bg"
        )
    return Library(
        foregrounds=recipe.foregrounds.kinds,
        backgrounds=recipe.backgrounds.kinds,
        photographs=shipped,
        foreground_folder=scan_foregrounds(fg) if fg is not None else None,
        background_folder=scan_backgrounds(bg, recipe.size, upscale) if bg is not None else None,
        folder_share=recipe.folder_share,
    )


@dataclass(frozen=True)
class Built:
    """What a build did.

    Attributes:
        made: samples made now.
        total: samples there in all.
        failed: indices given up, with the reason.
        lacks_tables: why there are no tables in parquet, empty where there are.
    """

    made: int
    total: int
    failed: tuple[tuple[int, str], ...]
    lacks_tables: str = ""


def build(
    recipe: Recipe,
    library: Library,
    *,
    count: int,
    root_seed: int,
    root: Path,
    workers: int = 1,
    ray: str | None = None,
    shard: tuple[int, int] = (0, 1),
    store: Store = "folder",
    profile: Profile = PROFILES[DEFAULT_PROFILE],
    shard_size: int = SHARD_SIZE,
) -> Built:
    """Make the samples 0 ... count - 1 that are missing in `root`.

    Several processes, on several machines, may do this in one folder at the same time.

    Args:
        recipe, library, root_seed: what makes the samples.
        count: samples in all.
        root: folder of the set.
        workers, ray: see `jobs.run_jobs`.
        shard: (i, n): make the i-th of n parts.
        store: "folder", or "wds" for WebDataset shards.
        profile: what is stored, and how.
        shard_size: samples in a WebDataset shard.

    Raises:
        ConfigError: a number out of range.
        InputError: `root` holds another set, or files that are none.
        JobFailed: a worker process died.
    """
    if count < 1 or root_seed < 0:
        raise ConfigError(f"--count must be at least 1 and --seed at least 0, not {count} and {root_seed}")
    if shard_size < 1:
        raise ConfigError(f"--shard-size must be at least 1, not {shard_size}")
    making = Making(
        root,
        _with_profile(recipe, profile),
        library,
        root_seed,
        count=count,
        profile=profile,
        shard_size=shard_size if store == "wds" else None,
    )
    identity = _identity(making)
    _enter(root, identity)
    remove_parts(root)
    claims.sweep(root)
    try:
        made, failed = make_missing(making, workers=workers, ray=ray, shard=shard)
        with claims.wait_for(root / claims.FOLDER / "summary"):
            total = write_summary(root, identity)
    finally:
        claims.sweep(root)
    try:
        table.pyarrow()
    except Unavailable as error:
        return Built(made, total, tuple(failed), str(error))
    return Built(made, total, tuple(failed))


def _with_profile(recipe: Recipe, profile: Profile) -> Recipe:
    """The recipe with the profile's list of ground truth."""
    if profile.photographs == "exr" and recipe.transfer != "power":
        raise ConfigError(
            f"--profile {profile.name}: linear files need transfer: power, not {recipe.transfer}"
        )
    names = profile.names(recipe.truth)
    if names == recipe.truth:
        return recipe
    return parse_recipe({**recipe.to_json(), "truth": list(names)}, f"--profile {profile.name}")


def _identity(making: Making) -> dict[str, Any]:
    """What makes the samples and their files; a folder holds samples of one identity."""
    recipe, assets = making.recipe, making.library.to_json()
    return {
        "schema": SCHEMA,
        "recipe": recipe.id,
        "config": recipe.to_json(),
        "config_hash": recipe.hash,
        "root_seed": making.root_seed,
        "assets": assets,
        "assets_hash": sha256_json(assets),
        "version": __version__,
        "store": "folder" if making.shard_size is None else "wds",
        "profile": making.profile.to_json(),
        "shard_size": making.shard_size,
        "truth": list(recipe.truth),
    }


def _enter(root: Path, identity: dict[str, Any]) -> None:
    """Write dataset.json in a new folder, or make sure that the one there is the same."""
    if not (root / RECORD).is_file() and root.is_dir() and any(_foreign(root)):
        raise InputError(f"{root}: is not empty and holds no synthetic set; name a new folder with --out")
    root.mkdir(parents=True, exist_ok=True)
    try:
        with claims.wait_for(root / claims.FOLDER / "summary"):
            if not (root / RECORD).is_file():
                write_json(root / RECORD, {**identity, "count": 0, "failed": [], "code": []})
                return
        _refuse_another(root, read_dataset(root), identity)
    except InputError:
        claims.sweep(root)
        raise


def _refuse_another(root: Path, there: dict[str, Any], identity: dict[str, Any]) -> None:
    """InputError that names what differs where a folder holds another set."""
    for name, what in (
        ("recipe", "recipe"),
        ("root_seed", "seed"),
        ("assets_hash", "set of asset pictures"),
        ("version", "version of bokehbench"),
        ("store", "store"),
        ("profile", "profile"),
        ("shard_size", "shard size"),
        ("config_hash", "configuration"),
    ):
        if there.get(name) != identity[name]:
            if name == "config_hash":
                difference = _difference(there.get("config", {}), identity["config"])
            else:
                difference = f"{_short(there.get(name))}, now {_short(identity[name])}"
            raise InputError(
                f"{root}: was made with another {what} ({difference}); "
                "name a new folder with --out, or repeat the first command to go on"
            )


def _difference(old: object, new: object, where: str = "") -> str:
    """The first field in which two configurations differ, and both values."""
    if isinstance(old, dict) and isinstance(new, dict):
        field = next((name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)), "")
        return _difference(old.get(field), new.get(field), f"{where}.{field}" if where else field)
    return f"{where}: {_value(old)}, now {_value(new)}"


def _value(value: object) -> str:
    """A value of a configuration in a few words."""
    text = "not set" if value is None else json.dumps(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _foreign(root: Path) -> Iterator[Path]:
    """What nobody but a user can have put into a folder that has no dataset.json yet."""
    return (path for path in root.iterdir() if path.name != claims.FOLDER and ".part-" not in path.name)


def _short(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("name")
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text[:12] if len(text) == 64 else text


def sample_keys(root: Path) -> list[str]:
    """Keys of complete samples, sorted."""
    return open_set(root).keys()
