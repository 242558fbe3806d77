"""Photographs that a method is trained on: their settings, and what is said of them in records."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from bokehbench.records import sha256_json
from bokehbench.registry import RecipeSpec, get
from bokehbench.synth.assets.library import Library
from bokehbench.synth.config import Recipe, load_recipe
from bokehbench.synth.distributions import Share, Strict
from bokehbench.synth.training import SynthDataset
from bokehbench.training.zero_shot import Comparison, assets_of_set, refuse_shared, refuse_shared_stream

STREAM = "stream"
"""What `--data` says for new scenes."""
CONTENTS = ("config", "content_hash", "layers_by_source", "licences")
"""What a card says of a stored set beside its identity, as the set's record does."""


class PhotographSettings(Strict):
    """Where photographs come from, and how parts are taken out of them.

    Attributes:
        recipe: of `bokehbench synth build`, for a stream and for the command that makes a stored set.
        changes: its ``--set`` assignments.
        scenes: of the stored set; a stream takes as many for an epoch.
        seed: root of the scenes.
        crop: pixels on a side.
        flip, flip_vertical: probabilities.
        quality: of the lens sampling of a stream.
        held_out: scenes of a stored set, its last, that are never trained on.
        validation_crops: of the scenes that are held out.
        validation_side: of them, pixels; they are rendered as at inference.
    """

    recipe: str
    changes: tuple[str, ...]
    scenes: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0)]
    crop: Annotated[int, Field(ge=16, le=1024)]
    flip: Share
    flip_vertical: Share
    quality: Literal["draft", "standard", "high", "final"]
    held_out: Annotated[int, Field(ge=1)]
    validation_crops: Annotated[int, Field(ge=1)]
    validation_side: Annotated[int, Field(ge=16, le=1024)]

    def load_recipe(self) -> Recipe:
        """The recipe with its changes."""
        is_file = self.recipe.endswith((".yaml", ".yml"))
        path = Path(self.recipe) if is_file else get(RecipeSpec, self.recipe).load()()
        return load_recipe(path, assignments=self.changes)

    def build_command(self) -> str:
        """What makes the stored set."""
        changes = "".join(f" --set '{change}'" for change in self.changes)
        return (
            f"bokehbench synth build --recipe {self.recipe}{changes} --count {self.scenes} "
            f"--seed {self.seed} --out SET"
        )


def stored_identity(data: SynthDataset) -> dict[str, Any]:
    """Recipe, seed and assets of a set, and how much of it there is."""
    names = ("recipe", "config_hash", "root_seed", "assets_hash")
    record = {name: data.store.record.get(name) for name in names}
    return {"kind": "stored set", **record, "scenes": len(data.samples), "photographs": len(data)}


def stream_identity(recipe: Recipe, library: Library, root_seed: int) -> dict[str, Any]:
    """Recipe, seed and assets of a stream."""
    return {
        "kind": STREAM,
        "recipe": recipe.id,
        "config_hash": recipe.hash,
        "root_seed": root_seed,
        "assets_hash": sha256_json(library.to_json()),
    }


def compare(data: str, library: Library | None, root_seed: int, benchmark: Path) -> Comparison:
    """Compare what is trained on with a benchmark.

    Args:
        data: `stream`, or the folder of a stored set.
        library, root_seed: of a stream.
        benchmark: its folder.

    Raises:
        InputError: something is shared.
    """
    if library is not None:
        return refuse_shared_stream(library, root_seed, benchmark)
    return refuse_shared(Path(data), benchmark)


def zero_shot_card(compared: dict[str, Comparison]) -> dict[str, Any]:
    """What a card says of the benchmarks that training data was compared with."""
    return {
        "compared_with": {name: found.compared for name, found in compared.items() if not found.unknown},
        "not_compared": {name: found.unknown for name, found in compared.items() if found.unknown},
        "how": "sha256 of asset files and names of drawn layers; bokehbench/training/zero_shot.py",
    }


def data_card(data: str, identity: dict[str, Any], settings: PhotographSettings) -> dict[str, Any]:
    """What a card says of the photographs: the command that makes a set, the changes of a stream's recipe."""
    if data == STREAM:
        return {**identity, "changes": list(settings.changes)}
    from bokehbench.synth.store.reader import read_dataset

    record = read_dataset(Path(data))
    card = identity | {name: record.get(name) for name in CONTENTS}
    # Only what has made this set: a user may train on any other.
    made = (record["config_hash"], record["root_seed"], len(record["failed"]) + record["count"])
    planned = (settings.load_recipe().hash, settings.seed, settings.scenes)
    return {**card, "build": settings.build_command() if made == planned else None}


def data_of_card(card: Mapping[str, Any]) -> dict[str, Any]:
    """The identity of the photographs of a `data_card`."""
    return {name: value for name, value in card.items() if name not in (*CONTENTS, "build", "changes")}


def asset_names(data: str) -> list[str]:
    """Names of all that was trained on; a stream makes new scenes and has none beforehand."""
    return [] if data == STREAM else sorted(assets_of_set(Path(data)))
