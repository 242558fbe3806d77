"""Score two images: the one way by which every number of the project is made."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import BokehbenchError, JobFailed, Undefined
from bokehbench.metrics.catalogue import Metric, find
from bokehbench.metrics.guard import ByteImage, checked_pair
from bokehbench.metrics.specs import DEFAULT
from bokehbench.optics import decode

if TYPE_CHECKING:
    from bokehbench.metrics.pair import Comparison, Pair


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
    """

    value: float | None
    status: str
    metric: str
    fingerprint: str
    reason: str = ""
    pair: str = ""

    def to_json(self) -> dict[str, Any]:
        """For records; without `reason` and `pair` where there is none."""
        return {key: value for key, value in asdict(self).items() if key not in ("reason", "pair") or value}


def score_images(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    ids: Sequence[str] = DEFAULT,
    *,
    gamma: float = 2.2,
    pair: Pair | None = None,
) -> dict[str, float | None]:
    """Full-reference metrics of a prediction.

    Args:
        prediction: [H, W, 3], uint8 or encoded float; floats are clipped and rounded to 8 bit first, since
            that is what is stored.
        target: [H, W, 3], the same.
        ids: metrics as written, variants included (`psnr`, `ssim`, `psnr+lin`, `lpips-alex`).
        gamma: of the lens, for `+lin` and `+geo_gain`.
        pair: from `bokehbench.metrics.pair.make_pair(input, target)`, for `+geo`, `+geo_gain` and the metrics
            that look at what is out of focus.

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
    scores = score_images_detailed(prediction, target, ids, gamma=gamma, pair=pair)
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
        border: pixels at every side that no metric counts, as the protocol says; besides a metric's `+crop`.
        noise: of the target, as PSNR in dB against one without; None where it is not known.

    Raises:
        InputError: the arrays are no such images, or differ in size.
        ConfigError: unknown metric or variant.
    """
    metrics = [find(name) for name in ids]
    pictures = checked_pair(prediction, target)
    with _one_thread():
        comparison = _comparison(metrics, *pictures, gamma, pair, border)
        return {
            metric.name: _score(metric, *pictures, gamma, comparison, border, noise) for metric in metrics
        }


def _comparison(
    metrics: Sequence[Metric],
    prediction: ByteImage,
    target: ByteImage,
    gamma: float,
    pair: Pair | None,
    border: int,
) -> Comparison | None:
    """The prediction registered, where any of the metrics needs it and the pair is known."""
    if pair is None or not any(metric.needs_pair for metric in metrics):
        return None
    from bokehbench.metrics.pair import Comparison

    return Comparison(prediction, target, pair, gamma, border)


def unavailable(metric: Metric) -> Score | None:
    """The score of a metric whose weights this machine lacks, whatever the images; None if it has them."""
    missing = metric.missing()
    if not missing:
        return None
    worst = next((entry for entry in missing if entry.status == "sha-mismatch"), missing[0])
    return Score(None, worst.status, metric.id, metric.fingerprint, worst.reason)


def _score(
    metric: Metric,
    prediction: ByteImage,
    target: ByteImage,
    gamma: float,
    comparison: Comparison | None,
    border: int,
    noise: float | None,
) -> Score:
    def without_value(status: str, reason: str) -> Score:
        return Score(None, status, metric.id, metric.fingerprint, reason)

    lacking = unavailable(metric)
    if lacking is not None:
        return lacking
    shorter = min(target.shape[:2]) - 2 * (metric.crop + border)
    if shorter < metric.spec.min_size:
        return without_value(
            "undefined",
            f"needs {metric.spec.min_size} pixels on the shorter side, there are {max(shorter, 0)}",
        )
    if metric.needs_pair and comparison is None:
        return without_value("undefined", "needs the input that the target belongs to")
    if metric.spec.needs_noise and noise is None:
        return without_value("undefined", "the target's noise is not known")
    x, y, *known = _given(metric, prediction, target, gamma, comparison, border)
    known += [noise] if metric.spec.needs_noise else []
    try:
        value = float(metric.function()(x, y, *known, **metric.spec.parameters))
    except Undefined as error:
        return without_value("undefined", str(error))
    except BokehbenchError:
        raise
    except Exception as error:
        # A metric may be anybody's code: what it raises is its result on these images, not our crash.
        return without_value("failed", " ".join(f"{type(error).__name__}: {error}".split()))
    if not math.isfinite(value):
        return without_value("undefined", "has no finite value on these images")
    status = "identical" if np.array_equal(x, y) else "ok"
    return Score(value, status, metric.id, metric.fingerprint)


def _given(
    metric: Metric,
    prediction: ByteImage,
    target: ByteImage,
    gamma: float,
    comparison: Comparison | None,
    border: int,
) -> tuple[Any, ...]:
    """What the metric's function gets: both pictures, and a mask or the comparison where it needs one."""
    if comparison is None or not metric.needs_pair:
        return tuple(_prepared(metric, image, gamma, border) for image in (prediction, target))
    if not metric.aligned:
        return prediction, target, comparison
    moved = comparison.corrected if metric.aligned == "geo_gain" else comparison.moved
    return moved, target / 255.0, comparison.valid


def _prepared(metric: Metric, image: ByteImage, gamma: float, border: int) -> npt.NDArray[Any]:
    dropped = metric.crop + border
    inner = slice(dropped, -dropped or None)
    cropped = image[inner, inner]
    return decode(cropped / 255.0, gamma) if metric.linear else cropped


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in one order: a number must not depend on how many threads a process has.

    Work is spread over processes instead (`--workers`), which costs no time in all.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
