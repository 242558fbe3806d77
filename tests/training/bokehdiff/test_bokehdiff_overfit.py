"""Claim: the compact model can learn a pair as well as its VAE can show it (slow)."""

import json

import pytest
import torch

from bokehbench.baselines.bokehdiff import build
from bokehbench.synth.config import builtin_path, load_recipe
from bokehbench.synth.dataset import make_library
from bokehbench.synth.training import Augment, RenderCollate, SceneSource
from bokehbench.training.bokehdiff.data import KEYS, pairs
from bokehbench.training.bokehdiff.losses import open_loss
from bokehbench.training.bokehdiff.settings import load
from bokehbench.training.bokehdiff.stages import DenoiserStage
from bokehbench.training.diffusion.vae_stage import VaeStage

SCENES = ("size=[128, 128]", "foregrounds.kinds={leaves: 1, wires: 1}", "backgrounds.kinds={fairy_lights: 1}")


def a_pair():
    recipe = load_recipe(builtin_path("bokehdiff"), assignments=SCENES)
    scenes = SceneSource(
        recipe, make_library(recipe), root_seed=7, keys=KEYS, augment=Augment(crop=(128, 128))
    )
    return pairs(RenderCollate(KEYS, quality="standard")([scenes.pack(0)]))


def trained(task, batch, count, lr, every=50):
    """Steps with a rate that falls to 0; the curve of scores."""
    optimiser = task.optimiser(lr)
    curve = [(0, task.validate()["score"])]
    for step in range(1, count + 1):
        for group in optimiser.param_groups:
            group["lr"] = lr * group.get("share", 1.0) * min(1.0, 2.0 * (1.0 - (step - 1) / count))
        optimiser.zero_grad()
        task(batch)["loss"].backward()
        torch.nn.utils.clip_grad_norm_([w for w in task.parameters() if w.requires_grad], 1.0)
        optimiser.step()
        if step % every == 0:
            curve.append((step, task.validate()["score"]))
    return curve


@pytest.mark.slow
def test_one_pair_is_learnt_to_within_1_db_of_the_vaes_round_trip(tmp_path):
    settings, batch = load("compact"), a_pair()
    model = build.random_compact(1)
    model.vae.start_noise(settings.vae.noise)
    vae = trained(VaeStage(model, settings.vae, [batch]), batch, 600, 2e-3)
    with torch.no_grad():
        model.set_scaling(torch.cat([model.encode(batch[name]) for name in ("image", "target")]))
    loss = open_loss(settings.denoiser.losses)
    task = DenoiserStage(model, settings.denoiser, settings.model.pisa, loss, [batch], seed=1)
    curve = trained(task, batch, 300, 2e-3)
    ceiling = task.validate()["round_trip"]
    (tmp_path / "curve.json").write_text(json.dumps({"vae": vae, "denoiser": curve, "round_trip": ceiling}))
    print(json.dumps({"vae": vae, "denoiser": curve, "round_trip": ceiling}))
    assert curve[-1][1] > curve[0][1]
    assert curve[-1][1] > ceiling - 1.0
