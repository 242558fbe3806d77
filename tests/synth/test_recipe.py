"""The typed configuration: unknown fields refused, distributions as stated, plans as printed."""

import json
from importlib import resources
from itertools import pairwise

import numpy as np
import pytest

from bokehbench.errors import ConfigError, InputError
from bokehbench.registry import RecipeSpec, get
from bokehbench.rng import stream
from bokehbench.synth.config import bokehbench_v1, load_recipe, override, parse_recipe, read_yaml
from bokehbench.synth.dataset import make_library
from bokehbench.synth.distributions import Distribution
from bokehbench.synth.plan import Plan, draw_plan


@pytest.fixture(scope="module")
def recipe():
    return load_recipe(get(RecipeSpec, "bokehbench_v1").load()())


@pytest.fixture(scope="module")
def plans(recipe):
    library = make_library(recipe)
    return [draw_plan(recipe, library, 5, index) for index in range(400)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"speed": 3}, "speed: no such field"),
        ({"quality": "superb"}, "quality"),
        ({"size": [32, 512]}, "size"),
        ({"gamma": -1}, "gamma"),
    ],
)
def test_unknown_and_impossible_fields_are_refused(change, words):
    values = {**read_yaml(bokehbench_v1()), **change}
    with pytest.raises(ConfigError, match=words) as error:
        parse_recipe(values, "test")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "assignment",
    ["optics.sharpp=0", "optics", "optics.radius_at_512={cauchy: [1, 2]}", "foregrounds.kinds={dragon: 1}"],
)
def test_wrong_overrides_are_refused(assignment):
    with pytest.raises(ConfigError):
        load_recipe(bokehbench_v1(), assignments=(assignment,))


def test_a_wrong_field_is_named_before_what_is_missing_with_the_one_that_was_meant():
    for wrong, meant in (("optics.sharpp=0", "optics.sharp_p"), ("gap=0.1", "planes.gap")):
        with pytest.raises(ConfigError, match=rf"with --set: .*no such field; did you mean {meant}\?"):
            load_recipe(bokehbench_v1(), assignments=(wrong,))
    with pytest.raises(ConfigError, match="bogus: no such field"):
        parse_recipe({"recipe": "mine", "bogus": 1}, "mine.yaml")


def test_overrides_reach_nested_fields_and_change_the_hash(recipe):
    changed = load_recipe(
        bokehbench_v1(), size=(320, 200), assignments=("optics.sharp_p=0", "planes.gap=0.04")
    )
    assert (changed.optics.sharp_p, changed.planes.gap, changed.size) == (0.0, 0.04, (320, 200))
    assert changed.hash != recipe.hash == load_recipe(bokehbench_v1()).hash


def test_a_preset_file_is_read_once_and_is_part_of_the_hash(tmp_path):
    path = tmp_path / "mine.yaml"
    text = (resources.files("bokehbench.synth.degrade") / "presets" / "light_phone.yaml").read_text()
    path.write_text(text.replace("name: light_phone", "name: mine").replace("{bicubic: 1}", "null"))
    assignments = (f"degrade={{preset: {path}}}",)
    first = load_recipe(bokehbench_v1(), assignments=assignments)
    path.write_text(path.read_text().replace("p: 0.9", "p: 0.1"))
    changed = load_recipe(bokehbench_v1(), assignments=assignments)
    assert first.hash != changed.hash
    path.unlink()
    values = json.loads(json.dumps(first.to_json()))
    assert parse_recipe(values, "json") == first
    plan = draw_plan(first, make_library(first), 1, 0)
    assert (plan.degrade["preset"], plan.degrade["enlarge"]) == ("mine", None)
    with pytest.raises(ConfigError, match=r"degrade\.preset"):
        load_recipe(bokehbench_v1(), assignments=assignments)


def test_planes_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="do not fit"):
        load_recipe(bokehbench_v1(), assignments=("planes.background_range=0.9",))


