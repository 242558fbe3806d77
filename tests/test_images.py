"""Claims about files: what is read is what was stored, and what cannot be read is refused by name."""

from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from bokehbench import images
from bokehbench.errors import BadImage

RNG = np.random.default_rng(0)


def test_png_round_trip_is_exact(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    images.write_png(tmp_path / "a.png", pixels)
    assert (images.quantise(images.read_image(tmp_path / "a.png")) == pixels).all()


def test_rounding_is_to_the_nearest_code_value() -> None:
    assert images.quantise(np.array([-0.2, 0.0, 0.499 / 255, 0.5 / 255, 1.0, 7.0])).tolist() == [
        0,
        0,
        0,
        1,
        255,
        255,
    ]


def test_sixteen_bit_colour_keeps_sixteen_bits(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 65536, (4, 6, 3), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), pixels[..., ::-1])
    read = images.read_image(tmp_path / "a.png")
    np.testing.assert_allclose(read * 65535, pixels, atol=0.01)


def test_sixteen_bit_grey_is_not_saturated(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.array([[0, 30000], [40000, 65535]], np.uint16))
    np.testing.assert_allclose(
        images.read_grey(tmp_path / "a.png") * 65535, [[0, 30000], [40000, 65535]], atol=0.01
    )


def test_orientation_of_a_camera_is_applied(tmp_path: Path) -> None:
    image = Image.new("RGB", (8, 4))
    exif = image.getexif()
    exif[0x0112] = 6  # the camera was held upright
    image.save(tmp_path / "a.jpg", exif=exif)
    assert images.read_image(tmp_path / "a.jpg").shape == (8, 4, 3)


def test_exr_keeps_light_above_one_and_equal_pixels_are_equal_bytes(tmp_path: Path) -> None:
    light = (RNG.random((6, 5, 3)) * 300).astype(np.float16).astype(np.float32)
    images.write_exr_rgb(tmp_path / "a.exr", light)
    images.write_exr_rgb(tmp_path / "b.exr", light)
    assert (images.read_exr_rgb(tmp_path / "a.exr") == light).all()
    assert (tmp_path / "a.exr").read_bytes() == (tmp_path / "b.exr").read_bytes()
    np.testing.assert_allclose(images.read_image(tmp_path / "a.exr"), light ** (1 / 2.2), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.png", b"", "E_UNREADABLE"),
        ("text.jpg", b"this is no picture", "E_UNREADABLE"),
        ("text.exr", b"this is no picture", "E_UNREADABLE"),
        ("missing.png", None, "E_MISSING"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path: Path, name: str, content: bytes | None, code: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadImage) as error:
        images.read_image(path)
    assert error.value.code == code
    assert name in str(error.value)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_half_an_image_is_no_image(tmp_path: Path, suffix: str) -> None:
    whole = tmp_path / f"whole{suffix}"
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(whole)
    half = tmp_path / f"half{suffix}"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(BadImage, match="E_TRUNCATED"):
        images.read_image(half)


def test_holes_of_a_disparity_map_take_the_background() -> None:
    nan = np.nan
    raw = np.full((4, 6), 2.0)
    raw[0] = [1.0, nan, nan, 5.0, 4.0, np.inf]
    disparity = images.normalise_disparity(raw)
    assert disparity.filled == 3
    np.testing.assert_allclose(disparity.values[0], [0.0, 0.0, 0.0, 1.0, 0.75, 0.75])  # 1 is farther than 5
    assert disparity.range == (1.0, 5.0)


def test_disparity_that_is_mostly_holes_is_refused(tmp_path: Path) -> None:
    raw = np.full((4, 4), np.inf)
    raw[0] = 1.0
    np.save(tmp_path / "d.npy", raw)
    with pytest.raises(BadImage, match="E_DISPARITY"):
        images.read_disparity(tmp_path / "d.npy")


def test_constant_disparity_is_allowed() -> None:
    assert (images.normalise_disparity(np.full((3, 3), 7.0)).values == 0.0).all()


def test_pickled_arrays_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(BadImage, match="E_UNREADABLE"):
        images.read_disparity(tmp_path / "d.npy")


def test_stored_disparity_is_exact_to_half_a_step_of_sixteen_bits(tmp_path: Path) -> None:
    disparity = RNG.random((5, 9)).astype(np.float32)
    images.write_disparity(tmp_path / "d.png", disparity)
    read = images.read_disparity(tmp_path / "d.png", normalise=False)
    np.testing.assert_allclose(read.values, disparity, atol=0.51 / 65535)


def test_arrays_that_are_no_disparity_map_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.npy"
    with pytest.raises(BadImage, match="E_MISSING"):
        images.read_disparity(path)
    np.savez(tmp_path / "d.npz", a=np.ones((2, 2)))
    archive = (tmp_path / "d.npz").read_bytes()
    for content in (b"", archive, archive[:30], b"\x93NUMPY\x01\x00\x06\x00{'a: ("):
        path.write_bytes(content)
        with pytest.raises(BadImage, match="E_UNREADABLE"):
            images.read_disparity(path)
    for array in (np.ones((2, 2), complex), np.ones((2, 2), bool), np.ones((0, 0)), np.ones(4)):
        np.save(path, array)
        with pytest.raises(BadImage, match="E_DISPARITY"):
            images.read_disparity(path)


@pytest.mark.parametrize(
    ("names", "taken"),
    [("ZY", "Y"), ("RGB", "R"), (["view.Z", "view.A"], "view.Z"), (["Y", "z.Y"], "Y"), (["disp"], "disp")],
)
def test_disparity_of_an_exr_is_the_channel_that_conventions_name(
    tmp_path: Path, names: list[str], taken: str
) -> None:
    channels = {name: RNG.random((3, 4)).astype(np.float32) for name in names}
    images.write_exr(tmp_path / "d.exr", channels, half=False)
    read = images.read_disparity(tmp_path / "d.exr", normalise=False)
    assert (read.values == channels[taken]).all()


def test_disparity_is_not_guessed_among_unknown_channels(tmp_path: Path) -> None:
    images.write_exr(tmp_path / "d.exr", {name: np.ones((3, 4)) for name in ("A", "B")})
    with pytest.raises(BadImage, match=r"has A, B .*E_CHANNELS"):
        images.read_disparity(tmp_path / "d.exr")


def test_half_a_sixteen_bit_image_is_refused_without_noise(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), RNG.integers(0, 65536, (64, 64, 3), dtype=np.uint16))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadImage, match="E_TRUNCATED"):
        images.read_image(path)
    assert capfd.readouterr() == ("", "")


def test_large_image_within_our_limit_is_read_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (8, 4)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert images.read_image(tmp_path / "a.png").shape == (4, 8, 3)
