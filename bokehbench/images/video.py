"""Videos and animations from frames: .mp4 and .webm (PyAV), .gif and .webp (Pillow), written atomically.

PyAV brings FFmpeg's libraries with it, so that nothing has to be installed beside it, and lets the quality be
stated; OpenCV's writer has neither H.264 nor a quality. Encoders run in one thread, so that a video does not
depend on the number of cores. Its bytes are not promised all the same (x264 does not), those of frames are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError
from bokehbench.records import atomic_path

Pixels = npt.NDArray[np.uint8]
VIDEOS = (".mp4", ".webm")
ANIMATIONS = (".gif", ".webp")
SUFFIXES = (*VIDEOS, *ANIMATIONS)
QUALITY = 90
_PALETTE_FRAMES = 16
_BT709 = 1


@dataclass(frozen=True)
class Encoding:
    """How frames are written, and `settings` in the encoder's own terms, for people and records."""

    suffix: str
    codec: str
    settings: dict[str, Any]

    def __str__(self) -> str:
        return " ".join([self.codec, *(f"{name} {value}" for name, value in self.settings.items())])


def encoding(suffix: str, quality: int = QUALITY) -> Encoding:
    """What a quality from 1 to 100 means for a kind of file.

    ``crf = round(51 - 0.375 q)`` for H.264 (17 at 90), ``round(63 - 0.43 q)`` for VP9 (24 at 90), q itself
    for WebP. A GIF has one palette of 256 colours, whatever the quality.

    Raises:
        ConfigError: another suffix, or a quality out of range.
    """
    if suffix not in SUFFIXES:
        raise ConfigError(f"a video or animation ends in {', '.join(SUFFIXES)}, not {suffix!r}")
    if not 1 <= quality <= 100:
        raise ConfigError(f"--quality must lie between 1 and 100, not {quality}")
    if suffix == ".mp4":
        return Encoding(suffix, "libx264", {"crf": round(51 - 0.375 * quality), "pix_fmt": "yuv420p"})
    if suffix == ".webm":
        return Encoding(suffix, "libvpx-vp9", {"crf": round(63 - 0.43 * quality), "pix_fmt": "yuv420p"})
    if suffix == ".webp":
        return Encoding(suffix, "webp", {"quality": quality})
    return Encoding(suffix, "gif", {"colours": 256})


def write_video(
    path: Path,
    count: int,
    frame: Callable[[int], Pixels],
    *,
    fps: float,
    how: Encoding,
    order: Sequence[int] | None = None,
) -> None:
    """Write frames as one file.

    Args:
        path: its suffix is that of `how`.
        count: frames there are.
        frame: number -> [H, W, 3] uint8, all of one size; asked for one at a time.
        fps: frames a second; a GIF counts hundredths of a second and is rounded to them.
        how: of `encoding`.
        order: numbers of the frames as they are shown; once from the first to the last unless given.

    A picture with an odd number of rows or columns gets its last one twice in a video, which H.264 and VP9
    with halved colour need. Colours are tagged BT.709. Animations repeat for ever.
    """
    shown = range(count) if order is None else order
    with atomic_path(path) as part:
        if how.suffix in VIDEOS:
            _encode(part, (frame(number) for number in shown), fps, how)
        else:
            _animate(part, count, frame, shown, fps, how)


def rate(how: Encoding, fps: float) -> float:
    """Frames a second that are shown where `fps` is asked for: animations count whole milliseconds.

    A GIF counts hundredths of a second, and what shows less than two of them is slowed down by browsers.
    """
    return 1000.0 / _milliseconds(how, fps) if how.suffix in ANIMATIONS else fps


def _milliseconds(how: Encoding, fps: float) -> int:
    if how.suffix == ".gif":
        return max(10 * round(100.0 / fps), 20)
    return round(1000.0 / fps)


def there_and_back(count: int) -> list[int]:
    """0, 1, ..., count - 1, ..., 1: repeated, it has no still moment and no jump."""
    return [*range(count), *range(count - 2, 0, -1)]


def _encode(part: Path, frames: Iterator[Pixels], fps: float, how: Encoding) -> None:
    import av
    from av.video.reformatter import ColorRange, Colorspace, Interpolation

    # Halved colour is the mean over its pixels, to rounding; what is usual overshoots at edges.
    averaged = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP
    first = _even(next(frames))
    # Without "bitexact" a WebM has a random number in it.
    options = {"fflags": "+bitexact"} | ({"movflags": "+faststart"} if how.suffix == ".mp4" else {})
    container = av.open(str(part), "w", container_options=options)
    with container:
        stream: Any = container.add_stream(how.codec, rate=Fraction(fps).limit_denominator(1001))
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = how.settings["pix_fmt"]
        stream.options = {"crf": str(how.settings["crf"]), **_speed(how.codec)}
        context = stream.codec_context
        context.thread_count = 1
        context.color_range = ColorRange.MPEG
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        for pixels in _chain(first, frames):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture = picture.reformat(
                format=how.settings["pix_fmt"],
                src_colorspace=Colorspace.ITU709,
                dst_colorspace=Colorspace.ITU709,
                interpolation=averaged,
            )
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def _speed(codec: str) -> dict[str, str]:
    if codec == "libx264":
        return {"preset": "medium"}
    # A bit rate of 0 leaves the quality to crf alone.
    return {"b": "0", "deadline": "good", "cpu-used": "2", "row-mt": "0"}


def _chain(first: Pixels, others: Iterable[Pixels]) -> Iterator[Pixels]:
    yield first
    for pixels in others:
        yield _even(pixels)


def _even(pixels: Pixels) -> Pixels:
    """With the last row and column doubled where their number is odd."""
    height, width = pixels.shape[:2]
    return np.ascontiguousarray(np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge"))


def _animate(
    part: Path,
    count: int,
    frame: Callable[[int], Pixels],
    shown: Sequence[int],
    fps: float,
    how: Encoding,
) -> None:
    from PIL import Image

    if how.suffix == ".webp":
        pictures = (Image.fromarray(frame(number)) for number in shown)
        more: dict[str, Any] = {"quality": how.settings["quality"], "method": 4}
    else:
        palette = _palette(count, frame)
        pictures = (Image.fromarray(frame(number)).quantize(palette=palette) for number in shown)
        more = {"optimize": False, "disposal": 1}
    first = next(pictures)
    shown_for = _milliseconds(how, fps)
    first.save(part, save_all=True, append_images=pictures, duration=shown_for, loop=0, **more)


def _palette(count: int, frame: Callable[[int], Pixels]) -> Any:
    """One palette of 256 colours for all frames, so that what stands still keeps its colours."""
    from PIL import Image

    chosen = np.unique(np.linspace(0, count - 1, min(count, _PALETTE_FRAMES)).round().astype(int))
    small = [np.asarray(Image.fromarray(frame(int(n))).resize((96, 96))) for n in chosen]
    return Image.fromarray(np.concatenate(small)).quantize(256)
