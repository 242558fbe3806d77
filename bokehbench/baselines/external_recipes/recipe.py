"""What a recipe says: where the authors' code is, what it needs and may be used for, how it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bokehbench.errors import ConfigError
from bokehbench.method_specs import MethodSpec, RestorerSpec
from bokehbench.registry import find, names

FOLDER = Path(__file__).parent
ADAPTERS = FOLDER / "adapters"

Seconds = Annotated[float, Field(gt=0.0)]


class Strict(BaseModel):
    """Unknown keys are refused."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Clone(Strict):
    """The repository.

    Attributes:
        url: of the clone; empty where no public one is known.
        commit: full, the one whose interface was read; empty for one that could not be established.
    """

    url: str
    commit: Annotated[str, Field(pattern=r"^([0-9a-f]{40})?$")] = ""


class Setting(Strict):
    """The environment.

    Attributes:
        python: version that the authors name, or that their pins need.
        install: commands in the clone, in the environment.
        files: of the clone that fix it; hashed.
        variables: set for the program.
    """

    python: str
    install: tuple[str, ...]
    files: tuple[str, ...] = ()
    variables: dict[str, str] = Field(default_factory=dict)


class WeightsFile(Strict):
    """A file of weights.

    Attributes:
        file: where it belongs in the clone.
        source: where its authors put it.
        size: in words, where it is known.
        sha256: whole, or how it begins; empty where nobody states it (it is part of every result).
        in_place: the code looks for it there and nowhere else.
    """

    file: str
    source: str
    size: str = ""
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{8,64})?$")] = ""
    in_place: bool = False


class Licence(Strict):
    """Of code and weights; `comparison`: whether a published comparison in research is permitted."""

    code: str
    weights: str
    comparison: Literal["permitted", "permitted, non-commercial", "not stated"]
    note: str = ""


class Call(Strict):
    """How the adapter is started.

    Attributes:
        adapter: file in `adapters/`.
        arguments: after the manifest and the folder of the clone.
        uses: other files in `adapters/` that it imports.
        code: files of the clone that make the numbers; hashed, and looked for.
    """

    adapter: str
    arguments: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    code: Annotated[tuple[str, ...], Field(min_length=1)]
    image: Literal["npy", "png8"] = "npy"
    start: Seconds = 1800.0
    case: Seconds = 900.0


class Recipe(Strict):
    """A recipe; what it shares with other methods (name, paper, summary) stands in its spec.

    Attributes:
        mapping: what our K, focal plane, disparity and sizes become, a quantity a line.
        differs: what is not as in the authors' own calls.
        unverified: what could not be checked and may be wrong.
    """

    name: str
    clone: Clone
    environment: Setting
    weights: tuple[WeightsFile, ...]
    licence: Licence
    call: Call
    mapping: Annotated[dict[str, str], Field(min_length=1)]
    differs: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()

    @property
    def spec(self) -> MethodSpec | RestorerSpec:
        """What it is registered as."""
        spec = find(MethodSpec, self.name) or find(RestorerSpec, self.name)
        assert spec is not None, self.name
        return spec

    @property
    def adapters(self) -> tuple[Path, ...]:
        """The files that run in the foreign environment."""
        files = (self.call.adapter, *self.call.uses, "bench_adapter.py", "freeze.py")
        return tuple(ADAPTERS / name for name in files)


def known() -> list[str]:
    """Names of all recipes: methods, then restorers."""
    every = [*names(MethodSpec), *names(RestorerSpec)]
    return [name for name in every if (FOLDER / f"{name}.yaml").is_file()]


def read(name: str) -> Recipe:
    """The recipe of that name; ConfigError where there is none."""
    path = FOLDER / f"{name}.yaml"
    if name not in known():
        raise ConfigError(f"no recipe {name!r}; there are {', '.join(known())} (bokehbench external list)")
    try:
        return Recipe.model_validate({"name": name, **yaml.safe_load(path.read_text(encoding="utf-8"))})
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
