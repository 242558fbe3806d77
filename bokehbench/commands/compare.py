"""`bokehbench compare`."""

from __future__ import annotations

from pathlib import Path

import click

from bokehbench.commands import options


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option(
    "--metric", "metrics", multiple=True, help="Only this metric or variant (repeatable); all unless said."
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write everything as JSON.")
@click.option("--md", "markdown_file", type=click.Path(path_type=Path), help="Write the Markdown.")
@options.register
def compare(
    a: str, b: str, metrics: tuple[str, ...], json_file: Path | None, markdown_file: Path | None
) -> None:
    """Paired differences A - B with intervals, and what changed.

    A and B are each RESULTS (all methods, two folders or two dates), RESULTS::METHOD (two methods, of one
    folder or of two) or RESULTS::METHOD/WEIGHTS. For example, what BokehMe's networks add at each level:

        bokehbench compare RESULTS::bokehme RESULTS::bokehme-cr --metric psnr
    """
    from bokehbench import records
    from bokehbench.leaderboard import compare_text
    from bokehbench.leaderboard.compare import compare as compare_sides
    from bokehbench.leaderboard.sides import parse_side

    report = compare_sides(parse_side(a), parse_side(b), metrics)
    text = compare_text.to_markdown(report)
    if markdown_file is not None:
        records.write_text(markdown_file, text)
    if json_file is not None:
        records.write_json(json_file, compare_text.to_json(report))
    click.echo(text, nl=False)
