"""Tiny depth networks with random weights, saved as transformers saves them, and pictures to feed them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from bokehbench import images

FloatImage = npt.NDArray[np.float32]


def picture(height: int, width: int, seed: int = 0) -> FloatImage:
    """Smooth colours and some noise, [H, W, 3] in [0, 1], representable in 8 bit."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width)
    waves = [0.5 + 0.4 * np.sin(rng.uniform(2, 9) * x + rng.uniform(2, 9) * y + c) for c in range(3)]
    noisy = np.stack(waves, axis=2) + 0.05 * rng.standard_normal((height, width, 3))
    return images.quantise(noisy).astype(np.float32) / np.float32(255.0)


def shake(network: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Weights large enough that outputs vary; transformers' own initial ones are nearly silent."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            fan_in = max(1, parameter[0].numel()) if parameter.ndim > 1 else 4
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * fan_in**-0.5)
    return network.eval()


def save_processor(folder: Path, size: int = 56) -> None:
    """As Depth Anything's: the nearer side becomes `size`, sides are multiples of 14."""
    from transformers import DPTImageProcessor

    DPTImageProcessor(
        size={"height": size, "width": size},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    ).save_pretrained(folder)


def save_depth_anything(folder: Path, *, metric: bool = False, seed: int = 0) -> Path:
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation

    backbone = {
        "model_type": "dinov2",
        "hidden_size": 16,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
        "out_features": ["stage1", "stage2", "stage3", "stage4"],
        "reshape_hidden_states": False,
    }
    kind = {"depth_estimation_type": "metric", "max_depth": 20} if metric else {}
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=16,
        neck_hidden_sizes=[4, 4, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
        **kind,
    )
    network = shake(DepthAnythingForDepthEstimation(config), seed)
    with torch.no_grad():
        network.head.conv3.bias.fill_(2.0)  # the last ReLU lets something through
    network.save_pretrained(folder)
    save_processor(folder)
    return folder


def save_dpt(folder: Path) -> Path:
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessor

    config = DPTConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=32,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[4, 4, 8, 8],
        fusion_hidden_size=8,
        is_hybrid=False,
    )
    network = shake(DPTForDepthEstimation(config))
    with torch.no_grad():
        network.head.head[4].bias.fill_(2.0)
    network.save_pretrained(folder)
    DPTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def save_zoedepth(folder: Path) -> Path:
    from transformers import ZoeDepthConfig, ZoeDepthForDepthEstimation, ZoeDepthImageProcessor

    backbone = {
        "model_type": "beit",
        "hidden_size": 16,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "image_size": 32,
        "patch_size": 16,
        "out_features": ["stage1", "stage2", "stage3", "stage4"],
        "reshape_hidden_states": False,
    }
    config = ZoeDepthConfig(
        backbone_config=backbone,
        neck_hidden_sizes=[4, 4, 8, 8],
        fusion_hidden_size=8,
        bottleneck_features=8,
        num_relative_features=8,
        bin_embedding_dim=8,
        num_attractors=[4, 2, 2, 1],
        bin_configurations=[{"n_bins": 8, "min_depth": 1e-3, "max_depth": 10.0, "name": "nyu"}],
    )
    shake(ZoeDepthForDepthEstimation(config)).save_pretrained(folder)
    ZoeDepthImageProcessor(size={"height": 64, "width": 64}, ensure_multiple_of=16).save_pretrained(folder)
    return folder


def save_depth_pro(folder: Path) -> Path:
    from transformers import DepthProConfig, DepthProForDepthEstimation, DepthProImageProcessor

    vit = {
        "model_type": "dinov2",
        "num_hidden_layers": 2,
        "hidden_size": 16,
        "num_attention_heads": 2,
        "patch_size": 4,
        "image_size": 16,
    }
    config = DepthProConfig(
        patch_size=16,
        fusion_hidden_size=8,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[5, 6],
        scaled_images_ratios=[0.5, 1.0],
        scaled_images_overlap_ratios=[0.0, 0.2],
        scaled_images_feature_dims=[7, 8],
        image_model_config=vit,
        patch_model_config=vit,
        fov_model_config=vit,
        use_fov_model=True,
    )
    network = shake(DepthProForDepthEstimation(config))
    with torch.no_grad():
        network.head.layers[4].weight.abs_()  # ReLUs before and after let something through
        network.head.layers[4].bias.fill_(0.5)
        field_of_view = [part for part in network.fov_model.modules() if isinstance(part, torch.nn.Conv2d)][
            -1
        ]
        field_of_view.weight.zero_()
        field_of_view.bias.fill_(60.0)
    network.save_pretrained(folder)
    DepthProImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder
