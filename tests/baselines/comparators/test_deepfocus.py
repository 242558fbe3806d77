"""Claims about DeepFocus: the published network, nothing shifted, light kept, shrunk as BokehMe does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from bokehbench import weights as weight_files
from bokehbench.baselines.bokehme.networks import resize
from bokehbench.baselines.comparators import weights
from bokehbench.baselines.deepfocus import network as networks
from bokehbench.baselines.deepfocus.network import DeepFocusNet, from_blocks, to_blocks
from bokehbench.baselines.deepfocus.renderer import (
    DeepFocus,
    build,
    render,
    render_adaptively,
    render_picture,
)
from bokehbench.benchmarks.locate import open_benchmark
from bokehbench.cases import Inputs
from bokehbench.errors import InputError, Unavailable
from bokehbench.metrics.psnr import psnr
from bokehbench.optics import Lens, decode
from bokehbench.records import read_json
from bokehbench.registry import MethodSpec, get


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder of weights."""
    monkeypatch.setenv(weight_files.FILE_VARIABLE, "")
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def small(seed=0, width=16):
    torch.manual_seed(seed)
    return DeepFocusNet(width).eval().requires_grad_(False)


def scene(height=24, width=32, seed=0):
    """Picture, disparity and signed defocus of up to 4 pixels."""
    torch.manual_seed(seed)
    disparity = torch.rand(1, 1, height, width)
    return torch.rand(1, 3, height, width), disparity, 8.0 * (disparity - 0.5)


def test_the_paper_s_network_has_as_many_parameters_as_published():
    with torch.device("meta"):
        network = DeepFocusNet()
    sizes = {name: tensor.numel() for name, tensor in network.named_parameters()}
    assert sum(sizes.values()) == 924_324
    assert sum(size for name, size in sizes.items() if "convolution" in name) == 922_508


def test_blocks_hold_whole_pixels_one_after_the_other():
    picture = torch.arange(2.0 * 4 * 4).view(1, 2, 4, 4)
    blocks = to_blocks(picture)
    assert torch.equal(blocks[0, :, 0, 0], torch.tensor([0.0, 16, 1, 17, 4, 20, 5, 21]))
    assert torch.equal(from_blocks(blocks), picture)


def test_what_skips_layers_is_added_where_the_paper_adds_it():
    """An independent form of the eight layers, written out."""
    network = small()
    c = [lambda x, layer=layer: layer(x) for layer in network.trunk.layers]
    elu, cells = functional.elu, torch.randn(1, 20, 6, 6)
    h0 = elu(c[0](cells))
    h2 = elu(c[2](elu(c[1](h0))))
    h4 = elu(c[4](elu(c[3](h2 + h0))))
    h6 = elu(c[6](elu(c[5](h4 + h2))))
    assert torch.allclose(network.trunk(cells), torch.sigmoid(2.0 * c[7](h6 + h4)), atol=1e-6)


def mirrored(network):
    """The network whose kernels are mirrored, and the columns of whose blocks change places."""
    other = small(width=network.width)
    other.load_state_dict(network.state_dict())
    columns = torch.tensor([1, 0, 3, 2])
    for number, layer in enumerate(other.trunk.layers):
        weight = layer.convolution.weight.data.flip(-1)
        if number == 0:
            weight = weight.unflatten(1, (4, 5))[:, columns].flatten(1, 2)
        if number == 7:
            weight = weight.unflatten(0, (4, 3))[columns].flatten(0, 1)
            layer.convolution.bias.data = layer.convolution.bias.data.unflatten(0, (4, 3))[columns].flatten()
        layer.convolution.weight.data = weight
    return other


@pytest.mark.parametrize("way", [render, render_adaptively])
def test_nothing_is_shifted_a_mirrored_network_shows_the_mirrored_picture(way):
    network, (image, disparity, defocus) = small(), scene()
    defocus = 5.0 * defocus  # 20 pixels: shrunk by half
    flipped = way(mirrored(network), image.flip(-1), disparity.flip(-1), defocus.flip(-1))
    assert torch.allclose(way(network, image, disparity, defocus), flipped.flip(-1), atol=1e-5)


def test_the_network_is_told_the_diameter_and_no_side_of_focus():
    network, (image, disparity, defocus) = small(), scene()
    seen = []
    network.trunk.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    render(network, image, disparity, defocus)
    told = from_blocks(seen[0])[:, 4:] + 0.5  # five planes: colours, disparity, diameter / 30
    assert torch.allclose(told, 2.0 * defocus.abs() / 30.0, atol=1e-6)
    assert torch.equal(
        render(network, image, disparity, defocus), render(network, image, disparity, -defocus)
    )


