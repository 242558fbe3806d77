"""Filters let drawn cut-outs through and name what is wrong with failed decodes, halos, cuts and blur."""

import cv2
import numpy as np
import pytest

from bokehbench.rng import stream
from bokehbench.synth.assets.catalogue import FOREGROUNDS
from bokehbench.synth.assets.t2i import filters
from bokehbench.synth.assets.t2i.filters import judge
from bokehbench.synth.assets.t2i.taxonomy import Limits, load_taxonomy

SIZE = 512
CATEGORY = {"fur": "animals", "hair": "people", "dandelion": "plants", "feather": "fabric", "net": "thin"}


def straight(premultiplied):
    alpha = premultiplied[..., 3:4]
    colour = np.clip(premultiplied[..., :3] / np.maximum(alpha, 1e-6), 0, 1) ** (1 / 2.2)
    return np.concatenate([colour * (alpha > 0), alpha], axis=2).astype(np.float32)


def smaller(picture, scale=0.8):
    """The subject with room around it."""
    premultiplied = np.dstack([picture[..., :3] * picture[..., 3:], picture[..., 3:]])
    side = int(picture.shape[0] * scale)
    inner = cv2.resize(premultiplied, (side, side), interpolation=cv2.INTER_AREA)
    pad = (picture.shape[0] - side) // 2
    rest = picture.shape[0] - side - pad
    padded = cv2.copyMakeBorder(inner, pad, rest, pad, rest, cv2.BORDER_CONSTANT)
    return np.dstack([padded[..., :3] / np.maximum(padded[..., 3:], 1e-6), padded[..., 3:]]).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def drawn():
    return {kind: smaller(straight(FOREGROUNDS[kind](1, SIZE))) for kind in CATEGORY}


@pytest.fixture(scope="module")
def fur(drawn):
    return drawn["fur"]


def words(picture, **limits):
    return {reason.split()[0] for reason in judge(picture, Limits(**limits)).reasons}


@pytest.mark.parametrize("kind", sorted(CATEGORY))
def test_drawn_cutouts_pass(drawn, kind):
    limits = load_taxonomy("builtin").limits(CATEGORY[kind])
    verdict = judge(drawn[kind], limits)
    assert verdict.reasons == ()
    np.testing.assert_array_equal(verdict.picture[..., 3] >= drawn[kind][..., 3], True)


def test_failed_decode_is_grey_everywhere(fur):
    noise = stream(1, 0, "failed").normal(0.45, 0.05, fur.shape).clip(0, 1).astype(np.float32)
    assert {"alpha_soft", "alpha_std"} <= words(noise)
    assert "alpha_mean" in words(np.zeros_like(fur))
    assert "alpha_mean" in words(np.ones_like(fur))


