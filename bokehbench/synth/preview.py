"""The contact sheet of a set: all-in-focus, disparity and bokeh of each sample, with its lens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import InputError
from bokehbench.images import read_grey, read_image, write_png
from bokehbench.synth.dataset import read_dataset, sample_keys
from bokehbench.synth.store.folder import SampleFiles, read_meta

SHEET = "contact_sheet.png"
MOST = 60
PAPER, INK, FAINT = (24, 24, 26), (235, 235, 232), (150, 150, 150)


def write_contact_sheet(root: Path, *, most: int = MOST, thumb: int = 256, columns: int = 2) -> Path:
    """Write DIR/contact_sheet.png of at most `most` samples; InputError where there are none."""
    read_dataset(root)
    keys = sample_keys(root)[:most]
    if not keys:
        raise InputError(f"{root}: has no complete sample; bokehbench synth build goes on with it")
    strips = [_strip(SampleFiles(root, key), thumb) for key in keys]
    height, width = strips[0].shape[:2]
    gap = thumb // 16
    rows = -(-len(strips) // columns)
    across = min(columns, len(strips))
    sheet = np.empty((rows * (height + gap) + gap, across * (width + gap) + gap, 3), np.uint8)
    sheet[:] = PAPER
    for i, strip in enumerate(strips):
        y, x = gap + (i // columns) * (height + gap), gap + (i % columns) * (width + gap)
        sheet[y : y + height, x : x + width] = strip
    path = root / SHEET
    write_png(path, sheet)
    return path


def _strip(files: SampleFiles, thumb: int) -> npt.NDArray[np.uint8]:
    """Three pictures side by side over two lines of text, [h, w, 3] uint8."""
    from PIL import Image, ImageDraw, ImageFont

    meta = read_meta(files.meta)
    width, height = meta["out_size"]
    tall = max(round(thumb * height / width), 1)
    disparity = np.repeat(read_grey(files.disparity)[..., None], 3, axis=2)
    pictures = (read_image(files.all_in_focus), disparity, read_image(files.bokeh))
    text_height = round(thumb * 0.17)
    strip = Image.new("RGB", (3 * thumb + 8, tall + text_height), PAPER)
    for i, picture in enumerate(pictures):
        eight = Image.fromarray((picture * 255.0 + 0.5).astype(np.uint8))
        strip.paste(eight.resize((thumb, tall), Image.Resampling.BOX), (i * (thumb + 4), 0))
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default(round(thumb * 0.058))
    first, second = _captions(meta)
    draw.text((2, tall + 2), first, fill=INK, font=font)
    draw.text((2, tall + 2 + text_height * 0.46), second, fill=FAINT, font=font)
    return np.asarray(strip)


def _captions(meta: dict[str, Any]) -> tuple[str, str]:
    """What the photographer chose, and what the layers are."""
    render = meta["renders"][0]
    aperture = render["aperture"]
    shape = f"{aperture['blades']} blades" if aperture["blades"] else "donut" if aperture["inner"] else "disc"
    lens = (
        f"{meta['key'].lstrip('0') or '0'}   K {render['K']:.1f}   focus {render['disp_focus']:.3f} "
        f"({render['focus_rule'].replace('_', ' ')})   radius {render['radius_max']:.1f} px   {shape}"
    )
    sources = [str(layer["source"]).partition(":")[2].partition("#")[0] for layer in meta["layers"]]
    return lens, f"{' / '.join(sources)}   highlights: {meta['highlight']['mode']}"
