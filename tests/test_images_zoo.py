"""The zoo of bad and odd pictures: each is read as what it shows or refused by name, nothing else."""

from __future__ import annotations

import os
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from bokehbench import images
from bokehbench.errors import BadImage
from bokehbench.images import limits

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (48, 40, 3), dtype=np.uint8)
SMOOTH = cv2.GaussianBlur(RGB, (0, 0), 4)
MATTE = np.clip(np.linspace(-60, 320, 40)[None].repeat(48, 0), 0, 255).astype(np.uint8)


def png(path: Path, chunks: Callable[[bytes, bytes], bytes] | None = None) -> Path:
    """A PNG of `RGB`; `chunks` may change (kind, whole chunk)."""
    Image.fromarray(RGB).save(path)
    data, at, out = path.read_bytes(), 8, path.read_bytes()[:8]
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        chunk = data[at : at + 12 + length]
        out += chunks(kind, chunk) if chunks else chunk
        at += 12 + length
    path.write_bytes(out)
    return path


def bomb(path: Path) -> None:
    """A PNG header that claims 20000 x 20000 pixels."""
    header = struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def display_p3() -> bytes:
    """A matrix profile with the primaries of P3: sRGB's with the colorants exchanged."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    colorants = {
        b"rXYZ": (0.5151, 0.2412, -0.0011),
        b"gXYZ": (0.2920, 0.6922, 0.0419),
        b"bXYZ": (0.1571, 0.0666, 0.7841),
    }
    for index in range(struct.unpack(">I", data[128:132])[0]):
        name, offset, _ = struct.unpack(">4sII", data[132 + 12 * index : 144 + 12 * index])
        if name in colorants:
            values = [round(v * 65536) for v in colorants[name]]
            data[offset + 8 : offset + 20] = struct.pack(">3i", *values)
        if name == b"desc":
            for text in (b"s\0R\0G\0B", b"sRGB"):  # of either kind of description
                data[offset : offset + 64] = data[offset : offset + 64].replace(text, b"P" * len(text))
    return bytes(data)


def damaged_crc(kind: bytes, chunk: bytes) -> bytes:
    return chunk[:-1] + bytes([chunk[-1] ^ 1]) if kind == b"IDAT" else chunk


def half(path: Path) -> None:
    if path.suffix == ".exr":
        images.write_exr_rgb(path, RGB / 255.0)
    else:
        Image.fromarray(RGB).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def write_exr_value(path: Path, value: float) -> None:
    light = np.full((8, 8, 3), 0.5, np.float32)
    light[2, 3, 1] = value
    images.write_exr_rgb(path, light, half=False)


REFUSED: dict[str, tuple[str, Callable[[Path], object]]] = {
    "empty.png": ("E_UNREADABLE", lambda p: p.write_bytes(b"")),
    "text.jpg": ("E_UNREADABLE", lambda p: p.write_text("no picture")),
    "text.hdr": ("E_TRUNCATED", lambda p: p.write_text("no picture")),
    "folder.png": ("E_UNREADABLE", lambda p: p.mkdir()),
    "loop.png": ("E_LINK", lambda p: p.symlink_to(p)),
    "nowhere.png": ("E_LINK", lambda p: p.symlink_to("not_there.png")),
    "half.jpg": ("E_TRUNCATED", lambda p: half(p)),
    "half.exr": ("E_TRUNCATED", lambda p: half(p)),
    "half.webp": ("E_TRUNCATED", lambda p: half(p)),
    "crc.png": ("E_TRUNCATED", lambda p: png(p, damaged_crc)),
    "no_end.png": ("E_TRUNCATED", lambda p: png(p, lambda k, c: b"" if k == b"IEND" else c)),
    "bomb.png": ("E_TOO_LARGE", bomb),
    "nan.exr": ("E_NONFINITE", lambda p: write_exr_value(p, np.nan)),
    "inf.tif": ("E_NONFINITE", lambda p: Image.fromarray(np.full((4, 4), np.inf, np.float32)).save(p)),
    "negative.exr": ("E_NONFINITE", lambda p: write_exr_value(p, -0.5)),
    "nan.tif": ("E_NONFINITE", lambda p: Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(p)),
    "negative.tif": ("E_NONFINITE", lambda p: Image.fromarray(np.full((4, 4), -7, np.int32)).save(p)),
    "lab.tif": ("E_UNREADABLE", lambda p: Image.new("LAB", (8, 8)).save(p)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused_by_name(tmp_path: Path, name: str, capfd) -> None:
    code, make = REFUSED[name]
    make(tmp_path / name)
    with pytest.raises(BadImage) as error:
        images.read_image(tmp_path / name)
    assert error.value.code == code
    assert name in str(error.value) and "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


def read(path: Path, reader: Callable = images.read_image) -> tuple[np.ndarray, set[str]]:
    notes: images.Notes = []
    return reader(path, notes=notes), {note.code for note in notes}


def test_cmyk_is_converted_and_said(tmp_path: Path) -> None:
    Image.fromarray(SMOOTH).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    image, codes = read(tmp_path / "a.jpg")
    assert codes == {"W_CMYK"}
    assert np.abs(image - SMOOTH / 255.0).mean() < 0.03


def test_sixteen_bits_are_kept_in_every_container(tmp_path: Path) -> None:
    colour = RNG.integers(0, 65536, (6, 5, 4), dtype=np.uint16)
    for name in ("a.png", "a.tif"):
        for channels in (1, 3, 4):
            stored = colour[..., 0] if channels == 1 else colour[..., :channels]
            flipped = stored if channels == 1 else stored[..., [2, 1, 0, 3][:channels]]
            cv2.imwrite(str(tmp_path / name), flipped)
            image = images.read_rgba(tmp_path / name)
            want = np.repeat(stored[..., None], 3, 2) if channels == 1 else stored
            np.testing.assert_allclose(image[..., : want.shape[2]] * 65535, want, atol=0.02)


def test_whole_numbers_of_32_bit_are_scaled_by_their_largest(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 100_000], [200_000, 50_000]], np.int32)).save(tmp_path / "a.tif")
    image, codes = read(tmp_path / "a.tif")
    assert codes == {"W_RANGE"}
    np.testing.assert_allclose(image[..., 0], [[0, 0.5], [1, 0.25]], atol=1e-5)


@pytest.mark.parametrize("suffix", [".tif", ".hdr"])
def test_light_stays_light_above_one(tmp_path: Path, suffix: str) -> None:
    light = (RNG.random((6, 5, 3)) * 4).astype(np.float32)
    flags = [cv2.IMWRITE_TIFF_COMPRESSION, 1] if suffix == ".tif" else []
    cv2.imwrite(str(tmp_path / f"a{suffix}"), light[..., ::-1], flags)
    image = images.read_image(tmp_path / f"a{suffix}")
    np.testing.assert_allclose(image**2.2, light, atol=1e-4 if suffix == ".tif" else 0.05)


def test_float_grey_is_light_too(tmp_path: Path) -> None:
    Image.fromarray(np.full((3, 4), 2.5, np.float32)).save(tmp_path / "a.tif")
    np.testing.assert_allclose(images.read_image(tmp_path / "a.tif") ** 2.2, 2.5, rtol=1e-4)


def test_a_little_negative_light_is_ringing(tmp_path: Path) -> None:
    write_exr_value(tmp_path / "a.exr", -0.003)
    image, codes = read(tmp_path / "a.exr")
    assert codes == {"W_NEGATIVE"} and image.min() == 0.0


def test_transparency_of_every_kind_is_alpha(tmp_path: Path) -> None:
    mask = np.zeros((48, 40), np.uint8)
    mask[10:30, 10:30] = 255
    picture = Image.fromarray(RGB)
    rgba = Image.fromarray(np.dstack([RGB, mask]))
    rgba.quantize(64).save(tmp_path / "palette.png")
    keyed = RGB.copy()
    keyed[mask == 0] = (1, 2, 3)
    Image.fromarray(keyed).save(tmp_path / "key.png", transparency=(1, 2, 3))
    picture.convert("L").putalpha(Image.fromarray(mask))
    la = Image.merge("LA", (picture.convert("L"), Image.fromarray(mask)))
    la.save(tmp_path / "la.png")
    rgba.save(tmp_path / "a.gif")
    for name in ("palette.png", "key.png", "la.png", "a.gif"):
        image, codes = read(tmp_path / name, images.read_rgba)
        assert np.mean(image[..., 3] == mask / 255.0) > 0.99, name
        assert "W_BINARY_ALPHA" in codes, name


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(MATTE > 127).save(tmp_path / "a.png")
    assert set(np.unique(images.read_image(tmp_path / "a.png"))) == {0.0, 1.0}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_that_of_pillow_for_eight_and_sixteen_bits(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    want = images.read_image(tmp_path / "a.png")
    assert want.shape == ((40, 48, 3) if orientation > 4 else (48, 40, 3))
    grey = (RGB[..., 0].astype(np.uint16)) * 257
    Image.fromarray(grey).save(tmp_path / "b.png", exif=exif)
    np.testing.assert_allclose(images.read_image(tmp_path / "b.png")[..., 0], want[..., 0], atol=1e-6)
    np.testing.assert_allclose(images.read_grey(tmp_path / "b.png"), want[..., 0], atol=1e-6)


def test_colours_of_another_profile_become_srgb(tmp_path: Path) -> None:
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 200
    red[..., 1:] = 60
    Image.fromarray(red).save(tmp_path / "p3.png", icc_profile=display_p3())
    image, codes = read(tmp_path / "p3.png")
    assert codes == {"W_ICC"}
    assert image[0, 0, 0] > 205 / 255  # the same numbers are a stronger red in P3


def test_srgb_and_broken_profiles_change_nothing(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, profile, codes in (("s.png", srgb, set()), ("b.png", b"nonsense" * 20, {"W_ICC_FAIL"})):
        Image.fromarray(RGB).save(tmp_path / name, icc_profile=profile)
        image, found = read(tmp_path / name)
        assert found == codes
        assert (images.quantise(image) == RGB).all()


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.tif"])
def test_of_many_frames_the_first_is_taken(tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "lime")]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    image, codes = read(tmp_path / name)
    assert codes == {"W_MULTIFRAME"}
    assert image[8, 8, 0] > 0.9 and image[8, 8, 2] < 0.1


def test_large_pictures_come_no_larger_than_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bokehbench.images.decode.LARGE_PIXELS", 100_000)
    for name in ("a.jpg", "a.png"):
        Image.fromarray(cv2.resize(SMOOTH, (800, 1000), interpolation=cv2.INTER_CUBIC)).save(tmp_path / name)
        whole = images.read_image(tmp_path / name)
        small = images.read_image(tmp_path / name, need=(100, 90))
        assert whole.shape[:2] == (1000, 800)
        assert small.shape[0] < 700 and small.shape[1] >= 200
        again = cv2.resize(whole, small.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(again - small).mean() < 0.02


def test_the_limit_holds_for_exr_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images.write_exr_rgb(tmp_path / "a.exr", np.ones((40, 40, 3)))
    monkeypatch.setattr(limits, "MAX_PIXELS", 1000)
    with pytest.raises(BadImage, match="E_TOO_LARGE"):
        images.read_image(tmp_path / "a.exr")


def test_coloured_pictures_are_no_maps(tmp_path: Path) -> None:
    Image.fromarray(cv2.applyColorMap(MATTE, cv2.COLORMAP_JET)).save(tmp_path / "jet.png")
    for reader in (images.read_grey, images.read_disparity):
        with pytest.raises(BadImage, match="E_CHANNELS"):
            reader(tmp_path / "jet.png")
    Image.fromarray(np.dstack([MATTE] * 3)).save(tmp_path / "grey.jpg", quality=80)
    assert np.abs(images.read_grey(tmp_path / "grey.jpg") - MATTE / 255.0).mean() < 0.01


def test_depth_is_turned_only_where_it_is_declared(tmp_path: Path) -> None:
    depth = np.array([[1.0, 2.0, 4.0, 0.0], [4.0, 2.0, 1.0, 1.0], [2.0] * 4])
    np.save(tmp_path / "z.npy", depth)
    notes: images.Notes = []
    turned = images.read_disparity(tmp_path / "z.npy", kind="depth", notes=notes)
    assert turned.range == (0.25, 1.0)
    np.testing.assert_allclose(turned.values[0], [1.0, 1 / 3, 0.0, 0.0], atol=1e-6)  # filled from the farther
    assert {note.code for note in notes} == {"W_FILLED"}
    assert images.read_disparity(tmp_path / "z.npy").values[0, 0] == 0.25


def test_eight_bit_disparity_is_said_to_be_coarse(tmp_path: Path) -> None:
    images.write_png(tmp_path / "d8.png", MATTE)
    images.write_disparity(tmp_path / "d16.png", np.linspace(0, 1, 48 * 40).reshape(48, 40))
    assert read(tmp_path / "d8.png", images.read_disparity)[1] == {"W_QUANTISED"}
    assert read(tmp_path / "d16.png", images.read_disparity)[1] == set()


def test_finding_leaves_hidden_files_alone_and_names_what_is_no_file(tmp_path: Path) -> None:
    for name in ("b.png", "a/z.JPG", ".hidden.png", "._a.png", "Thumbs.db", "a/.git/x.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    with open(os.path.join(os.fsencode(tmp_path), b"caf\xe9.png"), "wb") as file:
        file.write(b"x")
    found = images.find_images(tmp_path)
    assert found.files == ("a/z.JPG", "b.png")
    assert {entry.path: entry.code for entry in found.rejected} == {
        "caf\\xe9.png": "E_NAME",
        "folder.png": "E_UNREADABLE",
        "loop.png": "E_LINK",
    }
    assert all(entry.message.isprintable() for entry in found.rejected)


def test_no_permission_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = png(tmp_path / "a.png")

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Image, "open", denied)  # the tests' own user may be allowed everything
    with pytest.raises(BadImage, match=r"Permission denied.*E_UNREADABLE"):
        images.read_image(path)


def test_a_name_that_is_too_long_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match="E_"):
        images.read_image(tmp_path / f"{'x' * 300}.png")


def sound(tmp_path: Path) -> dict[str, Path]:
    """One small sound file of every container."""
    picture = Image.fromarray(SMOOTH)
    files = {}
    for suffix in (".png", ".jpg", ".webp", ".gif", ".bmp", ".tif"):
        picture.save(tmp_path / f"a{suffix}")
    cv2.imwrite(str(tmp_path / "a16.png"), SMOOTH.astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "f.tif"), SMOOTH.astype(np.float32))
    cv2.imwrite(str(tmp_path / "a.hdr"), SMOOTH.astype(np.float32))
    images.write_exr_rgb(tmp_path / "a.exr", SMOOTH / 255.0)
    for path in tmp_path.iterdir():
        files[path.name] = path
    return files


@pytest.mark.parametrize(
    "reader", [images.read_image, images.read_rgba, images.read_grey, images.read_disparity]
)
def test_damaged_bytes_are_read_or_refused_and_nothing_else(tmp_path: Path, reader: Callable, capfd) -> None:
    """Cut short, bits flipped, bytes overwritten: valid float32 or BadImage, never slow."""
    rng = np.random.default_rng(5)
    slowest = 0.0
    for name, path in sorted(sound(tmp_path).items()):
        whole = path.read_bytes()
        damaged = tmp_path / f"x{path.suffix}"
        for case in range(24):
            data = bytearray(whole)
            if case % 3 == 0:
                del data[int(rng.integers(len(data))) :]
            for _ in range(case % 3 * 4):
                # Headers lie at the front: half of the damage is there.
                at = int(rng.integers(len(data) if rng.random() < 0.5 else min(200, len(data))))
                data[at] = int(rng.integers(256))
            damaged.write_bytes(data)
            start = time.process_time()
            try:
                made = reader(damaged)
            except BadImage as error:
                assert "\n" not in str(error), name
            else:
                values = made.values if isinstance(made, images.DisparityMap) else made
                assert values.dtype == np.float32 and np.isfinite(values).all(), name
            slowest = max(slowest, time.process_time() - start)
    assert slowest < 2.0  # seconds of computing
