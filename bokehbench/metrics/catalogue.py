"""What a metric's written name stands for: `psnr`, `psnr+lin`, `ssim+crop8`.

A variant changes what the metric is given, not the metric:

- `+lin`: both images are decoded with the lens's gamma, so that differences of light are compared.
- `+geo`: the prediction is warped to the target's grid by the homography between input and target, and only
  what both cover counts; `+geo_gain` also takes out one factor of light per colour channel; `+raw` compares
  the same pixels as they lie. For real pairs.
- `+focus`, `+defocus`, `+band`, `+transition`, `+highlights`: one region of the picture, by the true defocus
  (`bokehbench.metrics.regions`); after `+raw`, `+geo`, `+geo_gain` by what the pair itself shows.
- `+crop{n}`: n pixels are dropped on every side, because no renderer can know what lies outside the frame;
  `+cropR` drops as many as the largest circle of confusion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bokehbench.errors import ConfigError
from bokehbench.metrics import weights
from bokehbench.records import sha256_json
from bokehbench.registry import MetricSpec, get

PAIR_VERSION = 1
"""Changes whenever `bokehbench.metrics.pair` would find another homography or another mask."""
REGIONS_VERSION = 1
"""Changes whenever `bokehbench.metrics.regions` would find other regions, or want more pixels of one."""
REGIONS = ("focus", "defocus", "band", "transition", "highlights")
PAIR_REGIONS = ("focus", "defocus")
"""What a pair of photographs shows of itself, without a disparity map."""
_SUFFIX = re.compile(rf"(lin)|(raw|geo|geo_gain)|({'|'.join(REGIONS)})|crop([1-9]\d*|R)")


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric as asked for.

    Attributes:
        spec: the metric.
        linear: `+lin`.
        aligned: `raw`, `geo`, `geo_gain`, or empty.
        region: one of `REGIONS`, or empty for the whole picture.
        crop: pixels dropped on every side, 0 without `+crop{n}`.
        crop_radius: `+cropR`.
    """

    spec: MetricSpec
    linear: bool = False
    aligned: str = ""
    region: str = ""
    crop: int = 0
    crop_radius: bool = False

    @property
    def name(self) -> str:
        """What the user wrote, a column's name."""
        crop = "cropR" if self.crop_radius else f"crop{self.crop}" if self.crop else ""
        parts = ("lin" if self.linear else "", self.aligned, self.region, crop)
        return "+".join((self.spec.name, *filter(None, parts)))

    @property
    def needs_pair(self) -> bool:
        """Whether it must know how input and target lie to each other (`bokehbench.metrics.pair`)."""
        return bool(self.aligned) or (self.spec.needs_pair and not self.region)

    @property
    def needs_regions(self) -> bool:
        """Whether it must know the true defocus of every pixel (`bokehbench.metrics.regions`)."""
        return self.crop_radius or bool(self.region and not self.aligned)

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
        if self.crop_radius:
            made_by["crop"] = "R"
        if self.region or self.crop_radius:
            made_by |= {"region": self.region, "regions": REGIONS_VERSION}
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
        match = _SUFFIX.fullmatch(suffix)
        if match is None:
            raise ConfigError(
                f"metric {name!r}: unknown variant +{suffix}; there are +lin, +raw, +geo, +geo_gain, "
                f"{_listed(['region'])}, +crop8 (any n) and +cropR"
            )
        linear, aligned, region, crop = match.groups()
        kind = linear or aligned or ("region" if region else "crop")
        if kind not in spec.variants:
            allowed = _listed(spec.variants) or "none"
            raise ConfigError(f"metric {name!r}: {base} has no variant +{suffix}; it has {allowed}")
        if kind == "region" and "region" in options:
            raise ConfigError(
                f"metric {name!r}: one region at a time, not +{options['region']} and +{region}"
            )
        if linear:
            options["linear"] = True
        elif aligned:
            options["aligned"] = aligned
        elif region:
            options["region"] = region
        else:
            options |= {"crop_radius": True} if crop == "R" else {"crop": int(crop)}
    _refuse_mixture(name, options)
    metric = Metric(spec, **options)
    if metric.name != name:
        raise ConfigError(f"metric {name!r}: write {metric.name!r}, one number has one name")
    return metric


def _listed(variants: Sequence[str]) -> str:
    """Variants of a spec as a user writes them."""
    names = (name for variant in variants for name in (REGIONS if variant == "region" else (variant,)))
    return ", ".join(f"+{name}" for name in names)


def _refuse_mixture(name: str, options: dict[str, Any]) -> None:
    """ConfigError where two variants exclude each other."""
    aligned, region = options.get("aligned"), options.get("region")
    if "crop" in options and "crop_radius" in options:
        raise ConfigError(f"metric {name!r}: +crop{options['crop']} and +cropR exclude each other")
    if aligned and options.keys() - {"aligned", "region"}:
        raise ConfigError(f"metric {name!r}: +{aligned} stands alone; it drops a margin itself")
    if aligned and region and region not in PAIR_REGIONS:
        raise ConfigError(
            f"metric {name!r}: a pair shows what is in focus or out of focus, +{aligned}+focus or "
            f"+{aligned}+defocus; +{region} needs the true disparity"
        )
