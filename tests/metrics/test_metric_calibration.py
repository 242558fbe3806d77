"""The calibration: every metric with an independent implementation agrees with it, and the docs show it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import calibrate_metrics
import pytest

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


@pytest.fixture(scope="module")
def rows() -> list[calibrate_metrics.Row]:
    pytest.importorskip("torchmetrics")
    return list(calibrate_metrics.measure(quick=True))


def test_every_metric_agrees_with_the_implementations_of_others(rows):
    assert [row for row in rows if not row.agrees] == []


def test_the_docs_show_the_table_that_the_calibration_prints(rows):
    text = DOCS.read_text()
    missing = [row.line for row in rows if row.line not in text]
    assert missing == []


def test_no_metric_is_left_out_but_those_without_an_independent_implementation(rows):
    from bokehbench.metrics.specs import SPECS

    compared = {row.metric for row in rows}
    # dists-piq is compared in the long run; dists-256 is dists-full after a resize that has tests of its own.
    own = {"psnr-noiseless", "blur-error", "blur-bias", "colour-error", "energy-bias"}
    assert {spec.name for spec in SPECS} - compared - own == {"dists-256", "dists-piq"}


def test_a_difference_over_its_tolerance_is_seen(rows):
    row = rows[0]
    assert not dataclasses.replace(row, theirs=row.theirs + 2 * row.tolerance).agrees
    assert not dataclasses.replace(row, theirs=float("nan")).agrees
