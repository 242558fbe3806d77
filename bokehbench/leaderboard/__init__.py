"""From cases to tables: run, evaluate, records, statistics, tables, page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas


def load(*results: Path | str) -> pandas.DataFrame:
    """Every number of one or several results folders, one row a (result, metric).

    See `bokehbench.leaderboard.frame.load`, which this calls; pandas is imported only then.

    Example:
        >>> import bokehbench.leaderboard
        >>> frame = bokehbench.leaderboard.load("RESULTS")  # doctest: +SKIP
        >>> frame[frame.metric == "psnr"].pivot_table("value", "method", "level")  # doctest: +SKIP
    """
    from bokehbench.leaderboard.frame import load as read

    return read(*results)


def table(*results: Path | str) -> pandas.DataFrame:
    """The cells of the tables of results folders: means, intervals, numbers of cases and scenes.

    See `bokehbench.leaderboard.summary.load`, which this calls; pandas is imported only then.

    Example:
        >>> import bokehbench.leaderboard
        >>> cells = bokehbench.leaderboard.table("RESULTS")  # doctest: +SKIP
        >>> cells[cells.level == "all"].pivot_table("mean", "method", "metric")  # doctest: +SKIP
    """
    from bokehbench.leaderboard.summary import load as read

    return read(*results)
