"""Matting sets: which file is the matte of which picture.

Two habits are known: folders side by side, `fg/x.png` with `alpha/x.png` (`image/` with `matte/` or `mask/`,
and so on), and one folder with `x.png` and `x_alpha.png` (`_matte`, `_mask`).
"""

from __future__ import annotations

from pathlib import Path

from bokehbench.images import IMAGE_SUFFIXES

STRAIGHT = ("fg", "foreground", "foregrounds")
"""Folders of colours that are the subject's own, also where it is transparent."""
MIXED = ("image", "images", "original", "rgb")
"""Folders of photographs: soft parts show the background through."""
MATTES = ("alpha", "alphas", "matte", "mattes", "mask", "masks", "pha")
ENDINGS = ("_alpha", "_matte", "_mask", "-alpha", "-matte", "-mask")


def matte_of(path: Path) -> Path | None:
    """The matte of a picture, or None where it has none."""
    if path.parent.name.lower() in STRAIGHT + MIXED:
        for folder in _beside(path.parent, MATTES):
            if found := _with_stem(folder, path.stem):
                return found
    for ending in ENDINGS:
        if found := _with_stem(path.parent, path.stem + ending):
            return found
    return None


def picture_of(path: Path) -> Path | None:
    """The picture that a file is the matte of, or None where it is no matte."""
    if path.parent.name.lower() in MATTES:
        for folder in _beside(path.parent, STRAIGHT + MIXED):
            if found := _with_stem(folder, path.stem):
                return found
    for ending in ENDINGS:
        if path.stem.lower().endswith(ending) and (
            found := _with_stem(path.parent, path.stem[: -len(ending)])
        ):
            return found
    return None


def lacks_its_other_half(path: Path) -> bool:
    """Whether a file lies in a folder of mattes beside one of pictures, and no picture has its name."""
    if path.parent.name.lower() not in MATTES or picture_of(path) is not None:
        return False
    return bool(_beside(path.parent, STRAIGHT + MIXED))


def stands_before_its_background(path: Path) -> bool:
    """Whether a picture with a matte is a photograph, so that soft parts have the background's colours."""
    return path.parent.name.lower() not in STRAIGHT


def _beside(folder: Path, names: tuple[str, ...]) -> list[Path]:
    """Folders beside one, by lower-case name in the order of `names`."""
    by_name = {entry.name.lower(): entry for entry in sorted(folder.parent.iterdir()) if entry.is_dir()}
    return [by_name[name] for name in names if name in by_name]


def _with_stem(folder: Path, stem: str) -> Path | None:
    for suffix in sorted(IMAGE_SUFFIXES):
        for spelling in (suffix, suffix.upper()):
            path = folder / f"{stem}{spelling}"
            if path.is_file():
                return path
    return None
