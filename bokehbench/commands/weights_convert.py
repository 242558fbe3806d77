"""`bokehbench weights convert`: a pickled checkpoint of others becomes safetensors, and none of it is run."""

from __future__ import annotations

from pathlib import Path

import click

NAMES = {"magicbokeh": "magicbokeh-official.safetensors", "lama": "lama.safetensors"}
"""Whose checkpoint -> the file that its method looks for."""


@click.command("convert")
@click.argument("method", type=click.Choice(list(NAMES)))
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The result, a .safetensors file; without it the method's in the first folder of weights.",
)
@click.option(
    "--seconds",
    type=click.IntRange(1, 86_400),
    default=600,
    show_default=True,
    help="After which the process that reads FILE is ended.",
)
@click.option(
    "--memory",
    "memory_mb",
    type=click.IntRange(64, 1 << 20),
    default=2048,
    show_default=True,
    help="MiB that it may have.",
)
def convert(method: str, file: Path, out: Path | None, seconds: int, memory_mb: int) -> None:
    """Turn the pickled FILE that METHOD's authors released into safetensors.

    Of METHOD magicbokeh, which `magicbokeh-official` then finds, or lama (big-lama.pt, a program of
    TorchScript), which `dr-bokeh-lama` then finds. A pickle is a program: here it is read by
    code that runs nothing of it, in a process with limits and without environment. Every tensor must be one
    of the model's; what is missing or unknown is named, and nothing is written (exit 2).
    """
    from bokehbench import weights as places
    from bokehbench.weights_convert import fits
    from bokehbench.weights_convert.convert import Limits, printable
    from bokehbench.weights_convert.convert import convert as converted

    target = out or places.folders()[0] / NAMES[method]
    made = converted(method, file, target, Limits(seconds, memory_mb), fits.MODELS[method])
    click.echo(f"read {file} (sha256 {made.source_sha256})")
    for part, count in made.report["parts"].items():
        click.echo(f"  {part}: {count} tensors")
    for part, why in made.report["left_out"].items():
        click.echo(f"  left out of {printable(part)}: {why}")
    click.echo(f"wrote {made.path} (sha256 {made.sha256})")
