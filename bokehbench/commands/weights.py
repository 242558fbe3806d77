"""`bokehbench weights`: which files of weights there are, where they are, and how one gets here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bokehbench.commands import options
from bokehbench.commands.weights_convert import convert

if TYPE_CHECKING:
    from bokehbench.metrics.weight_store import Entry

MISSING, MISMATCH = 3, 4


def _folder(command: Any) -> Any:
    return click.option(
        "--weights-dir",
        type=click.Path(path_type=Path),
        help="Folder of weights, before $BOKEHBENCH_WEIGHTS and torch's cache.",
    )(options.register(command))


@click.group()
def weights() -> None:
    """Files of weights: list, look for, verify, import, fetch, convert.

    A file counts only if its sha256 is the published one. Only `fetch` uses the network.
    """


weights.add_command(convert)


@weights.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@_folder
def list_(as_json: bool, weights_dir: Path | None) -> None:
    """List every file that a metric or a method needs, and what this machine has of it."""
    from bokehbench.metrics import weight_store

    _use(weights_dir)
    entries = weight_store.inventory()
    if as_json:
        click.echo(json.dumps([_plain(entry) for entry in entries], indent=1))
        return
    for entry in entries:
        click.echo(_line(entry))


@weights.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_folder
def where(names: tuple[str, ...], weights_dir: Path | None) -> None:
    """Say which folders are looked into, in this order; or where the file of a NAME is (exit 3: nowhere)."""
    from bokehbench import weights as places
    from bokehbench.metrics import weight_store

    _use(weights_dir)
    if not names:
        for folder in places.folders():
            click.echo(f"{folder}{'' if folder.is_dir() else '  (does not exist)'}")
        return
    entries = [entry for name in names for entry in weight_store.entry_of(name)]
    for entry in entries:
        click.echo(
            entry.path if entry.status == "ok" else f"{entry.name}: {entry.status}: {entry.instruction}"
        )
    _exit(entries)


@weights.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_folder
def verify(names: tuple[str, ...], weights_dir: Path | None) -> None:
    """Hash the files (all, or those of NAME: a file, a metric or a method).

    Exit 0: all are the published ones. 3: something is missing. 4: a file has the name and other contents.
    """
    from bokehbench.metrics import weight_store

    _use(weights_dir)
    entries = (
        [entry for name in names for entry in weight_store.entry_of(name)]
        if names
        else weight_store.inventory()
    )
    for entry in dict.fromkeys(entries):
        click.echo(_line(entry))
        if entry.instruction:
            click.echo(f"  {entry.instruction}")
    _exit(entries)


@weights.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@_folder
def import_(paths: tuple[Path, ...], weights_dir: Path | None) -> None:
    """Copy files, or what is known in folders, into the first folder of weights.

    A file is known by its sha256, whatever it is called; one of a method that names no digest, by its name.
    A file of a folder that has a known name and other contents is refused, the others are imported (exit 2).
    """
    from bokehbench import weights as places
    from bokehbench.errors import InputError
    from bokehbench.metrics import weight_store

    _use(weights_dir)
    refused: list[str] = []
    for path in paths:
        for source, target in weight_store.import_path(path, refused):
            click.echo(f"{source} -> {target} (sha256 {places.sha256(target)})")
    if refused:
        raise InputError("; ".join(refused))


@weights.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@_folder
def fetch(names: tuple[str, ...], weights_dir: Path | None) -> None:
    """Download published files by NAME: a file, its short name (alexnet, vgg16 ...), a metric or a method."""
    from bokehbench.metrics import weight_store

    _use(weights_dir)
    found: dict[Path, bool] = {}
    for name in names:
        for path, fresh in weight_store.fetch(name):
            found.setdefault(path, fresh)
    for path, fresh in found.items():
        click.echo(f"{path}{'' if fresh else ' (was there)'}")


@weights.command()
@click.argument("model", default="", metavar="[FOLDER|OWNER/NAME]")
@click.option(
    "--method",
    type=click.Choice(["bokehdiff", "magicbokeh"]),
    default="bokehdiff",
    show_default=True,
    help="Whose base.",
)
@click.option("--revision", metavar="COMMIT", help="Of the hub; without it the pinned one.")
@_folder
def base(model: str, method: str, revision: str | None, weights_dir: Path | None) -> None:
    """Prepare the base of a diffusion method: a model in a folder, or in the hub's cache.

    Of bokehdiff it is one of the SDXL family (without a name RealVisXL V5.0), whose prompt is embedded; of
    magicbokeh one of Stable Diffusion 2 (2.1-base). It is checked, and put into the first folder of weights
    as three files. Nothing is downloaded; where the model is missing, the error says how to fetch it.
    """
    import importlib

    from bokehbench import weights as places

    _use(weights_dir)
    bases = importlib.import_module(f"bokehbench.baselines.{method}.base")
    for path in bases.prepare(model or bases.NAME, revision, places.folders()[0]):
        click.echo(f"{path} (sha256 {places.sha256(path)})")


def _use(weights_dir: Path | None) -> None:
    if weights_dir is not None:
        from bokehbench import weights as places

        places.use_folder(weights_dir)


def _line(entry: Entry) -> str:
    from bokehbench.weights import card_sha256

    carded = entry.path is not None and card_sha256(entry.path)
    known = "" if entry.published else ", as its card says" if carded else ", no digest to hold it to"
    found = f"  {entry.path} (sha256 {entry.sha256[:8]}{known})" if entry.path else ""
    about = f"; {entry.about}" if entry.about else ""
    return f"{entry.status:<12} {entry.name}  for {', '.join(entry.needed_by)}{found}{about}"


def _plain(entry: Entry) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(entry), "path": None if entry.path is None else str(entry.path)}


def _exit(entries: list[Entry]) -> None:
    found = {entry.status for entry in entries}
    if "sha-mismatch" in found:
        raise SystemExit(MISMATCH)
    if "unavailable" in found:
        raise SystemExit(MISSING)
