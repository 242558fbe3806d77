"""A small set of pairs, and a compact model of a few thousand weights."""

import pytest
import timm
import torch

from bokehbench.synth.config import builtin_path, load_recipe
from bokehbench.synth.dataset import build, make_library
from bokehbench.training.bokehdiff.settings import load

SCENES = (
    "size=[64, 64]",
    "quality=draft",
    "truth=[aif, bokeh, disp]",
    "stack.K_at_512=[32, 96]",
    "stack.disp_focus=[0.2, 0.6]",
    "stack.photographs=1",
    "foregrounds.kinds={leaves: 1, wires: 1}",
    "backgrounds.kinds={fairy_lights: 1}",
)
SIZES = (
    "model.sizes={vae_channels: [16, 16, 16], latent_channels: 4, unet_channels: [8, 32, 32], blocks: 1, "
    "head_width: 8, prompt_width: 8, time_width: 16}"
)
SMALL = (
    SIZES,
    "data.crop=32",
    "data.held_out=1",
    "data.validation_crops=2",
    "data.validation_side=32",
    *(
        f"{stage}.{change}"
        for stage in ("vae", "denoiser")
        for change in (
            "batch=2",
            "steps=4",
            "log_every=2",
            "validate_every=2",
            "checkpoint_every=2",
            "precision=fp32",
            "ema=0.5",
            "schedule={shape: cosine, warm_up: 1, decay: 0}",
        )
    ),
    "vae.crop=32",
)
BACKBONE = "convnext_atto"


def small(*changes):
    return load("compact", (*SMALL, *changes))


def scenes(root, count, seed, *changes):
    recipe = load_recipe(builtin_path("bokehdiff"), assignments=(*SCENES, *changes))
    build(recipe, make_library(recipe), count=count, root_seed=seed, root=root)
    return root


@pytest.fixture(scope="session")
def pair_set(tmp_path_factory):
    return scenes(tmp_path_factory.mktemp("pairs") / "set", 3, 5)


@pytest.fixture(scope="session")
def benchmark_set(tmp_path_factory):
    """Scenes of another seed, with what a benchmark stores."""
    return scenes(tmp_path_factory.mktemp("benchmark") / "set", 1, 6, "truth=[aif, bokeh, disp, layers]")


@pytest.fixture(scope="session")
def backbone_folder(tmp_path_factory):
    """A folder of weights with a backbone for the discriminator."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(1)
    torch.save(timm.create_model(BACKBONE, pretrained=False).state_dict(), folder / "backbone.pth")
    return folder
