"""A tiny teacher with random weights, a folder of drawn pictures, and settings that fit both."""

import pytest

from bokehbench import images
from bokehbench.training.da_depth.settings import load
from tests.depth.depth_world import picture, save_depth_anything

SMALL = (
    "data.crop=56",
    "data.least=40",
    "data.held_out=2",
    "data.clean=0.25",
    "data.zoom={uniform: [1, 1.5]}",
    "student.steps=4",
    "student.batch=2",
    "student.lr=1.0e-3",
    "student.precision=fp32",
    "student.gradient_checkpointing=false",
    "student.schedule={shape: cosine, warm_up: 1, decay: 0}",
    "student.log_every=2",
    "student.validate_every=2",
    "student.checkpoint_every=2",
)


def small(*changes):
    return load("small", (*SMALL, *changes))


def draw(root, count, size=(70, 90), first=0):
    """Pictures in the folder and in one below it."""
    for number in range(count):
        folder = root / "deeper" if number % 2 else root
        folder.mkdir(parents=True, exist_ok=True)
        images.write_png(folder / f"{number:02d}.png", picture(*size, seed=first + number))
    return root


@pytest.fixture(scope="session")
def teacher(tmp_path_factory):
    return save_depth_anything(tmp_path_factory.mktemp("teacher") / "anything")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("drawn") / "pictures", 8)
