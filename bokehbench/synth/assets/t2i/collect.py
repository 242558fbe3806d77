"""From prompts to a folder of accepted cut-outs: generate, judge, write, go on where it was stopped.

Candidates are numbered; candidate i depends on the settings and i alone, and is accepted if it passes the
filters and resembles no accepted one before it. DIR holds, for an accepted candidate, KEY.png and KEY.json,
for every candidate a line in accepted.jsonl or rejected.jsonl (both made again from the records in
DIR/.t2i), and t2i.json with the settings. DIR is a folder for `--fg`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError
from bokehbench.images import write_png
from bokehbench.jobs import progress
from bokehbench.records import (
    code_version,
    library_versions,
    read_json,
    remove_parts,
    sha256_file,
    write_json,
    write_text,
)
from bokehbench.synth.assets.t2i.filters import SAME, differing_bits, judge
from bokehbench.synth.assets.t2i.taxonomy import Prompt, Taxonomy

if TYPE_CHECKING:
    from bokehbench.synth.assets.t2i.pipeline import Sampling

SCHEMA = "bokehbench.t2i/1"
SETTINGS = "t2i.json"
Generate = Callable[[Sequence[Prompt], int, Sequence[int]], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Attributes:
        taxonomy: prompts and limits.
        seed: root of all random numbers.
        count: accepted pictures wanted.
        most: candidates at most.
        sampling: how pictures are made.
        parts: what sidecars say about the weights.
        licence: of the results, as the user states it; empty quotes what the weights' cards state.
        rejected: folder for the pictures that are rejected, or None.
    """

    taxonomy: Taxonomy
    seed: int
    count: int
    most: int
    sampling: Sampling
    parts: tuple[dict[str, Any], ...]
    licence: str = ""
    rejected: Path | None = None

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError("--seed must be at least 0")
        if self.count < 1 or self.most < self.count:
            raise ConfigError("--count must be at least 1, and --most at least --count")

    def settings(self) -> dict[str, Any]:
        """All that makes a candidate."""
        return {
            "schema": SCHEMA,
            "seed": self.seed,
            "prompts_sha256": self.taxonomy.sha256,
            "sampling": self.sampling.to_json(),
            "weights": list(self.parts),
            "licence": self.stated_licence(),
        }

    def stated_licence(self) -> str:
        """The user's words, or the weights' cards quoted; never more than they say."""
        return self.licence or "; ".join(f"{part['role']}: {part['licence']}" for part in self.parts)


@dataclass(frozen=True)
class Report:
    """What came of it: accepted and rejected candidates, how many were made now, accepted by category."""

    accepted: int
    rejected: int
    made: int
    categories: dict[str, int]


def collect(order: Order, out: Path, generate: Callable[[], Generate]) -> Report:
    """Make candidates until `count` are accepted or `most` were tried; `generate` loads the weights.

    Raises:
        ConfigError: `out` was made with other settings.
    """
    _open(order, out)
    batch = order.sampling.batch
    known = {int(path.stem): read_json(path) for path in sorted((out / ".t2i").glob("*.json"))}
    known = {index: record for index, record in known.items() if _complete(out, record)}
    hashes: list[int] = []
    run: Generate | None = None
    made = accepted = start = 0
    records: list[dict[str, Any]] = []
    with progress(out.name, order.count) as advance:
        while accepted < order.count and start < order.most:
            # Whole batches, also where a part of one is known: no picture depends on an interruption.
            indices = range(start, start + batch)
            todo = [index for index in indices if index not in known]
            if todo:
                run = run or generate()
                prompts = [order.taxonomy.prompt(order.seed, index) for index in indices]
                pictures = run(prompts, order.seed, indices)
            for offset, index in enumerate(indices):
                if accepted == order.count or index == order.most:
                    break
                if index not in known:
                    known[index] = _judge(order, out, index, prompts[offset], pictures[offset], hashes)
                    made += 1
                record = known[index]
                records.append(record)
                if record["accepted"]:
                    hashes.append(int(record["filters"]["phash"], 16))
                    accepted += 1
                    advance(1)
            start += batch
    _write_lists(out, records)
    by_category = Counter(record["category"] for record in records if record["accepted"])
    return Report(accepted, len(records) - accepted, made, dict(sorted(by_category.items())))


def _open(order: Order, out: Path) -> None:
    """Start or continue a folder; its settings must be the same."""
    settings = order.settings()
    path = out / SETTINGS
    if not path.exists():
        write_json(path, {"settings": settings, "code": code_version(), "libraries": _libraries()})
        return
    remove_parts(out)
    before = read_json(path).get("settings", {})
    different = sorted(key for key in settings if before.get(key) != settings[key])
    if different:
        raise ConfigError(f"{out}: was made with another {' and '.join(different)}; take another --out")


def _libraries() -> dict[str, str]:
    return library_versions("torch", "diffusers", "transformers", "peft", "safetensors")


def _complete(out: Path, record: dict[str, Any]) -> bool:
    """Whether the picture of a record is there as it was written."""
    if not record["accepted"]:
        return True
    path = out / record["file"]
    return path.is_file() and sha256_file(path) == record["sha256"]


def _judge(
    order: Order,
    out: Path,
    index: int,
    prompt: Prompt,
    picture: npt.NDArray[np.float32],
    hashes: Sequence[int],
) -> dict[str, Any]:
    """Judge a candidate, write what is kept of it; its record is written last."""
    verdict = judge(picture, order.taxonomy.limits(prompt.category))
    reasons = list(verdict.reasons)
    own = int(str(verdict.numbers["phash"]), 16)
    if any(differing_bits(own, other) <= SAME for other in hashes):
        reasons.append("a duplicate: its perceptual hash is that of an accepted picture")
    key = f"{index:06d}"
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "index": index,
        "category": prompt.category,
        "subject": prompt.subject,
        "prompt": prompt.text,
        "negative": prompt.negative,
        "seed": order.seed,
        "sampling": order.sampling.to_json(),
        "weights": list(order.parts),
        "filters": verdict.numbers,
        "accepted": not reasons,
        "reasons": reasons,
        "licence": order.stated_licence(),
    }
    if not reasons:
        record["file"] = f"{key}.png"
        write_png(out / record["file"], verdict.picture)
        record["sha256"] = sha256_file(out / record["file"])
        write_json(out / f"{key}.json", record)
    elif order.rejected is not None:
        write_png(order.rejected / f"{key}.png", picture)
    write_json(out / ".t2i" / f"{key}.json", record)
    return record


def _write_lists(out: Path, records: Sequence[dict[str, Any]]) -> None:
    """accepted.jsonl and rejected.jsonl: index, prompt, every number, and why."""
    names = ("index", "category", "subject", "prompt", "filters", "reasons", "file")
    for file, wanted in (("accepted.jsonl", True), ("rejected.jsonl", False)):
        chosen = [record for record in records if record["accepted"] == wanted]
        lines = [json.dumps({n: r[n] for n in names if n in r}, sort_keys=True) for r in chosen]
        write_text(out / file, "".join(f"{line}\n" for line in lines))
