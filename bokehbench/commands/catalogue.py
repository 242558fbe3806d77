"""`bokehbench list` and `bokehbench describe`: what exists, from the specs alone."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click

from bokehbench import progress_made, weights
from bokehbench.commands import options
from bokehbench.errors import ConfigError
from bokehbench.registry import (
    KINDS,
    BenchmarkSpec,
    DepthSetSpec,
    MethodSpec,
    Spec,
    StageSpec,
    find,
    get,
    names,
)

SAID = ("name", "summary", "version", "restorer", "renderer")
"""What the first line of a description says, of two stages by their names."""
LABELS = {"published": "cases of the published set"}
"""Of fields whose names alone would not be understood."""


def _public(spec: Spec) -> dict[str, Any]:
    return {"kind": spec.kind, "id": spec.id, **dataclasses.asdict(spec)}


@click.command("list")
@click.argument("kind", type=click.Choice([f"{kind}s" for kind in KINDS]))
@click.option("--json", "as_json", is_flag=True, help="Everything the specs say, as JSON.")
@options.register
def list_(kind: str, as_json: bool) -> None:
    """List methods, restorers, benchmarks, protocols, metrics, recipes, or networks and sets for depth."""
    spec_type = KINDS[kind.removesuffix("s")]
    specs = [get(spec_type, name) for name in names(spec_type)]
    if as_json:
        click.echo(json.dumps([_public(spec) for spec in specs], indent=1))
        return
    width = max((len(spec.name) for spec in specs), default=0)
    for spec in specs:
        also = f" (also {', '.join(spec.aliases)})" if spec.aliases else ""
        click.echo(f"{spec.name:<{width}}  {spec.summary}{also}{_status(spec)}")


def _status(spec: Spec) -> str:
    """What a method needs before it runs here, or that the training of its weights was cut short."""
    if not isinstance(spec, StageSpec):
        return ""
    if spec.is_recipe:
        return " [external]"
    found = [(one, *weights.locate(one)) for one in spec.weights_wanted()]
    missing = [one for one, status, _ in found if status != "ok"]
    if missing:
        return " [not trained]" if missing[0].trained_by else " [weights missing]"
    marks = dict.fromkeys(progress_made.mark(weights.card(path)) for _, _, path in found if path)
    return "".join(f" [{words}]" for words in marks if words)


@click.command()
@click.argument("name", metavar="NAME[:DIR]")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option(
    "--record",
    is_flag=True,
    help="Of the folder of a benchmark or depth set: write hashes of its files into DIR/.bokehbench.json.",
)
@click.option(
    "--against",
    metavar="NAME[:DIR]",
    help="Of a method: whether what its weights were trained on is among the pictures of this benchmark.",
)
@options.weights
@options.register
def describe(name: str, as_json: bool, record: bool, against: str | None) -> None:
    """Say what a name stands for: a method, benchmark, metric, recipe ...

    With a folder, NAME:DIR, also say what the folder of a benchmark or depth set has of what it should have.
    """
    name, _, folder = name.partition(":")
    if folder or record:
        if not folder or as_json:
            raise ConfigError("--record, and NAME:DIR without --json, are of a benchmark's folder")
        _describe_folder(name, folder, record)
        return
    found = [spec for spec_type in KINDS.values() if (spec := find(spec_type, name)) is not None]
    if not found:
        raise ConfigError(
            f"unknown name {name!r}; see bokehbench list {'|'.join(f'{kind}s' for kind in KINDS)}"
        )
    if as_json:
        click.echo(json.dumps([_public(spec) for spec in found], indent=1))
        return
    for spec in found:
        click.echo(f"{spec.kind} {spec.id}: {spec.summary}")
        for key, value in dataclasses.asdict(spec).items():
            # Of a benchmark that is any folder of its kind, nothing is published.
            if key not in SAID and value not in ("", (), [], {}, None) and (key, value) != ("published", 0):
                click.echo(f"  {LABELS.get(key, key.replace('_', ' '))}: {_plain(value)}")
        if isinstance(spec, BenchmarkSpec):
            _describe_protocols(spec)
        if isinstance(spec, MethodSpec):
            _describe_training(spec, against)


def _describe_protocols(spec: BenchmarkSpec) -> None:
    from bokehbench.benchmarks.protocols import protocol_of

    for name in dict.fromkeys((spec.protocol, *spec.protocols)):
        rules = protocol_of(spec, name)
        truth = "; ".join(rules.uses_truth) or "nothing"
        click.echo(f"  under {rules.id}: {rules.summary} Chosen with the ground truth: {truth}.")


def _describe_training(spec: MethodSpec, against: str | None) -> None:
    from bokehbench.benchmarks.assets import assets_of
    from bokehbench.benchmarks.locate import open_benchmark
    from bokehbench.leaderboard.trained_on import card_of, judge

    if against is None:
        click.echo(f"  {judge(spec).sentence}")
        if said := progress_made.summary(card_of(spec)):
            click.echo(f"  {said}")
        return
    opened = open_benchmark(against)
    click.echo(f"  {judge(spec, opened.spec.name, assets_of(opened.benchmark.root)).sentence}")


def _describe_folder(name: str, folder: str, record: bool) -> None:
    from pathlib import Path

    from bokehbench.benchmarks.survey import survey

    if find(DepthSetSpec, name) is not None:
        _describe_depth_set(name, folder, record)
        return
    for line in survey(name, Path(folder).expanduser(), record=record):
        click.echo(line)


def _describe_depth_set(name: str, folder: str, record: bool) -> None:
    from pathlib import Path

    from bokehbench.benchmarks import inventory
    from bokehbench.depth.survey import survey

    lines, files = survey(name, folder)
    root = Path(folder).expanduser()
    if record:
        digest = inventory.record(root, files, name)
        lines.append(f"  hashes of {len(files)} files recorded in {root / inventory.RECORD}; all: {digest}")
    else:
        hashes = inventory.Hashes(root)
        if hashes.recorded:
            hashes.of_all(files)
        said = "all as recorded" if hashes.recorded else "none recorded"
        lines.append(f"  hashes: {said} ({inventory.RECORD})")
    click.echo("\n".join(lines))


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(item) for item in value)
    return str(value)
