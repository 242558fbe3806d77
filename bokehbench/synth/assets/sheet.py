"""A contact sheet of every drawn kind: foregrounds over paper, backgrounds, with their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bokehbench.images import quantise, write_png
from bokehbench.jobs import progress
from bokehbench.optics import encode
from bokehbench.synth.assets.catalogue import BACKGROUNDS, FOREGROUNDS, drawing

Tile = npt.NDArray[np.uint8]
PAPER, INK = (24, 24, 26), (235, 235, 232)
CHECKS = (0.16, 0.26)
"""Linear grey of the squares behind foregrounds."""


def write_asset_sheet(
    path: Path, *, kinds: Sequence[str] = (), seeds: int = 2, thumb: int = 320, columns: int = 6
) -> list[str]:
    """Draw every kind (or the named ones) with seeds 1 ... `seeds` and write them as one PNG.

    Returns:
        the names drawn.

    Raises:
        ConfigError: an unknown kind.
    """
    known = {**FOREGROUNDS, **BACKGROUNDS}
    names = list(kinds) or list(known)
    for name in names:
        drawing(known, name)
    with progress("drawing", len(names) * seeds) as advance:
        tiles = []
        for tile in _tiles(names, seeds, thumb):
            tiles.append(tile)
            advance(1)
    write_png(path, _arrange(tiles, columns))
    return names


def _tiles(names: Sequence[str], seeds: int, thumb: int) -> Iterator[Tile]:
    for name in names:
        for seed in range(1, seeds + 1):
            if name in FOREGROUNDS:
                rgba = FOREGROUNDS[name](seed, thumb)
                linear = rgba[..., :3] + (1.0 - rgba[..., 3:4]) * _checks(thumb)
            else:
                linear = BACKGROUNDS[name](seed, (thumb, thumb))
            yield _label(quantise(encode(np.clip(linear, 0.0, 1.0), 2.2)), f"{name}#{seed}")


def _checks(thumb: int) -> npt.NDArray[np.float32]:
    y, x = np.mgrid[0:thumb, 0:thumb] // max(thumb // 16, 1)
    return np.where((x + y) % 2, *CHECKS)[..., None].astype(np.float32)


def _label(picture: Tile, text: str) -> Tile:
    from PIL import Image, ImageDraw, ImageFont

    height, width = picture.shape[:2]
    tall = max(width // 12, 12)
    tile = Image.new("RGB", (width, height + tall), PAPER)
    tile.paste(Image.fromarray(picture), (0, 0))
    font = ImageFont.load_default(tall * 0.75)
    ImageDraw.Draw(tile).text((2, height), text, fill=INK, font=font)
    return np.asarray(tile)


def _arrange(tiles: Sequence[Tile], columns: int) -> Tile:
    height, width = tiles[0].shape[:2]
    gap = max(width // 40, 2)
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = np.empty((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), np.uint8)
    sheet[:] = PAPER
    for i, tile in enumerate(tiles):
        y, x = gap + i // columns * (height + gap), gap + i % columns * (width + gap)
        sheet[y : y + height, x : x + width] = tile
    return sheet
