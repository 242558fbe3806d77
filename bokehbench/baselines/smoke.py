"""Whether a method does what any renderer of lens blur must, on one small scene (`bokehbench smoke`).

The limits are loose on purpose: they find a broken installation, a wrong scale, a lost focal plane or a
crash, not a bad method. Networks get wider ones than formulas.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bokehbench import images
from bokehbench.baselines.external import Answer
from bokehbench.baselines.external_spec import ExternalMethodSpec
from bokehbench.baselines.smoke_scene import DISC, WALL, Scene, detail, light_of
from bokehbench.cases import FloatImage, Inputs, Renderer
from bokehbench.errors import BokehbenchError, ConfigError, InputError, Unavailable
from bokehbench.registry import MethodSpec

K = 8.0
BLUR = K * (DISC - WALL)
"""Radius of the wall's circles of confusion when the disc is in focus, pixels."""
SAFE = math.ceil(BLUR) + 2
"""Pixels from the rim beyond which no light of the other side arrives."""
ODD = (117, 91)
LAMP = 3.0
"""Encoded value of the lamps of the scene with values above 1."""


@dataclass(frozen=True)
class Limits:
    """What is still right.

    Attributes:
        unchanged: PSNR in dB with what must stay as it is (K = 0, the focal plane).
        even: largest error of a picture of one colour, encoded.
        beyond: how far values may leave [0, 1].
        softer: largest share of its detail that the blurred wall may keep.
    """

    unchanged: float
    even: float
    beyond: float = 0.05
    softer: float = 0.5


LIMITS: Mapping[str, Limits] = {
    "floor": Limits(unchanged=60.0, even=0.002),
    "classical": Limits(unchanged=55.0, even=0.004),
    "ours": Limits(unchanged=55.0, even=0.004),
    "oracle": Limits(unchanged=55.0, even=0.004),
    "neural": Limits(unchanged=28.0, even=0.05),
}


@dataclass(frozen=True)
class Check:
    """One claim about a method; `said` has the figure, and why where it failed or was not tried."""

    name: str
    passed: bool
    said: str
    tried: bool = True


