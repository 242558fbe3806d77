"""The embedding of the one prompt, computed once: inference needs no text encoder (methods spec A2.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bokehbench.errors import InputError, Unavailable

PROMPT = "an excellent photo with a large aperture"
"""Of training and inference alike; there is no negative one, and no guidance."""
ENCODERS = ("text_encoder", "text_encoder_2")
TOKENIZERS = ("tokenizer", "tokenizer_2")


def embed(folder: Path, prompt: str = PROMPT) -> tuple[Tensor, Tensor]:
    """Run the two text encoders of an SDXL model.

    Args:
        folder: of a diffusers model, with its tokenizers and text encoders.
        prompt: what is embedded.

    Returns:
        [1, T, D1 + D2], the hidden states before the last layer of both encoders side by side (77 and
        2048 in SDXL); [1, P], the projected output of the second one (1280).

    Raises:
        Unavailable: a part of the folder is missing.
        InputError: a part that cannot be read.
    """
    missing = [name for name in (*TOKENIZERS, *ENCODERS) if not (folder / name).is_dir()]
    if missing:
        raise Unavailable(
            f"{folder}: no {', '.join(missing)}: the prompt is embedded by the base's own text encoders; get "
            "the whole folder (hf download), or use the prepared base files (bokehbench weights base)"
        )
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    kinds = (CLIPTextModel, CLIPTextModelWithProjection)
    hidden: list[Tensor] = []
    pooled = torch.zeros(1, 0)
    for tokens, encoder, kind in zip(TOKENIZERS, ENCODERS, kinds, strict=True):
        try:
            tokenizer = CLIPTokenizer.from_pretrained(folder / tokens, local_files_only=True)
            network = _encoder(kind, folder / encoder)
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise InputError(f"{folder / encoder}: cannot be read ({said}); get the folder again") from error
        length = min(int(tokenizer.model_max_length), int(network.config.max_position_embeddings))
        ids = tokenizer(
            prompt, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        ).input_ids
        with torch.inference_mode():
            made = network(ids, output_hidden_states=True)
        hidden.append(made.hidden_states[-2].float())
        pooled = made[0].float()
    return torch.cat(hidden, dim=-1).clone(), pooled.clone()


def _encoder(kind: Any, folder: Path) -> Any:
    from transformers.utils import logging

    plain = [path for path in folder.glob("*.safetensors") if ".fp16." not in path.name]
    half = any(".fp16." in path.name for path in folder.glob("*.safetensors"))
    variant = "fp16" if half and not plain else None
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        network = kind.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, variant=variant, dtype=torch.float32
        )
    finally:
        if shown:
            logging.enable_progress_bar()
    return network.eval()
