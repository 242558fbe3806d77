"""Seconds and peak memory of every method that can run here: `python perf/methods.py [--quick]`.

    python perf/methods.py --json methods.json --md methods.md      # goes on where it was stopped
    python perf/methods.py --quick --method scatter --method vdslr  # 480x270, once

The motorcycle photograph with its measured disparity at 1920x1080, focus on the far wall, K = 10 and 50 at
width 1920 and in proportion. Each figure is of a process of its own, on one thread and on all: wall seconds
(the median of the renderings), CPU seconds of one rendering over all its threads, which other work on the
machine disturbs less, and the peak of memory with, in brackets, what the process held before it rendered. A
small corner is rendered first, so that compiling and loading are not counted. A method whose weights are not
here, or that needs the true layers, is listed with the reason. There is no goal.

What --json has already of the same method, version, weights, machine and settings is not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

SCHEMA = "bokehbench.perf.methods/1"
SIZE, QUICK = "1920x1080", "480x270"
K_AT_1920 = (10.0, 50.0)
CORNER = 64
THREAD_VARIABLES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
KEY = ("method", "weights", "size", "K", "threads", "machine", "repeats")
"""What makes a row another one."""


# ----------------------------------------------------------------------------------- one, in this process


def measure(name: str, size: tuple[int, int], K: float, repeats: int) -> dict[str, Any]:
    """Seconds and memory of one method."""
    import cv2
    import torch

    from bokehbench import photograph
    from bokehbench.cases import Inputs
    from bokehbench.optics import Lens
    from bokehbench.registry import MethodSpec, get

    torch.set_num_threads(int(os.environ[THREAD_VARIABLES[0]]))
    cv2.setNumThreads(int(os.environ[THREAD_VARIABLES[0]]))
    sample = photograph.load_sample("motorcycle")
    image, disparity = (cv2.resize(picture, size) for picture in (sample.image, sample.disparity))
    lens = Lens(K, 0.0)
    renderer = get(MethodSpec, name).create()
    renderer.render(
        Inputs("corner", image[:CORNER, :CORNER].copy(), disparity[:CORNER, :CORNER].copy(), lens)
    )
    cuda = torch.cuda.is_available()
    before, walls, busy = _peak_mb(), [], []
    for _ in range(repeats):
        started, cpu = time.perf_counter(), _cpu_seconds()
        renderer.render(Inputs("motorcycle", image, disparity, lens))
        if cuda:
            torch.cuda.synchronize()
        walls.append(time.perf_counter() - started)
        busy.append(_cpu_seconds() - cpu)
    figures = {
        "seconds": round(statistics.median(walls), 4),
        "cpu_seconds": round(statistics.median(busy), 4),
        "peak_mb": round(_peak_mb(), 1),
        "before_mb": round(before, 1),
    }
    if cuda:
        figures["gpu_peak_mb"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return figures


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _cpu_seconds() -> float:
    """Of all threads and of child processes that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


# -------------------------------------------------------------------------------------- all, one by one


def plan(names: Sequence[str], size: str, counts: Sequence[int], repeats: int) -> Iterator[dict[str, Any]]:
    """Every row that is wanted; those that cannot be measured say why."""
    from bokehbench import weights
    from bokehbench.registry import MethodSpec, get

    width = int(size.partition("x")[0])
    for name in names:
        spec = get(MethodSpec, name)
        row: dict[str, Any] = {"method": spec.id, "name": spec.name, "size": size, "machine": machine()}
        if spec.is_recipe or not spec.is_builtin:
            yield {**row, "not_measured": "not of this package: bokehbench run --profile measures it"}
            continue
        found = [(weights.locate(wanted), wanted) for wanted in spec.weights_wanted()]
        lacking = [weights.instruction(one, path) for (status, path), one in found if status != "ok"]
        if spec.oracle:
            yield {**row, "not_measured": "needs the true layers, which a photograph has not"}
        elif lacking:
            yield {**row, "not_measured": lacking[0]}
        else:
            digest = (
                "+".join(weights.sha256(path)[:8] for (_, path), _ in found if path is not None) or "none"
            )
            for K in K_AT_1920:
                for threads in counts:
                    settings = {"K": K * width / 1920, "threads": threads, "repeats": repeats}
                    yield {**row, "weights": digest, **settings}


def run(row: dict[str, Any], limit: float) -> dict[str, Any]:
    """The row with its figures, or with the reason why there are none."""
    words = [
        "--one",
        row["name"],
        "--size",
        row["size"],
        "--K",
        repr(row["K"]),
        "--repeats",
        str(row["repeats"]),
    ]
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(row["threads"]))
    command = [sys.executable, __file__, *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=environment)
    except subprocess.TimeoutExpired:
        return {**row, "not_measured": f"not done within {limit:g} s"}
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        return {**row, "not_measured": said[-1]}
    return {**row, **json.loads(done.stdout.splitlines()[-1])}


