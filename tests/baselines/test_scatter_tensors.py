"""The tensor entry of the classical renderer: one contract for batches, layouts and devices."""

import numpy as np
import pytest
import torch

from bokehbench.baselines.scatter.kernel import scatter, scatter_batch
from bokehbench.baselines.scatter.reference import dilate_reference, scatter_reference
from bokehbench.baselines.scatter.tensors import scatter_tensor
from bokehbench.errors import ConfigError, InputError
from bokehbench.optics import Aperture, encode

PENTAGON = Aperture(blades=5, rotation=0.3)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Three images of 17 x 22 with blurs of their own: everywhere, nearly none, one side only."""
    draw = torch.Generator().manual_seed(5)
    light = torch.rand(3, 3, 17, 22, generator=draw) ** 4
    light[:, :, 8, 5] = 40.0
    defocus = torch.rand(3, 1, 17, 22, generator=draw) * 12 - 6
    defocus[1] *= 0.05
    defocus[2, :, :, :11] = 0.0
    return light, defocus


def apart(got: torch.Tensor, expected: np.ndarray) -> float:
    """Largest difference as displayed."""
    shown = [np.clip(encode(np.asarray(image), 2.2), 0, 1) for image in (got, expected)]
    return float(np.abs(shown[0] - shown[1]).max())


@pytest.mark.parametrize("aperture", [None, PENTAGON], ids=["disc", "pentagon"])
def test_every_image_of_a_batch_is_the_reference(aperture):
    light, defocus = batch()
    blurred, dilated = scatter_tensor(light, defocus, aperture)
    assert blurred.shape == light.shape and dilated.shape == defocus.shape
    assert blurred.dtype == dilated.dtype == torch.float32 and blurred.is_contiguous()
    for index in range(len(light)):
        expected = scatter_reference(light[index].permute(1, 2, 0), defocus[index, 0], aperture)
        assert apart(blurred[index].permute(1, 2, 0), expected) < 1e-3
        assert np.array_equal(dilated[index, 0], dilate_reference(defocus[index, 0].numpy()))


def test_layout_and_float_type_change_nothing():
    light, defocus = batch()
    expected = scatter_tensor(light, defocus, PENTAGON)
    wide = torch.zeros(3, 3, 17, 44), torch.zeros(3, 1, 17, 44)
    for target, source in zip(wide, (light, defocus), strict=True):
        target[..., ::2] = source
    for pixels, maps in (
        (light.to(memory_format=torch.channels_last), defocus),
        (wide[0][..., ::2], wide[1][..., ::2]),
        (light.double(), defocus.double()),
    ):
        assert all(map(torch.equal, scatter_tensor(pixels, maps, PENTAGON), expected))
    rounded = scatter_tensor(light.bfloat16(), defocus.bfloat16())
    again = scatter_tensor(light.bfloat16().float(), defocus.bfloat16().float())
    assert all(map(torch.equal, rounded, again))


def test_an_image_becomes_in_a_batch_what_it_becomes_alone():
    """To the bit, also beside one of so large a blur that its footprints lie less densely."""
    light, defocus = (tensor.numpy() for tensor in batch())
    light, defocus = light.transpose(0, 2, 3, 1), defocus[:, 0].copy()
    defocus[1] *= 400.0
    together = scatter_batch(light, defocus, PENTAGON)
    for one, pixels, defocused in zip(together, light, defocus, strict=True):
        assert np.array_equal(one, scatter(pixels, defocused, PENTAGON))


def test_inputs_are_left_alone():
    light, defocus = batch()
    before = light.clone(), defocus.clone()
    scatter_tensor(light, defocus)
    assert torch.equal(light, before[0]) and torch.equal(defocus, before[1])


def test_an_empty_batch_gives_an_empty_batch():
    blurred, dilated = scatter_tensor(torch.zeros(0, 3, 4, 5), torch.zeros(0, 1, 4, 5))
    assert blurred.shape == (0, 3, 4, 5) and dilated.shape == (0, 1, 4, 5)


@pytest.mark.parametrize(
    "sizes", [((3, 4, 5), (1, 4, 5)), ((1, 4, 4, 5), (1, 1, 4, 5)), ((2, 3, 4, 5), (1, 1, 4, 5))]
)
def test_shapes_that_do_not_go_together_are_refused(sizes):
    with pytest.raises(InputError, match=r"\[B, 3, H, W\]"):
        scatter_tensor(*(torch.zeros(size) for size in sizes))


def test_a_gradient_is_refused_rather_than_lost():
    light, defocus = batch()
    with pytest.raises(ConfigError, match="scatter_gather"):
        scatter_tensor(light.requires_grad_(), defocus)
    with torch.no_grad():
        assert not scatter_tensor(light, defocus)[0].requires_grad


@pytest.mark.parametrize("absurd", [1500.0, float("nan"), float("inf")])
def test_an_absurd_radius_is_refused(absurd):
    with pytest.raises(ConfigError, match="K is the radius in pixels"):
        scatter_tensor(torch.zeros(1, 3, 4, 4), torch.full((1, 1, 4, 4), absurd))
