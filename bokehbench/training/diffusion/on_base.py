"""What trainings on a base, and of pictures that become cells of latents, check and say alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bokehbench.errors import ConfigError


def base_card(base: str | None, revision: str | None) -> dict[str, Any] | None:
    """A base without a folder of this machine; None without one.

    Args:
        base: folder, or OWNER/NAME of the hub.
        revision: the hub's commit.
    """
    if base is None:
        return None
    folder = Path(base).expanduser()
    return {"name": folder.resolve().name if folder.is_dir() else base, "revision": revision}


def base_options(base: str | None, revision: str | None) -> str:
    """Of a command line, by `base_card`."""
    card = base_card(base, revision)
    if card is None:
        return ""
    return f" --base {card['name']}" + (f" --revision {revision}" if revision else "")


def check_size(size: tuple[int, int], data: str, sides: Mapping[str, int]) -> None:
    """ConfigError for pictures that are smaller than the parts that are taken out of them.

    Args:
        size: of the pictures, width and height.
        data: as ``--data`` says it.
        sides: of parts, by the names of their settings.
    """
    width, height = size
    for field, side in sides.items():
        if side > min(width, height):
            raise ConfigError(
                f"--data {data}: its pictures of {width}x{height} are smaller than {field}, "
                f"{side}; take larger ones, or --set {field}={min(width, height)}"
            )


def check_multiples(sides: Mapping[str, int], multiple: int) -> None:
    """ConfigError for parts that are no whole cells of the networks.

    Args:
        sides: of parts, by the names of their settings.
        multiple: of pixels, that the model needs.
    """
    for field, side in sides.items():
        if side % multiple:
            raise ConfigError(f"{field}: must be a multiple of {multiple} for this model, not {side}")
