"""A restorer that is a file of weights: `spandrel-4xSharp` is 4xSharp.safetensors or 4xSharp.pth."""

from __future__ import annotations

import re
from pathlib import Path

from bokehbench import weights
from bokehbench.registry import RestorerSpec

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt")


def of_file(name: str, stem: str) -> tuple[RestorerSpec | None, bool]:
    """The restorer of a name, and whether its file is here.

    Args:
        name: `spandrel-4xSharp`.
        stem: `4xSharp`, a file's name without its suffix, looked for where files of weights are.

    Returns:
        None for what cannot be the name of a method. A file that is not here gives a spec as well: whoever
        asks for its weights is told what to do.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", stem):
        return None, False
    nowhere = Path("nowhere")
    found = (weights.locate(weights.Wanted(stem + suffix, nowhere))[1] for suffix in SUFFIXES)
    path = next((path for path in found if path is not None), None)
    file = stem + (path.suffix if path else SUFFIXES[0])
    spec = RestorerSpec(
        name=name,
        summary=f"The network in {file}, run by spandrel.",
        implementation="bokehbench.baselines.restorers.network:SuperResolution",
        category="neural",
        weights=(file,),
        option=name,
        licence="that of its weights",
        notes="Any super-resolution or restoration network that spandrel knows (ESRGAN, SwinIR, HAT ...).",
    )
    return spec, path is not None
