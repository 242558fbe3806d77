"""What a metric's written name stands for: `psnr`, `psnr+lin`, `ssim+crop8`.

A variant changes what the metric is given, not the metric:

- `+lin`: both images are decoded with the lens's gamma, so that differences of light are compared.
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


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric as asked for.

    Attributes:
        spec: the metric.
        linear: `+lin`.
        crop: pixels dropped on every side, 0 without `+crop{n}`.
    """

    spec: MetricSpec
    linear: bool = False
    crop: int = 0

    @property
    def name(self) -> str:
        """What the user wrote, a column's name."""
        return self.spec.name + ("+lin" if self.linear else "") + (f"+crop{self.crop}" if self.crop else "")

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

        sha256 over the canonical JSON of name, version, parameters, variant and the weights' sha256.
        """
        return sha256_json(
            {
                "metric": self.spec.id,
                "parameters": dict(self.spec.parameters),
                "linear": self.linear,
                "crop": self.crop,
                "weights": {name: weights.get(name).sha256 for name in self.spec.weights},
            }
        )[:8]

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
        match = re.fullmatch(r"(lin)|crop([1-9]\d*)", suffix)
        if match is None:
            raise ConfigError(
                f"metric {name!r}: unknown variant +{suffix}; there are +lin and +crop8 (any n)"
            )
        kind = "lin" if match[1] else "crop"
        if kind not in spec.variants:
            allowed = ", ".join(f"+{variant}" for variant in spec.variants) or "none"
            raise ConfigError(f"metric {name!r}: {base} has no variant +{kind}; it has {allowed}")
        options |= {"linear": True} if match[1] else {"crop": int(match[2])}
    metric = Metric(spec, **options)
    if metric.name != name:
        raise ConfigError(f"metric {name!r}: write {metric.name!r}, one number has one name")
    return metric
