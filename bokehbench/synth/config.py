"""A recipe as typed configuration, read from YAML; its sections are in `fields`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from bokehbench.errors import BokehbenchError, ConfigError, InputError
from bokehbench.records import sha256_json
from bokehbench.synth.distributions import Share, Strict
from bokehbench.synth.fields import (
    GAP_LEAST,
    Augment,
    Backgrounds,
    Compat,
    Degrade,
    Foregrounds,
    Frame,
    Highlights,
    Planes,
)
from bokehbench.synth.lens_fields import Focus, Optics, Stack
from bokehbench.synth.truth.corruption import Corruption

Side = Annotated[int, Field(ge=64, le=4096)]


class Recipe(Strict):
    """All that makes a sample, apart from the root seed and the pictures in folders.

    Attributes:
        recipe, version: `name@version` in every record.
        size: (W, H) of the pictures.
        frame: what things are placed in, where that is larger.
        gamma: encoded = linear ** (1 / gamma).
        transfer: "power", or "srgb" for files and pictures encoded by the piecewise curve.
        quality: sampling of the lens.
        attempts: tries per sample before its index is given up.
        pairing: "random", or "product": foreground file i mod N, background file i div N of the folders.
        folder_share: how often an asset comes from a folder where one is given.
        truth: names of bokehbench.synth.truth that are stored.
        stack: several photographs of one scene.
        degrade, corruption: low-quality image, disparity as estimators give it.
        compat: faults of the published samplers.
    """

    recipe: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    version: Annotated[int, Field(ge=1)]
    size: tuple[Side, Side]
    frame: Frame = Frame()
    gamma: Annotated[float, Field(gt=0.0, le=10.0)]
    transfer: Literal["power", "srgb"] = "power"
    quality: Literal["draft", "standard", "high", "final"]
    attempts: Annotated[int, Field(ge=1, le=100)]
    pairing: Literal["random", "product"] = "random"
    folder_share: Share
    truth: tuple[str, ...] = ("aif", "bokeh", "disp", "layers")
    foregrounds: Foregrounds
    backgrounds: Backgrounds
    planes: Planes
    optics: Optics
    focus: Focus
    highlights: Highlights
    augment: Augment = Augment()
    stack: Stack | None = None
    degrade: Degrade | None = None
    corruption: Corruption | None = None
    compat: Compat | None = None

    @field_validator("truth", mode="after")
    @classmethod
    def _names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        from bokehbench.synth.truth import TRUTHS

        unknown = [name for name in value if name not in TRUTHS]
        if unknown or not value:
            raise ValueError(f"unknown {', '.join(unknown) or 'empty list'}; names of {', '.join(TRUTHS)}")
        return value

    @model_validator(mode="after")
    def _room(self) -> Recipe:
        far = self.planes.background_base.bounds[1] + self.planes.background_range.bounds[1]
        most = max(count for count, weight in self.foregrounds.count.items() if weight > 0.0)
        if far + most * self.planes.gap >= 1.0:
            raise ValueError(
                f"planes: a background up to {far:g} and {most} foregrounds with a gap of "
                f"{self.planes.gap:g} do not fit below disparity 1"
            )
        if self.planes.gap < GAP_LEAST and self.compat is None:
            raise ValueError(f"planes.gap must be at least {GAP_LEAST:g}, not {self.planes.gap:g}")
        return self

    @model_validator(mode="after")
    def _agree(self) -> Recipe:
        for name, section in (("lq", "degrade"), ("disp_pred", "corruption")):
            if name in self.truth and getattr(self, section) is None:
                raise ValueError(f"truth: {name} needs the section {section}")
        if self.stack and self.stack.disp_focus and self.highlights.modes.get("bokehme", 0.0) > 0.0:
            raise ValueError("highlights.modes: bokehme depends on the focus, which a stack changes")
        if self.compat and (self.stack or self.transfer != "power" or "layers" in self.truth):
            raise ValueError("compat goes with one photograph, transfer power, and without layers in truth")
        return self

    @property
    def id(self) -> str:
        """`name@version`."""
        return f"{self.recipe}@{self.version}"

    def to_json(self) -> dict[str, Any]:
        """Plain values, inverse of `parse_recipe`."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def hash(self) -> str:
        """Digest of every value."""
        return sha256_json(self.to_json())


