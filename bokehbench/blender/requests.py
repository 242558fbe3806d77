"""From names, files and options to stack requests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bokehbench.blender.catalogue import BLEND_SPP, parse_scenes
from bokehbench.blender.plan import FOCI, LEVELS, StackRequest
from bokehbench.errors import InputError


def scene_requests(
    scenes: Sequence[str],
    size: tuple[int, int] = (480, 270),
    levels: Sequence[int] = tuple(range(LEVELS)),
    foci: Sequence[int] = tuple(range(FOCI)),
    spp: int | None = None,
    **others: Any,
) -> list[StackRequest]:
    """Requests for procedural scenes.

    Args:
        scenes: ``NAME``, ``NAME#SEED`` or ``all``.
        size: (width, height) in pixels.
        levels: level indices 0 (weak) to 4 (strong).
        foci: focus indices 0 (far) to 9 (near).
        spp: samples per pixel of every image; None takes each scene's own counts.
        others: further fields of `StackRequest`.

    Raises:
        ConfigError: an unknown scene, or an option out of range.
    """
    return [
        StackRequest(
            scene=str(name),
            module=name.info.name,
            variation=name.variation,
            blend="",
            width=size[0],
            height=size[1],
            levels=tuple(levels),
            foci=tuple(foci),
            spp=name.info.spp if spp is None else (even(spp),) * 6,
            denoise=name.info.denoise,
            **others,
        )
        for name in parse_scenes(list(scenes))
    ]


def blend_request(
    blend: Path,
    size: tuple[int, int] = (480, 270),
    levels: Sequence[int] = tuple(range(LEVELS)),
    foci: Sequence[int] = tuple(range(FOCI)),
    spp: int | None = None,
    **others: Any,
) -> StackRequest:
    """The request for a user's .blend file, whose stem names the folder; arguments as `scene_requests`.

    Raises:
        InputError: no such file.
        ConfigError: an option out of range.
    """
    if not blend.is_file():
        raise InputError(f"{blend}: {'is a folder, not a .blend file' if blend.is_dir() else 'no such file'}")
    return StackRequest(
        scene=blend.stem,
        module="",
        variation=0,
        blend=str(blend.resolve()),
        width=size[0],
        height=size[1],
        levels=tuple(levels),
        foci=tuple(foci),
        spp=BLEND_SPP if spp is None else (even(spp),) * 6,
        **others,
    )


def even(spp: int) -> int:
    """The next even number: an image is two halves."""
    return spp + spp % 2
