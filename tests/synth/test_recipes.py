"""Every recipe draws what its YAML says; the published faults appear under compat alone."""

import json

import numpy as np
import pytest
from scipy import stats

from bokehbench.errors import ConfigError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens
from bokehbench.registry import RecipeSpec, get, names
from bokehbench.synth.config import BUILTIN, builtin_path, load_recipe
from bokehbench.synth.dataset import make_library
from bokehbench.synth.plan import Plan, draw_plan
from bokehbench.synth.sample import describe, make_first_valid, remake, truths
from bokehbench.synth.settings import Maps, choose_settings

COUNT = 500


def draw(name, size=(512, 512), count=COUNT, settings=()):
    recipe = load_recipe(builtin_path(name), size=size, assignments=settings)
    library = make_library(recipe)
    return [draw_plan(recipe, library, 3, index) for index in range(count)]


@pytest.fixture(scope="module")
def plans():
    return {name: draw(name, count=COUNT if name != "bokehme" else 60) for name in BUILTIN}


def fits(values, distribution):
    """Kolmogorov-Smirnov; the draws are seeded, so this holds or fails for good."""
    return stats.kstest(values, distribution).pvalue > 1e-3


def test_every_recipe_is_registered():
    assert set(BUILTIN) <= set(names(RecipeSpec))
    for name in BUILTIN:
        spec = get(RecipeSpec, name)
        assert load_recipe(spec.load()()).id == spec.id


def test_plans_survive_json(plans):
    for name in BUILTIN:
        for plan in plans[name][:5]:
            assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_photographs_of_a_stack_are_drawn_anew_for_each_scene_and_shared_by_its_K():
    recipe = load_recipe(builtin_path("bokehme"), assignments=("stack.photographs=3",))
    library = make_library(recipe)
    seen = []
    for index in range(3):
        plan = draw_plan(recipe, library, 5, index, 0)
        layers = (Layer(np.ones((*plan.size[::-1], 4), np.float32), Plane(1e-3, 0.0, 0.2)),)
        settings = choose_settings(plan, layers, Maps.of(layers, plan.size))
        assert settings == choose_settings(plan, layers, Maps.of(layers, plan.size))
        pairs = [(s.lens.K, s.lens.disp_focus, s.lens.gamma) for s in settings]
        assert [K for K, _, _ in pairs] == [12.0] * 3 + [24.0] * 3
        assert len(set(pairs)) == 6
        seen.append({(focus, gamma) for _, focus, gamma in pairs})
    assert len(set.union(*seen)) > 12


def test_bokehme_is_a_stack_of_200(plans):
    plan = plans["bokehme"][0]
    assert plan.stack.K == (12, 24) and plan.stack.gamma == (1, 2, 3, 4, 5)
    np.testing.assert_allclose(plan.stack.disp_focus, np.arange(1, 21) * 0.05)
    assert {len(p.foregrounds) for p in plans["bokehme"]} == {1, 2, 3}


def test_magicbokeh_statistics(plans):
    drawn = plans["magicbokeh"]
    assert all(len(plan.foregrounds) == 2 for plan in drawn)
    assert fits([plan.lens.value for plan in drawn], stats.uniform(0, 32).cdf)
    assert np.mean([p.focus.rule == "foreground_pixel" for p in drawn]) == pytest.approx(0.5, abs=0.07)
    assert np.mean([p.augment.hflip for p in drawn]) == pytest.approx(0.5, abs=0.07)
    assert all(p.degrade["preset"] == "osediff_512" for p in drawn)
    assert fits([p.background.range for p in drawn], stats.uniform(0, 0.25).cdf)


@pytest.mark.parametrize("name", ["bokehdiff", "bokehdiff_compat"])
def test_bokehdiff_statistics(plans, name):
    drawn = plans[name]
    assert fits([plan.lens.value / 12.0 for plan in drawn], stats.loguniform(0.25, 8.0).cdf)
    assert fits([np.sqrt(p.foregrounds[0].area) for p in drawn], stats.uniform(0.5, 0.5).cdf)
    assert fits([p.foregrounds[0].offset[0] for p in drawn], stats.uniform(-192, 384).cdf)
    assert all(p.frame.size == (816, 816) for p in drawn)
    assert min(p.frame.x for p in drawn) >= 24 and max(p.frame.x for p in drawn) <= 24 + 256
    # The direction of two uniform slopes: as often in each octant, denser at the diagonals.
    folded = np.mod([p.background.direction_deg for p in drawn], 90.0)
    assert np.mean((folded > 22.5) & (folded < 67.5)) == pytest.approx(1 - np.tan(np.pi / 8), abs=0.07)


def test_brightness_of_the_published_code_is_mostly_its_upper_limit(plans):
    gains = {n: [p.augment.gain for p in plans[n] if p.augment.gain != 1.0] for n in plans}
    assert np.mean(np.asarray(gains["bokehdiff_compat"]) == 1.1) == pytest.approx(0.6, abs=0.07)
    assert fits(gains["bokehdiff"], stats.uniform(0.5, 0.6).cdf)


