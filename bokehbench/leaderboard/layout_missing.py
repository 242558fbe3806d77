"""What a paper's layout would show and the results have not, each with the command that makes it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bokehbench import weights
from bokehbench.leaderboard.collect import Collected, benchmark_spec
from bokehbench.leaderboard.layout_parts import PARTLY, STALE, Part, levels
from bokehbench.leaderboard.layout_types import Missing
from bokehbench.leaderboard.staleness import current_metric, method_spec, scoring
from bokehbench.registry import BenchmarkSpec, MethodSpec, find, get, names


def run_command(
    benchmark: str, methods: Sequence[str], *, out: str = "RESULTS", disparity: Sequence[str] = ()
) -> str:
    """What makes and scores these methods' results."""
    spec = benchmark_spec(benchmark)
    place = benchmark if spec is not None and spec.bundled else f"{benchmark}:DIR"
    words = ["bokehbench", "run", "--benchmark", place]
    words += [word for method in methods for word in ("--method", method)]
    words += [word for track in disparity for word in ("--disparity", track)]
    return f"{shlex.join([*words, '--out', out])} && {scoring(Path(out), ())}"


def root_of(board: Collected) -> str:
    """The results folder that a command goes on with."""
    return next((case.at.root.as_posix() for case in board.cases.values()), "RESULTS")


def missing_methods(parts: Sequence[Part], wanted: Iterable[str]) -> list[Missing]:
    """Of the methods that a paper compares: what is to be run, what lacks weights, what is not built in."""
    board, out = parts[0].board, root_of(parts[0].board)
    run, partly, absent, found = [], [], [], []
    brought: dict[str, list[str]] = {}
    for method in dict.fromkeys(wanted):
        keys = [key for key in board.runs if key[0] == method]
        reasons = {part.lacking(key) for part in parts for key in keys if part.mean(key, "psnr") is None}
        spec = method_spec(method)
        if keys and not reasons & {PARTLY, STALE, "not run"}:
            continue
        if spec is None:
            absent.append(method)
        elif recipes := [stage.name for stage in spec.stages if stage.is_recipe]:
            brought.setdefault(recipes[0], []).append(method)
        elif instruction := next(_without_weights(method), ""):
            found.append(Missing(f"{method}: {instruction}"))
        elif keys:
            partly.append(method)
        else:
            run.append(method)
    for what, methods in (("not run", run), ("not run on all cases, or stale", partly)):
        if methods:
            command = run_command(board.benchmark, methods, out=out)
            found.insert(0, Missing(f"{what}: {', '.join(methods)}", command))
    for name, methods in brought.items():
        what = f"{', '.join(methods)}: the code of {name}'s authors is yours to bring"
        found.append(Missing(what, shlex.join(["bokehbench", "external", "show", name])))
    if absent:
        found.append(
            Missing(
                f"not built into this version: {', '.join(absent)}; the authors' code may be run by the file "
                "contract (docs/extending.md)"
            )
        )
    return found


def _without_weights(method: str) -> Iterator[str]:
    """What to do about each file of weights that is not here."""
    spec = method_spec(method)
    for wanted in spec.weights_wanted() if spec else ():
        status, path = weights.locate(wanted)
        if status != "ok":
            yield weights.instruction(wanted, path)


def missing_scores(parts: Sequence[Part], metrics: Iterable[str]) -> list[Missing]:
    """Metrics of the layout that no row has a number of."""
    first = next(iter(parts[0].board.cases.values()), None)
    lacking = [
        metric
        for metric in dict.fromkeys(metrics)
        if current_metric(metric) is not None
        and all(
            part.table is None or all(part.mean(row.key, metric) is None for row in part.table.rows)
            for part in parts
        )
    ]
    if not lacking or first is None:
        return []
    command = scoring(first.at.root, lacking, always_named=True)
    return [Missing(f"no number of {', '.join(lacking)}", command)]


def missing_levels(board: Collected, wanted: Sequence[str]) -> list[Missing]:
    """Levels of the paper that the results have no case of."""
    lacking = [level for level in wanted if level not in levels(board)]
    if not lacking:
        return []
    what = f"no case at {', '.join(lacking)}"
    run = run_command("blb-lite", ["all"], out=root_of(board))
    if board.benchmark == "blb-lite":
        return [Missing(what, run)]
    command = f"bokehbench blb render --set blb-lite --out DIR && {run}"
    return [Missing(f"{what}: {board.benchmark} may have none; blb-lite has all five", command)]


def missing_set(benchmark: str, methods: Sequence[str], out: str) -> Missing:
    """A set of which there are no results at all."""
    spec = get(BenchmarkSpec, benchmark) if benchmark in names(BenchmarkSpec) else None
    source = f"; the set: {spec.source}" if spec is not None and spec.source else ""
    return Missing(f"no results of {benchmark}{source}", run_command(benchmark, methods, out=out))


def known(methods: Iterable[str]) -> list[str]:
    """Those that are registered here."""
    return [method for method in methods if find(MethodSpec, method) is not None]
