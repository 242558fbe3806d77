"""Is a generated cut-out usable? Every answer is a number, and every number is recorded.

Pictures are straight RGBA, encoded, float32 [H, W, 4] in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.synth.assets.t2i.taxonomy import Limits

Straight = npt.NDArray[np.float32]
Grey = npt.NDArray[np.float32]
GREY = 0.5
"""What the diffusion model was trained to show where nothing is."""
RING = 0.04
SPECK = 16
HALO_REPAIRED = 0.35
"""From this share of grey on, the colour of soft rims is pulled from the inside."""
SAME = 6
"""Bits (of 64) in which the hashes of two pictures that count as the same may differ."""
SHARP_SIDE = 512
"""Sharpness is measured with the bounding box's longer side enlarged or reduced to this, pixels."""


@dataclass(frozen=True)
class Verdict:
    """What became of a picture.

    Attributes:
        picture: repaired where that was possible.
        numbers: what was measured, by name.
        reasons: why it is rejected, one line each; empty where it is accepted.
    """

    picture: Straight
    numbers: dict[str, float | int | str]
    reasons: tuple[str, ...]


def judge(picture: Straight, limits: Limits) -> Verdict:
    """Measure, repair what can be repaired, and compare with the limits of the category."""
    alpha = picture[..., 3]
    numbers: dict[str, float | int | str] = {
        "alpha_mean": float(alpha.mean()),
        "alpha_soft": float(((alpha > 0.2) & (alpha < 0.8)).mean()),
        "alpha_std": float(alpha.std()),
        "ring": ring(alpha, bottom=limits.bottom),
        "border": border(alpha, bottom=limits.bottom),
    }
    count, single = components(alpha, limits.threshold)
    numbers |= {"components": count, "single": single, "sharpness": sharpness(picture)}
    if limits.fill_holes:
        picture, filled = fill_specks(picture)
        numbers["specks_filled"] = filled
    numbers["halo"] = halo = grey_halo(picture)
    if limits.repair_halo and halo > HALO_REPAIRED:
        picture = pull_colour(picture)
        numbers["halo_residual"] = rim_distance(picture)
    numbers["phash"] = f"{perceptual_hash(picture):016x}"
    numbers = {name: round(n, 5) if isinstance(n, float) else n for name, n in numbers.items()}
    return Verdict(picture, numbers, _reasons(numbers, limits))


def _reasons(numbers: dict[str, float | int | str], limits: Limits) -> tuple[str, ...]:
    low, high = limits.alpha_mean
    claims = (
        ("alpha_mean", low, high),
        ("alpha_soft", None, limits.soft_max),
        ("alpha_std", limits.std_min, None),
        ("ring", None, limits.ring_max),
        ("border", None, limits.border_max),
        ("components", None, limits.components_max),
        ("single", limits.single, None),
        ("sharpness", limits.sharp_min, None),
        ("halo_residual", None, limits.residual_max),
    )
    reasons = []
    for name, least, most in claims:
        value = numbers.get(name)
        if not isinstance(value, (int, float)):
            continue
        if least is not None and value < least:
            reasons.append(f"{name} {value:g} is below {least:g}")
        if most is not None and value > most:
            reasons.append(f"{name} {value:g} is above {most:g}")
    return tuple(reasons)


# ------------------------------------------------------------------------------------------------- alpha


def ring(alpha: Grey, *, bottom: bool) -> float:
    """Mean alpha [H, W] of the outer 4 %; without the bottom where the subject may be cut off there."""
    height, width = alpha.shape
    wide = max(round(RING * min(height, width)), 1)
    parts = [alpha[:wide], alpha[wide:-wide, :wide], alpha[wide:-wide, -wide:]]
    if bottom:  # what is cut off below also meets the lower ends of the sides
        lower = height - wide - height // 4
        parts = [alpha[:wide], alpha[wide:lower, :wide], alpha[wide:lower, -wide:]]
    else:
        parts.append(alpha[-wide:])
    return float(np.concatenate([part.ravel() for part in parts]).mean())


def border(alpha: Grey, *, bottom: bool) -> float:
    """Largest share of a rim (top, left, right, and bottom unless allowed) with alpha above a half."""
    rims = [alpha[0], alpha[:, 0], alpha[:, -1]] + ([] if bottom else [alpha[-1]])
    if bottom:
        upper = alpha.shape[0] * 3 // 4
        rims = [alpha[0], alpha[:upper, 0], alpha[:upper, -1]]
    return float(max((rim > 0.5).mean() for rim in rims))


def components(alpha: Grey, threshold: float) -> tuple[int, float]:
    """(how many connected parts above the threshold, share of the alpha mass in the largest)."""
    count, labels = cv2.connectedComponents((alpha > threshold).astype(np.uint8), connectivity=8)
    if count < 2:
        return 0, 0.0
    mass = np.bincount(labels.ravel(), weights=alpha.ravel().astype(np.float64))[1:]
    return count - 1, float(mass.max() / mass.sum())


