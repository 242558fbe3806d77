"""Claim: in turns, the model learns to blur a picture and keeps what it knows of restoring it (slow)."""

import json

import pytest
import torch

from bokehbench.synth.config import builtin_path, load_recipe
from bokehbench.synth.dataset import make_library
from bokehbench.synth.training import Augment, RenderCollate, SceneSource
from bokehbench.training.diffusion.vae_stage import VaeStage, fill_vae
from bokehbench.training.magicbokeh.build import before_training
from bokehbench.training.magicbokeh.data import BOKEH_KEYS, bokeh_pairs
from bokehbench.training.magicbokeh.settings import load
from bokehbench.training.magicbokeh.stages import AlternateStage, IsrStage, open_loss

SCENES = (
    "size=[64, 64]",
    "optics.K_at_512={uniform: [80, 96]}",
    "foregrounds.kinds={leaves: 1, wires: 1}",
    "backgrounds.kinds={fairy_lights: 1}",
)
SIZES = (
    "model.sizes={vae_channels: [16, 16, 32], unet_channels: [32, 32, 48], head_width: 16, "
    "condition_channels: [8, 8, 16], condition_unit_px: 32}"
)


def a_pair():
    keys = (*BOKEH_KEYS, "lq")
    recipe = load_recipe(builtin_path("magicbokeh"), assignments=SCENES)
    scenes = SceneSource(
        recipe,
        make_library(recipe),
        root_seed=7,
        keys=keys,
        augment=Augment(crop=(64, 64)),
        degrade="realesrgan_x4_lq",
    )
    return bokeh_pairs(RenderCollate(keys, quality="standard")([scenes.pack(0)]), unit_px=32.0)


def trained(task, batches, count, lr):
    """Steps with a rate that falls to 0."""
    optimiser = task.optimiser(lr)
    for step in range(count):
        for group in optimiser.param_groups:
            group["lr"] = lr * group.get("share", 1.0) * min(1.0, 2.0 * (1.0 - step / count))
        losses = task(batches[step % len(batches)])
        optimiser.zero_grad()
        losses["loss"].backward()
        torch.nn.utils.clip_grad_norm_([w for w in task.parameters() if w.requires_grad], 1.0)
        optimiser.step()
    return task.validate()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Scores of one picture learnt by heart, after each stage."""
    settings, bokeh = load("compact", (SIZES, "alternate.isr_lr=5e-4")), a_pair()
    sharp = {"lq": bokeh["lq"], "target": bokeh["sharp"]}
    both = {"image": bokeh["sharp"], "target": bokeh["target"]}
    model = before_training(settings, None, None)
    model.vae.start_noise(settings.vae.noise)
    found = {"vae": trained(VaeStage(model, settings.vae, [both]), [both], 400, 3e-3)}
    pictures = [bokeh["sharp"], bokeh["target"]]
    fill_vae(model, dict(model.vae.state_dict()), tmp_path_factory.mktemp("vae"), pictures)
    isr = IsrStage(model, settings.isr, open_loss(settings.isr.losses, "isr"), [bokeh])
    found["isr"] = trained(isr, [sharp], 200, 2e-3)
    model.start_control()
    loss = open_loss(settings.alternate.losses, "alternate")
    task = AlternateStage(model, settings.alternate, loss, [bokeh])
    found["alternate"] = trained(task, [bokeh, sharp], 400, 2e-3)
    print(json.dumps(found))
    return found


@pytest.mark.slow
def test_one_picture_is_restored_and_blurred_better_than_it_comes(found):
    assert found["isr"]["score"] > found["isr"]["input"] + 10.0
    last = found["alternate"]
    assert last["score"] > last["input"] + 3.0


@pytest.mark.slow
@pytest.mark.xfail(strict=True, reason="bokeh moves what restoration goes through: docs/magicbokeh.md")
def test_one_picture_stays_restored_while_bokeh_is_learnt(found):
    assert found["alternate"]["restoration"] > found["isr"]["score"] - 2.0
