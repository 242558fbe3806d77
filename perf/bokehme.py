"""Seconds and memory of BokehMe, in parts, at three sizes, beside scattering alone in the same run.

    python perf/bokehme.py [--quick] [--weights FILE] [--device cpu|cuda] [--json FILE]

The motorcycle photograph with its measured disparity at 512x512, 1920x1080 and 4000x3000 (12 megapixels),
focus on the far wall, K = 30 at width 1920 and in proportion. Parts: scattering, dilation of the defocus map,
the networks. Each size runs in a process of its own, so that the peak of memory is its own; it includes the
interpreter and the libraries. Weights are the shipped ones, or --weights; there is no goal to meet.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZES = ((512, 512), (1920, 1080), (4000, 3000))
K_AT_1920 = 30.0


def seconds(function: Callable[[], Any], repeats: int) -> float:
    """Median wall time."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def measure(size: tuple[int, int], device: str, weights: Path | None, repeats: int) -> dict[str, float]:
    """One size, in this process."""
    import cv2
    import numpy as np
    import torch

    from bokehbench import weights as weight_files
    from bokehbench.baselines.bokehme.renderer import BokehMe
    from bokehbench.baselines.scatter.kernel import dilate_defocus
    from bokehbench.baselines.scatter.renderer import Scatter
    from bokehbench.cases import Inputs
    from bokehbench.optics import Lens, signed_defocus
    from bokehbench.photograph import load_sample

    if weights is not None:
        weight_files.use_files([f"bokehme={weights}"])
    sample = load_sample("motorcycle")
    lens = Lens(K_AT_1920 * size[0] / 1920.0, 0.0)
    image, disparity = cv2.resize(sample.image, size), cv2.resize(sample.disparity, size)
    inputs = Inputs("motorcycle", image, disparity, lens)
    defocus = signed_defocus(disparity, lens).astype(np.float32)
    corner = Inputs("corner", image[:64, :64], disparity[:64, :64], lens)
    scatter, both = Scatter(), BokehMe(device=device)
    neural = BokehMe(fused=False, device=device)
    for method in (scatter, both, neural):  # compile, load
        method.render(corner)
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
    whole = seconds(lambda: both.render(inputs), repeats)
    figures = {
        "K": lens.K,
        "scatter_s": seconds(lambda: scatter.render(inputs), repeats),
        "dilation_s": seconds(lambda: dilate_defocus(defocus), repeats),
        "neural_s": seconds(lambda: neural.render(inputs), repeats),
        "bokehme_s": whole,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if device != "cpu":
        figures["gpu_peak_mb"] = torch.cuda.max_memory_allocated() / 2**20
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="512x512 alone, once")
    parser.add_argument("--weights", type=Path, help="bokehme.safetensors of a run of your own")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    repeats = 1 if arguments.quick else 3
    if arguments.one:
        width, height = (int(edge) for edge in arguments.one.split("x"))
        print(json.dumps(measure((width, height), arguments.device, arguments.weights, repeats)))
        return 0
    rows = []
    print("     size    K  scatter s  dilation s  networks + dilation s  bokehme s  ratio  peak MB")
    for width, height in SIZES[:1] if arguments.quick else SIZES:
        command = [sys.executable, __file__, *sys.argv[1:], "--one", f"{width}x{height}"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            print(done.stderr.strip().splitlines()[-1], file=sys.stderr)
            return 1
        row = {"size": [width, height], **json.loads(done.stdout.splitlines()[-1])}
        rows.append(row)
        print(
            f"{width:4}x{height:<4} {row['K']:4.0f} {row['scatter_s']:10.2f} {row['dilation_s']:11.2f} "
            f"{row['neural_s']:22.2f} {row['bokehme_s']:10.2f} {row['bokehme_s'] / row['scatter_s']:6.1f} "
            f"{row['peak_mb']:8.0f}" + (f"  GPU {row['gpu_peak_mb']:.0f}" if "gpu_peak_mb" in row else ""),
            flush=True,
        )
    if arguments.json:
        from bokehbench import records

        records.write_json(arguments.json, {"device": arguments.device, "rows": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
