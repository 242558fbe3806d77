"""One K for a whole set: best on the mean of its cases, or cross-fitted so that no case chooses its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bokehbench.benchmarks.locate import Opened
from bokehbench.errors import InputError
from bokehbench.leaderboard import find_k
from bokehbench.leaderboard.curves import BY_K, measure
from bokehbench.leaderboard.unit import Unit, searches_K
from bokehbench.registry import MethodSpec, get

if TYPE_CHECKING:
    from bokehbench.leaderboard.run import Pool, Summary


def choose_for_set(units: Sequence[Unit], opened: Opened, pool: Pool, summary: Summary) -> list[Unit]:
    """The units with their K; those for which no case can choose one are left out and named in the summary.

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
        left_out: list[str] = []
        for chosen, judges in _who_judges_whom(own, opened):
            done += _with_best(chosen, judges, pool, summary, left_out)
        find_k.note_left_out(own[0].result.folder, left_out)
    return done


def _who_judges_whom(own: list[Unit], opened: Opened) -> list[tuple[list[Unit], list[Unit]]]:
    """Units, and those whose mean chooses their K."""
    if opened.protocol.K == "best-per-set":
        return [(own, own)]
    halves = [[unit for unit in own if find_k.fold(unit.info.scene) == half] for half in (0, 1)]
    if not all(halves):
        raise InputError(
            f"{opened.spec.name}: {opened.protocol.id} needs scenes in both halves of the set to choose "
            f"K for one on the other, and has {len(own)} cases in one; use more scenes"
        )
    return [(halves[0], halves[1]), (halves[1], halves[0])]


def _with_best(
    units: list[Unit], judges: list[Unit], pool: Pool, summary: Summary, left_out: list[str]
) -> list[Unit]:
    """`units` with the K whose mean PSNR over `judges` is best; none where every judge fails.

    A judge that fails has no say, and its key goes to `left_out`. The search then begins again, so that all K
    are compared over the same cases; what is known of the others is read from their curves.
    """
    method, low_high = judges[0].result.method, judges[0].info.K_search
    if low_high is None:
        return units
    while judges:
        K, failed = _search(judges, find_k.search(*low_high), pool)
        if K is not None:
            return [replace(unit, K=K) for unit in units]
        summary.failed += [f"{key}, looking for K: {error}" for key, error in failed.items()]
        left_out += [unit.info.key for unit in judges if _key(unit) in failed]
        judges = [unit for unit in judges if _key(unit) not in failed]
    summary.failed.append(
        f"{method}: every case that could choose K failed; {len(units)} cases wait for it, the first is "
        f"{units[0].info.key}"
    )
    return []


def _key(unit: Unit) -> str:
    return f"{unit.info.key} {unit.result.method}"


def _search(judges: list[Unit], search: find_k.Search, pool: Pool) -> tuple[float | None, dict[str, str]]:
    """The best K; or None, and the error of each judge that failed."""
    wanted = next(search)
    label = f"K of {judges[0].result.method}"
    while True:
        work = [(_key(unit), (unit, tuple(wanted))) for unit in judges]
        curves, failed = {}, {}
        for one in measure(work, BY_K, label=label, workers=pool.workers, ray=pool.ray):
            if one.curve is None:
                failed[one.key] = str(one.error)
            else:
                curves[one.key] = one.curve
        if failed:
            return None, dict(sorted(failed.items()))
        # A fixed order: the last digits of a sum depend on it.
        sums = [sum(curves[key][K] for key in sorted(curves)) for K in wanted]
        try:
            wanted = search.send([total / len(judges) for total in sums])
        except StopIteration as end:
            return float(end.value), {}
