"""How fast a large page opens: 2,000 results with 500 pictured cases, from file://, in headless Chromium.

    python perf/page.py [--quick] [--json FILE]

Goal: the page is drawn, its table and its comparison usable, in under 2 s (median of the loads). The time
counts from the request, over scrolling down to the comparison, to two frames after it shows its pictures; the
pictures off the screen are not waited for, that is what lazy loading is for. `--quick` makes a
fifth of the results.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bokehbench import images, records
from bokehbench.leaderboard.leaderboard import write
from bokehbench.leaderboard.results import NO_WEIGHTS, Protocol, Result
from bokehbench.metrics import find
from bokehbench.registry import MethodSpec, get, names

GOAL_S = 2.0
SIZE = (96, 64)
METRICS = ("psnr", "ssim", "ms-ssim", "gmsd", "haarpsi")


def make_results(root: Path, cases: int, methods: list[str]) -> None:
    """A results folder of noise: only its size matters here."""
    draw = np.random.default_rng(0)
    at = Protocol(root, "many", "perf@1")
    shape = (SIZE[1], SIZE[0], 3)
    for number in range(cases):
        case, level = f"scene{number // 10:03d}_{number % 10}", f"L{number % 5 + 1}"
        for what in ("target", "image"):
            images.write_png(at.case_image(case, what), draw.random(shape))
        lens = {"K": 2.5 * (number % 5 + 1), "disp_focus": 0.5, "gamma": 2.2}
        about = {"scene": f"scene{number // 10:03d}", "level": level, "lens": lens, "size": list(SIZE)}
        records.write_json(at.case_record(case), {"case": case, "data": str(number), "notes": {}, **about})
        for method in methods:
            write_result(Result(at, method, NO_WEIGHTS, case), str(number), draw)


def write_result(result: Result, data: str, draw: np.random.Generator) -> None:
    images.write_png(result.prediction, draw.random((SIZE[1], SIZE[0], 3)))
    sha256 = records.sha256_file(result.prediction)
    target = records.sha256_file(result.at.case_image(result.case, "target"))
    spec = get(MethodSpec, result.method)
    record = {"method": spec.id, "data": data, "prediction": sha256, "command": "bokehbench run"}
    records.write_json(result.record, record)
    scores = {
        name: {
            "value": float(draw.random()),
            "status": "ok",
            "metric": find(name).id,
            "fingerprint": find(name).fingerprint,
        }
        for name in METRICS
    }
    records.write_json(result.scores, {"prediction": sha256, "target": target, "scores": scores})
    records.write_json(result.timing, {"seconds": 0.1})


def measure(page_file: Path, loads: int) -> list[float]:
    """Seconds of each load, in a new browser context every time."""
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        sys.exit("no Chromium on this machine (apt-get install chromium): nothing was measured")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=flags)
        for _ in range(loads):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            page = context.new_page()
            start = time.perf_counter()
            page.goto(page_file.as_uri(), wait_until="commit")
            page.wait_for_function(
                "() => { document.querySelector('#compare')?.scrollIntoView({ behavior: 'instant' });"
                " return document.querySelector('#viewer')?.dataset.ready === 'true'; }"
            )
            page.evaluate("() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
            found.append(time.perf_counter() - start)
            context.close()
        browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a fifth of the results")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    cases = 100 if arguments.quick else 500
    methods = [name for name in names(MethodSpec) if not get(MethodSpec, name).weights][:4]
    with tempfile.TemporaryDirectory() as folder:
        make_results(Path(folder) / "results", cases, methods)
        start = time.perf_counter()
        summary = write([Path(folder) / "results"], Path(folder) / "page")
        first = time.perf_counter() - start
        start = time.perf_counter()
        write([Path(folder) / "results"], Path(folder) / "page")
        again = time.perf_counter() - start
        loads = measure(summary.page, 3 if arguments.quick else 7)
    figures: dict[str, Any] = {
        "results": cases * len(methods),
        "cases": cases,
        "write_s": round(first, 2),
        "write_again_s": round(again, 2),
        "open_s": round(statistics.median(loads), 3),
        "open_worst_s": round(max(loads), 3),
    }
    for name, value in figures.items():
        print(f"{name:<14} {value:>8}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    met = figures["open_s"] < GOAL_S
    verdict = f"goal {GOAL_S:g} s, {'met' if met else 'missed'}"
    print(f"page of {figures['results']} results opens in {figures['open_s']:.2f} s: {verdict}")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
