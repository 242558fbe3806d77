"""Where BokehMe's networks are right: `python perf/bokehme_held_out.py --data SET RUN ...`, or `--variants`.

With runs of `bokehbench train bokehme` (their newest ARNet, settings of --config): mean PSNR over what is
held out, of scattering, of the neural and of the fused picture, and of the same where E* is above 0.3. With
--variants: of the weights that are found, PSNR by level on blb-mini for the options of docs/bokehme.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bokehbench import images
from bokehbench.baselines.bokehme.neural import NeuralRenderer, Upsampling, fuse
from bokehbench.baselines.bokehme.renderer import BokehMe
from bokehbench.benchmarks.locate import open_benchmark
from bokehbench.metrics.psnr import psnr
from bokehbench.training import checkpoint
from bokehbench.training.bokehme.settings import load
from bokehbench.training.bokehme.sources import Scattered, open_source
from bokehbench.training.bokehme.stages import REACH, UNIT

NEAR_EDGES = 0.3
VARIANTS: Mapping[str, Mapping[str, object]] = {
    "bokehme": {},
    "bokehme-nr": {"fused": False},
    "bokehme, released passes": {"passes": "released"},
    "bokehme-nr, released passes": {"passes": "released", "fused": False},
    "bokehme, B1": {"variant": "B1"},
    "bokehme-nr, B1": {"variant": "B1", "fused": False},
    "bokehme, analytic": {"error_map": "analytic"},
}


def decibels(picture: Tensor, target: Tensor, where: Tensor) -> float:
    """PSNR over the pixels of `where` [1, 1, H, W] bool; NaN where there are none."""
    error = (picture.clamp(0.0, 1.0) - target.clamp(0.0, 1.0)).square()[where.expand_as(target)]
    return float(-10.0 * torch.log10(error.mean())) if error.numel() else float("nan")


@torch.no_grad()
def held_out(run: Path, data: str, config: str) -> None:
    """A line for each part of the pictures."""
    settings = load(config)
    renderer = NeuralRenderer(Upsampling(network=False)).eval()
    renderer.arnet.load_state_dict(checkpoint.load_weights(run / "arnet" / checkpoint.LAST))
    rows: dict[str, list[list[float]]] = {"everywhere": [], f"E* > {NEAR_EDGES}": []}
    for crop in open_source(data, settings.data, settings.seed).held_out(Scattered(settings.arnet.K)):
        defocus = (crop["defocus"] / UNIT).clamp(-REACH, REACH)
        neural, error = renderer.arnet(crop["image"], defocus, crop["gamma"])
        shown = (crop["classical"], neural, fuse(crop["classical"], neural, error))
        everywhere = torch.ones_like(crop["error"], dtype=torch.bool)
        for name, where in zip(rows, (everywhere, crop["error"] > NEAR_EDGES), strict=True):
            rows[name].append([decibels(picture, crop["target"], where) for picture in shown])
    for name, values in rows.items():
        scattered, alone, fused = np.nanmean(np.array(values), axis=0)
        print(f"{run.name:16} {name:12} scattering {scattered:.2f}, neural {alone:.2f}, fused {fused:.2f} dB")


def variants() -> None:
    """A line for each option."""
    benchmark = open_benchmark("blb-mini").benchmark
    for name, options in VARIANTS.items():
        method, found = BokehMe(**options), dict[str, list[float]]()  # type: ignore[arg-type]
        for info in benchmark.cases():
            case = benchmark.load(info)
            assert case.target is not None
            picture = images.quantise(method.render(case.inputs))
            found.setdefault(info.level, []).append(psnr(picture, images.quantise(case.target)))
        print(f"{name:28}", ", ".join(f"{level} {np.mean(v):.2f} dB" for level, v in sorted(found.items())))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--data", default="", help="the set that the runs were trained on")
    parser.add_argument("--config", default="compact")
    parser.add_argument("--variants", action="store_true")
    asked = parser.parse_args()
    if asked.runs and not asked.data:
        parser.error("runs need --data SET")
    for run in asked.runs:
        held_out(run, asked.data, asked.config)
    if asked.variants:
        variants()


if __name__ == "__main__":
    main()