def test_a_subject_that_is_cut_off_is_refused_except_at_the_bottom_of_portraits(fur):
    sideways = np.roll(fur, SIZE // 3, axis=1)
    assert {"ring", "border"} <= words(sideways)
    lower = np.zeros_like(fur)
    lower[200:] = fur[:-200]
    assert {"ring", "border"} <= words(lower)
    assert not words(lower, bottom=True) & {"ring", "border"}
    assert {"ring", "border"} <= words(lower[::-1], bottom=True)


def test_blur_is_refused(fur):
    premultiplied = np.dstack([fur[..., :3] * fur[..., 3:], fur[..., 3:]])
    blurred = cv2.GaussianBlur(premultiplied, (0, 0), 4.0)
    blurred = np.dstack([blurred[..., :3] / np.maximum(blurred[..., 3:], 1e-6), blurred[..., 3:]])
    assert "sharpness" in words(blurred)
    assert filters.sharpness(fur) > 20 * filters.sharpness(blurred)


def test_pieces_are_refused_unless_it_is_particles(fur):
    pieces = np.tile(cv2.resize(fur, (SIZE // 4, SIZE // 4), interpolation=cv2.INTER_AREA), (4, 4, 1))
    assert "single" in words(pieces)
    assert not words(pieces, single=0.0, components_max=2000) & {"single", "components"}
    assert "components" in words(pieces, single=0.0, components_max=10)


def test_grey_halo_is_found_and_repaired(fur):
    haloed = fur.copy()
    haloed[..., :3] = fur[..., :3] * fur[..., 3:] + filters.GREY * (1 - fur[..., 3:])
    assert filters.grey_halo(fur) < filters.HALO_REPAIRED < filters.grey_halo(haloed)
    verdict = judge(haloed, Limits())
    assert verdict.reasons == () and verdict.numbers["halo_residual"] < 0.15
    soft = (fur[..., 3] > 0.05) & (fur[..., 3] < 0.3)
    before, after = (np.abs(p[soft][:, :3] - fur[soft][:, :3]).mean() for p in (haloed, verdict.picture))
    assert after < 0.7 * before
    kept = judge(haloed, Limits(repair_halo=False, fill_holes=False))
    np.testing.assert_array_equal(kept.picture[soft], haloed[soft])


def test_grey_veil_far_from_the_subject_is_refused():
    """Rims of white in two colours of subject: what is pulled from afar does not fit what is near."""
    y, x = np.mgrid[0:256, 0:256]
    picture = np.full((256, 256, 4), 0.5, np.float32)
    picture[..., 3] = 0.2 * ((x > 30) & (x < 226) & (y > 30) & (y < 226))
    checks = ((x // 4 + y // 4) % 2 == 0) & (np.hypot(x - 128, y - 128) < 60)
    picture[checks] = (0.0, 0.0, 1.0, 1.0)
    picture[(np.hypot(x - 128, y - 128) < 60) & ~checks & (x > 128)] = (1.0, 1.0, 0.0, 1.0)
    assert "halo_residual" in words(picture, std_min=0.0, residual_max=0.05)


def test_specks_in_opaque_areas_are_filled_gaps_in_thin_things_are_not():
    picture = np.zeros((128, 128, 4), np.float32)
    picture[20:108, 20:108] = (0.8, 0.2, 0.1, 1.0)
    picture[60:63, 60:63, 3] = 0.0
    picture[80:100, 40:60, 3] = 0.0
    filled, count = filters.fill_specks(picture)
    assert count == 1
    np.testing.assert_allclose(filled[61, 61], (0.8, 0.2, 0.1, 1.0), atol=1e-6)
    assert filled[90, 50, 3] == 0.0
    mesh = np.zeros((128, 128, 4), np.float32)
    mesh[..., 3] = np.where((np.mgrid[0:128, 0:128] % 5 == 0).any(0), 0.7, 0.0)
    assert filters.fill_specks(mesh)[1] == 0


def test_colours_spread_from_what_is_known():
    rgb = np.zeros((33, 47, 3), np.float32)
    rgb[:, :20], rgb[:, 20:] = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
    known = np.zeros((33, 47), np.float32)
    known[:, 4:8] = known[:, 40:44] = 1.0
    filled = filters.fill_colour(rgb, known)
    assert filled[16, 0, 0] > 0.9 and filled[16, 46, 2] > 0.9 and 0.2 < filled[16, 24, 0] < 0.8
    np.testing.assert_allclose(filled[known > 0], rgb[known > 0], atol=1e-6)
    np.testing.assert_allclose(filled.sum(2), 1.0, atol=1e-4)


def test_hash_survives_scaling_and_separates_subjects(drawn):
    hashes = {kind: filters.perceptual_hash(picture) for kind, picture in drawn.items()}
    assert all(0 <= value < 2**64 for value in hashes.values()) and max(hashes.values()) >= 2**63
    for kind, picture in drawn.items():
        half = cv2.resize(picture, (SIZE // 2, SIZE // 2), interpolation=cv2.INTER_AREA)
        assert filters.differing_bits(filters.perceptual_hash(half), hashes[kind]) <= filters.SAME
    kinds = sorted(hashes)
    for i, a in enumerate(kinds):
        for b in kinds[i + 1 :]:
            assert filters.differing_bits(hashes[a], hashes[b]) > filters.SAME
