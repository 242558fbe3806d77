"""What a run leaves: a folder as transformers writes it, and a card that says how it was made."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bokehbench.depth.loading import quiet
from bokehbench.progress_made import SCHEMA, summary
from bokehbench.records import code_version, library_versions, sha256_file, sha256_json, write_json
from bokehbench.training.cards import stage_card
from bokehbench.training.da_depth.settings import STAGE, DaDepthSettings
from bokehbench.training.da_depth.stage import Distillation

NAME = "da-depth"
"""Of the folder, as `bokehbench depth --model da-depth` looks for it."""
CARD, WEIGHTS = "card.json", "model.safetensors"


def export(
    out: Path,
    settings: DaDepthSettings,
    task: Distillation,
    processor: Any,
    taken: Path,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the folder; returns the card.

    Args:
        out: folder of the run.
        settings: of it.
        task: with the weights to write.
        processor: what pictures go through before the network.
        taken: file of the weights, in its stage's folder.
        facts: what else the card says: teacher, data, command, device ...
    """
    folder = out / NAME
    _write(task, processor, folder)
    config = settings.to_json()
    card = {
        "schema": SCHEMA,
        "method": NAME,
        "weights": {
            "file": f"{NAME}/{WEIGHTS}",
            "sha256": sha256_file(folder / WEIGHTS),
            "bytes": (folder / WEIGHTS).stat().st_size,
            "parameters": sum(weight.numel() for weight in task.network.parameters()),
        },
        "held_out": task.validate(),
        "config": config,
        "config_hash": sha256_json(config),
        "stages": {STAGE: stage_card(taken)},
        "code": code_version(),
        "libraries": library_versions("torch", "accelerate", "transformers", "numpy"),
        **facts,
    }
    card["summary"] = summary(card)
    write_json(folder / CARD, card)
    return card


def _write(task: Distillation, processor: Any, folder: Path) -> None:
    """All files are made elsewhere, then put into their places, the weights last."""
    made = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    network: Any = task.network
    with quiet():
        network.save_pretrained(made)
        processor.save_pretrained(made)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD).unlink(missing_ok=True)
    for path in sorted(made.iterdir(), key=lambda path: path.name == WEIGHTS):
        path.replace(folder / path.name)
    made.rmdir()