@dataclass(frozen=True)
class Report:
    """What became of a method: its checks, or why it cannot be tried here.

    Attributes:
        ended: how the program of an external method died; what its process made is not judged.
        unavailable: the reason where weights, program or environment are missing or wrong.
        warnings: what makes its numbers and is in no hash, a line each.
    """

    method: str
    checks: tuple[Check, ...] = ()
    ended: str = ""
    unavailable: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing failed; a method that is not here has not failed."""
        return not self.ended and all(check.passed for check in self.checks)


def limits_of(spec: MethodSpec) -> Limits:
    """By category; whatever has weights is a network, also where it stands as floor or as ceiling."""
    return LIMITS["neural"] if spec.weights else LIMITS.get(spec.category, LIMITS["neural"])


NAMES = ("shape", "range", "K = 0", "repeatable", "focal plane", "blur", "odd size", "above 1", "even")
"""Of the checks, in order."""


def smoke(spec: MethodSpec) -> Report:
    """Try one method; never raises for what the method does wrong."""
    warnings = tuple(spec.unhashed()) if isinstance(spec, ExternalMethodSpec) else ()
    try:
        spec.weights_sha256()
        spec.made_with()
        first, second = spec.create(), spec.create()
    except (Unavailable, InputError, ConfigError) as error:  # weights, program or environment
        return Report(spec.name, unavailable=str(error), warnings=warnings)
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return Report(spec.name, tuple(Check(name, False, f"not made: {said}") for name in NAMES))
    asked = _asked(oracle=spec.oracle == "layers")
    found, ended = _rendered(first, asked)
    again, ended_again = _rendered(second, {"again": asked["focus"]})
    judge = _Judge(spec, limits_of(spec), asked, found | again)
    return Report(spec.name, tuple(judge.checks()), "; ".join([*ended, *ended_again]), warnings=warnings)


def _asked(*, oracle: bool) -> dict[str, Inputs]:
    """Everything that is rendered, by name."""
    scene, lit = Scene(), Scene(light=LAMP)
    return {
        "zero": scene.inputs(0.0, 0.5, layers=oracle),
        "focus": scene.inputs(K, DISC, layers=oracle),
        "odd": Scene(ODD).inputs(K, WALL, layers=oracle),
        "above": lit.inputs(K, DISC, layers=oracle),
        "clipped": Scene(light=LAMP, clipped=True).inputs(K, DISC, layers=oracle),
        "even": Scene(even=True).inputs(K, DISC, layers=oracle),
    }


class _NotTried(str):
    """Why there is no picture, where that says nothing about the picture."""


Made = FloatImage | str
"""An image, or why there is none."""


def _rendered(renderer: Renderer, asked: Mapping[str, Inputs]) -> tuple[dict[str, Made], list[str]]:
    """What was made, by name, and how each process of its own died that did."""
    if hasattr(renderer, "render_many"):
        return _rendered_elsewhere(renderer.render_many(asked.values()), list(asked))
    made: dict[str, Made] = {}
    for name, inputs in asked.items():
        try:
            made[name] = renderer.render(inputs)
        except BokehbenchError as error:
            made[name] = str(error)
        except Exception as error:  # a method may be anybody's code
            made[name] = " ".join(f"{type(error).__name__}: {error}".split())
    return made, []


def _rendered_elsewhere(given: Iterable[Answer], names: Sequence[str]) -> tuple[dict[str, Made], list[str]]:
    """As of `_rendered`. A crash need not be the fault of the picture that it came at, so none is blamed."""
    answers = list(given)
    ends = {answer.process: answer for answer in answers if answer.died}
    made: dict[str, Made] = {}
    for answer in answers:
        if answer.process in ends or not answer.tried:
            made[names[answer.number]] = _NotTried("its process died")
        else:
            made[names[answer.number]] = answer.image if answer.image is not None else str(answer.error)
    return made, [f"process {number + 1}: {answer.error}" for number, answer in sorted(ends.items())]


class _Judge:
    """Turns renderings into checks."""

    def __init__(
        self, spec: MethodSpec, limits: Limits, asked: Mapping[str, Inputs], made: Mapping[str, Made]
    ) -> None:
        self.spec, self.limits, self.asked, self.made = spec, limits, asked, made

    def checks(self) -> list[Check]:
        """One for each of `NAMES`."""
        claims: tuple[tuple[tuple[str, ...], Callable[..., tuple[bool, str]]], ...] = (
            (("focus",), self._shape),
            (("focus",), self._range),
            (("zero",), self._unchanged_without_blur),
            (("focus", "again"), self._repeatable),
            (("focus",), self._focal_plane),
            (("focus",), self._blur),
            (("odd",), self._odd_size),
            (("above", "clipped"), self._above_one),
            (("even",), self._even),
        )
        return [self._check(name, needed, claim) for name, (needed, claim) in zip(NAMES, claims, strict=True)]

    def _check(self, name: str, needed: Sequence[str], claim: Callable[..., tuple[bool, str]]) -> Check:
        pictures = []
        for one in needed:
            picture = self.made[one if one in self.made else "focus"]
            if isinstance(picture, _NotTried):
                return Check(name, False, picture, tried=False)
            if isinstance(picture, str):
                return Check(name, False, picture)
            wanted = self.asked[one if one in self.asked else "focus"].image.shape
            if not isinstance(picture, np.ndarray) or picture.shape != wanted:
                got = getattr(picture, "shape", type(picture).__name__)
                return Check(name, False, f"returned {got}, not an image {wanted}")
            pictures.append(np.asarray(picture))
        if name not in ("shape", "range") and not all(np.isfinite(picture).all() for picture in pictures):
            return Check(name, False, "NaN or infinite pixels")
        passed, said = claim(*pictures)
        if name in self.spec.by_design:
            return Check(name, True, f"{said}; so by its paper's definition")
        return Check(name, passed, said)

    # ------------------------------------------------------------------------------------------- claims

    def _shape(self, picture: FloatImage) -> tuple[bool, str]:
        floating = picture.dtype.kind == "f"
        return floating, f"{picture.dtype} {picture.shape}" + ("" if floating else ", not floating point")

    def _range(self, picture: FloatImage) -> tuple[bool, str]:
        if not np.isfinite(picture).all():
            return False, "NaN or infinite pixels"
        low, high = float(picture.min()), float(picture.max())
        beyond = self.limits.beyond
        return -beyond <= low and high <= 1.0 + beyond, f"[{low:.3f}, {high:.3f}] of an input in [0, 1]"

    def _unchanged_without_blur(self, picture: FloatImage) -> tuple[bool, str]:
        return self._same(picture, self.asked["zero"].image)

    def _repeatable(self, one: FloatImage, two: FloatImage) -> tuple[bool, str]:
        differ = int((images.quantise(one) != images.quantise(two)).any(axis=2).sum())
        return differ == 0, f"{differ} pixels differ between two renderings of equal seed"

    def _focal_plane(self, picture: FloatImage) -> tuple[bool, str]:
        inside = Scene().distance_to_edge() > SAFE
        return self._same(picture[inside], self.asked["focus"].image[inside])

    def _blur(self, picture: FloatImage) -> tuple[bool, str]:
        if self.spec.ignores_lens:
            return True, "ignores the lens, as it says"
        outside = Scene().distance_to_edge() < -SAFE
        kept = detail(picture, outside) / detail(self.asked["focus"].image, outside)
        return kept <= self.limits.softer, f"the wall keeps {kept:.3f} of its detail at {BLUR:.1f} px of blur"

    def _odd_size(self, picture: FloatImage) -> tuple[bool, str]:
        return True, f"{picture.shape[1]}x{picture.shape[0]}"

    def _above_one(self, picture: FloatImage, clipped: FloatImage) -> tuple[bool, str]:
        more, without = light_of(picture), light_of(clipped)
        return more >= without - 0.002, f"mean light {more:.4f} with lamps of {LAMP:g}, {without:.4f} of 1"

    def _even(self, picture: FloatImage) -> tuple[bool, str]:
        error = float(np.abs(picture - self.asked["even"].image).max())
        return error <= self.limits.even, f"off by {error:.4f} at most"

    def _same(self, picture: FloatImage, wanted: FloatImage) -> tuple[bool, str]:
        error = float(np.square(np.clip(picture, 0.0, 1.0) - wanted, dtype=np.float64).mean())
        psnr = min(100.0, -10.0 * math.log10(max(error, 1e-10)))
        return psnr >= self.limits.unchanged, f"{psnr:.1f} dB, {self.limits.unchanged:g} wanted"
