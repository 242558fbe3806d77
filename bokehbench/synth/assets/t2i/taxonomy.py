"""What is asked for: the prompt of every index, from the built-in taxonomy or from a user's file.

Categories get their shares by a Weyl sequence (index times the golden ratio), so that any run of
consecutive indices is balanced; within a category subjects come in a shuffled order, each as often as the
others. The prompt of an index depends on the seed and the index alone.
"""

from __future__ import annotations

from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bokehbench.errors import ConfigError, InputError
from bokehbench.records import sha256_json
from bokehbench.rng import stream

BUILTIN = "builtin"
GOLDEN = (5.0**0.5 - 1.0) / 2.0
Words = Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Strict):
    """What a picture of a category may measure; `filters` says how each number is measured.

    Attributes:
        alpha_mean: least and largest mean alpha.
        soft_max: share of all pixels with 0.2 < alpha < 0.8.
        std_min: standard deviation of alpha; a failed decode is grey everywhere.
        ring_max: mean alpha of the outer 4 %.
        border_max: share of a rim that the subject touches.
        bottom: whether it may be cut off at the bottom (portraits, plants).
        threshold: alpha from which a pixel belongs to a component.
        single: least share of the alpha mass in the largest component.
        components_max: most components.
        sharp_min: least sharpness of the inside.
        repair_halo: pull the colour of soft rims from the inside where they are grey; not for glass.
        residual_max: distance that a repaired rim's colour may still have from the inside next to it.
        fill_holes: fill specks of less than 16 pixels inside opaque areas.
    """

    alpha_mean: tuple[Share, Share] = (0.03, 0.85)
    soft_max: Share = 0.4
    std_min: Annotated[float, Field(ge=0.0, le=0.5)] = 0.2
    ring_max: Share = 0.02
    border_max: Share = 0.02
    bottom: bool = False
    threshold: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    single: Share = 0.85
    components_max: Annotated[int, Field(ge=1)] = 1_000_000
    sharp_min: Annotated[float, Field(ge=0.0)] = 4.0
    repair_halo: bool = True
    residual_max: Share = 0.25
    fill_holes: bool = True


class Category(_Strict):
    """One group of subjects: every combination of adjective, subject and state may come."""

    category: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    share: Annotated[float, Field(gt=0.0)] = 1.0
    subjects: Words
    adjectives: Words = Field(default=["a"])
    states: Words = Field(default=["full of detail"])
    limits: Limits = Limits()


class Axes(_Strict):
    """What all prompts share."""

    template: str
    negative: str
    shots: Words
    lights: Words


class Prompt(_Strict):
    """What is generated for one index."""

    text: str
    negative: str
    category: str
    subject: str


class Taxonomy(_Strict):
    """Axes and categories; cheap to hash."""

    axes: Axes
    categories: Annotated[list[Category], Field(min_length=1)]

    @cached_property
    def sha256(self) -> str:
        """Digest of every word and limit."""
        return sha256_json(self.model_dump(mode="json"))

    def limits(self, category: str) -> Limits:
        """The limits of a category."""
        return next(group.limits for group in self.categories if group.category == category)

    def combinations(self) -> int:
        """How many different subjects with adjective and state there are."""
        return sum(len(c.subjects) * len(c.adjectives) * len(c.states) for c in self.categories)

    def prompt(self, seed: int, index: int) -> Prompt:
        """The prompt of an index >= 0."""
        chosen = self._categories(seed, index + 1)
        group = self.categories[int(chosen[index])]
        visit = int((chosen[:index] == chosen[index]).sum())
        lap, place = divmod(visit, len(group.subjects))
        order = stream(seed, lap, f"t2i/subjects/{group.category}").permutation(len(group.subjects))
        subject = group.subjects[int(order[place])]
        rng = stream(seed, index, "t2i/prompt")

        def one(words: list[str]) -> str:
            return words[int(rng.integers(len(words)))]

        text = self.axes.template.format(
            shot=one(self.axes.shots),
            adjective=one(group.adjectives),
            subject=subject,
            state=one(group.states),
            light=one(self.axes.lights),
        )
        return Prompt(text=text, negative=self.axes.negative, category=group.category, subject=subject)

    def _categories(self, seed: int, count: int) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Category of indices 0 ... count - 1."""
        start = stream(seed, 0, "t2i/categories").random()
        bounds = np.cumsum([group.share for group in self.categories])
        at = np.mod(start + GOLDEN * np.arange(count), 1.0) * bounds[-1]
        return np.minimum(np.searchsorted(bounds, at, side="right"), len(bounds) - 1)


def load_taxonomy(source: str) -> Taxonomy:
    """`builtin`, a text file with one prompt a line, or a YAML file of categories.

    A line of a text file is used word for word, with the built-in negative prompt. A YAML file holds a list
    of categories (fields of `Category`), or a mapping with `categories` and, where they should differ,
    `axes`.

    Raises:
        InputError: no such file, not readable, or without a prompt.
        ConfigError: an unknown or missing field.
    """
    if source == BUILTIN:
        return _builtin()
    path = Path(source)
    try:
        text = path.read_text()
    except FileNotFoundError as error:
        raise InputError(f"--prompts {path}: no such file (or write --prompts {BUILTIN})") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--prompts {path}: not readable as text ({error})") from error
    if path.suffix.lower() in (".yaml", ".yml"):
        return _from_yaml(path, text)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise InputError(f"--prompts {path}: has no prompt; write one a line")
    axes = _builtin().axes.model_copy(update={"template": "{subject}"})
    return Taxonomy(axes=axes, categories=[Category(category="own", subjects=lines)])


def _from_yaml(path: Path, text: str) -> Taxonomy:
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"--prompts {path}: not readable as YAML ({error})") from error
    if isinstance(values, list):
        values = {"categories": values}
    if isinstance(values, dict):
        values = {"axes": _builtin().axes.model_dump(), **values}
    try:
        made = Taxonomy.model_validate(values)
        made.prompt(0, 0)  # a template may ask for a word that there is not
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "file"
        raise ConfigError(f"--prompts {path}: {field}: {first['msg']}") from error
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"--prompts {path}: axes.template: only {{shot}} {{adjective}} {{subject}} {{state}} {{light}} "
            f"are filled in ({error})"
        ) from error
    names = [group.category for group in made.categories]
    if len(set(names)) != len(names):
        raise ConfigError(f"--prompts {path}: a category stands there twice")
    return made


def _builtin() -> Taxonomy:
    folder = resources.files("bokehbench.synth.assets.t2i") / "prompts"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda f: f.name)
    values = {file.name: yaml.safe_load(file.read_text()) for file in files}
    return Taxonomy(axes=values.pop("axes.yaml"), categories=list(values.values()))
