"""Claims about masks, and about the focus that follows from one."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from depth_world import picture, shake

from bokehbench import depth
from bokehbench.errors import ConfigError, InputError


def odd_one_out(height: int = 96, width: int = 128, y: int = 60, x: int = 95) -> np.ndarray:
    """A regular texture with one thing that does not belong."""
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    waves = np.cos(np.pi * 9 * rows / height) * np.cos(np.pi * 12 * columns / width)
    image = np.repeat((0.5 + 0.3 * waves)[..., None], 3, axis=2)
    image[y - 6 : y + 6, x - 6 : x + 6] = (1.0, 0.1, 0.1)
    return image.astype(np.float32)


def saliency(name: str, image: np.ndarray) -> np.ndarray:
    return depth.predict_saliency(name, image)


def test_what_stands_out_is_marked():
    mask = saliency("spectral-residual", odd_one_out())
    y, x = np.unravel_index(int(mask.argmax()), mask.shape)
    assert mask.shape == (96, 128) and abs(y - 60) < 12 and abs(x - 95) < 12
    assert (mask > 0.5).mean() < 0.2


def test_turning_the_picture_turns_the_mask():
    image = odd_one_out()
    turned = saliency("spectral-residual", np.ascontiguousarray(image[::-1, ::-1]))
    assert turned[::-1, ::-1] == pytest.approx(saliency("spectral-residual", image), abs=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (31, 200)])
@pytest.mark.parametrize("name", ["spectral-residual", "centre-square"])
def test_masks_of_any_size_lie_in_zero_to_one(name, size):
    for image in (picture(*size), np.full((*size, 3), 0.5, np.float32), np.zeros((*size, 3), np.float32)):
        mask = saliency(name, image)
        assert mask.shape == size and mask.min() >= 0.0 and mask.max() <= 1.0


def test_the_centre_square_has_a_fifth_of_the_sides():
    mask = saliency("centre-square", picture(100, 200))
    assert mask.sum() == 20 * 40
    assert np.array_equal(mask, mask[::-1, ::-1])


def test_rules_without_weights_say_so():
    told = depth.identity("spectral-residual", "saliency")
    assert "repo" not in told and told["spec"] == "spectral-residual@1"
    with pytest.raises(ConfigError, match="no weights"):
        depth.identity(depth.Choice("spectral-residual", "saliency", revision="x"))
    with pytest.raises(ConfigError, match="no --prompt"):
        depth.predict_saliency(depth.Choice("centre-square", "saliency", prompt="cat"), picture(9, 9))


def test_focus_is_the_median_disparity_of_what_is_marked():
    rng = np.random.default_rng(2)
    disparity, mask = rng.random((20, 30)), rng.random((20, 30))
    marked = sorted(d for d, m in zip(disparity.ravel(), mask.ravel(), strict=True) if m > 0.5)
    middle = len(marked) // 2
    expected = marked[middle] if len(marked) % 2 else (marked[middle - 1] + marked[middle]) / 2
    assert depth.focus_in_mask(disparity, mask) == pytest.approx(expected)
    with pytest.raises(InputError, match=r"nowhere exceeds 0\.5"):
        depth.focus_in_mask(disparity, np.full((20, 30), 0.5))
    with pytest.raises(InputError, match="differ in size"):
        depth.focus_in_mask(disparity, mask[:5])


@pytest.fixture(scope="module")
def clipseg(tmp_path_factory):
    """A tiny CLIPSeg with a tiny vocabulary."""
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation, ViTImageProcessor

    folder = tmp_path_factory.mktemp("weights") / "clipseg"
    text = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    letters = [chr(code) for code in range(97, 123)]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    config = CLIPSegConfig(
        text_config=text | {"vocab_size": len(words), "bos_token_id": 0, "eos_token_id": 1},
        vision_config={"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 3}
        | {"num_attention_heads": 2, "image_size": 32, "patch_size": 16},
        projection_dim=16,
        extract_layers=[0, 1],
        reduce_dim=8,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=8,
    )
    shake(CLIPSegForImageSegmentation(config)).save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    marks = {"bos_token": words[0], "eos_token": words[1], "unk_token": words[1], "pad_token": words[1]}
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CLIPTokenizer", **marks}))
    return folder


def test_a_prompt_decides_what_is_marked(clipseg):
    image = picture(45, 70)
    masks = [
        depth.predict_saliency(depth.Choice(str(clipseg), "saliency", prompt=prompt), image)
        for prompt in ("cat", "a large dog", "cat")
    ]
    assert masks[0].shape == (45, 70) and masks[0].min() >= 0.0 and masks[0].max() <= 1.0
    assert np.array_equal(masks[0], masks[2]) and not np.array_equal(masks[0], masks[1])
    told = [
        depth.identity(depth.Choice(str(clipseg), "saliency", prompt=prompt))["weights"]
        for prompt in ("a", "b")
    ]
    assert told[0] != told[1]


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_foreground_and_background_alone_make_a_mask(classes, tmp_path):
    from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessor

    config = SegformerConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[4, 4, 8, 8], num_attention_heads=[1, 1, 2, 2], num_labels=classes
    )
    config.decoder_hidden_size = 8
    network = shake(SegformerForSemanticSegmentation(config))
    with torch.no_grad():
        network.decode_head.classifier.weight.zero_()
        network.decode_head.classifier.bias.copy_(torch.arange(classes) * 10.0 + 10.0 * (classes == 1))
    network.save_pretrained(tmp_path)
    SegformerImageProcessor(size={"height": 64, "width": 64}).save_pretrained(tmp_path)
    if classes == 3:
        with pytest.raises(ConfigError, match="3 classes"):
            saliency(str(tmp_path), picture(30, 30))
    else:  # the last class is the foreground
        assert saliency(str(tmp_path), picture(30, 41)).min() > 0.99
