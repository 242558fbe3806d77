"""`bokehbench leaderboard`."""

from __future__ import annotations

from pathlib import Path

import click

from bokehbench.commands import options


@click.command()
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder of the tables and the page."
)
@click.option(
    "--strip",
    "strips",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Refocus strip to show: JSON file or folder of them (repeatable), besides RESULTS/_strips.",
)
@click.option("--strict", is_flag=True, help="Exit with 2 if a row or column is stale, or a row incomplete.")
@options.register
def leaderboard(results: tuple[Path, ...], out: Path, strips: tuple[Path, ...], strict: bool) -> None:
    """Write tables (Markdown, CSV, LaTeX, JSON) and the page of RESULTS, one or several folders."""
    from bokehbench.errors import InputError
    from bokehbench.leaderboard.leaderboard import write

    summary = write(results, out, strips=strips)
    click.echo(summary.terminal())
    for line in summary.without_truth:
        click.echo(line)
    click.echo(f"page: {summary.page}")
    click.echo(f"tables: {out}/leaderboard.md, .csv, .tex, .json; every number: {out}/results.csv")
    if strict and (summary.stale or summary.incomplete):
        raise InputError(
            "stale or incomplete rows (--strict): " + ", ".join((*summary.stale, *summary.incomplete))
        )
