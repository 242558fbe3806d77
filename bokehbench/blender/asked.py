"""Which images a folder was asked for, so that one that is lost, or was never rendered, is noticed.

``DIR/asked.json`` has ``{"scenes": {scene: [stem, ...]}}``. Each call of the renderer adds its own images
before it renders; the file depends on what was asked for alone, not on what came of it or in which order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from bokehbench import records
from bokehbench.blender import stack
from bokehbench.blender.plan import StackRequest
from bokehbench.errors import InputError

FILE = "asked.json"


def read(out: Path) -> dict[str, list[str]]:
    """Stems by scene; {} where nobody has written them down.

    Raises:
        InputError: the file is none of this kind.
    """
    path = out / FILE
    if not path.is_file():
        return {}
    content = records.read_json(path)
    scenes = content.get("scenes") if isinstance(content, dict) else None
    if not isinstance(scenes, dict) or not all(_is_stems(stems) for stems in scenes.values()):
        raise InputError(f"{path}: needs scenes, lists of images by scene; delete it if you edited it")
    return scenes


def add(out: Path, requests: Iterable[StackRequest]) -> None:
    """Write down that these images are wanted below `out`, which exists."""
    with stack.locked(out):
        scenes = read(out)
        for request in requests:
            scenes[request.scene] = sorted({*scenes.get(request.scene, ()), *request.images()})
        _write(out, scenes)


def forget(out: Path, scene: str) -> None:
    """Of a scene that was refused: nothing of it can ever be there."""
    with stack.locked(out):
        _write(out, {name: stems for name, stems in read(out).items() if name != scene})


def _write(out: Path, scenes: Mapping[str, list[str]]) -> None:
    if scenes:
        records.write_json(out / FILE, {"scenes": scenes})
    else:
        (out / FILE).unlink(missing_ok=True)


def _is_stems(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(stem, str) for stem in value)
