"""SDXL with transparency: loads the parts, makes straight RGBA from prompts (diffusers does the work)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.rng import stream
from bokehbench.synth.assets.t2i.decoder import TTA, TransparentDecoder, check_size, decode_rgba
from bokehbench.synth.assets.t2i.taxonomy import Prompt
from bokehbench.synth.assets.t2i.weights import Component, variant

Scheduler = Literal["dpm++2m", "dpm++2m-sde", "euler-a"]
DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}


@dataclass(frozen=True)
class Sampling:
    """How pictures are sampled; all of it makes the pixels.

    Attributes:
        size: (W, H), multiples of 64.
        steps, guidance, scheduler: of the diffusion.
        tta: passes of the transparent decoder: 8, 4 or 1.
        dtype: float16, bfloat16 or float32.
        batch: pictures at a time; their noise does not depend on it, rounding may.
    """

    size: tuple[int, int] = (1024, 1024)
    steps: int = 25
    guidance: float = 7.0
    scheduler: Scheduler = "dpm++2m"
    tta: int = 8
    dtype: str = "float16"
    batch: int = 1

    def __post_init__(self) -> None:
        check_size(*self.size)
        if self.tta not in TTA:
            raise ConfigError(f"--tta must be 8, 4 or 1, not {self.tta}")
        if self.dtype not in DTYPES:
            raise ConfigError(f"--dtype must be one of {', '.join(DTYPES)}, not {self.dtype}")
        if self.steps < 1 or self.batch < 1 or not self.guidance >= 0.0:
            raise ConfigError("--steps and --batch must be at least 1, --guidance at least 0")

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "size": list(self.size)}


class Generator:
    """Loaded weights on a device.

    Args:
        parts: from `Weights.require`.
        sampling: see there.
        device: "cuda", "cuda:1", "cpu", ...
    """

    def __init__(self, parts: dict[str, Component], sampling: Sampling, device: str) -> None:
        self.sampling, self.device = sampling, _device(device)
        dtype = DTYPES[sampling.dtype]
        with _quiet():
            self.pipe = _load_pipeline(parts, sampling.dtype)
            self.pipe.scheduler = _scheduler(sampling.scheduler, self.pipe.scheduler.config)
            if "lora" in parts:
                add_transparency(self.pipe, parts["lora"].path)
            # Half floats overflow in SDXL's own VAE; its config says so.
            self.vae_dtype = torch.float32 if self.pipe.vae.config.force_upcast else dtype
            self.pipe.to(self.device)
            self.pipe.vae.to(self.vae_dtype)
        state = _read_tensors(parts["decoder"].path)
        made = TransparentDecoder.from_state(state, parts["decoder"].path.name)
        # A few per cent of the work: alpha is worth full precision.
        self.decoder = made.to(self.device, torch.float32)

    @torch.no_grad()
    def __call__(
        self, prompts: Sequence[Prompt], seed: int, indices: Sequence[int]
    ) -> npt.NDArray[np.float32]:
        """Straight encoded RGBA [n, H, W, 4] in [0, 1]; index i has the noise of stream (seed, i)."""
        try:
            return self._make(prompts, seed, indices)
        except torch.cuda.OutOfMemoryError as error:
            raise Unavailable(
                f"{self.device} has too little memory for --batch {self.sampling.batch} at --size "
                f"{self.sampling.size[0]}x{self.sampling.size[1]}; take less of either"
            ) from error

    def _make(self, prompts: Sequence[Prompt], seed: int, indices: Sequence[int]) -> npt.NDArray[np.float32]:
        width, height = self.sampling.size
        with _quiet():
            latents: Tensor = self.pipe(
                prompt=[prompt.text for prompt in prompts],
                negative_prompt=[prompt.negative for prompt in prompts],
                width=width,
                height=height,
                num_inference_steps=self.sampling.steps,
                guidance_scale=self.sampling.guidance,
                generator=[generator(seed, index) for index in indices],
                output_type="latent",
            ).images
        return np.concatenate([self._decode(latent[None]) for latent in latents])

    def _decode(self, latent: Tensor) -> npt.NDArray[np.float32]:
        """One latent [1, 4, H/8, W/8] as picture; one at a time, the VAE is what needs memory."""
        plain = latent.float() / self.pipe.vae.config.scaling_factor
        decoded = self.pipe.vae.decode(plain.to(self.vae_dtype), return_dict=False)[0]
        picture = decoded.float().div(2).add(0.5).clamp(0, 1)
        rgba = decode_rgba(self.decoder, picture, plain, self.sampling.tta)
        return rgba.permute(0, 2, 3, 1).cpu().numpy()


def generator(seed: int, index: int) -> torch.Generator:
    """The noise of one picture, drawn on the CPU: the same on every device and in every batch."""
    number = int(stream(seed, index, "t2i/noise").integers(2**63))
    return torch.Generator("cpu").manual_seed(number)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"--device {name}: no such device; cpu, cuda, cuda:1 ...") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise Unavailable(
            f"--device {name}: this machine has no CUDA device that torch can use; --device cpu"
        )
    return device


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' notes and bars (a LoRA without text encoder, a long prompt) out of our output."""
    import diffusers.utils.logging as ours
    import transformers.utils.logging as theirs

    levels = ours.get_verbosity(), theirs.get_verbosity()
    ours.set_verbosity_error()
    theirs.set_verbosity_error()
    ours.disable_progress_bar()
    theirs.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        ours.set_verbosity(levels[0])
        theirs.set_verbosity(levels[1])


def _load_pipeline(parts: dict[str, Component], dtype: str) -> Any:
    from diffusers import AutoencoderKL, StableDiffusionXLPipeline

    given: dict[str, Any] = {"torch_dtype": DTYPES[dtype], "local_files_only": True, "use_safetensors": True}
    if "vae" in parts:
        given["vae"] = AutoencoderKL.from_pretrained(str(parts["vae"].path), **given)
    folder = parts["model"].path
    try:
        pipe = StableDiffusionXLPipeline.from_pretrained(
            str(folder), variant=variant(folder, dtype), add_watermarker=False, **given
        )
    except (OSError, ValueError) as error:
        line = str(error).partition("\n")[0]
        raise InputError(
            f"{folder}: not a complete SDXL pipeline with safetensors weights ({line})"
        ) from error
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _scheduler(name: Scheduler, config: Any) -> Any:
    from diffusers import DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler

    if name == "euler-a":
        return EulerAncestralDiscreteScheduler.from_config(config)
    algorithm = "sde-dpmsolver++" if name == "dpm++2m-sde" else "dpmsolver++"
    return DPMSolverMultistepScheduler.from_config(
        config, algorithm_type=algorithm, use_karras_sigmas=True, solver_order=2
    )


def add_transparency(pipe: Any, path: Path) -> None:
    """Teach the UNet transparent latents: a LoRA is loaded and fused, full offsets are added."""
    state = _read_tensors(path)
    weights = pipe.unet.state_dict()
    offsets = {key.removeprefix("unet."): value for key, value in state.items()}
    if offsets.keys() <= weights.keys():
        for key, value in offsets.items():
            weights[key].add_(value.to(weights[key]))
        return
    try:
        pipe.load_lora_weights(state)
        pipe.fuse_lora()
        pipe.unload_lora_weights()
    except (ValueError, KeyError, RuntimeError) as error:
        line = str(error).partition("\n")[0]
        raise InputError(
            f"{path}: neither a LoRA for this UNet nor offsets of its weights ({line})"
        ) from error


def _read_tensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: not a readable safetensors file ({error})") from error
