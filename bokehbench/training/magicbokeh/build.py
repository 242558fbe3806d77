"""The model of a training as its settings say, before its first step."""

from __future__ import annotations

from bokehbench.baselines.magicbokeh import base as bases
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


def multiple(settings: MagicBokehSettings, base: str | None, revision: str | None) -> int:
    """What sides of pictures have to be multiples of, pixels; known before there is a model.

    Args:
        settings, base, revision: see `before_training`.

    Raises:
        Unavailable, ConfigError, InputError: a base that is missing, or of another kind.
    """
    if settings.model.kind == "compact":
        config = CompactConfig.from_json(settings.model.sizes)
        stages = len(config.vae_channels) + len(config.unet_channels)
    else:
        assert base is not None
        configs = bases.configurations(base, revision)
        stages = sum(len(configs[part]["block_out_channels"]) for part in ("vae", "unet"))
    return int(2 ** (stages - 2))
