"""The one step: published constants, the schedule of an independent library, the identity."""

from __future__ import annotations

import pytest
import torch

from bokehbench.baselines.diffusion.one_step import (
    SCHEDULE,
    alpha_bar,
    check_schedule,
    coefficients,
    copying_noise,
    one_step,
)
from bokehbench.errors import ConfigError, InputError


def test_constants_are_those_of_the_paper_s_timestep():
    assert coefficients(499) == pytest.approx((1.897736, 1.612887), abs=1e-6)
    assert coefficients(999) == pytest.approx((14.6488, 14.6147), abs=1e-4)
    assert alpha_bar(499) == pytest.approx(0.277670, abs=1e-6)
    assert alpha_bar(249) ** 0.5 == pytest.approx(0.821847, abs=1e-6)
    assert alpha_bar(749) ** 0.5 == pytest.approx(0.237957, abs=1e-6)


def test_the_schedule_is_that_of_diffusers():
    from diffusers import DDPMScheduler

    theirs = DDPMScheduler(**SCHEDULE).alphas_cumprod
    assert [alpha_bar(t) for t in range(0, 1000, 111)] == pytest.approx(theirs[::111].tolist(), rel=2e-5)


@pytest.mark.parametrize("timestep", [0, 249, 499, 999])
def test_the_step_undoes_the_noise_that_was_added(timestep):
    generator = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 1, 4, 8, 8, generator=generator, dtype=torch.float64)
    left = alpha_bar(timestep)
    noisy = left**0.5 * clean + (1.0 - left) ** 0.5 * noise
    assert torch.allclose(one_step(noisy, noise, timestep), clean, atol=1e-9)


@pytest.mark.parametrize("timestep", [249, 499, 749])
def test_copying_noise_leaves_a_latent_as_it_is(timestep):
    z = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(one_step(z, copying_noise(timestep) * z, timestep), z, atol=1e-5)


@pytest.mark.parametrize("timestep", [-1, 1000])
def test_there_are_a_thousand_timesteps(timestep):
    with pytest.raises(ConfigError, match="0 to 999"):
        alpha_bar(timestep)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"beta_end": 0.02}, "beta_end is 0.02"),
        ({"beta_schedule": "linear"}, "beta_schedule is linear"),
        ({"num_train_timesteps": None}, "num_train_timesteps is None"),
        ({"prediction_type": "v_prediction"}, "v_prediction"),
    ],
)
def test_a_base_with_another_schedule_is_refused(change, said):
    check_schedule(SCHEDULE, "here")
    with pytest.raises(InputError, match=f"here: .*{said}"):
        check_schedule({**SCHEDULE, **change}, "here")
