"""Foregrounds from files: whatever the file does to its alpha or colours, the cut-out shows the subject."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from bokehbench import images
from bokehbench.errors import BadImage, ConfigError
from bokehbench.synth.assets.folder import read_cutout, scan, write_report
from bokehbench.synth.assets.sharpness import sharp_score
from bokehbench.synth.assets.unmix import foreground_colours

SIZE = 120


def soft_disc(radius: float = 40, blur: float = 4) -> np.ndarray:
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    return cv2.GaussianBlur((np.hypot(x, y) < radius).astype(np.float32), (0, 0), blur)


ALPHA = soft_disc()
COLOUR = np.array([0.8, 0.5, 0.3], np.float32)


def save(path: Path, rgb: np.ndarray, alpha: np.ndarray | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rgb = np.broadcast_to(rgb, (SIZE, SIZE, 3))
    images.write_png(path, rgb if alpha is None else np.dstack([rgb, alpha]))
    return path


def codes(path: Path, **options: bool) -> tuple[np.ndarray, set[str]]:
    notes: images.Notes = []
    raster, _ = read_cutout(path, notes=notes, **options)
    return raster, {note.code for note in notes}


def straight(raster: np.ndarray) -> np.ndarray:
    """Mean encoded colour where alpha is soft."""
    soft = (raster[..., 3] > 0.2) & (raster[..., 3] < 0.9)
    return np.mean((raster[soft, :3] / raster[soft, 3:]) ** (1 / 2.2), axis=0)


def test_premultiplied_colours_in_disguise_are_divided_by_alpha(tmp_path: Path) -> None:
    raster, found = codes(save(tmp_path / "a.png", COLOUR * ALPHA[..., None], ALPHA))
    assert found == {"W_PREMUL"}
    np.testing.assert_allclose(straight(raster), COLOUR, atol=0.02)


@pytest.mark.parametrize("colour", [(0.8, 0.5, 0.3), (0.03, 0.02, 0.02), (0.1, 0.1, 0.1)])
def test_straight_colours_are_left_alone_also_where_they_are_dark(tmp_path: Path, colour: tuple) -> None:
    raster, found = codes(save(tmp_path / "a.png", np.array(colour, np.float32), ALPHA))
    assert found == set()
    np.testing.assert_allclose(straight(raster), colour, atol=0.02)


def test_noise_of_a_matte_is_no_subject(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    haze = rng.integers(0, 4, (SIZE, SIZE)) / 255.0
    haze[5, 7] = 1.0  # one hot pixel
    alpha = np.maximum(soft_disc(24, 1), haze)
    raster, _ = codes(save(tmp_path / "a.png", COLOUR, alpha))
    assert max(raster.shape[:2]) < 60


def test_a_uniform_haze_is_taken_off(tmp_path: Path) -> None:
    raster, found = codes(save(tmp_path / "a.png", COLOUR, np.maximum(ALPHA, 3 / 255)))
    assert found == {"W_HAZE"}
    assert raster[0, 0, 3] < 0.05 and raster[..., 3].max() == pytest.approx(1.0)


def test_an_opaque_picture_is_a_rectangle_only_where_asked(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", COLOUR)
    with pytest.raises(BadImage, match="E_OPAQUE"):
        read_cutout(path)
    assert codes(path, allow_opaque=True)[0].shape == (SIZE, SIZE, 4)


def test_a_speck_in_a_large_picture_is_no_subject(tmp_path: Path) -> None:
    alpha = np.zeros((1300, 1300), np.float32)
    alpha[100:134, 100:134] = 1.0
    images.write_png(tmp_path / "a.png", np.dstack([np.ones((1300, 1300, 3)), alpha]))
    with pytest.raises(BadImage, match=r"34x34.*E_TINY_FG"):
        read_cutout(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("colours", "mattes"),
    [
        ("fg/a.png", "alpha/a.png"),
        ("set/FG/a.png", "set/pha/a.png"),
        ("a.png", "a_alpha.png"),
        ("fg/b.png", "fg/b-matte.png"),
    ],
)
def test_a_matte_lies_beside_its_picture(tmp_path: Path, colours: str, mattes: str) -> None:
    save(tmp_path / colours, COLOUR)
    save(tmp_path / mattes, ALPHA[..., None])
    found = scan(tmp_path, "foreground")
    assert [(asset.path, asset.matte) for asset in found.assets] == [(colours, mattes)]
    assert found.rejected == ()
    raster, _ = read_cutout(found.path(colours))
    np.testing.assert_allclose(straight(raster), COLOUR, atol=0.02)
    save(tmp_path / mattes, ALPHA[..., None] ** 2)
    with pytest.raises(Exception, match="changed"):
        found.path(colours)


def test_the_background_does_not_show_through_a_photograph_with_a_matte(tmp_path: Path) -> None:
    x = np.linspace(0, 1, SIZE, dtype=np.float32)
    behind = np.dstack([x[None].repeat(SIZE, 0), x[:, None].repeat(SIZE, 1), np.ones((SIZE, SIZE))])
    front = np.stack([0.8 - 0.3 * x, 0.2 + 0.3 * x, 0.1 + 0 * x], axis=1)[None].repeat(SIZE, 0)
    mixed = ALPHA[..., None] * front + (1 - ALPHA[..., None]) * behind
    save(tmp_path / "image" / "a.png", mixed)
    save(tmp_path / "mask" / "a.png", ALPHA[..., None])
    raster, _ = codes(tmp_path / "image" / "a.png")
    soft = (ALPHA > 0.1) & (ALPHA < 0.95)
    estimate = foreground_colours(mixed.astype(np.float32), ALPHA)
    error, naive = (np.abs(guess[soft] - front[soft]).mean() for guess in (estimate, mixed))
    assert error < 0.2 * naive
    assert error < 0.03
    blue = raster[..., 2] / np.maximum(raster[..., 3], 1e-3)
    assert (blue[raster[..., 3] > 0.3] ** (1 / 2.2)).mean() < 0.2


def test_sizes_of_picture_and_matte_may_differ_by_a_rounding(tmp_path: Path) -> None:
    save(tmp_path / "fg" / "a.png", COLOUR)
    for side, code in ((SIZE - 2, None), (SIZE - 3, "E_SIZE_MISMATCH")):
        images.write_png(tmp_path / "alpha" / "a.png", cv2.resize(ALPHA, (side, side)))
        found = scan(tmp_path, "foreground")
        assert [entry[1] for entry in found.rejected] == ([code] if code else [])
        if code is None:
            assert [note.code for note in found.assets[0].notes] == ["W_RESIZED"]


def test_orientation_holds_for_picture_and_matte_each(tmp_path: Path) -> None:
    """A camera's picture is turned by its EXIF; the matte was made upright."""
    alpha = np.zeros((80, 120), np.float32)
    alpha[10:70, 10:50] = 1.0
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = np.ascontiguousarray(np.rot90(np.full((80, 120, 3), 128, np.uint8)))
    (tmp_path / "fg").mkdir()
    Image.fromarray(sideways).save(tmp_path / "fg" / "a.jpg", exif=exif)
    images.write_png(tmp_path / "alpha" / "a.png", alpha)
    assert scan(tmp_path, "foreground").assets[0].size == (40, 60)


