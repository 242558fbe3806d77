"""Metrics of whole sets: what they are given, what they give back, and their fingerprint.

They stand in a table of their own and are never ranked: they compare distributions, or look at no target at
all, and so cannot say that a picture is the right one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bokehbench import images
from bokehbench.errors import BokehbenchError, Unavailable, Undefined
from bokehbench.metrics import weights
from bokehbench.metrics.focus_box import Box
from bokehbench.metrics.threads import one_thread
from bokehbench.records import sha256_json
from bokehbench.registry import SetMetricSpec, get


@dataclass(frozen=True)
class Picture:
    """A prediction and its target as they are stored.

    Attributes:
        border: pixels at each side that the protocol does not count.
        box: around the largest region in focus, for a metric that looks there; None where there is none.
    """

    prediction: Path
    target: Path
    border: int = 0
    box: Box | None = None


@dataclass(frozen=True)
class Measured:
    """What an implementation gives back.

    Attributes:
        value: of the predictions.
        target: the same of the targets, for what looks at no reference.
        made_by: package and version that computed it, where that is not ours; part of the fingerprint.
        n: pictures that it was measured on; None for all.
    """

    value: float
    target: float | None = None
    made_by: str = ""
    n: int | None = None


@dataclass(frozen=True)
class SetScore:
    """One number of a set, or why there is none.

    Attributes:
        value: None unless `status` is ok.
        target: the targets' own score, for what looks at no reference.
        n: pictures.
        status: ok, unavailable, sha-mismatch, undefined or failed, as of `score.Score`.
        metric: `name@version`.
        fingerprint: of everything that makes the number.
        made_by: see `Measured`.
        reason: one line where there is no value.
        regions: digest of the regions that it looked at, where it does not look at whole pictures.
    """

    value: float | None
    target: float | None
    n: int
    status: str
    metric: str
    fingerprint: str
    made_by: str = ""
    reason: str = ""
    regions: str = ""

    def to_json(self) -> dict[str, Any]:
        """For records; without `regions` where there are none."""
        return {key: value for key, value in asdict(self).items() if key != "regions" or value}


def fingerprint(spec: SetMetricSpec, made_by: str) -> str:
    """8 hex digits of name, version, parameters, weights, and the package that computed it."""
    made = {
        "metric": spec.id,
        "parameters": dict(spec.parameters),
        "weights": {name: weights.get(name).sha256 for name in spec.weights},
        "made_by": made_by,
    }
    return sha256_json(made)[:8]


def score_set(name: str, pictures: Sequence[Picture]) -> SetScore:
    """One metric over one set.

    Args:
        name: of a registered set metric.
        pictures: at least one, in an order that does not matter to more than rounding.

    Raises:
        ConfigError: no such metric.
    """
    spec = get(SetMetricSpec, name)

    def without_value(status: str, reason: str) -> SetScore:
        return SetScore(None, None, len(pictures), status, spec.id, fingerprint(spec, ""), reason=reason)

    lacking = [entry for file in spec.weights if (entry := weights.status_of(file)).status != "ok"]
    if lacking:
        return without_value(lacking[0].status, lacking[0].reason)
    try:
        with one_thread():
            found: Measured = spec.load()(pictures, **spec.parameters)
    except (Unavailable, Undefined) as error:
        return without_value("unavailable" if isinstance(error, Unavailable) else "undefined", str(error))
    except BokehbenchError as error:
        return without_value("failed", str(error))
    if not math.isfinite(found.value):
        return without_value("undefined", "has no finite value on this set")
    made_by, n = found.made_by, len(pictures) if found.n is None else found.n
    return SetScore(found.value, found.target, n, "ok", spec.id, fingerprint(spec, made_by), made_by)


def psnr_pooled(pictures: Sequence[Picture], *, cap: float = 100.0) -> Measured:
    """PSNR of the mean squared error of all pictures, each of which counts once.

    By the convexity of the logarithm it is at most the mean of their PSNR, and far below where few fail.

    Args:
        pictures: one at least.
        cap: of a set without error, dB.
    """
    errors = []
    for picture in pictures:
        inner = slice(picture.border, -picture.border or None)
        x, y = (
            images.quantise(images.read_image(path))[inner, inner].astype(np.int64)
            for path in (picture.prediction, picture.target)
        )
        errors.append(float(np.mean((x - y) ** 2)))
    mean = math.fsum(errors) / len(errors)
    return Measured(cap if mean == 0.0 else min(cap, 10.0 * math.log10(255.0**2 / mean)))
