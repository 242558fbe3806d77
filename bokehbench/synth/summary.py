"""What is said about a set as a whole: dataset.json, tables, failures, card. All are functions of what is
there, not of how it came to be, so several processes may write them in any order."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bokehbench.records import read_json, sha256_json, write_json, write_text
from bokehbench.synth.card import card
from bokehbench.synth.making import FAILED
from bokehbench.synth.store import table
from bokehbench.synth.store.reader import RECORD, open_set

NOT_CONTENT = ("code", "libs")
"""Parts of a sample's JSON that say who made it and not what it is."""


@dataclass
class Facts:
    """What the samples of a set say together.

    Attributes:
        rows: one flat row a sample.
        codes: canonical JSON of the code that made them.
        licences: of assets, by source without its seed.
        sources: how many layers each source made.
        licensed: layers under each licence.
        content: running digest of the samples.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    sources: Counter[str] = field(default_factory=Counter)
    licensed: Counter[str] = field(default_factory=Counter)
    content: Any = field(default_factory=hashlib.sha256)

    def add(self, meta: dict[str, Any], *, files: bool) -> None:
        """Take a sample in; samples come in order of their keys."""
        self.rows.append(table.row(meta, files=files))
        self.codes.add(json.dumps(meta["code"], sort_keys=True))
        for layer in meta["layers"]:
            self.sources[str(layer["source"]).partition("#")[0]] += 1
            self.licensed[layer["licence"]] += 1
        self.content.update(f"{meta['key']} {sample_hash(meta)}\n".encode())


def sample_hash(meta: dict[str, Any]) -> str:
    """Digest of what a sample is: plan, scene, lenses, digests of all pictures; not of who made it."""
    return sha256_json({name: value for name, value in meta.items() if name not in NOT_CONTENT})


def content_hash(metas: Iterable[dict[str, Any]]) -> str:
    """The hash of a set, from the JSON of its samples in order of their keys.

    It is the same however the set was made, and for a folder and a WebDataset store of the same profile.
    """
    facts = hashlib.sha256()
    for meta in metas:
        facts.update(f"{meta['key']} {sample_hash(meta)}\n".encode())
    return facts.hexdigest()


def write_summary(root: Path, identity: dict[str, Any]) -> int:
    """Write every file about the whole; the number of samples."""
    stored = open_set(root)
    folder = identity["store"] == "folder"
    facts = Facts()
    for key in stored.keys():  # noqa: SIM118 (a method of ours, not a mapping)
        facts.add(stored.meta(key), files=folder)
    failures = [read_json(path) for path in sorted((root / FAILED).glob("*.json"))]
    record = {
        **identity,
        "count": len(facts.rows),
        "failed": [failure["index"] for failure in failures],
        "code": [json.loads(text) for text in sorted(facts.codes)],
        "licences": sorted(facts.licensed),
        "layers_by_source": dict(sorted(facts.sources.items())),
        "content_hash": facts.content.hexdigest(),
    }
    if folder:
        table.write_jsonl(root / table.JSONL, facts.rows)
    table.write_parquet(root / table.PARQUET, facts.rows)
    if failures:
        table.write_jsonl(root / "failures.jsonl", failures)
    else:
        (root / "failures.jsonl").unlink(missing_ok=True)
    write_text(root / "README.md", card(record, facts.rows, facts.licensed))
    write_json(root / RECORD, record)
    return len(facts.rows)
