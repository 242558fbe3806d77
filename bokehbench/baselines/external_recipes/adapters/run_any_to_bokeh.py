"""Any-to-Bokeh's test/inference_demo.py: a picture is a clip of equal frames, of which the middle is taken.

The video writer is replaced, so that no frame goes through a video codec.
"""

from __future__ import annotations

import csv
import os
import sys
from typing import Any

import numpy as np
from bench_adapter import Bench, eight_bit, padded, replaced, run_script, write_png

WIDTH, HEIGHT = 1024, 576
FRAMES = 12
"""Windows of 8 that overlap by 4: the script fails below 9 frames, and with 12 all windows are full."""


def wide(height: int, width: int) -> tuple[int, int]:
    """The smallest size of 16:9 that holds a picture, so that its own resizing keeps the aspect."""
    full = max(width, -(-height * WIDTH // HEIGHT))
    return max(height, -(-full * HEIGHT // WIDTH)), full


def write_clip(bench: Bench, case: Any, videos: str, maps: str) -> tuple[str, str, float]:
    """Frames and maps under the names that the script reads focus from; the row of its table."""
    width, height = case["size"]
    size = wide(height, width)
    frames, disparities = os.path.join(videos, case["key"]), os.path.join(maps, case["key"])
    os.makedirs(frames)
    os.makedirs(disparities)
    focus = case["lens"]["disp_focus"]
    first, map_ = os.path.join(frames, "0.png"), os.path.join(disparities, f"0_zf_{focus:.5f}.png")
    write_png(first, padded(bench.image(case), *size))
    write_png(map_, eight_bit(padded(bench.disparity(case), *size)))
    for number in range(1, FRAMES):
        os.symlink(first, os.path.join(frames, f"{number}.png"))
        os.symlink(map_, os.path.join(disparities, f"{number}_zf_{focus:.5f}.png"))
    return frames, disparities, case["lens"]["K"] * WIDTH / size[1]


class Clips:
    """In the place of a video writer; one is opened a case, in order."""

    def __init__(self, bench: Bench, image_of: Any) -> None:
        self.bench, self.image_of = bench, image_of
        self.number = -1
        self.frames: list[Any] = []

    def open(self, *others: Any, **named: Any) -> Clips:
        """As imageio.get_writer."""
        self.number, self.frames = self.number + 1, []
        return self

    def append_data(self, frame: Any) -> None:
        """[576, 1024, 3] uint8."""
        self.frames.append(np.asarray(frame))

    def close(self) -> None:
        """The clip of a case is whole."""
        case = self.bench.cases[self.number]
        width, height = case["size"]
        rows, columns = wide(height, width)
        middle = self.image_of(self.frames[len(self.frames) // 2], columns, rows)
        self.bench.save(case, middle[:height, :width])


def main() -> None:
    """All cases in one run."""
    bench = Bench(sys.argv)
    bench.enter()
    import imageio
    from PIL import Image

    def resized(frame: Any, columns: int, rows: int) -> Any:
        return np.asarray(Image.fromarray(frame).resize((columns, rows), Image.Resampling.LANCZOS))

    videos, maps, left = bench.folder("videos"), bench.folder("disparities"), bench.folder("left")
    table = os.path.join(left, "cases.csv")
    with open(table, "w", newline="") as file:
        rows = [write_clip(bench, case, videos, maps) for case in bench.cases]
        csv.writer(file).writerows([("aif_folder", "disp_folder", "k"), *rows])
    unet = bench.weights["checkpoints/unet/unet/diffusion_pytorch_model.safetensors"]
    unet = os.path.dirname(os.path.dirname(unet))
    vae = os.path.dirname(bench.weights["checkpoints/vae/diffusion_pytorch_model.safetensors"])
    os.chdir(left)  # it makes a folder `output`
    with replaced(imageio, "get_writer", Clips(bench, resized).open):
        script = os.path.join(bench.repository, "test", "inference_demo.py")
        run_script(script, ["--val_csv_path=" + table, "--unet_path=" + unet, "--vae_path=" + vae])


if __name__ == "__main__":
    main()
