"""Score two images: the one way by which every number of the project is made."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import BokehbenchError, JobFailed, Undefined
from bokehbench.metrics.catalogue import Metric, find
from bokehbench.metrics.guard import ByteImage, checked_pair
from bokehbench.metrics.specs import DEFAULT
from bokehbench.metrics.threads import one_thread
from bokehbench.optics import decode

if TYPE_CHECKING:
    from bokehbench.metrics.pair import Comparison, Pair
    from bokehbench.metrics.regions import Regions


@dataclass(frozen=True)
class Score:
    """One number, or why there is none.

    Attributes:
        value: None unless `status` is ok or identical.
        status: ok; identical (the images are equal in every pixel); unavailable (weights are missing);
            sha-mismatch (weights that are not the published ones); undefined (the images are too small, or
            the formula has no value on them); failed (the metric raised).
        metric: `name@version`.
        fingerprint: of everything that makes the number (`Metric.fingerprint`).
        reason: one line where there is no value, and beside a value what was not as it should be.
        pair: of a number that needs one, sha256 of the stored pair (`leaderboard.pairs`).
        regions: of a number that needs them, sha256 of the stored regions (`leaderboard.regions`).
    """

    value: float | None
    status: str
    metric: str
    fingerprint: str
    reason: str = ""
    pair: str = ""
    regions: str = ""

    def to_json(self) -> dict[str, Any]:
        """For records; without `reason`, `pair` and `regions` where there is none."""
        optional = ("reason", "pair", "regions")
        return {key: value for key, value in asdict(self).items() if key not in optional or value}


def score_images(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    ids: Sequence[str] = DEFAULT,
    *,
    gamma: float = 2.2,
    pair: Pair | None = None,
    regions: Regions | None = None,
) -> dict[str, float | None]:
    """Full-reference metrics of a prediction.

    Args:
        prediction: [H, W, 3], uint8 or encoded float; floats are clipped and rounded to 8 bit first, since
            that is what is stored.
        target: [H, W, 3], the same.
        ids: metrics as written, variants included (`psnr`, `ssim`, `psnr+lin`, `lpips-alex`).
        gamma: of the lens, for `+lin` and `+geo_gain`.
        pair: from `bokehbench.metrics.pair.make_pair(input, target)`, for `+raw`, `+geo`, `+geo_gain` and the
            metrics that look at what is out of focus.
        regions: from `bokehbench.metrics.regions.find_regions(disparity, lens, input)`, for `+focus`,
            `+defocus`, `+band`, `+transition`, `+highlights` and `+cropR`.

    Returns:
        {id: value} in the order of `ids`. None where there is no number (weights missing or wrong, images
        too small): `score_images_detailed` says why.

    Raises:
        InputError: the arrays are no such images, or differ in size.
        ConfigError: unknown metric or variant.
        JobFailed: a metric raised.

    Example:
        >>> import numpy as np
        >>> target = np.full((32, 32, 3), 100, np.uint8)
        >>> score_images(target + np.uint8(5), target, ["psnr"])
        {'psnr': 34.15140352195873}
    """
    scores = score_images_detailed(prediction, target, ids, gamma=gamma, pair=pair, regions=regions)
    for score in scores.values():
        if score.status == "failed":
            raise JobFailed(f"metric {score.metric}: {score.reason}")
    return {name: score.value for name, score in scores.items()}


def score_images_detailed(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    ids: Sequence[str] = DEFAULT,
    *,
    gamma: float = 2.2,
    pair: Pair | None = None,
    regions: Regions | None = None,
    border: int = 0,
    noise: float | None = None,
) -> dict[str, Score]:
    """`score_images` with status, reason, version and fingerprint of every number.

    Args:
        prediction: see `score_images`.
        target: see `score_images`.
        ids: see `score_images`.
        gamma: see `score_images`.
        pair: see `score_images`.
        regions: see `score_images`.
        border: pixels at every side that no metric counts, as the protocol says; besides a metric's `+crop`.
        noise: of the target, as PSNR in dB against one without; None where it is not known.

    Raises:
        InputError: the arrays are no such images, or differ in size.
        ConfigError: unknown metric or variant.
    """
    metrics = [find(name) for name in ids]
    known = _Known(*checked_pair(prediction, target), gamma, pair, regions, border, noise)
    with one_thread():
        return {metric.name: _score(metric, known) for metric in metrics}


def unavailable(metric: Metric) -> Score | None:
    """The score of a metric whose weights this machine lacks, whatever the images; None if it has them."""
    missing = metric.missing()
    if not missing:
        return None
    worst = next((entry for entry in missing if entry.status == "sha-mismatch"), missing[0])
    return Score(None, worst.status, metric.id, metric.fingerprint, worst.reason)


@dataclass(eq=False)
class _Known:
    """One prediction, its target, and what is known about both; what several metrics need is made once."""

    prediction: ByteImage
    target: ByteImage
    gamma: float
    pair: Pair | None
    regions: Regions | None
    border: int
    noise: float | None

    @functools.cached_property
    def comparison(self) -> Comparison:
        """The prediction registered; Undefined where it is not known how input and target lie."""
        if self.pair is None:
            raise Undefined("needs the input that the target belongs to")
        from bokehbench.metrics.pair import Comparison

        return Comparison(self.prediction, self.target, self.pair, self.gamma, self.border)

    def of_case(self) -> Regions:
        """The regions; Undefined where the true defocus is not known."""
        if self.regions is None:
            raise Undefined("needs the true disparity, focus and K")
        return self.regions

    @functools.cached_property
    def sharpness(self) -> npt.NDArray[np.float64]:
        """q of prediction and target, [H, W]."""
        from bokehbench.metrics.regions import sharpness_map

        return sharpness_map(self.prediction, self.target)


def _score(metric: Metric, known: _Known) -> Score:
    def without_value(status: str, reason: str) -> Score:
        return Score(None, status, metric.id, metric.fingerprint, reason)

    lacking = unavailable(metric)
    if lacking is not None:
        return lacking
    try:
        x, y, *more = _given(metric, known)
        value = float(metric.function()(x, y, *more, **metric.spec.parameters))
    except Undefined as error:
        return without_value("undefined", str(error))
    except BokehbenchError:
        raise
    except Exception as error:
        # A metric may be anybody's code: what it raises is its result on these images, not our crash.
        return without_value("failed", " ".join(f"{type(error).__name__}: {error}".split()))
    if not math.isfinite(value):
        return without_value("undefined", "has no finite value on these images")
    counted = more[0] if metric.region and isinstance(more[0], np.ndarray) else ...
    status = "identical" if np.array_equal(x[counted], y[counted]) else "ok"
    return Score(value, status, metric.id, metric.fingerprint)


def _given(metric: Metric, known: _Known) -> tuple[Any, ...]:
    """What the metric's function gets: both pictures, and a mask, a comparison or the noise if it needs one.

    Raises:
        Undefined: the pictures are too small, or what it needs is not known or too little.
    """
    dropped = known.border + (known.of_case().crop() if metric.crop_radius else metric.crop)
    shorter = min(known.target.shape[:2]) - 2 * dropped
    if shorter < metric.spec.min_size:
        raise Undefined(
            f"needs {metric.spec.min_size} pixels on the shorter side, there are {max(shorter, 0)}"
        )
    if metric.needs_pair:
        return _registered(metric, known)
    if metric.region:
        return _in_region(metric, known, dropped)
    pictures = tuple(_prepared(metric, image, known, dropped) for image in (known.prediction, known.target))
    if not metric.spec.needs_noise:
        return pictures
    if known.noise is None:
        raise Undefined("the target's noise is not known")
    return *pictures, known.noise


def _registered(metric: Metric, known: _Known) -> tuple[Any, ...]:
    """Both pictures of a pair on one grid, and what counts."""
    comparison = known.comparison
    if not metric.aligned:
        return known.prediction, known.target, comparison
    mask = comparison.region(metric.region)
    if metric.region:
        from bokehbench.metrics import regions

        mask = regions.enough(mask, regions.NAMES[metric.region])
    return comparison.aligned(metric.aligned), known.target / 255.0, mask


def _in_region(metric: Metric, known: _Known, dropped: int) -> tuple[Any, ...]:
    """Both pictures of an aligned case, and the region."""
    from bokehbench.metrics import regions

    found = known.of_case()
    inner = _inner(dropped)
    mask = regions.enough(found.mask(metric.region)[inner], regions.NAMES[metric.region])
    x, y = (_prepared(metric, image, known, dropped) for image in (known.prediction, known.target))
    if not metric.spec.needs_pair:
        return x, y, mask
    seen = regions.RegionComparison(x, known.sharpness[inner], mask, found.structured[inner], known.gamma)
    return x, y, seen


def _inner(dropped: int) -> tuple[slice, slice]:
    inside = slice(dropped, -dropped or None)
    return inside, inside


def _prepared(metric: Metric, image: ByteImage, known: _Known, dropped: int) -> npt.NDArray[Any]:
    cropped = image[_inner(dropped)]
    return decode(cropped / 255.0, known.gamma) if metric.linear else cropped
