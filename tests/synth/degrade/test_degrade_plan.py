"""Claims about plans: the frequencies and ranges that presets state, JSON that gives equal pixels."""

from __future__ import annotations

import collections
import json

import numpy as np
import pytest
from scipy import stats

from bokehbench.errors import ConfigError
from bokehbench.rng import stream
from bokehbench.synth.degrade import PRESETS, DegradePlan, apply, load_preset
from bokehbench.synth.degrade.plan import Blur, Jpeg, Noise, Resize
from bokehbench.synth.degrade.preset import parse_preset

COUNT = 20_000


def photo(width: int = 96, height: int = 80) -> np.ndarray:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:height, 0:width]
    waves = 0.5 + 0.2 * np.sin(x / 5) + 0.2 * np.cos(y / 7)
    return np.clip(waves[..., None] + rng.normal(0, 0.05, (height, width, 3)), 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def plans() -> list[DegradePlan]:
    rng, preset = stream(0, 0, "test"), load_preset("realesrgan_x4")
    return [DegradePlan.sample(rng, preset, (512, 512)) for _ in range(COUNT)]


def agrees(counts: dict, weights: dict) -> bool:
    """Chi-square of observed counts against weights, refused below one in a hundred thousand."""
    total, share = sum(counts.values()), sum(weights.values())
    observed = [counts.get(key, 0) for key in weights]
    assert sum(observed) == total
    return stats.chisquare(observed, [total * w / share for w in weights.values()]).pvalue > 1e-5


def test_families_of_the_first_blur_come_as_often_as_stated(plans) -> None:
    config = load_preset("realesrgan_x4").stages[0].kernel
    families = {key: 0.9 * weight for key, weight in config.families.items()} | {"sinc": 0.1}
    first = [plan.steps[0] for plan in plans]
    assert all(isinstance(step, Blur) for step in first)
    assert agrees(collections.Counter(step.family for step in first), families)
    assert agrees(collections.Counter(step.size for step in first), dict.fromkeys(range(7, 22, 2), 1))


def test_ends_and_second_blurs_come_as_often_as_stated(plans) -> None:
    ends = collections.Counter(type(plan.steps[-1]).__name__ for plan in plans)
    # JPEG last in one half; else the sinc filter with 0.8, or the resize alone.
    assert agrees(ends, {"Jpeg": 0.5, "Blur": 0.4, "Resize": 0.1})
    blurs = collections.Counter(sum(isinstance(step, Blur) for step in plan.steps) for plan in plans)
    assert agrees(blurs, {1: 0.2 * 0.2, 2: 0.2 * 0.8 + 0.8 * 0.2, 3: 0.8 * 0.8})


def test_noise_and_its_strengths_are_uniform_in_their_ranges(plans) -> None:
    noises = [step for plan in plans for step in plan.steps if isinstance(step, Noise) and step.field == 0]
    assert len(noises) == COUNT
    kinds = {(kind, grey): 0.4 if grey else 0.6 for kind in ("gaussian", "poisson") for grey in (True, False)}
    assert agrees(collections.Counter((n.kind, n.grey) for n in noises), kinds)
    for kind, low, high in (("gaussian", 1 / 255, 30 / 255), ("poisson", 0.05, 3.0)):
        strengths = [n.strength for n in noises if n.kind == kind]
        assert stats.kstest(strengths, "uniform", (low, high - low)).pvalue > 1e-5


def test_sizes_follow_the_stated_factors(plans) -> None:
    first = [next((s for s in plan.steps[1:2] if isinstance(s, Resize)), None) for plan in plans]
    # A factor may round to the size there is; then there is no step: a few of 512.
    directions = collections.Counter(
        "keep" if step is None else "up" if step.size[0] > 512 else "down" for step in first
    )
    assert abs(directions["down"] / COUNT - 0.7) < 0.015
    assert abs(directions["up"] / COUNT - 0.2) < 0.015
    sides = [step.size[0] for step in first if step is not None]
    assert min(sides) >= 0.15 * 512 - 1 and max(sides) <= 1.5 * 512 + 1
    assert all([s for s in plan.steps if isinstance(s, Resize)][-1].size == (128, 128) for plan in plans)


def test_qualities_are_whole_and_within_range(plans) -> None:
    jpegs = [step.quality for plan in plans for step in plan.steps if isinstance(step, Jpeg)]
    assert set(np.unique(jpegs)) == set(range(30, 96))


def test_plateau_is_a_gaussian_power_of_one_in_half_of_the_draws(plans) -> None:
    betas = [plan.steps[0].beta for plan in plans if plan.steps[0].family.startswith("plateau")]
    assert np.mean(np.asarray(betas) == 1.0) == pytest.approx(0.5, abs=0.04)
    assert max(betas) <= 2.0


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("size", [(96, 80), (33, 7), (1, 1)])
def test_a_plan_read_from_its_json_gives_identical_pixels(preset: str, size: tuple[int, int]) -> None:
    image = photo(*size)
    for index in range(4):
        plan = DegradePlan.sample(stream(1, index, "degrade"), preset, size)
        again = DegradePlan.from_json(json.loads(json.dumps(plan.to_json())))
        assert again == plan
        first = apply(plan, image)
        assert first.shape == image.shape and first.dtype == np.float32
        assert (apply(again, image) == first).all()


def test_a_preset_that_changes_one_distribution_moves_nothing_else() -> None:
    fields = load_preset("realesrgan_x4").model_dump()
    fields["stages"][0]["kernel"]["p"] = 0.0
    other = parse_preset(fields, "test")
    for index in range(50):
        plan, less = (
            DegradePlan.sample(stream(2, index, "d"), p, (64, 64)) for p in ("realesrgan_x4", other)
        )
        assert plan.steps[1:] == less.steps


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("stages", 0, "kernel", "sigma"), [3, 1], "sigma"),
        (("stages", 0, "kernel", "sizes"), [8], "odd"),
        (("stages", 0, "noise", "sigme"), 1, "Extra inputs"),
        (("scale",), 0, "scale"),
        (("enlarge",), {"lanczos": 1}, "enlarge"),
        (("stages", 0, "jpeg", "quality"), [30, 101], "quality"),
        (("final", "modes"), {"area": 0}, "modes"),
    ],
)
def test_a_wrong_field_is_named(path: tuple, value: object, message: str) -> None:
    fields = load_preset("realesrgan_x4").model_dump()
    inner = fields
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(ConfigError, match=message):
        parse_preset(fields, "test")


def test_unknown_presets_and_impossible_sizes_are_one_clear_error(tmp_path) -> None:
    rng = stream(0, 0, "d")
    with pytest.raises(ConfigError, match="one of light_phone, osediff_512"):
        DegradePlan.sample(rng, "osedif", (8, 8))
    with pytest.raises(ConfigError, match="no such preset file"):
        load_preset(tmp_path / "x.yaml")
    with pytest.raises(ConfigError, match="0x8"):
        DegradePlan.sample(rng, "osediff_512", (0, 8))
    with pytest.raises(ConfigError, match="multiple of the scale 4"):
        DegradePlan.sample(rng, "osediff_512", (64, 64), margin=30)
