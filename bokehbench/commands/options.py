"""Options that mean the same in every command."""

from __future__ import annotations

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


register: Decorator = click.option(
    "--register",
    type=click.Path(path_type=Path),
    multiple=True,
    expose_value=False,
    callback=_register,
    is_eager=True,
    help="Python file that registers your own methods (repeatable).",
)

workers: Decorator = click.option(
    "--workers", type=int, default=1, show_default=True, help="Processes; the results do not depend on it."
)


def parse_size(text: str) -> tuple[int, int]:
    """`WxH` as (W, H)."""
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) > 0 and int(height) > 0):
        raise ConfigError(f"--size must be WxH, for example 480x270, not {text!r}")
    return int(width), int(height)


def parse_shard(text: str) -> tuple[int, int]:
    """`i/n` with 0 <= i < n as (i, n)."""
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and int(index) < int(count)):
        raise ConfigError(f"--shard must be i/n with 0 <= i < n, for example 0/4, not {text!r}")
    return int(index), int(count)
