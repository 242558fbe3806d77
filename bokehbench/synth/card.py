"""The card of a set: README.md as the Hugging Face hub reads it, and a person too."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

BAR = 24
"""Characters of the longest bar."""
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card(record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], licences: Counter[str]) -> str:
    """Markdown of a set.

    Args:
        record: dataset.json.
        rows: one flat row a sample (`store.table.row`).
        licences: layers under each licence.
    """
    parts = [_front(record), _about(record, rows), _numbers(rows), _assets(record, licences), _load(record)]
    return "\n".join(parts)


def _front(record: Mapping[str, Any]) -> str:
    count = record["count"]
    size = next((name for limit, name in SIZES if count < limit), "1M<n<10M")
    lines = [
        "---",
        f'pretty_name: "{record["recipe"]}, seed {record["root_seed"]}"',
        "license: other",
        "license_name: see-assets",
        "task_categories: [image-to-image, depth-estimation]",
        "tags: [bokeh, depth-of-field, lens-blur, synthetic]",
        f"size_categories: ['{size}']",
    ]
    if record["store"] == "wds":
        lines += ["configs:", "- config_name: default", "  data_files:"]
        lines += ["  - split: train", '    path: "train-*.tar"']
    return "\n".join([*lines, "---", ""])


def _about(record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    failed = len(record["failed"])
    size = " x ".join(map(str, record["config"]["size"]))
    profile = record["profile"]
    store = (
        "one file a picture" if record["store"] == "folder" else f"shards of {record['shard_size']} samples"
    )
    lines = [
        f"# {record['recipe']}: {record['count']} ray-traced samples of {size}",
        "",
        "Layers over a background, photographed through a lens by exact ray tracing in linear light; every",
        "picture follows from the JSON of its sample.",
        "",
        "![contact sheet](contact_sheet.png)",
        "",
        "| | |",
        "|---|---|",
        f"| samples | {record['count']}" + (f", {failed} indices given up" if failed else "") + " |",
        f"| recipe | {record['recipe']}, every value in `dataset.json` |",
        f"| recipe's hash | `{record['config_hash']}` |",
        f"| assets' hash | `{record['assets_hash']}` |",
        f"| set's hash | `{record['content_hash']}` |",
        f"| root seed | {record['root_seed']} |",
        f"| pictures | {', '.join(record['truth'])} |",
        f"| store | {store}, profile `{profile['name']}` (photographs {profile['photographs']}, "
        f"disparity {profile['disparity']}) |",
        f"| made by | {', '.join(_code(code) for code in record['code'])} |",
    ]
    return "\n".join([*lines, ""])


def _code(code: Mapping[str, Any]) -> str:
    commit = f" at `{code['commit'][:12]}`" if code.get("commit") else ""
    return f"bokehbench {code['version']}{commit}{' with changes' if code.get('dirty') else ''}"


def _numbers(rows: Sequence[Mapping[str, Any]]) -> str:
    parts = [
        "## Distributions\n",
        _histogram("Largest blur radius in the frame, pixels", _flat(rows, "radius_max")),
        _histogram("K, pixels per unit of disparity", _flat(rows, "K")),
        _histogram("Focused disparity", _flat(rows, "disp_focus")),
        _histogram("Least disparity gap between neighbouring layers", _flat(rows, "disparity_gap")),
        _counts("Focus rule", _flat(rows, "focus_rule")),
        _counts("Aperture", [aperture_name(json.loads(text)) for text in _flat(rows, "aperture")]),
        _counts("Highlights", _flat(rows, "highlight")),
        _counts("Layers", _flat(rows, "layers")),
        _counts("Category of the layers", _flat(rows, "categories")),
    ]
    return "\n".join(part for part in parts if part)


def _flat(rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    found: list[Any] = []
    for row in rows:
        value = row.get(name)
        found += value if isinstance(value, list) else [value]
    return [value for value in found if value is not None]


def aperture_name(aperture: Mapping[str, Any]) -> str:
    """A word or two for an opening (fields of `optics.Aperture`)."""
    shape = aperture.get("shape")
    if isinstance(shape, str) and shape:
        name = shape
    elif shape:
        name = "picture"
    elif aperture.get("blades"):
        name = f"{aperture['blades']} blades"
    else:
        name = "donut" if aperture.get("inner") else "disc"
    name += ", bright rim" if aperture.get("rim") else ""
    return name + (", cat-eye" if aperture.get("cat_eye") else "")


def _histogram(title: str, values: Sequence[float]) -> str:
    if not values:
        return ""
    counts, edges = np.histogram(np.asarray(values, np.float64), bins=10 if len(set(values)) > 1 else 1)
    middle = float(np.median(values))
    lines = [f"{title} (median {middle:.3g}, {min(values):.3g} to {max(values):.3g}):", "", "```"]
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        lines.append(f"{low:10.3g} to {high:<10.3g} {_bar(count, counts.max())} {count}".rstrip())
    return "\n".join([*lines, "```", ""])


def _counts(title: str, values: Sequence[object]) -> str:
    if not values:
        return ""
    counts = Counter(map(str, values))
    wide = max(map(len, counts))
    lines = [f"{title}:", "", "```"]
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        lines.append(f"{name:<{wide}}  {_bar(count, max(counts.values()))} {count}")
    return "\n".join([*lines, "```", ""])


def _bar(count: int, most: int) -> str:
    return ("█" * max(round(BAR * count / most), 1 if count else 0)).ljust(BAR) if most else " " * BAR


def _assets(record: Mapping[str, Any], licences: Counter[str]) -> str:
    lines = ["## Assets and their licences", "", "| licence | layers |", "|---|---|"]
    lines += [f"| {_cell(licence)} | {count} |" for licence, count in sorted(licences.items())]
    lines += ["", "| source | layers |", "|---|---|"]
    lines += [f"| {_cell(source)} | {count} |" for source, count in record["layers_by_source"].items()]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    """The user's words (names of files, licences) as plain text in a table."""
    escaped = re.sub(r"([\\`*_\[\]|~])", r"\\\1", " ".join(text.split()))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _load(record: Mapping[str, Any]) -> str:
    loaders = ["from bokehbench.synth.store.reader import open_set", "", 'stored = open_set(Path("DIR"))']
    loaders += [
        "key = stored.keys()[0]",
        'image, lens = stored.read(key, "aif"), stored.meta(key)["renders"][0]',
    ]
    if record["store"] == "wds":
        other = ["import webdataset", "", "from bokehbench.synth.store.pictures import decode_member", ""]
        other += ['shards = webdataset.WebDataset("DIR/train-000000.tar", shardshuffle=False)']
        other += [
            "samples = shards.decode(decode_member)  # 16-bit disparity; other decoders clip it to 8 bit"
        ]
        hugging = 'datasets.load_dataset("webdataset", data_files="DIR/train-*.tar", split="train")'
    else:
        other = []
        hugging = 'datasets.load_dataset("imagefolder", data_dir="DIR", split="train")'
    blocks = [["from pathlib import Path", "", *loaders], other, ["import datasets", "", hugging]]
    text = "\n".join("```python\n" + "\n".join(block) + "\n```\n" for block in blocks if block)
    note = (
        "Disparity is near-large in [0, 1]; K is the blur radius in pixels per unit of disparity at this\n"
        "size, so it scales with the image. `bokehbench synth verify DIR` checks every file and makes some\n"
        "samples again.\n"
    )
    return f"## How to load\n\n{note}\n{text}"
