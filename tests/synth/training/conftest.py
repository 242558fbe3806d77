"""One small world for all tests of training: a recipe, its assets, a stored set."""

import pytest

from bokehbench.synth.config import bokehbench_v1, load_recipe
from bokehbench.synth.dataset import build, make_library

SIZE = (96, 72)
SEED = 11


@pytest.fixture(scope="session")
def recipe():
    small = ("quality=draft", "optics.radius_at_512={loguniform: [8, 48]}")
    return load_recipe(bokehbench_v1(), size=SIZE, assignments=small)


@pytest.fixture(scope="session")
def library(recipe):
    return make_library(recipe)


@pytest.fixture(scope="session")
def stored(recipe, library, tmp_path_factory):
    root = tmp_path_factory.mktemp("stored") / "set"
    build(recipe, library, count=4, root_seed=SEED, root=root)
    return root
