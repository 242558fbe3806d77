"""What a paper's layout would show and the results have not, each with the command that makes it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from bokehbench import weights
from bokehbench.benchmarks.protocols import base_id
from bokehbench.leaderboard.collect import Collected, benchmark_spec
from bokehbench.leaderboard.layout_parts import NOT_TRAINED, PARTLY, STALE, Part, levels
from bokehbench.leaderboard.layout_types import NONE, OURS, Line, Missing, Shown
from bokehbench.leaderboard.reported import SAME_SCENES
from bokehbench.leaderboard.staleness import current_metric, method_spec, scoring
from bokehbench.registry import BenchmarkSpec, MethodSpec, find, get, names

FIVE_LEVELS = ("blb-lite", *SAME_SCENES)
"""Benchmarks with all levels of BokehMe's Table 1."""


def run_command(
    benchmark: str,
    methods: Sequence[str],
    *,
    out: str = "RESULTS",
    disparity: Sequence[str] = (),
    protocol: str = "",
) -> str:
    """What makes and scores these methods' results; says `protocol` where it is not the benchmark's own."""
    spec = benchmark_spec(benchmark)
    place = benchmark if spec is not None and spec.bundled else f"{benchmark}:DIR"
    words = ["bokehbench", "run", "--benchmark", place]
    words += [word for method in methods for word in ("--method", method)]
    name = base_id(protocol).partition("@")[0]
    words += ["--protocol", name] if name and spec is not None and name != spec.protocol else []
    words += [word for track in disparity for word in ("--disparity", track)]
    return f"{shlex.join([*words, '--out', out])} && {scoring(Path(out), ())}"


def root_of(board: Collected) -> str:
    """The results folder that a command goes on with."""
    return next((case.at.root.as_posix() for case in board.cases.values()), "RESULTS")


def missing_methods(parts: Sequence[Part], wanted: Iterable[str]) -> list[Missing]:
    """Of the methods that a paper compares: what is to be run, what lacks weights, what is not built in.

    What is in the results and lacks cases, or is stale, is to be run again.
    """
    board, out = parts[0].board, root_of(parts[0].board)
    run, partly, absent, found = [], [], [], []
    brought: dict[str, list[str]] = {}
    for method in dict.fromkeys(wanted):
        keys = [key for key in board.runs if key[0] == method]
        reasons = {part.lacking(key) for part in parts for key in keys if part.mean(key, "psnr") is None}
        spec = method_spec(method)
        if keys and not reasons & {PARTLY, STALE, "not run"}:
            continue
        if spec is None and keys:
            found.append(Missing(f"not run on all cases, or stale: {method}, which is not registered here"))
        elif spec is None:
            absent.append(method)
        elif recipes := [stage.name for stage in spec.stages if stage.is_recipe]:
            brought.setdefault(recipes[0], []).append(method)
        elif lacking := _weights_lacking(method):
            found.append(Missing(f"{method}: {weights.instruction(*lacking[0])}"))
        elif keys:
            partly.append(method)
        else:
            run.append(method)
    for what, methods in (("not run", run), ("not run on all cases, or stale", partly)):
        if methods:
            command = run_command(board.benchmark, methods, out=out, protocol=board.protocol)
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


def _weights_lacking(method: str) -> list[tuple[weights.Wanted, Path | None]]:
    """Files of weights that are not here, each with the wrong one where there is one of its name."""
    spec = method_spec(method)
    found = [(wanted, *weights.locate(wanted)) for wanted in (spec.weights_wanted() if spec else ())]
    return [(wanted, path) for wanted, status, path in found if status != "ok"]


def untrained_line(parts: Sequence[Part], method: str) -> Line | None:
    """The row of a method that lacks weights which `bokehbench train` would make; None for another one."""
    if not any(wanted.trained_by and path is None for wanted, path in _weights_lacking(method)):
        return None
    words = (NOT_TRAINED if head.metric else NONE for part in parts for head in part.heads)
    return Line(method, OURS, tuple(map(Shown, words)))


def missing_scores(parts: Sequence[Part], metrics: Iterable[str]) -> list[Missing]:
    """Metrics of the layout that no row has a number of."""
    first = next(iter(parts[0].board.cases.values()), None)
    if all(part.table is not None and not part.table.rows for part in parts):
        return []  # nothing counts: what is stale is run again first
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
    what, out = f"no case at {', '.join(lacking)}", root_of(board)
    if board.benchmark in FIVE_LEVELS:
        return [Missing(what, _run_on(board))]
    command = f"bokehbench blb render --set blb-lite --out DIR && {run_command('blb-lite', ['all'], out=out)}"
    return [Missing(f"{what}: {board.benchmark} has none; blb-lite has all five", command, FIVE_LEVELS)]


def missing_cases(board: Collected) -> list[Missing]:
    """Cases of the set that no method was run on."""
    spec, n = benchmark_spec(board.benchmark), len(board.cases)
    if spec is None or n >= spec.published:
        return []
    what = f"{n} of {spec.published} cases of {board.benchmark}: what is run on more, all rows must be run on"
    return [Missing(what, _run_on(board))]


def missing_set(
    benchmark: str, methods: Sequence[str], out: str, *, protocol: str, sets: tuple[str, ...]
) -> Missing:
    """A set of which there are no results at all; those of any of `sets` would do."""
    spec = get(BenchmarkSpec, benchmark) if benchmark in names(BenchmarkSpec) else None
    source = f"; the set: {spec.source}" if spec is not None and spec.source else ""
    command = run_command(benchmark, methods, out=out, protocol=protocol)
    return Missing(f"no results of {benchmark}{source}", command, sets)


def _run_on(board: Collected) -> str:
    """The command for the whole set, with the methods that have results; all where none is registered."""
    methods = known(dict.fromkeys(method for method, _ in board.runs)) or ["all"]
    return run_command(board.benchmark, methods, out=root_of(board), protocol=board.protocol)


def known(methods: Iterable[str]) -> list[str]:
    """Those that are registered here."""
    return [method for method in methods if find(MethodSpec, method) is not None]
