"""Every metric against implementations that share no code with it, on small pictures made from a formula.

    python perf/calibrate_metrics.py [--quick] [--json FILE]

Prints the table that docs/metrics.md shows; exits with 1 where a difference is over its tolerance. LPIPS,
DISTS and Inception are given one seeded random trunk on both sides: that shows that implementations agree,
and says nothing about pictures. Where a Python with pyiqa is named by $BOKEHBENCH_PYIQA_PYTHON its numbers
follow in a second table. `--quick` leaves out what takes more than some seconds.

Pictures: A, 384 x 270, a pattern with edges and texture and its 5 x 5 box blur; B, the same at 640 x 540;
C and D, the upper left 176 x 176 and 72 x 64 pixels of A; E, 272 x 264 of A's formula.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import metric_formulas
import numpy as np
import torch
import torchvision

from bokehbench import images, records, rng
from bokehbench.metrics import dists, frechet, inception, lpips, score_images, weights
from bokehbench.metrics.noreference import PYTHON_VARIABLE
from bokehbench.metrics.tensors import to_tensor

Images = tuple[np.ndarray, np.ndarray]
NETS = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}


@dataclass(frozen=True)
class Row:
    """One comparison: values of both sides and the difference that is allowed."""

    metric: str
    pair: str
    against: str
    ours: float
    theirs: float
    tolerance: float
    digits: int = 6

    @property
    def agrees(self) -> bool:
        return abs(self.ours - self.theirs) <= self.tolerance

    @property
    def line(self) -> str:
        values = " | ".join(f"{value:.{self.digits}f}" for value in (self.ours, self.theirs))
        return f"| `{self.metric}` | {self.pair} | {self.against} | {values} | {self.tolerance:.0e} |"


HEAD = "| metric | pair | against | ours | theirs | tolerance |\n|---|---|---|---:|---:|---:|"


def pictures(height: int, width: int) -> Images:
    """(prediction, target) [H, W, 3] uint8."""
    i, j, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    target = ((3 * i + 5 * j + 40 * c) // 4 + 60 * ((i // 16 + j // 16 + c) % 2) + (i * j) % 11) % 256
    padded = np.pad(target, ((2, 2), (2, 2), (0, 0)), mode="edge")
    total = sum(padded[y : y + height, x : x + width] for y in range(5) for x in range(5))
    return ((total + 12) // 25).astype(np.uint8), target.astype(np.uint8)


@functools.cache
def pair(name: str) -> Images:
    if name in ("C", "D"):
        height, width = (176, 176) if name == "C" else (64, 72)
        prediction, target = pair("A")
        return prediction[:height, :width].copy(), target[:height, :width].copy()
    return pictures(*{"A": (270, 384), "B": (540, 640), "E": (264, 272)}[name])


def ours(metric: str, name: str) -> float:
    value = score_images(*pair(name), [metric])[metric]
    assert value is not None
    return value


def measure(*, quick: bool = False) -> Iterator[Row]:
    """Every comparison; `quick` leaves out the slowest."""
    yield from psnr_rows()
    yield from ssim_rows()
    yield from perceptual_rows()
    trunks = {net: seeded_trunk(net) for net in NETS}
    yield from lpips_rows(trunks)
    yield from dists_rows(trunks["vgg"], quick)
    yield from set_rows()


# ------------------------------------------------------------------------------------------- pixels, SSIM


def psnr_rows() -> Iterator[Row]:
    from skimage.color import rgb2ycbcr
    from skimage.metrics import peak_signal_noise_ratio
    from torchmetrics.functional.image import peak_signal_noise_ratio as by_torchmetrics

    x, y = pair("A")
    yield Row("psnr", "A", "scikit-image", ours("psnr", "A"), peak_signal_noise_ratio(y, x), 1e-9)
    tensors = (to_tensor(image) for image in (x, y))
    theirs = float(by_torchmetrics(*tensors, data_range=1.0))
    yield Row("psnr", "A", "torchmetrics, single precision", ours("psnr", "A"), theirs, 1e-5, 4)
    luma = (rgb2ycbcr(image)[..., 0] for image in (y, x))
    theirs = peak_signal_noise_ratio(*luma, data_range=255)
    yield Row("psnr-y601", "A", "scikit-image, `rgb2ycbcr`", ours("psnr-y601", "A"), theirs, 1e-9)
    theirs = peak_signal_noise_ratio(y, x, data_range=int(x.max()))
    yield Row("psnr-peakmax", "A", "scikit-image, `data_range`", ours("psnr-peakmax", "A"), theirs, 1e-9)


def ssim_rows() -> Iterator[Row]:
    import piq
    from skimage.color import rgb2ycbcr
    from skimage.metrics import structural_similarity
    from torchmetrics.functional.image import structural_similarity_index_measure as by_torchmetrics

    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    x, y = pair("A")
    tensors = to_tensor(x), to_tensor(y)
    theirs = structural_similarity(y, x, channel_axis=2, **gaussian)
    yield Row("ssim", "A", "scikit-image, gaussian", ours("ssim", "A"), theirs, 1e-9)
    theirs = float(piq.ssim(*tensors, downsample=False))
    yield Row("ssim", "A", "piq, `downsample=False`", ours("ssim", "A"), theirs, 1e-9)
    luma = [np.rint(rgb2ycbcr(image)[..., 0]) for image in (y, x)]
    theirs = structural_similarity(*luma, data_range=255, **gaussian)
    # scikit-image does not count negative contrast as 0: the two differ by design, a little.
    yield Row("ssim-y601", "A", "scikit-image, `rgb2ycbcr`", ours("ssim-y601", "A"), theirs, 2e-5)
    theirs = structural_similarity(y, x, channel_axis=2)
    yield Row("ssim-sk7", "A", "scikit-image as it comes", ours("ssim-sk7", "A"), theirs, 1e-9)
    theirs = float(by_torchmetrics(*tensors, data_range=1.0))
    # torchmetrics draws its window in single precision.
    yield Row("ssim-tm", "A", "torchmetrics", ours("ssim-tm", "A"), theirs, 2e-5, 5)
    large = (to_tensor(image) for image in pair("B"))
    yield Row("ssim-piqds", "B", "piq as it comes", ours("ssim-piqds", "B"), float(piq.ssim(*large)), 1e-9)
    theirs = float(piq.multi_scale_ssim(*tensors))
    yield Row("ms-ssim", "A", "piq", ours("ms-ssim", "A"), theirs, 1e-9)


def perceptual_rows() -> Iterator[Row]:
    formulas = (("ms-ssim", 1e-9, 6), ("gmsd", 2e-4, 4), ("haarpsi", 2e-4, 4))
    for metric, tolerance, digits in formulas:
        theirs = getattr(metric_formulas, metric.replace("-", "_"))(*pair("C"))
        yield Row(metric, "C", "the paper's formula", ours(metric, "C"), theirs, tolerance, digits)


# ------------------------------------------------------------------------------------------------ networks


def seeded(empty: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of a network for its shapes, He-initialised so that features stay of one size."""
    generator = torch.Generator().manual_seed(5)
    drawn = {}
    for name, tensor in empty.items():
        fan_in = tensor[0].numel() if tensor.ndim > 1 else 100.0
        drawn[name] = torch.randn(tensor.shape, generator=generator) * (2.0 / fan_in) ** 0.5
        if name.endswith(("running_var", "bn.weight")):
            drawn[name] = torch.ones(tensor.shape)
        elif name.endswith("num_batches_tracked"):
            drawn[name] = torch.zeros((), dtype=torch.long)
    return drawn