def test_apertures_of_bokehbench_v1(plans):
    apertures = [plan.lens.aperture for plan in plans["bokehbench_v1"]]
    assert np.mean(["cat_eye" in a for a in apertures]) == pytest.approx(0.3, abs=0.07)
    assert fits([a["cat_eye"] for a in apertures if "cat_eye" in a], stats.uniform(0.1, 0.6).cdf)
    shapes = [
        a.get("shape") or ("polygon" if "blades" in a else "donut" if "inner" in a else "disc")
        for a in apertures
    ]
    expected = {"disc": 0.5, "polygon": 0.3, "donut": 0.05, "star": 0.05, "heart": 0.05, "clover": 0.05}
    counts = [shapes.count(name) for name in expected]
    assert stats.chisquare(counts, np.asarray(list(expected.values())) * COUNT).pvalue > 1e-3
    modes = [plan.highlight.mode for plan in plans["bokehbench_v1"]]
    assert set(modes) == {"none", "lift", "inverse_reinhard", "lights"}


def test_sections_do_not_move_each_others_numbers():
    """Named streams: adding degradation, corruption or a stack leaves all else where it was."""
    plain = draw("bokehbench_v1", count=5)
    more = draw(
        "bokehbench_v1",
        count=5,
        settings=(
            "degrade.preset=osediff_512",
            "corruption.p=1",
            "stack.K_at_512=[4, 8]",
            "augment.hflip_p=1",
        ),
    )
    added = ("degrade", "corruption", "stack", "augment")
    for a, b in zip(plain, more, strict=True):
        assert a.model_dump(exclude=set(added)) == b.model_dump(exclude=set(added))
        assert b.degrade and b.corruption and b.stack.K == (4, 8)


@pytest.mark.parametrize(
    ("recipe", "assignment", "words"),
    [
        ("magicbokeh", "optics.K_at_512=-1", "K_at_512 must be"),
        ("magicbokeh", "optics.K_at_512={uniform: [-2, 4]}", "K_at_512 must be"),
        ("bokehbench_v1", "focus.uniform={uniform: [0, 1.5]}", "uniform must be"),
        ("bokehme", "stack.disp_focus=[0.2, 1.2]", "stack.disp_focus.1"),
        ("bokehme", "stack.gamma=[0]", "stack.gamma.0"),
        ("bokehme", "stack.gamma=[2, 2]", "twice"),
        ("bokehme", "stack.photographs=101", "more than the 100"),
        ("bokehme", "gamma=0", "gamma"),
        ("bokehme", "stack.apertures=[{blades: 2}]", "blades must be"),
        ("bokehdiff_compat", "compat.samples_per_side=2", "samples_per_side"),
        ("bokehdiff_compat", "compat.kernal=mpib", "kernal: no such field"),
        ("bokehdiff", "planes.gap=0", "gap must be at least"),
        ("bokehdiff", "planes.background_range=0.99", "do not fit"),
        ("bokehdiff", "optics.radius_at_512=3", "optics.radius_at_512: no such field"),
        ("bokehdiff", "frame.rim_at_512=400", "rim"),
        ("bokehbench_v1", "truth=[aif, lq]", "needs the section degrade"),
        ("bokehbench_v1", "truth=[aif, bokeh, haze]", "unknown haze"),
        ("bokehbench_v1", "degrade.preset=tv_noise", "degrade.preset"),
        ("bokehbench_v1", "optics.opening.shapes={octopus: 1}", "unknown aperture shapes octopus"),
        ("bokehbench_v1", "optics.opening.shapes={mask: 1}", "masks names no picture"),
        ("bokehbench_v1", "optics.opening.masks=[/nowhere/x.png]", "no such file"),
        ("bokehbench_v1", "focus.rules={layer_median: 0}", "add up to 0"),
        ("bokehme", "highlights={modes: {bokehme: 1}}", "bokehme depends on the focus"),
    ],
)
def test_out_of_range_is_refused_before_any_work(recipe, assignment, words):
    with pytest.raises(ConfigError, match=words) as error:
        load_recipe(builtin_path(recipe), assignments=(assignment,))
    assert "\n" not in str(error.value) and recipe in str(error.value)


# ---------------------------------------------------------------------------------------------- samples

FAST = {
    "bokehme": ("stack.disp_focus=[0.1, 0.9]", "stack.gamma=[1, 4]", "stack.aif=per_gamma"),
    "bokehdiff_compat": ("compat.samples_per_side=9",),
}


@pytest.fixture(scope="module", params=BUILTIN)
def made(request):
    settings = ("quality=draft", *FAST.get(request.param, ()))
    recipe = load_recipe(builtin_path(request.param), size=(80, 64), assignments=settings)
    library = make_library(recipe)
    return recipe, library, [make_first_valid(recipe, library, 11, index) for index in range(3)]


