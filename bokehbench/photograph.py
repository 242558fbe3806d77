"""One photograph and its disparity map: load, choose the focus, refocus with any method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench import images
from bokehbench.apertures import MASK
from bokehbench.cases import FloatImage, Inputs, Renderer
from bokehbench.errors import BadImage, BokehbenchError, ConfigError, InputError, JobFailed
from bokehbench.optics import Lens, decode, encode
from bokehbench.registry import MethodSpec, get

SAMPLE = "sample:"
SAMPLES = ("motorcycle",)
K_SCALE = "k_scale"
"""An option of every method: what K is multiplied by before the method gets it."""
_ASPECT_TOLERANCE = 0.05


@dataclass(frozen=True, eq=False)
class Photograph:
    """An all-in-focus photograph with disparity.

    Attributes:
        image: [H, W, 3] float32, encoded.
        disparity: [H, W] float32 in [0, 1], near large.
        range: (d_min, d_max) of the map's own unit that [0, 1] stands for.
        filled: pixels of disparity that were invalid and were filled from the background.
        notes: what was done to make the two fit, one line each.
    """

    image: FloatImage
    disparity: FloatImage
    range: tuple[float, float]
    filled: int = 0
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(W, H), pixels."""
        return self.image.shape[1], self.image.shape[0]


def load(photo: str, disparity: str, gamma: float = 2.2) -> Photograph:
    """Load a photograph and its disparity map.

    Args:
        photo, disparity: file names, or `sample:motorcycle`.
        gamma: encodes a linear EXR photograph.

    Raises:
        BadImage: a file that cannot be used; the map's shape does not fit the photograph's.
        ConfigError: an unknown sample.
    """
    image = _sample_image(photo) if photo.startswith(SAMPLE) else images.read_image(Path(photo), gamma)
    if disparity.startswith(SAMPLE):
        measured = _sample_disparity(disparity)
    else:
        measured = images.read_disparity(Path(disparity))
    values, notes = _fit(measured.values, image, photo, disparity)
    return Photograph(image, values, measured.range, measured.filled, notes)


def load_sample(name: str) -> Photograph:
    """A photograph that comes with an installed package: `motorcycle`, Middlebury 2014 through scikit-image.

    Its measured disparity has 27,226 invalid pixels, filled from the background.
    """
    return load(SAMPLE + name, SAMPLE + name)


def _sample_image(name: str) -> FloatImage:
    left, _ = _motorcycle(name)
    return np.ascontiguousarray(left.astype(np.float32) / np.float32(255.0))


def _sample_disparity(name: str) -> images.DisparityMap:
    return images.normalise_disparity(_motorcycle(name)[1])


def _motorcycle(name: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    if name.removeprefix(SAMPLE) not in SAMPLES:
        raise ConfigError(f"{name}: there is no such sample; there is {SAMPLE}{SAMPLES[0]}")
    from skimage import data

    left, _, disparity = data.stereo_motorcycle()
    return left, disparity


def _fit(
    values: FloatImage, image: FloatImage, photo: str, disparity: str
) -> tuple[FloatImage, tuple[str, ...]]:
    """The map at the photograph's size, and a note where that changed it."""
    height, width = image.shape[:2]
    if values.shape == (height, width):
        return values, ()
    h, w = values.shape
    if abs((w / h) / (width / height) - 1.0) > _ASPECT_TOLERANCE:
        raise BadImage(
            disparity,
            "E_DISPARITY",
            f"{w}x{h} has not the shape of {photo} ({width}x{height}); crop or turn it",
        )
    import cv2

    fitted = np.clip(cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR), 0.0, 1.0)
    return fitted, (f"disparity resized from {w}x{h} to {width}x{height}",)


