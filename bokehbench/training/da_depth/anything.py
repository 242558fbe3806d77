"""Depth Anything V2 with what its head sees of the encoder."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bokehbench.depth.checkpoint import Checkpoint
from bokehbench.depth.loading import UNUSED, load_network
from bokehbench.errors import ConfigError

MASKED = "backbone.embeddings.mask_token"
"""A weight of DINOv2's own training, on which nothing depends here."""


class Seen(NamedTuple):
    """What a network sees of pictures.

    Attributes:
        features: of each tap of the encoder, normed, [B, patches, C].
        disparity: [B, H, W], relative inverse depth, not negative.
    """

    features: tuple[Tensor, ...]
    disparity: Tensor


class Anything(nn.Module):
    """A network of transformers that takes pictures in [0, 1].

    Args:
        network: DepthAnythingForDepthEstimation.
        mean, deviation: of the colours it is used to, as its preprocessor_config.json says.
    """

    def __init__(self, network: nn.Module, mean: list[float], deviation: list[float]) -> None:
        super().__init__()
        self.network: Any = network
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1), persistent=False)
        for name, weight in network.named_parameters():
            if name == MASKED or name.startswith(UNUSED):  # no output depends on them
                weight.requires_grad_(False)

    def forward(self, pictures: Tensor) -> Seen:  # [B, 3, H, W] in [0, 1], sides multiples of the patch
        """See `Seen`."""
        pixels = (pictures - self.mean) / self.deviation
        maps = self.network.backbone.forward_with_filtered_kwargs(pixels).feature_maps
        patch = self.network.config.patch_size
        rows, columns = pixels.shape[2] // patch, pixels.shape[3] // patch
        disparity = self.network.head(self.network.neck(maps, rows, columns), rows, columns)
        # The first token stands for the whole picture; the head does not see it.
        return Seen(tuple(tokens[:, 1:] for tokens in maps), disparity)

    def backbone(self) -> list[nn.Parameter]:
        """Weights of the encoder that are trained."""
        return [weight for weight in self.network.backbone.parameters() if weight.requires_grad]

    def rest(self) -> list[nn.Parameter]:
        """Weights of neck and head that are trained."""
        parts = (self.network.neck, self.network.head)
        return [weight for part in parts for weight in part.parameters() if weight.requires_grad]


def load(checkpoint: Checkpoint) -> Anything:
    """The network of a checkpoint, on the CPU.

    Raises:
        ConfigError: another architecture, or one tuned to metres.
        InputError: files that do not make such a network.
    """
    if checkpoint.file:
        raise ConfigError(f"--teacher: {checkpoint.id} is a single file; a folder of transformers is needed")
    config = checkpoint.config()
    kind = config.get("model_type")
    if kind != "depth_anything":
        raise ConfigError(f"--teacher: {checkpoint.id} is {kind}, not Depth Anything as transformers has it")
    if config.get("depth_estimation_type") == "metric":
        raise ConfigError(f"--teacher: {checkpoint.id} puts out metres; take one of relative inverse depth")
    colours = checkpoint.config("preprocessor_config.json")
    network = load_network("AutoModelForDepthEstimation", checkpoint, "cpu")
    return Anything(network, list(colours["image_mean"]), list(colours["image_std"]))
