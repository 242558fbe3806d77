"""The opening of a lens: its outline, what it lets through where, and how the corners of the image see it.

docs/conventions.md is the prose of this file. Coordinates (s, t) of the unit aperture run as those of the
image, s right and t down; a far light shows the opening as it is, a near one turned by 180 degrees.
"""

from __future__ import annotations

import base64
import binascii
import functools
import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError

FloatArray = npt.NDArray[np.floating[Any]]
Array64 = npt.NDArray[np.float64]

MASK = "png:"
MASK_SIDE = 128
"""Most pixels per axis of an embedded mask: finer than any blur disc shows it."""
_ALWAYS = ("blades", "curvature", "rotation", "inner")


@dataclass(frozen=True)
class Aperture:
    """Shape of the lens opening inside the unit disc, and how much light it lets through where.

    Attributes:
        blades: 0 for a disc, else the number (>= 3) of corners of a regular polygon.
        curvature: of the blades, 0 (straight) to 1 (disc).
        rotation: of the opening, radians; 0 puts a corner of a polygon on the +x axis. Positive turns +x
            towards +y (clockwise on the screen).
        inner: radius of a central obstruction, 0 (none) to < 1 (thin ring): the donut of mirror lenses.
        shape: "" for disc and polygon, a name in `OUTLINES`, or `png:` and a square grey picture in base64
            (see `from_image`): JSON alone is enough.
        rim: e of the soap-bubble weight 1 + e r^m; > 0 brightens the rim, -1 <= e < 0 darkens it.
        rim_power: m of that weight, > 0.
        cat_eye: displacement, in aperture radii, of a second unit disc at the corners of the image; see
            `second_disc`.
    """

    blades: int = 0
    curvature: float = 0.0
    rotation: float = 0.0
    inner: float = 0.0
    shape: str = ""
    rim: float = 0.0
    rim_power: float = 6.0
    cat_eye: float = 0.0

    def __post_init__(self) -> None:
        if self.blades != 0 and self.blades < 3:
            raise ConfigError(f"aperture blades must be 0 (disc) or at least 3, not {self.blades}")
        if not 0.0 <= self.curvature <= 1.0:
            raise ConfigError(f"aperture curvature must lie in [0, 1], not {self.curvature}")
        if not math.isfinite(self.rotation):
            raise ConfigError(f"aperture rotation must be finite (radians), not {self.rotation}")
        if not 0.0 <= self.inner < 1.0:
            raise ConfigError(f"aperture inner radius must lie in [0, 1), not {self.inner}")
        if not (math.isfinite(self.rim) and self.rim >= -1.0):
            raise ConfigError(f"aperture rim (e of 1 + e r^m) must be finite and >= -1, not {self.rim}")
        if not (math.isfinite(self.rim_power) and self.rim_power > 0.0):
            raise ConfigError(f"aperture rim_power (m of 1 + e r^m) must be > 0, not {self.rim_power}")
        if not 0.0 <= self.cat_eye <= 1.0:
            raise ConfigError(f"aperture cat_eye must lie in [0, 1] aperture radii, not {self.cat_eye}")
        self._check_shape()

    def _check_shape(self) -> None:
        if not self.shape:
            return
        if self.blades:
            raise ConfigError("an aperture has blades or a shape, not both")
        if self.shape.startswith(MASK):
            mask_of(self.shape)
        elif self.shape not in OUTLINES:
            raise ConfigError(
                f"unknown aperture shape {self.shape!r}; one of {', '.join(OUTLINES)}, or an embedded picture"
            )

    @classmethod
    def from_image(cls, picture: npt.NDArray[Any], **others: Any) -> Aperture:
        """The opening that a picture shows: white lets light through, black does not, grey some of it.

        The middle of the picture is the optical axis. It is scaled so that the farthest pixel that is not
        black (above 1/255) touches the unit circle: K is the radius of the circle around the shape.

        Args:
            picture: [h, w] or [h, w, C], uint8 or float in [0, 1]; colours are averaged, a fourth channel is
                alpha.
            others: further fields of the aperture.

        Raises:
            ConfigError: not such a picture, or all black.
        """
        return cls(shape=embed(picture), **others)

    @property
    def outlined(self) -> bool:
        """Whether `edge` and `inner` say all about it (no grey, no holes, the same all over the image)."""
        return self.rim == 0.0 and self.cat_eye == 0.0 and not self.shape.startswith(MASK)

    def edge(self, angle: FloatArray) -> FloatArray:
        """Distance of the rim from the centre in direction `angle` (radians), in units of the radius.

        For a polygon: ``(1 - c) cos(pi/N) / cos((angle mod 2 pi/N) - pi/N) + c``.

        Raises:
            ConfigError: the opening is a picture, which need not have one rim in every direction.
        """
        angle = np.asarray(angle, dtype=np.float64) - self.rotation
        if self.shape.startswith(MASK):
            raise ConfigError("an aperture given as a picture has no outline; this method needs one")
        if self.shape:
            directions, radii = outline_table(self.shape)
            return np.interp(np.mod(angle, 2.0 * math.pi), directions, radii)
        if self.blades == 0:
            return np.ones_like(angle)
        sector = 2.0 * math.pi / self.blades
        local = np.mod(angle, sector) - sector / 2.0
        polygon = math.cos(sector / 2.0) / np.cos(local)
        return (1.0 - self.curvature) * polygon + self.curvature

    def transmission(self, s: FloatArray, t: FloatArray) -> Array64:
        """Light that the lens points (s, t), in aperture radii, let through in the middle of the image.

        Returns:
            Broadcast shape of s and t, >= 0; 0 outside the opening, 1 inside unless a rim or a grey picture
            weights it. Only ratios matter: light is divided by its sum.
        """
        radius = np.hypot(s, t)
        if self.shape.startswith(MASK):
            light = self._look_up(np.asarray(s, np.float64), np.asarray(t, np.float64)) * (radius <= 1.0)
        else:
            light = (radius <= self.edge(np.arctan2(t, s))).astype(np.float64)
        light = light * (radius >= self.inner)
        if self.rim:
            light = light * (1.0 + self.rim * np.minimum(radius, 1.0) ** self.rim_power)
        return np.asarray(light, np.float64)

    def contains(self, s: FloatArray, t: FloatArray) -> npt.NDArray[np.bool_]:
        """Whether the lens points (s, t), in units of the aperture radius, let light through."""
        return self.transmission(s, t) > 0.0

    def _look_up(self, s: Array64, t: Array64) -> Array64:
        """Bilinear in the mask, whose raster covers [-1, 1]^2; the outermost pixels go on outwards."""
        mask = mask_of(self.shape)
        cos, sin = math.cos(self.rotation), math.sin(self.rotation)
        side = mask.shape[0]
        column = np.clip((cos * s + sin * t + 1.0) * (side / 2.0) - 0.5, 0.0, side - 1.0)
        row = np.clip((cos * t - sin * s + 1.0) * (side / 2.0) - 0.5, 0.0, side - 1.0)
        i, k = np.minimum(column.astype(np.int64), side - 2), np.minimum(row.astype(np.int64), side - 2)
        fx, fy = column - i, row - k
        upper = (1.0 - fx) * mask[k, i] + fx * mask[k, i + 1]
        lower = (1.0 - fx) * mask[k + 1, i] + fx * mask[k + 1, i + 1]
        return np.asarray((1.0 - fy) * upper + fy * lower)

    def second_disc(
        self, s: FloatArray, t: FloatArray, x: FloatArray, y: FloatArray
    ) -> npt.NDArray[np.bool_]:
        """Whether the second disc of the cat-eye lets the lens points through.

        Args:
            s, t: lens points, aperture radii.
            x, y: image position as `image_position` gives it. The disc's centre lies at ``cat_eye (x, y)``.
        """
        return np.asarray(np.hypot(s - self.cat_eye * x, t - self.cat_eye * y) <= 1.0)

    def to_json(self) -> dict[str, Any]:
        """Plain values, inverse of `from_json`; fields that came later are left out at their defaults."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        defaults = {item.name: item.default for item in fields(self)}
        return {key: v for key, v in values.items() if key in _ALWAYS or v != defaults[key]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Aperture:
        """Inverse of `to_json`; ConfigError for a field that there is not."""
        known = [item.name for item in fields(cls)]
        for key in data:
            if key not in known:
                raise ConfigError(f"an aperture has no field {key!r}; it has {', '.join(known)}")
        return cls(**data)


@functools.lru_cache(maxsize=16)
def _overlap_table(aperture: Aperture) -> Array64:
    """Light through both discs over light through the opening, by displacement (x, y) of the second.

    Returns:
        [513, 513]; element [j, i] is the displacement ((i, j) - 256) / 256 aperture radii.
    """
    from scipy.signal import fftconvolve

    points = (np.arange(1024) + 0.5) / 256.0 - 2.0
    s, t = np.meshgrid(points, points)
    opening = np.asarray(aperture.transmission(s, t))
    disc = np.clip(256.0 * (1.0 - np.hypot(s, t)) + 0.5, 0.0, 1.0)
    # Correlation with a centrally symmetric disc is convolution.
    both = fftconvolve(opening, disc, mode="full")[1023 - 256 : 1023 + 257, 1023 - 256 : 1023 + 257]
    both /= opening.sum()
    both[256, 256] = 1.0  # the soft edge of the disc over that of the opening would cost 0.1 %
    return np.asarray(np.clip(both, 0.0, 1.0))


def image_position(x: npt.ArrayLike, y: npt.ArrayLike, size: tuple[int, int]) -> tuple[Array64, Array64]:
    """Pixels relative to the middle of the image, in half diagonals: the corners of the frame lie at 1.

    Args:
        x, y: pixel coordinates, pixel centres at integers.
        size: (W, H) of the image.
    """
    width, height = size
    half = math.hypot(width, height) / 2.0
    middle = (width - 1) / 2.0, (height - 1) / 2.0
    return (np.asarray(x, np.float64) - middle[0]) / half, (np.asarray(y, np.float64) - middle[1]) / half


def overlap(aperture: Aperture, x: npt.ArrayLike, y: npt.ArrayLike) -> Array64:
    """Share of the opening's light that its second disc leaves at image positions (`image_position`)."""
    from scipy.ndimage import map_coordinates

    x, y = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    table = _overlap_table(replace(aperture, cat_eye=0.0))
    at = 256.0 + 256.0 * aperture.cat_eye * np.stack([y.ravel(), x.ravel()])
    return np.asarray(map_coordinates(table, at, order=1, mode="nearest")).reshape(x.shape)


