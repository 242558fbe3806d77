"""What the card of trained weights says of each stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from bokehbench.progress_made import SCHEMA, still_improving, summary
from bokehbench.records import code_version, library_versions, sha256_file, sha256_json
from bokehbench.training import checkpoint
from bokehbench.training.logs import read
from bokehbench.training.stage import Task


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
        "seconds_per_step": round(standing["seconds"] / max(1, standing["step"]), 4),
        "peak_memory_gib": round(standing.get("peak_bytes", 0) / 2**30, 3),
        "taken": {"file": file.name, **checkpoint.about_weights(file)},
        "best_step": standing["best_step"] if curve else None,
        "best_score": standing["best_score"] if curve else None,
        "validation": standing["figures"],
        "curve": [[step, round(score, 4)] for step, score in thinned(curve)],
        "losses": {"first": _losses(losses[:1]), "last": _losses(losses[-1:])},
        "still_improving": {**still_improving(curve), "finished": standing["step"] >= of},
    }


def method_card(
    method: str,
    weights: Path,
    *,
    parameters: int,
    config: Mapping[str, Any],
    files: Mapping[str, Path],
    libraries: Sequence[str],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """What a card says of every method's weights.

    Args:
        method: that renders with them.
        weights: their file, written already.
        parameters: in it.
        config: settings of the run, plain values.
        files: from which the weights of each stage were taken, in its folder.
        libraries: whose versions are kept.
        facts: what else the card says: data, command, device, scores ...
    """
    card = {
        "schema": SCHEMA,
        "method": method,
        "weights": {
            "file": weights.name,
            "sha256": sha256_file(weights),
            "bytes": weights.stat().st_size,
            "parameters": parameters,
        },
        "config": dict(config),
        "config_hash": sha256_json(config),
        "stages": {name: stage_card(file) for name, file in files.items()},
        "code": code_version(),
        "libraries": library_versions(*libraries),
        **facts,
    }
    return {**card, "summary": summary(card)}


def rounding(judge: Task, score: float, network: nn.Module | None = None) -> dict[str, float]:
    """What half precision costs: the largest error of a weight, and dB on what is held out.

    Args:
        judge: with the weights, which it has again afterwards.
        score: of them.
        network: that `judge` renders with and that is written, where this is more than what `judge` stores.
    """
    stored, load = (judge.stored(), judge.load_stored)
    if network is not None:
        stored, load = network.state_dict(), network.load_state_dict
    exact = {name: value.clone() for name, value in stored.items()}
    halves = {name: value.half().float() if value.numel() > 1 else value for name, value in exact.items()}
    largest = max(float((halves[name] - value).abs().max()) for name, value in exact.items() if value.numel())
    load(halves)
    rounded = judge.validate()["score"]
    load(exact)
    return {"largest_error": largest, "score_change_db": round(rounded - score, 5)}


def thinned(curve: Sequence[tuple[int, float]], most: int = 40) -> list[tuple[int, float]]:
    """At most so many points of a curve, the last among them."""
    every = -(-len(curve) // most) if curve else 1
    kept = list(curve[::every])
    return kept if not curve or kept[-1] == curve[-1] else [*kept, curve[-1]]


def _losses(entries: list[dict[str, Any]]) -> dict[str, float]:
    return {name: round(value, 6) for entry in entries for name, value in entry.items()}
