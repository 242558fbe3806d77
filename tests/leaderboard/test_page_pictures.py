"""Claims about the pictures of the page: they are the scored ones, to the last bit, and stored once."""

from __future__ import annotations

import io
import re
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from viewer_world import METHODS, case_file

from bokehbench import images, records
from bokehbench.leaderboard.pictures import FIRST_CODE, pack, picture_id


def unpack(data: bytes) -> tuple[str, bytes]:
    """Name and bytes of a stored picture, read letter by letter."""
    name, length, letters = re.fullmatch(
        r'BOKEHBENCH_PICTURE\("(\w+)",(\d+),"(.*)"\);\n', data.decode("utf-16"), re.DOTALL
    ).groups()  # type: ignore[union-attr]
    bits = "".join(f"{ord(letter) - FIRST_CODE:015b}" for letter in letters)
    return name, bytes(int(bits[8 * at : 8 * at + 8], 2) for at in range(int(length)))


def stored(folder: Path, source: Path) -> np.ndarray:
    name = picture_id(records.sha256_file(source))
    found, webp = unpack((folder / f"assets/pictures/{name}.js").read_bytes())
    assert found == name
    return np.asarray(Image.open(io.BytesIO(webp)))


def test_pictures_of_the_page_are_the_pixels_that_were_scored(shown_results: Path, shown_page: Path) -> None:
    for what in ("target", "image", *METHODS):
        file = case_file(shown_results, what)
        assert (stored(shown_page, file) == images.quantise(images.read_image(file))).all(), what


def test_disparity_keeps_its_16_bits(shown_results: Path, shown_page: Path) -> None:
    file = case_file(shown_results, "disparity")
    codes = stored(shown_page, file).astype(np.uint16)
    exact = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    assert exact.dtype == np.uint16 and (256 * codes[..., 0] + codes[..., 1] == exact).all()


def test_any_number_of_bytes_survives_packing() -> None:
    for length in (0, 1, 2, 14, 15, 16, 29, 30, 31):
        data = bytes((37 * index + 200) % 256 for index in range(length))
        letters = pack(data).decode("utf-16-le")
        assert len(letters) == -(-8 * length // 15)
        assert unpack(f'BOKEHBENCH_PICTURE("x",{length},"{letters}");\n'.encode("utf-16"))[1] == data


def test_what_is_shared_is_stored_once(shown_results: Path, shown_page: Path) -> None:
    files = sorted((shown_page / "assets/pictures").glob("*.js"))
    of_scenes = 8 * 3  # image, disparity and target are those of both levels
    assert len(files) == of_scenes + 8 * 2 * len(METHODS)
