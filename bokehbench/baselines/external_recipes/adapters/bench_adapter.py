"""What all adapters share: the manifest of the file contract, pictures, seeds, and running a foreign script.

It runs in environments from Python 3.7 and NumPy 1.16 on, so it uses nothing newer.
"""

from __future__ import annotations

import builtins
import json
import os
import random
import runpy
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

Case = Any
"""An entry of the manifest's `cases`."""


class Bench:
    """The manifest: its cases, weights and answers.

    Args:
        arguments: of the program: manifest, folder of the clone, and whatever else the adapter takes.
    """

    def __init__(self, arguments: list[str]) -> None:
        with open(arguments[1]) as file:
            manifest = json.load(file)
        self.cases: list[Case] = manifest["cases"]
        self.out = manifest["out"]
        self.weights: dict[str, str] = manifest["weights"]
        self.repository = os.path.abspath(arguments[2])
        self.more = arguments[3:]
        self.temporary = tempfile.mkdtemp(
            prefix="adapter-", dir=os.path.dirname(os.path.abspath(arguments[1]))
        )

    def enter(self, *inside: str) -> None:
        """Work in the clone, and find its modules (and those of folders inside it) before all others."""
        os.chdir(self.repository)
        here = os.path.dirname(os.path.abspath(__file__))
        sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != here]
        sys.path[:0] = [os.path.join(self.repository, folder) for folder in inside] + [self.repository]

    def folder(self, name: str) -> str:
        """A new folder for files that are handed to the repository."""
        path = os.path.join(self.temporary, name)
        os.makedirs(path)
        return path

    def image(self, case: Case) -> Any:
        """[H, W, 3] float32, encoded; may exceed 1."""
        return np.load(case["image"]).astype(np.float32)

    def disparity(self, case: Case) -> Any:
        """[H, W] float32 in [0, 1], near large."""
        return np.load(case["disparity"]).astype(np.float32)

    def defocus(self, case: Case) -> Any:
        """[H, W] float32, signed: radius of the circle of confusion in pixels, > 0 before the focal plane."""
        lens = case["lens"]
        return np.float32(lens["K"]) * (self.disparity(case) - np.float32(lens["disp_focus"]))

    def save(self, case: Case, picture: Any) -> None:
        """The answer to a case: [H, W, 3], uint8, or float of which [0, 1] is kept."""
        width, height = case["size"]
        if picture.shape != (height, width, 3):
            raise SystemExit(f"the repository made {picture.shape} of {(height, width, 3)}")
        lost = np.size(picture) - int(np.isfinite(picture).sum())
        if lost:
            raise SystemExit(f"the repository made {lost} values that are no numbers ({case['key']})")
        path = os.path.join(self.out, case["output"])
        write_png(path + ".part", picture)
        os.replace(path + ".part", path)
        print("done: " + case["key"], flush=True)


def eight_bit(picture: Any) -> Any:
    """uint8 of float in [0, 1], rounded; uint8 stays."""
    if picture.dtype == np.uint8:
        return picture
    return np.floor(255.0 * np.clip(np.asarray(picture, np.float64), 0.0, 1.0) + 0.5).astype(np.uint8)


def write_png(path: str, picture: Any) -> None:
    """An 8-bit PNG of [H, W, 3] or [H, W]; needs no imaging library."""
    codes = np.ascontiguousarray(eight_bit(picture))
    height, width = codes.shape[:2]
    rows = np.zeros((height, 1 + codes.size // height), np.uint8)  # a filter byte before each row
    rows[:, 1:] = codes.reshape(height, -1)
    colour = 2 if codes.ndim == 3 else 0
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows.tobytes(), 6)),
        (b"IEND", b""),
    ]
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for name, data in chunks:
            file.write(struct.pack(">I", len(data)) + name + data)
            file.write(struct.pack(">I", zlib.crc32(name + data)))


def padded(array: Any, height: int, width: int, mode: Any = "edge") -> Any:
    """[H, W] or [H, W, C], continued to the right and below up to a size; no side gets smaller.

    Args:
        mode: `edge` repeats the last pixel, `reflect` mirrors the picture, as often as it takes.
    """
    rows, columns = max(height - array.shape[0], 0), max(width - array.shape[1], 0)
    return np.pad(array, [(0, rows), (0, columns)] + [(0, 0)] * (array.ndim - 2), mode=mode)


def upwards(value: int, multiple: int) -> int:
    """The next multiple."""
    return -(-value // multiple) * multiple


def seed_all(seed: int) -> None:
    """Of `random`, NumPy, and torch where the repository has loaded it."""
    random.seed(seed)
    np.random.seed(seed)
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "manual_seed"):
        torch.manual_seed(seed)


def run_script(script: str, arguments: list[str]) -> dict[str, Any]:
    """Run a script of the repository as if called from the command line; what it has left as names."""
    before = sys.argv
    sys.argv = [script] + [str(argument) for argument in arguments]
    try:
        return runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code not in (None, 0):
            raise
        return {}
    finally:
        sys.argv = before


@contextmanager
def replaced(holder: Any, name: str, other: Any) -> Iterator[Any]:
    """Another function in the place of one of a library's, which is given back at the end."""
    before = getattr(holder, name)
    setattr(holder, name, other)
    try:
        yield before
    finally:
        setattr(holder, name, before)


@contextmanager
def seeded_at_reading(seeds: dict[str, int]) -> Iterator[None]:
    """A script over a folder: when it reads the picture of a case, random numbers start at the case's seed.

    Args:
        seeds: path of the picture -> seed.
    """
    of_file = {os.path.realpath(path): seed for path, seed in seeds.items()}
    names = {os.path.basename(path) for path in [*seeds, *of_file]}  # Pillow may follow a link itself

    def heed(path: Any) -> None:
        if isinstance(path, (str, os.PathLike)) and os.path.basename(str(path)) in names:
            seed = of_file.get(os.path.realpath(str(path)))
            if seed is not None:
                seed_all(seed)

    def seeding(reader: Callable[..., Any]) -> Callable[..., Any]:
        def read(path: Any, *others: Any, **named: Any) -> Any:
            heed(path)
            return reader(path, *others, **named)

        return read

    with replaced(builtins, "open", seeding(builtins.open)):
        try:
            import cv2
        except ImportError:
            yield
            return
        with replaced(cv2, "imread", seeding(cv2.imread)):
            yield


def low_quality(bench: Bench) -> tuple[str, dict[str, int]]:
    """A folder with the small pictures of all cases under the names of the answers, and their seeds."""
    folder = bench.folder("low-quality")
    seeds = {}
    for case in bench.cases:
        path = os.path.join(folder, case["output"])
        os.symlink(case["lq"], path)
        seeds[path] = case["seed"]
    return folder, seeds
