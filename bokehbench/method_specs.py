"""Specs of what makes pictures: renderers, restorers, and a renderer behind a restorer."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from bokehbench.errors import ConfigError, Unavailable
from bokehbench.spec_kinds import Spec

if TYPE_CHECKING:
    from bokehbench.weights import Wanted

K_SCALE = "+k"
"""Between the name of a method and what its K is multiplied by."""
BEHIND = "+"
"""Between the name of a restorer and that of the method behind it."""


def base_name(method: str) -> str:
    """The name without its factor of K: `scatter` of `scatter+k1.5`."""
    return re.sub(r"\+k[0-9][0-9.]*$", "", method)


@dataclass(frozen=True)
class StageSpec(Spec):
    """What makes one picture of another: a renderer, or a restorer before one.

    Attributes:
        options: keyword arguments of the implementation.
        paper: citation with year, and URL or DOI where there is one; empty for our own.
        paper_name: what the papers' tables call it.
        licence: of this implementation.
        category: floor, classical, neural, ours or oracle; how tables group rows.
        weights: names of weight files it needs.
        trained_by: what follows `bokehbench train` in the command that makes the first of them: NAME, and
            `--config` where that decides which file it is; empty where none does.
        notes: what differs from the paper, limits.
        stochastic: its image depends on `Inputs.seed`; `run --seeds N` renders it N times.
        card: JSON file that says what the weights were trained on, `{here}` for the folder of the
            implementation; empty for the one that lies beside the first weight file, under its name.
        is_recipe: it is listed, and runs once `--external` binds it to a clone, whose description then takes
            its place (`bokehbench external`).
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    paper: str = ""
    paper_name: str = ""
    licence: str = "Apache-2.0"
    category: str = "classical"
    weights: Sequence[str] = ()
    trained_by: str = ""
    notes: str = ""
    stochastic: bool = False
    card: str = ""
    is_recipe: bool = False

    @property
    def is_builtin(self) -> bool:
        """Whether its code is of this package, so that our commit stands for it."""
        return self.implementation.startswith("bokehbench.")

    @property
    def stages(self) -> tuple[StageSpec, ...]:
        """What it is made of: itself, but for a method of two stages."""
        return (self,)

    def create(self, **more: Any) -> Any:
        """The implementation, made; `more` are arguments beside those of `options`."""
        return self.load()(**{**self.options, **more})

    def parameters(self) -> list[str]:
        """Names of the arguments that `create` takes."""
        return [name for name in inspect.signature(self.load()).parameters if name != "self"]

    def weights_wanted(self) -> list[Wanted]:
        """The files of its weights, and where they lie if they come with it: `trained` in its package."""
        from bokehbench.weights import Wanted

        home, trained = self._home() / "trained", self.weights[:1]
        return [
            Wanted(file, home, trained_by=self.trained_by if file in trained else "") for file in self.weights
        ]

    def card_path(self) -> Path | None:
        """The file of `card`; None where it names none."""
        return Path(self.card.replace("{here}", str(self._home()))) if self.card else None

    def _home(self) -> Path:
        """Folder of the implementation's package."""
        package = self.implementation.partition(":")[0].rpartition(".")[0]
        found = None
        with contextlib.suppress(ImportError, ValueError):
            found = importlib.util.find_spec(package) if package else None
        return Path(next(iter((found.submodule_search_locations if found else None) or ["."])))

    def weights_sha256(self) -> dict[str, str]:
        """Weight file name -> sha256, from the implementation that loads them; Unavailable without one."""
        return dict(self.load().weights_sha256(self.weights)) if self.weights else {}

    def made_with(self) -> dict[str, Any]:
        """What makes its numbers besides code and weights of this process, for records: nothing here.

        Raises:
            Unavailable: a recipe that is not bound to a clone.
        """
        if self.is_recipe:
            raise Unavailable(
                f"its authors' code is yours to bring: --external {base_name(self.name)}=DIR "
                f"(bokehbench external show {base_name(self.name)})"
            )
        return {}


