"""Do participants agree with each other? Krippendorff's alpha, for any number of them and missing answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

Level = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(units: Sequence[Sequence[int]], values: int, level: Level) -> float | None:
    """1 is perfect agreement, 0 what chance would give, below 0 systematic disagreement.

    Krippendorff, Content Analysis (2004), 11.3: alpha = 1 - (n - 1) sum o_ck d_ck / sum n_c n_k d_ck with the
    coincidences o_ck of values within units, their sums n_c, and the squared difference d_ck of the level.

    Args:
        units: the values, 0 to `values` - 1, that each unit (a question) got; those with one value alone say
            nothing about agreement.
        values: how many different values there are.
        level: what differences mean.

    Returns:
        None where no unit has two values, or all values are the same.

    Example:
        >>> krippendorff_alpha([[0, 0], [1, 1], [0, 1]], 2, "nominal")  # 1 - 5 * 2 / 18
        0.4444444444444444
    """
    coincidences = np.zeros((values, values))
    for unit in units:
        if len(unit) > 1:
            found = np.bincount(np.asarray(unit), minlength=values).astype(float)
            coincidences += (np.outer(found, found) - np.diag(found)) / (len(unit) - 1)
    totals = coincidences.sum(axis=1)
    n = totals.sum()
    grid = np.arange(values)
    if level == "nominal":
        difference = (grid[:, None] != grid).astype(float)
    elif level == "interval":
        difference = (grid[:, None] - grid).astype(float) ** 2
    else:
        # Ranks: how many values lie between the two, each end counted half.
        rank = np.cumsum(totals) - totals / 2
        difference = (rank[:, None] - rank) ** 2
    expected = float((np.outer(totals, totals) * difference).sum())
    if expected == 0:
        return None
    return float(1 - (n - 1) * (coincidences * difference).sum() / expected)
