"""The model of a training as its settings say, before its first step."""

from __future__ import annotations

from bokehbench.baselines.magicbokeh import build
from bokehbench.baselines.magicbokeh.compact import CompactConfig
from bokehbench.baselines.magicbokeh.fama.settings import FamaSettings
from bokehbench.baselines.magicbokeh.model import MagicBokeh
from bokehbench.training.magicbokeh.settings import MagicBokehSettings
from bokehbench.training.starting import seed_number


def before_training(settings: MagicBokehSettings, base: str | None, revision: str | None) -> MagicBokeh:
    """On a base with LoRA that change nothing yet, or compact with random weights.

    Args:
        settings: of the run.
        base, revision: of an sd21 model.
    """
    own, tile = settings.model, settings.data.crop
    fama = FamaSettings(form=own.fama.form, rank=own.fama.rank, masked=own.fama.masked)
    seed = seed_number(settings.seed, "training.weights")
    if own.kind == "compact":
        config = CompactConfig.from_json({**own.sizes, "tile_px": tile})
        model = build.random_compact(seed, config, fama)
    else:
        assert base is not None
        model = build.from_sd21(
            base, revision, ranks=own.ranks.model_dump(), fama=fama, seed=seed, tile_px=tile
        )
    if own.gradient_checkpointing:
        model.enable_gradient_checkpointing()
    return model