def seeded_trunk(net: str) -> dict[str, torch.Tensor]:
    """`features.*` of torchvision's network."""
    with torch.device("meta"):
        empty = getattr(torchvision.models, NETS[net])(weights=None).state_dict()
    return seeded({name: tensor for name, tensor in empty.items() if name.startswith("features.")})


class Features(torch.nn.Module):
    """torchvision's network as far as metrics need it, with the seeded trunk."""

    def __init__(self, net: str, trunk: dict[str, torch.Tensor]) -> None:
        super().__init__()
        with torch.device("meta"):
            self.features = getattr(torchvision.models, NETS[net])(weights=None).features
        self.load_state_dict(trunk, assign=True)


def tensors(name: str) -> list[torch.Tensor]:
    return [to_tensor(image, double=False) for image in pair(name)]


def lpips_rows(trunks: dict[str, Any]) -> Iterator[Row]:
    import torchmetrics.functional.image.lpips as by_torchmetrics

    given = tensors("D")
    for net, trunk in trunks.items():
        model = lpips.build(net, trunk, weights.require(f"lpips-v0.1-{net}.pth"))
        features = mock.Mock(return_value=Features(net, trunk).features)
        with (
            torch.inference_mode(),
            mock.patch.object(by_torchmetrics, "_get_tv_model_features", features),
        ):
            mine = float(lpips.distance(model, *given))
            stock = float(model(*given, normalize=True))
            theirs = float(by_torchmetrics._LPIPS(net=net)(*given, normalize=True))
        yield Row(f"lpips-{net}", "D", "lpips, seeded trunk", mine, stock, 2e-6, 4)
        yield Row(f"lpips-{net}", "D", "torchmetrics, seeded trunk", mine, theirs, 1e-5, 4)


