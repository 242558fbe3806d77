"""What a name stands for, as plain data: one class for each kind of thing that can be registered.

Methods and what restores before them are in `method_specs.py`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


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
