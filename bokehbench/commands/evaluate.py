"""`bokehbench evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bokehbench.commands import options

if TYPE_CHECKING:
    from bokehbench.leaderboard.evaluate import Summary
    from bokehbench.leaderboard.set_scores import Summary as SetSummary


@click.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    help="Metric or variant, for example psnr, ssim, psnr+lin (repeatable). "
    "Without one: psnr, ssim, lpips-alex, dists-256, ms-ssim, gmsd, haarpsi.",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    help="Also a paper's set of metrics by name: bb1, bokehlicious, magicbokeh, ebb-legacy (repeatable).",
)
@click.option(
    "--require",
    multiple=True,
    metavar="METRIC",
    help="Also compute this metric, and exit with 2 if there is no number for want of weights (repeatable).",
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
@click.option(
    "--breakdown",
    is_flag=True,
    help="Also where methods fail: scores by region (in focus, out of focus, occlusion band, highlights), "
    "bias of blur and of light, and squared error by region and signed defocus.",
)
@options.shard
@options.workers
@options.ray
@options.register
def evaluate(
    results: Path,
    metrics: tuple[str, ...],
    profiles: tuple[str, ...],
    require: tuple[str, ...],
    only_missing: bool,
    weights_dir: Path | None,
    breakdown: bool,
    shard: str,
    workers: int,
    ray: str | None,
) -> None:
    """Score the predictions of a results folder; what is scored already stays.

    Metrics over whole sets (`bokehbench list set-metrics`) are asked for in the same way. --profile and
    --require add to those of --metric, or to those that are computed without one.
    """
    from bokehbench.errors import JobFailed
    from bokehbench.leaderboard import set_scores
    from bokehbench.leaderboard.evaluate import evaluate as evaluate_all
    from bokehbench.metrics import weights
    from bokehbench.metrics.profiles import expand

    if weights_dir is not None:
        weights.use_folder(weights_dir)
    part = options.parse_shard(shard)
    of_images, of_sets = chosen(metrics, (*expand(profiles), *require))
    summary = None
    if of_images or breakdown:
        summary = evaluate_all(
            results,
            of_images,
            workers=workers,
            ray=ray,
            shard=part,
            only_missing=only_missing,
            breakdown=breakdown,
        )
        _say(summary, results)
    unavailable = dict(summary.unavailable) if summary else {}
    failed = len(summary.failed) if summary else 0
    if of_sets:
        over_sets = set_scores.evaluate_sets(
            results, of_sets, workers=workers, ray=ray, shard=part, only_missing=only_missing
        )
        _say_sets(over_sets, results)
        unavailable |= over_sets.unavailable
        failed += len(over_sets.failed)
    if failed:
        raise JobFailed(f"{failed} could not be scored; the same command tries them again")
    set_scores.require(require, unavailable)


def chosen(metrics: Sequence[str], added: Sequence[str]) -> tuple[list[str], list[str]]:
    """Metrics of single pictures and of whole sets: those named, else the default ones; and what is added."""
    from bokehbench.leaderboard.set_scores import is_set_metric
    from bokehbench.metrics.specs import DEFAULT

    names = list(dict.fromkeys((*(metrics or DEFAULT), *added)))
    of_sets = [name for name in names if is_set_metric(name)]
    return [name for name in names if name not in of_sets], of_sets


def _say(summary: Summary, results: Path) -> None:
    for name, instruction in summary.unavailable.items():
        click.echo(f"{name}: {instruction}")
    for line in summary.undefined:
        click.echo(f"undefined: {line}")
    for line in summary.unaligned:
        click.echo(f"not registered: {line}")
    for name, count in summary.without_truth.items():
        click.echo(f"{name}: no ground truth, {count} predictions are to look at, not scored")
    for line in summary.failed:
        click.echo(f"failed: {line}", err=True)
    if summary.broken_down:
        click.echo(f"squared error by region and defocus of {summary.broken_down} predictions")
    if summary.computed or summary.failed:
        click.echo(f"{summary.computed} scores computed, {summary.present} were there, in {results}")
    else:
        noted = f"; {summary.noted} files of scores now say why numbers are lacking" if summary.noted else ""
        click.echo(
            f"nothing to compute: {summary.present} scores of {summary.results} predictions hold{noted}"
        )


def _say_sets(summary: SetSummary, results: Path) -> None:
    from bokehbench.leaderboard import sets

    for name, instruction in summary.unavailable.items():
        click.echo(f"{name}: {instruction}")
    for line in summary.failed:
        click.echo(f"failed: {line}", err=True)
    click.echo(f"{summary.computed} numbers of whole sets computed, {summary.present} were there")
    click.echo(sets.to_markdown(sets.collect_sets([results])))
