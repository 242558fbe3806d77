"""PISA's forms against each other, and the reference against formulas written a second time, in numpy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates
from torch import Tensor
from torch.nn import functional

from bokehbench.baselines.bokehdiff.pisa import blocked, chance
from bokehbench.baselines.bokehdiff.pisa.attention import form_for, pisa
from bokehbench.baselines.bokehdiff.pisa.blocked import pisa_blocked
from bokehbench.baselines.bokehdiff.pisa.reference import pisa_reference
from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings

TRAINING = {"samples": 3, "jitters": 3, "dropout": 0.2}


def problem(
    batch: int, heads: int, grid: tuple[int, int], channels: int, seed: int, kind: torch.dtype = torch.float32
) -> tuple[list[Tensor], Scene]:
    draw = torch.Generator().manual_seed(seed)
    parts = [
        torch.randn(batch, heads, grid[0] * grid[1], channels, generator=draw, dtype=kind) for _ in range(3)
    ]
    coarse = torch.rand(batch, 1, 3, 3, generator=draw)
    disparity = functional.interpolate(coarse, (12 * grid[0], 12 * grid[1]), mode="bilinear")
    return parts, Scene(disparity, (disparity - 0.4).abs() * 70)


def with_gradients(form: Callable[..., Tensor], parts: list[Tensor], *arguments: object) -> list[Tensor]:
    inputs = [part.clone().requires_grad_() for part in parts]
    out = form(*inputs, *arguments, torch.Generator().manual_seed(7))
    wave = torch.sin(torch.arange(float(out.numel()))).view_as(out)
    return [out.detach(), *torch.autograd.grad((out * wave).sum(), inputs)]


@pytest.mark.parametrize(
    ("shape", "settings", "hardness"),
    [
        ((2, 3, (5, 8), 6), PisaSettings(**TRAINING), 3.0),
        ((1, 2, (7, 4), 16), PisaSettings(**TRAINING), 5e4),
        ((2, 1, (3, 13), 5), PisaSettings(), 1e7),
        ((1, 2, (6, 6), 8), PisaSettings(compat=True), 1e7),
        ((1, 2, (5, 7), 8), PisaSettings(query_softmax=False, **TRAINING), 40.0),
        ((1, 1, (1, 33), 4), PisaSettings(coc=False), 3.0),
        ((2, 2, (4, 9), 3), PisaSettings(occlusion=False, dropout=0.3), 1e3),
    ],
)
def test_by_blocks_is_the_reference_with_gradients(
    monkeypatch: pytest.MonkeyPatch, shape: tuple, settings: PisaSettings, hardness: float
) -> None:
    monkeypatch.setattr(blocked, "WEIGHTS", 1)  # blocks of 16 tokens
    batch, heads, grid, channels = shape
    parts, scene = problem(batch, heads, grid, channels, seed=sum(grid))
    arguments = (scene, grid, settings, hardness)
    expected, found = (with_gradients(form, parts, *arguments) for form in (pisa_reference, pisa_blocked))
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.allclose(ours, theirs, atol=2e-5 * float(theirs.abs().max().clamp(min=0.1)))


@pytest.mark.parametrize("query_softmax", [True, False])
def test_gradients_by_blocks_are_those_of_finite_differences(
    monkeypatch: pytest.MonkeyPatch, query_softmax: bool
) -> None:
    monkeypatch.setattr(blocked, "WEIGHTS", 1)
    parts, scene = problem(1, 2, (3, 7), 2, 0, torch.float64)
    settings = PisaSettings(query_softmax=query_softmax, **TRAINING)

    def form(*tensors: Tensor) -> Tensor:
        return pisa_blocked(*tensors, scene, (3, 7), settings, 20.0, torch.Generator().manual_seed(1))

    inputs = [part.requires_grad_() for part in parts]
    wave = torch.sin(torch.arange(parts[0].numel(), dtype=torch.float64)).view_as(parts[0])
    gradients = torch.autograd.grad((form(*inputs) * wave).sum(), inputs)
    draw, step = torch.Generator().manual_seed(2), 1e-5
    for place in range(3):
        for _ in range(3):  # along random directions
            way = torch.randn(parts[place].shape, generator=draw, dtype=torch.float64)
            ahead, back = (
                [part + sign * step * way if i == place else part for i, part in enumerate(parts)]
                for sign in (1, -1)
            )
            slope = ((form(*ahead) - form(*back)) * wave).sum() / (2 * step)
            assert float(slope.detach()) == pytest.approx(
                float((gradients[place] * way).sum()), rel=1e-6, abs=1e-7
            )


def test_by_blocks_keeps_no_weights_between_forward_and_backward() -> None:
    parts, scene = problem(1, 4, (8, 8), 4, 0)
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        out = pisa_blocked(*(part.requires_grad_() for part in parts), scene, (8, 8), PisaSettings(), 3.0)
    assert out.requires_grad and sum(kept) == 3 * parts[0].numel()


@pytest.mark.parametrize("form", [pisa_reference, pisa_blocked])
def test_bfloat16_is_close(form: Callable[..., Tensor]) -> None:
    parts, scene = problem(1, 2, (6, 8), 16, 0)
    settings = PisaSettings(samples=3, jitters=2)
    exact = form(*parts, scene, (6, 8), settings, 1e7)
    half = form(*(part.bfloat16() for part in parts), scene, (6, 8), settings, 1e7)
    assert half.dtype == torch.bfloat16
    assert float((half.float() - exact).abs().max()) < 0.02 * float(exact.abs().max())
    with torch.autocast("cpu", dtype=torch.bfloat16):  # weights stay in float32
        under = pisa(*parts, scene, (6, 8), settings, 1e7)
    assert torch.allclose(under, exact, atol=1e-5)


def test_auto_takes_blocks_off_a_gpu() -> None:
    token = torch.zeros(1, 1, 4, 2)
    assert form_for(token, PisaSettings()) == "blocked"
    assert form_for(token, PisaSettings(form="reference")) == "reference"
    cuda = torch.zeros(1, 1, 4, 2, device="meta").to("meta", torch.float64)
    assert form_for(cuda, PisaSettings()) == "blocked"


def in_numpy(
    parts: list[np.ndarray], disparity: np.ndarray, radius: np.ndarray, hardness: float, compat: bool
) -> np.ndarray:
    """One head of PISA, pair by pair, for a picture of 3 x 3 pixels a token (so that no map is resized)."""
    query, key, value = parts
    h, w = disparity.shape[0] // 3, disparity.shape[1] // 3
    settings = PisaSettings(samples=4, jitters=3)
    shifts = chance.draw(settings, h * w, torch.Generator().manual_seed(7)).shifts.numpy()
    fine = np.clip(disparity, 0.001, 0.999)
    d, r = fine[1::3, 1::3].ravel(), radius[1::3, 1::3].ravel()
    place = [(column + 0.5, row + 0.5) for row in range(h) for column in range(w)]
    unit = [(x / (w - 1), y / (h - 1)) for y in range(h) for x in range(w)]
    weight = np.zeros((h * w, h * w))
    for q in range(h * w):
        for k in range(h * w):
            a = query[q] @ key[k] / math.sqrt(query.shape[1])
            if compat:
                bracket = r[k] / 10 - 51.2 * math.dist(unit[q], unit[k])
            else:
                bracket = (r[k] - 3 * math.dist(place[q], place[k])) / 10
            weight[q, k] = math.exp(a) / (1 + math.exp(-math.log(hardness) * bracket))
    weight /= weight.sum(0)
    for q in range(h * w):
        for k in range(h * w):
            rays = 0
            for shift in shifts[:, q]:
                for p in np.linspace(0.1, 0.9, 4):
                    delta = p * d[k] + 1 - p
                    own = p * d[q] + 1 - p if compat else delta
                    reach = ((1 - own) / own) / ((1 - d[k]) / d[k])
                    x, y = (place[q][i] + (place[k][i] - place[q][i]) * reach + shift[i] for i in (0, 1))
                    at = [[3 * y - 0.5], [3 * x - 0.5]]
                    if map_coordinates(fine, at, order=1, mode="grid-constant")[0] > delta:
                        rays += 1
                        break
            weight[q, k] *= 1 - min(rays / 3, 0.99)
    return weight @ value


@pytest.mark.parametrize(("compat", "blur"), [(False, 12.0), (True, 300.0)])
@pytest.mark.parametrize("form", [pisa_reference, pisa_blocked])
def test_the_formulas_written_again_in_numpy(form: Callable, compat: bool, blur: float) -> None:
    """Square, as the released code wants it; ordinary disparities, at 0 and at 1 among them."""
    draw = np.random.default_rng(3)
    parts = [draw.normal(size=(16, 5)) for _ in range(3)]
    disparity = draw.uniform(size=(12, 12)).round(2)
    disparity[3:5, 2:9] = 1.0
    disparity[8:, 8:] = 0.0
    radius = blur * np.abs(disparity - 0.5)
    expected = in_numpy(parts, disparity, radius, 50.0, compat)
    scene = Scene(torch.from_numpy(disparity)[None, None], torch.from_numpy(radius)[None, None])
    found = form(
        *(torch.from_numpy(part)[None, None] for part in parts),
        scene,
        (4, 4),
        PisaSettings(samples=4, jitters=3, compat=compat),
        50.0,
        torch.Generator().manual_seed(7),
    )
    assert np.allclose(found[0, 0].numpy(), expected, atol=1e-5)
