"""From a run's weights to a row of a table, by the commands that a user types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bokehbench.cli import main
from bokehbench.weights import FILE_VARIABLE


def rows(
    monkeypatch: Any, weights: Path, method: str, benchmark: str, out: Path
) -> dict[str, dict[str, Any]]:
    """Rows of a benchmark's table by method: of `method` with a run's weights, and of the sharp picture.

    Args:
        monkeypatch: pytest's.
        weights: that the run has written.
        method: whose other weights, if any, do not count.
        benchmark: NAME:DIR.
        out: of results and tables.
    """
    monkeypatch.setenv(FILE_VARIABLE, f"{weights.stem}={weights}")
    results, page = out / "results", out / "page"
    for words in (
        ["run", "--benchmark", benchmark, "--method", method, "--method", "identity", "--out", str(results)],
        ["evaluate", str(results), "--metric", "psnr"],
        ["leaderboard", str(results), "--out", str(page)],
    ):
        with pytest.raises(SystemExit) as end:
            main(words)
        assert not end.value.code
    (table,) = json.loads((page / "leaderboard.json").read_text())["tables"]
    assert (page / "index.html").is_file()
    return {row["method"]: row for row in table["rows"]}
