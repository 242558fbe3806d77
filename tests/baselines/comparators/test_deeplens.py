"""Claims about the DeepLens-style renderer: means of features, nothing shifted, sizes by picture and blur."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from bokehbench import weights as weight_files
from bokehbench.baselines.comparators import weights
from bokehbench.baselines.deeplens.network import DeepLensNet, mean_of
from bokehbench.baselines.deeplens.renderer import (
    DeepLens,
    build,
    render,
    render_picture,
    steps_for_blur,
    steps_for_size,
)
from bokehbench.cases import Inputs
from bokehbench.errors import InputError, Unavailable
from bokehbench.optics import Lens
from bokehbench.registry import MethodSpec, get
from bokehbench.training.comparators.methods import DeepLens as Training
from bokehbench.training.comparators.methods import by_steps
from bokehbench.training.comparators.settings import load_deeplens

TINY = {"blur_width": 8, "upsampling_width": 4}


def tiny(seed=0):
    torch.manual_seed(seed)
    return DeepLensNet(**TINY).eval().requires_grad_(False)


def scene(height=32, width=48, most=4.0, seed=0):
    torch.manual_seed(seed)
    return torch.rand(1, 3, height, width), most * (2.0 * torch.rand(1, 1, height, width) - 1.0)


def size(network):
    return sum(weight.numel() for weight in network.parameters())


def test_networks_are_of_the_size_that_is_said():
    with torch.device("meta"):
        paper, compact = DeepLensNet(), build(Training().config(load_deeplens("compact")))
    # 31 and 32 feature pictures, three channels each: 3 + 90 and 6 + 90.
    assert (paper.features.count, paper.sharpening.count) == (31, 32)
    by_hand = (3 * 9 + 1) * 30 + (30 * 25 + 1) * 30 + (30 * 25 + 1) * 15 + (15 * 25 + 1) * 15
    assert size(paper.features) == by_hand
    assert size(paper.sharpening) == by_hand + 3 * 9 * 30
    assert 2 * size(compact) < 2e6 < 2 * size(paper) < 5e6


def test_what_is_shown_is_a_mean_of_features():
    torch.manual_seed(0)
    features, logits = torch.rand(2, 5, 3, 4, 6), torch.randn(2, 5, 4, 6)
    made = mean_of(features, logits)
    assert (made <= features.amax(dim=1) + 1e-6).all() and (made >= features.amin(dim=1) - 1e-6).all()
    # A feature with all the weight is what is shown.
    logits[:, 2] = 1e6
    assert torch.allclose(mean_of(features, logits), features[:, 2], atol=1e-4)


def mirrored(network):
    """All kernels mirrored: features and weights are pictures, their channels stay."""
    other = tiny()
    other.load_state_dict({n: t.flip(-1) if t.ndim == 4 else t for n, t in network.state_dict().items()})
    return other


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_nothing_is_shifted_a_mirrored_network_shows_the_mirrored_picture(steps):
    network, (image, defocus) = tiny(), scene(32, 64)
    made = network(image, defocus, steps)
    flipped = mirrored(network)(image.flip(-1), defocus.flip(-1), steps)
    assert torch.allclose(made, flipped.flip(-1), atol=1e-5)


def test_it_begins_with_mostly_the_sharp_picture_at_every_size_and_blurred_ones_beside_it():
    network, (noise, defocus) = tiny(), scene()
    network.begin_by_copying()
    image = functional.interpolate(noise[..., ::8, ::8], (32, 48), mode="bilinear")
    for steps in (0, 1, 2):
        assert (network(image, defocus, steps) - image).abs().mean() < 0.06
    features = network.features(noise)[0]
    spread = [features[n, :, 8:-8, 8:-8].std().item() for n in (0, 1, 11, 21, 26)]  # of each layer the first
    assert spread[1] < 0.6 * spread[0] and spread[2] < 0.6 * spread[1]
    assert spread == sorted(spread, reverse=True)
    middle = features[26, :, 8:-8, 8:-8].mean(dim=(1, 2))
    assert torch.allclose(middle, noise[0].mean(dim=(1, 2)), atol=0.05)


def test_radii_count_in_pixels_of_the_size_at_which_they_are_seen():
    network, seen = tiny(), []
    network.weights.register_forward_pre_hook(lambda _, given: seen.append(given[1]))
    image, _ = scene()
    for steps, radius in ((0, 4.0), (1, 8.0), (2, 16.0)):
        network(image, torch.full((1, 1, 32, 48), -radius), steps)
    # The same picture, larger: the same blur is told. 4 pixels of the small one are 0.4.
    assert all(torch.allclose(one, torch.full_like(one, -0.4)) for one in seen)


def test_halvings_follow_size_and_blur():
    assert [steps_for_size((1, 3, side, 9)) for side in (640, 641, 1280, 1281, 4000)] == [0, 1, 1, 2, 2]
    radii = (0.0, 0.1, 7.0, 7.1, 14.0, 14.1, 50.0)
    assert [steps_for_blur(torch.tensor([-radius])) for radius in radii] == [0, 0, 0, 1, 1, 2, 3]
    network, (image, defocus) = tiny(), scene(most=13.0)
    assert torch.equal(render(network, image, defocus), network(image, defocus, 1))


def test_a_batch_is_that_of_its_crops_with_their_own_halvings():
    network = tiny()
    image = torch.rand(4, 3, 32, 32)
    defocus = torch.tensor([3.0, 3.0, 20.0, 10.0]).view(4, 1, 1, 1) * torch.rand(4, 1, 32, 32)
    defocus[:, :, 0, 0] = torch.tensor([[3.0], [3.0], [20.0], [10.0]])
    made = by_steps(network, {"image": image, "defocus": defocus})
    for number, steps in enumerate((0, 1, 2, 2)):
        alone = network(image[number : number + 1], defocus[number : number + 1], steps)
        assert torch.allclose(made[number], alone[0], atol=1e-5)


def test_weights_come_back_and_what_is_wrong_with_them_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setenv(weight_files.FILE_VARIABLE, "")
    if not (get(MethodSpec, "deeplens").weights_wanted()[0].beside / "deeplens.safetensors").is_file():
        with pytest.raises(Unavailable, match="bokehbench train deeplens"):
            DeepLens()
    file, network = tmp_path / "mine.safetensors", tiny(4)
    monkeypatch.setenv(weight_files.FILE_VARIABLE, f"deeplens={file}")
    weights.save(network, file, "deeplens", TINY, {})
    for name, tensor in weights.load("deeplens", build).state_dict().items():
        assert torch.equal(tensor, network.state_dict()[name].half().float())
    image = 2.0 * np.random.default_rng(0).random((19, 23, 3), np.float32)
    inputs = Inputs("key", image, image[..., 0] / 2.0, Lens(K=9.0, disp_focus=0.5))
    made = get(MethodSpec, "deeplens").create().render(inputs)
    assert made.shape == image.shape and made.min() >= 0.0
    assert np.allclose(made, render_picture(network, inputs), atol=0.02)
    weights.save(network, file, "deepfocus", TINY, {})
    with pytest.raises(InputError, match="kind 'deepfocus'"):
        DeepLens()
