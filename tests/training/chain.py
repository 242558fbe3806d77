"""From a run's weights to a row of a table, by the commands that a user types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bokehbench.cli import main
from bokehbench.weights import FILE_VARIABLE


def check_row(
    monkeypatch: Any, weights: Path, card: dict[str, Any], scenes: int, benchmark: str, out: Path
) -> None:
    """Check that a run's weights come to a row of a benchmark's table, beside that of the sharp picture.

    Args:
        monkeypatch: pytest's.
        weights: that the run has written, named as their method; those that ship do not count.
        card: of the weights: what the row must say of the training.
        scenes: that the run has seen.
        benchmark: NAME:DIR, which shares nothing with the training data.
        out: of results and tables.
    """
    method = weights.stem
    monkeypatch.setenv(FILE_VARIABLE, f"{method}={weights}")
    results, page = out / "results", out / "page"
    for words in (
        ["run", "--benchmark", benchmark, "--method", method, "--method", "identity", "--out", str(results)],
        ["evaluate", str(results), "--metric", "psnr"],
        ["leaderboard", str(results), "--out", str(page)],
    ):
        with pytest.raises(SystemExit) as end:
            main(words)
        assert not end.value.code
    assert (page / "index.html").is_file()
    (table,) = json.loads((page / "leaderboard.json").read_text())["tables"]
    rows = {row["method"]: row for row in table["rows"]}
    own, sharp = rows[method], rows["identity"]
    assert own["status"] == sharp["status"] == "ranked" and own["weights"] != sharp["weights"] == "none"
    # The row says what this card says, not what is known of the weights that ship.
    assert card["data"]["recipe"] in own["training"]["trained_on"]
    assert f"({scenes} scenes" in own["training"]["trained_on"] and own["training"]["shared"] is False
