"""Claims about the page's crops: where methods differ most, of the very pixels, refused outside."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import board_world as world
import numpy as np
import pytest

from bokehbench import images, records
from bokehbench.errors import ConfigError, InputError
from bokehbench.leaderboard import crops, page_papers
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import Collected, collect
from bokehbench.leaderboard.leaderboard import write
from bokehbench.leaderboard.page import _environment
from bokehbench.leaderboard.results import NO_WEIGHTS, Protocol, Result
from bokehbench.leaderboard.staleness import Stale
from bokehbench.leaderboard.tables import Table

METHODS = {"soft": 6.0, "sharp": 6.0, "identity": 90.0}
SIZE = (120, 90)
SPOT = (70, 41)
"""Left and top of the square of 12 pixels that `sharp` gets wrong in one case."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("crops")
    at = world.write_world(root, scenes=3, levels=("L1",), methods=METHODS, size=SIZE)
    _spoil(at, "s1_L1")
    return root


def _spoil(at: Protocol, case: str) -> None:
    """A light where `sharp` has none."""
    result = Result(at, "sharp", NO_WEIGHTS, case)
    picture = images.read_image(result.prediction)
    x, y = SPOT
    picture[y : y + 12, x : x + 12] = 1.0
    images.write_png(result.prediction, picture)
    record = records.read_json(result.record)
    records.write_json(result.record, record | {"prediction": records.sha256_file(result.prediction)})
    world.write_scores(result)


@pytest.fixture
def boards(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Collected, Table]]:
    world.register_world(monkeypatch)
    return [(board, build(board)) for board in collect([root])]


def test_the_hardest_crop_is_where_methods_differ_not_where_doing_nothing_is_worst(
    boards: list[tuple[Collected, Table]],
) -> None:
    (crop,) = crops.choose(boards)
    assert crop.automatic and crop.case == "s1_L1" and "chosen automatically" in crop.sentence
    assert crop.box.x <= SPOT[0] and crop.box.y <= SPOT[1]
    assert crop.box.x + crop.box.width >= SPOT[0] + 12 and crop.box.y + crop.box.height >= SPOT[1] + 12
    labels = [one.label for one in crop.pictures]
    assert labels[:3] == ["ground truth", "all-in-focus input", "disparity"]
    assert sorted(labels[3:]) == ["identity", "sharp", "soft"]


def test_means_over_windows_are_means_over_windows() -> None:
    values = np.random.default_rng(2).random((9, 7))
    found = crops._windows(values, 4)
    assert found.shape == (6, 4)
    for y, x in ((0, 0), (5, 3), (2, 1)):
        assert found[y, x] == pytest.approx(values[y : y + 4, x : x + 4].mean())


def test_decibels_beside_a_crop_are_of_its_pixels(boards: list[tuple[Collected, Table]]) -> None:
    asked = crops.parse("toy/s0_L1:5,6,40,30")
    (crop,) = crops.choose(boards, [asked])
    assert not crop.automatic and str(crop.box) == "40 x 30 pixels at (5, 6)"
    soft = next(one for one in crop.pictures if one.label == "soft")
    target = next(one for one in crop.pictures if one.label == "ground truth")
    a, b = (images.read_image(one.source)[6:36, 5:45].astype(np.float64) for one in (soft, target))
    assert soft.note == f"{-10 * np.log10(((a - b) ** 2).mean()):.1f} dB in this crop"


def test_a_method_whose_picture_does_not_count_is_named(
    boards: list[tuple[Collected, Table]],
) -> None:
    ((board, _),) = boards
    key = next(key for key in board.runs if key[0] == "soft")
    why = Stale("another version", "bokehbench run", "result")
    run = {case: dataclasses.replace(entry, stale=why) for case, entry in board.runs[key][0].items()}
    stale = dataclasses.replace(board, runs=board.runs | {key: {0: run}})
    (crop,) = crops.choose([(stale, build(stale))], [crops.parse("s0_L1:5,6,40,30")])
    assert crop.absent == ("soft",) and "soft" not in [one.label for one in crop.pictures]
    view = next(iter(page_papers.crop_views([crop])))
    html = _environment().get_template("_crops.html").render(crops=[view])
    assert "Stale, or not run on this case: soft." in html


@pytest.mark.parametrize("text", ["s0_L1", "s0_L1:1,2,3", "s0_L1:1,2,3,x", ":1,2,3,4", "s0_L1:-1,2,3,4"])
def test_a_crop_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="give CASE:x,y,w,h"):
        crops.parse(text)


def test_a_crop_of_nothing_is_refused(boards: list[tuple[Collected, Table]]) -> None:
    for text, why in (
        ("s0_L1:100,0,21,10", "not inside the picture of 120 x 90"),
        ("s0_L1:0,0,0,10", "not inside the picture"),
        ("night:0,0,9,9", "no such case in these results; there are toy/s0_L1, ..."),
        ("other/s0_L1:0,0,9,9", "no such case"),
    ):
        with pytest.raises(InputError, match=why):
            crops.choose(boards, [crops.parse(text)])


def test_the_page_shows_the_very_pixels_and_forgets_an_earlier_crop(
    root: Path, boards: list[tuple[Collected, Table]], tmp_path: Path
) -> None:
    first = write([root], tmp_path)
    assert "s1_L1" in first.crops[0]
    before = set((tmp_path / "assets" / "crops").iterdir())
    write([root], tmp_path, crop=["s0_L1:5,6,40,30"])
    after = set((tmp_path / "assets" / "crops").iterdir())
    assert len(before) == len(after) == 6 and not before & after
    target = boards[0][0].cases["s0_L1"].at.case_image("s0_L1", "target")
    html = (tmp_path / "index.html").read_text()
    (first_of_all,) = re.findall(r'src="(assets/crops/[^"]+)" alt="s0_L1: ground truth"', html)
    shown = images.read_image(tmp_path / first_of_all)
    np.testing.assert_array_equal(shown, images.read_image(target)[6:36, 5:45])
    assert 'id="crops"' in html and "asked for with --crop" in html and "dB in this crop" in html
