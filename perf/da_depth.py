"""What distillation for low-quality pictures is worth: `python perf/da_depth.py [--photos DIR] [--out DIR]`.

Without weights: a small Depth Anything is trained on drawn scenes of known depth, and becomes the teacher of
`bokehbench train da-depth`. Both are judged on other scenes, as `bokehbench depth --evaluate` does: AbsRel
and δ1 of clean and degraded pictures after alignment. Some minutes of one core. `--photos` adds how near the
features of degraded photographs come to those of clean ones, and a figure in the folder of `--out`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, DPTImageProcessor

from bokehbench import depth, images
from bokehbench.depth.accuracy import accuracy
from bokehbench.depth.checkpoint import find
from bokehbench.depth.degraded import keyed
from bokehbench.rng import stream
from bokehbench.synth.degrade import load_preset
from bokehbench.training.da_depth.anything import Anything, load
from bokehbench.training.da_depth.losses import disparity_distance, feature_distance, gradient_distance
from bokehbench.training.da_depth.settings import load as load_settings
from bokehbench.training.da_depth.train import Request, train
from bokehbench.training.picture_folder import square_of

SIDE, TESTS = 112, 32
REACH = (1.0, 10.0)
PRESET = load_preset("osediff_512")
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
FloatImage = npt.NDArray[np.float32]


def scene(seed: int) -> tuple[FloatImage, FloatImage]:
    """A picture [H, W, 3] in [0, 1] and its inverse depth [H, W] in 1/m: floor, and discs that stand on it.

    What tells the depth: texture is finer and haze thicker the farther a thing is.
    """
    rng = stream(seed, 0, "perf.da-depth")
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    inverse = 0.1 + 0.8 * (y / SIDE) ** rng.uniform(0.7, 1.5)
    label = np.zeros((SIDE, SIDE), np.int64)
    for number in range(1, 7):
        row, column = rng.uniform(0.1, 0.9, 2) * SIDE
        own, radius = rng.uniform(0.15, 1.0), rng.uniform(8.0, 26.0)
        inside = ((y - row) ** 2 + (x - column) ** 2 < radius**2) & (own > inverse)
        inverse[inside], label[inside] = own, number
    colours = rng.uniform(0.25, 0.75, (7, 3))
    period = 5.0 + 25.0 * inverse
    waves = np.sin(2 * np.pi * (x + 3 * label) / period) * np.sin(2 * np.pi * (y + 5 * label) / period)
    light = colours[label] + 0.22 * waves[..., None]
    haze = 0.5 * (1.0 - inverse[..., None]) ** 2
    picture = np.clip(light * (1.0 - haze) + 0.85 * haze, 0.0, 1.0)
    return picture.astype(np.float32), inverse.astype(np.float32)


def small_network(seed: int) -> DepthAnythingForDepthEstimation:
    """The architecture of Depth Anything V2 with 0.7 million weights."""
    torch.manual_seed(seed)
    backbone = {
        "model_type": "dinov2",
        "hidden_size": 96,
        "num_hidden_layers": 4,
        "num_attention_heads": 3,
        "image_size": SIDE,
        "patch_size": 14,
        "out_features": ["stage1", "stage2", "stage3", "stage4"],
        "reshape_hidden_states": False,
    }
    network = DepthAnythingForDepthEstimation(
        DepthAnythingConfig(
            backbone_config=backbone,
            reassemble_hidden_size=96,
            neck_hidden_sizes=[16, 32, 48, 64],
            fusion_hidden_size=24,
            head_hidden_size=16,
        )
    )
    with torch.no_grad():
        network.head.conv3.bias.fill_(0.5)  # the last ReLU lets something through
    return network


def tensor(image: FloatImage) -> torch.Tensor:
    """[1, 3, H, W]."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]


def make_teacher(folder: Path, steps: int, batch: int = 8) -> None:
    """Train on scenes of known depth, and store it as transformers does."""
    network = Anything(small_network(1), MEAN, DEVIATION)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 1.5e-3 * min(1.0, (step + 1) / 30) * (1.0 - step / steps)
        scenes = [scene(10_000 + step * batch + k) for k in range(batch)]
        seen = network(torch.cat([tensor(picture) for picture, _ in scenes])).disparity
        wanted = torch.from_numpy(np.stack([inverse for _, inverse in scenes]))
        loss = disparity_distance(seen, wanted) + 0.5 * gradient_distance(seen, wanted, 3)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        if step % 50 == 0 or step == steps - 1:
            print(f"teacher: step {step}, loss {float(loss.detach()):.3f}", flush=True)
    network.network.save_pretrained(folder)
    DPTImageProcessor(
        size={"height": SIDE, "width": SIDE},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        image_mean=MEAN,
        image_std=DEVIATION,
    ).save_pretrained(folder)


