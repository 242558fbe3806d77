"""A method or restorer in an environment of its own, described by a TOML or YAML file (docs/extending.md)."""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bokehbench import weights
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.records import sha256_bytes, sha256_json
from bokehbench.registry import MethodSpec, RestorerSpec, StageSpec

CONTRACT = "bokehbench.external/1"
"""Schema of the description and of the manifest; changes whenever a program would have to."""
FREEZE_SECONDS = 120.0
HERE = "{here}"

Seconds = Annotated[float, Field(gt=0.0, le=30 * 86400.0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Strict(BaseModel):
    """Unknown keys are refused: a typo must not be a default."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Environment(Strict):
    """What the program runs in, and how that is known.

    Attributes:
        description: for people: interpreter, frameworks, how to make it. A comment: it is in no hash.
        files: that fix it (a lock file, a Dockerfile), relative to the description.
        freeze: command that prints what is installed; its output is part of the hash.
        sha256: of all this; where it is given, any other environment is refused.
        variables: set for the program, on top of the caller's.
    """

    description: str = ""
    files: tuple[str, ...] = ()
    freeze: tuple[str, ...] = ()
    sha256: Sha256 | None = None
    variables: Mapping[str, str] = Field(default_factory=dict)


class Limits(Strict):
    """Seconds.

    Attributes:
        start: before the first picture, on top of `case`: loading, compiling.
        case: between two pictures.
        total: for all processes of one benchmark (or chunk) together.
    """

    start: Seconds = 600.0
    case: Seconds = 600.0
    total: Seconds = 86400.0


class Weights(Strict):
    """A file of weights; looked for beside the description and in the folders of weights.

    `sha256` is empty where its publisher names none: any file of the name is taken, and hashed into results.
    """

    file: str
    sha256: Sha256 | Literal[""]
    source: str = ""


class Description(Strict):
    """The file's fields; those of `MethodSpec` mean the same.

    Attributes:
        schema_: the contract that the program keeps to, `bokehbench.external/1`.
        kind: method, or restorer for what enlarges low-quality pictures before a method.
        command: program and arguments; `{here}` is the description's folder, `{manifest}` and `{out}` the
            paths that the program is given.
        folder: working folder, relative to the description.
        code: files that make the numbers, besides those that the command names.
        image: png8, png16 (both clip at 1), exr (linear light, float) or npy (encoded, float).
        disparity: npy or exr (float), or png16.
        chunk: cases a process; 0 is all of a benchmark.
        restarts: a process that hung or died is followed by one without the case it was at, as long as no
            more than this many in a row died before without a picture.
        stochastic: the picture depends on the case's seed, and on no other random number.
        card: JSON with what it was trained on, relative to the description.
    """

    schema_: Literal["bokehbench.external/1"] = Field(alias="schema")
    kind: Literal["method", "restorer"] = "method"
    name: str
    version: Annotated[int, Field(ge=0)] = 1
    summary: str
    category: Literal["floor", "classical", "neural", "ours"] = "neural"
    paper: str = ""
    paper_name: str = ""
    licence: str
    notes: str = ""
    openings: Literal["", "disc", "outline", "any"] = ""
    ignores_lens: bool = False
    only_on: tuple[str, ...] = ()
    by_design: tuple[str, ...] = ()
    command: Annotated[tuple[str, ...], Field(min_length=1)]
    folder: str = "."
    code: tuple[str, ...] = ()
    image: Literal["png8", "png16", "exr", "npy"] = "png16"
    disparity: Literal["npy", "exr", "png16"] = "npy"
    chunk: Annotated[int, Field(ge=0)] = 0
    restarts: Annotated[int, Field(ge=0, le=100)] = 2
    stochastic: bool = False
    card: str = ""
    environment: Environment
    limits: Limits = Limits()
    weights: tuple[Weights, ...] = ()


@dataclasses.dataclass(frozen=True)
class ExternalStage(StageSpec):
    """What runs in processes of its own.

    Attributes:
        file: the description; paths in it are relative to its folder.
        description: its content, plain values.
    """

    file: str = ""
    description: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def here(self) -> Path:
        """Folder of the description."""
        return Path(self.file).parent

    @functools.cached_property
    def external(self) -> Description:
        """The description, typed."""
        return Description.model_validate(self.description)

    def create(self, **more: Any) -> Any:
        """A `bokehbench.baselines.external.External`, which heeds a factor of K itself; no options."""
        return self.load()(self, **more)

    def parameters(self) -> list[str]:
        """None: what can be chosen stands in the description."""
        return []

    def weights_wanted(self) -> list[weights.Wanted]:
        """The files of its weights, which lie beside the description if they come with it."""
        return [weights.Wanted(one.file, self.here, one.sha256, one.source) for one in self.external.weights]

    def locate(self) -> dict[str, Path]:
        """Weight file name -> file; Unavailable where one is missing or is another one."""
        return {wanted.file: weights.require(wanted) for wanted in self.weights_wanted()}

    def weights_sha256(self) -> dict[str, str]:
        """Weight file name -> sha256; Unavailable where one is missing or is another one."""
        return {name: weights.sha256(path) for name, path in self.locate().items()}

    def made_with(self) -> dict[str, Any]:
        """Contract, command, environment and code, for records and for the path of results.

        Raises:
            Unavailable: the program or its environment is not here, or is another one than described.
        """
        about = self.external
        if shutil.which(self.program[0], path=os.environ.get("PATH")) is None:
            raise Unavailable(
                f"{self.name}: no program {about.command[0]} "
                f"({about.environment.description or f'described in {Path(self.file).name}'})"
            )
        return {
            "contract": CONTRACT,
            "command": list(about.command),
            "image": about.image,
            "disparity": about.disparity,
            "environment": self._environment(),
            "code": {name: self._hash(name) for name in self._code()},
        }

    @property
    def program(self) -> list[str]:
        """The command without `{here}`; a program with a slash is relative to the working folder."""
        words = [word.replace(HERE, str(self.here)) for word in self.external.command]
        if "/" in words[0]:
            words[0] = str(self.working_folder / words[0])
        return words

    @property
    def working_folder(self) -> Path:
        """Where the program runs."""
        return (self.here / self.external.folder).resolve()

    def _code(self) -> list[str]:
        """Files that make the numbers, relative to the description: those named, those of the command."""
        named = self._named_files(self.external.command)
        inside = (path for path in named if path.is_relative_to(self.here))
        return sorted({*self.external.code, *(path.relative_to(self.here).as_posix() for path in inside)})

    def _named_files(self, words: Sequence[str]) -> list[Path]:
        """Files that words of the command name, links followed."""
        paths = [(self.working_folder / word.replace(HERE, str(self.here))).resolve() for word in words]
        return [path for path in paths if path.is_file()]

    def unhashed(self) -> list[str]:
        """What makes the numbers and is in no hash, a line each: nobody notices when it changes."""
        about, lines = self.external, []
        arguments = self._named_files(about.command[1:])
        outside = [path for path in arguments if not path.is_relative_to(self.here)]
        lines += [f"{path} is not hashed: it lies outside of the description's folder" for path in outside]
        runs = next((flag for flag in ("-m", "-c") if flag in about.command[1:]), "")
        if not about.code and (runs or not self._code()):
            what = " ".join(about.command[: about.command.index(runs) + 2] if runs else about.command)
            lines.append(f"the code that `{what}` runs is not hashed: name its files under `code`")
        if not (about.environment.files or about.environment.freeze):
            lines.append("its environment is not hashed: name files that fix it, or a `freeze` command")
        return lines

    def _hash(self, name: str) -> str:
        path = self.here / name
        if not path.is_file():
            raise Unavailable(f"{self.name}: no file {name} beside {Path(self.file).name}, which names it")
        return weights.sha256(path)

    def _environment(self) -> str:
        about = self.external.environment
        content = {
            "files": {name: self._hash(name) for name in sorted(about.files)},
            "freeze": _frozen(tuple(self._freeze()), self.working_folder) if about.freeze else "",
            "variables": dict(about.variables),
        }
        digest = sha256_json(content)
        if about.sha256 not in (None, digest):
            raise Unavailable(
                f"{self.name}: its environment is not the one described: {digest} is here, "
                f"{about.sha256} is wanted ({about.description or Path(self.file).name})"
            )
        return digest

    def _freeze(self) -> Sequence[str]:
        words = [word.replace(HERE, str(self.here)) for word in self.external.environment.freeze]
        return [str(self.working_folder / words[0]) if "/" in words[0] else words[0], *words[1:]]


@dataclasses.dataclass(frozen=True)
class ExternalMethodSpec(ExternalStage, MethodSpec):
    """A method that runs in processes of its own."""


@dataclasses.dataclass(frozen=True)
class ExternalRestorerSpec(ExternalStage, RestorerSpec):
    """A restorer that runs in processes of its own."""


@functools.cache
def _frozen(command: tuple[str, ...], folder: Path) -> str:
    """sha256 of what a command prints; asked once a process."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=clean(), capture_output=True, timeout=FREEZE_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = " ".join(str(error).split())
        raise Unavailable(f"environment.freeze does not work here ({said}); make the environment") from error
    return sha256_bytes(done.stdout)


def clean() -> dict[str, str]:
    """This process's variables without those that would lead another Python, or git, into what is ours."""
    python = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__")
    git = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
    return {name: value for name, value in os.environ.items() if name not in (*python, *git)}


def read(path: Path) -> ExternalMethodSpec | ExternalRestorerSpec:
    """The method or restorer that a file describes.

    Raises:
        InputError: no such file, or not TOML or YAML.
        ConfigError: a field that is unknown, missing or out of range; the first is named.
    """
    content = _content(path)
    try:
        about = Description.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ConfigError(f"--register {path}: {where}: {first['msg']}{more}") from error
    kind = ExternalMethodSpec if about.kind == "method" else ExternalRestorerSpec
    same = {field.name for field in dataclasses.fields(kind)} & Description.model_fields.keys()
    shared = {name: getattr(about, name) for name in same - {"weights", "card"}}
    return kind(
        **shared,
        implementation="bokehbench.baselines.external:External",
        weights=tuple(weight.file for weight in about.weights),
        card=str(path.resolve().parent / about.card) if about.card else "",
        file=str(path.resolve()),
        description=about.model_dump(mode="json", by_alias=True),
    )


def _content(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            return tomllib.loads(text)
        import yaml

        return yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--register {path}: not readable ({error})") from error
    except Exception as error:  # yaml's errors share no base with those of tomllib
        said = " ".join(str(error).split())
        raise InputError(f"--register {path}: not {path.suffix[1:].upper()} ({said})") from error
