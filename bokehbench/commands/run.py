"""`bokehbench run`."""

from __future__ import annotations

from pathlib import Path

import click

from bokehbench.commands import options


@click.command()
@click.option(
    "--benchmark",
    "benchmarks",
    multiple=True,
    required=True,
    help="NAME:DIR, or NAME below $BOKEHBENCH_DATA (repeatable).",
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    help="Registered name, or all; NAME+k1.5 is given K times 1.5, RESTORER+NAME (or +all) a restored "
    "picture (repeatable).",
)
@click.option(
    "--calibrated",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Also run the method of a file of `calibrate`, with the factor of K that it found (repeatable).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Results folder; what it has already is kept.",
)
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    metavar="NAME",
    help="Rules to run under, where a benchmark offers several (repeatable; bokehbench list protocols).",
)
@click.option(
    "--disparity",
    "tracks",
    multiple=True,
    default=("gt",),
    show_default=True,
    metavar="TRACK",
    help="Map that methods get: gt (the protocol's own), dilate:N, erode:N, blur:N, noise:N with N from 1 to "
    "5, predicted:MODEL, or restored:MODEL (repeatable).",
)
@click.option(
    "--cases",
    multiple=True,
    metavar="PATTERN",
    help="Run only cases whose name, KEY or SCENE/KEY, matches this shell pattern, for example "
    "'chain_fence/*' (repeatable); results of others stay.",
)
@options.shard
@click.option(
    "--renew",
    is_flag=True,
    help="Replace results that were made from other data of the same name, and delete those of an external "
    "method, or of a protocol's version, once the new ones are there.",
)
@click.option(
    "--seeds",
    type=int,
    default=1,
    show_default=True,
    help="Runs of each stochastic method, with seeds 0, 1, ...; the table shows their spread.",
)
@click.option(
    "--profile",
    is_flag=True,
    help="Measure with care: each case --repeats times after a rendering that is not timed, with nothing "
    "beside it; also what is there already.",
)
@click.option("--repeats", type=click.IntRange(1, 1000), default=5, show_default=True, help="Of --profile.")
@options.weights
@options.workers
@options.ray
@options.register
def run(
    benchmarks: tuple[str, ...],
    methods: tuple[str, ...],
    calibrated: tuple[Path, ...],
    out: Path,
    protocols: tuple[str, ...],
    tracks: tuple[str, ...],
    cases: tuple[str, ...],
    shard: str,
    renew: bool,
    seeds: int,
    profile: bool,
    repeats: int,
    workers: int,
    ray: str | None,
) -> None:
    """Run methods on benchmarks: renders what RESULTS lacks, nothing twice."""
    from bokehbench.benchmarks.tracks import parse_track
    from bokehbench.errors import ConfigError, JobFailed
    from bokehbench.leaderboard.run import run as run_all

    if not methods and not calibrated:
        raise ConfigError("say what to run: --method NAME or --calibrated FILE")
    summary = run_all(
        benchmarks,
        methods,
        out,
        protocols=protocols,
        tracks=[parse_track(track) for track in tracks],
        workers=workers,
        ray=ray,
        cases=cases,
        shard=options.parse_shard(shard),
        renew=renew,
        seeds=seeds,
        profile=repeats if profile else 0,
        calibrated=calibrated,
    )
    for line in summary.skipped:
        click.echo(f"skipped: {line}")
    for line in summary.failed:
        click.echo(f"failed: {line}", err=True)
    measured = f", {summary.measured} of them measured again" if summary.measured else ""
    click.echo(f"{summary.rendered} rendered, {summary.present} were there{measured}, in {out}")
    if summary.failed:
        raise JobFailed(f"{len(summary.failed)} renderings failed; the same command tries them again")
