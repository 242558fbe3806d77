"""The vision-aided discriminator (methods spec A2.7): a small head on features of a frozen ConvNeXt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from bokehbench import weights
from bokehbench.errors import ConfigError, Unavailable
from bokehbench.training.bokehdiff.settings import Adversary
from bokehbench.training.checkpoint import weights_hash

HUB = "hub"
FAKE = 0.0
"""Label of predictions."""


class Discriminator(nn.Module):
    """Says of each place of a picture whether it is a photograph.

    Args:
        backbone: with `forward_features`, [B, 3, H, W] -> [B, channels, h, w]; it stays as it is.
        channels: of these features.
        hidden: of the head.
        real: label of true pictures, and the generator's aim.
        about: of the backbone's weights, for the card.
        seed: of the head; the global generator of torch is left as it was.
    """

    def __init__(
        self,
        backbone: Any,
        channels: int,
        hidden: int,
        real: float,
        about: dict[str, str] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.backbone, self.real, self.about = backbone.requires_grad_(False), real, about or {}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.head = nn.Sequential(
                spectral_norm(nn.Linear(channels, hidden)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Linear(hidden, 1)),
            )
        self.train()

    def train(self, mode: bool = True) -> Discriminator:
        """The head; the backbone stays as for inference."""
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, picture: Tensor) -> Tensor:
        """[B, 3, H, W] in [0, 1], not normalised as the backbone's own pictures were -> logits [B, h w]."""
        features: Tensor = self.backbone.forward_features(picture)
        logits: Tensor = self.head(features.flatten(2).transpose(1, 2)).squeeze(-1)
        return logits

    def loss(self, true: Tensor, predicted: Tensor) -> Tensor:
        """Its own: cross-entropy of true pictures with `real`, of predictions with 0; for the head alone."""
        true, predicted = true.detach(), predicted.detach()
        return _entropy(self(true), self.real) + _entropy(self(predicted), FAKE)

    def judgement(self, predicted: Tensor) -> Tensor:
        """The generator's term: cross-entropy of predictions with `real`; does not reach the head."""
        self.head.requires_grad_(False)
        try:
            return _entropy(self(predicted), self.real)
        finally:
            self.head.requires_grad_(True)


def _entropy(logits: Tensor, label: float) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def open_discriminator(settings: Adversary, switch: str, seed: int = 0) -> Discriminator:
    """The discriminator with its backbone's published weights.

    Args:
        settings: which.
        switch: the setting that does without, named in errors.
        seed: of its head.

    Raises:
        ConfigError: timm has no such network.
        Unavailable: no weights; says where they are looked for, and how to train without.
    """
    import timm

    if not timm.is_model(settings.backbone.partition(".")[0]):
        raise ConfigError(f"losses.adversary.backbone {settings.backbone}: timm has no such network")
    without = f"or train without it: --set {switch}=0"
    about = {"backbone": settings.backbone, "weights": settings.weights}
    options: dict[str, Any] = {"num_classes": 0, "pretrained": True}
    if settings.weights != HUB:
        path = _find(settings, without)
        about["sha256"] = weights.sha256(path)
        if settings.sha256 not in ("", about["sha256"]):
            raise Unavailable(
                f"{path}: has sha256 {about['sha256']}, losses.adversary.sha256 asks for another; get "
                f"the file again, {without}"
            )
        options["pretrained_cfg_overlay"] = {"file": str(path), "source": "file"}
    try:
        backbone = timm.create_model(settings.backbone, **options)
    except Exception as error:  # what the hub, or torch on a damaged file, may raise is not one family
        said = " ".join(str(error).split())[:160]
        name = f"{switch.rpartition('.')[0]}.weights=FILE"
        raise Unavailable(
            f"weights {settings.weights} of the discriminator's {settings.backbone} cannot be had ({said}); "
            f"bring a file into a folder of weights and name it with --set {name}, {without}"
        ) from error
    about["values"] = weights_hash(backbone.state_dict())
    return Discriminator(backbone, backbone.num_features, settings.hidden, settings.real, about, seed)


def _find(settings: Adversary, without: str) -> Path:
    for folder in weights.folders():
        if (folder / settings.weights).is_file():
            return folder / settings.weights
    raise Unavailable(
        f"{settings.weights}: the discriminator's weights of {settings.backbone} are not in any folder of "
        f"weights (--weights-dir, ${weights.FOLDER_VARIABLE}); bring the file there, {without}"
    )
