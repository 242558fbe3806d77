"""Muon for convolutions: what a step is, whatever the gradient's size."""

from __future__ import annotations

import copy

import torch
from torch import nn

from bokehbench.training.muon import ADAM_RMS, ConvolutionMuon, orthogonal
from bokehbench.training.optimiser import Optimiser, made_for


def test_singular_values_become_alike_and_singular_vectors_stay() -> None:
    left, _ = torch.linalg.qr(torch.randn(40, 40, generator=torch.Generator().manual_seed(0)))
    right, _ = torch.linalg.qr(torch.randn(90, 40, generator=torch.Generator().manual_seed(1)))
    values = torch.linspace(1.0, 20.0, 40)
    made = left.T @ orthogonal(left @ torch.diag(values) @ right.T) @ right
    assert made.diagonal().min() > 0.6
    assert made.diagonal().max() < 1.3
    assert (made - torch.diag(made.diagonal())).abs().max() < 1e-4
    torch.testing.assert_close(orthogonal(right @ left.T), orthogonal(left @ right.T).T, atol=1e-5, rtol=0)


def test_a_step_does_not_depend_on_the_size_of_the_gradient_and_has_adams_scale() -> None:
    steps = []
    for scale in (1.0, 1e-3):
        torch.manual_seed(0)
        layer = nn.Conv2d(64, 64, 3)
        before = layer.weight.detach().clone()
        layer.weight.grad = scale * torch.randn_like(layer.weight)
        ConvolutionMuon([layer.weight], lr=1e-2, factor=1.0).step()
        steps.append(layer.weight.detach() - before)
    torch.testing.assert_close(*steps, atol=1e-6, rtol=1e-3)
    assert 0.7 < steps[0].square().mean().sqrt() / (1e-2 * ADAM_RMS) < 1.3


def test_small_kernels_and_biases_take_adams_step() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Conv2d(8, 4, 3), nn.Conv2d(8, 4, 3)
    theirs.load_state_dict(ours.state_dict())
    optimisers = (ConvolutionMuon(ours.parameters(), lr=1e-2), torch.optim.Adam(theirs.parameters(), lr=1e-2))
    for _ in range(5):
        picture = torch.randn(2, 8, 9, 9)
        for layer, optimiser in zip((ours, theirs), optimisers, strict=True):
            optimiser.zero_grad()
            layer(picture).square().mean().backward()
            optimiser.step()
    torch.testing.assert_close(ours.weight, theirs.weight, atol=1e-6, rtol=1e-4)


def test_a_stored_state_goes_on_with_the_same_bytes() -> None:
    torch.manual_seed(0)
    layer, twin = nn.Conv2d(32, 32, 3), nn.Conv2d(32, 32, 3)
    gradients = [torch.randn_like(layer.weight) for _ in range(4)]
    first = ConvolutionMuon(layer.parameters(), lr=1e-3)
    for number, gradient in enumerate(gradients):
        if number == 2:
            twin.load_state_dict(layer.state_dict())
            second = ConvolutionMuon(twin.parameters(), lr=1e-3)
            second.load_state_dict(copy.deepcopy(first.state_dict()))
        for weights, optimiser in ((layer, first), (twin, second)) if number >= 2 else ((layer, first),):
            weights.weight.grad = gradient.clone()
            optimiser.step()
    assert torch.equal(layer.weight, twin.weight)


def test_parts_have_shares_of_the_rate_under_muon_and_under_adamw() -> None:
    kernel, bias = nn.Conv2d(32, 32, 3), nn.Conv2d(32, 32, 3)
    groups = [{"params": list(kernel.parameters())}, {"params": list(bias.parameters()), "share": 0.1}]
    for muon, wanted in ((None, [1.0, 0.1]), (2.0, [2.0, 1.0, 0.2, 0.1])):
        settings = Optimiser(betas=(0.9, 0.99), weight_decay=0.0, eps=1e-8, muon=muon)
        made = made_for(groups, settings, lr=1e-3)
        assert [group.get("share", 1.0) for group in made.param_groups] == wanted
        assert sum(len(group["params"]) for group in made.param_groups) == 4
