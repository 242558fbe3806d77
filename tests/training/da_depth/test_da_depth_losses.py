"""Claims about what is compared: neither scale nor shift counts, and each term is 0 for the same."""

import pytest
import torch

from bokehbench.training.da_depth.losses import (
    aligned,
    disparity_distance,
    feature_distance,
    gradient_distance,
)


def maps(seed, *shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_features_are_compared_by_direction_alone():
    one, other = maps(1, 2, 9, 5) - 0.5, maps(2, 2, 9, 5) - 0.5
    distances = feature_distance([one, one, one], [7.0 * one, -one, other])
    assert distances.shape == (3,)
    assert distances[:2].tolist() == pytest.approx([0.0, 2.0], abs=1e-6)
    dots = (one * other).sum(-1) / (one.norm(dim=-1) * other.norm(dim=-1))
    assert float(distances[2]) == pytest.approx(1.0 - float(dots.mean()), abs=1e-6)


def test_neither_scale_nor_shift_of_a_disparity_counts():
    teacher, student = maps(1, 2, 21, 33), maps(2, 2, 21, 33)
    moved = torch.tensor([3.0, 0.2]).view(2, 1, 1) * student + torch.tensor([5.0, -1.0]).view(2, 1, 1)
    for distance in (disparity_distance, lambda a, b: gradient_distance(a, b, 4)):
        assert float(distance(moved, teacher)) == pytest.approx(float(distance(student, teacher)), rel=1e-4)
        assert float(distance(3.0 * teacher + 1.0, teacher)) < 1e-5
        assert float(distance(student, teacher)) > 0.1
    # A mirrored one is another.
    assert float(disparity_distance(-teacher, teacher)) > 1.0


def test_aligned_maps_have_median_0_and_mean_absolute_deviation_1():
    values = aligned(5.0 * maps(3, 2, 41, 41) ** 3 - 7.0)
    for one in values:
        assert float(one.median()) == 0.0
        assert float(one.abs().mean()) == pytest.approx(1.0, rel=1e-5)


def test_a_flat_map_is_no_division_by_zero():
    flat = torch.full((1, 8, 8), 2.0, requires_grad=True)
    loss = disparity_distance(flat, maps(1, 1, 8, 8)) + gradient_distance(flat, maps(1, 1, 8, 8), 4)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(flat.grad).all()


def test_a_slope_of_the_error_counts_twice_as_much_at_each_coarser_scale():
    """The error there is the slope alone, and neighbours are twice as far apart: 1 + 2 + 4 + 8."""
    rows = torch.linspace(-1.0, 1.0, 65).view(1, 65, 1).expand(1, 65, 65)
    columns = rows.transpose(1, 2)
    one, four = (float(gradient_distance(rows, columns, scales)) for scales in (1, 4))
    assert four == pytest.approx(15.0 * one, rel=1e-3)
    tiny = maps(1, 1, 2, 2)
    assert torch.isfinite(gradient_distance(tiny, maps(2, 1, 2, 2), 8))