def focus_at(disparity: npt.NDArray[Any], x: int, y: int, window: int = 5) -> float:
    """Disparity of the focal plane for a point of the picture: the median around it, robust to single pixels.

    Args:
        disparity: [H, W].
        x, y: pixel, origin at the top left.
        window: side of the square, odd; cut off at the frame.

    Raises:
        ConfigError: the point lies outside the picture.
    """
    height, width = disparity.shape
    if not (0 <= x < width and 0 <= y < height):
        raise ConfigError(
            f"focus point {x},{y} lies outside the picture (x 0..{width - 1}, y 0..{height - 1})"
        )
    half = window // 2
    around = disparity[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1]
    return float(np.median(around))


def focus_in(disparity: npt.NDArray[Any], mask: npt.NDArray[Any]) -> float:
    """Disparity of the focal plane for a subject: the median inside its mask.

    Args:
        disparity: [H, W].
        mask: [h, w] in [0, 1], of the same shape of picture; the subject is where it exceeds 0.5.

    Raises:
        InputError: nothing exceeds 0.5, or the mask has another shape of picture.
    """
    height, width = disparity.shape
    h, w = mask.shape
    if abs((w / h) / (width / height) - 1.0) > _ASPECT_TOLERANCE:
        raise InputError(f"the mask is {w}x{h}, which has not the shape of the picture ({width}x{height})")
    if mask.shape != disparity.shape:
        import cv2

        mask = cv2.resize(np.asarray(mask, np.float32), (width, height), interpolation=cv2.INTER_NEAREST)
    inside = mask > 0.5
    if not inside.any():
        raise InputError("the mask shows nothing: no pixel of it is brighter than half")
    return float(np.median(disparity[inside]))


