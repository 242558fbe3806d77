"""What a run leaves: one file of weights for both networks, and a card that says how they were made."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bokehbench.baselines.bokehme.neural import NeuralRenderer
from bokehbench.baselines.bokehme.weights import save
from bokehbench.records import code_version, library_versions, sha256_file, sha256_json, write_json
from bokehbench.training import checkpoint
from bokehbench.training.bokehme.settings import BokehMeSettings
from bokehbench.training.bokehme.stages import BokehMeStage
from bokehbench.training.logs import read
from bokehbench.training.progress_made import still_improving, thinned

WEIGHTS, CARD = "bokehme.safetensors", "bokehme.json"
SCHEMA = "bokehbench.training.card/1"


def export(
    out: Path,
    settings: BokehMeSettings,
    renderer: NeuralRenderer,
    judge: BokehMeStage,
    files: Mapping[str, Path],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Write both files; returns the card.

    Args:
        out: folder of the run.
        settings: of it.
        renderer: with the weights to write.
        judge: the last stage, with the same renderer; on its held-out crops the rounding to fp16 is judged.
        files: from which the weights of each stage were taken, in its folder.
        facts: what else the card says: data, command, device ...
    """
    variant = settings.iunet.variant
    config = settings.to_json()
    scores = judge.validate()
    config_hash = sha256_json(config)
    about = {"method": "bokehme", "variant": variant, "config_hash": config_hash}
    # One entry: safetensors writes several in any order, and equal weights are to be equal bytes.
    save(renderer, out / WEIGHTS, {"bokehbench": json.dumps(about, sort_keys=True)})
    stages = {name: stage_card(file) for name, file in files.items()}
    card = {
        "schema": SCHEMA,
        "method": "bokehme",
        "variant": variant,
        "weights": {
            "file": WEIGHTS,
            "sha256": sha256_file(out / WEIGHTS),
            "bytes": (out / WEIGHTS).stat().st_size,
            "parameters": sum(weight.numel() for weight in renderer.parameters()),
        },
        "fp16": _rounding(renderer, judge, scores["score"]),
        "held_out": scores,
        "config": config,
        "config_hash": config_hash,
        "stages": stages,
        "summary": summary(stages),
        "code": code_version(),
        "libraries": library_versions("torch", "accelerate", "numpy"),
        **facts,
    }
    write_json(out / CARD, card)
    return card


def stage_card(file: Path) -> dict[str, Any]:
    """How far a stage came, in how long, along which curve; of which step the weights are that are used."""
    folder = file.parent
    state = checkpoint.load_state(folder / checkpoint.STATE)
    standing, of = state["standing"], state["settings"]["steps"]
    curve = [(int(step), float(score)) for step, score in standing["curve"]]
    losses = [entry for entry in read(folder) if f"{folder.name}/loss" in entry]
    return {
        "steps": standing["step"],
        "of": of,
        "hours": round(standing["seconds"] / 3600.0, 3),
        "taken": {"file": file.name, **checkpoint.about_weights(file)},
        "best_step": standing["best_step"] if curve else None,
        "best_score": standing["best_score"] if curve else None,
        "validation": standing["figures"],
        "curve": [[step, round(score, 4)] for step, score in thinned(curve)],
        "losses": {"first": _losses(losses[:1]), "last": _losses(losses[-1:])},
        "still_improving": {**still_improving(curve), "finished": standing["step"] >= of},
    }


def summary(stages: Mapping[str, Mapping[str, Any]]) -> str:
    """One sentence: how far each stage came, and whether more steps would pay."""
    parts = []
    for name, stage in stages.items():
        improving = stage["still_improving"]
        taken = stage["taken"].get("step", stage["steps"])
        state = "still improving" if improving["value"] else "" if improving["finished"] else "not finished"
        parts.append(f"{name} {stage['steps']} of {stage['of']} steps, weights of step {taken}")
        parts += [state] if state else []
    return f"trained by bokehbench train bokehme: {', '.join(parts)}"


def _losses(entries: list[dict[str, Any]]) -> dict[str, float]:
    return {name: round(value, 6) for entry in entries for name, value in entry.items()}


def _rounding(renderer: NeuralRenderer, judge: BokehMeStage, score: float) -> dict[str, float]:
    """What half precision costs: the largest error of a weight, and dB on the held-out crops."""
    exact: dict[str, Tensor] = {name: value.clone() for name, value in renderer.state_dict().items()}
    halves = {name: value.half().float() for name, value in exact.items()}
    largest = max(float((halves[name] - value).abs().max()) for name, value in exact.items())
    renderer.load_state_dict(halves)
    rounded = judge.validate()["score"]
    renderer.load_state_dict(exact)
    return {"largest_error": largest, "score_change_db": round(rounded - score, 5)}


def device_name(device: torch.device) -> str:
    """What was computed on, in words."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.is_file() else []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{named or platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
