"""Latency and peak memory of MagicBokeh: `python perf/magicbokeh.py [--compact] [--size 512x512 1920x1080]`.

Without weights: networks of the full size (the published configuration of Stable Diffusion 2.1-base, pruned)
with random numbers, which cost the same as trained ones. The full size needs a GPU; its weights alone are
4.2 GB in fp32, 2.3 GB in bf16, counted from the number of parameters. On a CPU take --compact.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import torch

from bokehbench.baselines.diffusion.pictures import PRECISIONS
from bokehbench.baselines.magicbokeh import build, renderer
from bokehbench.cases import Inputs
from bokehbench.optics import Lens


def full_size(device: str, dtype: torch.dtype) -> torch.nn.Module:
    """Random weights, made on the device: neither this machine's memory nor a file is needed."""
    model = build.meta_model().to_empty(device=device)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    model.scaling.fill_(0.18215)
    model.unet.to(dtype)
    model.control.to(dtype)
    return model.eval().requires_grad_(False)


def scene(width: int, height: int, K: float) -> Inputs:
    random = np.random.default_rng(0)
    ramp = np.tile(np.linspace(0.0, 1.0, width, dtype=np.float32), (height, 1))
    return Inputs("perf", random.random((height, width, 3), np.float32), ramp, Lens(K, 0.5))


def measure(model: torch.nn.Module, inputs: Inputs, repeats: int) -> tuple[float, float]:
    """(seconds, GB at the most); the first rendering warms up."""
    cuda = model.scaling.is_cuda
    seconds = []
    for _ in range(repeats + 1):
        if cuda:
            torch.cuda.reset_peak_memory_stats()
            torch.cuda.synchronize()
        start = time.perf_counter() if cuda else time.process_time()
        renderer.render_picture(model, inputs)
        seconds.append((time.perf_counter() if cuda else time.process_time()) - start)
    held = (
        torch.cuda.max_memory_allocated()
        if cuda
        else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    )
    return float(np.median(seconds[1:])), held / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compact", action="store_true", help="the compact model")
    parser.add_argument("--size", nargs="+", default=["512x512", "1920x1080"], metavar="WIDTHxHEIGHT")
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"], choices=list(PRECISIONS))
    parser.add_argument("--K", type=float, default=32.0, help="0 restores and does not blur")
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not chosen.compact:
        parser.error("the full size needs a GPU; take --compact")
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU seconds of all threads"
    print(f"{name}; K = {chosen.K:g}; random weights")
    for precision in ["fp32"] if chosen.compact else chosen.precision:
        torch.manual_seed(0)
        model = (
            build.random_compact(0).eval().requires_grad_(False).to(device)
            if chosen.compact
            else full_size(device, PRECISIONS[precision])
        )
        for size in chosen.size:
            width, height = map(int, size.split("x"))
            seconds, peak = measure(model, scene(width, height, chosen.K), chosen.repeats)
            print(f"{precision}  {size:>9}  {seconds:8.3f} s  {peak:6.1f} GB")
        del model


if __name__ == "__main__":
    main()
