"""The grid of tokens of a UNet's stage."""

from __future__ import annotations

from bokehbench.errors import ConfigError


def grid_of(size: tuple[int, int], tokens: int) -> tuple[int, int]:
    """(h, w) of a UNet's stage: the picture halved as often as it takes, rounded up each time.

    Raises:
        ConfigError: no number of halvings gives so many tokens.
    """
    (h, w), side = size, 1
    while h * w > tokens and side < max(size):
        side *= 2
        h, w = -(-size[0] // side), -(-size[1] // side)
    if h * w != tokens:
        raise ConfigError(
            f"{tokens} tokens are no grid of a picture of {size[1]}x{size[0]} pixels; "
            "the maps must have the size of the picture that the UNet works on"
        )
    return h, w
