"""A contact sheet: pictures of one size in rows, each with a line below it, and a line above them all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bokehbench.images.write import quantise

PAPER, INK, FAINT = (24, 24, 26), (235, 235, 232), (150, 150, 148)
THUMB = 360
GAP = 10
TEXT = 16


def contact_sheet(
    pictures: Sequence[npt.NDArray[np.uint8]], labels: Sequence[str], title: str, thumb: int = THUMB
) -> npt.NDArray[np.uint8]:
    """Lay pictures out in rows of at most six, near a square's half.

    Args:
        pictures: [H, W, 3] uint8 each, of one size; enlarged never.
        labels: a line for each.
        title: the line above them.
        thumb: largest width of a picture on the sheet, pixels.

    Returns:
        [h, w, 3] uint8.
    """
    import cv2
    from PIL import Image, ImageDraw, ImageFont

    height, width = pictures[0].shape[:2]
    scale = min(1.0, thumb / width)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    columns = _columns(len(pictures))
    rows = math.ceil(len(pictures) / columns)
    line = round(1.6 * TEXT)
    cell = w + GAP, h + line + GAP
    font = ImageFont.load_default(TEXT)
    across = max(columns * cell[0] + GAP, math.ceil(font.getlength(title)) + 2 * GAP)
    sheet = Image.new("RGB", (across, rows * cell[1] + GAP + line), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, GAP // 2), title, fill=INK, font=font)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        x, y = GAP + number % columns * cell[0], line + GAP // 2 + number // columns * cell[1]
        small = cv2.resize(quantise(picture), (w, h), interpolation=cv2.INTER_AREA)
        sheet.paste(Image.fromarray(small), (x, y))
        draw.text((x, y + h + 2), label, fill=FAINT, font=font)
    return np.asarray(sheet)


def _columns(count: int) -> int:
    """As many as fill the rows best, at most six."""
    rows = math.ceil(count / 6)
    return math.ceil(count / rows)
