"""What `run --renew` replaces: results that lie in other folders than those that take their place.

An external method's environment and code, and a protocol's version, are part of a path: what is made anew
lies beside the old. Once a case is there anew, its old result is deleted, and an emptied folder with it.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import replace

from bokehbench.benchmarks.protocols import base_id
from bokehbench.leaderboard.find_k import curve_file
from bokehbench.leaderboard.results import CASES, SEED, Protocol, Result
from bokehbench.leaderboard.unit import stored
from bokehbench.registry import MethodSpec


def remove_replaced(result: Result, spec: MethodSpec) -> None:
    """Delete the results whose place a complete one has taken."""
    for old in _replaced(result, spec):
        # The record first: without it, nothing else counts.
        files = (old.record, old.prediction, old.scores, old.breakdown, old.timing, curve_file(old))
        for file in files:
            file.unlink(missing_ok=True)
        if not any(path.name.count(".") == 1 for path in old.folder.glob("*.json")):
            shutil.rmtree(old.folder)
            with contextlib.suppress(OSError):  # another set of weights lies there
                old.folder.parent.rmdir()
        if old.at != result.at and not any(old.at.folder.glob("[!_]*/*/*.json")):
            shutil.rmtree(old.at.folder)


def _replaced(result: Result, spec: MethodSpec) -> Iterator[Result]:
    external = bool(spec.made_with())
    for at in (result.at, *_older(result.at)):
        for folder in sorted((at.folder / result.method).glob("*")):
            old = replace(result, at=at, weights=folder.name.partition(SEED)[0])
            if old.folder != folder or old == result or not old.record.exists():
                continue
            # Other weights of a method of ours are another row, not an older one.
            same_row = old.weights == result.weights
            if same_row or external or "external" in stored(old.record):
                yield old


def _older(at: Protocol) -> list[Protocol]:
    """The same protocol and track in other versions of the protocol."""
    name, track = base_id(at.protocol).partition("@")[0], at.protocol.partition("+")[2]
    found = (replace(at, protocol=path.parent.name) for path in (at.root / at.benchmark).glob(f"*/{CASES}"))
    return sorted(
        other
        for other in found
        if other != at
        and base_id(other.protocol).partition("@")[0] == name
        and other.protocol.partition("+")[2] == track
    )
