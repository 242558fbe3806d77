"""What a run leaves: a file of weights, and a card that says how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bokehbench.baselines.magicbokeh.weights import save
from bokehbench.records import sha256_json, write_json
from bokehbench.training.cards import method_card, rounding
from bokehbench.training.magicbokeh.settings import MagicBokehSettings
from bokehbench.training.magicbokeh.stages import AlternateStage


def method_name(settings: MagicBokehSettings) -> str:
    """That renders with the weights."""
    return "magicbokeh-compact" if settings.model.kind == "compact" else "magicbokeh"


def export(
    out: Path,
    settings: MagicBokehSettings,
    judge: AlternateStage,
    files: Mapping[str, Path],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Write both files; returns the card.

    Args:
        out: folder of the run.
        settings: of it.
        judge: with the weights to write; on its held-out pairs the rounding to fp16 is judged.
        files: from which the weights of each stage were taken, in its folder.
        facts: what else the card says: data, command, device ...
    """
    method, config, scores = method_name(settings), settings.to_json(), judge.validate()
    weights = out / f"{method}.safetensors"
    save(judge.model, weights, {"method": method, "config_hash": sha256_json(config)})
    state = judge.model.trained_state()
    card = method_card(
        method,
        weights,
        parameters=sum(tensor.numel() for tensor in state.values()),
        config=config,
        files=files,
        libraries=("torch", "accelerate", "diffusers", "peft", "numpy"),
        facts={
            "fp16": rounding(judge, scores["score"]),
            "held_out": scores,
            "better_than_input_db": round(scores["score"] - scores["input"], 4),
            "restoration_better_than_input_db": round(scores["restoration"] - scores["input_restoration"], 4),
            **facts,
        },
    )
    write_json(out / f"{method}.json", card)
    return card
