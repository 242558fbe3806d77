"""`bokehbench smoke`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bokehbench.commands import options

if TYPE_CHECKING:
    from bokehbench.baselines.smoke import Check, Report


@click.command()
@click.argument("methods", nargs=-1, required=True, metavar="METHOD... | all")
@options.weights
@options.register
@click.pass_context
def smoke(context: click.Context, methods: tuple[str, ...]) -> None:
    """Check that methods do what any renderer of lens blur must.

    Shape, range, K = 0, equal pictures for equal seeds, a sharp focal plane, blur elsewhere, odd sizes, input
    above 1, and a picture of one colour that stays so. A program that dies is a line of its own ("ended"),
    and what its process made is not judged ("–").

    Exit code 1 if a check fails or a program dies, 2 if a method that was named cannot be tried here (weights
    or environment are missing or wrong); under `all` such methods are skipped.
    """
    from bokehbench.baselines.smoke import smoke as try_out
    from bokehbench.errors import ConfigError, Unavailable
    from bokehbench.jobs import progress
    from bokehbench.registry import MethodSpec, get, names

    chosen = names(MethodSpec) if "all" in methods else methods
    specs = list(dict.fromkeys(get(MethodSpec, name).name for name in chosen))
    for name in specs:
        if len(stages := get(MethodSpec, name).stages) > 1:
            raise ConfigError(
                f"{name} needs a low-quality picture; try its renderer alone: {stages[-1].name}"
            )
    reports = []
    with progress("trying methods", len(specs)) as advance:
        for name in specs:
            reports.append(try_out(get(MethodSpec, name)))
            advance(1)
    click.echo(table(reports))
    named = {get(MethodSpec, name).name for name in methods if name != "all"}
    lacking = [report for report in reports if report.unavailable and report.method in named]
    if lacking:
        raise Unavailable("; ".join(f"{report.method}: {report.unavailable}" for report in lacking))
    if not all(report.passed for report in reports):
        context.exit(1)


def table(reports: list[Report]) -> str:
    """A line for each method, then what failed with its figures, what is in no hash, what was skipped."""
    from bokehbench.baselines.smoke import NAMES

    width = max(len(report.method) for report in reports)
    lines = ["  ".join([" " * width, *NAMES])]
    for report in reports:
        marks = [_mark(check) for check in report.checks] or ["–"] * len(NAMES)
        cells = [mark.ljust(len(name)) for mark, name in zip(marks, NAMES, strict=True)]
        lines.append("  ".join([report.method.ljust(width), *cells]).rstrip())
    for report in reports:
        lines += [f"FAIL {report.method}, ended: {report.ended}"] if report.ended else []
        lines += [f"FAIL {report.method}, {c.name}: {c.said}" for c in report.checks if _mark(c) == "FAIL"]
        left = [check.name for check in report.checks if not check.tried]
        lines += [f"not tried: {report.method}: {', '.join(left)}: the process died"] if left else []
        lines += [f"warning: {report.method}: {text}" for text in report.warnings]
    lines += [f"skipped: {report.method}: {report.unavailable}" for report in reports if report.unavailable]
    return "\n".join(lines)


def _mark(check: Check) -> str:
    if not check.tried:
        return "–"
    return "ok" if check.passed else "FAIL"
