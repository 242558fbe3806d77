"""What a name stands for, as plain data: one class for each kind of thing that can be registered."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bokehbench.errors import ConfigError

if TYPE_CHECKING:
    from bokehbench.weights import Wanted


@dataclass(frozen=True)
class Spec:
    """What a name stands for.

    Attributes:
        name: what users write.
        summary: one sentence.
        implementation: "module:attribute".
        version: changes whenever the numbers change; older results become stale.
        aliases: other names of the same thing; records and tables use `name`.
    """

    kind: ClassVar[str] = ""
    name: str
    summary: str
    implementation: str
    version: int = 1
    aliases: Sequence[str] = ()

    @property
    def id(self) -> str:
        """`name@version`, as records say it."""
        return f"{self.name}@{self.version}"

    def load(self) -> Any:
        """Import the implementation."""
        module, _, attribute = self.implementation.partition(":")
        return getattr(importlib.import_module(module), attribute)


K_SCALE = "+k"
"""Between the name of a method and what its K is multiplied by."""


def base_name(method: str) -> str:
    """The name without its variant: `scatter` of `scatter+k1.5`."""
    return method.partition(K_SCALE)[0]


@dataclass(frozen=True)
class MethodSpec(Spec):
    """A renderer.

    Attributes:
        options: keyword arguments of the implementation.
        paper: citation with year, and URL or DOI where there is one; empty for our own.
        paper_name: what the papers' tables call it.
        licence: of this implementation.
        category: floor, classical, neural, ours or oracle; how tables group rows.
        oracle: "layers" for a method that must be given the true layers, else None.
        weights: names of weight files it needs.
        notes: what differs from the paper, limits.
        openings: what of a lens it renders: "outline" for apertures with one rim that are the same all over
            the image (disc, polygon, donut, heart ...), "disc" for that alone, "any" for every lens, empty
            where it is not stated.
        ignores_lens: it renders the same whatever the lens: no K is searched for it.
        stochastic: its image depends on `Inputs.seed`; `run --seeds N` renders it N times.
        card: JSON file that says what the weights were trained on; empty for the one that lies beside the
            first weight file, under its name.
        k_scale: what K is multiplied by before the method gets it; other than 1 only in a variant
            (`with_k_scale`), whose name says it.
    """

    kind: ClassVar[str] = "method"
    options: Mapping[str, Any] = field(default_factory=dict)
    paper: str = ""
    paper_name: str = ""
    licence: str = "Apache-2.0"
    category: str = "classical"
    oracle: str | None = None
    weights: Sequence[str] = ()
    notes: str = ""
    openings: str = ""
    ignores_lens: bool = False
    stochastic: bool = False
    card: str = ""
    k_scale: float = 1.0

    def create(self, **more: Any) -> Any:
        """A `bokehbench.cases.Renderer`; `more` are arguments beside those of `options`."""
        renderer = self.load()(**{**self.options, **more})
        if self.k_scale == 1.0:
            return renderer
        from bokehbench.cases import ScaledK

        return ScaledK(renderer, self.k_scale)

    def parameters(self) -> list[str]:
        """Names of the arguments that `create` takes."""
        return [name for name in inspect.signature(self.load()).parameters if name != "self"]

    def with_k_scale(self, k_scale: float) -> MethodSpec:
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

    def weights_wanted(self) -> list[Wanted]:
        """The files of its weights, and where they lie if they come with it: `trained` in its package."""
        from bokehbench.weights import Wanted

        if not self.weights:
            return []
        package = self.implementation.partition(":")[0].rpartition(".")[0]
        found = None
        with contextlib.suppress(ImportError, ValueError):
            found = importlib.util.find_spec(package) if package else None
        home = next(iter((found.submodule_search_locations if found else None) or ["."]))
        return [Wanted(file, Path(home) / "trained") for file in self.weights]

    def weights_sha256(self) -> dict[str, str]:
        """Weight file name -> sha256, from the implementation that loads them; Unavailable without one."""
        return dict(self.load().weights_sha256(self.weights)) if self.weights else {}

    def made_with(self) -> dict[str, Any]:
        """What makes its numbers besides code and weights of this process, for records: nothing here."""
        return {}


@dataclass(frozen=True)
class BenchmarkSpec(Spec):
    """A kind of benchmark folder and the protocol it is run under.

    Attributes:
        protocol: name of the rules (what a method sees, how the target is made); a `ProtocolSpec`, or a
            name of one's own.
        protocol_version: of a name of one's own; changes whenever the rules do.
        protocols: others that `run --protocol` offers; the implementation is then made with
            `Class(root, protocol=ProtocolSpec)`.
        oracles: what the protocol can grant to methods that declare it.
        layout: the files a folder of this kind has.
        bundled: folder inside the package, for a set that comes with it.
        source: where a user gets the set.
        notes: units, size, what is ground truth.
        published: cases of the published set; 0 where that is not fixed. A table over others says so.
    """

    kind: ClassVar[str] = "benchmark"
    protocol: str = "default"
    protocol_version: int = 1
    protocols: Sequence[str] = ()
    oracles: Sequence[str] = ()
    layout: str = ""
    bundled: str = ""
    source: str = ""
    notes: str = ""
    published: int = 0


@dataclass(frozen=True)
class ProtocolSpec(Spec):
    """The rules under which methods see a benchmark; `name@version` is part of every result's path.

    Attributes:
        disparity: where the map comes from: `gt`, `none`, or the name of a map that the set ships (`dpt`).
        focus: where disp_focus comes from: `given`, or the median disparity in a `box`, of the `saliency` of
            the input, around a `point`, or around the `shared-edges` of input and target.
        K: `given`, `zero` (restoration), or found by PSNR against the target: `best-per-image`,
            `best-per-set`, or `cross-fitted` (each half of the scenes takes the K that is best on the other).
        K_range: where K is looked for, pixels at the image's size (1 to 100 in BokehMe, section 4.3).
        colour: the input's: its own (`input`), or each channel's mean turned to the target's
            (`target-means`).
        gamma: encoded = linear ** (1 / gamma).
        crop: pixels at each border that no metric counts.
        uses_truth: what is chosen with the help of the ground truth, for every row to say.
        paper: whose protocol it is; empty for ours.
    """

    kind: ClassVar[str] = "protocol"
    implementation: str = ""
    disparity: str = "gt"
    focus: str = "given"
    K: str = "given"
    K_range: tuple[float, float] = (1.0, 100.0)
    colour: str = "input"
    gamma: float = 2.2
    crop: int = 0
    uses_truth: Sequence[str] = ()
    paper: str = ""
    notes: str = ""


@dataclass(frozen=True)
class MetricSpec(Spec):
    """A full-reference image metric.

    Attributes:
        higher_is_better: direction.
        decimals: how tables print it.
        parameters: what makes the number; part of the fingerprint.
        weights: names of weight files it needs.
        unit: "dB" or empty.
        source: paper.
        library: distribution that computes it, empty for our own code.
        min_size: the shorter side, in pixels, below which it is undefined.
        variants: suffixes it can be asked with (docs/metrics.md), `psnr+lin`; with "region" the function
            takes a mask, third: [H, W] bool, the pixels that count, or None.
        needs_pair: the function takes, third, a `bokehbench.metrics.pair.Comparison`: the prediction
            registered by what is known of input and target.
        needs_noise: the function takes, third, the noise of the target as PSNR in dB, where that is known.
        ranked: False for a diagnosis whose best value is not its smallest or largest: no bold, no rank.
    """

    kind: ClassVar[str] = "metric"
    higher_is_better: bool = True
    decimals: int = 4
    parameters: Mapping[str, Any] = field(default_factory=dict)
    weights: Sequence[str] = ()
    unit: str = ""
    source: str = ""
    library: str = ""
    min_size: int = 1
    variants: Sequence[str] = ("crop",)
    needs_pair: bool = False
    needs_noise: bool = False
    ranked: bool = True


@dataclass(frozen=True)
class SetMetricSpec(Spec):
    """A number about all the pictures of a row at once, or one without reference: a diagnosis, never ranked.

    The implementation is `f(pictures, **parameters)` (`bokehbench.metrics.sets`).

    Attributes:
        higher_is_better: which way its authors read it.
        decimals: how tables print it.
        parameters: what makes the number; part of the fingerprint.
        weights: names of weight files it needs.
        unit: "dB" or empty.
        source: paper.
        library: distribution that computes it, in a process of its own; empty for our own code.
        least: pictures below which it is marked as of a small set; 0 where that does not matter.
        in_focus: it looks at the box in focus of each picture (`Picture.box`), not at all of it.
    """

    kind: ClassVar[str] = "set-metric"
    higher_is_better: bool = False
    decimals: int = 4
    parameters: Mapping[str, Any] = field(default_factory=dict)
    weights: Sequence[str] = ()
    unit: str = ""
    source: str = ""
    library: str = ""
    least: int = 0
    in_focus: bool = False


@dataclass(frozen=True)
class RecipeSpec(Spec):
    """A recipe of training pairs; the implementation loads its typed configuration."""

    kind: ClassVar[str] = "recipe"
    paper: str = ""
    notes: str = ""


@dataclass(frozen=True)
class PretrainedSpec(Spec):
    """A network whose published weights a user brings: `module:Class(checkpoint, device, **options)`.

    Attributes:
        repo: where the weights lie on the Hugging Face hub; empty for what is not there, or needs none.
        place: a folder as transformers writes it, or a file, in the user's folders of weights, for what no
            hub has.
        source: how a user gets that.
        options: keyword arguments of the implementation.
        licence: of the weights, as their publisher states it.
        runs_code: the weights come with code of their own, which runs only for those who name the repo.
        paper: citation with year.
        notes: what to know before using it.
    """

    repo: str = ""
    place: str = ""
    source: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""
    runs_code: bool = False
    paper: str = ""
    notes: str = ""


@dataclass(frozen=True)
class DepthModelSpec(PretrainedSpec):
    """A network that sees depth in one picture; `infer(image)` gives a map of what `raw` says.

    Attributes:
        raw: "disparity" (relative inverse depth, near large) or "depth" (metres).
    """

    kind: ClassVar[str] = "depth-model"
    raw: str = "disparity"


@dataclass(frozen=True)
class SaliencyModelSpec(PretrainedSpec):
    """What tells the subject of a picture from the rest; `infer(image)` gives a mask in [0, 1]."""

    kind: ClassVar[str] = "saliency-model"


@dataclass(frozen=True)
class DepthSetSpec(Spec):
    """Pictures with measured depth, for `bokehbench depth --evaluate NAME:DIR`; `module:Class(root)`.

    Attributes:
        url: where a user gets it.
        count: pictures of the test split.
        layout: the files a folder of this kind has.
        protocol: which pixels are compared, and how.
        licence: as its publisher states it.
        notes: what to know before using it.
    """

    kind: ClassVar[str] = "depth-set"
    url: str = ""
    count: int = 0
    layout: str = ""
    protocol: str = ""
    licence: str = ""
    notes: str = ""


KINDS: dict[str, type[Spec]] = {
    spec.kind: spec
    for spec in (
        MethodSpec,
        BenchmarkSpec,
        ProtocolSpec,
        MetricSpec,
        SetMetricSpec,
        RecipeSpec,
        DepthModelSpec,
        SaliencyModelSpec,
        DepthSetSpec,
    )
}
