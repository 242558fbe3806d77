"""`bokehbench external`: recipes for the authors' own repositories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bokehbench.baselines.external_recipes.recipe import Recipe


@click.group()
def external() -> None:
    """The authors' own repositories: what to clone, what it needs, and whether it is here.

    A recipe that is all here is run with `run --external NAME=DIR[:PYTHON] --method NAME` (a restorer with
    `--method NAME+METHOD`).
    """


@external.command("list")
def list_() -> None:
    """All recipes: what each is, whether its commit is pinned, whether its licence permits a comparison."""
    from bokehbench.baselines.external_recipes.recipe import known, read

    recipes = [read(name) for name in known()]
    width = max(len(recipe.name) for recipe in recipes)
    for recipe in recipes:
        pinned = recipe.clone.commit[:8] or "unpinned"
        click.echo(f"{recipe.name:<{width}}  {recipe.spec.kind:<8}  {pinned:<8}  {recipe.spec.summary}")
        click.echo(f"{'':<{width}}  comparison: {recipe.licence.comparison}")


@external.command()
@click.argument("name")
def show(name: str) -> None:
    """What to do, what it may be used for, what our K, focal plane and disparity become."""
    from bokehbench.baselines.external_recipes.recipe import read

    recipe = read(name)
    for line in _told(recipe):
        click.echo(line)


def _told(recipe: Recipe) -> Iterator[str]:
    from bokehbench.baselines.external_recipes.bind import clone_commands

    spec, folder = recipe.spec, recipe.name.upper().replace("-", "_")
    yield f"{spec.kind} {spec.id}: {spec.summary}"
    yield f"  {spec.paper}"
    yield from (f"  {line}" for line in [spec.notes] if line)
    yield "1. Clone it"
    yield from (f"   {line}" for line in clone_commands(recipe, folder))
    if not recipe.clone.commit:
        yield "   unpinned: no commit could be established"
    yield f"2. Make its environment (python {recipe.environment.python}) in {folder}/.venv, or anywhere"
    yield from (f"   {line}" for line in recipe.environment.install)
    yield f"3. Get its weights into {folder}"
    for one in recipe.weights:
        more = [one.size, f"sha256 {one.sha256}{'' if len(one.sha256) == 64 else '…'}" if one.sha256 else ""]
        said = "; ".join(part for part in more if part)
        yield f"   {one.file}{f' ({said})' if said else ''}: {one.source}"
    yield "4. Look, and run"
    yield f"   bokehbench external check {recipe.name} --repo {folder}"
    called = recipe.name if spec.kind == "method" else f"{recipe.name}+scatter"
    yield f"   bokehbench run --external {recipe.name}={folder} --method {called} --benchmark … --out RESULTS"
    licence = recipe.licence
    yield f"Licence: code {licence.code}; weights {licence.weights}"
    yield f"Comparison in research: {licence.comparison}"
    yield from (f"  {line}" for line in [licence.note] if line)
    only = getattr(spec, "only_on", ())
    if only:
        yield f"Only on {', '.join(only)}: it has no focus control, and other sets choose a focal plane"
    yield "What ours becomes"
    yield from (f"  {what}: {how}" for what, how in recipe.mapping.items())
    for title, lines in (("Not as its authors call it", recipe.differs), ("unverified", recipe.unverified)):
        if lines:
            yield title
            yield from (f"  - {line}" for line in lines)


@external.command()
@click.argument("name")
@click.option(
    "--repo",
    "repository",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Folder of the clone.",
)
@click.option(
    "--python", default="", help="Interpreter of its environment; DIR/.venv/bin/python where none is given."
)
@click.option(
    "--weights",
    "assignments",
    multiple=True,
    metavar="NAME=FILE",
    help="A file of its weights that lies elsewhere, as it will be given to `run` (repeatable).",
)
def check(name: str, repository: Path, python: str, assignments: tuple[str, ...]) -> None:
    """Whether clone, commit, environment and weights are here, a line each; exit code 2 where one is not."""
    import shlex

    from bokehbench import weights
    from bokehbench.baselines.external_recipes.bind import findings
    from bokehbench.baselines.external_recipes.recipe import read
    from bokehbench.errors import Unavailable

    recipe = read(name)
    weights.use_files(assignments, [one.file for one in recipe.weights])
    found = findings(recipe, repository.expanduser().absolute(), python)
    for one in found:
        click.echo(f"{'ok' if one.here else 'missing':<8} {one.what}: {one.said}")
    lacking = [one.what for one in found if not one.here]
    if lacking:
        raise Unavailable(f"{name}: not all is here: {', '.join(lacking)}")
    words = ["--external", f"{name}={repository}{f':{python}' if python else ''}"]
    words += [word for text in assignments for word in ("--weights", text)]
    click.echo(f"run it with {shlex.join(words)}")
