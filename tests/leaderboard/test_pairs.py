"""The registration of a pair: found once a case, the same for every method, part of what a score rests on."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bokehbench import images, records, rng
from bokehbench.leaderboard import pairs
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.evaluate import evaluate
from bokehbench.leaderboard.results import Protocol, Result
from bokehbench.metrics.geometry import mean_displacement
from bokehbench.optics import Lens

SIZE = (160, 112)
SHIFT = np.array([[1.0, 0.0, 1.6], [0.0, 1.0, -1.2], [0.0, 0.0, 1.0]])
METRICS = ["psnr", "psnr+geo", "psnr+geo_gain", "blur-error", "blur-bias"]


def photograph() -> np.ndarray:
    from skimage.data import astronaut

    return cv2.resize(astronaut()[:358], SIZE, interpolation=cv2.INTER_AREA) / 255.0


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Everything but the middle third."""
    far = cv2.GaussianBlur(picture**2.2, (0, 0), sigma) ** (1 / 2.2)
    middle = (np.abs(np.arange(SIZE[0]) - SIZE[0] / 2) < SIZE[0] / 5)[None, :, None]
    return np.where(middle, picture, far)


def moved(picture: np.ndarray) -> np.ndarray:
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(picture, SHIFT, SIZE, flags=flags, borderMode=cv2.BORDER_REFLECT)


@pytest.fixture
def at(tmp_path) -> Protocol:
    """One case, three methods: one right, one too sharp, one too blurred."""
    at = Protocol(tmp_path / "results", "ebb400", "bokehme-midas@1")
    picture = photograph()
    images.write_png(at.case_image("218", "image"), picture)
    images.write_png(at.case_image("218", "target"), moved(blurred(picture, 5.0)))
    images.write_disparity(at.case_image("218", "disparity"), picture.mean(axis=2))
    lens = Lens(K=10.0, disp_focus=0.5)
    facts = {"scene": "218", "level": "real", "size": list(SIZE), "data": "d", "lens": lens.to_json()}
    records.write_json(at.case_record("218"), {"schema": "bokehbench.case/1", "case": "218", **facts})
    for method, sigma in (("scatter", 5.0), ("vdslr", 2.5), ("sterefo", 9.0)):
        result = Result(at, method, "none", "218")
        images.write_png(result.prediction, blurred(picture, sigma))
        made_by = {"method": f"{method}@1", "data": "d", "command": "bokehbench run", "options": {}}
        record = {**made_by, "prediction": records.sha256_file(result.prediction)}
        records.write_json(result.record, record)
    return at


def scores(at: Protocol, method: str) -> dict:
    return records.read_json(Result(at, method, "none", "218").scores)["scores"]


def test_plain_metrics_register_nothing(at):
    evaluate(at.root, ["psnr"])
    assert not (at.folder / pairs.FOLDER).exists()


def test_all_methods_share_one_registration_that_is_recorded(at):
    summary = evaluate(at.root, METRICS)
    assert (summary.computed, summary.failed, summary.unaligned) == (15, [], [])
    record = records.read_json(pairs.record_path(at, "218"))
    assert record["accepted"] and record["image"] == records.sha256_file(at.case_image("218", "image"))
    left = np.array(record["matrix"]) @ np.linalg.inv(SHIFT)
    assert mean_displacement(left, SIZE[::-1]) < 0.6 < 2.0 == pytest.approx(record["displacement"], abs=0.5)
    digest = records.sha256_file(pairs.record_path(at, "218"))
    for method in ("scatter", "vdslr", "sterefo"):
        found = scores(at, method)
        assert "pair" not in found["psnr"]
        assert {found[name]["pair"] for name in METRICS[1:]} == {digest}
    values = {method: scores(at, method) for method in ("scatter", "vdslr", "sterefo")}
    assert values["scatter"]["psnr+geo"]["value"] > values["scatter"]["psnr"]["value"] + 8.0
    assert values["sterefo"]["blur-bias"]["value"] < -0.2 < 0.2 < values["vdslr"]["blur-bias"]["value"]
    assert values["scatter"]["blur-error"]["value"] < 0.15


def test_a_second_call_computes_nothing_and_a_new_target_everything(at):
    evaluate(at.root, METRICS)
    assert evaluate(at.root, METRICS).computed == 0
    before = pairs.record_path(at, "218").read_bytes()
    images.write_png(at.case_image("218", "target"), moved(blurred(photograph(), 4.0)))
    assert evaluate(at.root, METRICS).computed == 15
    assert pairs.record_path(at, "218").read_bytes() != before


@pytest.mark.parametrize("suffix", [".json", ".png"])
def test_a_lost_or_damaged_registration_is_made_again_with_the_same_bytes(at, suffix):
    evaluate(at.root, METRICS)
    path = pairs.record_path(at, "218").with_suffix(suffix)
    before = path.read_bytes()
    path.write_bytes(before[: len(before) // 2])
    assert evaluate(at.root, METRICS).computed == 12
    assert path.read_bytes() == before


def test_a_stored_registration_is_taken_as_it_is(at):
    """One of another machine, whose last digits differ, makes the scores of all."""
    evaluate(at.root, METRICS)
    record = records.read_json(pairs.record_path(at, "218"))
    record["matrix"][0][2] += 1e-9
    records.write_json(pairs.record_path(at, "218"), record)
    assert evaluate(at.root, METRICS).computed == 12
    assert records.read_json(pairs.record_path(at, "218")) == record
    assert evaluate(at.root, METRICS).computed == 0


def test_pairs_that_cannot_be_registered_are_scored_as_they_lie_and_said(at):
    noise = rng.stream(3, 0, "noise").random((SIZE[1], SIZE[0], 3))
    images.write_png(at.case_image("218", "image"), noise)
    summary = evaluate(at.root, METRICS)
    assert len(summary.unaligned) == 1 and summary.unaligned[0].endswith("(1 cases)")
    score = scores(at, "scatter")["psnr+geo"]
    assert score["value"] is not None and score["reason"].startswith("as it lies")


def test_a_diagnosis_has_no_direction_no_bold_and_no_rank(at):
    evaluate(at.root, METRICS)
    (board,) = collect([at.root])
    table = build(board)
    by_name = {column.name: column for column in table.columns}
    assert by_name["blur-bias"].arrow == "" and by_name["blur-error"].arrow == "↓"
    cells = [table.groups[0].cells[row.key] for row in table.rows]
    assert not any(cell["blur-bias"].best or cell["blur-bias"].second for cell in cells)
    assert sum(cell["blur-error"].best for cell in cells) >= 1
