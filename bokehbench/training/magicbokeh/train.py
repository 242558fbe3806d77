"""A whole training of MagicBokeh: stages, one after the other, then the weights and their card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from bokehbench.baselines.magicbokeh.model import MagicBokeh
from bokehbench.errors import ConfigError, InputError
from bokehbench.records import read_json
from bokehbench.training import checkpoint, method_run, runs
from bokehbench.training.benchmark import Check
from bokehbench.training.diffusion.on_base import base_card, base_options, check_multiples, check_size
from bokehbench.training.diffusion.settings import VaeSettings
from bokehbench.training.diffusion.vae_stage import VaeStage, fill_vae
from bokehbench.training.magicbokeh.alternating import AlternatingLoader
from bokehbench.training.magicbokeh.benchmark import BenchmarkCheck
from bokehbench.training.magicbokeh.build import before_training, multiple
from bokehbench.training.magicbokeh.data import (
    WANTED_ROUND_TRIPS,
    DegradedSquares,
    open_pictures,
    restoration_loader,
    wanted_bokeh,
)
from bokehbench.training.magicbokeh.export import export
from bokehbench.training.magicbokeh.settings import (
    FREE,
    STAGES,
    AlternateSettings,
    IsrSettings,
    MagicBokehSettings,
)
from bokehbench.training.magicbokeh.stages import AlternateStage, IsrStage, open_loss
from bokehbench.training.pairs import Pairs, PairSource, StoredPairs, Wanted, open_pairs
from bokehbench.training.picture_folder import PictureFolder
from bokehbench.training.stage import Loader, Stage, Task
from bokehbench.training.starting import seed_number
from bokehbench.training.turns import Result, take_turns
from bokehbench.training.zero_shot import assets_of_pictures, refuse_pictures

WHAT = {"vae": "VAE", "isr": "restoration"}
"""What the stages before the last one make, for messages."""
HASHES = "photographs.json"
"""File of a run with digests of the photographs."""


@dataclass(frozen=True)
class Request(method_run.Request):
    """What the command line asks for.

    Attributes:
        base, revision: of an sd21 model: hub id or folder, and the hub's commit.
        photographs: folder of sharp pictures for restoration; None takes all-in-focus pictures of `data`.
        vae: folder of another run whose VAE is taken; None trains one here.
        isr: folder of another run whose restoration is taken, and with it its VAE.
        others: see `method_run.Request`.
    """

    settings: MagicBokehSettings
    stages: tuple[str, ...] = STAGES
    base: str | None = None
    revision: str | None = None
    photographs: Path | None = None
    vae: Path | None = None
    isr: Path | None = None


def train(request: Request) -> Result:
    """Train, or go on.

    Raises:
        ConfigError, InputError: settings, data or folders that do not go together.
        Unavailable: no such device, or no weights that a loss or the base needs.
        JobFailed: the loss is no number any more.
    """
    return take_turns(
        lambda accelerator: _Run(request, accelerator),
        request.out,
        request.device,
        request.hours,
        FREE,
        partly=True,
    )


class _Run(method_run.MethodRun):
    """The parts of a run, made when they are needed."""

    method = "magicbokeh"

    def __init__(self, request: Request, accelerator: Accelerator) -> None:
        super().__init__(request, accelerator)
        self.request, self.settings = request, request.settings
        self._check()
        self.all_stages = [name for name in STAGES if getattr(self.settings, name) is not None]
        self.stages = [n for n in self.all_stages if n in request.stages and n not in self.others()]
        if not self.stages:
            raise InputError("--stage: nothing to train: it is taken from another run, or the model has none")
        # A folder that has begun as a run is no place for another one: all that can be refused comes before.
        check_multiples(self._sides(), multiple(self.settings, request.base, request.revision))
        self.source: PairSource = open_pairs(
            request.data, self.settings.data, self.settings.seed, **self.sharing()
        )
        check_size(self.source.size(), request.data, self._sides())
        self.pictures = self._open_pictures()
        # Not after hours of an earlier stage: a loss whose weights are missing is refused at once.
        for name in self.stages:
            if not isinstance(settings := self.settings_of(name), VaeSettings):
                open_loss(settings.losses, name)
        self._held_out: list[Pairs] | None = None
        self._pictures_hashed: set[str] | None = None
        self.check = self._benchmark()

    def _benchmark(self) -> Check | None:
        """See `compared_check`; the folder of photographs is compared as well."""
        check, pictures = self.compared_check(BenchmarkCheck), self.pictures
        if check is not None and pictures is not None:
            refuse_pictures(self._hashed(pictures), pictures.root, check.opened.benchmark.root)
        return check

    def _hashed(self, pictures: PictureFolder) -> set[str]:
        """Names of the photographs, by what is in them."""
        if self._pictures_hashed is None:
            out = self.request.out
            kept = out / HASHES if (out / runs.FILE).is_file() else None
            names = (*pictures.names, *pictures.held)
            self._pictures_hashed = assets_of_pictures(pictures.root, names, kept)
        return self._pictures_hashed

    def remarks(self) -> list[str]:
        """What a user should know at the start, a line each."""
        lines, unit = list(super().remarks()), self.settings.unit_px
        if isinstance(self.source, StoredPairs) and (largest := self.source.largest_K()) > unit:
            lines.append(
                f"--data {self.request.data}: K is up to {largest:g}, and radii above {unit:g} pixels are "
                "all the same to this model; build with a smaller K"
            )
        return lines

    def facts(self, judge: Task) -> dict[str, Any]:
        """What the card says besides; assets are all that was seen, or none."""
        facts, pictures = super().facts(judge), self.pictures
        # A stream lists none: those of the folder alone would look like all.
        if pictures is not None and facts["assets"]:
            facts["assets"] = sorted({*facts["assets"], *self._hashed(pictures)})
        if not all(self._saw_the_same(name) for name in self.others()):
            facts["assets"] = []
        return facts | {
            "photographs": pictures.identity() if pictures is not None else None,
            "of_another_run": sorted(self.others()),
        }

    def _saw_the_same(self, name: str) -> bool:
        """Whether a stage of another run was trained on what this run is trained on."""
        path, own = self.others()[name] / runs.FILE, self.identity()
        theirs = read_json(path).get("identity", {}) if path.is_file() else {}
        seen = ("data",) if name == "vae" else ("data", "photographs")
        return all(theirs.get(what) == own[what] for what in seen)

    def _check(self) -> None:
        """What of the command line goes with which model."""
        request, kind = self.request, self.settings.model.kind
        if kind == "sd21" and request.base is None:
            raise ConfigError(
                f"--config {request.config} trains LoRA on an SD 2.1 model: name one with --base (hub id or "
                "folder), or take --config compact, which needs none"
            )
        for option, value in (("--base", request.base), ("--revision", request.revision)):
            if kind == "compact" and value is not None:
                raise ConfigError(
                    f"{option}: --config {request.config} is a compact model, which has no base"
                )
        if kind == "sd21" and request.vae:
            raise ConfigError("--vae: the base has a VAE of its own")
        if request.isr and self.settings.isr is None:
            raise ConfigError(f"--isr: --config {request.config} has no stage of restoration (isr is null)")
        if request.isr and request.vae:
            raise ConfigError("--vae: the VAE of --isr is taken; leave it out")

    def _open_pictures(self) -> PictureFolder | None:
        if self.request.photographs is None:
            return None
        data = self.settings.data
        seed = seed_number(self.settings.seed, "training.pictures") % 2**31
        return open_pictures(self.request.photographs, data, seed)

    def settings_of(self, name: str) -> VaeSettings | IsrSettings | AlternateSettings:
        """Of a stage."""
        found = getattr(self.settings, name)
        assert isinstance(found, VaeSettings | IsrSettings | AlternateSettings)
        return found

    def others(self) -> dict[str, Path]:
        """Runs whose VAE or restoration is taken."""
        taken = {"vae": self.request.vae or self.request.isr, "isr": self.request.isr}
        return {name: run for name, run in taken.items() if run is not None}

    def identity(self) -> dict[str, Any]:
        """What makes the weights."""
        return super().identity() | {
            "base": base_card(self.request.base, self.request.revision),
            "photographs": self.pictures.identity() if self.pictures is not None else None,
        }

    def stage(self, name: str) -> Stage:
        """A stage, ready for the loop; each needs the weights of the one before."""
        settings, needs = self.settings_of(name), {}
        before = self._before(name)
        if before is not None:
            self.require_finished(before, WHAT[before])
            needs[WHAT[before]] = checkpoint.weights_hash(self.weights(before))
        task = self.task(name)
        if self.settings.model.kind == "sd21":
            needs["base"] = str(task.model.origin["base"]["fingerprint"])
        return Stage(
            name=name,
            task=task,
            loader=self._loader(name),
            settings=settings,
            seed=seed_number(self.settings.seed, f"training.{name}"),
            needs=needs,
            also=self.check if name == "alternate" else None,
        )

    def _before(self, name: str) -> str | None:
        """The stage that a stage goes on from."""
        place = self.all_stages.index(name)
        return self.all_stages[place - 1] if place else None

    def _loader(self, name: str) -> Loader:
        settings = self.settings_of(name)
        if isinstance(settings, VaeSettings):
            return self.source.loader(WANTED_ROUND_TRIPS, settings.batch, settings.crop)
        if isinstance(settings, IsrSettings):
            return self._restoration(name, settings.batch)
        bokeh = self.source.loader(self._wanted_bokeh(), settings.batch)
        if settings.strategy == "joint":
            return bokeh
        return AlternatingLoader(bokeh, self._restoration(name, settings.batch), settings.alt_every)

    def _restoration(self, name: str, batch: int) -> Loader:
        """In an order, and from scenes, that no other stage or phase has."""
        seed = seed_number(self.settings.seed, f"training.{name}.restoration") % 2**31
        data = self.settings.data.model_copy(update={"seed": seed})
        source = open_pairs(self.request.data, data, seed, **self.sharing())
        squares = DegradedSquares(self.pictures.reordered(seed), data.degrade) if self.pictures else None
        return restoration_loader(source, squares, data.degrade, batch)

    def _wanted_bokeh(self) -> Wanted:
        return wanted_bokeh(self.settings.data.degrade, self.settings.unit_px)

    def task(self, name: str) -> Any:
        """The networks before the stage, with pairs to judge by: `VaeStage`, `IsrStage`, `AlternateStage`."""
        held_out, settings = self._judging(), self.settings_of(name)
        model = before_training(self.settings, self.request.base, self.request.revision)
        if isinstance(settings, VaeSettings):
            model.vae.start_noise(settings.noise)
            # As BokehDiff's: the sharp picture and the blurred one; the low-quality one is the next stage's.
            pairs = [{"image": one["sharp"], "target": one["target"]} for one in held_out]
            return VaeStage(model, settings, pairs)
        before = self._before(name)
        if before == "vae":
            pictures = [one[key] for one in held_out for key in ("sharp", "target")]
            fill_vae(model, self.weights("vae"), self.file("vae"), pictures)
        elif before == "isr":
            self._fill(model)
        if name == "alternate":
            model.start_control()
        loss = open_loss(settings.losses, name)
        if isinstance(settings, IsrSettings):
            return IsrStage(model, settings, loss, held_out, self._held_squares())
        restored = "isr-alternate" if before == "isr" else "isr"
        return AlternateStage(model, settings, loss, held_out, restored)

    def _held_squares(self) -> list[Pairs]:
        """Of the folder of photographs, where there is one."""
        if self.pictures is None:
            return []
        data = self.settings.data
        return DegradedSquares(self.pictures, data.degrade).held_out(data.validation_crops)

    def _judging(self) -> list[Pairs]:
        if self._held_out is None:
            self._held_out = self.source.held_out(self._wanted_bokeh())
        return self._held_out

    def _fill(self, model: MagicBokeh) -> None:
        """What restoration has learnt."""
        try:
            model.load_trained(self.weights("isr"))
        except InputError as error:
            raise InputError(f"{self.file('isr')}: {error}") from error

    def _sides(self) -> dict[str, int]:
        """Of the parts of pictures that are taken, by the names of their settings."""
        data, vae = self.settings.data, self.settings.vae
        sides = {"data.crop": data.crop, "data.validation_side": data.validation_side}
        return sides | ({"vae.crop": vae.crop} if vae is not None and "vae" in self.stages else {})

    @torch.no_grad()
    def export(self) -> dict[str, Any] | None:
        """Weights and card of what is there, finished or not; None where the last stage has none yet."""
        # A run whose restoration is taken may have taken its VAE from a third one.
        files = {name: self.file(name) for name in self.all_stages}
        files = {name: file for name, file in files.items() if file.is_file() or name not in self.others()}
        if not all(file.is_file() for file in files.values()):
            return None
        judge = self.task("alternate")
        assert isinstance(judge, AlternateStage)
        judge.load_stored(self.weights("alternate"))
        judge.to(self.accelerator.device)
        facts = self.facts(judge) | {"base": judge.model.origin.get("base")}
        return export(self.request.out, self.settings, judge, files, facts)

    def options(self) -> str:
        """Of the command line."""
        request = self.request
        given = {"photographs": "FOLDER", "vae": "OTHER_RUN", "isr": "OTHER_RUN"}
        own = "".join(f" --{name} {value}" for name, value in given.items() if getattr(request, name))
        return own + base_options(request.base, request.revision)
