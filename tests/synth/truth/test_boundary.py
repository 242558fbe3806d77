"""BokehMe's error map: against the paper's formula pixel by pixel, and in its limits."""

import numpy as np
import pytest

from bokehbench.synth.truth.boundary import NO_BOUNDARY, boundary_maps, error_map


def paper(labels, disparity, K, focus):
    """Eq. 2 to 5 of BokehMe for two depth planes, by brute force over all pairs of pixels."""
    points = np.argwhere(np.ones_like(labels, bool))
    out = np.zeros(labels.shape)
    for y, x in points:
        others = np.argwhere(labels != labels[y, x])
        steps = np.hypot(others[:, 0] - y, others[:, 1] - x)
        nearest = others[steps == steps.min()]
        found = []
        for v, u in nearest:
            r, q = K * abs(disparity[y, x] - focus), K * abs(disparity[v, u] - focus)
            if max(r, q) == 0.0:
                found.append(0.0)
                continue
            a, b = steps.min() / max(r, q), min(r, q) / max(r, q)
            found.append(max(0.0, 1.0 - a**4) * (0.5 + 0.5 * np.tanh(10.0 * (2.0 / 3.0 - b))))
        out[y, x] = found[0]  # planes are flat: all nearest pixels agree
    return out


def two_planes(seed=0, size=(22, 26)):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    labels = ((x - 12) ** 2 + (y - 10) ** 2 > 36 + 10 * rng.random()).astype(np.int32)
    return labels, np.where(labels == 0, 0.7, 0.2).astype(np.float32)


@pytest.mark.parametrize("K", [0.0, 4.0, 12.0, 40.0])
@pytest.mark.parametrize("focus", [0.2, 0.7, 0.35, 1.0])
def test_two_planes_as_in_the_paper(K, focus):
    labels, disparity = two_planes()
    distance, other = boundary_maps(labels, disparity, 2)
    ours = error_map(disparity, distance, other, K, focus)
    np.testing.assert_allclose(ours, paper(labels, disparity, K, focus), atol=1e-5)


def test_several_labels_take_the_worst_two_plane_map():
    labels = np.full((20, 60), 2, np.int32)
    labels[:, :20], labels[:, 20:30] = 0, 1
    disparity = np.choose(labels, [0.9, 0.55, 0.1]).astype(np.float32)
    found = error_map(disparity, *boundary_maps(labels, disparity, 3), 30.0, 0.5)
    pairs = []
    for near, far in ((0, 1), (1, 2), (0, 2)):
        both = np.isin(labels, (near, far))
        distance, other = boundary_maps(np.where(both, labels, -1), disparity, 3)
        mine = np.where(both, error_map(disparity, distance, other, 30.0, 0.5), 0.0)
        pairs.append(mine)
    np.testing.assert_allclose(found, np.maximum.reduce(pairs), atol=1e-6)
    # Between the far edge of a strongly blurred layer and the near edge of a sharp one the far one is worse.
    assert found[10, 31] > 0.9


def test_limits():
    labels, disparity = two_planes()
    maps = boundary_maps(labels, disparity, 2)
    assert not error_map(disparity, *maps, 0.0, 0.3).any()  # nothing is blurred
    both_blurred_alike = error_map(disparity, *maps, 20.0, 0.45)
    assert both_blurred_alike.max() < 0.002  # b = 1: tanh(-10/3)
    sharp_behind = error_map(disparity, *maps, 12.0, 0.2)  # the disc in front has radius 6
    distance = maps[0].min(axis=0)
    assert sharp_behind[distance <= 1.0].min() > 0.99
    assert not sharp_behind[distance > 6.0].any()
    flat = np.zeros((8, 8), np.int32)
    alone = boundary_maps(flat, np.full((8, 8), 0.4, np.float32), 3)
    assert (alone[0] == NO_BOUNDARY).all()
    assert not error_map(np.full((8, 8), 0.4, np.float32), *alone, 100.0, 0.0).any()


def test_maps_name_a_pixel_that_has_the_label():
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 4, (12, 15)) * (rng.random((12, 15)) < 0.2)
    disparity = rng.random((12, 15)).astype(np.float32)
    distance, other = boundary_maps(labels, disparity, 5)
    for label in range(4):
        spots = np.argwhere(labels == label)
        for y, x in np.argwhere(labels != label):
            steps = np.hypot(spots[:, 0] - y, spots[:, 1] - x)
            assert distance[label, y, x] == pytest.approx(steps.min(), rel=1e-6)
            at = spots[np.isclose(steps, steps.min())]
            assert other[label, y, x] in disparity[at[:, 0], at[:, 1]]
        assert (distance[label][labels == label] == NO_BOUNDARY).all()
    assert (distance[4] == NO_BOUNDARY).all() and (other[4] == disparity).all()
