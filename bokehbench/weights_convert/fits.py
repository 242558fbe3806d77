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
    compare("MagicBokeh", _shapes(model.trained_state()), found)


def lama(about: Mapping[str, Any], found: Shapes) -> None:
    """Hold a result to LaMa as spandrel builds it.

    Raises:
        InputError: as `magicbokeh`.
    """
    import torch
    from spandrel.architectures.LaMa import LaMa

    with torch.device("meta"):
        network = LaMa(in_nc=4, out_nc=3)
    compare("LaMa", _shapes(network.state_dict()), found)


def _shapes(state: Mapping[str, Any]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def compare(model: str, wanted: Shapes, found: Shapes) -> None:
    """InputError, which names the model, unless both have the same names and shapes."""
    faults = {
        "missing": [name for name in wanted if name not in found],
        "left over": [name for name in found if name not in wanted],
        "of another shape": [n for n, shape in found.items() if wanted.get(n, shape) != shape],
    }
    said = [f"{len(n)} {fault} ({', '.join(sorted(n)[:2])} …)" for fault, n in faults.items() if n]
    if said:
        raise InputError(f"its tensors are not those of {model}: {'; '.join(said)}")


MODELS: dict[str, Fits] = {"magicbokeh": magicbokeh, "lama": lama}
"""Whose checkpoint -> what its result is held to."""
