"""Profiles: which pictures of a sample are stored, and how each kind becomes a file."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bokehbench.errors import ConfigError
from bokehbench.synth.truth.types import Kind

Encoding = Literal["png", "jpg", "png16", "exr", "exr32"]
"""png 8 bit, jpg, png16 16 bit, exr half floats, exr32 floats."""

ENCODINGS: dict[Kind, Encoding] = {
    "image": "png",
    "rgba": "png",
    "layer": "exr",
    "disparity": "png16",
    "label": "png",
    "mask": "png",
    "float": "exr",
}
"""How a kind is stored where the profile says nothing else; alpha and disparity never as JPEG."""


class Profile(BaseModel):
    """What a set stores.

    Attributes:
        name: what users write after --profile.
        summary: one line.
        photographs: encoding of the all-in-focus and the bokeh images. jpg loses a little; exr is linear
            half floats and keeps lights above 1.
        jpeg_quality: of jpg, without subsampled colours.
        disparity: encoding of disparity maps: png16 rounds to 1/65535, exr32 to nothing.
        without: names of ground truth that are left out though the recipe lists them.
        also: names that are added to the recipe's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    summary: str = ""
    photographs: Literal["png", "jpg", "exr"] = "png"
    jpeg_quality: Annotated[int, Field(ge=50, le=100)] = 95
    disparity: Literal["png16", "exr32"] = "png16"
    without: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def encoding(self, name: str, kind: Kind) -> Encoding:
        """How the picture `name` is stored."""
        if kind == "image" and name.startswith(("aif", "bokeh")):
            return self.photographs
        if kind == "disparity":
            return self.disparity
        return ENCODINGS[kind]

    def names(self, recipe: tuple[str, ...]) -> tuple[str, ...]:
        """Names of ground truth to store, from the recipe's."""
        return tuple(name for name in dict.fromkeys((*recipe, *self.also)) if name not in self.without)

    def to_json(self) -> dict[str, Any]:
        """What a set's record says."""
        return self.model_dump(mode="json", exclude={"summary"})


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(name="train-png", summary="What the recipe lists: 8-bit PNG, 16-bit disparity."),
        Profile(
            name="train-jpeg",
            summary="About a third of the size: both photographs as JPEG 95, no layers.",
            photographs="jpg",
            without=("layers", "rgba", "alpha", "visibility"),
        ),
        Profile(
            name="full",
            summary="And layers, labels, masks and boundary maps.",
            also=("layers", "rgba", "label", "subject_mask", "disp_soft", "boundary"),
        ),
        Profile(
            name="linear",
            summary="Light instead of display values: EXR half for both photographs, float disparity.",
            photographs="exr",
            disparity="exr32",
            without=("rgba",),
        ),
    )
}
DEFAULT_PROFILE = "train-png"


def get_profile(name: str) -> Profile:
    """The profile of a name; ConfigError with the nearest where there is none."""
    if name not in PROFILES:
        near = difflib.get_close_matches(name, PROFILES, n=1, cutoff=0.3) or list(PROFILES)
        raise ConfigError(f"unknown profile {name!r}; did you mean {near[0]}? ({', '.join(PROFILES)})")
    return PROFILES[name]
