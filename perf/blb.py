"""CPU seconds of a stack of stated quality, against one sample count for all images.

    python perf/blb.py [--quick] [--scene NAME] [--quality DB] [--size WxH] [--json FILE]

The other way is what a script around Blender does: a process per image, OpenImageDenoise (high quality,
accurate guides), the same number of samples for each image: the smallest at which every image reaches the
quality, by the same estimate of the error, which sees what the denoiser blurs, with the same pixel filter.
Its time is images × (start of a process + a render's own cost + samples + denoising), each measured here: a
sample costs the slope of two counts. Ours is measured whole. The second ratio is without the start of
processes on either side; the third is against the other way's time for the quality of our worst image, which
is a lower one where ours stopped at the most rays that it allows itself. Goal: at most half, every image of
ours at least as clean.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from bokehbench.blender import driver, plan, processes
from bokehbench.blender.requests import scene_requests

GOAL = 0.5


def children_seconds() -> float:
    """CPU seconds of all processes that this one has waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cost(request: plan.StackRequest, out: Path) -> tuple[float, dict[str, Any]]:
    """CPU seconds of rendering a stack, and its images' records."""
    before = children_seconds()
    (report,) = driver.raised(driver.render_stacks([request], out, driver.Means(device="cpu")))
    return children_seconds() - before, report.info["images"]


def uniform(request: plan.StackRequest, out: Path, ours: float) -> dict[str, Any]:
    """What `perf.blb_uniform` found; `ours` is our worst image's quality, dB."""
    found: dict[str, Any] = {}
    share = driver.Share(request, out, tuple(request.images()))
    name, job = share.job(driver.Means(device="cpu"))
    processes.run_workers(
        [(name, {**job, "module": "perf.blb_uniform", "ours": ours})],
        lambda index, event: found.update(event) if event["event"] == "uniform" else None,
    )
    return found


def compare(request: plan.StackRequest, out: Path) -> dict[str, Any]:
    """One scene's row."""
    # The start of a process: one image of the least samples, but for what its samples and denoising take.
    least = replace(request, quality=None, spp=(2,) * 6, levels=request.levels[:1], foci=request.foci[:1])
    one, _ = cost(least, out / "least")
    ours, records = cost(request, out / "ours")
    worst = min(record["noise_psnr"] for record in records.values())
    other = uniform(request, out, worst)
    if not other:
        raise SystemExit(f"{request.scene}: the other way could not be measured")
    # Two images of two halves each.
    start = max(0.0, one - 4 * (other["per_render"] + other["per_sample"] + other["per_image"]))
    images = len(request.images())
    alone, as_ours = (
        images * (other["per_render"] + other[count] * other["per_sample"] + other["per_image"])
        for count in ("samples", "samples_for_ours")
    )
    theirs = images * start + alone
    return {
        "scene": request.scene,
        "images": images,
        **{
            f"uniform_{name}": other[name]
            for name in ("samples", "samples_for_ours", "worst", "extrapolated", "looks")
        },
        "start_seconds": round(start, 2),
        "per_sample_seconds": other["per_sample"],
        "per_render_seconds": other["per_render"],
        "per_denoising_seconds": other["per_image"],
        "uniform_seconds": round(theirs, 1),
        "seconds": round(ours, 1),
        "worst_psnr": worst,
        "psnr": {name: record["noise_psnr"] for name, record in records.items()},
        "samples": {name: record["spp"] for name, record in records.items()},
        "ratio": round(ours / theirs, 3),
        "ratio_without_start": round((ours - start) / alone, 3),
        "ratio_at_our_worst": round(ours / (images * start + as_ours), 3),
    }


def main() -> int:
    """Print the table and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one scene, small, 30 dB")
    parser.add_argument("--scene", action="append", help="repeatable; night_street and newsstand by default")
    parser.add_argument("--quality", type=float, help="dB; 45, or 30 with --quick")
    parser.add_argument("--size", help="480x270, or 96x54 with --quick")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    quality = arguments.quality or (30.0 if arguments.quick else 45.0)
    size = plan.parse_size(arguments.size or ("96x54" if arguments.quick else "480x270"))
    scenes = arguments.scene or (["newsstand"] if arguments.quick else ["night_street", "newsstand"])
    rows = []
    heads = f"{'uniform spp':>13}{'CPU s':>9}{'ours CPU s':>12}{'worst dB':>10}{'ratio':>8}"
    heads += f"{'no start':>10}{'as ours':>9}"
    print(f"{'scene':<16}{'images':>7}{heads}", flush=True)
    with tempfile.TemporaryDirectory(prefix="bokehbench-perf-") as folder:
        for request in scene_requests(scenes, size, (0, 1, 2, 3, 4), (0, 4, 9), quality=quality):
            row = compare(request, Path(folder))
            rows.append(row)
            print(
                f"{row['scene']:<16}{row['images']:>7}{row['uniform_samples']:>13}{row['uniform_seconds']:>9}"
                f"{row['seconds']:>12}{row['worst_psnr']:>10}{row['ratio']:>8}"
                f"{row['ratio_without_start']:>10}{row['ratio_at_our_worst']:>9}",
                flush=True,
            )
    if arguments.json:
        figures = {"size": size, "quality": quality, "rows": rows}
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    ratio = max(row["ratio"] for row in rows)
    met = ratio <= GOAL and all(row["worst_psnr"] >= quality for row in rows)
    verdict = "met" if met else "missed"
    print(f"{quality:g} dB in every image for {ratio:.2f} of the time, goal {GOAL:g}: {verdict}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