@dataclass(frozen=True)
class MethodSpec(StageSpec):
    """A renderer; see `StageSpec`.

    Attributes:
        oracle: "layers" for a method that must be given the true layers, else None.
        openings: what of a lens it renders: "outline" for apertures with one rim that are the same all over
            the image (disc, polygon, donut, heart ...), "disc" for that alone, "any" for every lens, empty
            where it is not stated.
        by_design: checks of `bokehbench smoke` that its paper's own definition fails.
        ignores_lens: it renders the same whatever the lens: no K is searched for it.
        only_on: benchmarks that it is run on, where it cannot be asked for what others ask; empty for all.
        k_scale: what K is multiplied by before the method gets it; other than 1 only in a variant
            (`with_k_scale`), whose name says it.
    """

    kind: ClassVar[str] = "method"
    oracle: str | None = None
    openings: str = ""
    by_design: tuple[str, ...] = ()
    ignores_lens: bool = False
    only_on: tuple[str, ...] = ()
    k_scale: float = 1.0

    @property
    def last_stage(self) -> MethodSpec:
        """What renders: itself, or what stands behind the restorer."""
        return self

    def create(self, **more: Any) -> Any:
        """A `bokehbench.cases.Renderer`; `more` are arguments beside those of `options`."""
        renderer = super().create(**more)
        if self.k_scale == 1.0:
            return renderer
        from bokehbench.cases import ScaledK

        return ScaledK(renderer, self.k_scale)

    def with_k_scale(self, k_scale: float) -> Self:
        """The same method, given K times `k_scale`: a variant of its own name, `scatter+k1.5`.

        Raises:
            ConfigError: not a number from 0.01 to 100 of at most four digits, a method that ignores the
                lens, or one whose K is multiplied already.
        """
        if not (0.01 <= k_scale <= 100.0 and float(f"{k_scale:.4g}") == k_scale):
            raise ConfigError(f"k_scale is a number from 0.01 to 100 of at most four digits, not {k_scale}")
        if k_scale == 1.0:
            return self
        if self.ignores_lens:
            raise ConfigError(f"{self.name} renders the same whatever K is: it takes no k_scale")
        if self.k_scale != 1.0:
            raise ConfigError(f"{self.name} has its k_scale already; take {base_name(self.name)}")
        return replace(
            self,
            name=f"{self.name}{K_SCALE}{k_scale:.4g}",
            aliases=(),
            paper_name="",
            k_scale=k_scale,
            notes=f"K is multiplied by {k_scale:.4g} before {self.name} gets it. {self.notes}".rstrip(),
        )


@dataclass(frozen=True)
class RestorerSpec(StageSpec):
    """What makes a good picture of a small, bad one; `create` gives a `bokehbench.cases.Restorer`.

    It draws random numbers, if any, from seed 0 of the case: one restoration serves all seeds of the method
    behind it.

    Attributes:
        sha256: of weight files of which one version counts; any other file of the name is refused.
        source: where a user gets the weights.
        option: what `--weights` calls its file; empty for the file's name without the suffix.
    """

    kind: ClassVar[str] = "restorer"
    sha256: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    option: str = ""

    def create(self, **more: Any) -> Any:
        """A `bokehbench.cases.Restorer`, given the paths of its weights before the options."""
        from bokehbench import weights

        paths = [weights.require(one) for one in self.weights_wanted()]
        return self.load()(*paths, **{**self.options, **more})

    def weights_wanted(self) -> list[Wanted]:
        """As `StageSpec.weights_wanted`, with digests and source."""
        wanted = super().weights_wanted()
        return [
            replace(one, sha256=self.sha256.get(one.file, ""), source=self.source, option=self.option)
            for one in wanted
        ]

    def weights_sha256(self) -> dict[str, str]:
        """Weight file name -> sha256; Unavailable where one is missing or is another one."""
        from bokehbench import weights

        return {one.file: weights.sha256(weights.require(one)) for one in self.weights_wanted()}


