"""Refocus strips: a row of pictures with labels that the page shows beside the tables.

A strip is a JSON file with its pictures beside it; the page shows those of `RESULTS/_strips/*.json` and those
given by `--strip`::

    {
      "schema": "bokehbench.strip/1",
      "title": "Motorcycle, refocused",
      "caption": "scatter, K = 24 px, disparity as measured",
      "images": [
        {"file": "near.png", "label": "near"},
        {"file": "far.png", "label": "far", "note": "disp_focus 0.08"}
      ]
    }
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bokehbench.errors import InputError
from bokehbench.records import read_json, write_json

FOLDER = "_strips"
SHOWN = (".png", ".jpg", ".jpeg", ".webp")


class StripImage(BaseModel):
    """One picture: its file relative to the JSON, what it is called, and an optional second line."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    file: str
    label: str
    note: str = ""


class StripFile(BaseModel):
    """What the JSON file holds; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    version: Literal["bokehbench.strip/1"] = Field(alias="schema")
    title: str
    caption: str = ""
    images: tuple[StripImage, ...] = Field(min_length=1)


class Strip(BaseModel):
    """A strip and where it was read."""

    model_config = ConfigDict(frozen=True)
    path: Path
    content: StripFile

    def image_path(self, image: StripImage) -> Path:
        """The file of a picture."""
        return self.path.parent / image.file


def find_strips(results: Sequence[Path], given: Sequence[Path] = ()) -> list[Strip]:
    """Strips of the results folders, sorted by name, then those given (JSON files, or folders of them).

    Raises:
        InputError: a strip that cannot be read, or names a picture that is not there.
    """
    paths = [path for root in results for path in sorted((root / FOLDER).glob("*.json"))]
    for path in given:
        if path.is_dir():
            inside = sorted(path.glob("*.json"))
            if not inside:
                raise InputError(f"--strip {path}: no .json file in this folder")
            paths += inside
        else:
            paths.append(path)
    return [read_strip(path) for path in dict.fromkeys(paths)]


def read_strip(path: Path) -> Strip:
    """Read and check one strip."""
    try:
        content = StripFile.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {where}: {first['msg']}") from error
    strip = Strip(path=path, content=content)
    for image in content.images:
        if not strip.image_path(image).is_file():
            raise InputError(f"{path}: no picture {strip.image_path(image)}")
        if Path(image.file).suffix.lower() not in SHOWN:
            raise InputError(f"{path}: {image.file}: a browser shows {', '.join(SHOWN)} only")
    return strip


def write_strip(path: Path, title: str, caption: str, pictures: Sequence[StripImage]) -> None:
    """Write the JSON of a strip whose pictures lie beside it; the inverse of `read_strip`."""
    content = StripFile(schema="bokehbench.strip/1", title=title, caption=caption, images=tuple(pictures))
    write_json(path, content.model_dump(by_alias=True))
