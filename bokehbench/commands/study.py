"""`bokehbench study`."""

from __future__ import annotations

from pathlib import Path

import click

from bokehbench.commands import options


@click.group()
def study() -> None:
    """Ask people which blur is better: build a blind page, report its answers."""


@study.command()
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(["rating", "pairwise", "best-of-n"]),
    required=True,
    help="One picture on a scale, two pictures, or the best of all methods.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder to hand out; must be new."
)
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    help="What unblinds the answers: OUT.key.json unless said. Keep it.",
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    help="Method to show (repeatable); all without an oracle unless said.",
)
@click.option(
    "--also",
    multiple=True,
    type=click.Choice(["reference", "target"]),
    help="Let the set's reference photograph, or the ground truth, take part as well (repeatable).",
)
@click.option("--benchmark", "benchmarks", multiple=True, help="Benchmark to show (repeatable).")
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    help="Protocol to show: its name, or as the folder has it, with version and disparity (repeatable).",
)
@click.option("--level", "levels", multiple=True, help="Blur level to show, for example L5 (repeatable).")
@click.option("--cases", type=int, help="Number of cases, drawn evenly from the scenes; all unless said.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of every draw.")
@click.option(
    "--subjects", type=int, default=0, help="Give out so many participant codes, and admit no others."
)
@click.option("--trials", "each", type=int, help="Questions a participant gets; all unless said.")
@click.option("--repeats", type=int, default=0, help="Questions asked twice, to check attention.")
@click.option("--title", default="Lens blur study", show_default=True)
@click.option("--question", default="", metavar="TEXT", help="Stands above the pictures.")
@click.option(
    "--scale",
    default="",
    help="Of ratings: labels from best to worst, or numbers, as in 1-5  [good/normal/bad]",
)
@click.option(
    "--criteria",
    default="",
    metavar="A,B",
    help="What is rated; on numbers accuracy,realism,preference unless said.",
)
@click.option(
    "--ties/--no-ties", default=True, show_default=True, help="Whether two pictures may be called equal."
)
@click.option(
    "--focus",
    type=click.Choice(["image", "disparity", "none"]),
    default="image",
    show_default=True,
    help="Where a cross marks the focus: on the input, on the disparity map as well, nowhere.",
)
@click.option("--max-width", type=int, help="Shrink wider pictures to so many pixels; as scored unless said.")
@click.option(
    "--consent", type=click.Path(path_type=Path), help="Text file that participants must agree to first."
)
@click.option(
    "--break-every",
    type=int,
    default=30,
    show_default=True,
    help="Offer a pause after so many answers; 0 never.",
)
@options.register
def build(
    results: tuple[Path, ...],
    kind: str,
    out: Path,
    key: Path | None,
    criteria: str,
    consent: Path | None,
    **chosen: object,
) -> None:
    """Write a page that shows the pictures of RESULTS blind and collects answers without a network."""
    from bokehbench.errors import InputError
    from bokehbench.study.build import build as build_study
    from bokehbench.study.design import Design

    try:
        text = consent.read_text() if consent else ""
    except UnicodeDecodeError as error:
        raise InputError(f"{consent}: not a text in UTF-8") from error
    names = tuple(name.strip() for name in criteria.split(",")) if criteria else ()
    design = Design(kind=kind, criteria=names, consent=text.strip(), **chosen)  # type: ignore[arg-type]
    built = build_study(results, out, design, key)
    for note in built.notes:
        click.echo(note)
    click.echo(
        f"study {built.hash}: {len(built.methods)} methods on {built.cases} cases, {built.trials} questions, "
        f"{built.asked} for each participant"
    )
    if built.codes:
        click.echo(f"codes: {' '.join(built.codes)}")
    click.echo(f"page: {built.page} (hand out the whole folder)")
    click.echo(f"key: {built.key} (keep it: without it the answers cannot be read)")


@study.command()
@click.argument("answers", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--study",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder that was handed out.",
)
@click.option("--key", type=click.Path(path_type=Path), help="STUDY.key.json unless said.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the report.")
@click.option("--complete-only", is_flag=True, help="Leave out who did not answer every question.")
@click.option(
    "--max-contradicted",
    type=float,
    metavar="SHARE",
    help="Leave out who contradicted themselves in more than this share of the repeated questions.",
)
def report(
    answers: tuple[Path, ...],
    folder: Path,
    key: Path | None,
    out: Path,
    complete_only: bool,
    max_contradicted: float | None,
) -> None:
    """Check and unblind ANSWERS (files, or folders of them) and write what they say."""
    from bokehbench.study.export import to_markdown, write_report
    from bokehbench.study.report import analyse

    found = analyse(answers, folder, key, complete_only=complete_only, max_contradicted=max_contradicted)
    write_report(found, out)
    click.echo(to_markdown(found))
    click.echo(f"report: {out}/report.md, .csv, .json; every answer: {out}/answers.csv")
