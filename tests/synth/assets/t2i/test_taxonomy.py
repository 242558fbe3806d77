"""Prompts: balanced, in any order the same, and a user's file is taken at its word."""

from collections import Counter

import pytest

from bokehbench.errors import ConfigError, InputError
from bokehbench.synth.assets.t2i.taxonomy import load_taxonomy


@pytest.fixture(scope="module")
def builtin():
    return load_taxonomy("builtin")


def test_quotas_hold_in_every_run_of_indices(builtin):
    total = sum(group.share for group in builtin.categories)
    assert total == 100
    for count in (50, 200):
        got = Counter(builtin.prompt(4, index).category for index in range(count))
        for group in builtin.categories:
            assert abs(got[group.category] - count * group.share / total) <= 2


def test_subjects_of_a_category_come_equally_often(builtin):
    prompts = [builtin.prompt(9, index) for index in range(300)]
    for group in builtin.categories:
        got = Counter(p.subject for p in prompts if p.category == group.category)
        assert not got or max(got.values()) - min(got[s] for s in group.subjects) <= 1


def test_there_are_many_subjects_and_words_that_keep_them_sharp(builtin):
    assert builtin.combinations() > 1500
    assert len({subject for group in builtin.categories for subject in group.subjects}) >= 120
    text = builtin.prompt(0, 0).text
    assert "everything in focus" in text and "isolated" in text
    assert "bokeh" in builtin.prompt(0, 0).negative and "{" not in text


def test_prompt_depends_on_seed_and_index_alone(builtin):
    forward = [builtin.prompt(2, index) for index in range(20)]
    assert [builtin.prompt(2, index) for index in reversed(range(20))] == forward[::-1]
    assert [builtin.prompt(3, index) for index in range(20)] != forward


def test_lines_of_a_text_file_are_used_word_for_word(tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text("# mine\na red kite\n\na {strange} lamp\n")
    taxonomy = load_taxonomy(str(path))
    texts = [taxonomy.prompt(1, index).text for index in range(4)]
    assert sorted(texts[:2]) == sorted(texts[2:]) == ["a red kite", "a {strange} lamp"]


def test_yaml_has_categories_with_their_own_limits(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("- {category: webs, subjects: [web], adjectives: [a wet], limits: {std_min: 0.05}}\n")
    taxonomy = load_taxonomy(str(path))
    assert "a wet web" in taxonomy.prompt(1, 0).text
    assert taxonomy.limits("webs").std_min == 0.05


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("- {category: a, subjects: [x], limit: {}}", ConfigError, "limit"),
        ("- {category: a, subjects: []}", ConfigError, "subjects"),
        ("- {category: a, subjects: [x]}\n- {category: a, subjects: [y]}", ConfigError, "twice"),
        ("- {category: 'A b', subjects: [x]}", ConfigError, "category"),
        (
            "{axes: {template: '{shot.size}', negative: '', shots: [a], lights: [b]}, "
            "categories: [{category: a, subjects: [x]}]}",
            ConfigError,
            "template",
        ),
        ("a: [", InputError, "YAML"),
        ("just words", ConfigError, "prompts"),
        (
            "{axes: {template: '{colour} x', negative: '', shots: [a], lights: [b]}, "
            "categories: [{category: a, subjects: [x]}]}",
            ConfigError,
            "template",
        ),
    ],
)
def test_bad_yaml_is_one_clear_error(tmp_path, text, error, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(error, match=message):
        load_taxonomy(str(path))


def test_missing_and_empty_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.txt: no such file"):
        load_taxonomy(str(tmp_path / "nowhere.txt"))
    (tmp_path / "empty.txt").write_text("\n# nothing\n")
    with pytest.raises(InputError, match="no prompt"):
        load_taxonomy(str(tmp_path / "empty.txt"))
