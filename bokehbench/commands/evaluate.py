"""`bokehbench evaluate`."""

from __future__ import annotations

from pathlib import Path

import click

from bokehbench.commands import options


@click.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    help="Metric or variant, for example psnr, ssim, psnr+lin (repeatable). "
    "Without it: psnr, ssim, lpips-alex, dists-256, ms-ssim, gmsd, haarpsi.",
)
@click.option(
    "--only-missing/--again",
    default=True,
    show_default=True,
    help="Compute what is missing or outdated, or everything again.",
)
@click.option(
    "--weights-dir",
    type=click.Path(path_type=Path),
    help="Folder with weight files, looked into before $BOKEHBENCH_WEIGHTS and torch's cache.",
)
@options.workers
@options.register
def evaluate(
    results: Path, metrics: tuple[str, ...], only_missing: bool, weights_dir: Path | None, workers: int
) -> None:
    """Score the predictions of a results folder; what is scored already stays."""
    from bokehbench.errors import JobFailed
    from bokehbench.leaderboard.evaluate import evaluate as evaluate_all
    from bokehbench.metrics import weights

    if weights_dir is not None:
        weights.use_folder(weights_dir)
    summary = evaluate_all(results, metrics or None, workers=workers, only_missing=only_missing)
    for name, instruction in summary.unavailable.items():
        click.echo(f"{name}: unavailable: {instruction}")
    for line in summary.undefined:
        click.echo(f"undefined: {line}")
    for line in summary.unaligned:
        click.echo(f"not registered: {line}")
    for name, count in summary.without_truth.items():
        click.echo(f"{name}: no ground truth, {count} predictions are to look at, not scored")
    for line in summary.failed:
        click.echo(f"failed: {line}", err=True)
    if summary.computed or summary.failed:
        click.echo(f"{summary.computed} scores computed, {summary.present} were there, in {results}")
    else:
        click.echo(f"nothing to compute: {summary.present} scores of {summary.results} predictions hold")
    if summary.failed:
        raise JobFailed(f"{len(summary.failed)} could not be scored; the same command tries them again")
