"""A small set of photographs for all tests of training, and settings that fit it."""

import pytest

from bokehbench.synth.config import builtin_path, load_recipe
from bokehbench.synth.dataset import build, make_library
from bokehbench.training.bokehme.settings import load

# K counts pixels at a width of 512: at 96 these are 12 and 24.
SMALL = (
    "size=[96, 96]",
    "quality=draft",
    "stack.K_at_512=[64, 128]",
    "stack.disp_focus=[0.3]",
    "stack.gamma=[1, 2.2]",
    "truth=[aif, bokeh, disp, boundary, layers]",
    "foregrounds.kinds={leaves: 1, wires: 1}",
    "backgrounds.kinds={fairy_lights: 1}",
)
FEW = (
    "data.crop=32",
    "data.crops=2",
    "data.held_out=1",
    "data.validation_crops=3",
    "data.validation_side=32",
    *(f"{stage}.{name}" for stage in ("arnet", "iunet") for name in ("batch=2", "steps=4", "log_every=2")),
    *(
        f"{stage}.{name}"
        for stage in ("arnet", "iunet")
        for name in ("validate_every=2", "checkpoint_every=2")
    ),
)


def make_set(root, seed, count):
    recipe = load_recipe(builtin_path("bokehme"), assignments=SMALL)
    build(recipe, make_library(recipe), count=count, root_seed=seed, root=root)
    return root


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    return make_set(tmp_path_factory.mktemp("photographs") / "set", seed=5, count=3)


@pytest.fixture(scope="session")
def others(tmp_path_factory):
    """Scenes of another seed."""
    return make_set(tmp_path_factory.mktemp("others") / "set", seed=6, count=2)


@pytest.fixture(scope="session")
def settings():
    return few()


def few(*changes):
    return load("paper", (*FEW, *changes))
