"""The contact sheet of a set: the pictures of each sample side by side, with its lens and layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError, InputError
from bokehbench.images import quantise, write_png
from bokehbench.synth.card import aperture_name
from bokehbench.synth.store.reader import StoredSet, open_set, pictures_of

SHEET = "contact_sheet.png"
MOST = 36
MOST_PICTURES = 8
"""Pictures of one sample; of a longer stack, some from first to last, and at least so many:"""
LEAST_OF_STACK = 3
FIRST = ("aif", "lq", "disp")
LAST = ("bdist", "bdisp", "visibility", "alpha")
ACROSS = 7
TALLEST = 1.5
"""Pictures in a row of the sheet, and its height over its width, where the user does not say."""
PAPER, INK, FAINT = (24, 24, 26), (235, 235, 232), (150, 150, 150)
GAP = 4
PALETTE = np.array(
    [(70, 70, 78), (86, 140, 196), (232, 163, 72), (111, 178, 117), (196, 98, 108), (158, 126, 190)], np.uint8
)
"""Colours of labels, repeated."""

Bytes = npt.NDArray[np.uint8]


def write_contact_sheet(
    root: Path, *, most: int = MOST, thumb: int = 256, columns: int | None = None, names: Sequence[str] = ()
) -> Path:
    """Write DIR/contact_sheet.png.

    Args:
        root: a set of any store.
        most: samples at most.
        thumb: width of a picture, pixels.
        columns: samples in a row; as many as fit unless said.
        names: of pictures; all but layers unless said.

    Raises:
        InputError: no set, or no complete sample.
        ConfigError: no sample has a picture of that name.
    """
    stored = open_set(root)
    keys = stored.keys()[:most]
    if not keys:
        raise InputError(f"{root}: has no complete sample; bokehbench synth build goes on with it")
    metas = [stored.meta(key) for key in keys]
    shown = [_shown(meta, names) for meta in metas]
    known = {name for meta in metas for name in pictures_of(meta)}
    for name in names:
        if name not in known:
            raise ConfigError(f"--pictures: {root} has no {name}; it has {', '.join(sorted(known))}")
    wide = max(max(map(len, shown)), 1)
    strips = [_strip(stored, meta, chosen, wide, thumb) for meta, chosen in zip(metas, shown, strict=True)]
    if columns is None:
        # As many as fit, and more where the sheet would become a tower.
        height, width = strips[0].shape[:2]
        columns = max(ACROSS // wide, math.ceil(math.sqrt(len(strips) * height / (TALLEST * width))), 1)
    sheet = _arrange(strips, columns, thumb // 16)
    path = root / SHEET
    write_png(path, sheet)
    return path


def _shown(meta: dict[str, Any], names: Sequence[str]) -> list[str]:
    """Which pictures of a sample are shown: photographs around the maps, some of a long stack."""
    pictures = pictures_of(meta)
    if names:
        return [name for name in names if name in pictures]
    first = [name for name in FIRST if name in pictures]
    bokeh = sorted((name for name in pictures if name.startswith("bokeh")), key=_number)
    others = [
        name
        for name in pictures
        if name not in (*first, *bokeh) and not name.startswith(LAST) and pictures[name]["kind"] != "layer"
    ]
    others += [name for name in pictures if name.startswith(LAST)]
    room = MOST_PICTURES - len(first)
    space = max(room - len(others), LEAST_OF_STACK)
    if len(bokeh) > space:
        bokeh = [bokeh[round(i)] for i in np.linspace(0, len(bokeh) - 1, space)]
    return [*first, *bokeh, *others[: room - len(bokeh)]]


def _number(name: str) -> int:
    digits = "".join(filter(str.isdigit, name))
    return int(digits) if digits else -1


def _arrange(strips: Sequence[Bytes], columns: int, gap: int) -> Bytes:
    height, width = max(strip.shape[0] for strip in strips), strips[0].shape[1]
    rows, across = -(-len(strips) // columns), min(columns, len(strips))
    sheet = np.empty((rows * (height + gap) + gap, across * (width + gap) + gap, 3), np.uint8)
    sheet[:] = PAPER
    for i, strip in enumerate(strips):
        y, x = gap + (i // columns) * (height + gap), gap + (i % columns) * (width + gap)
        sheet[y : y + strip.shape[0], x : x + width] = strip
    return sheet


def _strip(stored: StoredSet, meta: dict[str, Any], names: Sequence[str], wide: int, thumb: int) -> Bytes:
    """Pictures with their names over two lines of text, [h, w, 3] uint8."""
    from PIL import Image, ImageDraw, ImageFont

    width, height = meta["out_size"]
    tall = max(round(thumb * height / width), 1)
    line = round(thumb * 0.085)
    strip = Image.new("RGB", (wide * (thumb + GAP) - GAP, tall + 3 * line), PAPER)
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(round(thumb * 0.058))
    kinds = pictures_of(meta)
    for i, name in enumerate(names):
        picture = Image.fromarray(as_colours(stored.read(meta["key"], name, meta), kinds[name]["kind"]))
        scale = min(thumb / picture.width, tall / picture.height)
        size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
        shrinks = size[0] < picture.width
        small = picture.resize(size, Image.Resampling.BOX if shrinks else Image.Resampling.NEAREST)
        x = i * (thumb + GAP)
        strip.paste(small, (x + (thumb - size[0]) // 2, (tall - size[1]) // 2))
        draw.text((x + 2, tall + 1), _title(meta, name), fill=FAINT, font=font)
    for row, (text, colour) in enumerate(zip(_captions(meta), (INK, FAINT), strict=True), start=1):
        draw.text((2, tall + 1 + row * line), text, fill=colour, font=font)
    return np.asarray(strip)


def as_colours(pixels: npt.NDArray[Any], kind: str) -> Bytes:
    """A picture of any kind as something to look at, [h, w, 3] uint8."""
    import cv2

    if kind == "image":
        return quantise(pixels)
    if kind == "label":
        return PALETTE[pixels % len(PALETTE)]
    if kind in ("rgba", "layer"):
        return _over_checks(pixels, premultiplied=kind == "layer")
    if kind == "mask":
        return np.repeat(quantise(pixels)[..., None], 3, axis=2)
    if kind == "float":
        # Boundary maps hold the largest half float where there is nothing to be far from.
        there = pixels[np.abs(pixels) < 6e4]
        low, high = (float(there.min()), float(there.max())) if there.size else (0.0, 0.0)
        pixels = (pixels - low) / (high - low) if high > low else np.zeros_like(pixels)
    return np.asarray(cv2.applyColorMap(quantise(pixels), cv2.COLORMAP_MAGMA)[..., ::-1])


def _over_checks(rgba: npt.NDArray[Any], *, premultiplied: bool) -> Bytes:
    """A cut-out over a checkerboard."""
    y, x = np.indices(rgba.shape[:2]) // 16
    checks = np.where((x + y) % 2, 0.42, 0.5)[..., None]
    alpha = rgba[..., 3:]
    if premultiplied:
        return quantise((rgba[..., :3] + (1.0 - alpha) * checks**2.2).clip(0.0) ** (1.0 / 2.2))
    return quantise(rgba[..., :3] * alpha + (1.0 - alpha) * checks)


def _title(meta: dict[str, Any], name: str) -> str:
    """What stands under a picture; a bokeh image of a stack says in what it differs from the others."""
    lenses = {f"bokeh_{render['id']}": _lens(render) for render in meta["renders"]}
    if name not in lenses:
        return name
    varies = [
        text for part, text in enumerate(lenses[name]) if len({lens[part] for lens in lenses.values()}) > 1
    ]
    return "  ".join([name, ", ".join(varies)]) if varies else name


def _lens(render: dict[str, Any]) -> tuple[str, str, str, str]:
    K, focus, gamma = (
        f"K {render['K']:.3g}",
        f"focus {render['disp_focus']:.2f}",
        f"gamma {render['gamma']:g}",
    )
    return K, focus, gamma, aperture_name(render["aperture"])


def _captions(meta: dict[str, Any]) -> tuple[str, str]:
    """What the photographer chose, and what the layers are."""
    render, more = meta["renders"][0], len(meta["renders"]) - 1
    rule = str(render.get("focus_rule") or "").replace("_", " ")
    lens = (
        f"{meta['key'].lstrip('0') or '0'}   K {render['K']:.1f}   focus {render['disp_focus']:.3f} "
        f"({rule})   radius {render['radius_max']:.1f} px   {aperture_name(render['aperture'])}"
    )
    sources = [str(layer["source"]).partition(":")[2].partition("#")[0] for layer in meta["layers"]]
    text = f"{' / '.join(sources)}   highlights: {meta['highlight']['mode']}"
    return (f"{lens}   and {more} more" if more else lens), text
