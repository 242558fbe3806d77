"""Claims about MPIB: the published networks, discs of light, what is hidden, planes composited."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bokehbench import weights as weight_files
from bokehbench.baselines.comparators import weights
from bokehbench.baselines.mpib.background import background, extended, hidden_behind
from bokehbench.baselines.mpib.blur import blurred, footprint
from bokehbench.baselines.mpib.networks import (
    DECODER,
    EMBEDDED,
    ENCODER,
    PLANES,
    AUPNet,
    Decoder,
    Encoder,
    MPIBNet,
    in_plane,
)
from bokehbench.baselines.mpib.procedure import composite, mpinet_size, render, upsampled_sizes
from bokehbench.baselines.mpib.renderer import MPIB, build, render_picture
from bokehbench.cases import Inputs
from bokehbench.errors import Unavailable
from bokehbench.optics import Lens
from bokehbench.registry import MethodSpec, get
from bokehbench.training.comparators import mpib as training
from bokehbench.training.comparators.settings import load_mpib

TINY = {"encoder": [4] * 5, "decoder": [4] * 5, "embedded": 1, "planes": 8}


def tiny(seed=0, copying=True):
    torch.manual_seed(seed)
    network = MPIBNet(**TINY).eval().requires_grad_(False)
    if copying:
        network.begin_by_copying()
    return network


def size(network):
    return sum(weight.numel() for weight in network.parameters())


def test_the_papers_networks_have_as_many_parameters_as_published():
    with torch.device("meta"):
        assert size(Encoder(ENCODER)) == 11_176_512 + 7 * 7 * 64  # ResNet-18 and a fourth channel
        assert size(Decoder(ENCODER, DECODER, EMBEDDED)) == pytest.approx(3.26e6, rel=1e-3)
        assert size(AUPNet()) == pytest.approx(40.5e3, rel=1e-3)
        compact = build(training.MPIB().config(load_mpib("compact")))
        assert 2 * size(compact) < 3e6


@pytest.mark.parametrize("radius", [0.7, 1.0, 2.6, 7.3])
def test_a_disc_is_the_sum_of_its_weights(radius):
    """Against a convolution written out."""
    torch.manual_seed(0)
    planes, reach = torch.rand(2, 23, 19), int(radius + 0.5)
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = torch.from_numpy(np.clip(radius - np.hypot(dx, dy) + 0.5, 0.0, 1.0)).float()
    kernel = (disc / disc.sum())[None, None]
    continued = torch.nn.functional.pad(planes, (reach,) * 4, mode="replicate")
    expected = torch.nn.functional.conv2d(continued[:, None], kernel)[:, 0]
    assert footprint(radius)[0] == pytest.approx(float(disc.sum()), rel=1e-6)
    assert torch.allclose(blurred(planes, radius), expected, atol=1e-5)
    # Linear: the gradient g of <blurred a, b> has <g, c> = <blurred c, b> for any c.
    planes.requires_grad_()
    other = torch.rand(2, 23, 19)
    (blurred(planes, radius)[0] * other[0]).sum().backward()
    found = (planes.grad[0] * other[1]).sum()
    assert found.item() == pytest.approx((blurred(other, radius)[1] * other[0]).sum().item(), rel=1e-4)


def wall_and_card(height=48, width=64, near=0.9, far=0.2):
    """A near card on the left half of a far wall, the card dark, the wall bright."""
    disparity = torch.full((1, 1, height, width), far)
    disparity[..., : width // 2] = near
    image = torch.where(disparity > 0.5, 0.1, 0.8).expand(1, 3, height, width).contiguous()
    return image, disparity


def test_each_pixel_is_in_one_plane():
    disparity = torch.tensor([0.0, 0.5 / PLANES, 1.0 / PLANES, 0.5, 1.0]).view(1, 1, 1, -1)
    planes = torch.cat([in_plane(disparity, n) for n in range(PLANES)], dim=1)[0, :, 0]
    assert planes.argmax(dim=0).tolist() == [0, 0, 1, 16, 31] and (planes.sum(dim=0) == 1.0).all()


def test_hidden_is_the_near_side_of_an_edge_as_far_as_light_looks():
    image, disparity = wall_and_card()
    hole = hidden_behind(disparity, 10.0)[0, 0]
    assert hole[:, :18].sum() == 0.0 and (hole[:, 24:32] == 1.0).all() and hole[:, 36:].sum() == 0.0
    # What is filled there is the wall, not the card.
    filled = background(image, disparity, 5.0)
    assert (filled[..., 24:32] > 0.7).all() and torch.equal(filled[..., :18], image[..., :18])
    assert torch.equal(background(image, disparity, 0.0), image)
    slope = torch.linspace(0, 1, 64).expand(1, 1, 48, 64)
    assert hidden_behind(slope, 10.0).sum() == 0.0
    assert torch.equal(extended(slope, 3)[..., 10], slope[..., 13])


def test_without_blur_the_planes_are_the_picture_and_k_0_is_the_input():
    image, disparity = wall_and_card()
    image = image * torch.rand(image.shape, generator=torch.Generator().manual_seed(0))
    alpha = torch.cat([in_plane(disparity, n) for n in range(PLANES)], dim=1)
    share = torch.rand(alpha.shape)
    made = composite(image, background(image, disparity, 0.0), share, alpha, 0.0, 0.3, 2.2)
    assert torch.allclose(made, image, atol=2e-3)  # light below 1e-6 is that
    picture = image[0].permute(1, 2, 0).numpy()
    inputs = Inputs("key", picture, disparity[0, 0].numpy(), Lens(K=0.0, disp_focus=0.3))
    assert np.array_equal(render_picture(tiny(copying=False), inputs), picture)


def test_a_picture_of_one_colour_stays_so_whatever_the_networks_say():
    _, disparity = wall_and_card()
    image = torch.full((1, 3, 48, 64), 0.6)
    for K, focus in ((6.0, 0.9), (6.0, 0.2), (40.0, 0.5)):
        made = render(tiny(copying=False), image, disparity, K, focus, 2.2)
        assert torch.allclose(made, image, atol=1e-3)


def test_a_card_in_focus_is_sharp_before_a_blurred_wall_and_shows_what_it_hides():
    image, disparity = wall_and_card()
    alpha = torch.cat([in_plane(disparity, n) for n in range(PLANES)], dim=1)
    none = torch.zeros_like(alpha)
    K = 8.0
    behind = background(image, disparity, K)
    sharp = composite(image, behind, none, alpha, K, 0.9, 2.2)
    assert torch.allclose(sharp[..., :30], image[..., :30], atol=0.01)
    # Focus behind: light of the wall passes the card's rim, which is see-through there.
    blurry = composite(image, behind, none, alpha, K, 0.2, 2.2)
    assert torch.allclose(blurry[..., 40:], image[..., 40:], atol=0.01)
    assert 0.2 < float(blurry[0, 0, 24, 33]) < 0.79
    # With the wall continued behind the card, and its share there, the rim is see-through on both sides.
    full = alpha.clone()
    full[:, 6] = 1.0
    share = none.clone()
    share[:, 6] = (disparity[:, 0] > 0.5).float()
    through = composite(image, behind, share, full, K, 0.2, 2.2)
    assert float(through[0, 0, 24, 29]) > float(blurry[0, 0, 24, 29]) + 0.05


def test_a_near_plane_that_covers_the_picture_hides_the_rest_up_to_the_frame():
    image, behind = torch.full((1, 3, 40, 48), 0.2), torch.full((1, 3, 40, 48), 0.9)
    alpha, share = torch.zeros(1, 8, 40, 48), torch.zeros(1, 8, 40, 48)
    alpha[:, [0, 7]] = 1.0
    share[:, 0] = 1.0
    made = composite(image, behind, share, alpha, 20.0, 0.0, 2.2)
    assert torch.allclose(made, image, atol=1e-4)


def test_sizes_follow_blur_and_double_up_to_the_picture():
    assert mpinet_size((1080, 1920), 10.0) == (512, 896)
    assert mpinet_size((1080, 1920), 100.0) == (320, 576)
    assert mpinet_size((270, 480), 12.0) == (256, 480)
    assert upsampled_sizes((1080, 1920), (320, 576)) == [(640, 1152), (1080, 1920)]
    assert upsampled_sizes((271, 480), (256, 480)) == [(270, 480)]
    network, (image, disparity) = tiny(), wall_and_card(70, 101)
    assert render(network, image, disparity, 50.0, 0.2, 2.2).shape == image.shape


def test_it_begins_with_planes_that_are_their_bins():
    network, (image, disparity) = tiny(), wall_and_card(64, 64)
    share, alpha = network.mpinet(image, disparity)
    inside = torch.cat([in_plane(disparity, n, 8) for n in range(8)], dim=1)
    assert (alpha - inside).abs().max() < 0.1 and share.max() < 0.2
    assert torch.allclose(
        network.aupnet(image, disparity, alpha[..., ::2, ::2]).mean(), alpha.mean(), atol=0.02
    )


def test_weights_come_back_and_missing_ones_are_said_to_be_so(tmp_path, monkeypatch):
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setenv(weight_files.FILE_VARIABLE, "")
    if not (get(MethodSpec, "mpib").weights_wanted()[0].beside / "mpib.safetensors").is_file():
        with pytest.raises(Unavailable, match="bokehbench train mpib"):
            MPIB()
    file, network = tmp_path / "mine.safetensors", tiny(4)
    monkeypatch.setenv(weight_files.FILE_VARIABLE, f"mpib={file}")
    weights.save(network, file, "mpib", TINY, {})
    for name, tensor in weights.load("mpib", build).state_dict().items():
        expected = network.state_dict()[name]
        assert torch.equal(tensor, expected.half().float() if expected.numel() > 1 else expected)