def judge(folder: Path) -> dict[str, tuple[float, float]]:
    """AbsRel and δ1 of clean and degraded scenes, and their means."""
    found: dict[str, list[tuple[float, float]]] = {"clean": [], "degraded": []}
    for number in range(TESTS):
        picture, inverse = scene(number)
        for name, image in (("clean", picture), ("degraded", keyed(picture, str(number), PRESET, 7))):
            raw = depth.predict_raw(str(folder), image).raw
            figures = accuracy(raw, 1.0 / inverse, np.ones_like(inverse, bool), REACH)
            found[name].append((figures.abs_rel, figures.delta1))
    means = {
        name: (statistics.fmean(a for a, _ in values), statistics.fmean(d for _, d in values))
        for name, values in found.items()
    }
    (clean, clean1), (degraded, degraded1) = means["clean"], means["degraded"]
    return {**means, "mean": ((clean + degraded) / 2, (clean1 + degraded1) / 2)}


@torch.no_grad()
def compare(teacher: Path, student: Path, folder: Path, out: Path | None) -> None:
    """Cosines of features, and a figure: clean, degraded; teacher on both, student on degraded and clean."""
    one, other, rows = load(find(str(teacher))).eval(), load(find(str(student))).eval(), []
    for name in images.find_images(folder).files:
        if "disparity" in name:
            continue
        square = square_of(images.read_image(folder / name), 1.0, np.full(2, 0.5), SIDE)
        bad = keyed(square, name, PRESET, 7)
        wanted = one(tensor(square))
        views = [one(tensor(bad)), other(tensor(bad)), other(tensor(square))]
        before, after, clean = (
            1.0 - float(feature_distance(view.features, wanted.features).mean()) for view in views
        )
        print(
            f"{name}: cosine to the teacher's features of the clean picture: "
            f"degraded {before:.4f} before, {after:.4f} after; clean {clean:.4f} after"
        )
        maps = [view.disparity[0].numpy() for view in (wanted, *views)]
        grey = [np.repeat((d - d.min())[..., None] / max(float(np.ptp(d)), 1e-6), 3, axis=2) for d in maps]
        rows.append(np.concatenate([square, bad, *grey], axis=1))
    if out is not None and rows:
        images.write_png(out / "da_depth.png", np.concatenate(rows, axis=0).astype(np.float32))


def main() -> None:
    """Train both, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher-steps", type=int, default=500)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--clean", type=float, default=0.25)
    parser.add_argument("--teacher", type=Path, help="Folder of a teacher that this script has made.")
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    work = asked.out or Path(tempfile.mkdtemp())
    teacher = asked.teacher or work / "teacher"
    if not (teacher / "config.json").is_file():
        make_teacher(teacher, asked.teacher_steps)
    pictures = work / "pictures"
    for number in range(400):
        images.write_png(pictures / f"{number:03d}.png", scene(100_000 + number)[0])
    changes = (
        f"data.crop={SIDE}", "data.least=64", "data.held_out=16", f"data.clean={asked.clean}",
        f"student.steps={asked.steps}", "student.batch=8", "student.lr=1.0e-3", "student.backbone_share=0.5",
        "student.precision=fp32", "student.schedule={shape: cosine, warm_up: 20, decay: 0}",
        f"student.validate_every={max(1, asked.steps // 4)}", "student.checkpoint_every=100",
    )  # fmt: skip
    settings = load_settings("small", changes)
    run = work / f"run-{asked.steps}-{asked.clean}"
    result = train(Request(settings, "small", str(pictures), run, teacher=str(teacher), device="cpu"))
    print({name: round(value, 4) for name, value in result.standings["student"].figures.items()})
    print("| network | clean AbsRel | δ1 | degraded AbsRel | δ1 | mean AbsRel | δ1 |")
    print("|---|---|---|---|---|---|---|")
    for name, folder in (("teacher", teacher), ("student", run / "da-depth")):
        cells = [f"{value:.4f}" for pair in judge(folder).values() for value in pair]
        print(f"| {name} | {' | '.join(cells)} |")
    if asked.photos:
        compare(teacher, run / "da-depth", asked.photos, asked.out)


if __name__ == "__main__":
    main()
