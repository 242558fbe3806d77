"""Depth Anything V2 as its authors store it: a file of tensors, their names and their preprocessing.

The tensors say which network it is (S, B or L), so no configuration is needed. The network of transformers
gets them under the names of the published `-hf` files.

    Yang et al., Depth Anything V2, NeurIPS 2024, arXiv:2406.09414
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from bokehbench.depth.checkpoint import Checkpoint
from bokehbench.errors import InputError

FloatImage = npt.NDArray[np.float32]
SIDE, PATCH, HEAD = 518, 14, 64
"""Pixels of the shorter side that the network sees, of a patch; channels of an attention head of DINOv2."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TAPS = {12: (3, 6, 9, 12), 24: (5, 12, 18, 24)}
"""By the number of blocks: after how many of them the head looks."""
WRAPPED, PREFIX = "model", "module."
"""What training scripts put around: an entry of the file, and a prefix of every name."""
PLACES = (
    (r"pretrained\.(cls_token|mask_token)", r"backbone.embeddings.\1"),
    (r"pretrained\.pos_embed", "backbone.embeddings.position_embeddings"),
    (r"pretrained\.patch_embed\.proj\.(.*)", r"backbone.embeddings.patch_embeddings.projection.\1"),
    (r"pretrained\.norm\.(.*)", r"backbone.layernorm.\1"),
    (r"pretrained\.blocks\.(\d+)\.ls(\d)\.gamma", r"backbone.encoder.layer.\1.layer_scale\2.lambda1"),
    (r"pretrained\.blocks\.(\d+)\.attn\.proj\.(.*)", r"backbone.encoder.layer.\1.attention.output.dense.\2"),
    (r"pretrained\.blocks\.(\d+)\.((?:norm|mlp).*)", r"backbone.encoder.layer.\1.\2"),
    (r"depth_head\.projects\.(\d)\.(.*)", r"neck.reassemble_stage.layers.\1.projection.\2"),
    (r"depth_head\.resize_layers\.(\d)\.(.*)", r"neck.reassemble_stage.layers.\1.resize.\2"),
    (r"depth_head\.scratch\.output_conv1\.(.*)", r"head.conv1.\1"),
    (r"depth_head\.scratch\.output_conv2\.0\.(.*)", r"head.conv2.\1"),
    (r"depth_head\.scratch\.output_conv2\.2\.(.*)", r"head.conv3.\1"),
)
QKV = re.compile(r"pretrained\.blocks\.(\d+)\.attn\.qkv\.(weight|bias)")
RN = re.compile(r"depth_head\.scratch\.layer(\d)_rn\.weight")
FUSION = re.compile(
    r"depth_head\.scratch\.refinenet(\d)\.(out_conv|resConfUnit(\d)\.conv(\d))\.(weight|bias)"
)


class OriginalNetwork:
    """A network of that file.

    Args:
        checkpoint: with its one file.
        device: of torch.

    Raises:
        InputError: not such a file.
    """

    raw = "disparity"

    def __init__(self, checkpoint: Checkpoint, device: str) -> None:
        self.device = device
        path = checkpoint.weights()[0]
        try:
            self._network = build(read(path)).to(device)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error

    def infer(self, image: FloatImage) -> FloatImage:
        """Relative inverse depth [H, W] float32 of [H, W, 3], as the authors' code has it.

        The shorter side becomes 518 pixels (cubic), both sides multiples of 14; the output is brought to the
        picture's size by bilinear interpolation from corner to corner.
        """
        import cv2

        height, width = image.shape[:2]
        clipped = np.clip(image, 0.0, 1.0).astype(np.float32)
        seen = cv2.resize(clipped, seen_size(width, height), interpolation=cv2.INTER_CUBIC)
        normed = (seen - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)
        pixels = torch.from_numpy(np.ascontiguousarray(normed.transpose(2, 0, 1)))[None]
        with torch.inference_mode():
            raw = self._network(pixels.to(self.device)).predicted_depth[:, None]
            fitted = functional.interpolate(raw, (height, width), mode="bilinear", align_corners=True)
        return np.ascontiguousarray(fitted[0, 0].float().cpu().numpy())


def seen_size(width: int, height: int) -> tuple[int, int]:
    """(W, H) that the network sees: the shorter side at least 518, both the nearest multiples of 14."""
    scale = SIDE / min(width, height)

    def whole(side: int) -> int:
        near = round(scale * side / PATCH) * PATCH
        return near if near >= SIDE else math.ceil(scale * side / PATCH) * PATCH

    return whole(width), whole(height)


