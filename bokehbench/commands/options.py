"""Options that mean the same in every command."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bokehbench.errors import ConfigError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _register(
    context: click.Context, parameter: click.Parameter, paths: tuple[Path, ...]
) -> tuple[Path, ...]:
    from bokehbench.registry import register_files

    register_files(paths)
    return paths


def _external(
    context: click.Context, parameter: click.Parameter, assignments: tuple[str, ...]
) -> tuple[str, ...]:
    if assignments:
        from bokehbench.baselines.external_recipes.bind import assigned
        from bokehbench.registry import register_files

        register_files([assigned(text) for text in assignments])
    return assignments


_register_option: Decorator = click.option(
    "--register",
    type=click.Path(path_type=Path),
    multiple=True,
    expose_value=False,
    callback=_register,
    is_eager=True,
    help="Python file that registers your own methods, or TOML or YAML file that describes one in an "
    "environment of its own (repeatable).",
)
_external_option: Decorator = click.option(
    "--external",
    multiple=True,
    expose_value=False,
    callback=_external,
    is_eager=True,
    metavar="NAME=DIR[:PYTHON]",
    help="Clone of an external method's repository, and the interpreter of its environment "
    "(bokehbench external list; repeatable).",
)


def register(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--register` and `--external`: what a command knows besides the methods of the package."""
    return _register_option(_external_option(function))


def _weights(
    context: click.Context, parameter: click.Parameter, assignments: tuple[str, ...]
) -> tuple[str, ...]:
    from bokehbench import weights

    weights.use_files(assignments)
    return assignments


weights: Decorator = click.option(
    "--weights",
    multiple=True,
    expose_value=False,
    callback=_weights,
    metavar="NAME=FILE",
    help="Weights of your own for a method, for example bokehme=RUN/bokehme.safetensors (repeatable).",
)

workers: Decorator = click.option(
    "--workers", type=int, default=1, show_default=True, help="Processes; the results do not depend on it."
)

ray: Decorator = click.option(
    "--ray",
    metavar="ADDRESS",
    help="Work on a Ray cluster (`auto`, HOST:PORT, ray://HOST:PORT), or `local`: one on this machine.",
)

shard: Decorator = click.option(
    "--shard", default="0/1", show_default=True, metavar="I/N", help="The I-th of N parts, for job arrays."
)


def parse_size(text: str) -> tuple[int, int]:
    """`WxH` as (W, H)."""
    # Not isdigit: it takes "²" for a digit, int does not.
    match = re.fullmatch(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})", text.lower())
    if match is None:
        raise ConfigError(f"--size must be WxH, for example 480x270, not {text!r}")
    return int(match[1]), int(match[2])


def parse_shard(text: str) -> tuple[int, int]:
    """`i/n` with 0 <= i < n as (i, n)."""
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if match is None or int(match[1]) >= int(match[2]):
        raise ConfigError(f"--shard must be i/n with 0 <= i < n, for example 0/4, not {text!r}")
    return int(match[1]), int(match[2])