def narrowed(photo: Photograph, width: int, gamma: float = 2.2) -> Photograph:
    """The photograph at another width, not larger: light is averaged over areas, disparity interpolated.

    Raises:
        ConfigError: a width under 16 pixels, or over the photograph's own.
    """
    import cv2

    own, height = photo.size
    if not 16 <= width <= own:
        raise ConfigError(f"--width must lie between 16 and the photograph's own {own}, not {width}")
    if width == own:
        return photo
    size = (width, max(1, round(height * width / own)))
    light = cv2.resize(decode(photo.image, gamma).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    disparity = cv2.resize(photo.disparity, size, interpolation=cv2.INTER_LINEAR)
    note = f"rendered at {size[0]}x{size[1]}; K is in pixels of that size"
    return replace(
        photo,
        image=encode(light, gamma).astype(np.float32),
        disparity=np.clip(disparity, 0.0, 1.0),
        notes=(*photo.notes, note),
    )


def refocus(
    image: FloatImage,
    disparity: FloatImage,
    method: str,
    lens: Lens,
    options: Mapping[str, Any] | None = None,
    key: str = "photograph",
) -> FloatImage:
    """Render one photograph with a registered method.

    Args:
        image: [H, W, 3] float32, encoded.
        disparity: [H, W] float32 in [0, 1], near large.
        method: a name of `bokehbench list methods`.
        lens: K in pixels of this image, focus on the scale of `disparity`.
        options: arguments of the method's implementation, beside those of its spec; `k_scale` of any.
        key: names the picture; stochastic methods seed from it.

    Returns:
        [H, W, 3] float32, encoded; may exceed 1 where the input does.

    Raises:
        ConfigError: see `prepare`.
        InputError: image and disparity do not fit.
        JobFailed: the method raised, or returned anything but finite [H, W, 3].
    """
    renderer = prepare(method, options or {}, lens)
    if image.ndim != 3 or image.shape[2] != 3 or disparity.shape != image.shape[:2]:
        raise InputError(f"image {image.shape} and disparity {disparity.shape} must be [H, W, 3] and [H, W]")
    inputs = Inputs(key, np.asarray(image, np.float32), np.asarray(disparity, np.float32), lens)
    ((_, result),) = pictures(renderer, method, [inputs])
    return result


def pictures(renderer: Renderer, method: str, asked: Sequence[Inputs]) -> Iterator[tuple[int, FloatImage]]:
    """(number, [H, W, 3] float32) of all that is asked, as it comes; by one process where it has its own.

    Raises:
        JobFailed: the method raised, or returned anything but finite [H, W, 3].
    """
    for number, found in _made(renderer, method, asked):
        with _blamed_on(method):
            image = np.asarray(found, np.float32)
        if image.shape != asked[number].image.shape:
            raise JobFailed(
                f"{method}: returned {image.shape}, the photograph is {asked[number].image.shape}"
            )
        if not np.isfinite(image).all():
            raise JobFailed(f"{method}: returned NaN or infinite pixels")
        yield number, image


def _made(renderer: Renderer, method: str, asked: Sequence[Inputs]) -> Iterator[tuple[int, Any]]:
    """What a method, which may be anybody's code, returned."""
    if hasattr(renderer, "render_many"):
        for answer in renderer.render_many(asked):
            if answer.error is not None:
                raise JobFailed(f"{method}: {answer.error}") from answer.error
            yield answer.number, answer.image
        return
    for number, inputs in enumerate(asked):
        with _blamed_on(method):
            found = renderer.render(inputs)
        yield number, found


def prepare(method: str, options: Mapping[str, Any], lens: Lens | None = None) -> Renderer:
    """The renderer of a method that can work on a photograph, and through `lens` where one is given.

    Raises:
        ConfigError: unknown method, unknown or wrong option, a method that must be given true layers, or
            one that would ignore something of the lens.
        JobFailed: the implementation cannot be imported or made.
    """
    spec, options = chosen(method, options)
    if spec.oracle is not None:
        raise ConfigError(f"{method} must be given the true {spec.oracle}, which a photograph has not")
    if lens is not None:
        check_lens(spec, lens)
    with _blamed_on(method):
        known = spec.parameters()
    for name in options:
        if name not in known:
            has = f"it has {', '.join(known)}" if known else f"it has none but {K_SCALE}"
            raise ConfigError(f"{spec.name} has no option {name}; {has}")
    with _blamed_on(method):
        return _create(spec, options)


def chosen(method: str, options: Mapping[str, Any]) -> tuple[MethodSpec, dict[str, Any]]:
    """The spec of a method, with the `k_scale` that any method takes, and the options that are its own.

    Raises:
        ConfigError: unknown method, or a k_scale that is none.
    """
    spec, own = get(MethodSpec, method), dict(options)
    if K_SCALE in own:
        scale = own.pop(K_SCALE)
        if not isinstance(scale, int | float):
            raise ConfigError(f"{K_SCALE} must be a number, not {scale!r}")
        spec = spec.with_k_scale(float(scale))
    return spec, own


def check_lens(spec: MethodSpec, lens: Lens) -> None:
    """Refuse a lens of which the method would silently ignore something; ConfigError says what."""
    if spec.openings not in ("outline", "disc"):
        return
    aperture = lens.aperture
    ignored = [
        name
        for name, asked in (
            ("a picture as aperture", aperture.shape.startswith(MASK)),
            ("a soap-bubble rim", aperture.rim != 0.0),
            ("a cat-eye", aperture.cat_eye > 0.0),
            ("physical vignetting", lens.vignette == "physical"),
            ("longitudinal colour (focus shift)", any(lens.focus_shift)),
        )
        if asked
    ]
    if spec.openings == "disc" and (aperture.blades or aperture.shape or aperture.inner):
        ignored.append("an opening that is no disc")
    if ignored:
        raise ConfigError(f"{spec.name} cannot render {', '.join(ignored)}; leave it out, or take raylayers")


def _create(spec: MethodSpec, options: Mapping[str, Any]) -> Renderer:
    try:
        renderer: Renderer = spec.create(**options)
    except (TypeError, ValueError) as error:
        if not options:  # nothing of the user's can be wrong
            raise
        given = ", ".join(f"{name}={value}" for name, value in options.items())
        raise ConfigError(f"{spec.name} cannot take {given}: {_one_line(error)}") from error
    return renderer


@contextmanager
def _blamed_on(method: str) -> Iterator[None]:
    """What a method raises, which may be anybody's code, as one line with the method's name."""
    try:
        yield
    except BokehbenchError:
        raise
    except Exception as error:
        raise JobFailed(f"{method}: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
