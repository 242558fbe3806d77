"""Safe reading and writing of images, disparity maps and EXR files.

At this boundary images are float32 [H, W, 3], encoded, nominal [0, 1]. Whatever a library would do
silently (drop to 8 bit, ignore orientation, return half a truncated file) is done explicitly or refused
with a `BadImage` whose code docs/conventions.md lists. What was done to a file, a reader says in `notes`.
"""

from bokehbench.images.contact import contact_sheet
from bokehbench.images.disparity import (
    DisparityMap,
    fill_from_background,
    normalise_disparity,
    read_disparity,
)
from bokehbench.images.exr import read_exr, read_exr_rgb, write_exr, write_exr_rgb
from bokehbench.images.find import Found, Rejected, find_images
from bokehbench.images.limits import MAX_PIXELS
from bokehbench.images.notes import Note, Notes
from bokehbench.images.read import IMAGE_SUFFIXES, FloatImage, read_grey, read_image, read_rgba
from bokehbench.images.write import encode_png, quantise, write_disparity, write_jpeg, write_png

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "DisparityMap",
    "FloatImage",
    "Found",
    "Note",
    "Notes",
    "Rejected",
    "contact_sheet",
    "encode_png",
    "fill_from_background",
    "find_images",
    "normalise_disparity",
    "quantise",
    "read_disparity",
    "read_exr",
    "read_exr_rgb",
    "read_grey",
    "read_image",
    "read_rgba",
    "write_disparity",
    "write_exr",
    "write_exr_rgb",
    "write_jpeg",
    "write_png",
]
