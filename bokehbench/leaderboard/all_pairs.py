"""Every row of a table against every other one: the export for those who ask more than "which is best"."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bokehbench.leaderboard import statistics
from bokehbench.leaderboard.collect import Collected
from bokehbench.leaderboard.pooled import Scores
from bokehbench.leaderboard.tables import Table

COLUMNS = [
    *("benchmark", "protocol", "level", "metric", "a", "b", "difference", "low", "high"),
    *("cases", "scenes", "scenes_won", "p", "p_holm"),
]


def all_pairs(board: Collected, table: Table) -> pd.DataFrame:
    """One row a (level, metric, pair of ranked rows), corrected by Holm over the pairs of a level and metric.

    `difference` is a − b in the metric's unit with its 95 % interval by scene, `scenes_won` the share of
    scenes on which a is better; `p` and the interval are empty under six scenes. Diagnoses that have no
    direction are left out.
    """
    scores = Scores(board)
    position = {case: index for index, case in enumerate(board.cases)}
    rows = []
    for group in table.groups:
        chosen = np.array([position[case] for case in group.cases])
        for column in table.columns:
            ranked = [row for row in table.rows if row.status == "ranked"]
            whole = [row for row in ranked if group.cells[row.key][column.name].interval is not None]
            if not column.ranked or not column.known or len(whole) < 2:
                continue
            values = {row.label: scores.of(row.key, column.name).value.to_numpy()[chosen] for row in whole}
            found = statistics.all_pairs(values, group.scenes, higher_is_better=column.higher_is_better)
            for (a, b), one in found.items():
                interval = statistics.mean_interval(values[a] - values[b], group.scenes)
                about = (table.benchmark, table.protocol, group.level, column.name, a, b)
                numbers = (interval.mean, interval.low, interval.high, interval.cases, interval.scenes)
                rows.append((*about, *numbers, one.scenes_won, one.p, one.p_holm))
    return pd.DataFrame(rows, columns=COLUMNS)
