"""Latency and peak memory of BokehDiff: `python perf/bokehdiff.py [--compact] [--size 512x512 1920x1080]`.

`--train` times steps of the compact model's training instead: forward and backward, batch 1, 256 px.

Without weights: networks of the full size (SDXL's published configuration) with random numbers, which cost
the same as trained ones. The full size needs a GPU: 24 GB for fp32, 16 GB for bf16. On a CPU take --compact.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import torch

from bokehbench.baselines.bokehdiff import base, build, renderer, sdxl
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.baselines.diffusion.networks import on_meta
from bokehbench.baselines.diffusion.pictures import PRECISIONS
from bokehbench.cases import Inputs
from bokehbench.optics import Lens


def full_size(device: str, dtype: torch.dtype, form: str) -> torch.nn.Module:
    """Random weights, made on the device: neither this machine's memory nor a file is needed."""
    networks = []
    for part, wanted in (("unet", dtype), ("vae", torch.float32)):
        network = on_meta(part, sdxl.published(part)).to_empty(device=device).to(wanted)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.02)
        networks.append(network)
    prompt = torch.randn(1, 77, 2048, device=device), torch.randn(1, 1280, device=device)
    model = build.on_base(base.Base(*networks, *prompt), settings=PisaSettings(form=form))
    return model.to(device).eval().requires_grad_(False)


def scene(width: int, height: int, K: float) -> Inputs:
    random = np.random.default_rng(0)
    ramp = np.tile(np.linspace(0.0, 1.0, width, dtype=np.float32), (height, 1))
    return Inputs("perf", random.random((height, width, 3), np.float32), ramp, Lens(K, 0.5))


def measure(model: torch.nn.Module, inputs: Inputs, repeats: int) -> tuple[float, float]:
    """(seconds, GB at the most); the first rendering warms up."""
    cuda = model.prompt_embeds.is_cuda
    seconds = []
    for _ in range(repeats + 1):
        if cuda:
            torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter() if cuda else time.process_time()
        renderer.render_picture(model, inputs)
        seconds.append((time.perf_counter() if cuda else time.process_time()) - start)
    peak = (
        torch.cuda.max_memory_allocated()
        if cuda
        else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    )
    return float(np.median(seconds[1:])), peak / 1e9


def training_step(precision: str, samples: int, jitters: int, repeats: int, device: str) -> float:
    """Seconds of a step of the compact denoiser, median."""
    from bokehbench.training.bokehdiff.losses import open_loss
    from bokehbench.training.bokehdiff.settings import load
    from bokehbench.training.bokehdiff.stages import DenoiserStage

    own = load("compact", (f"model.pisa.samples={samples}", f"model.pisa.jitters={jitters}"))
    loss = open_loss(own.denoiser.losses)
    stage = DenoiserStage(build.random_compact(0), own.denoiser, own.model.pisa, loss, [], seed=0).to(device)
    side = own.data.crop
    case = scene(side, side, 40.0)
    disparity = torch.from_numpy(case.disparity)[None, None]
    image = torch.from_numpy(case.image).permute(2, 0, 1)[None] * 2.0 - 1.0
    batch = {"image": image, "target": image.flip(-1), "disparity": disparity}
    batch["radius"] = case.lens.K * (disparity - case.lens.disp_focus).abs()
    batch = {name: tensor.to(device).contiguous() for name, tensor in batch.items()}
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter() if device == "cuda" else time.process_time()
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            total = stage(batch)["loss"]
        total.backward()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append((time.perf_counter() if device == "cuda" else time.process_time()) - start)
        stage.zero_grad()
    return float(np.median(seconds[1:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compact", action="store_true", help="the compact model")
    parser.add_argument("--train", action="store_true", help="steps of the compact model's training")
    parser.add_argument("--size", nargs="+", default=["512x512", "1920x1080"], metavar="WIDTHxHEIGHT")
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"], choices=list(PRECISIONS))
    parser.add_argument(
        "--form", nargs="+", default=["auto"], help="of PISA: auto, reference, blocked, triton"
    )
    parser.add_argument("--K", type=float, default=40.0)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not (chosen.compact or chosen.train):
        parser.error("the full size needs a GPU; take --compact")
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU seconds of all threads"
    print(f"{name}; K = {chosen.K:g}; random weights")
    if chosen.train:
        for precision in chosen.precision:
            for samples, jitters in ((3, 2), (5, 4)):
                took = training_step(precision, samples, jitters, chosen.repeats, device)
                print(f"{precision}  {samples} samples, {jitters} jitters  {took:8.2f} s a step")
        return
    for precision in ["fp32"] if chosen.compact else chosen.precision:
        for form in chosen.form:
            torch.manual_seed(0)
            if chosen.compact:
                model = build.random_compact(0, settings=PisaSettings(samples=3, jitters=2, form=form)).eval()
                model = model.to(device)
            else:
                model = full_size(device, PRECISIONS[precision], form)
            for size in chosen.size:
                width, height = map(int, size.split("x"))
                seconds, peak = measure(model, scene(width, height, chosen.K), chosen.repeats)
                print(f"{precision}  PISA {form:<9}  {size:>9}  {seconds:8.2f} s  {peak:6.1f} GB")
            del model


if __name__ == "__main__":
    main()
