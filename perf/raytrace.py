"""The layered ray tracer against a direct port of the published method, at equal quality; sizes and memory.

    python perf/raytrace.py [--quick] [--json FILE]

First table: two layers at 768 x 768 with a blur of 24 pixels on either side of the focal plane, wiry strands
before a photograph, natural or with point lights of radiance 50 to 500, fronto-parallel or tilted. Both
methods are measured on the same random pixels against jittered rays (`synth.render.stratified`, twice
128^2 or, with lights, 256^2 a pixel), whose two halves compared are the floor. The cheapest setting of each
that reaches the asked PSNR of the displayed image (clipped, gamma 2.2) is timed on the whole frame (the port
on part of its rows, each of which costs the same), in turns, best of several. The port's PSNR does not rise
steadily with its grid where there are lights; so that no unlucky grid makes it look slow, its time is scaled
down to the grid ("fair") at which a line through log(grid) and PSNR crosses the asked value.

Second table: time, PSNR and peak memory of `standard` by size, layers and radius, and the port where its
whole frame takes less than a minute at that PSNR. Goal: 40 times as fast in every row of the first table.
"""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import published_port
from raytrace_scenes import GAMMA, scene

from bokehbench import rng
from bokehbench.synth.render import render_bokeh
from bokehbench.synth.render.quality import Quality
from bokehbench.synth.render.stratified import trace_pixels

GOAL = 40.0
SCENES = {
    # name: (lights, tilt, asked dB)
    "natural": (False, 0.0, 60.0),
    "natural, tilted": (False, 0.12, 60.0),
    "lights": (True, 0.0, 50.0),
    "lights, tilted": (True, 0.12, 50.0),
}
OURS = [Quality(c, 1) for c in (7.0, 6.0, 5.0, 4.4, 4.0, 3.7, 3.4, 3.0, 2.5, 2.0, 1.5, 1.0)]
PORT = [15, 17, 19, 21, 23, 25, 27, 29, 31, 35, 39, 43, 47, 51, 57, 63, 69, 75, 81, 91, 101, 121]
ROWS = [  # size, layers, radius
    *((size, 2, 24.0) for size in (512, 768, 1024, 2048, 4096)),
    *((768, layers, 24.0) for layers in (4, 8)),
    *((768, 2, radius) for radius in (4.0, 12.0, 50.0, 100.0)),
]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Of the displayed colours."""
    shown = [np.clip(image[..., :3].astype(np.float64), 0.0, 1.0) ** (1.0 / GAMMA) for image in (a, b)]
    return float(-10.0 * np.log10(np.mean((shown[0] - shown[1]) ** 2)))


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def frame(size: int, rows: int) -> np.ndarray:
    """Pixels of `rows` rows in the middle of the image."""
    y = np.arange(rows) + (size - rows) // 2
    return np.stack(np.meshgrid(np.arange(size), y), axis=2).reshape(-1, 2)


def crossing(tried: list[tuple[int, float]], asked: float) -> float:
    """Grid at which a line through log(grid) and PSNR crosses the asked value."""
    if len(tried) < 2:
        return float(tried[-1][0])
    slope, offset = np.polyfit(np.log([n for n, _ in tried]), [db for _, db in tried], 1)
    return float(np.exp((asked - offset) / slope))


def compare(size: int, lights: bool, tilt: float, asked: float, quick: bool) -> dict[str, float]:
    """One row of the first table."""
    layers, lens = scene(size, lights, tilt)
    pixels = 1000 if quick else 4000
    x, y = rng.stream(0, 0, "perf raytrace pixels").integers(0, size, (2, pixels))
    per_axis = (160 if lights else 128) if quick else (256 if lights else 128)
    halves = [trace_pixels(layers, lens, x, y, per_axis=per_axis, seed=seed) for seed in (1, 2)]
    truth = (halves[0] + halves[1]) / 2.0
    whole, packed = (size, size), published_port.pack(layers)
    some = np.stack([x, y], axis=1)
    for quality in OURS:
        ours = psnr(render_bokeh(layers, lens, whole, quality=quality)[y, x], truth)
        if ours >= asked:
            break
    tried = []
    for grid in PORT:
        tried.append((grid, psnr(published_port.render(packed, lens, some, grid), truth)))
        if tried[-1][1] >= asked:
            break
    fair = min(crossing(tried, asked), float(grid))
    guess = seconds(lambda: published_port.render(packed, lens, frame(size, 16), grid)) * size / 16
    rows = min(size, max(16, int(size * (3.0 if quick else 8.0) / guess)))
    turns = [
        (
            min(seconds(lambda: render_bokeh(layers, lens, whole, quality=quality)) for _ in range(5)),
            seconds(lambda: published_port.render(packed, lens, frame(size, rows), grid)) * size / rows,
        )
        for _ in range(2 if quick else 4)
    ]
    ours_s, port_s = (min(column) for column in zip(*turns, strict=True))
    port_s *= (fair / grid) ** 2
    return {
        "floor": psnr(*halves),
        "asked": asked,
        "cell": quality.cell,
        "ours_db": ours,
        "ours_s": ours_s,
        "port_grid": grid,
        "port_db": tried[-1][1],
        "port_fair_grid": fair,
        "port_s": port_s,
        "ratio": port_s / ours_s if min(ours, tried[-1][1]) >= asked else 0.0,
    }


def measure(row: tuple[int, int, float]) -> dict[str, float]:
    """One row of the second table, in a process of its own: its peak memory is that of this row."""
    size, count, radius = row
    layers, lens = scene(size, False, 0.0, radius=radius, count=count)
    x, y = rng.stream(0, 0, "perf raytrace pixels").integers(0, size, (2, 1500))
    render_bokeh(layers, lens, (64, 64))  # compiled code into memory
    before = _resident()
    first = seconds(lambda: render_bokeh(layers, lens, (size, size)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    ours_s = min(first, *(seconds(lambda: render_bokeh(layers, lens, (size, size))) for _ in range(3)))
    truth = trace_pixels(layers, lens, x, y, per_axis=100, seed=1)
    result = {
        "size": size,
        "layers": count,
        "radius": radius,
        "ours_s": ours_s,
        "ours_db": psnr(render_bokeh(layers, lens, (size, size))[y, x], truth),
        "layers_mb": sum(layer.rgba.nbytes for layer in layers) / 2**20,
        "more_mb": peak - before,
    }
    packed, some = published_port.pack(layers), np.stack([x, y], axis=1)
    published_port.render(packed, lens, some[:4], 5)
    for grid in (9, 13, *PORT):
        db = psnr(published_port.render(packed, lens, some, grid), truth)
        one = functools.partial(published_port.render, packed, lens, frame(size, 8), grid)
        took = seconds(one) * size / 8
        if took > 60.0:
            break
        if db >= result["ours_db"]:
            result |= {"port_grid": grid, "port_db": db, "port_s": took}
            break
    return result


def _resident() -> float:
    """Memory in use now, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def print_comparison(size: int, quick: bool) -> dict[str, dict[str, float]]:
    print(f"{size} x {size}, 2 layers, blur {24} px; PSNR of displayed colours against jittered rays")
    print(
        f"{'scene':<17}{'floor':>6}{'asked':>6} |{'cell':>5}{'dB':>6}{'s':>8} |"
        f"{'grid':>6}{'dB':>6}{'fair':>6}{'s':>8} |{'ratio':>7}"
    )
    table = {}
    for name, (lights, tilt, asked) in SCENES.items():
        row = table[name] = compare(size, lights, tilt, asked, quick)
        print(
            f"{name:<17}{row['floor']:6.1f}{asked:6.0f} |"
            f"{row['cell']:5.1f}{row['ours_db']:6.1f}{row['ours_s']:8.4f} |"
            f"{row['port_grid']:5d}²{row['port_db']:6.1f}{row['port_fair_grid']:6.1f}{row['port_s']:8.2f} |"
            f"{row['ratio']:7.1f}",
            flush=True,
        )
    return table