def read(path: Path) -> dict[str, Tensor]:
    """Tensors of the file by the authors' names; nothing else is unpickled, and nothing runs.

    Raises:
        InputError: other things than tensors and plain values, or other tensors.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is not whole, or would run code
        said = " ".join(str(error).split())[:120]
        raise InputError(f"no file of tensors alone ({said})") from error
    if isinstance(state, Mapping) and isinstance(state.get(WRAPPED), Mapping):
        state = state[WRAPPED]
    tensors = (
        {str(name).removeprefix(PREFIX): value for name, value in state.items() if isinstance(value, Tensor)}
        if isinstance(state, Mapping)
        else {}
    )
    if "pretrained.pos_embed" not in tensors:
        raise InputError("not the weights of Depth Anything V2 as its authors store them")
    return tensors


def build(tensors: Mapping[str, Tensor]) -> Any:
    """The network of transformers with these weights, float32, in evaluation mode.

    Raises:
        InputError: tensors are missing, too many or of another shape.
    """
    from transformers import DepthAnythingForDepthEstimation

    try:
        found = spelled(tensors)
        network, report = DepthAnythingForDepthEstimation.from_pretrained(
            None, config=_config(tensors), state_dict=found, output_loading_info=True
        )
    except (KeyError, RuntimeError, ValueError, IndexError, ZeroDivisionError) as error:
        said = " ".join(str(error).split())[:160]
        raise InputError(f"the file holds no whole Depth Anything V2 ({said})") from error
    wrong = [*report["missing_keys"], *report["unexpected_keys"], *map(str, report["mismatched_keys"])]
    if wrong:
        raise InputError(
            f"the file holds no whole Depth Anything V2: {len(wrong)} weights are missing, too many or of "
            f"another shape ({', '.join(sorted(wrong)[:3])} …)"
        )
    return network.float().eval()


def spelled(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors by the names of transformers' published files."""
    found: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if match := QKV.fullmatch(name):
            block, kind = match.groups()
            for part, third in zip(("query", "key", "value"), value.chunk(3), strict=True):
                found[f"backbone.encoder.layer.{block}.attention.attention.{part}.{kind}"] = third.clone()
        else:
            found[_spelled(name)] = value
    return found


def _spelled(name: str) -> str:
    """Of a name; InputError for one that such a file has not."""
    if match := RN.fullmatch(name):
        return f"neck.convs.{int(match[1]) - 1}.weight"
    if match := FUSION.fullmatch(name):
        # Theirs are counted from the finest, transformers' from the coarsest, which comes first.
        number, what, unit, convolution, kind = match.groups()
        part = "projection" if what == "out_conv" else f"residual_layer{unit}.convolution{convolution}"
        return f"neck.fusion_stage.layers.{4 - int(number)}.{part}.{kind}"
    for pattern, place in PLACES:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, place, name)
    raise InputError(f"{name}: Depth Anything V2 has no such weight")


def _config(tensors: Mapping[str, Tensor]) -> Any:
    """What the shapes say; KeyError where tensors are missing."""
    from transformers import DepthAnythingConfig, Dinov2Config

    _, tokens, width = tensors["pretrained.pos_embed"].shape
    blocks = 1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("pretrained.blocks."))
    if blocks not in TAPS:
        raise InputError(f"an encoder of {blocks} blocks is none of Depth Anything V2's S, B and L")
    encoder: dict[str, Any] = {
        "hidden_size": width,
        "num_hidden_layers": blocks,
        "num_attention_heads": width // HEAD,
        "mlp_ratio": tensors["pretrained.blocks.0.mlp.fc1.bias"].numel() // width,
        "image_size": PATCH * math.isqrt(tokens - 1),
        "patch_size": PATCH,
        "out_indices": list(TAPS[blocks]),
        "apply_layernorm": True,
        "reshape_hidden_states": False,
    }
    return DepthAnythingConfig(
        backbone_config=Dinov2Config(**encoder),
        patch_size=PATCH,
        reassemble_hidden_size=width,
        neck_hidden_sizes=[tensors[f"depth_head.projects.{level}.bias"].numel() for level in range(4)],
        fusion_hidden_size=tensors["depth_head.scratch.layer1_rn.weight"].shape[0],
        head_hidden_size=tensors["depth_head.scratch.output_conv2.0.bias"].numel(),
    )
