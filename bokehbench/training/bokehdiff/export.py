"""What a run leaves: a file of weights, and a card that says how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bokehbench.baselines.bokehdiff.weights import save
from bokehbench.records import code_version, library_versions, sha256_file, sha256_json, write_json
from bokehbench.training.bokehdiff.settings import BokehDiffSettings
from bokehbench.training.bokehdiff.stages import DenoiserStage, judging
from bokehbench.training.cards import SCHEMA, stage_card, summary


def names(settings: BokehDiffSettings) -> tuple[str, str]:
    """Of the two files."""
    method = method_name(settings)
    return f"{method}.safetensors", f"{method}.json"


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
    weights, card_name = names(settings)
    config = settings.to_json()
    config_hash = sha256_json(config)
    method, model, scores = method_name(settings), judge.model, judge.validate()
    with judging(model, settings.model.pisa):  # the file says how PISA is sampled with the weights
        save(model, out / weights, {"method": method, "config_hash": config_hash})
    stages = {name: stage_card(file) for name, file in files.items()}
    card = {
        "schema": SCHEMA,
        "method": method,
        "weights": {
            "file": weights,
            "sha256": sha256_file(out / weights),
            "bytes": (out / weights).stat().st_size,
            "parameters": sum(tensor.numel() for tensor in model.trained_state().values()),
        },
        "fp16": _rounding(judge, scores["score"]),
        "held_out": scores,
        "better_than_identity_db": round(scores["score"] - scores["identity"], 4),
        "config": config,
        "config_hash": config_hash,
        "stages": stages,
        "summary": summary("bokehdiff", stages),
        "code": code_version(),
        "libraries": library_versions("torch", "accelerate", "diffusers", "peft", "timm", "numpy"),
        **facts,
    }
    write_json(out / card_name, card)
    return card


def _rounding(judge: DenoiserStage, score: float) -> dict[str, float]:
    """What half precision costs: the largest error of a weight, and dB on the held-out pairs."""
    exact = {name: value.clone() for name, value in judge.stored().items()}
    halves = {name: value.half().float() if value.numel() > 1 else value for name, value in exact.items()}
    largest = max(float((halves[name] - value).abs().max()) for name, value in exact.items() if value.numel())
    judge.load_stored(halves)
    rounded = judge.validate()["score"]
    judge.load_stored(exact)
    return {"largest_error": largest, "score_change_db": round(rounded - score, 5)}