def dists_rows(trunk: dict[str, torch.Tensor], quick: bool) -> Iterator[Row]:
    import piq.perceptual
    import torchmetrics.functional.image.dists as by_torchmetrics
    from safetensors.torch import load_file

    model = dists.build(trunk, load_file(weights.require(dists.WEIGHTING)))
    alpha_beta = {name: model[name].reshape(1, -1, 1, 1).clone() for name in ("alpha", "beta")}
    with (
        torch.inference_mode(),
        mock.patch.object(by_torchmetrics, "vgg16", lambda weights: Features("vgg", trunk)),
        mock.patch.object(piq.perceptual, "vgg16", lambda **_: Features("vgg", trunk)),
        mock.patch.object(piq.perceptual.torch.hub, "load_state_dict_from_url", lambda *_, **__: alpha_beta),
    ):
        given = tensors("D")
        mine = float(dists.distance(model, *given))
        theirs = float(by_torchmetrics.DISTSNetwork()(*given))
        by_piq = piq.perceptual.DISTS()
        yield Row("dists-full", "D", "torchmetrics, seeded trunk", mine, theirs, 2e-6, 4)
        yield Row("dists-full", "D", "piq, seeded trunk", mine, float(by_piq(*given)), 2e-6, 4)
        if not quick:
            with mock.patch.object(dists, "_model", lambda *_: model), mock.patch.object(weights, "require"):
                mine = dists.dists_piq(*pair("E"))
            theirs = float(by_piq(*tensors("E")))
            yield Row("dists-piq", "E", "piq, seeded trunk", mine, theirs, 2e-6, 4)


# ---------------------------------------------------------------------------------------------------- sets


def set_rows() -> Iterator[Row]:
    import piq
    from scipy.linalg import sqrtm

    x, y = (rng.stream(1, i, "features").normal(0.5 * i, 1.0 + 0.2 * i, (60, 24)) for i in (0, 1))
    covariances = np.cov(x.T), np.cov(y.T)
    root = sqrtm(covariances[0] @ covariances[1]).real
    theirs = float(np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(sum(covariances) - 2.0 * root))
    yield Row("fid", "60 x 24", "scipy's matrix root", frechet.frechet_distance(x, y), theirs, 1e-6)
    theirs = float(piq.KID()(torch.from_numpy(x), torch.from_numpy(y)))
    yield Row("kid", "60 x 24", "piq", frechet.kernel_distance(x, y), theirs, 1e-6)
    yield inception_row()


