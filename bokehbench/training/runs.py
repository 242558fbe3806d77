"""The folder of a run: what it belongs to is written first, and nothing else may go on in it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bokehbench.errors import InputError
from bokehbench.records import STALE_SECONDS, code_version, read_json, remove_parts, write_json
from bokehbench.synth.store import claims

FILE = "run.json"
CLAIM = "claim"
"""There while a process trains in the folder."""
SCHEMA = "bokehbench.training/1"


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Keep every other training out of the folder while the block lasts; what a dead one left hinders none.

    Raises:
        InputError: a training goes on there.
    """
    path, done = root / CLAIM, threading.Event()
    with claims.claim(path) as mine:
        if not mine:
            raise InputError(
                f"{root}: another training goes on there ({_owner(path)}); wait until it has ended, or name "
                "a new folder with --out"
            )
        threading.Thread(target=_keep_fresh, args=(path, done), daemon=True).start()
        try:
            yield
        finally:
            done.set()


def _keep_fresh(path: Path, done: threading.Event) -> None:
    """To other machines, a claim that is not written to counts as that of a dead process."""
    while not done.wait(STALE_SECONDS / 6.0):
        with suppress(FileNotFoundError):
            os.utime(path)


def _owner(path: Path) -> str:
    with suppress(InputError, KeyError, TypeError):
        owner = read_json(path)
        return f"process {owner['pid']} of machine {owner['machine']}"
    return "a process that has just begun"


def enter(root: Path, identity: dict[str, Any], free: tuple[tuple[str, ...], ...] = ()) -> None:
    """Make the folder of a run, or make sure that the one there is of the same run.

    Args:
        root: the folder.
        identity: what makes the run, plain values.
        free: fields of it, as paths of names, that may change.

    Raises:
        InputError: the folder holds another run, or something else; names the first difference.
    """
    path = root / FILE
    if path.is_file():
        there = read_json(path)
        if not isinstance(there, dict) or there.get("schema") != SCHEMA:
            raise InputError(f"{path}: not the record of a training run ({SCHEMA})")
        known = json.loads(json.dumps(identity))
        difference = _difference(there.get("identity"), known, set(free))
        if difference and any(_of_others(root, FILE)):  # else nothing is trained yet
            raise InputError(
                f"{root}: is another run ({difference}); name a new folder with --out, or repeat its command "
                "to go on"
            )
        code = there["code"]
    elif root.is_dir() and any(_of_others(root)):
        raise InputError(f"{root}: is not empty and holds no training run; name a new folder with --out")
    else:
        code = []
    root.mkdir(parents=True, exist_ok=True)
    remove_parts(root)
    now = code_version()
    code = code if now in code else [*code, now]
    write_json(path, {"schema": SCHEMA, "identity": identity, "code": code})


def _of_others(root: Path, *ours: str) -> Iterator[Path]:
    """What lies in the folder beside files of ours, and what is left of them."""
    return (part for part in root.iterdir() if part.name not in (CLAIM, *ours) and ".part-" not in part.name)


def _difference(old: Any, new: Any, free: set[tuple[str, ...]], at: tuple[str, ...] = ()) -> str:
    """The first field that differs, and both values; empty where none does."""
    if at in free or old == new:
        return ""
    if isinstance(old, dict) and isinstance(new, dict):
        found = (
            _difference(old.get(name), new.get(name), free, (*at, name)) for name in sorted({*old, *new})
        )
        return next(filter(None, found), "")
    return f"{'.'.join(at)}: {_short(old)}, now {_short(new)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