def _heart() -> Array64:
    a = np.linspace(0.0, 2.0 * math.pi, 1440, endpoint=False)
    y = 13.0 * np.cos(a) - 5.0 * np.cos(2.0 * a) - 2.0 * np.cos(3.0 * a) - np.cos(4.0 * a)
    return np.stack([16.0 * np.sin(a) ** 3, 2.5 - y], axis=1)


def _spikes(radii: tuple[float, ...], count: int) -> Array64:
    """Corners at `radii` in turn, equally spaced from the top, joined by straight lines."""
    corners = [radii[i % len(radii)] for i in range(count)]
    angle = 2.0 * math.pi * np.arange(count) / count - math.pi / 2.0
    points = np.stack([corners * np.cos(angle), corners * np.sin(angle)], axis=1)
    share = np.linspace(0.0, 1.0, 96, endpoint=False)[:, None]
    ends = np.roll(points, -1, axis=0)
    return np.concatenate([a + share * (b - a) for a, b in zip(points, ends, strict=True)])


def _clover() -> Array64:
    a = np.linspace(0.0, 2.0 * math.pi, 1440, endpoint=False)
    radius = 0.45 + 0.55 * np.abs(np.sin(2.0 * a)) ** 0.7
    return np.stack([radius * np.cos(a), radius * np.sin(a)], axis=1)


