"""A recipe and a clone of its repository, made into a description that keeps to the file contract.

The description, `bokehbench-NAME.yaml`, lies in the clone, and what it starts in `.bokehbench/NAME` there, so
that every path in it is relative: records are the same on every machine.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bokehbench import records, weights
from bokehbench.baselines.external_recipes.recipe import Recipe, WeightsFile, read
from bokehbench.baselines.external_spec import CONTRACT, HERE, clean
from bokehbench.errors import ConfigError, Unavailable
from bokehbench.method_specs import MethodSpec

OURS = ".bokehbench"
SECONDS = 60.0
PROBE = (
    "import sys; from importlib.util import find_spec as found;"
    "print('%d.%d' % sys.version_info[:2], 'numpy' if found('numpy') else '')"
)
"""Prints the version of an interpreter, and whether it has NumPy, which every adapter needs."""
STARTER = '#!/bin/sh\nexec "$(cat "$(dirname "$0")/python.path")" "$@"\n'
"""Starts the interpreter that `python.path` names: what is hashed is the same on every machine."""
SHARED = ("name", "version", "summary", "category", "paper", "paper_name", "licence", "notes", "stochastic")
OF_METHODS = ("openings", "ignores_lens", "only_on", "by_design")


@dataclass(frozen=True)
class Finding:
    """Whether one thing that a recipe needs is here.

    Attributes:
        what: clone, commit, code, environment, or the file of weights.
        here: it is as it should be.
        said: what was found, or what to do.
        needed: nothing can run without it, wherever the user's weights may lie.
    """

    what: str
    here: bool
    said: str
    needed: bool = True


def findings(recipe: Recipe, repository: Path, python: str = "") -> list[Finding]:
    """What is here of all that a recipe needs, in the order in which a user makes it.

    Args:
        recipe: of a repository.
        repository: folder of its clone.
        python: interpreter of its environment; empty for that of `.venv` or `venv` in the clone.
    """
    clone = _clone(recipe, repository)
    if not clone.here:
        return [clone]
    found = [clone, _commit(recipe, repository), *_code(recipe, repository)]
    found.append(_environment(recipe, repository, python))
    return found + [_weights(one, repository) for one in recipe.weights]


def bind(name: str, repository: Path, python: str = "") -> Path:
    """Write the description of a recipe beside a clone, and what it starts; what is there already is kept.

    Returns:
        the description: `--register` takes it.

    Raises:
        ConfigError: no such recipe.
        Unavailable: clone, commit, environment, or weights that have one place, are missing or wrong.
    """
    return bind_recipe(read(name), repository, python)


def bind_recipe(recipe: Recipe, repository: Path, python: str = "") -> Path:
    """As `bind`."""
    repository = repository.expanduser().absolute()
    for finding in findings(recipe, repository, python):
        if finding.needed and not finding.here:
            raise Unavailable(f"{recipe.name}: {finding.what}: {finding.said}")
    ours = repository / OURS / recipe.name
    interpreter = _interpreter(repository, python)
    try:
        ours.mkdir(parents=True, exist_ok=True)
        _write(repository / OURS / ".gitignore", "*\n")
        for path in recipe.adapters:
            _write(ours / path.name, path.read_text(encoding="utf-8"))
        _write(ours / "python.path", f"{interpreter}\n")
        _write(ours / "python", STARTER)
        if not os.access(ours / "python", os.X_OK):  # whoever else uses the clone need not own it
            (ours / "python").chmod(0o755)
        description = repository / f"bokehbench-{recipe.name}.yaml"
        _write(description, yaml.safe_dump(describe(recipe, repository), sort_keys=False, width=110))
    except OSError as error:
        raise Unavailable(
            f"{recipe.name}: {repository} cannot be written to ({error.strerror}): take a clone of your own"
        ) from error
    return description


def assigned(text: str) -> Path:
    """Bind what `--external NAME=DIR[:PYTHON]` says.

    Raises:
        ConfigError: not of this form.
        Unavailable: as `bind`.
    """
    name, equals, place = text.partition("=")
    if not equals or not place:
        raise ConfigError(f"--external {text}: give NAME=DIR or NAME=DIR:PYTHON (bokehbench external list)")
    if Path(place).expanduser().is_dir() or ":" not in place:
        return bind(name, Path(place))
    folder, _, python = place.rpartition(":")
    return bind(name, Path(folder), python)


def describe(recipe: Recipe, repository: Path) -> dict[str, Any]:
    """The content of a description (docs/extending.md) for a clone."""
    spec, call, inside = recipe.spec, recipe.call, f"{OURS}/{recipe.name}"
    fields = (*SHARED, *(OF_METHODS if isinstance(spec, MethodSpec) else ()))
    said = {name: getattr(spec, name) for name in fields}
    start = f"{HERE}/{inside}"
    helpers = [f"{inside}/{path.name}" for path in recipe.adapters if path.name != call.adapter]
    setting = recipe.environment
    return {
        "schema": CONTRACT,
        "kind": spec.kind,
        **{name: list(value) if isinstance(value, tuple) else value for name, value in said.items()},
        "command": [f"{start}/python", f"{start}/{call.adapter}", "{manifest}", HERE, *call.arguments],
        "code": [*helpers, *call.code],
        "image": call.image,
        "disparity": "npy",
        "environment": {
            "description": f"python {setting.python}; {'; '.join(setting.install)}",
            "files": [name for name in setting.files if (repository / name).is_file()],
            "freeze": [f"{start}/python", f"{start}/freeze.py"],
            "variables": {
                **setting.variables,
                "BOKEHBENCH_REPOSITORY": f"{recipe.clone.url}@{recipe.clone.commit}",
            },
        },
        "limits": {"start": call.start, "case": call.case},
        "weights": [
            {"file": one.file, "sha256": _whole(one.sha256), "source": one.source} for one in recipe.weights
        ],
    }


# ---------------------------------------------------------------------------------------- what is here


def _clone(recipe: Recipe, repository: Path) -> Finding:
    if repository.is_dir():
        return Finding("clone", True, str(repository))
    how = clone_commands(recipe, str(repository))
    return Finding("clone", False, f"no folder {repository}: {' && '.join(how)}")


def clone_commands(recipe: Recipe, folder: str) -> Iterator[str]:
    """What makes the clone."""
    if not recipe.clone.url:
        yield f"get the authors' code into {folder} (no public address is known)"
        return
    yield f"git clone {recipe.clone.url} {shlex.quote(folder)}"
    if recipe.clone.commit:
        yield f"git -C {shlex.quote(folder)} checkout {recipe.clone.commit}"


def _commit(recipe: Recipe, repository: Path) -> Finding:
    wanted, git = recipe.clone.commit, ["git", "-C", str(repository)]
    if not wanted:
        return Finding("commit", True, "the recipe is unpinned: any commit, its files are hashed")
    if not (repository / ".git").exists():
        return Finding(
            "commit", False, f"{repository} is no git clone: make it by git clone {recipe.clone.url}"
        )
    works, there = _asked([*git, "rev-parse", "HEAD"])
    if not works:
        return Finding("commit", False, f"git cannot read {repository}: {there}")
    if there != wanted:
        how = f"git -C {shlex.quote(str(repository))} checkout {wanted}"
        return Finding("commit", False, f"{there[:12]} is there: {how}")
    works, names = _asked([*git, "-c", "core.fsmonitor=false", "diff", "--name-only", "HEAD"])
    changed = f", changed here: {', '.join(names.splitlines())}" if works and names else ""
    return Finding("commit", True, wanted + changed)


def _code(recipe: Recipe, repository: Path) -> Iterator[Finding]:
    lacking = [name for name in recipe.call.code if not (repository / name).is_file()]
    if lacking:
        what = recipe.clone.url or recipe.name
        yield Finding("code", False, f"{repository} has no {', '.join(lacking)}: it is not a clone of {what}")


def _environment(recipe: Recipe, repository: Path, python: str) -> Finding:
    wanted = recipe.environment.python
    try:
        interpreter = _interpreter(repository, python)
    except Unavailable as error:
        return Finding("environment", False, str(error))
    works, version = _asked([str(interpreter), "-c", PROBE])
    if not works:
        how = f"make it anew, with python {wanted}"
        return Finding("environment", False, f"{interpreter} does not run ({version}): {how}")
    version, _, numpy = version.partition(" ")
    if not numpy:
        how = f"bokehbench external show {recipe.name}"
        return Finding("environment", False, f"{interpreter} has no numpy: install what is needed ({how})")
    other = "" if version == wanted else f", where the recipe names {wanted}"
    return Finding("environment", True, f"{interpreter}: python {version}{other}")


def _interpreter(repository: Path, python: str) -> Path:
    """The interpreter, links not followed: a virtual environment is known by the place of its link."""
    if python:
        path = shutil.which(os.path.expanduser(python))
        if path is None:
            raise Unavailable(f"no interpreter {python}")
        return Path(path).absolute()
    for name in (".venv", "venv"):
        path = shutil.which(str(repository / name / "bin" / "python"))
        if path:
            return Path(path).absolute()
    raise Unavailable(f"no interpreter: make {repository}/.venv, or give another as DIR:PYTHON")


def _weights(one: WeightsFile, repository: Path) -> Finding:
    wanted = weights.Wanted(one.file, repository, _whole(one.sha256), one.source)
    if one.in_place and not (repository / one.file).is_file():
        said = f"put it to {repository / one.file}, where the code looks for it; from {one.source}"
        return Finding(one.file, False, said)
    status, path = weights.locate(wanted)
    if status != "ok" or path is None:
        return Finding(one.file, False, weights.instruction(wanted, path), needed=False)
    if one.sha256 and not weights.sha256(path).startswith(one.sha256):
        said = f"{path}: its sha256 should begin with {one.sha256}; get it again from {one.source}"
        return Finding(one.file, False, said)
    return Finding(one.file, True, str(path))


def _whole(sha256: str) -> str:
    return sha256 if len(sha256) == 64 else ""


def _asked(command: list[str]) -> tuple[bool, str]:
    """Whether a command works, and what it prints: without that, the last line of its complaint."""
    try:
        done = subprocess.run(
            command, env=clean(), capture_output=True, timeout=SECONDS, text=True, errors="replace"
        )
    except (OSError, subprocess.SubprocessError) as error:
        return False, " ".join(str(error).split())
    if done.returncode == 0:
        return True, done.stdout.strip()
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return False, said[-1] if said else f"exit {done.returncode}"


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        records.write_bytes(path, text.encode())
