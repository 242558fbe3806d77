"""Whether converted tensors make the model that they are for: names and shapes at full size, no numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bokehbench.errors import InputError
from bokehbench.weights_convert.convert import Fits, Shapes


def magicbokeh(about: Mapping[str, Any], found: Shapes) -> None:
    """Hold a result to MagicBokeh on Stable Diffusion 2.1.

    Raises:
        InputError: tensors that are missing, left over, or of another shape; names them.
    """
    from bokehbench.baselines.magicbokeh import build
    from bokehbench.baselines.magicbokeh.fama.settings import FamaSettings

    fama = FamaSettings(**about["fama"])
    model = build.meta_model(ranks=about["ranks"], alphas=about["alphas"], fama=fama)
    compare({name: tuple(tensor.shape) for name, tensor in model.trained_state().items()}, found)


def compare(wanted: Shapes, found: Shapes) -> None:
    """InputError unless both have the same names and shapes."""
    faults = {
        "missing": [name for name in wanted if name not in found],
        "left over": [name for name in found if name not in wanted],
        "of another shape": [n for n, shape in found.items() if wanted.get(n, shape) != shape],
    }
    said = [f"{len(n)} {fault} ({', '.join(sorted(n)[:2])} …)" for fault, n in faults.items() if n]
    if said:
        raise InputError(f"its tensors are not those of MagicBokeh: {'; '.join(said)}")


MODELS: dict[str, Fits] = {"magicbokeh": magicbokeh}
"""Whose checkpoint -> what its result is held to."""
