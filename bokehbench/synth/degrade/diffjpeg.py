"""The differentiable imitation of JPEG that published training code uses (Shin and Song 2017), for `compat`.

Not a codec: tables and coefficients stay floating point but for one rounding, chroma is averaged 2 x 2 and
repeated, the picture is padded with zeros to multiples of 16.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float32]

# Annex K of ITU-T T.81.
LUMA_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float64,
)
CHROMA_TABLE = np.full((8, 8), 99.0)
CHROMA_TABLE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float64
)


def _dct() -> npt.NDArray[np.float64]:
    """Orthonormal DCT-II of 8 samples, [8, 8]."""
    k, n = np.mgrid[0:8, 0:8]
    matrix = 0.5 * np.cos((2 * n + 1) * k * np.pi / 16.0)
    matrix[0] /= np.sqrt(2.0)
    return np.asarray(matrix)


def diff_jpeg(image: Picture, quality: float) -> Picture:
    """[H, W, 3] in [0, 1] through the imitation at any quality above 0 and below 100."""
    factor = (5000.0 / quality if quality < 50.0 else 200.0 - 2.0 * quality) / 100.0
    factor = max(factor, 1e-3)  # quality 100 would divide by zero
    height, width = image.shape[:2]
    padded = np.pad(np.clip(image, 0.0, 1.0), ((0, -height % 16), (0, -width % 16), (0, 0)))
    ycc = padded.astype(np.float64) * 255.0 @ TO_YCC.T
    luma = _coded(ycc[..., 0] - 128.0, LUMA_TABLE * factor) + 128.0
    rows, columns = luma.shape
    halved = ycc[..., 1:].reshape(rows // 2, 2, columns // 2, 2, 2).mean(axis=(1, 3))
    chroma = [_coded(halved[..., index], CHROMA_TABLE * factor) for index in range(2)]
    back = [luma, *(plane.repeat(2, axis=0).repeat(2, axis=1) for plane in chroma)]
    rgb = np.stack(back, axis=2) @ np.linalg.inv(TO_YCC).T / 255.0
    return np.clip(rgb[:height, :width], 0.0, 1.0).astype(np.float32)


def _coded(plane: npt.NDArray[np.float64], table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    dct = _dct()
    rows, columns = plane.shape
    blocks = plane.reshape(rows // 8, 8, columns // 8, 8).swapaxes(1, 2)
    coefficients = np.round(dct @ blocks @ dct.T / table) * table
    return np.asarray((dct.T @ coefficients @ dct).swapaxes(1, 2).reshape(rows, columns))
