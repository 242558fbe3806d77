"""A small set of scenes, pictures in a folder, and a compact model of a few thousand weights."""

import numpy as np
import pytest

from bokehbench.images import write_png
from bokehbench.synth.config import builtin_path, load_recipe
from bokehbench.synth.dataset import build, make_library
from bokehbench.training.magicbokeh.settings import load

SCENES = (
    "size=[64, 64]",
    "quality=draft",
    "truth=[aif, bokeh, disp]",
    "optics.K_at_512={uniform: [32, 96]}",
    "foregrounds.kinds={leaves: 1, wires: 1}",
    "backgrounds.kinds={fairy_lights: 1}",
)
SIZES = (
    "model.sizes={vae_channels: [16, 16, 16], latent_channels: 4, unet_channels: [8, 32, 32], head_width: 8, "
    "condition_channels: [4, 4, 8], time_width: 16}"
)
SMALL = (
    SIZES,
    "model.fama.rank=2",
    "data.crop=32",
    "data.held_out=1",
    "data.validation_crops=1",
    "data.validation_side=32",
    "data.photographs={zoom: [1, 1.5], least: null, held_out: 1}",
    *(
        f"{stage}.{change}"
        for stage in ("vae", "isr", "alternate")
        for change in (
            "batch=2",
            "steps=4",
            "log_every=2",
            "validate_every=2",
            "checkpoint_every=1",
            "precision=fp32",
            "ema=0.5",
            "schedule={shape: cosine, warm_up: 1, decay: 0}",
        )
    ),
    "vae.crop=32",
)


FEW_ON_BASE = (
    "data.crop=64",
    "data.held_out=1",
    "data.validation_crops=1",
    "data.validation_side=64",
    "model.ranks={vae: 2, isr: 2}",
    "model.fama.rank=2",
    "validation.disparity=gt",
    *(
        f"{stage}.{change}"
        for stage in ("isr", "alternate")
        for change in (
            "batch=1",
            "steps=2",
            "log_every=1",
            "validate_every=2",
            "checkpoint_every=2",
            "losses.lpips=0",
        )
    ),
)


def small(*changes):
    return load("compact", (*SMALL, *changes))


def scenes(root, count, seed, *changes):
    recipe = load_recipe(builtin_path("magicbokeh"), assignments=(*SCENES, *changes))
    build(recipe, make_library(recipe), count=count, root_seed=seed, root=root)
    return root


@pytest.fixture(scope="session")
def magic_set(tmp_path_factory):
    return scenes(tmp_path_factory.mktemp("magic") / "set", 3, 5)


@pytest.fixture(scope="session")
def magic_benchmark(tmp_path_factory):
    """A scene of another seed, with what a benchmark stores."""
    return scenes(
        tmp_path_factory.mktemp("magic_benchmark") / "set", 1, 6, "truth=[aif, bokeh, disp, layers]"
    )


@pytest.fixture(scope="session")
def sharp_folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("sharp")
    draw = np.random.default_rng(0)
    for number in range(3):
        rows, columns = np.mgrid[0:48, 0:56] / 8.0
        waves = np.sin(rows * (number + 1))[..., None] * np.cos(columns)[..., None] * draw.random(3)
        write_png(root / f"{number}.png", (0.5 + 0.5 * waves).astype(np.float32))
    return root
