"""The layered ray tracer against a direct port of the published method, at equal quality.

    python perf/raytrace.py [--quick] [--json FILE]

Two layers at 768 x 768 with a blur of 24 pixels on either side of the focal plane: a photograph behind wiry
strands, natural or with point lights of radiance 50 to 500, fronto-parallel or tilted. Both are measured
on the same random pixels against jittered rays (`synth.render.stratified`), whose two halves compared are the
floor. Then the cheapest setting of each that reaches the asked PSNR of the displayed image (clipped, gamma
2.2) is timed on the whole frame (a slow port on part of its rows), in turns, best of several. Goal: 10
times as fast at 55 dB, natural.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import published_port
from skimage import data

from bokehbench import rng
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens
from bokehbench.synth.render import render_bokeh
from bokehbench.synth.render.cells import lens_cells
from bokehbench.synth.render.quality import Quality
from bokehbench.synth.render.stratified import trace_pixels

GOAL, GOAL_DB = 10.0, 55.0
RADIUS, GAMMA = 24, 2.2
SCENES = {
    # name: (lights, tilt, asked dB)
    "natural": (False, 0.0, GOAL_DB),
    "natural, tilted": (False, 0.12, GOAL_DB),
    "lights": (True, 0.0, 50.0),
    "lights, tilted": (True, 0.12, 50.0),
}
OURS = [Quality(c, d) for c, d in ((8, 0), (6, 0), (4, 0), (4, 1), (3, 0), (3, 1), (2, 0), (2, 1), (1, 0))]
PORT = [15, 17, 19, 21, 23, 25, 27, 29, 31, 35, 41, 47, 51, 57, 65, 71, 81, 91, 101, 121, 151]


def scene(size: int, lights: bool, tilt: float) -> tuple[list[Layer], Lens]:
    """Strands before a photograph; `tilt` is the rise of disparity over the image."""
    draw = rng.stream(0, 0, "perf raytrace")
    pad = 2 * RADIUS
    side = size + 2 * pad
    far = np.ones((side, side, 4), np.float32)
    far[..., :3] = (
        cv2.resize(data.astronaut(), (side, side), interpolation=cv2.INTER_CUBIC) / 255.0
    ) ** GAMMA
    alpha = np.zeros((side, side), np.uint8)
    for _ in range(160):
        at, angle = draw.uniform(0.2 * side, 0.8 * side, 2), draw.uniform(0.0, 2.0 * math.pi)
        points = [at]
        for _ in range(12):
            angle += 0.3 * draw.standard_normal()
            at = at + side / 40.0 * np.array([math.cos(angle), math.sin(angle)])
            points.append(at)
        line = np.int32(np.round(np.array(points) * 16.0))
        cv2.polylines(alpha, [line], False, 255, int(draw.integers(1, 6)), cv2.LINE_AA, 4)
    cv2.circle(alpha, (side // 2, side // 2), side // 6, 255, -1, cv2.LINE_AA)
    near = np.empty_like(far)
    near[..., 3] = alpha / 255.0
    near[..., :3] = (cv2.resize(data.coffee(), (side, side)) / 255.0) ** GAMMA * near[..., 3:]
    if lights:
        for image, count, box in ((far, 60, (0.0, 1.0)), (near, 10, (0.4, 0.6))):
            for x, y in draw.integers(int(box[0] * side), int(box[1] * side), (count, 2)):
                image[y, x, :3] = draw.uniform(50.0, 500.0) * draw.uniform(0.5, 1.0, 3)
    p = tilt / size
    middle = p * size / 4.0
    layers = [
        Layer(near, Plane(p, -p / 2.0, 0.9 - middle), -pad, -pad),
        Layer(far, Plane(-p, p / 2.0, 0.1 + middle), -pad, -pad),
    ]
    return layers, Lens(RADIUS / 0.4, 0.5)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Of the displayed colours."""
    shown = [np.clip(image[..., :3].astype(np.float64), 0.0, 1.0) ** (1.0 / GAMMA) for image in (a, b)]
    return float(-10.0 * np.log10(np.mean((shown[0] - shown[1]) ** 2)))


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(size: int, lights: bool, tilt: float, asked: float, quick: bool) -> dict[str, float | str]:
    """One row of the table."""
    layers, lens = scene(size, lights, tilt)
    pixels = 1500 if quick else 5000
    x, y = rng.stream(0, 0, "perf raytrace pixels").integers(0, size, (2, pixels))
    per_axis = (150 if lights else 90) if quick else (256 if lights else 128)
    halves = [trace_pixels(layers, lens, x, y, per_axis=per_axis, seed=seed) for seed in (1, 2)]
    truth = (halves[0] + halves[1]) / 2.0
    whole = (size, size)
    packed, some = published_port.pack(layers), np.stack([x, y], axis=1)

    ours = next(
        (q, db)
        for q in OURS
        if (db := psnr(render_bokeh(layers, lens, whole, quality=q)[y, x], truth)) >= asked
    )
    port = next(
        (n, db) for n in PORT if (db := psnr(published_port.render(packed, lens, some, n), truth)) >= asked
    )
    # The port takes as long for every row: where the frame would take long, some rows stand for all.
    guess = seconds(lambda: published_port.render(packed, lens, some, port[0])) * size**2 / pixels
    rows = min(size, max(32, int(size * (3.0 if quick else 12.0) / guess)))
    frame = np.stack(np.meshgrid(np.arange(size), np.arange(rows) + (size - rows) // 2), axis=2).reshape(
        -1, 2
    )
    times = [
        (
            min(seconds(lambda: render_bokeh(layers, lens, whole, quality=ours[0])) for _ in range(4)),
            seconds(lambda: published_port.render(packed, lens, frame, port[0])) * size / rows,
        )
        for _ in range(2 if quick else 3)
    ]
    fastest = [min(column) for column in zip(*times, strict=True)]
    return {
        "asked": asked,
        "floor": psnr(*halves),
        "ours": f"{ours[0].cell:g} px, depth {ours[0].depth}",
        "ours_samples": len(lens_cells(lens.aperture, ours[0].cells_per_axis(RADIUS), ours[0].depth).s),
        "ours_db": ours[1],
        "ours_s": fastest[0],
        "port_grid": port[0],
        "port_db": port[1],
        "port_s": fastest[1],
        "ratio": fastest[1] / fastest[0],
    }


def main() -> int:
    """Print the table and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller and without lights, under a minute")
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args()
    size = 384 if arguments.quick else 768
    names = ["natural", "natural, tilted"] if arguments.quick else list(SCENES)
    table = {}
    print(f"{size} x {size}, 2 layers, blur {RADIUS} px; PSNR of displayed colours against jittered rays")
    print(
        f"{'scene':<17}{'floor':>7}{'ours':>17}{'cells':>7}{'dB':>7}{'s':>8}{'port':>7}{'dB':>7}{'s':>8}{'ratio':>7}"
    )
    for name in names:
        row = table[name] = measure(size, *SCENES[name], arguments.quick)
        print(
            f"{name:<17}{row['floor']:7.1f}{row['ours']:>17}{row['ours_samples']:7d}{row['ours_db']:7.1f}"
            f"{row['ours_s']:8.3f}{row['port_grid']:6d}²{row['port_db']:7.1f}{row['port_s']:8.2f}{row['ratio']:7.1f}",
            flush=True,
        )
    print(f"{os.cpu_count()} cores; load of the machine at the end {os.getloadavg()[0]:.1f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": table, "goal": GOAL}, indent=1) + "\n")
    ratio = float(table["natural"]["ratio"])
    print(f"natural: {ratio:.1f} times as fast as the port at {GOAL_DB:g} dB or more (goal {GOAL:g})")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
