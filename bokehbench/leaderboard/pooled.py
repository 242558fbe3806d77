"""The scores of each row of a table: one value a case, the mean over seeds where a method is stochastic."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bokehbench.leaderboard.collect import Collected, RowKey
from bokehbench.leaderboard.frame import to_frame
from bokehbench.leaderboard.stored import VALUED

KEYS = ["method", "weights", "metric"]
IDENTICAL = "identical"


class Scores:
    """Values, statuses and reasons of each (row, metric) of a board, in the order of its cases."""

    def __init__(self, board: Collected) -> None:
        frame = to_frame([board])
        self._cases = list(board.cases)
        self._by: dict[Any, pd.DataFrame] = dict(iter(frame.groupby(KEYS, sort=False)))
        self._pooled: dict[Any, pd.DataFrame] = {}

    def of(self, key: RowKey, metric: str) -> pd.DataFrame:
        """The part of the long form, one row a case.

        Of several seeds the values, seconds and memory are means, and one that lacks a value leaves the case
        without one.
        """
        whole = (*key, metric)
        if whole not in self._pooled:
            part = self._by[whole]
            single = len(part) == len(self._cases)
            self._pooled[whole] = part if single else self._over_seeds(part)
        return self._pooled[whole]

    def seeds(self, key: RowKey, metric: str) -> npt.NDArray[np.float64]:
        """Values [seeds, cases], NaN where there is none."""
        return self._by[(*key, metric)].value.to_numpy().reshape(-1, len(self._cases))

    def _over_seeds(self, part: pd.DataFrame) -> pd.DataFrame:
        rows = []
        for case in self._cases:
            own = part[part.case == case]
            lacking = own[~own.status.isin(VALUED)]
            row = (lacking if len(lacking) else own).iloc[0].copy()
            if len(lacking) == 0:
                row["status"] = IDENTICAL if (own.status == IDENTICAL).all() else "ok"
                row["value"] = own.value.mean()
            row["seconds"], row["peak_memory_mb"] = own.seconds.mean(), own.peak_memory_mb.mean()
            rows.append(row)
        return pd.DataFrame(rows)[part.columns].astype(part.dtypes.to_dict())