def machine() -> str:
    """What the figures are of."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.processor() or platform.machine()}, {cores()} cores"


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    """Identity of a row."""
    return tuple(row.get(name) for name in KEY)


def known(path: Path | None) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Rows of an earlier run; one that could not be measured is tried again."""
    from bokehbench import records
    from bokehbench.errors import InputError

    if path is None or not path.exists():
        return {}
    content = records.read_json(path)
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise InputError(f"{path}: not written by this script; give --json another name")
    return {key(row): row for row in content["rows"] if "not_measured" not in row}


# --------------------------------------------------------------------------------------------- the table


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown: a line for each method and K, then those without figures."""
    counts = sorted({row["threads"] for row in rows if "seconds" in row})
    heads = ["method", "K px"]
    heads += [head for n in counts for head in (f"s, {_threads(n)}", f"CPU s, {_threads(n)}")] + ["peak MB"]
    lines = [f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(heads) - 1)]
    measured: dict[tuple[str, float], dict[int, dict[str, Any]]] = {}
    for row in rows:
        if "seconds" in row:
            measured.setdefault((row["name"], row["K"]), {})[row["threads"]] = row
    for (name, K), found in measured.items():
        cells = [name, f"{K:g}"]
        for n in counts:
            one = found.get(n)
            cells += [f"{one['seconds']:.3g}", f"{one['cpu_seconds']:.3g}"] if one else ["–", "–"]
        peak = max(found.values(), key=lambda row: row["peak_mb"])
        gpu = f", GPU {peak['gpu_peak_mb']:.0f}" if "gpu_peak_mb" in peak else ""
        lines.append(f"| {' | '.join(cells)} | {peak['peak_mb']:.0f} ({peak['before_mb']:.0f}){gpu} |")
    reasons: dict[str, str] = {}
    for row in rows:
        if "not_measured" in row:
            where = f" (K = {row['K']:g}, {_threads(row['threads'])})" if "K" in row else ""
            reasons.setdefault(row["name"] + where, row["not_measured"])
    return "\n".join([*lines, "", *(f"- {name}: {why}" for name, why in reasons.items())]).rstrip() + "\n"


def _threads(n: int) -> str:
    return "1 thread" if n == 1 else f"{n} threads"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--method", action="append", help="name; all registered ones unless said")
    parser.add_argument("--size", help=f"WIDTHxHEIGHT, {SIZE} unless said")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK}, each rendered once")
    parser.add_argument("--repeats", type=int, default=3, help="renderings whose median is taken")
    parser.add_argument("--limit", type=float, default=1800.0, help="seconds that one process may take")
    parser.add_argument("--json", type=Path, help="figures; what it has already is kept")
    parser.add_argument("--md", type=Path, help="also write the table here")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--K", type=float, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    from bokehbench import records
    from bokehbench.errors import BokehbenchError
    from bokehbench.registry import MethodSpec, names

    chosen = parse()
    size = chosen.size or (QUICK if chosen.quick else SIZE)
    repeats = 1 if chosen.quick else chosen.repeats
    if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", size) or repeats < 1:
        print("error: --size is WIDTHxHEIGHT in pixels, --repeats 1 or more", file=sys.stderr)
        return 2
    try:
        if chosen.one:
            width, height = (int(edge) for edge in size.split("x"))
            print(json.dumps(measure(chosen.one, (width, height), chosen.K, repeats)))
            return 0
        before, rows = known(chosen.json), []
        for wanted in plan(chosen.method or names(MethodSpec), size, sorted({1, cores()}), repeats):
            if key(wanted) in before:
                row = before.pop(key(wanted))
            else:
                row = wanted if "not_measured" in wanted else run(wanted, chosen.limit)
                said = row.get("not_measured") or f"{row['seconds']} s, {row['cpu_seconds']} CPU s"
                print(f"{row['name']} {row.get('K', '')} {row.get('threads', '')}: {said}", file=sys.stderr)
            rows.append(row)
            if chosen.json:  # after each, so that a stopped run loses one figure; other settings' rows stay
                content = {"schema": SCHEMA, "rows": [*rows, *before.values()]}
                records.write_json(chosen.json, content)
    except (BokehbenchError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{machine()}, {size}\n\n{table(rows)}")
    if chosen.md:
        records.write_text(chosen.md, table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
