"""Cut-outs rendered in Blender: strands, canes and links with the alpha that Cycles computes for them.

::

    DIR/
        fur-7-00000.png     16 bit, straight RGBA, encoded with gamma 2.2
        fur-7-00000.json    kind, seed, samples, Blender, what it shows, licence, digest: written last

A cut-out depends on (kind, seed, index, side, samples, code, Blender) alone; the folder is used as it is with
``bokehbench synth build --fg DIR``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from bokehbench import jobs, records
from bokehbench.blender.processes import require_bpy, run_worker
from bokehbench.errors import ConfigError

KINDS = {
    "fur": "a furry body: clumps, curl, combed hair in seven coats",
    "wicker": "a woven basket, lampshade or cane screen with gaps to look through",
    "chain": "chains of metal links that hang, loop and cross",
}
CATEGORIES = {"fur": "hair", "wicker": "net", "chain": "thin"}
LICENCE = "rendered by bokehbench (Apache-2.0), no third-party pixels"


@dataclass(frozen=True)
class RenderedAssets:
    """What a call did: the folder, names rendered now, and how many there are in all."""

    folder: Path
    rendered: tuple[str, ...]
    total: int


def render_assets(
    kind: str, count: int, out: Path, *, seed: int = 0, side: int = 1024, spp: int = 96
) -> RenderedAssets:
    """Render `count` cut-outs of one kind, or what is missing of them.

    Args:
        kind: a key of `KINDS`.
        count: cut-outs in all.
        out: folder; may hold other kinds and seeds.
        seed: of content and sampling noise.
        side: of the square that is rendered, pixels; pictures are cut to what is seen.
        spp: samples per pixel. No denoiser runs: it would smear strands and their alpha.

    Raises:
        Unavailable: there is no bpy.
        ConfigError: an unknown kind, a number out of range, or a folder made with other settings.
        JobFailed: the Blender process died.
    """
    if kind not in KINDS:
        raise ConfigError(f"unknown kind {kind!r}; one of {', '.join(KINDS)}")
    if count < 1 or seed < 0 or not 64 <= side <= 4096 or not 1 <= spp <= 65536:
        raise ConfigError(
            "--count must be at least 1, --seed at least 0, --size 64 to 4096, --samples 1 to 65536, not "
            f"{count}, {seed}, {side}, {spp}"
        )
    require_bpy()
    settings = _settings(kind, seed, side, spp)
    names = {f"{kind}-{seed}-{index:05d}": index for index in range(count)}
    missing = {name: index for name, index in names.items() if not _is_there(out, name, settings)}
    if missing:
        out.mkdir(parents=True, exist_ok=True)
        job = {
            "module": "bokehbench.blender.scripts.assets.job",
            "kind": kind,
            "seed": seed,
            "side": side,
            "spp": spp,
            "names": missing,
            "settings": settings,
            "folder": str(out.resolve()),
        }
        with jobs.progress(f"{kind} (samples per pixel)", spp * len(missing)) as advance:
            run_worker(job, kind, advance)
    return RenderedAssets(out, tuple(missing), count)


def _settings(kind: str, seed: int, side: int, spp: int) -> dict[str, Any]:
    here = Path(__file__).parent / "scripts"
    code = [*here.glob("assets/*.py"), *(here / f"{name}.py" for name in ("cycles", "materials", "meshes"))]
    return {
        "source": f"blender:{kind}",
        "category": CATEGORIES[kind],
        "seed": seed,
        "side": side,
        "spp": spp,
        "licence": LICENCE,
        "bpy": metadata.version("bpy"),
        "code_sha256": records.sha256_files(code, here),
    }


def _is_there(out: Path, name: str, settings: dict[str, Any]) -> bool:
    """Whether a cut-out is complete; ConfigError where the one that is there was made otherwise."""
    sidecar, picture = out / f"{name}.json", out / f"{name}.png"
    if not (sidecar.is_file() and picture.is_file()):
        return False
    record = records.read_json(sidecar)
    other = [key for key, value in settings.items() if record.get(key) != value]
    if other:
        old, new = record.get(other[0]), settings[other[0]]
        raise ConfigError(
            f"{picture}: was made with another {other[0]} ({old}, now {new}); name a new folder with --out"
        )
    return bool(record.get("sha256") == records.sha256_file(picture))
