"""Depth and saliency of a picture by a network's name, each network loaded once."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.depth.checkpoint import Checkpoint
from bokehbench.depth.choice import Choice
from bokehbench.depth.disparity import Prediction, to_prediction
from bokehbench.depth.loading import pick_device
from bokehbench.errors import BokehbenchError, InputError, JobFailed
from bokehbench.registry import DepthModelSpec

FloatImage = npt.NDArray[np.float32]


def predict(model: str | Choice, image: FloatImage) -> FloatImage:
    """Disparity of one picture.

    Args:
        model: a name of `bokehbench list depth-models`, OWNER/NAME of the hub, a folder, each also as
            NAME@REVISION; or a `Choice`, which can say more. A name alone never asks the network.
        image: [H, W, 3] encoded; clipped to [0, 1].

    Returns:
        [H, W] float32 in [0, 1], near = 1. The same picture and network give the same map.

    Raises:
        ConfigError: an unknown name, or code that the user did not allow.
        Unavailable: weights that are not on this machine; says how to get them.
        InputError: files or a picture that cannot be used.
        JobFailed: the network failed on this picture.
    """
    return predict_raw(model, image).disparity


def predict_raw(model: str | Choice, image: FloatImage) -> Prediction:
    """The same, with what the network put out."""
    image = _checked(image)
    network = _loaded(_choice(model, "depth"))
    with _one_thread(), _blamed_on(network.id, image):
        raw = network.infer(image)
    return to_prediction(raw, network.raw)


def predict_saliency(model: str | Choice, image: FloatImage) -> FloatImage:
    """Mask [H, W] float32 in [0, 1] of the subject of [H, W, 3]; `model` as in `predict`, raises as it."""
    image = _checked(image)
    network = _loaded(_choice(model, "saliency"))
    with _one_thread(), _blamed_on(network.id, image):
        mask = np.asarray(network.infer(image), np.float32)
    if mask.shape != image.shape[:2] or not np.isfinite(mask).all():
        raise InputError(f"{model}: its mask is {mask.shape} or not finite, the picture {image.shape}")
    return mask


def identity(model: str | Choice, task: str = "depth") -> dict[str, Any]:
    """What a record must say of a network, without loading it; raises as `predict`.

    Returns:
        spec: `name@version`; repo, revision: where the files are from, and the commit where it is known;
        files: name -> sha256 of configuration, weights and code that runs; options; preprocessing: the
        file that says how a picture becomes the network's input; weights: eight characters for all of it.
    """
    from bokehbench.records import sha256_json

    choice = _choice(model, task)
    spec, checkpoint = choice.spec(), choice.checkpoint()
    told: dict[str, Any] = {"spec": spec.id, "options": dict(choice.options(spec))}
    if checkpoint is not None:
        own = "preprocessor_config.json"
        has = not checkpoint.file and (checkpoint.folder / own).is_file()
        told |= {
            "repo": checkpoint.id,
            "revision": checkpoint.revision,
            "files": checkpoint.digests(),
            "preprocessing": checkpoint.config(own) if has else None,
            "code_allowed": checkpoint.trusted,
        }
    return told | {"weights": sha256_json({key: told.get(key) for key in ("spec", "options", "files")})[:8]}


def preload(choice: Choice) -> str:
    """Load a network now, so that what is wrong with it is said before any work; its device."""
    return str(_loaded(choice).device_name)


def _choice(model: str | Choice, task: str) -> Choice:
    return Choice(model, task) if isinstance(model, str) else model


def _loaded(choice: Choice) -> Any:
    checkpoint = choice.checkpoint()
    # A folder whose files were exchanged is another network.
    stamp = [] if checkpoint is None else [path.stat().st_mtime_ns for path in _files(checkpoint)]
    return _load(choice, tuple(stamp))


def _files(checkpoint: Checkpoint) -> list[Path]:
    if checkpoint.file:
        return checkpoint.weights()
    return sorted(
        path
        for path in checkpoint.folder.iterdir()
        if path.suffix in (".json", ".safetensors", ".bin", ".py")
    )


@functools.lru_cache(maxsize=2)
def _load(choice: Choice, stamp: tuple[int, ...]) -> Any:
    spec, device = choice.spec(), pick_device(choice.device)
    network = spec.load()(choice.checkpoint(), device, **choice.options(spec))
    network.device_name, network.id = device, choice.name if spec.repo else spec.name
    if isinstance(spec, DepthModelSpec) and not hasattr(network, "raw"):
        network.raw = spec.raw
    return network


@contextmanager
def _one_thread() -> Iterator[None]:
    """On the CPU, sums are split by threads, and their last bits with them: maps must not depend on that."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _blamed_on(name: str, image: FloatImage) -> Iterator[None]:
    """What a network raises (each in its own way, for example on three rows of pixels) as one line."""
    try:
        yield
    except BokehbenchError:
        raise
    except Exception as error:
        height, width = image.shape[:2]
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise JobFailed(f"{name} failed on a picture of {width}x{height} pixels ({reason})") from error


def _checked(image: FloatImage) -> FloatImage:
    if image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise InputError(f"a picture is [H, W, 3], this is {image.shape}")
    if not np.isfinite(image).all():
        raise InputError("the picture has NaN or infinite pixels")
    return np.asarray(image, np.float32)
