"""Claims about videos: what is seen is what was rendered, in its order and its colours, at any size."""

import av
import numpy as np
import pytest
from PIL import Image

from bokehbench import images
from bokehbench.errors import ConfigError
from bokehbench.images import video

COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (128, 128, 128), (250, 250, 250))


def frame(number: int) -> np.ndarray:
    """A flat colour, of an odd size."""
    return np.full((37, 51, 3), COLOURS[number], np.uint8)


def seen(path) -> list[np.ndarray]:
    """Every frame of a file, decoded by its own decoder."""
    if path.suffix in video.VIDEOS:
        with av.open(str(path)) as container:
            frames = list(container.decode(video=0))
        return [one.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray() for one in frames]
    picture = Image.open(path)
    found = []
    for number in range(picture.n_frames):
        picture.seek(number)
        found.append(np.asarray(picture.convert("RGB")))
    return found


@pytest.mark.parametrize("suffix", video.SUFFIXES)
def test_frames_come_in_their_order_and_colours_and_back_again(suffix, tmp_path):
    path, order = tmp_path / f"v{suffix}", video.there_and_back(len(COLOURS))
    assert order == [0, 1, 2, 3, 4, 3, 2, 1]
    video.write_video(path, len(COLOURS), frame, fps=10, how=video.encoding(suffix), order=order)
    shown = seen(path)
    assert len(shown) == len(order)
    for picture, number in zip(shown, order, strict=True):
        assert picture.shape[0] - 37 in (0, 1) and picture.shape[1] - 51 in (0, 1)
        assert np.abs(picture[:37, :51].astype(int) - COLOURS[number]).max() <= 6
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_speed_is_what_was_asked_for(tmp_path):
    video.write_video(tmp_path / "v.mp4", 5, frame, fps=12.5, how=video.encoding(".mp4"))
    with av.open(str(tmp_path / "v.mp4")) as container:
        assert float(container.streams.video[0].average_rate) == 12.5
    video.write_video(tmp_path / "v.gif", 5, frame, fps=12.5, how=video.encoding(".gif"))
    assert Image.open(tmp_path / "v.gif").info["duration"] == 80


def test_halved_colour_is_the_mean_over_its_pixels(tmp_path):
    """Rows of red and of blue, one pixel high: all have the colour between the two, without an overshoot."""
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[::2, :, 0] = picture[1::2, :, 2] = 200
    video.write_video(tmp_path / "v.mp4", 2, lambda _: picture, fps=5, how=video.encoding(".mp4", 100))
    with av.open(str(tmp_path / "v.mp4")) as container:
        planes = next(container.decode(video=0)).to_ndarray()[32:].reshape(2, -1)
    red, blue = (0.2126 * 200 / 255, 0.0722 * 200 / 255)
    difference = [
        (0.0 - red) / 1.8556 + (200 / 255 - blue) / 1.8556,
        (200 / 255 - red) / 1.5748 - blue / 1.5748,
    ]
    for plane, one in zip(planes, difference, strict=True):
        assert np.abs(plane - (128 + 112 * one)).max() < 2.0


def test_more_quality_is_less_error(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    errors = []
    for quality in (10, 50, 95):
        how = video.encoding(".webm", quality)
        video.write_video(tmp_path / "v.webm", 2, lambda _: picture, fps=5, how=how)
        errors.append(np.abs(seen(tmp_path / "v.webm")[0].astype(int) - picture).mean())
    assert errors == sorted(errors, reverse=True)
    assert str(video.encoding(".mp4")) == "libx264 crf 17 pix_fmt yuv420p"


@pytest.mark.parametrize(("suffix", "quality"), [(".avi", 90), (".mp4", 0), (".mp4", 101)])
def test_other_files_and_qualities_are_refused(suffix, quality):
    with pytest.raises(ConfigError):
        video.encoding(suffix, quality)


def test_an_error_on_the_way_leaves_no_file(tmp_path):
    def failing(number):
        if number == 2:
            raise ConfigError("no frame 2")
        return frame(number)

    for suffix in (".mp4", ".webp"):
        with pytest.raises(ConfigError, match="no frame 2"):
            video.write_video(tmp_path / f"v{suffix}", 5, failing, fps=5, how=video.encoding(suffix))
    assert not list(tmp_path.iterdir())


def test_a_contact_sheet_holds_every_picture_where_its_label_is():
    sheet = images.contact_sheet([frame(n) for n in range(5)], list("abcde"), "title")
    found = [np.argwhere((sheet == colour).all(axis=2)) for colour in COLOURS]
    assert [len(one) for one in found] == [37 * 51] * 5  # not enlarged, none hidden
    corners = [tuple(one.min(axis=0)) for one in found]
    assert corners == sorted(corners)
