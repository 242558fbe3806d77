"""How large a picture may be."""

from __future__ import annotations

from pathlib import Path

from bokehbench.errors import BadImage

MAX_PIXELS = 100_000_000
"""More is taken for a decompression bomb, unless the caller raises the limit."""
LARGE_PIXELS = 25_000_000
"""From here on, a picture is made smaller while it is decoded where the caller needs less."""


def check_size(path: Path, width: int, height: int) -> None:
    """BadImage where a file says that it is larger than `MAX_PIXELS`; asked before anything is decoded."""
    if width * height > MAX_PIXELS:
        raise BadImage(path, "E_TOO_LARGE", f"more than {MAX_PIXELS // 10**6} megapixels")
    if width < 1 or height < 1:
        raise BadImage(path, "E_UNREADABLE", "has no pixels")
