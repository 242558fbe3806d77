"""Claims about the two degradation-aware networks: found by name, the authors' file read as what it is."""

from __future__ import annotations

import re
import shutil

import cv2
import numpy as np
import pytest
import torch
from depth_world import picture, shake

from bokehbench import depth
from bokehbench.benchmarks.tracks import parse_track
from bokehbench.depth.original import seen_size
from bokehbench.errors import ConfigError, InputError, Unavailable


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The user's folder of weights, empty."""
    place = tmp_path / "weights"
    place.mkdir()
    monkeypatch.setenv("BOKEHBENCH_WEIGHTS", str(place))
    return place


@pytest.mark.parametrize(
    ("name", "said"),
    [("da-depth", "bokehbench train da-depth --data PICTURES"), ("da-depth-official", r"DAdepth\.pth comes")],
)
def test_a_missing_network_is_one_line_that_says_what_to_do(name, said, folder):
    with pytest.raises(Unavailable, match=rf"{said}.*\$BOKEHBENCH_WEIGHTS") as error:
        depth.identity(name)
    assert "\n" not in str(error.value)
    with pytest.raises(Unavailable):
        parse_track(f"predicted:{name}").identity()


def test_a_trained_folder_goes_by_its_name(folder, relative_network):
    shutil.copytree(relative_network, folder / "da-depth")
    image = picture(40, 50)
    assert np.array_equal(depth.predict("da-depth", image), depth.predict(str(relative_network), image))
    told = depth.identity("da-depth")
    assert told["spec"] == "da-depth@1" and "model.safetensors" in told["files"]
    assert parse_track("predicted:da-depth").identity()["model"] == told
    with pytest.raises(ConfigError, match="no weights on the hub"):
        depth.identity("da-depth@main")
    (folder / "da-depth" / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"needs config\.json"):
        depth.predict("da-depth", image)


def original_names(network) -> dict[str, torch.Tensor]:
    """The network's weights by the names of Depth Anything V2's own code, written down from that code's
    modules: DINOv2's blocks with one matrix for queries, keys and values; DPT's head with its scratch."""
    state, made = dict(network.state_dict()), {}
    for name, value in state.items():
        block = re.fullmatch(r"backbone\.encoder\.layer\.(\d+)\.(.*)", name)
        fusion = re.fullmatch(r"neck\.fusion_stage\.layers\.(\d)\.(.*)", name)
        if block:
            number, rest = block.groups()
            kind = rest.rpartition(".")[2]
            if ".k_proj." in name or ".v_proj." in name or "attention.key" in name or ".value." in name:
                continue
            if ".q_proj." in name or "attention.query" in name:
                parts = [
                    state[name.replace("q_proj", f"{part[0]}_proj").replace("query", part)]
                    for part in ("query", "key", "value")
                ]
                made[f"pretrained.blocks.{number}.attn.qkv.{kind}"] = torch.cat(parts)
                continue
            rest = re.sub(r"layer_scale(\d)\.lambda1", r"ls\1.gamma", rest)
            rest = re.sub(r"attention\.(o_proj|output\.dense)", "attn.proj", rest)
            made[f"pretrained.blocks.{number}.{rest}"] = value
        elif fusion:
            level, rest = fusion.groups()
            rest = re.sub(r"residual_layer(\d)\.convolution(\d)", r"resConfUnit\1.conv\2", rest)
            rest = rest.replace("projection", "out_conv")
            made[f"depth_head.scratch.refinenet{4 - int(level)}.{rest}"] = value
        else:
            made[OTHERS[re.sub(r"\d", "#", name).rpartition(".")[0] or name](name)] = value
    return made


def _swap(old: str, new: str):
    return lambda name: re.sub(old, new, name)


OTHERS = {
    "backbone.embeddings": lambda name: {
        "cls_token": "pretrained.cls_token",
        "mask_token": "pretrained.mask_token",
        "position_embeddings": "pretrained.pos_embed",
    }[name.rpartition(".")[2]],
    "backbone.embeddings.patch_embeddings.projection": _swap(r".*projection", "pretrained.patch_embed.proj"),
    "backbone.layernorm": _swap("backbone.layernorm", "pretrained.norm"),
    "neck.reassemble_stage.layers.#.projection": _swap(
        r".*layers\.(\d)\.projection", r"depth_head.projects.\1"
    ),
    "neck.reassemble_stage.layers.#.resize": _swap(r".*layers\.(\d)\.resize", r"depth_head.resize_layers.\1"),
    "neck.convs.#": lambda name: f"depth_head.scratch.layer{int(name.split('.')[2]) + 1}_rn.weight",
    "head.conv#": lambda name: (
        f"depth_head.scratch.output_conv{dict(zip('123', ('1', '2.0', '2.2'), strict=True))[name[9]]}"
        + name[10:]
    ),
}