@dataclass(frozen=True, kw_only=True)
class TwoStageSpec(MethodSpec):
    """A method that is given restored pictures: `bicubic+scatter`. Made by `behind`.

    Version and options of the restorer are among its options, so that whatever makes results stale covers
    both stages.

    Attributes:
        restorer: the first stage.
        renderer: the second, with its factor of K where it has one.
    """

    restorer: RestorerSpec
    renderer: MethodSpec

    @property
    def is_builtin(self) -> bool:
        """Of both stages."""
        return self.restorer.is_builtin and self.renderer.is_builtin

    @property
    def stages(self) -> tuple[StageSpec, ...]:
        """Restorer and renderer."""
        return (self.restorer, self.renderer)

    @property
    def last_stage(self) -> MethodSpec:
        """The renderer."""
        return self.renderer

    def create(self, **more: Any) -> Any:
        """Both stages as one `Renderer`, which needs `Inputs.lq`; `more` is for the second."""
        return self.load()(self.restorer.create(), self.renderer.create(**more))

    def parameters(self) -> list[str]:
        """Those of the renderer."""
        return self.renderer.parameters()

    def with_k_scale(self, k_scale: float) -> TwoStageSpec:
        """The renderer given K times `k_scale`."""
        return self if k_scale == 1.0 else behind(self.restorer, self.renderer.with_k_scale(k_scale))

    def weights_wanted(self) -> list[Wanted]:
        """Files of both stages."""
        return [wanted for stage in self.stages for wanted in stage.weights_wanted()]

    def weights_sha256(self) -> dict[str, str]:
        """Of both stages; a file's name that both have is the restorer's with its name before it."""
        first, second = self.restorer.weights_sha256(), self.renderer.weights_sha256()
        named = {
            f"{self.restorer.name}/{file}" if file in second else file: sha for file, sha in first.items()
        }
        return {**named, **second}

    def made_with(self) -> dict[str, Any]:
        """Of the renderer, and of the restorer below its kind; empty where neither is an external program."""
        first, second = self.restorer.made_with(), self.renderer.made_with()
        return {**second, **({"restorer": first} if first else {})}


def behind(restorer: RestorerSpec, renderer: MethodSpec) -> TwoStageSpec:
    """The renderer behind the restorer.

    Raises:
        ConfigError: the renderer has two stages already, or is an oracle, which restoration would not change.
    """
    name = f"{restorer.name}{BEHIND}{renderer.name}"
    if isinstance(renderer, TwoStageSpec):
        raise ConfigError(f"{name}: one restorer before a method, not two")
    if renderer.oracle is not None:
        raise ConfigError(f"{name}: {renderer.name} is shown the true {renderer.oracle}, restoration or not")
    stages = (restorer, renderer)
    learns = any(stage.category == "neural" for stage in stages)
    papers = [stage.paper for stage in stages if stage.paper]
    return TwoStageSpec(
        name=name,
        summary=f"{restorer.name} first, then {renderer.name} on the restored picture.",
        implementation="bokehbench.baselines.restorers.stages:TwoStages",
        version=renderer.version,
        options={**renderer.options, "restorer": {"id": restorer.id, **restorer.options}},
        paper=" | ".join(papers),
        paper_name=BEHIND.join(stage.paper_name or stage.name for stage in stages),
        licence=" | ".join(f"{stage.name}: {stage.licence}" for stage in stages),
        category="neural" if learns else renderer.category,
        weights=(*restorer.weights, *renderer.weights),
        notes=" ".join(f"{stage.name}: {stage.notes}" for stage in stages if stage.notes),
        stochastic=renderer.stochastic,
        openings=renderer.openings,
        ignores_lens=renderer.ignores_lens,
        only_on=renderer.only_on,
        k_scale=renderer.k_scale,
        restorer=restorer,
        renderer=renderer,
    )
