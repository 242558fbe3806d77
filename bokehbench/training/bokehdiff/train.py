"""A whole training of BokehDiff: stages, one after the other, then the weights and their card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from bokehbench.baselines.bokehdiff import base as bases
from bokehbench.baselines.bokehdiff import build
from bokehbench.baselines.bokehdiff.compact import CompactConfig
from bokehbench.baselines.bokehdiff.model import BokehDiff
from bokehbench.errors import ConfigError, InputError
from bokehbench.training import checkpoint, method_run
from bokehbench.training.bokehdiff.benchmark import BenchmarkCheck
from bokehbench.training.bokehdiff.data import WANTED
from bokehbench.training.bokehdiff.export import export
from bokehbench.training.bokehdiff.losses import DenoiserLoss, open_loss
from bokehbench.training.bokehdiff.settings import FREE, STAGES, BokehDiffSettings, DenoiserSettings
from bokehbench.training.bokehdiff.stages import DenoiserStage, rendering_settings
from bokehbench.training.diffusion.on_base import base_card, base_options, check_multiples, check_size
from bokehbench.training.diffusion.settings import VaeSettings
from bokehbench.training.diffusion.vae_stage import VaeStage, fill_vae
from bokehbench.training.loop import Stage
from bokehbench.training.pairs import Pairs, PairSource, open_pairs
from bokehbench.training.starting import seed_number
from bokehbench.training.turns import Result, take_turns


@dataclass(frozen=True)
class Request(method_run.Request):
    """What the command line asks for.

    Attributes:
        base, revision: of an sdxl model: hub id or folder, and the hub's commit.
        vae: folder of another run whose VAE is taken; None trains one here.
        others: see `method_run.Request`.
    """

    settings: BokehDiffSettings
    stages: tuple[str, ...] = STAGES
    base: str | None = None
    revision: str | None = None
    vae: Path | None = None


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


class _Run(method_run.MethodRun):
    """The parts of a run, made when they are needed."""

    method = "bokehdiff"

    def __init__(self, request: Request, accelerator: Accelerator) -> None:
        super().__init__(request, accelerator)
        self.request, self.settings = request, request.settings
        self._check()
        trained = [name for name in STAGES if name == "denoiser" or self.settings.vae is not None]
        left_out = {"vae"} if request.vae else set()
        self.stages = [name for name in trained if name in request.stages and name not in left_out]
        if not self.stages:
            raise InputError("--stage vae: nothing to train: this model, or --vae, has a VAE already")
        # A folder that has begun as a run is no place for another one: all that can be refused comes before.
        check_multiples(self._sides(), self._multiple())
        self.source: PairSource = open_pairs(
            request.data, self.settings.data, self.settings.seed, **self.sharing()
        )
        check_size(self.source.size(), request.data, self._sides())
        # Not after hours of stage 0: a loss whose weights are missing is refused at once.
        self._loss = self._open_loss() if "denoiser" in self.stages else None
        self._held_out: list[Pairs] | None = None
        self.check = self.compared_check(BenchmarkCheck)

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

    def settings_of(self, name: str) -> VaeSettings | DenoiserSettings:
        """Of a stage."""
        if name == "vae":
            assert self.settings.vae is not None
            return self.settings.vae
        return self.settings.denoiser

    def others(self) -> dict[str, Path]:
        """The run whose VAE is taken."""
        return {"vae": self.request.vae} if self.request.vae else {}

    def identity(self) -> dict[str, Any]:
        """What makes the weights."""
        return super().identity() | {"base": base_card(self.request.base, self.request.revision)}

    def stage(self, name: str) -> Stage:
        """A stage, ready for the loop; the denoiser of a compact model needs a trained VAE."""
        settings, needs = self.settings_of(name), {}
        if name == "denoiser" and self.settings.vae is not None:
            self.require_finished("vae", "VAE")
            needs["VAE"] = checkpoint.weights_hash(self.weights("vae"))
        task = self.task(name)
        if isinstance(task, DenoiserStage):
            if self.settings.vae is None:
                needs["base"] = str(task.model.origin["base"]["fingerprint"])
            if task.loss.adversary is not None:
                needs["discriminator"] = task.loss.adversary.about["values"]
        return Stage(
            name=name,
            task=task,
            loader=self.source.loader(WANTED, settings.batch, getattr(settings, "crop", None)),
            settings=settings,
            seed=seed_number(self.settings.seed, f"training.{name}"),
            needs=needs,
            also=self.check if name == "denoiser" else None,
        )

    def task(self, name: str) -> VaeStage | DenoiserStage:
        """The networks before the stage, with pairs to judge by."""
        if self._held_out is None:
            self._held_out = self.source.held_out(WANTED)
        model = self._model()
        if name == "vae":
            assert self.settings.vae is not None
            model.vae.start_noise(self.settings.vae.noise)
            return VaeStage(model, self.settings.vae, self._held_out)
        if self.settings.vae is not None:
            pictures = [one[key] for one in self._held_out for key in ("image", "target")]
            fill_vae(model, self.weights("vae"), self.file("vae"), pictures)
        loss, seed = self._loss or self._open_loss(), seed_number(self.settings.seed, "training.pisa")
        return DenoiserStage(
            model, self.settings.denoiser, self.settings.model.pisa, loss, self._held_out, seed
        )

    def _open_loss(self) -> DenoiserLoss:
        seed = seed_number(self.settings.seed, "training.discriminator")
        return open_loss(self.settings.denoiser.losses, seed)

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

    def _multiple(self) -> int:
        """What sides of pictures have to be multiples of, pixels; known before there is a model."""
        if self.settings.model.kind == "compact":
            config = CompactConfig.from_json(self.settings.model.sizes)
            stages = len(config.vae_channels) + len(config.unet_channels)
        else:
            assert self.request.base is not None
            configs = bases.configurations(self.request.base, self.request.revision)
            stages = sum(len(configs[part]["block_out_channels"]) for part in ("vae", "unet"))
        return int(2 ** (stages - 2))

    def _sides(self) -> dict[str, int]:
        """Of the parts of pictures that are taken, by the names of their settings."""
        data, vae = self.settings.data, self.settings.vae
        sides = {"data.crop": data.crop, "data.validation_side": data.validation_side}
        return sides | ({"vae.crop": vae.crop} if vae is not None and "vae" in self.stages else {})

    def export(self) -> dict[str, Any] | None:
        """Weights and card of what is there, finished or not; None where the denoiser has none yet."""
        names = [name for name in STAGES if name == "denoiser" or self.settings.vae is not None]
        if not all(self.file(name).is_file() for name in names):
            return None
        judge = self.task("denoiser")
        assert isinstance(judge, DenoiserStage)
        judge.load_stored(self.weights("denoiser"))
        judge.to(self.accelerator.device)
        adversary = judge.loss.adversary
        facts = self.facts(judge) | {
            "base": judge.model.origin.get("base"),
            "vae_of_another_run": self.request.vae is not None,
            "discriminator": adversary.about if adversary is not None else None,
        }
        files = {name: self.file(name) for name in names}
        return export(self.request.out, self.settings, judge, files, facts)

    def options(self) -> str:
        """Of the command line."""
        vae = " --vae OTHER_RUN" if self.request.vae else ""
        return vae + base_options(self.request.base, self.request.revision)
