"""Claims about the phases: what moves in each, bit for bit, at which rate, and by which loss."""

from collections import Counter

import pytest
import torch

from bokehbench.errors import ConfigError, Unavailable
from bokehbench.training.magicbokeh.build import before_training
from bokehbench.training.magicbokeh.settings import load
from bokehbench.training.magicbokeh.stages import AlternateStage, IsrStage, PictureLoss, open_loss
from tests.training.magicbokeh.conftest import small


def batch(*, bokeh, side=32, seed=0):
    draw = torch.Generator().manual_seed(seed)
    made = {
        name: 2.0 * torch.rand(2, 3, side, side, generator=draw) - 1.0 for name in ("lq", "target", "sharp")
    }
    return {**made, "c": torch.rand(2, 1, side, side, generator=draw)} if bokeh else made


def noisy(model):
    """Layers that start at 0 hide what is behind them from gradients."""
    with torch.no_grad():
        for number, weight in enumerate(model.parameters()):
            if not weight.any():
                torch.nn.init.normal_(weight, std=0.05, generator=torch.Generator().manual_seed(number))
    return model


def alternate(settings=None, **others):
    settings = settings or small()
    model = noisy(before_training(settings, None, None))
    loss = open_loss(settings.alternate.losses, "alternate")
    return AlternateStage(model, settings.alternate, loss, [batch(bokeh=True)], **others)


def step(task, optimiser, data):
    losses = task(data)
    optimiser.zero_grad()
    losses["loss"].backward()
    optimiser.step()
    return losses


def moved(task, before):
    return {name for name, value in task.model.named_parameters() if not torch.equal(value, before[name])}


def weights(task):
    return {name: value.detach().clone() for name, value in task.model.named_parameters()}


def names(task, phase):
    """Names in the model of what a phase trains."""
    own = {id(weight) for weight in task.model.trained(phase).values()}
    return {name for name, weight in task.model.named_parameters() if id(weight) in own}


def test_each_phase_moves_its_own_weights_and_not_one_bit_of_any_other():
    task = alternate()
    optimiser = task.optimiser(1e-2)
    bokeh, restored = names(task, "bokeh"), names(task, "isr-alternate")
    assert bokeh and restored and not bokeh & restored
    for number in range(4):  # moments of a phase that has had its turn must not move it in the other's
        before = weights(task)
        losses = step(task, optimiser, batch(bokeh=number % 2 == 0, seed=number))
        changed = moved(task, before)
        own = restored if number % 2 else bokeh
        assert changed <= own
        assert len(changed) > 0.5 * len(own)
        prefix = "isr" if number % 2 else "bokeh"
        assert {name.partition("_")[0] for name in losses} == {"loss", prefix}
    vae = {name for name in before if name.startswith("vae.")}
    assert vae and not vae & (bokeh | restored)


def test_each_phase_keeps_its_own_moments():
    adamw = load("paper").alternate.optimiser.model_dump_json()
    task = alternate(small(f"alternate.optimiser={adamw}"))
    optimiser = task.optimiser(1e-3)
    step(task, optimiser, batch(bokeh=True))
    first = {id(weight): optimiser.state[weight]["exp_avg"].clone() for weight in optimiser.state}
    step(task, optimiser, batch(bokeh=False))
    assert all(
        torch.equal(optimiser.state[weight]["exp_avg"], first[id(weight)])
        for weight in optimiser.param_groups[0]["params"]
        if id(weight) in first
    )
    counts = Counter(int(state["step"]) for state in optimiser.state.values())
    assert set(counts) == {1}


def test_the_rates_are_the_papers():
    settings = load("paper")
    assert settings.isr.lr == settings.alternate.lr == 5e-5
    adamw = settings.alternate.optimiser.model_dump_json()
    groups = alternate(small(f"alternate.optimiser={adamw}")).optimiser(settings.alternate.lr).param_groups
    shares = [group["share"] for group in groups]
    own = small().alternate
    assert shares == [1.0, own.isr_lr / own.lr]
    assert settings.alternate.isr_lr == 5e-6


