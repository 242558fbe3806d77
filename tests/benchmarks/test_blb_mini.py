"""The set that comes with the package: whole, small, clean, and blurred as much as its numbers say."""

from dataclasses import replace

import numpy as np
import pytest

from bokehbench import records
from bokehbench.baselines.raylayers import RayLayers
from bokehbench.benchmarks.locate import open_benchmark
from bokehbench.blender import manifest
from bokehbench.blender.sets import find_set


@pytest.fixture(scope="module")
def shipped():
    return open_benchmark("blb-mini").benchmark


def psnr(one, other):
    return -10 * np.log10(np.mean((np.clip(one, 0, 1) - np.clip(other, 0, 1)) ** 2))


def test_every_file_is_the_published_one_and_all_are_below_ten_megabytes(shipped):
    published = manifest.shipped("blb-mini")
    assert published["set"] == str(find_set("blb-mini"))
    assert {finding.status for finding in manifest.check(shipped.root, published)} == {manifest.SAME}
    assert sum(path.stat().st_size for path in shipped.root.rglob("*") if path.is_file()) < 10_000_000


def test_its_cases_are_those_of_the_set_and_their_noise_lies_far_below_any_method(shipped):
    spec = find_set("blb-mini")
    assert len(shipped.cases()) == len(spec.scenes) * len(spec.levels) * len(spec.foci) == 18
    infos = [records.read_json(shipped.root / scene / "info.json") for scene in spec.scenes]
    assert min(image["noise_psnr"] for info in infos for image in info["images"].values()) > 44.0


def test_neither_less_nor_more_blur_explains_the_pictures_better(shipped):
    """A renderer that knows nothing of Blender agrees best with the K that the set states."""
    renderer = RayLayers()
    for info in (case for case in shipped.cases() if case.key.endswith("k04-f09")):
        case = shipped.load(info)
        lenses = [replace(info.lens, K=info.lens.K * factor) for factor in (0.85, 1.0, 1.15)]
        scores = [psnr(renderer.render(replace(case.inputs, lens=lens)), case.target) for lens in lenses]
        assert np.argmax(scores) == 1, info.key
