"""Claims about the folder of a run: it belongs to one run, from its first checkpoint on."""

import pytest

from bokehbench.errors import InputError
from bokehbench.training.runs import FILE, enter

FREE = (("config", "steps"),)


def identity(**config):
    return {"config": {"steps": 5, "lr": 0.1, **config}}


def test_the_same_run_goes_on_and_what_is_free_may_change(tmp_path):
    enter(tmp_path / "run", identity(), FREE)
    (tmp_path / "run" / "stage").mkdir()
    enter(tmp_path / "run", identity(), FREE)
    enter(tmp_path / "run", identity(steps=9), FREE)


def test_another_run_is_refused_with_the_field_that_differs(tmp_path):
    enter(tmp_path / "run", identity(), FREE)
    (tmp_path / "run" / "stage").mkdir()
    with pytest.raises(InputError, match=r"config\.lr: 0\.1, now 0\.2"):
        enter(tmp_path / "run", identity(lr=0.2), FREE)
    with pytest.raises(InputError, match="more: null, now 1"):
        enter(tmp_path / "run", {**identity(), "more": 1}, FREE)


def test_a_run_that_trained_nothing_yet_holds_nobody_back(tmp_path):
    enter(tmp_path / "run", identity(), FREE)
    enter(tmp_path / "run", identity(lr=0.2), FREE)
    (tmp_path / "run" / "stage").mkdir()
    with pytest.raises(InputError, match="is another run"):
        enter(tmp_path / "run", identity(), FREE)


def test_files_of_others_are_left_alone(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(InputError, match="not empty"):
        enter(tmp_path, identity())
    (tmp_path / FILE).write_text('{"schema": "else"}')
    with pytest.raises(InputError, match="not the record of a training run"):
        enter(tmp_path, identity())
