"""Seconds and memory of BokehMe, in parts, at three sizes, beside scattering alone in the same run.

    python perf/bokehme.py [--quick] [--weights FILE] [--device cpu|cuda] [--sizes 512x512,...] [--json FILE]

The motorcycle photograph with its measured disparity at 512x512, 1920x1080 and 4000x3000 (12 megapixels),
focus on the far wall, K = 30 at width 1920 and in proportion. Parts: scattering, dilation of the defocus map,
the networks. Each size runs in a process of its own, so that the peak of memory is its own: of the process,
and in brackets what it held before it rendered (interpreter and libraries). `CPU s` are seconds of all cores
together for one rendering, which other work on the machine disturbs less. There is no goal to meet.

Weights are --weights, or the shipped ones; where there are none they are random, which the first line says:
times and memory do not depend on their values.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZES = ("512x512", "1920x1080", "4000x3000")
K_AT_1920 = 30.0


def seconds(function: Callable[[], Any], repeats: int) -> float:
    """Median wall time."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def use_weights(given: Path | None, folder: Path) -> str:
    """Make BokehMe find weights, and say which: the given ones, the shipped ones, or random ones."""
    import torch

    from bokehbench import weights
    from bokehbench.baselines.bokehme.neural import NeuralRenderer
    from bokehbench.baselines.bokehme.weights import OURS, locate, save
    from bokehbench.errors import Unavailable

    if given is not None:
        weights.use_files([f"bokehme={given}"])
    try:
        return f"weights: sha256:{weights.sha256(locate(OURS)[OURS[0]])[:8]}"
    except Unavailable:
        torch.manual_seed(0)
        save(NeuralRenderer(), folder / OURS[0])
        weights.use_files([f"bokehme={folder / OURS[0]}"])
        return "weights: RANDOM, there are none here; times and memory are those of any weights"


def measure(size: tuple[int, int], device: str, repeats: int) -> dict[str, float]:
    """One size, in this process."""
    import cv2
    import torch

    from bokehbench.baselines.bokehme.renderer import BokehMe
    from bokehbench.baselines.scatter.renderer import Scatter
    from bokehbench.baselines.scatter.tensors import dilate_tensor
    from bokehbench.cases import Inputs
    from bokehbench.optics import Lens, signed_defocus
    from bokehbench.photograph import load_sample

    sample = load_sample("motorcycle")
    lens = Lens(K_AT_1920 * size[0] / 1920.0, 0.0)
    image, disparity = cv2.resize(sample.image, size), cv2.resize(sample.disparity, size)
    inputs = Inputs("motorcycle", image, disparity, lens)
    defocus = torch.from_numpy(signed_defocus(disparity, lens))[None, None].float().to(device)
    corner = Inputs("corner", image[:64, :64], disparity[:64, :64], lens)
    scatter, both = Scatter(device=device), BokehMe(device=device)
    neural = BokehMe(fused=False, device=device)
    for method in (scatter, both, neural):  # compile, load
        method.render(corner)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
    busy = time.process_time()
    both.render(inputs)
    busy = time.process_time() - busy
    figures = {
        "K": lens.K,
        "before_mb": before,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "cpu_s": busy,
        "bokehme_s": seconds(lambda: both.render(inputs), repeats),
        "scatter_s": seconds(lambda: scatter.render(inputs), repeats),
        "dilation_s": seconds(lambda: dilate_tensor(defocus).cpu(), repeats),
        "neural_s": seconds(lambda: neural.render(inputs), repeats),
    }
    if device != "cpu":
        figures["gpu_peak_mb"] = torch.cuda.max_memory_allocated() / 2**20
    return figures


def line(size: str, row: dict[str, Any]) -> str:
    """A row of the table."""
    gpu = f"  GPU {row['gpu_peak_mb']:.0f}" if "gpu_peak_mb" in row else ""
    return (
        f"{row['device']:>6} {size:>9} {row['K']:4.0f} {row['scatter_s']:10.3f} {row['dilation_s']:11.3f} "
        f"{row['neural_s']:22.3f} {row['bokehme_s']:10.3f} {row['cpu_s']:7.2f} "
        f"{row['bokehme_s'] / row['scatter_s']:6.1f} {row['peak_mb']:8.0f} ({row['before_mb']:.0f}){gpu}"
    )


def devices(asked: str) -> list[str]:
    """The CPU, and a GPU where there is one."""
    import torch

    if asked != "all":
        return [asked]
    return ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def machine() -> dict[str, Any]:
    """What the figures are of."""
    import platform

    import torch

    found = {"torch": torch.__version__, "threads": torch.get_num_threads(), "system": platform.platform()}
    return found | ({"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {})


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="512x512 alone, once")
    parser.add_argument("--weights", type=Path, help="bokehme.safetensors of a run of your own")
    parser.add_argument("--device", default="all", help="cpu, cuda, or all that there are")
    parser.add_argument("--sizes", default=",".join(SIZES), help="WIDTHxHEIGHT, separated by commas")
    parser.add_argument("--repeats", type=int, default=3, help="renderings whose median is taken")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    if arguments.one:
        width, height = (int(edge) for edge in arguments.one.split("x"))
        print(json.dumps(measure((width, height), arguments.device, arguments.repeats)))
        return 0
    sizes = SIZES[:1] if arguments.quick else tuple(arguments.sizes.split(","))
    repeats = 1 if arguments.quick else arguments.repeats
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        said = use_weights(arguments.weights, Path(folder))
        print(said)
        print(
            "device      size    K  scatter s  dilation s  networks + dilation s  bokehme s   CPU s  ratio"
            "  peak MB"
        )
        for device, size in ((device, size) for device in devices(arguments.device) for size in sizes):
            options = ["--one", size, "--device", device, "--repeats", str(repeats)]
            done = subprocess.run([sys.executable, __file__, *options], capture_output=True, text=True)
            if done.returncode:
                print(done.stderr.strip().splitlines()[-1], file=sys.stderr)
                return 1
            rows.append({"size": size, "device": device, **json.loads(done.stdout.splitlines()[-1])})
            print(line(size, rows[-1]), flush=True)
    if arguments.json:
        from bokehbench import records

        records.write_json(arguments.json, {"machine": machine(), "weights": said, "rows": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