def test_all_that_either_phase_trains_is_watched_and_averaged_from_the_start():
    task = alternate()
    asking = {name for name, weight in task.model.named_parameters() if weight.requires_grad}
    assert asking == names(task, "bokeh") | names(task, "isr-alternate")


def test_jointly_every_step_has_both_losses_and_moves_both():
    settings = small("isr=null", "alternate.strategy=joint", "alternate.isr_weight=0.5")
    task = alternate(settings, restored="isr")
    before = weights(task)
    losses = step(task, task.optimiser(1e-2), batch(bokeh=True))
    changed = moved(task, before)
    assert changed & names(task, "bokeh") and changed & names(task, "isr")
    assert changed <= names(task, "bokeh") | names(task, "isr")
    wanted = losses["bokeh_loss"] + 0.5 * losses["isr_loss"]
    assert losses["loss"].item() == pytest.approx(wanted.item(), rel=1e-6)
    alone = alternate(small("isr=null", "alternate.strategy=joint", "alternate.isr_weight=0"), restored="isr")
    assert "isr_loss" not in alone(batch(bokeh=True))
    with pytest.raises(ConfigError, match="strategy joint"):
        small("isr=null")


def test_restoration_before_bokeh_leaves_decoder_and_control_alone():
    settings = small()
    model = noisy(before_training(settings, None, None))
    task = IsrStage(model, settings.isr, open_loss(settings.isr.losses, "isr"), [batch(bokeh=True)])
    before = weights(task)
    for number in range(2):
        step(task, task.optimiser(1e-2), batch(bokeh=False, seed=number))
    changed, own = moved(task, before), names(task, "isr")
    assert changed <= own and any(name.startswith("vae.encoder") for name in changed)
    assert not any(name.startswith("vae.decoder") for name in changed)
    assert not changed & names(task, "bokeh")


def test_the_loss_is_squared_error_of_the_picture_as_it_is_and_lpips_of_it_clamped():
    class Recorded(torch.nn.Module):
        def forward(self, made, target):
            assert made.abs().max() <= 1.0
            return (made - target).abs().mean()

    losses = load("paper").isr.losses
    made, target = 1.5 * torch.ones(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    terms = PictureLoss(losses, Recorded())(made, target)
    assert terms["mse"].item() == pytest.approx(2.25)
    assert terms["loss"].item() == pytest.approx(2.25 + losses.lpips * 1.0)


def test_lpips_without_its_weights_is_refused_with_the_way_out(monkeypatch, tmp_path):
    for name in ("BOKEHBENCH_WEIGHTS", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    with pytest.raises(Unavailable, match=r"--set isr\.losses\.lpips=0"):
        open_loss(load("paper").isr.losses, "isr")


def test_validation_judges_both_tasks_beside_doing_nothing():
    task = alternate()
    figures = task.validate()
    assert figures == task.validate() and task.training
    assert set(figures) == {"score", "restoration", "input", "input_restoration", "round_trip"}
    shown = task.pictures()["lq_rendering_target_restored_sharp"]
    assert shown.shape == (3, 32, 5 * 32) and shown.min() >= 0.0 and shown.max() <= 1.0


def test_every_ablation_changes_what_its_name_says_and_nothing_else():
    paper = load("paper").to_json()
    changes = {
        "no-fama": [("model", "fama", "masked")],
        "no-da-depth": [("validation", "disparity")],
        "no-alternating": [
            ("isr",),
            ("alternate", "strategy"),
            ("alternate", "steps"),
            ("alternate", "isr_lr"),
        ],
    }
    for name, paths in changes.items():
        changed = load(name).to_json()
        for path in paths:
            inner, before = changed, paper
            for key in path[:-1]:
                inner, before = inner[key], before[key]
            assert inner[path[-1]] != before[path[-1]]
            inner[path[-1]] = before[path[-1]]
        assert changed == paper
    both = load("paper").isr.steps + load("paper").alternate.steps
    assert load("no-alternating").alternate.steps == both