def test_a_sample_is_made_again_from_its_json_alone(made):
    recipe, library, samples = made
    sample, failures = samples[0]
    meta = json.loads(json.dumps(describe(sample, recipe.hash, failures)))
    again = remake(meta, library)
    for a, b in zip(truths(sample), truths(again), strict=True):
        assert a.name == b.name
        np.testing.assert_array_equal(a.pixels, b.pixels)


def test_samples_have_what_the_recipe_says(made):
    recipe, _, samples = made
    for sample, _ in samples:
        found = [truth.name for truth in truths(sample)]
        assert len(found) == len(set(found))
        assert {"aif", "bokeh_k0", "disp"} <= set(found)
        assert sample.all_in_focus.shape == (64, 80, 3) and np.isfinite(sample.all_in_focus).all()
        assert sample.scene.disparity.min() >= -1e-6 and sample.scene.disparity.max() <= 1.0 + 1e-6
        meta = describe(sample, "x", [])
        assert meta["checks"]["compat"] == [] or recipe.compat is not None
        if recipe.compat is None:
            assert meta["checks"]["min_gap"] is None or meta["checks"]["min_gap"] >= 0.02
        for layer in meta["layers"]:
            assert {"bbox", "licence", "sha256", "alpha_mean", "soft_share", "plane", "source"} <= set(layer)


@pytest.mark.parametrize("made", ["bokehme"], indirect=True)
def test_stretched_disparity_spans_everything_and_stacks_share_a_scene(made):
    _, _, samples = made
    for sample, _ in samples:
        assert sample.scene.disparity.min() == pytest.approx(0.0, abs=1e-5)
        assert sample.scene.disparity.max() == pytest.approx(1.0, abs=1e-5)
        assert [r.id for r in sample.renders] == [f"k{i}" for i in range(2 * 2 * 2)]
        assert {(r.lens.K, r.lens.disp_focus, r.lens.gamma) for r in sample.renders} == {
            (K * 80 / 512, where, gamma) for K in (12, 24) for where in (0.1, 0.9) for gamma in (1, 4)
        }
        assert {"aif_g1", "aif_g4"} <= {truth.name for truth in truths(sample)}
        # Where nothing is transparent all gammas show the same; at soft edges they need not.
        gaps = [r.facts["aif_gamma_gap"] for r in sample.renders]
        assert max(gaps) > 1e-3
        same = np.isclose(sample.by_gamma[1.0], sample.all_in_focus, atol=2e-3).all(axis=2).mean()
        assert same > 0.5


@pytest.mark.parametrize("made", ["bokehdiff", "bokehdiff_compat"], indirect=True)
def test_tilt_padding_and_labels_are_true_but_under_compat(made):
    recipe, _, samples = made
    tilts = [abs(p.plane.p) + abs(p.plane.q) for s, _ in samples for p in s.scene.layers[:-1]]
    faulty = recipe.compat is not None
    assert all(t == 0.0 for t in tilts) if faulty else all(t > 0.0 for t in tilts)
    for sample, _ in samples:
        render = sample.renders[0]
        where = render.lens.disp_focus
        rendered = sample.plan.lens.value / max(where, 1.0 - where)
        ratio = render.lens.K / rendered
        assert 0.3 < ratio < 0.999 if faulty else ratio == pytest.approx(1.0)
        background = sample.scene.layers[-1]
        if not faulty:
            assert -background.x >= render.facts["radius_max"]


def test_published_labels_understate_k_and_padding_is_short():
    """label / true has percentiles 5/50/95 = 0.44/0.70/0.92; the radius exceeds the padding in 23 %."""
    rng = np.random.default_rng(0)
    ratios, short = [], []
    for plan in draw("bokehdiff_compat", count=3000, size=(512, 512)):
        far = plan.background.base + plan.background.range / 2.0
        where = plan.foregrounds[0].disparity if rng.random() < 0.5 else far
        rendered = Lens(plan.lens.value / max(where, 1.0 - where), where)
        ratios.append(plan.lens.value * plan.compat.label_factor / rendered.K)
        extremes = (
            plan.foregrounds[0].disparity,
            plan.background.base,
            plan.background.base + plan.background.range,
        )
        short.append(max(rendered.K * abs(d - where) for d in extremes) > 24.0)
    np.testing.assert_allclose(np.percentile(ratios, [5, 50, 95]), [0.44, 0.70, 0.92], atol=0.02)
    assert np.mean(short) == pytest.approx(0.23, abs=0.03)


def test_hair_lights_focuses_behind_one_coat_before_the_lights_of_a_night():
    spec = get(RecipeSpec, "hair_lights")
    assert load_recipe(spec.load()()).id == spec.id
    for plan in draw("hair_lights", size=(512, 384), count=20):
        (foreground,) = plan.foregrounds
        assert foreground.source.startswith(("proc:hair#", "proc:fur#"))
        assert plan.background.source.startswith(("proc:night_city#", "proc:fairy_lights#"))
        assert plan.focus.rule == "background_median" and 8.0 <= plan.lens.value <= 16.0
        assert plan.lens.aperture == {}