def parse_recipe(values: Any, where: str) -> Recipe:
    """Check plain values; ConfigError names the field, unknown fields are refused."""
    try:
        return Recipe.model_validate(values)
    except BokehbenchError as error:
        raise ConfigError(f"{where}: {error}") from error
    except ValidationError as error:
        found = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        first = found[0]
        field = _field(values, first["loc"], first["type"] == "missing") or "recipe"
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        message = " ".join(first["msg"].removeprefix("Value error, ").split())
        if first["type"] == "extra_forbidden":
            message = f"no such field{_hint(values, field)}"
        raise ConfigError(f"{where}: {field}: {message}{more}") from error


def _field(values: Any, place: tuple[int | str, ...], missing: bool) -> str:
    """Where in the YAML an error lies, without the tags that name the branch of a choice."""
    parts = []
    for i, part in enumerate(place):
        inside = isinstance(values, dict) and part in values
        if inside or isinstance(part, int) or (missing and i == len(place) - 1):
            parts.append(str(part))
        if inside:
            values = values[part]
    return ".".join(parts)


def _hint(values: Any, wrong: str) -> str:
    """Fields of a recipe whose own name is like the last part of a wrong one, as a question."""
    fields = [name for name in {*_dotted(values), *Recipe.model_fields} if name != wrong]
    by_name: dict[str, list[str]] = {}
    for field in sorted(fields):
        by_name.setdefault(field.rpartition(".")[2], []).append(field)
    near = difflib.get_close_matches(wrong.rpartition(".")[2], by_name, n=1, cutoff=0.75)
    return f"; did you mean {' or '.join(by_name[near[0]])}?" if near else ""


def _dotted(values: Any, above: str = "") -> Iterator[str]:
    """`section.field` of every field of nested mappings."""
    for name, value in values.items() if isinstance(values, dict) else ():
        yield f"{above}{name}"
        yield from _dotted(value, f"{above}{name}.")


def read_yaml(path: Path) -> Any:
    """Values of a YAML file; InputError where it cannot be read."""
    try:
        return yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not readable as YAML ({error})") from error


def override(values: Any, assignments: tuple[str, ...]) -> Any:
    """Apply `key.path=value` (value in YAML) to nested mappings; ConfigError where that cannot be.

    A field that the file leaves at its default is added; one that does not exist is refused by the schema.
    """
    for text in assignments:
        key, equals, value = text.partition("=")
        parts = key.strip().split(".")
        if not equals:
            raise ConfigError(f"--set {text}: write key.path=value, for example optics.sharp_p=0")
        target = values
        for part in parts[:-1]:
            target = target.setdefault(part, {}) if isinstance(target, dict) else None
        if not isinstance(target, dict):
            raise ConfigError(f"--set {text}: the recipe has no field {key}")
        try:
            target[parts[-1]] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {text}: {value!r} is not YAML") from error
    return values


def load_recipe(
    path: Path, *, size: tuple[int, int] | None = None, assignments: tuple[str, ...] = ()
) -> Recipe:
    """Read a recipe file and apply what the command line changes."""
    values = override(read_yaml(path), assignments)
    if size is not None and isinstance(values, dict):
        values["size"] = list(size)
    return parse_recipe(values, f"{path.name} with --set" if assignments else path.name)


def builtin_path(name: str) -> Path:
    """The YAML file of a recipe that comes with the package."""
    return Path(str(resources.files("bokehbench.synth.recipes") / f"{name}.yaml"))


BUILTIN = ("bokehbench_v1", "bokehme", "mpib_like", "bokehdiff", "bokehdiff_compat", "magicbokeh")
bokehbench_v1, bokehme, mpib_like, bokehdiff, bokehdiff_compat, magicbokeh = (
    partial(builtin_path, name) for name in BUILTIN
)
"""The implementations that the recipes' specs name: each returns the path of its YAML file."""
hair_lights = partial(builtin_path, "hair_lights")
"""A test, not training pairs."""
