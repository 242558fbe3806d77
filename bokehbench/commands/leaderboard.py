"""`bokehbench leaderboard`."""

from __future__ import annotations

import itertools
from pathlib import Path

import click

from bokehbench.commands import options


class OptionalPaper(click.Command):
    """`--reported` without a paper stands before a folder of results as well: the folder is none of its."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write out what `--reported` leaves to be understood."""
        from bokehbench.leaderboard.reported import PAPERS

        written: list[str] = []
        for word, following in itertools.zip_longest(args, args[1:], fillvalue=""):
            is_paper = following in (*PAPERS, "all")
            alone = word == "--reported" and not is_paper and Path(following).exists()
            written.append("--reported=all" if alone else word)
        return super().parse_args(ctx, written)


@click.command(cls=OptionalPaper)
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
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 2 if a row or column is stale, a row incomplete or a case lost; says what renews each.",
)
@click.option(
    "--reported",
    "paper",
    is_flag=False,
    flag_value="all",
    metavar="[PAPER]",
    help="Beside ours, what papers print: bokehme, bokehdiff, magicbokeh, or all of them. Never ranked.",
)
@click.option(
    "--layout",
    metavar="NAME",
    default="",
    help="Also the layout of a paper's table, ours beside theirs: bokehme-1, bokehme-2, bokehme-fig11, "
    "bokehdiff-1 or magicbokeh-1.",
)
@click.option(
    "--crop",
    "crops",
    metavar="[BENCHMARK/]CASE:X,Y,W,H",
    multiple=True,
    help="Show this crop by all methods on the page (repeatable); otherwise that where they differ most.",
)
@click.option(
    "--intervals/--no-intervals", default=True, show_default=True, help="Whether the LaTeX has ± intervals."
)
@click.option("--all-pairs", is_flag=True, help="Also OUT/all_pairs.csv: each row tested against each other.")
@click.option(
    "--check",
    "documents",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Exit with 2 if the marked tables of a Markdown file are not those of RESULTS (repeatable).",
)
@click.option(
    "--update",
    "renewed",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Write the tables into the marked places of a Markdown file (repeatable).",
)
@options.register
def leaderboard(
    results: tuple[Path, ...],
    out: Path,
    strips: tuple[Path, ...],
    strict: bool,
    paper: str | None,
    layout: str,
    crops: tuple[str, ...],
    intervals: bool,
    all_pairs: bool,
    documents: tuple[Path, ...],
    renewed: tuple[Path, ...],
) -> None:
    """Write tables (Markdown, CSV, LaTeX, JSON) and the page of RESULTS, one or several folders."""
    from bokehbench.errors import InputError
    from bokehbench.leaderboard import document, reported
    from bokehbench.leaderboard.leaderboard import write

    papers = reported.choose(paper) if paper else ()
    for path in (*documents, *renewed):
        document.parts(path)  # refused before the work
    summary = write(
        results,
        out,
        strips=strips,
        papers=papers,
        layout=layout,
        intervals=intervals,
        pairs=all_pairs,
        crop=crops,
    )
    click.echo(summary.terminal())
    if layout:
        click.echo(summary.layout)
    for line in (*summary.without_truth, *summary.without_table, *summary.crops):
        click.echo(line)
    click.echo(f"page: {summary.page}")
    click.echo(f"tables: {out}/leaderboard.md, .csv, .tex, .json; every number: {out}/results.csv")
    for path in renewed:
        click.echo(f"{path}: {document.update(path, summary.plain)} tables written")
    differences = [line for path in documents for line in document.differs(path, summary.plain)]
    for line in differences:
        click.echo(f"stale: {line}", err=True)
    if strict and (wrong := (*summary.stale, *summary.incomplete, *summary.lost)):
        for line in (*summary.renewals, *summary.without_table):
            click.echo(f"stale: {line}", err=True)
        raise InputError(f"stale or incomplete rows, or lost cases (--strict): {', '.join(wrong)}")
    if differences:
        raise InputError(f"{len(differences)} stale tables (--check); --update FILE writes them again")
