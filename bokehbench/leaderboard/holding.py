"""Which stored scores hold: those of the pictures, lens, rules and grounds of today, by the metric of today.

`evaluate` computes the others again and tables do not count them. Both ask here, so that they agree.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping
from typing import Any

from bokehbench import records
from bokehbench.errors import InputError
from bokehbench.leaderboard import pairs, regions
from bokehbench.leaderboard.lost import why_lost
from bokehbench.leaderboard.results import Protocol, Result
from bokehbench.leaderboard.stored import read_object, why_no_score
from bokehbench.metrics.catalogue import Metric

SCHEMA = "bokehbench.scores/1"
FINAL = ("ok", "identical", "undefined")
"""Statuses that need no second look."""
ABOUT = ("prediction", "target", "gamma", "border", "noise")
"""What a scores file says that its numbers were made from."""


class Known:
    """What is known of each case of a protocol, found once and only if it is asked for.

    Attributes:
        target: case -> `target_facts`.
        lost: case -> why nothing can be scored against it, None where it can.
        pair: case -> digest of how its target lies to its input, empty where that is to be found again.
        regions: case -> digest of its regions, likewise.
    """

    def __init__(self, at: Protocol) -> None:
        self.target = functools.cache(lambda case: target_facts(at, case))
        self.lost = functools.cache(lambda case: why_lost(at, case, lambda: self.target(case)))
        self.pair = functools.cache(lambda case: pairs.digest(at, case))
        self.regions = functools.cache(lambda case: regions.digest(at, case))

    def other_ground(self, score: Mapping[str, Any], metric: Metric, case: str) -> str:
        """What a score rests on that is not as it is today: pair, regions; empty where all is."""
        grounds = {"pair": metric.needs_pair and self.pair, "regions": metric.needs_regions and self.regions}
        for what, digest in grounds.items():
            if digest and (not digest(case) or score.get(what) != digest(case)):
                return what
        return ""


def target_facts(at: Protocol, case: str) -> dict[str, Any]:
    """Hash of the target, gamma by which `+lin` decodes it, border that the protocol drops, known noise."""
    target = at.case_image(case, "target")
    for path in (target, at.case_record(case)):
        if not path.is_file():
            raise InputError(f"{path}: no such file; bokehbench run writes it again")
    record = read_object(at.case_record(case), {})
    try:
        gamma = float(record["lens"]["gamma"])
        border = {"border": int(record["crop"])} if "crop" in record else {}
        known = record.get("notes", {}).get("target_noise_psnr")
        noise = {} if known is None else {"noise": float(known)}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{at.case_record(case)}: is damaged; bokehbench run writes it again") from error
    return {"target": records.sha256_file(target), "gamma": gamma, **border, **noise}


def changed(content: Mapping[str, Any], made_from: Mapping[str, Any]) -> tuple[str, ...]:
    """What a scores file was made from that is another today; empty where its scores are about today's.

    Args:
        content: of the file.
        made_from: hash of the prediction, and `target_facts` of its case.
    """
    if content.get("schema") != SCHEMA:
        return ("form",)
    return tuple(what for what in ABOUT if content.get(what) != made_from.get(what))


def holds(score: Mapping[str, Any] | None, metric: Metric, case: str, known: Known) -> bool:
    """Whether a score of a file that is about today's pictures needs no second look."""
    if score is None or score.get("status") not in FINAL or score.get("fingerprint") != metric.fingerprint:
        return False
    return not known.other_ground(score, metric, case)


def stored_scores(result: Result, made_from: Mapping[str, Any]) -> dict[str, Any]:
    """The stored scores; none if they are about other pictures, or broken (then they are made again)."""
    with contextlib.suppress(InputError):
        content = (
            read_object(result.scores, {"schema": str, "scores": dict}) if result.scores.exists() else {}
        )
        if not changed(content, made_from):
            return {name: score for name, score in content["scores"].items() if not why_no_score(score)}
    return {}
