"""The one step, written out: no scheduler, no noise, no clipping (methods spec A2.2, A3.2).

The latent of the picture that comes in is taken for a noisy one at timestep T, and what the UNet calls noise
is what has to go:  z0 = (z - sqrt(1 - abar_T) eps) / sqrt(abar_T).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from bokehbench.errors import ConfigError, InputError

STEPS = 1000
"""Timesteps of the schedule that Stable Diffusion and SDXL were trained with."""
BETAS = (0.00085, 0.012)
"""Its first and last beta; their square roots are equally spaced ("scaled linear")."""
SCHEDULE: Mapping[str, Any] = {
    "beta_schedule": "scaled_linear",
    "beta_start": BETAS[0],
    "beta_end": BETAS[1],
    "num_train_timesteps": STEPS,
}


def alpha_bar(timestep: int) -> float:
    """Share of the signal's power that is left at a timestep: the product of (1 - beta) up to it.

    Raises:
        ConfigError: not a timestep, 0 to 999.
    """
    if not 0 <= timestep < STEPS:
        raise ConfigError(f"timestep must lie in 0 to {STEPS - 1}, not {timestep}")
    betas = np.linspace(BETAS[0] ** 0.5, BETAS[1] ** 0.5, STEPS, dtype=np.float64) ** 2
    return float(np.prod(1.0 - betas[: timestep + 1]))


@functools.cache
def coefficients(timestep: int) -> tuple[float, float]:
    """(a, b) with z0 = a z - b eps; (1.897736, 1.612887) at 499, (14.6488, 14.6147) at 999."""
    left = alpha_bar(timestep)
    return left**-0.5, ((1.0 - left) / left) ** 0.5


def one_step(
    z: Tensor,  # [B, C, h, w]
    noise: Tensor,  # [B, C, h, w]
    timestep: int,
) -> Tensor:  # [B, C, h, w]
    """The latent of the picture that comes out."""
    a, b = coefficients(timestep)
    return a * z - b * noise


def copying_noise(timestep: int) -> float:
    """The c for which a UNet that answers eps = c z leaves the latent as it is: a z - b c z = z."""
    a, b = coefficients(timestep)
    return (a - 1.0) / b


def check_schedule(config: Mapping[str, Any], where: object) -> None:
    """Refuse a base model that was not trained with this schedule.

    Args:
        config: its scheduler_config.json.
        where: the file, for the error.

    Raises:
        InputError: another schedule; says which field.
    """
    for key, wanted in SCHEDULE.items():
        found = config.get(key)
        same = (
            found == wanted if isinstance(wanted, str) else found is not None and abs(found - wanted) < 1e-9
        )
        if not same:
            raise InputError(
                f"{where}: {key} is {found}, the one step needs {wanted}: take another model as base"
            )
    if config.get("prediction_type", "epsilon") != "epsilon":
        raise InputError(f"{where}: prediction_type is {config['prediction_type']}, not epsilon")
