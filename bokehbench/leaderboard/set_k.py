"""One K for a whole set: best on the mean of its cases, or cross-fitted so that no case chooses its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bokehbench import jobs
from bokehbench.benchmarks.locate import Opened
from bokehbench.errors import InputError
from bokehbench.leaderboard import find_k
from bokehbench.leaderboard.unit import Unit, measure_curve, searches_K
from bokehbench.registry import MethodSpec, get

if TYPE_CHECKING:
    from bokehbench.leaderboard.run import Pool, Summary


def choose_for_set(units: Sequence[Unit], opened: Opened, pool: Pool, summary: Summary) -> list[Unit]:
    """The units with their K; those whose K cannot be chosen yet are left out and named in the summary.

    Args:
        units: all of one benchmark and protocol.
        opened: its protocol says best-per-set or cross-fitted.

    Raises:
        InputError: cross-fitting needs scenes in both halves.
    """
    done: list[Unit] = []
    for method, seed in dict.fromkeys((unit.result.method, unit.result.seed) for unit in units):
        own = [unit for unit in units if (unit.result.method, unit.result.seed) == (method, seed)]
        if not searches_K(own[0], get(MethodSpec, method)):
            done += own
            continue
        if opened.protocol.K == "best-per-set":
            done += _with_best(own, own, pool, summary)
            continue
        halves = [[unit for unit in own if find_k.fold(unit.info.scene) == half] for half in (0, 1)]
        if not all(halves):
            raise InputError(
                f"{opened.spec.name}: {opened.protocol.id} needs scenes in both halves of the set to choose "
                f"K for one on the other, and has {len(own)} cases in one; use more scenes"
            )
        for half, other in (halves, halves[::-1]):
            done += _with_best(half, other, pool, summary)
    return done


def _with_best(units: list[Unit], judges: list[Unit], pool: Pool, summary: Summary) -> list[Unit]:
    """`units` with the K whose mean PSNR over `judges` is best; none where a judge failed."""
    method, low_high = judges[0].result.method, judges[0].info.K_search
    if low_high is None:
        return units
    search = find_k.search(*low_high)
    wanted = next(search)
    while True:
        jobs_ = [(f"{unit.info.key} {method}", (unit, tuple(wanted))) for unit in judges]
        sums = dict.fromkeys(wanted, 0.0)
        failed = []
        outcomes = jobs.run_jobs(
            measure_curve, jobs_, label=f"K of {method}", workers=pool.workers, ray=pool.ray
        )
        curves = {}
        for outcome in outcomes:
            if outcome.value is None:
                failed.append(f"{outcome.key}, looking for K: {outcome.error}")
            else:
                curves[outcome.key] = outcome.value
        if failed:
            summary.failed += failed
            return []
        for key in sorted(curves):  # a fixed order: the last digits of a sum depend on it
            for K in wanted:
                sums[K] += curves[key][K]
        try:
            wanted = search.send([sums[K] / len(judges) for K in wanted])
        except StopIteration as end:
            return [replace(unit, K=float(end.value)) for unit in units]