def test_adaptive_rendering_is_the_plain_one_up_to_ten_pixels_and_scales_beyond():
    network, (image, disparity, defocus) = small(), scene()
    same = render(network, image, disparity, defocus)
    assert torch.equal(render_adaptively(network, image, disparity, defocus), same)
    most = defocus.abs().max()
    twice = defocus * (20.0 / most)
    size = (image.shape[-2] // 2, image.shape[-1] // 2)
    shrunk = render(network, resize(image, size), resize(disparity, size), resize(twice / 2.0, size))
    expected = resize(shrunk, image.shape[-2:])
    assert torch.allclose(render_adaptively(network, image, disparity, twice), expected, atol=1e-5)
    # Sizes with blur alike: nothing but the relation of radius and picture matters.
    assert render_adaptively(network, image, disparity, 3.0 * twice).shape == image.shape


def test_odd_pictures_and_parts_of_large_ones(monkeypatch):
    network, (image, disparity, defocus) = small(), scene(25, 33)
    whole = render(network, image, disparity, defocus)
    assert whole.shape == image.shape
    assert torch.allclose(render(network, image, disparity, defocus, tile=5), whole, atol=1e-6)
    even = [functional.pad(one, (0, 1, 0, 1), mode="replicate") for one in (image, disparity, defocus)]
    assert torch.equal(render(network, *even)[..., :25, :33], whole)


def test_it_may_begin_with_the_sharp_picture():
    network, (image, disparity, defocus) = small(), scene()
    network.begin_by_copying()
    made = render(network, image, disparity, defocus)
    bent = 0.5 + 0.5 * torch.tanh(networks.STEEPNESS * (2.0 * image - 1.0))
    assert torch.allclose(made, bent, atol=1e-6)
    assert (bent - image).abs().max() < 0.08


def inputs(image, K=4.0, gamma=2.2):
    disparity = np.linspace(0, 1, image.shape[1], dtype=np.float32)[None].repeat(image.shape[0], 0)
    return Inputs("key", image, disparity, Lens(K=K, disp_focus=0.5, gamma=gamma))


def test_light_beyond_white_is_scaled_and_other_encodings_are_encoded_anew():
    network = small()
    image = np.random.default_rng(0).random((16, 20, 3), np.float32)
    image[0, 0] = 1.0
    # Twice the encoded values: the network sees the same picture.
    plain, bright = (render_picture(network, inputs(factor * image), False) for factor in (1.0, 2.0))
    assert np.allclose(bright, 2.0 * plain, atol=1e-5)
    linear = render_picture(network, inputs(decode(image, 2.2).astype(np.float32), gamma=1.0), False)
    assert np.allclose(linear, decode(plain, 2.2), atol=1e-4)


def test_weights_come_back_in_half_precision(home, monkeypatch):
    network = small(3)
    weights.save(network, home / "deepfocus.safetensors", "deepfocus", {"width": 16}, {"steps": 7})
    monkeypatch.setenv(weight_files.FILE_VARIABLE, f"deepfocus={home / 'deepfocus.safetensors'}")
    back = weights.load("deepfocus", build)
    for name, tensor in back.state_dict().items():
        assert torch.equal(tensor, network.state_dict()[name].half().float())
    image = np.random.default_rng(0).random((8, 8, 3), np.float32)
    for name in ("deepfocus", "deepfocus-dagger"):
        spec = get(MethodSpec, name)
        assert spec.weights_sha256().keys() == {"deepfocus.safetensors"}
        assert spec.create().render(inputs(image)).shape == image.shape


def test_missing_and_wrong_weights_are_said_to_be_so(home, monkeypatch):
    if not (get(MethodSpec, "deepfocus").weights_wanted()[0].beside / "deepfocus.safetensors").is_file():
        with pytest.raises(Unavailable, match="bokehbench train deepfocus"):
            DeepFocus()
    file = home / "mine" / "deepfocus.safetensors"
    file.parent.mkdir()
    monkeypatch.setenv(weight_files.FILE_VARIABLE, f"deepfocus={file}")
    for kind, config, said in (
        ("deeplens", {"width": 16}, "kind 'deeplens'"),
        ("", {"width": 16}, "of something else, 'deepfocus' is wanted"),
        ("deepfocus", {"depth": 9}, "builds no network"),
        ("deepfocus", {"width": 17}, "of another shape"),
    ):
        weights.save(small(), file, kind, config, {})
        with pytest.raises(InputError, match=said):
            DeepFocus()
        if kind != "deepfocus":  # known before anything is rendered
            with pytest.raises(InputError, match=said):
                get(MethodSpec, "deepfocus-dagger").weights_sha256()


def test_the_weights_that_ship_are_those_of_their_card_and_blur(home):
    (file,) = weights.locate("deepfocus").values()
    card = read_json(file.with_suffix(".json"))
    assert card["weights"]["sha256"] == weight_files.sha256(file)
    benchmark = open_benchmark("blb-mini").benchmark
    case = benchmark.load(next(info for info in benchmark.cases() if info.level == "L5"))
    rendered, sharp = (
        psnr(picture, case.target) for picture in (DeepFocus().render(case.inputs), case.inputs.image)
    )
    assert rendered > sharp + 3.0
