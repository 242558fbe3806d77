"""A whole training of BokehDiff: stages, one after the other, then the weights and their card."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from bokehbench.baselines.bokehdiff import build
from bokehbench.baselines.bokehdiff.compact import CompactConfig
from bokehbench.baselines.bokehdiff.model import BokehDiff
from bokehbench.baselines.diffusion.states import check_keys
from bokehbench.errors import ConfigError, InputError
from bokehbench.training import checkpoint
from bokehbench.training.arithmetic import bf16_support
from bokehbench.training.bokehdiff.benchmark import BenchmarkCheck
from bokehbench.training.bokehdiff.data import Pairs, Source, StreamSource, open_source
from bokehbench.training.bokehdiff.export import export
from bokehbench.training.bokehdiff.losses import DenoiserLoss, open_loss
from bokehbench.training.bokehdiff.settings import (
    FREE,
    STAGES,
    BokehDiffSettings,
    DenoiserSettings,
    VaeSettings,
)
from bokehbench.training.bokehdiff.stages import DenoiserStage, rendering_settings
from bokehbench.training.bokehdiff.vae_stage import VaeStage, start_sharp
from bokehbench.training.loop import Stage
from bokehbench.training.photographs import STREAM, asset_names, compare, data_card, zero_shot_card
from bokehbench.training.starting import device_name, seed_number
from bokehbench.training.turns import Result, take_turns
from bokehbench.training.zero_shot import Comparison


@dataclass(frozen=True)
class Request:
    """What the command line asks for.

    Attributes:
        settings: of the run.
        config, changes: name or file that they were read from, and ``--set`` assignments; for the card.
        data: `stream`, or the folder of a stored set.
        out: folder of the run.
        stages: some of `settings.STAGES`.
        base, revision: of an sdxl model: hub id or folder, and the hub's commit.
        device: auto, cpu or cuda.
        workers: processes that prepare batches.
        benchmark: `NAME:DIR` to validate on, None without.
        vae: folder of another run whose VAE is taken; None trains one here.
        hours: after which training stops, with all that is needed to go on.
    """

    settings: BokehDiffSettings
    config: str
    data: str
    out: Path
    stages: tuple[str, ...] = STAGES
    base: str | None = None
    revision: str | None = None
    device: str = "auto"
    workers: int = 0
    benchmark: str | None = None
    vae: Path | None = None
    hours: float = math.inf
    changes: tuple[str, ...] = ()


def train(request: Request) -> Result:
    """Train, or go on.

    Raises:
        ConfigError, InputError: settings, data or folders that do not go together.
        Unavailable: no such device, or no weights that a loss or the base needs.
        JobFailed: the loss is no number any more.
    """
    return take_turns(
        lambda accelerator: _Run(request, accelerator), request.out, request.device, request.hours, FREE
    )


class _Run:
    """The parts of a run, made when they are needed."""

    def __init__(self, request: Request, accelerator: Accelerator) -> None:
        self.request, self.settings, self.accelerator = request, request.settings, accelerator
        self._check()
        trained = [name for name in STAGES if name == "denoiser" or self.settings.vae is not None]
        left_out = {"vae"} if request.vae else set()
        self.stages = [name for name in trained if name in request.stages and name not in left_out]
        if not self.stages:
            raise InputError("--stage vae: nothing to train: this model, or --vae, has a VAE already")
        self.source: Source = open_source(
            request.data,
            self.settings.data,
            self.settings.seed,
            workers=request.workers,
            rank=accelerator.process_index,
            world=accelerator.num_processes,
            device=accelerator.device,
        )
        self._check_size()
        # Not after hours of stage 0: a loss whose weights are missing is refused at once.
        self._loss = self._open_loss() if "denoiser" in self.stages else None
        self._held_out: list[Pairs] | None = None
        self.compared: dict[str, Comparison] = {}
        self.check = self._benchmark()

    def _check(self) -> None:
        """What of the command line goes with which model."""
        request, kind = self.request, self.settings.model.kind
        if kind == "sdxl" and request.base is None:
            raise ConfigError(
                f"--config {request.config} trains a LoRA on an SDXL model: name one with --base (hub id or "
                "folder), or take --config compact, which needs none"
            )
        for option, value in (("--base", request.base), ("--revision", request.revision)):
            if kind == "compact" and value is not None:
                raise ConfigError(
                    f"{option}: --config {request.config} is a compact model, which has no base"
                )
        if kind == "sdxl" and request.vae:
            raise ConfigError("--vae: the base has a VAE of its own")

    def _benchmark(self) -> BenchmarkCheck | None:
        if self.request.benchmark is None or not self.accelerator.is_main_process:
            return None
        check = BenchmarkCheck(self.request.benchmark, self.settings.validation)
        root = check.opened.benchmark.root
        library = self.source.library if isinstance(self.source, StreamSource) else None
        self.compared[check.name] = compare(self.request.data, library, self.settings.data.seed, root)
        return check

    def remarks(self) -> list[str]:
        """What a user should know at the start, a line each."""
        lines = [f"--validate {name}: {one.unknown}" for name, one in self.compared.items() if one.unknown]
        slow = [name for name in self.stages if self._stage_settings(name).precision == "bf16"]
        if slow and not bf16_support(self.accelerator.device):
            changes = " ".join(f"--set {name}.precision=fp32" for name in slow)
            lines.append(
                f"{device_name(self.accelerator.device)}: has no bf16 of its own, so it is computed slowly; "
                f"{changes} is faster here (a run of its own)"
            )
        return lines

    def _stage_settings(self, name: str) -> VaeSettings | DenoiserSettings:
        if name == "vae":
            assert self.settings.vae is not None
            return self.settings.vae
        return self.settings.denoiser

    def identity(self) -> dict[str, Any]:
        """What makes the weights."""
        return {
            "method": "bokehdiff",
            "config": self.settings.to_json(),
            "data": self.source.identity(),
            "base": self._base(),
        }

    def _base(self) -> dict[str, Any] | None:
        """Of an sdxl model; without a folder of this machine."""
        base = self.request.base
        if base is None:
            return None
        folder = Path(base).expanduser()
        name = folder.resolve().name if folder.is_dir() else base
        return {"name": name, "revision": self.request.revision}

    def folder(self, name: str) -> Path:
        """Of a stage."""
        root = self.request.vae if name == "vae" and self.request.vae else self.request.out
        return root / name

    def stage(self, name: str) -> Stage:
        """A stage, ready for the loop; the denoiser of a compact model needs a trained VAE."""
        settings, needs = self._stage_settings(name), {}
        if name == "denoiser" and self.settings.vae is not None:
            self._require_finished()
            needs["VAE"] = checkpoint.weights_hash(self._weights("vae"))
        task = self.task(name)
        if self.settings.vae is None:
            needs["base"] = str(task.model.origin["base"]["fingerprint"])
        if isinstance(task, DenoiserStage) and task.loss.adversary is not None:
            needs["discriminator"] = task.loss.adversary.about["values"]
        return Stage(
            name=name,
            task=task,
            loader=self.source.loader(settings.batch, getattr(settings, "crop", None)),
            settings=settings,
            seed=seed_number(self.settings.seed, f"training.{name}"),
            needs=needs,
            also=self.check if name == "denoiser" else None,
        )

    def task(self, name: str) -> VaeStage | DenoiserStage:
        """The networks before the stage, with pairs to judge by."""
        if self._held_out is None:
            self._held_out = self.source.held_out()
        model = self._model()
        self._check_sides(model)
        if name == "vae":
            assert self.settings.vae is not None
            start_sharp(model, self.settings.vae.noise)
            return VaeStage(model, self.settings.vae, self._held_out)
        if self.settings.vae is not None:
            self._fill_vae(model)
        loss, seed = self._loss or self._open_loss(), seed_number(self.settings.seed, "training.pisa")
        return DenoiserStage(
            model, self.settings.denoiser, self.settings.model.pisa, loss, self._held_out, seed
        )

    def _open_loss(self) -> DenoiserLoss:
        seed = seed_number(self.settings.seed, "training.discriminator")
        return open_loss(self.settings.denoiser.losses, seed)

    def _fill_vae(self, model: BokehDiff) -> None:
        """What stage 0 has learnt, and the scale of its latents."""
        weights = self._weights("vae")
        try:
            check_keys(model.vae.state_dict(), weights, "the VAE of these settings (model.sizes)")
        except InputError as error:
            raise InputError(f"{self._file('vae')}: {error}") from error
        model.vae.load_state_dict(weights)
        model.set_scaling(self._latents(model))

    def _model(self) -> BokehDiff:
        """Before any training."""
        settings, request = self.settings.model, self.request
        pisa = rendering_settings(settings.pisa)
        seed = seed_number(self.settings.seed, "training.weights")
        if settings.kind == "compact":
            sizes = {**settings.sizes, "timestep": settings.timestep, "tile_px": self.settings.data.crop}
            model = build.random_compact(seed, CompactConfig.from_json(sizes), pisa)
        else:
            assert request.base is not None
            model = build.from_sdxl(
                request.base,
                request.revision,
                settings.lora_rank,
                settings.timestep,
                pisa,
                seed,
                self.settings.data.crop,
            )
        if settings.gradient_checkpointing:
            model.enable_gradient_checkpointing()
        return model

    def _sides(self) -> dict[str, int]:
        """Of the parts of pictures that are taken, by the names of their settings."""
        data, vae = self.settings.data, self.settings.vae
        sides = {"data.crop": data.crop, "data.validation_side": data.validation_side}
        return sides | ({"vae.crop": vae.crop} if vae is not None and "vae" in self.stages else {})

    def _check_size(self) -> None:
        """ConfigError for pictures that are smaller than the parts."""
        width, height = self.source.size()
        for field, side in self._sides().items():
            if side > min(width, height):
                raise ConfigError(
                    f"--data {self.request.data}: its pictures of {width}x{height} are smaller than {field}, "
                    f"{side}; take larger ones, or --set {field}={min(width, height)}"
                )

    def _check_sides(self, model: BokehDiff) -> None:
        """ConfigError for crops that are no whole cells of the networks."""
        for field, side in self._sides().items():
            if side % model.multiple:
                raise ConfigError(
                    f"{field}: must be a multiple of {model.multiple} for this model, not {side}"
                )

    @torch.no_grad()
    def _latents(self, model: BokehDiff) -> torch.Tensor:
        """Of held-out pictures, sharp and blurred, as numbers in a row."""
        assert self._held_out is not None
        return torch.cat(
            [model.encode(batch[key]).flatten() for batch in self._held_out for key in ("image", "target")]
        )

    def _file(self, name: str) -> Path:
        """Of a stage's weights that are used."""
        return self.folder(name) / (checkpoint.BEST if self.settings.keep == "best" else checkpoint.LAST)

    def _weights(self, name: str) -> dict[str, torch.Tensor]:
        return checkpoint.load_weights(self._file(name))

    def _require_finished(self) -> None:
        path = self.folder("vae") / checkpoint.STATE
        if not path.is_file():
            raise InputError(f"{path.parent}: no VAE here; train it first (--stage vae, or all)")
        done, vae = checkpoint.load_state(path)["standing"]["step"], self.settings.vae
        if not self.request.vae and vae is not None and done < vae.steps:
            raise InputError(
                f"{path.parent}: the VAE is at step {done} of {vae.steps}; go on with it (--stage vae), "
                f"or take it as it is with --set vae.steps={done} where its learning rates allow"
            )

    def export(self) -> dict[str, Any] | None:
        """Weights and card of what is there, finished or not; None where the denoiser has none yet."""
        names = [name for name in STAGES if name == "denoiser" or self.settings.vae is not None]
        if not all(self._file(name).is_file() for name in names):
            return None
        judge = self.task("denoiser")
        assert isinstance(judge, DenoiserStage)
        judge.load_stored(self._weights("denoiser"))
        request, adversary = self.request, judge.loss.adversary
        facts = {
            "data": data_card(request.data, self.source.identity(), self.settings.data),
            "base": judge.model.origin.get("base"),
            "vae_of_another_run": request.vae is not None,
            "discriminator": adversary.about if adversary is not None else None,
            "device": device_name(self.accelerator.device),
            "processes": self.accelerator.num_processes,
            "command": self._command(),
            "assets": asset_names(request.data),
            "zero_shot": zero_shot_card(self.compared),
            "bf16": bf16_support(self.accelerator.device) or "emulated",
        }
        files = {name: self._file(name) for name in names}
        return export(self.request.out, self.settings, judge.to(self.accelerator.device), files, facts)

    def _command(self) -> str:
        """The command line that makes these weights, with names of folders alone."""
        changes = "".join(f" --set '{change}'" for change in self.request.changes)
        data = STREAM if self.request.data == STREAM else "SET"
        others = " --vae OTHER_RUN" if self.request.vae else ""
        if base := self._base():
            others += f" --base {base['name']}" + (
                f" --revision {base['revision']}" if base["revision"] else ""
            )
        config = f"{Path(self.request.config).name}{changes}"
        return f"bokehbench train bokehdiff --config {config} --data {data}{others} --out RUN"