@pytest.fixture(scope="module")
def twelve_blocks():
    """As Depth Anything V2 Small but for its widths: the file says the rest by its shapes."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation

    backbone = {
        "model_type": "dinov2",
        "hidden_size": 64,
        "num_hidden_layers": 12,
        "num_attention_heads": 1,
        "mlp_ratio": 1,
        "image_size": 42,
        "patch_size": 14,
        "out_indices": [3, 6, 9, 12],
        "reshape_hidden_states": False,
    }
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=64,
        neck_hidden_sizes=[4, 4, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=4,
    )
    network = shake(DepthAnythingForDepthEstimation(config))
    with torch.no_grad():
        network.head.conv3.bias.fill_(2.0)
    return network


def test_the_authors_file_makes_the_network_that_it_was_written_from(folder, twelve_blocks):
    """Square and of 518 pixels: nothing is resized, so the network alone decides."""
    saved = {f"module.{name}": value for name, value in original_names(twelve_blocks).items()}
    torch.save({"model": saved, "epoch": 3}, folder / "DAdepth.pth")
    image = picture(518, 518)
    ours = depth.predict_raw("da-depth-official", image).raw
    mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    pixels = torch.from_numpy(((image - mean) / deviation).transpose(2, 0, 1).copy())[None]
    with torch.inference_mode():
        theirs = twelve_blocks(pixels).predicted_depth[0].numpy()
    assert theirs.std() > 0.0
    assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-4 * theirs.max())
    told = depth.identity("da-depth-official")
    assert list(told["files"]) == ["DAdepth.pth"] and told["preprocessing"] is None


def test_the_picture_comes_back_in_its_place(folder, twelve_blocks, monkeypatch):
    """With a network that passes its input on, and the authors' sizes."""
    from types import SimpleNamespace

    torch.save(original_names(twelve_blocks), folder / "DAdepth.pth")
    grey = cv2.GaussianBlur(picture(60, 91)[..., 0], (0, 0), 3)
    network = depth.models._loaded(depth.Choice("da-depth-official"))
    monkeypatch.setattr(
        network, "_network", lambda pixels: SimpleNamespace(predicted_depth=pixels.mean(1) + 3.0)
    )
    seen = network.infer(np.repeat(grey[..., None], 3, axis=2))
    assert seen.shape == grey.shape
    assert np.corrcoef(seen.ravel(), grey.ravel())[0, 1] > 0.999


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((640, 480), (686, 518)),
        ((480, 640), (518, 686)),
        ((1216, 352), (1792, 518)),
        ((518, 518), (518, 518)),
    ],
)
def test_the_shorter_side_becomes_518(size, seen):
    assert seen_size(*size) == seen


def test_other_files_are_one_line(folder, twelve_blocks, tmp_path):
    good = original_names(twelve_blocks)

    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    wrong = {
        "no file of tensors alone": {"model": Trap()},
        "not the weights of Depth Anything V2": {"weight": torch.zeros(2)},
        "has no such weight": good | {"depth_head.extra": torch.zeros(2)},
        "missing, too many or of another shape": {k: v for k, v in good.items() if "output_conv1" not in k},
        "none of Depth Anything V2's S, B and L": {k: v for k, v in good.items() if ".11." not in k},
        "no whole Depth Anything V2": good | {"pretrained.blocks.0.attn.qkv.weight": torch.zeros(2, 4)},
    }
    for said, state in wrong.items():
        torch.save(state, folder / "DAdepth.pth")
        with pytest.raises(InputError, match=said) as error:
            depth.predict("da-depth-official", picture(20, 20))
        assert "\n" not in str(error.value) and str(folder / "DAdepth.pth") in str(error.value)
    assert not (tmp_path / "sprung").exists()
