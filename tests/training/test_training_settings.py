"""Claims about settings: what files say is what runs, and nothing else is taken."""

import pytest

from bokehbench.errors import ConfigError
from bokehbench.training.bokehme.settings import FOLDER, load
from bokehbench.training.schedule import learning_rate, same_until
from bokehbench.training.settings import merge, names

ABLATIONS = {
    **{f"B{n}": {"iunet": {"variant": f"B{n}"}} for n in range(1, 6)},
    "no-augmentation": {"data": {"corruption": None}},
}


@pytest.mark.parametrize("name", names(FOLDER))
def test_all_settings_that_come_along_can_be_read(name):
    assert load(name).to_json()


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_changes_one_thing(name):
    compact = load("compact").to_json()
    assert load(name).to_json() == merge(compact, ABLATIONS[name])


def test_the_paper_has_the_published_numbers():
    paper = load("paper")
    for stage in (paper.arnet, paper.iunet):
        assert (stage.batch, stage.lr, stage.schedule.shape, stage.ema) == (16, 1e-4, "constant", None)
    assert (paper.arnet.K, paper.iunet.K, paper.data.crop) == ((12, 12), (24, 24), 128)
    assert paper.arnet.losses.error == 0.1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("arnet.stepss=3", "no such field; did you mean arnet.steps"),
        ("arnet.steps=0", "arnet.steps"),
        ("arnet.precision=fp8", "arnet.precision"),
        ("arnet.K=[12, 24]", "12"),
        ("iunet.K=[30, 30]", "24"),
        ("data.corruption.ring_p=0.5", "ring_p"),
        ("data.crop=33", "even"),
        ("arnet.schedule.warm_up=50000", "warm_up"),
    ],
)
def test_what_makes_no_sense_is_refused(change, said):
    with pytest.raises(ConfigError, match=said):
        load("paper", (change,))


def test_a_file_may_extend_one_that_comes_along(tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: compact\nseed: 9\n")
    (tmp_path / "more.yaml").write_text("extends: mine.yaml\narnet: {batch: 4}\n")
    found = load(str(tmp_path / "more.yaml"))
    assert (found.seed, found.arnet.batch) == (9, 4)
    assert found.iunet == load("compact").iunet


def test_files_that_extend_each_other_are_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    with pytest.raises(ConfigError, match="circle"):
        load(str(tmp_path / "a.yaml"))


def test_unknown_settings_are_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="did you mean compact"):
        load("compct")


def stage(shape, steps=100, warm_up=0):
    text = f"arnet.schedule={{shape: {shape}, warm_up: {warm_up}, decay: 0.2}}"
    return load("paper", (text, f"arnet.steps={steps}", "arnet.lr=1.0")).arnet


def test_learning_rates_rise_stay_and_fall():
    assert [learning_rate(step, stage("constant", warm_up=4)) for step in range(6)] == [
        0.25,
        0.5,
        0.75,
        1,
        1,
        1,
    ]
    trapezoid = stage("trapezoid")
    assert learning_rate(79, trapezoid) == 1.0
    assert learning_rate(90, trapezoid) == pytest.approx(0.5)
    assert 0.0 < learning_rate(99, trapezoid) < 0.1
    assert learning_rate(50, stage("cosine")) == pytest.approx(0.5)


def test_a_longer_run_has_the_same_past_until_its_rate_falls():
    assert same_until(100, stage("constant"), stage("constant", steps=200))
    assert same_until(80, stage("trapezoid"), stage("trapezoid", steps=200))
    assert not same_until(90, stage("trapezoid"), stage("trapezoid", steps=200))
    assert not same_until(2, stage("cosine"), stage("cosine", steps=200))
