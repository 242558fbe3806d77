"""Networks from checked files: nothing random in the place of missing weights, no code without consent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bokehbench.depth.checkpoint import Checkpoint
from bokehbench.depth.choice import consent_line
from bokehbench.errors import BokehbenchError, ConfigError, InputError, Unavailable

UNUSED = ("neck.fusion_stage.layers.0.residual_layer1.",)
"""Weights that published DPT files lack and no output depends on: the first fusion has no residual input."""


def pick_device(name: str) -> str:
    """For "auto" the GPU where there is one, else the CPU; ConfigError where the asked one is missing."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(name).type
    except RuntimeError:
        kind = ""
    if kind not in ("cpu", "cuda"):
        raise ConfigError(f"--device {name}: must be auto, cpu, cuda or cuda:0, cuda:1 …")
    if kind == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"--device {name}: torch can use no GPU here; take cpu")
    return name


def load_network(auto: str, checkpoint: Checkpoint, device: str) -> Any:
    """The network of a checkpoint, in evaluation mode, float32.

    Args:
        auto: name of the class of transformers that knows the architecture.
        checkpoint: configuration and weights.
        device: of torch.

    Raises:
        ConfigError: it comes with code of its own, which the user did not allow by name.
        InputError: the files do not make such a network, or weights are missing.
        Unavailable: a package that its code needs is missing.
    """
    import transformers

    with _in_one_line(checkpoint):
        _check_code(checkpoint)
        loader = getattr(transformers, auto)
        network, report = loader.from_pretrained(
            checkpoint.folder,
            local_files_only=True,
            trust_remote_code=checkpoint.trusted,
            weights_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # reported, and refused below with their names
        )
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(UNUSED))
    wrong = [str(key[0] if isinstance(key, tuple) else key) for key in report["mismatched_keys"]]
    if missing or wrong:
        raise InputError(
            f"{checkpoint.id}: {len(missing) + len(wrong)} weights are missing or of another shape "
            f"({', '.join([*missing, *wrong][:3])} …); the file is not of this network, or not whole"
        )
    return network.float().to(device).eval()


def load_processor(auto: str, checkpoint: Checkpoint) -> Any:
    """What turns a picture into the network's input (AutoImageProcessor, AutoProcessor)."""
    import transformers

    with _in_one_line(checkpoint):
        _check_code(checkpoint, "preprocessor_config.json")
        loader = getattr(transformers, auto)
        return loader.from_pretrained(
            checkpoint.folder, local_files_only=True, trust_remote_code=checkpoint.trusted
        )


def _check_code(checkpoint: Checkpoint, name: str = "config.json") -> None:
    """Refuse code of others that the user did not name: that of this checkpoint, or of a third place."""
    if name != "config.json" and not (checkpoint.folder / name).is_file():
        raise InputError(f"{checkpoint.id}: {name} is missing; download it with the weights")
    code = checkpoint.config(name).get("auto_map") or {}
    for value in code.values():
        for reference in value if isinstance(value, list) else [value]:
            place, separator, _ = str(reference).partition("--")
            if separator and checkpoint.trusted and place != checkpoint.id:
                raise ConfigError(f"{checkpoint.id} would run code of {place}, which is never run")
    if code and not checkpoint.trusted and not _is_native(checkpoint):
        raise ConfigError(consent_line(checkpoint.id))


def _is_native(checkpoint: Checkpoint) -> bool:
    """Whether transformers itself knows the architecture."""
    from transformers import CONFIG_MAPPING

    return checkpoint.config().get("model_type") in CONFIG_MAPPING


@contextmanager
def _in_one_line(checkpoint: Checkpoint) -> Iterator[None]:
    """Loading quietly; what a library raises about the files, as one line with the checkpoint's name."""
    try:
        with quiet():
            yield
    except BokehbenchError:
        raise
    except ImportError as error:
        raise Unavailable(f"{checkpoint.id}: its code needs a package that is missing ({error})") from error
    except Exception as error:
        if "trust_remote_code" in str(error):
            raise ConfigError(consent_line(checkpoint.id)) from error
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise InputError(f"{checkpoint.id} cannot be loaded ({reason})") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Transformers without its progress bars and warnings."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
