"""`bokehbench calibrate`: the constant by which K has to be multiplied for a method."""

from __future__ import annotations

from pathlib import Path

import click

from bokehbench.commands import options
from bokehbench.errors import ConfigError


@click.command()
@click.argument("method")
@click.option(
    "--benchmark",
    required=True,
    help="NAME:DIR, or NAME below $BOKEHBENCH_DATA: a set with K and ground truth that is not tested on.",
)
@click.option("--protocol", default=None, metavar="NAME", help="Rules, where the benchmark offers several.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help=".json; run and render take it.")
@click.option(
    "--range",
    "between",
    default="0.25,4",
    show_default=True,
    metavar="LOW,HIGH",
    help="Smallest and largest factor.",
)
@options.weights
@options.workers
@options.ray
@options.register
def calibrate(
    method: str,
    benchmark: str,
    protocol: str | None,
    out: Path,
    between: str,
    workers: int,
    ray: str | None,
) -> None:
    """Find the one factor of K with which METHOD comes closest to the ground truth of a set.

    For methods that blur by another radius than they are asked for. The result is used by name
    (--method METHOD+k1.5) or by file (--calibrated FILE) in `run` and `render`; a table has it in a row of
    its own, beside the method as it is. What was measured stays beside FILE: a killed command goes on.
    """
    from bokehbench.leaderboard import k_scale
    from bokehbench.leaderboard.calibrate import calibrate as find

    if out.suffix.lower() != ".json":
        raise ConfigError(f"--out {out}: the name must end in .json")
    found = find(method, benchmark, out, protocol=protocol, between=_range(between), workers=workers, ray=ray)
    click.echo(k_scale.sentence(found))
    best = max(found.psnr, key=lambda name: (found.psnr[name], name))
    click.echo(
        f"PSNR {found.psnr['1.0000']:.3f} dB as it is, {found.psnr[best]:.3f} dB with K times "
        f"{float(best):.4g} (the best of {len(found.psnr)} tried)"
    )
    if found.gain is not None:
        click.echo(
            "on scenes left out, the factor of the others gains {:.3f} dB ({:.3f} to {:.3f})".format(
                *found.gain
            )
        )
    if found.interval is None:
        click.echo(f"no interval: {found.scenes} scenes are too few")
    elif not found.is_needed:
        within = found.interval[0] <= 1.0 <= found.interval[1]
        why = "1 lies in the interval" if within else "the gain may be 0"
        click.echo(f"{why}: nothing says that this method needs a factor; more scenes tell more")
    click.echo(found.training)
    if found.k_scale == 1.0:
        click.echo(f"{out}: {found.base} is best as it is")
    else:
        click.echo(f"{out}: use it with --calibrated, or as --method {found.base}+k{found.k_scale:g}")


def _range(text: str) -> tuple[float, float]:
    low, _, high = text.partition(",")
    try:
        return float(low), float(high)
    except ValueError:
        raise ConfigError(f"--range must be LOW,HIGH, for example 0.5,2, not {text!r}") from None