def test_halves_of_a_matting_set_are_named(tmp_path: Path) -> None:
    save(tmp_path / "fg" / "both.png", COLOUR)
    save(tmp_path / "alpha" / "both.png", ALPHA[..., None])
    save(tmp_path / "fg" / "alone.png", COLOUR)
    save(tmp_path / "alpha" / "left.png", ALPHA[..., None])
    save(tmp_path / "fg" / "coloured.png", COLOUR)
    save(tmp_path / "alpha" / "coloured.png", np.dstack([ALPHA, 1 - ALPHA, ALPHA]))
    found = scan(tmp_path, "foreground")
    assert [asset.path for asset in found.assets] == ["fg/both.png"]
    assert {path: code for path, code, _ in found.rejected} == {
        "alpha/left.png": "E_NO_MATTE",
        "fg/alone.png": "E_OPAQUE",
        "fg/coloured.png": "E_CHANNELS",
    }


def test_the_report_has_a_line_for_every_file(tmp_path: Path) -> None:
    save(tmp_path / "fg" / "good.png", COLOUR, ALPHA)
    (tmp_path / "fg" / "bad.png").write_text("no picture")
    (tmp_path / "bg").mkdir()
    rng = np.random.default_rng(0)
    texture = cv2.resize(
        rng.random((20, 20, 3)).astype(np.float32), (200, 200), interpolation=cv2.INTER_NEAREST
    )
    for name, picture in (
        ("sharp", texture),
        ("blurred", cv2.GaussianBlur(texture, (0, 0), 5)),
        ("flat", np.full((200, 200, 3), 0.5)),
        ("small", texture[:50]),
    ):
        images.write_png(tmp_path / "bg" / f"{name}.png", picture)
    folders = [
        scan(tmp_path / "fg", "foreground"),
        scan(tmp_path / "bg", "background", frame=(256, 256)),
    ]
    write_report(folders, tmp_path / "report.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    told = {line["path"]: line.get("code") or [note["code"] for note in line["notes"]] for line in lines}
    assert told == {
        "bad.png": "E_UNREADABLE",
        "good.png": [],
        "blurred.png": ["W_UPSCALED", "W_BLURRED"],
        "flat.png": ["W_UPSCALED", "W_FLAT"],
        "sharp.png": ["W_UPSCALED"],
        "small.png": "E_TOO_SMALL",
    }
    strict = scan(tmp_path / "bg", "background", sharp_min=0.2)
    assert {path: code for path, code, _ in strict.rejected} == {
        "blurred.png": "E_BLURRED",
        "flat.png": "E_BLURRED",
    }
    with pytest.raises(ConfigError, match="role"):
        scan(tmp_path / "bg", "middle")  # type: ignore[arg-type]


@pytest.mark.parametrize("contrast", [0.2, 0.9])
def test_the_sharpness_of_a_blurred_edge_is_its_slope_over_its_height(contrast: float) -> None:
    for sigma in (2.0, 3.0):
        image = np.zeros((96, 96, 3), np.float32)
        image[:, 40:] = contrast  # the middle of a tile
        image = cv2.GaussianBlur(image, (0, 0), sigma)
        assert sharp_score(image) == pytest.approx(1 / (sigma * np.sqrt(2 * np.pi)), rel=0.15)