def inception_row() -> Row:
    """The features of one picture: how far the worst of 2048 is off, relative to the largest."""
    from piq.feature_extractors import fid_inception

    with torch.device("meta"):
        kind = torchvision.models.inception.Inception3
        empty = kind(1008, aux_logits=False, init_weights=False).state_dict()
    state = seeded(empty)

    def unfilled(*_: Any, **__: Any) -> torch.nn.Module:
        return kind(1008, aux_logits=False, init_weights=False)

    planes = inception.resized(pair("D")[1], 299).clip(-1.0, 1.0).transpose(2, 0, 1)[None]
    image = torch.from_numpy(planes.copy())
    with (
        torch.inference_mode(),
        mock.patch.object(fid_inception, "load_state_dict_from_url", lambda *_, **__: state),
        mock.patch.object(fid_inception.models, "inception_v3", unfilled),
    ):
        mine = inception.forward(inception.build(state), image)[0]
        network = fid_inception.InceptionV3(resize_input=False, normalize_input=False).eval()
        theirs = network(image)[0].flatten()
    different = float((mine - theirs).abs().max() / theirs.abs().max())
    return Row(
        "fid", "D", "features of piq's Inception, seeded: relative difference", different, 0.0, 1e-5, 4
    )


# --------------------------------------------------------------------------------------------------- pyiqa

PYIQA = """
import json, sys, torch, pyiqa
files = sys.argv[1:]
values = {}
for name, metric, options in (
    ("psnr-y601", "psnr", {"test_y_channel": True, "color_space": "ycbcr"}),
    ("ssim-y601", "ssim", {"test_y_channel": True, "color_space": "ycbcr"}),
    ("ssim", "ssimc", {}),
):
    values[name] = float(pyiqa.create_metric(metric, device=torch.device("cpu"), **options)(*files))
print("VALUES " + json.dumps(values))
"""


def pyiqa_rows() -> Iterator[Row]:
    """Against pyiqa in the Python that $BOKEHBENCH_PYIQA_PYTHON names; nothing where it names none."""
    python = os.environ.get(PYTHON_VARIABLE)
    if not python:
        return
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("prediction.png", "target.png")]
        for file, image in zip(files, pair("A"), strict=True):
            images.write_png(file, image)
        command = [python, "-c", PYIQA, *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{python}: pyiqa failed: {done.stderr.strip().splitlines()[-1:]}")
    line = next(line for line in done.stdout.splitlines() if line.startswith("VALUES "))
    # pyiqa counts negative contrast as 0 in `ssimc` too, where `ssim` does not.
    tolerances = {"psnr-y601": 5e-5, "ssim-y601": 1e-6, "ssim": 5e-5}
    for metric, theirs in json.loads(line.removeprefix("VALUES ")).items():
        yield Row(metric, "A", "pyiqa", ours(metric, "A"), theirs, tolerances[metric])


def table(rows: list[Row]) -> str:
    return "\n".join([HEAD, *(row.line for row in rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="leave out the slowest")
    parser.add_argument("--json", type=Path, help="also write the rows, unrounded")
    arguments = parser.parse_args()
    rows = list(measure(quick=arguments.quick))
    print(table(rows))
    by_pyiqa = list(pyiqa_rows())
    if by_pyiqa:
        print("\n" + table(by_pyiqa))
    if arguments.json:
        records.write_json(arguments.json, [asdict(row) for row in (*rows, *by_pyiqa)])
    over = [row for row in (*rows, *by_pyiqa) if not row.agrees]
    for row in over:
        print(f"over its tolerance: {row}", file=sys.stderr)
    sys.exit(1 if over else 0)


if __name__ == "__main__":
    main()