def fill_specks(picture: Straight) -> tuple[Straight, int]:
    """Close holes of less than 16 pixels that lie in opaque surroundings; (picture, how many)."""
    holes = (picture[..., 3] < 0.5).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(holes, connectivity=4)
    small = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] < SPECK]
    if not small:
        return picture, 0
    out = picture.copy()
    filled = 0
    for i in small:
        x, y, wide, tall = (int(stats[i, k]) for k in range(4))
        window = np.s_[max(y - 3, 0) : y + tall + 3, max(x - 3, 0) : x + wide + 3]
        hole = labels[window] == i
        near = cv2.dilate(hole.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        around = near & ~hole & (picture[window][..., 3] >= 0.5)
        surrounding = picture[window][around]
        if len(surrounding) < 8 or surrounding[:, 3].mean() < 0.9:
            continue  # a gap in something thin, not a speck
        out[window][hole] = surrounding.mean(axis=0)
        filled += 1
    return out, filled


# ----------------------------------------------------------------------------------------------- sharpness


def sharpness(picture: Straight) -> float:
    """Variance of the Laplacian of the luma (0 ... 255) inside the subject, at a fixed size of the subject.

    Measured at the size at which the longer side of the bounding box has 512 pixels, in an area that keeps
    3 pixels from the rim where there is such an area; a picture of low resolution or with depth of field
    has a small value.
    """
    alpha = picture[..., 3]
    rows, columns = np.flatnonzero((alpha > 0.1).any(1)), np.flatnonzero((alpha > 0.1).any(0))
    if len(rows) == 0:
        return 0.0
    part = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = SHARP_SIDE / max(part.shape[:2])
    size = tuple(max(round(side * scale), 8) for side in part.shape[1::-1])
    part = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    solid = (part[..., 3] > 0.5).astype(np.uint8)
    inside = cv2.erode(solid, np.ones((7, 7), np.uint8)) > 0
    luma = 255.0 * part[..., :3] @ np.asarray([0.299, 0.587, 0.114], np.float32)
    if inside.mean() < 0.01:  # thin or translucent throughout: its own edges are what is sharp
        inside = part[..., 3] > 0.1
        luma = luma * part[..., 3]
    response = cv2.Laplacian(luma, cv2.CV_32F, ksize=1)
    return float(response[inside].var())


# ------------------------------------------------------------------------------------------------- colour


def _rim_and_inside(picture: Straight) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Colours of soft pixels (0.05 < alpha < 0.3) and of the nearest solid one (> 0.9), [n, 3] each."""
    alpha = picture[..., 3]
    solid = alpha > 0.9
    soft = (alpha > 0.05) & (alpha < 0.3)
    if not solid.any() or not soft.any():
        return np.zeros((0, 3)), np.zeros((0, 3))
    _, labels = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colour_of = np.zeros((int(labels.max()) + 1, 3), np.float64)
    colour_of[labels[solid]] = picture[solid][:, :3]
    return picture[soft][:, :3].astype(np.float64), colour_of[labels[soft]]


def grey_halo(picture: Straight) -> float:
    """Share of grey in the colour of soft rims: the t of least squares in c = (1 - t) c_inside + t grey."""
    rim, inside = _rim_and_inside(picture)
    towards = GREY - inside
    weight = float((towards**2).sum())
    if len(rim) < 16 or weight < 1e-3 * len(rim):
        return 0.0  # no soft rim, or a subject that is grey itself
    return float(np.clip(((rim - inside) * towards).sum() / weight, 0.0, 1.0))


def rim_distance(picture: Straight) -> float:
    """Median distance between the colours of soft rims and of the solid pixels next to them."""
    rim, inside = _rim_and_inside(picture)
    return float(np.median(np.linalg.norm(rim - inside, axis=1))) if len(rim) else 0.0


def pull_colour(picture: Straight) -> Straight:
    """Give soft pixels the colour of the solid ones around them: all of it up to alpha 0.3, none from 0.9."""
    alpha = picture[..., 3:4]
    share = np.clip((0.9 - alpha) / 0.6, 0.0, 1.0)
    filled = fill_colour(picture[..., :3], (alpha[..., 0] > 0.9).astype(np.float32))
    return np.concatenate([picture[..., :3] * (1 - share) + filled * share, alpha], axis=2)


def fill_colour(rgb: Straight, known: Grey) -> Straight:
    """Spread the colours [H, W, 3] of known pixels over the rest, by a pyramid of premultiplied averages."""
    levels = [np.concatenate([rgb * known[..., None], known[..., None]], axis=2).astype(np.float32)]
    while min(levels[-1].shape[:2]) > 1:
        height, width = levels[-1].shape[:2]
        half = (max(width // 2, 1), max(height // 2, 1))
        levels.append(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA))
    filled = levels[-1][..., :3] / np.maximum(levels[-1][..., 3:], 1e-6)
    for number, level in reversed(list(enumerate(levels[:-1]))):
        wide = cv2.resize(filled, level.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        weight = level[..., 3:]
        # A coarse pixel a quarter of which is known is as good as known: near colours win over far ones.
        trust = weight if number == 0 else np.minimum(4.0 * weight, 1.0)
        filled = wide * (1.0 - trust) + level[..., :3] / np.maximum(weight, 1e-6) * trust
    return np.asarray(filled, np.float32)


# --------------------------------------------------------------------------------------------- duplicates


def perceptual_hash(picture: Straight) -> int:
    """64 bits: signs, about their median, of the lowest frequencies of the luma over grey."""
    over_grey = picture[..., :3] * picture[..., 3:4] + GREY * (1.0 - picture[..., 3:4])
    luma = (over_grey @ np.asarray([0.299, 0.587, 0.114], np.float32)).astype(np.float32)
    waves = cv2.dct(cv2.resize(luma, (32, 32), interpolation=cv2.INTER_AREA))[:8, :8].ravel()
    bits = waves > np.median(waves[1:])
    bits[0] = False  # mean brightness is no feature
    return sum(1 << int(i) for i in np.flatnonzero(bits))


def differing_bits(a: int, b: int) -> int:
    """Hamming distance of two hashes."""
    return (a ^ b).bit_count()
