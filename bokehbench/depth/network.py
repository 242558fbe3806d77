"""Depth networks through transformers' AutoModelForDepthEstimation."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.depth.checkpoint import Checkpoint
from bokehbench.depth.choice import consent_line
from bokehbench.depth.loading import load_network, load_processor
from bokehbench.errors import ConfigError, InputError

FloatImage = npt.NDArray[np.float32]
METRIC = ("depth_pro", "zoedepth", "glpn")
"""Architectures that put out metres, whatever the checkpoint."""


class Network:
    """One loaded depth network.

    Args:
        checkpoint: configuration and weights.
        device: of torch.
        raw: "disparity" or "depth"; empty to read it from the configuration.

    Raises:
        ConfigError: the configuration does not say what the network puts out, or says otherwise.
    """

    def __init__(self, checkpoint: Checkpoint, device: str, raw: str = "") -> None:
        self.id = checkpoint.id
        self.device = device
        self.raw = _kind(checkpoint, raw)
        self._processor = load_processor("AutoImageProcessor", checkpoint)
        self._network = load_network("AutoModelForDepthEstimation", checkpoint, device)

    def infer(self, image: FloatImage) -> FloatImage:
        """What the network says of a picture, at the picture's size.

        The picture goes in as floating-point numbers, not rounded to 8 bit.

        Args:
            image: [H, W, 3] encoded, clipped to [0, 1].

        Returns:
            [H, W] float32, what `raw` says.
        """
        return infer(self._network, self._processor, image, self.device)


def infer(network: Any, processor: Any, image: FloatImage, device: Any) -> FloatImage:
    """`Network.infer` of a network of transformers and its processor."""
    import torch

    height, width = image.shape[:2]
    clipped = np.clip(image, 0.0, 1.0).astype(np.float32)
    batch = processor(
        images=clipped, do_rescale=False, input_data_format="channels_last", return_tensors="pt"
    )
    with torch.inference_mode():
        raw = _at_size(processor, network(**batch.to(device)), height, width)
    return np.ascontiguousarray(raw.reshape(height, width))


def _at_size(processor: Any, output: Any, height: int, width: int) -> FloatImage:
    """By the network's own rule: which interpolation, what padding, which focal length."""
    rule = processor.post_process_depth_estimation
    sizes: dict[str, Any] = {"target_sizes": [(height, width)]}
    if "source_sizes" in inspect.signature(rule).parameters:
        sizes["source_sizes"] = [(height, width)]
    resized = rule(output, **sizes)[0]["predicted_depth"]
    raw: FloatImage = resized.float().cpu().numpy()
    return raw


def _kind(checkpoint: Checkpoint, asked: str) -> str:
    """What the network puts out, by its configuration; ConfigError where that is silent and nobody says."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES

    config = checkpoint.config()
    model_type = config.get("model_type")
    said = ""
    if model_type == "depth_anything":
        said = "depth" if config.get("depth_estimation_type") == "metric" else "disparity"
    elif model_type in METRIC:
        said = "depth"
    elif model_type == "prompt_depth_anything":
        raise ConfigError(f"{checkpoint.id} wants measured depth as a prompt; take a network without")
    elif model_type == "dpt" and (config.get("backbone_config") or {}).get("model_type") != "dinov2":
        said = "disparity"  # those on DINOv2 were tuned to metres; nothing in the file says so
    if said and asked and said != asked:
        raise ConfigError(f"{checkpoint.id} puts out {said} by its configuration, not {asked}")
    if not checkpoint.trusted and model_type not in MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES:
        if config.get("auto_map"):
            raise ConfigError(consent_line(checkpoint.id))
        raise InputError(f"{checkpoint.id}: {model_type!r} is no depth network that transformers knows")
    if not (said or asked):
        raise ConfigError(
            f"{checkpoint.id}: its configuration does not say what it puts out; say --raw-is disparity "
            "(relative inverse depth, near large) or --raw-is depth (metres)"
        )
    return said or asked
