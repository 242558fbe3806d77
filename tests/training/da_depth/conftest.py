"""A tiny teacher with random weights, a folder of drawn pictures, and settings that fit both."""

import numpy as np
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


NOISE = """
name: noise
summary: Noise alone, which a network can learn to look through.
source: ours
scale: 1
stages:
  - noise: {gaussian_p: 1, sigma: [40, 60], poisson: [1, 1], grey_p: 0}
final: {resize_first_p: 1, modes: {area: 1}}
enlarge: {area: 1}
"""


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


def smooth(seed, side=80):
    """Discs before slow waves, [side, side, 3] in [0, 1]: nothing that noise could be mistaken for."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    waves = [0.5 + 0.3 * np.sin(rng.uniform(2, 9) * x + rng.uniform(2, 9) * y + c) for c in range(3)]
    image = np.stack(waves, axis=2)
    for _ in range(6):
        (row, column), radius = rng.random(2), rng.uniform(0.05, 0.25)
        image[(y - row) ** 2 + (x - column) ** 2 < radius**2] = rng.random(3)
    return image.astype(np.float32)
