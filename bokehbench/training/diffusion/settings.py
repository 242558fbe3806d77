"""Settings that trainings of diffusion models share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bokehbench.synth.distributions import Strict
from bokehbench.training.optimiser import Optimiser, Positive
from bokehbench.training.settings import StageSettings, Weight

Side = Annotated[int, Field(ge=16, le=1024)]


class VaeLosses(Strict):
    """Weights of stage 0: mean absolute error, edges and LPIPS of the round trip; KL per latent value."""

    l1: Weight
    edge: Weight
    lpips: Weight
    kl: Weight


class VaeSettings(StageSettings):
    """Stage 0: the VAE of a compact model.

    Attributes:
        crop: pixels on a side; `batch` counts pairs, of which both pictures are taken.
        optimiser: see there.
        noise: standard deviation of the posterior at the start.
        losses: see there.
    """

    crop: Side
    optimiser: Optimiser
    noise: Positive
    losses: VaeLosses