def print_sizes(quick: bool) -> list[dict[str, float]]:
    print("\nquality standard; memory beyond what the layers take themselves")
    print(
        f"{'size':>5}{'layers':>7}{'radius':>7} |"
        f"{'dB':>6}{'s':>8}{'Mpx/s':>7}{'MB':>7}{'layers MB':>10} | port"
    )
    table = []
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        rows = [row for row in ROWS if row[0] <= 768] if quick else ROWS
        for row in pool.imap(measure, rows[::3] if quick else rows, chunksize=1):
            table.append(row)
            port = (
                f"{row['port_grid']}² {row['port_db']:.1f} dB {row['port_s']:.2f} s"
                if "port_s" in row
                else "> 60 s"
            )
            print(
                f"{row['size']:5d}{row['layers']:7d}{row['radius']:7.0f} |"
                f"{row['ours_db']:6.1f}{row['ours_s']:8.3f}{row['size'] ** 2 / 1e6 / row['ours_s']:7.1f}"
                f"{row['more_mb']:7.0f}{row['layers_mb']:10.0f} | {port}",
                flush=True,
            )
    return table


def main() -> int:
    """Print the tables and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller, under a minute")
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args()
    size = 384 if arguments.quick else 768
    table = print_comparison(size, arguments.quick)
    sizes = print_sizes(arguments.quick)
    print(f"{os.cpu_count()} cores; load of the machine at the end {os.getloadavg()[0]:.1f}")
    if arguments.json:
        figures = {"comparison": table, "sizes": sizes, "goal": GOAL}
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    worst = min(table, key=lambda name: table[name]["ratio"])
    ratio = table[worst]["ratio"]
    print(f"worst of the four: {worst}, {ratio:.1f} times as fast as the port (goal {GOAL:g})")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
