"""The user's pictures: every bad file has its code, good ones are sorted, hashed and used as they are."""

import numpy as np
import pytest
from PIL import Image

from bokehbench.errors import BadImage, InputError
from bokehbench.synth.assets.folder import read_cutout, scan_backgrounds, scan_foregrounds
from bokehbench.synth.assets.library import Library, Source
from bokehbench.synth.assets.photographs import cut, large_enough


def rgba(path, alpha, colour=(200, 100, 50)):
    pixels = np.zeros((*alpha.shape, 4), np.uint8)
    pixels[..., :3] = colour
    pixels[..., 3] = alpha
    Image.fromarray(pixels).save(path)


def disc(size=80, radius=30):
    y, x = np.mgrid[0:size, 0:size] - size / 2
    return np.clip((radius - np.hypot(x, y)) * 255, 0, 255).astype(np.uint8)


@pytest.fixture
def zoo(tmp_path):
    rgba(tmp_path / "b_good.png", disc())
    (tmp_path / "sub").mkdir()
    rgba(tmp_path / "sub" / "a_good.webp", disc())
    rgba(tmp_path / "empty_alpha.png", np.zeros((64, 64), np.uint8))
    rgba(tmp_path / "opaque.png", np.full((64, 64), 255, np.uint8))
    rgba(tmp_path / "tiny.png", disc(64, 8))
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes((tmp_path / "b_good.png").read_bytes()[:300])
    (tmp_path / "notes.txt").write_text("left alone")
    (tmp_path / ".hidden.png").write_text("left alone")
    (tmp_path / "folder.png").mkdir()
    return tmp_path


def test_scan_names_every_bad_file_and_keeps_the_rest(zoo):
    found = scan_foregrounds(zoo)
    assert [asset.path for asset in found.assets] == ["b_good.png", "sub/a_good.webp"]
    codes = {name: code for name, code, _ in found.rejected}
    assert codes == {
        "cut.png": "E_TRUNCATED",
        "empty_alpha.png": "E_EMPTY_ALPHA",
        "folder.png": "E_UNREADABLE",
        "opaque.png": "E_OPAQUE",
        "text.png": "E_UNREADABLE",
        "tiny.png": "E_TINY_FG",
    }
    assert all("\n" not in message and name in message for name, _, message in found.rejected)


def test_scan_does_not_depend_on_where_the_folder_lies(zoo, tmp_path_factory):
    other = tmp_path_factory.mktemp("moved")
    (other / "sub").mkdir()
    for name in ("sub/a_good.webp", "b_good.png"):
        (other / name).write_bytes((zoo / name).read_bytes())
    assert scan_foregrounds(other).to_json() == scan_foregrounds(zoo).to_json()


def test_no_usable_file_is_one_clear_error(tmp_path):
    (tmp_path / "x.png").write_text("no picture")
    with pytest.raises(InputError, match=r"none of 1 files.*E_UNREADABLE"):
        scan_foregrounds(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        scan_backgrounds(tmp_path / "missing", (64, 64), 1.5)


def test_backgrounds_must_fill_the_frame(tmp_path):
    for name, size in (("small.png", (80, 60)), ("large.png", (120, 100))):
        Image.new("RGB", size, (90, 120, 150)).save(tmp_path / name)
    found = scan_backgrounds(tmp_path, (150, 128), 1.5)
    assert [asset.path for asset in found.assets] == ["large.png"]
    assert found.rejected[0][1] == "E_TOO_SMALL"


def test_hidden_colours_of_a_cutout_never_become_a_background(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (100, 120, 4), np.uint8)
    for name, alpha in (("opaque.png", 255), ("cutout.png", np.where(np.arange(120) < 60, 255, 0))):
        pixels[..., 3] = alpha
        Image.fromarray(pixels).save(tmp_path / name)
    found = scan_backgrounds(tmp_path, (64, 64), 1.5)
    assert [asset.path for asset in found.assets] == ["opaque.png"]
    assert found.rejected[0][1] == "E_TRANSPARENT" and "50%" in found.rejected[0][2]


def test_cutout_is_linear_premultiplied_and_knows_where_it_was_cut_off(tmp_path):
    alpha = np.zeros((100, 80), np.uint8)
    alpha[40:, 20:60] = 255  # runs into the lower rim
    alpha[40:, 40:60] = 128
    rgba(tmp_path / "x.png", alpha, (255, 128, 0))
    raster, sides = read_cutout(tmp_path / "x.png")
    assert sides == ("bottom",)
    assert raster.shape == (60, 40, 4)
    assert raster[5, 5] == pytest.approx([1.0, (128 / 255) ** 2.2, 0.0, 1.0], abs=1e-5)
    assert raster[5, 30] == pytest.approx(raster[5, 5] * 128 / 255, abs=1e-5)


def test_haze_of_a_matte_is_no_subject(tmp_path):
    alpha = np.maximum(disc(120, 25), 3)
    rgba(tmp_path / "x.png", alpha)
    raster, _ = read_cutout(tmp_path / "x.png")
    assert all(48 <= side <= 51 for side in raster.shape[:2])
    assert raster[0, 0, 3] < 0.01


def test_changed_file_is_refused(zoo):
    found = scan_foregrounds(zoo)
    rgba(zoo / "b_good.png", disc(90, 33))
    with pytest.raises(InputError, match="changed"):
        found.path("b_good.png")


def test_sources_come_from_the_folder_and_are_read_back(zoo):
    library = Library({"fur": 1.0}, {"shelf": 1.0}, foreground_folder=scan_foregrounds(zoo))
    rng = np.random.Generator(np.random.Philox(1))
    names = {library.choose_foreground(rng, u) for u in (0.1, 0.9)}
    assert names == {"folder:b_good.png", "folder:sub/a_good.webp"}
    raster, _ = library.foreground("folder:b_good.png", 100.0, 2.2)
    assert raster.shape[2] == 4
    with pytest.raises(InputError, match="--bg"):
        library.background("folder:x.png", (64, 64), (0, 0), 1.0, 1.5, 2.2)


@pytest.mark.parametrize("name", ["proc:fur#12", "skimage:coffee", "folder:a/b.png"])
def test_source_names_round_trip(name):
    assert str(Source.parse(name)) == name


def test_unreadable_raises_the_code(tmp_path):
    with pytest.raises(BadImage) as error:
        read_cutout(tmp_path / "missing.png")
    assert error.value.code == "E_MISSING"


@pytest.mark.parametrize("canvas", [(64, 64), (200, 100), (90, 150)])
def test_cut_fills_the_canvas_and_says_how(canvas):
    picture = np.random.default_rng(0).random((100, 160, 3)).astype(np.float32)
    part, scale, border = cut(picture, canvas, (0.3, 0.8), 0.7, 1.5)
    assert part.shape == (canvas[1], canvas[0], 3)
    assert scale <= 1.5 + 1e-9
    assert border == ("real" if large_enough((160, 100), canvas, 1.5) else "reflect")