def test_recipe_survives_json(recipe):
    assert parse_recipe(json.loads(json.dumps(recipe.to_json())), "json") == recipe


def test_override_changes_one_field_and_adds_sections():
    assert override({"a": {"b": 1}}, ("a.b=[2, 3]",)) == {"a": {"b": [2, 3]}}
    assert override({"a": 1}, ("c.d=2",)) == {"a": 1, "c": {"d": 2}}


def test_missing_recipe_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_recipe(tmp_path / "x.yaml")


@pytest.mark.parametrize(
    ("values", "median"),
    [
        ({"uniform": [2, 6]}, 4.0),
        ({"loguniform": [1, 100]}, 10.0),
        ({"lognormal": [7, 0.5]}, 7.0),
        (3.5, 3.5),
    ],
)
def test_distributions_have_their_medians(values, median):
    distribution = Distribution.model_validate(values)
    rng = stream(2, 0, "median")
    drawn = np.asarray([distribution.draw(rng) for _ in range(4000)])
    assert np.median(drawn) == pytest.approx(median, rel=0.15)
    low, high = distribution.bounds
    assert low <= drawn.min() and drawn.max() <= high


# ------------------------------------------------------------------------------------------------- plans


def test_plan_round_trips_through_json(plans):
    for plan in plans[:20]:
        assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    with pytest.raises(InputError, match="plan"):
        Plan.from_json({"index": 3})


def test_a_plan_depends_on_its_index_alone(recipe, plans):
    library = make_library(recipe)
    assert draw_plan(recipe, library, 5, 123) == plans[123]
    assert draw_plan(recipe, library, 6, 123) != plans[123]
    assert draw_plan(recipe, library, 5, 123, attempt=1) != plans[123]


def test_planes_keep_their_gaps(recipe, plans):
    """Near to far, each at least a gap from the next, the background's nearest point included."""
    for plan in plans:
        levels = [part.disparity for part in plan.foregrounds] + [
            plan.background.base + plan.background.range
        ]
        assert levels[0] <= 1.0
        assert all(a - b >= recipe.planes.gap - 1e-9 for a, b in pairwise(levels))
        for part in plan.foregrounds:
            assert part.disparity + part.tilt_range / 2 <= 1.0 + 1e-9


def test_frequencies_are_those_of_the_recipe(recipe, plans):
    counts = np.bincount([len(plan.foregrounds) for plan in plans], minlength=4)[1:] / len(plans)
    np.testing.assert_allclose(counts, [0.35, 0.45, 0.2], atol=0.08)
    assert np.mean([plan.lens.value == 0.0 for plan in plans]) == pytest.approx(0.1, abs=0.05)
    radii = np.asarray([plan.lens.value for plan in plans if plan.lens.value > 0.0])
    assert radii.min() >= 1.5 and radii.max() <= 48.0
    assert np.median(radii) == pytest.approx(np.sqrt(1.5 * 48.0), rel=0.25)
    night = np.mean([plan.background.source.startswith("proc:night_city") for plan in plans])
    assert night == pytest.approx(2 / 13.6, abs=0.03)


@pytest.mark.parametrize("seed", [0, 7, 99])
def test_two_dozen_samples_show_every_common_background(recipe, seed):
    library = make_library(recipe)
    kinds = {draw_plan(recipe, library, seed, i).background.source.partition("#")[0] for i in range(24)}
    common = {kind for kind, weight in recipe.backgrounds.kinds.items() if weight >= 1} - {"photograph"}
    assert {f"proc:{kind}" for kind in common} <= kinds
    assert any(kind.startswith("skimage:") for kind in kinds)


def test_blur_scales_with_the_size(recipe):
    library = make_library(recipe)
    double = load_recipe(bokehbench_v1(), size=(1024, 1024))
    for index in range(20):
        small, large = draw_plan(recipe, library, 3, index), draw_plan(double, library, 3, index)
        assert large.lens.value == pytest.approx(2.0 * small.lens.value)
