"""LaMa's generator in the files that it is released in, under the names by which spandrel knows it.

- A TorchScript archive (big-lama.pt): a network by stand-ins, the generator's layers are `model.model.N`.
- A checkpoint of the authors' training: the generator's layers are `generator.model.N` of its state dict,
  beside a discriminator and the networks of the losses.
"""

from __future__ import annotations

from typing import Any

from bokehbench.errors import InputError
from bokehbench.weights_convert.arranged import Arranged
from bokehbench.weights_convert.modules import of_script, state_dict
from bokehbench.weights_convert.values import StandIn

GENERATORS = ("generator.model.", "model.model.")
"""Before the names of its layers, in either kind of file."""


def arrange(content: Any) -> Arranged:
    """Name every tensor of the generator.

    Raises:
        InputError: there is no generator in it.
    """
    if isinstance(content, StandIn):
        found = of_script(content, "its network")
    else:
        inner = content.get("state_dict", content) if isinstance(content, dict) else content
        found = state_dict(inner, "its state_dict")
    for generator in GENERATORS:
        named = {
            f"model.model.{name.removeprefix(generator)}": tensor
            for name, tensor in found.items()
            if name.startswith(generator)
        }
        if named:
            others = len(found) - len(named)
            left_out = {"the rest": f"{others} tensors of other networks"} if others else {}
            return Arranged(named, {"kind": "lama"}, {"generator": len(named)}, left_out)
    raise InputError(f"is no checkpoint of LaMa: it has no tensors {' or '.join(GENERATORS)}…")
