"""What a run leaves: a file of weights, and a card that says how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bokehbench.baselines.bokehdiff.weights import save
from bokehbench.records import sha256_json, write_json
from bokehbench.training.bokehdiff.settings import BokehDiffSettings
from bokehbench.training.bokehdiff.stages import DenoiserStage, judging
from bokehbench.training.cards import method_card, rounding


def method_name(settings: BokehDiffSettings) -> str:
    """That renders with the weights."""
    return "bokehdiff-compact" if settings.model.kind == "compact" else "bokehdiff"


def export(
    out: Path,
    settings: BokehDiffSettings,
    judge: DenoiserStage,
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
    method, model, scores = method_name(settings), judge.model, judge.validate()
    weights, config = out / f"{method}.safetensors", settings.to_json()
    with judging(model, settings.model.pisa):  # the file says how PISA is sampled with the weights
        save(model, weights, {"method": method, "config_hash": sha256_json(config)})
    card = method_card(
        method,
        weights,
        parameters=sum(tensor.numel() for tensor in model.trained_state().values()),
        config=config,
        files=files,
        libraries=("torch", "accelerate", "diffusers", "peft", "timm", "numpy"),
        facts={
            "fp16": rounding(judge, scores["score"]),
            "held_out": scores,
            "better_than_identity_db": round(scores["score"] - scores["identity"], 4),
            **facts,
        },
    )
    write_json(out / f"{method}.json", card)
    return card
