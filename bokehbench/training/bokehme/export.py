"""What a run leaves: one file of weights for both networks, and a card that says how they were made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bokehbench.baselines.bokehme.neural import NeuralRenderer
from bokehbench.baselines.bokehme.weights import save
from bokehbench.records import sha256_json, write_json
from bokehbench.training.bokehme.settings import BokehMeSettings
from bokehbench.training.bokehme.stages import BokehMeStage
from bokehbench.training.cards import method_card, rounding

WEIGHTS, CARD = "bokehme.safetensors", "bokehme.json"


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
    card = method_card(
        "bokehme",
        out / WEIGHTS,
        parameters=sum(weight.numel() for weight in renderer.parameters()),
        config=config,
        files=files,
        libraries=("torch", "accelerate", "numpy"),
        facts={
            "variant": variant,
            "fp16": rounding(judge, scores["score"], renderer),
            "held_out": scores,
            **facts,
        },
    )
    write_json(out / CARD, card)
    return card