OUTLINES = {
    "heart": _heart,
    "star": lambda: _spikes((1.0, 0.42), 10),
    "clover": _clover,
}
"""Built-in shapes: closed outlines [N, 2] that every ray from the centre crosses once."""


@functools.lru_cache(maxsize=16)
def outline_table(name: str) -> tuple[Array64, Array64]:
    """(directions from 0 to 2 pi, distance of the rim): an outline of `OUTLINES`, farthest point at 1."""
    points = OUTLINES[name]()
    radii = np.hypot(points[:, 0], points[:, 1])
    angles = np.mod(np.arctan2(points[:, 1], points[:, 0]), 2.0 * math.pi)
    order = np.argsort(angles)
    angles, radii = angles[order], radii[order] / radii.max()
    directions = np.linspace(0.0, 2.0 * math.pi, 2881)
    return directions, np.interp(directions, angles, radii, period=2.0 * math.pi)


def embed(picture: npt.NDArray[Any]) -> str:
    """A picture as the text of `Aperture.shape`; see `Aperture.from_image`."""
    import cv2

    light = _shrunk(_grey(np.asarray(picture)))
    height, width = light.shape
    y, x = np.nonzero(light > 1.0 / 255.0)
    if not len(x):
        raise ConfigError("the aperture's picture is all black: it lets no light through")
    middle = (width - 1) / 2.0, (height - 1) / 2.0
    # To the pixels' outer corners: of a filled square, these lie on the circle.
    reach = float(np.hypot(np.abs(x - middle[0]) + 0.5, np.abs(y - middle[1]) + 0.5).max())
    side = min(max(2 * math.ceil(reach), 16), MASK_SIDE)
    grid = ((np.arange(4 * side) + 0.5) / (2.0 * side) - 1.0) * reach
    columns, rows = np.meshgrid((grid + middle[0]).astype(np.float32), (grid + middle[1]).astype(np.float32))
    fine = cv2.remap(light, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    mask = fine.reshape(side, 4, side, 4).mean(axis=(1, 3))
    done, data = cv2.imencode(".png", np.floor(np.clip(mask, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8))
    if not done:
        raise ConfigError("the aperture's picture could not be encoded")
    return MASK + base64.b64encode(data.tobytes()).decode("ascii")


def _grey(picture: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """[h, w] in [0, 1]."""
    channels = picture.shape[2] if picture.ndim == 3 else 1
    if picture.ndim not in (2, 3) or channels > 4 or 0 in picture.shape or max(picture.shape[:2]) > 16384:
        raise ConfigError(f"the aperture's picture must be [h, w] or [h, w, 1..4], not {picture.shape}")
    light = picture.astype(np.float32) / np.float32(255.0 if picture.dtype == np.uint8 else 1.0)
    if not np.isfinite(light).all() or light.min() < 0.0 or light.max() > 1.0:
        raise ConfigError("the aperture's picture must be uint8, or float in [0, 1]")
    if picture.ndim == 3:
        alpha = light[..., -1] if channels in (2, 4) else np.float32(1.0)
        light = light[..., : 3 if channels >= 3 else 1].mean(axis=2) * alpha
    return np.ascontiguousarray(light)


def _shrunk(light: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A large picture, averaged down to a few times the mask's size."""
    import cv2

    height, width = light.shape
    scale = 4.0 * MASK_SIDE / max(height, width)
    if scale >= 1.0:
        return light
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(light, size, interpolation=cv2.INTER_AREA), np.float32)


@functools.lru_cache(maxsize=64)
def mask_of(text: str) -> Array64:
    """The picture in `Aperture.shape`: [n, n] in [0, 1]; ConfigError for what is none, or too large."""
    import cv2

    try:
        data = base64.b64decode(text.removeprefix(MASK), validate=True)
    except binascii.Error as error:
        raise ConfigError("aperture shape png:... is not base64; make it with Aperture.from_image") from error
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    if pixels is None or pixels.ndim != 2 or pixels.dtype != np.uint8:
        raise ConfigError("aperture shape png:... is not an 8-bit grey PNG; make it with Aperture.from_image")
    height, width = pixels.shape
    if height != width or not 2 <= width <= MASK_SIDE:
        raise ConfigError(
            f"aperture shape png:... must be square with 2 to {MASK_SIDE} pixels, not {width}x{height}"
        )
    if not pixels.any():
        raise ConfigError("the aperture's picture is all black: it lets no light through")
    mask = pixels.astype(np.float64) / 255.0
    mask.setflags(write=False)
    return mask
