"""`bokehbench verify`."""

from __future__ import annotations

from pathlib import Path

import click

from bokehbench.commands import options


@click.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="Predictions to render again; 0 holds the files to their records alone.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Chooses which.")
@click.option(
    "--benchmark",
    "benchmarks",
    multiple=True,
    help="NAME:DIR of the data that the results are of (repeatable); else $BOKEHBENCH_DATA/NAME.",
)
@click.option(
    "--psnr",
    "least_psnr",
    type=float,
    metavar="DB",
    help="On other hardware: accept other bytes where the pictures agree by at least so many dB.",
)
@options.weights
@options.workers
@options.register
def verify(
    results: Path, sample: int, seed: int, benchmarks: tuple[str, ...], least_psnr: float | None, workers: int
) -> None:
    """Render stored predictions again and compare; exit with 1 on a difference.

    Every file of RESULTS is held to its record; of the sample also record, case and numbers are made again.
    What cannot be made again here is said and counted, and is no difference.
    """
    from bokehbench.leaderboard.verify import verify as verify_results

    summary = verify_results(
        results, sample=sample, seed=seed, benchmarks=benchmarks, least_psnr=least_psnr, workers=workers
    )
    for line in summary.notes:
        click.echo(f"note: {line}")
    for why, count in sorted(summary.not_computed.items()):
        click.echo(f"note: {count} numbers are not computed again: {why}")
    for line in summary.problems:
        click.echo(f"differs: {line}", err=True)
    left, count = sum(summary.not_computed.values()), len(summary.problems)
    click.echo(
        f"{summary.files} results looked at, {summary.sampled} rendered again, {summary.scores} scores "
        f"computed again{f' ({left} not)' if left else ''}: {count or 'no'} difference{'s'[count == 1 :]}"
    )
    if summary.problems:
        raise SystemExit(1)
