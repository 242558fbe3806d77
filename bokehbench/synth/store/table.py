"""Tables of samples: one flat row each, as JSON lines for `datasets` and as parquet for everything else.

Columns `{name}_file_name` (or `_file_names`, a list) become images in the imagefolder loader of `datasets`;
`{name}_path` and `{name}_paths` are files that it does not decode (EXR). What belongs to a lens is a number
for sets with one bokeh image a sample, and a list for stacks.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bokehbench.errors import Unavailable
from bokehbench.records import atomic_path, write_text

JSONL = "metadata.jsonl"
PARQUET = "samples.parquet"
"""Not metadata.parquet: `datasets` refuses a folder with metadata in two formats."""
_NUMBERED = re.compile(r"(.+)_(k?)[0-9]+")


def row(meta: dict[str, Any], *, files: bool = True) -> dict[str, Any]:
    """One sample as flat values; columns are the same for every sample of a set but for missing pictures."""
    renders = meta["renders"]
    lens = {name: [render[name] for render in renders] for name in ("K", "disp_focus", "gamma", "radius_max")}
    lens["focus_rule"] = [render.get("focus_rule") for render in renders]
    lens["aperture"] = [json.dumps(render["aperture"], sort_keys=True) for render in renders]
    columns = {
        "key": meta["key"],
        "index": meta["index"],
        "attempt": meta["attempt"],
        "recipe": meta["recipe"],
        "width": meta["out_size"][0],
        "height": meta["out_size"][1],
        "layers": len(meta["layers"]),
        "disparity_gap": disparity_gap(meta),
        "highlight": meta["highlight"]["mode"],
        "sources": [layer["source"] for layer in meta["layers"]],
        "categories": [layer["category"] for layer in meta["layers"]],
    }
    columns |= {name: values[0] if len(renders) == 1 else values for name, values in lens.items()}
    if files:
        columns |= _files(meta, len(renders) == 1)
    return columns


def disparity_gap(meta: dict[str, Any]) -> float | None:
    """Least step between neighbouring layers, middle to middle; None where there is only one."""
    middles = [sum(layer["disparity_range"]) / 2.0 for layer in meta["layers"]]
    return min((near - far for near, far in itertools.pairwise(middles)), default=None)


def _files(meta: dict[str, Any], one_lens: bool) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name, picture in meta["pictures"].items():
        file = picture["file"]
        suffix = "path" if file.endswith(".exr") else "file_name"
        numbered = _NUMBERED.fullmatch(name)
        if numbered is None or (numbered[2] and one_lens):
            columns[f"{numbered[1] if numbered else name}_{suffix}"] = file
        else:
            columns.setdefault(f"{numbered[1]}_{suffix}s", []).append(file)
    return columns


def write_jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """One line a sample."""
    write_text(path, "".join(json.dumps(values, sort_keys=True) + "\n" for values in rows))


def pyarrow() -> Any:
    """The package, or Unavailable with what is the matter with it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise Unavailable(f"tables in parquet need a working pyarrow ({reason})") from error
    return pyarrow


def write_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> bool:
    """Write a table, columns in sorted order; False where pyarrow does not work.

    A table says nothing that the samples' JSON does not: a build does without rather than fail.
    """
    try:
        arrow = pyarrow()
    except Unavailable:
        return False
    names = sorted({name for values in rows for name in values})
    columns = {name: [values.get(name) for values in rows] for name in names}
    with atomic_path(path) as part:
        arrow.parquet.write_table(arrow.table(columns), part)
    return True
