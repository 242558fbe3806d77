"""What a metric's written name stands for: `psnr`, `psnr+lin`, `ssim+crop8`.

A variant changes what the metric is given, not the metric:

- `+lin`: both images are decoded with the lens's gamma, so that differences of light are compared.
- `+geo`: the prediction is warped to the target's grid by the homography between input and target, and only
  what both cover counts; `+geo_gain` also takes out one factor of light per colour channel. For real pairs.
- `+crop{n}`: n pixels are dropped on every side, because no renderer can know what lies outside the frame.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bokehbench.errors import ConfigError
from bokehbench.metrics import weights
from bokehbench.records import sha256_json
from bokehbench.registry import MetricSpec, get

PAIR_VERSION = 1
"""Changes whenever `bokehbench.metrics.pair` would find another homography or another mask."""


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric as asked for.

    Attributes:
        spec: the metric.
        linear: `+lin`.
        aligned: `geo`, `geo_gain`, or empty.
        crop: pixels dropped on every side, 0 without `+crop{n}`.
    """

    spec: MetricSpec
    linear: bool = False
    aligned: str = ""
    crop: int = 0

    @property
    def name(self) -> str:
        """What the user wrote, a column's name."""
        parts = ("lin" if self.linear else "", self.aligned, f"crop{self.crop}" if self.crop else "")
        return "+".join((self.spec.name, *filter(None, parts)))

    @property
    def needs_pair(self) -> bool:
        """Whether it must know how input and target lie to each other (`bokehbench.metrics.pair`)."""
        return self.spec.needs_pair or bool(self.aligned)

    @property
    def id(self) -> str:
        """`name@version`, as records say it."""
        return f"{self.name}@{self.spec.version}"

    @property
    def higher_is_better(self) -> bool:
        """Direction."""
        return self.spec.higher_is_better

    @property
    def decimals(self) -> int:
        """How tables print it."""
        return self.spec.decimals

    @property
    def fingerprint(self) -> str:
        """8 hex digits of everything that makes the number; columns never mix two of them.

        sha256 over the canonical JSON of name, version, parameters, variant and the weights' sha256, and of
        what makes a pair where one is needed.
        """
        made_by = {
            "metric": self.spec.id,
            "parameters": dict(self.spec.parameters),
            "linear": self.linear,
            "crop": self.crop,
            "weights": {name: weights.get(name).sha256 for name in self.spec.weights},
        }
        if self.needs_pair:
            made_by |= {"aligned": self.aligned, "pair": PAIR_VERSION}
        return sha256_json(made_by)[:8]

    def function(self) -> Callable[..., float]:
        """The implementation: `f(prediction, target, **spec.parameters)`."""
        implementation: Callable[..., float] = self.spec.load()
        return implementation

    def missing(self) -> list[weights.WeightStatus]:
        """The weight files without which there is no number; empty when it can be computed."""
        found = (weights.status_of(name, (self.name,)) for name in self.spec.weights)
        return [entry for entry in found if entry.status != "ok"]


def find(name: str) -> Metric:
    """The metric of a written name.

    Raises:
        ConfigError: no such metric or variant, or the variant makes no sense for it.
    """
    base, *suffixes = name.split("+")
    spec = get(MetricSpec, base)
    options: dict[str, Any] = {}
    for suffix in suffixes:
        match = re.fullmatch(r"(lin)|(geo|geo_gain)|crop([1-9]\d*)", suffix)
        if match is None:
            raise ConfigError(
                f"metric {name!r}: unknown variant +{suffix}; there are +lin, +geo, +geo_gain and +crop8 "
                "(any n)"
            )
        kind = match[1] or match[2] or "crop"
        if kind not in spec.variants:
            allowed = ", ".join(f"+{variant}" for variant in spec.variants) or "none"
            raise ConfigError(f"metric {name!r}: {base} has no variant +{kind}; it has {allowed}")
        options |= (
            {"linear": True} if match[1] else {"aligned": kind} if match[2] else {"crop": int(match[3])}
        )
    if "aligned" in options and len(options) > 1:
        raise ConfigError(f"metric {name!r}: +{options['aligned']} stands alone; it drops a margin itself")
    metric = Metric(spec, **options)
    if metric.name != name:
        raise ConfigError(f"metric {name!r}: write {metric.name!r}, one number has one name")
    return metric
