"""`bokehbench doctor`: what this machine has, what is missing and how to get it."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import click

PACKAGES = (
    *("numpy", "scipy", "numba", "torch", "torchvision", "pandas", "lpips", "piq"),
    *("opencv-python-headless", "OpenEXR", "scikit-image"),
)


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `remedy` is one line, empty where nothing is missing."""

    what: str
    found: str
    ok: bool = True
    remedy: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(as_json: bool) -> None:
    """Say what this machine has, what is missing, how to get it.

    Exit code 1 where something that every part needs is missing.
    """
    findings = [*_machine(), *_packages(), *_optional(), *_weights(), _data()]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        width = max(len(finding.what) for finding in findings)
        for finding in findings:
            click.echo(f"{'ok ' if finding.ok else '-- '} {finding.what:<{width}}  {finding.found}")
            if finding.remedy:
                click.echo(f"    {'':<{width}}  {finding.remedy}")
    needed = {"python", *PACKAGES}
    if any(not finding.ok and finding.what in needed for finding in findings):
        raise SystemExit(1)


def _machine() -> list[Finding]:
    from bokehbench.leaderboard.measure import device_name

    flags = next((line for line in _lines("/proc/cpuinfo") if line.startswith("flags")), "").split()
    simd = [name for name in ("avx2", "avx512f", "amx_bf16") if name in flags]
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    supported = sys.version_info >= (3, 11)
    return [
        Finding(
            "python",
            platform.python_version(),
            supported,
            "" if supported else "bokehbench needs Python 3.11",
        ),
        Finding("CPU", f"{device_name()}{', ' + ' '.join(simd) if simd else ''}"),
        Finding("memory", f"{int(memory) / 2**20:.1f} GiB"),
        _gpu(),
    ]


def _gpu() -> Finding:
    try:
        import torch
    except ImportError:
        return Finding("GPU", "not asked: torch is missing", ok=False)
    if torch.cuda.is_available():
        return Finding("GPU", f"{torch.cuda.get_device_name(0)} (torch {torch.__version__})")
    return Finding("GPU", "none that torch can use; everything here runs on the CPU", ok=False)


def _packages() -> list[Finding]:
    findings = []
    for name in PACKAGES:
        try:
            findings.append(Finding(name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            findings.append(Finding(name, "missing", ok=False, remedy="make setup"))
    return findings


def _optional() -> list[Finding]:
    remedy = "needed by `blb render`: pip install 'bokehbench[blender]' under Python 3.11"
    if importlib.util.find_spec("bpy") is None:
        return [Finding("Blender (bpy)", "missing", ok=False, remedy=remedy)]
    # Only starting it shows that the system has the libraries it wants; a process of its own, as always.
    started = subprocess.run(
        [sys.executable, "-c", "import bpy"], capture_output=True, text=True, check=False
    )
    if started.returncode != 0:
        said = (started.stderr.strip().splitlines() or ["no reason given"])[-1]
        return [Finding("Blender (bpy)", f"does not start: {said}", ok=False, remedy=remedy)]
    return [Finding("Blender (bpy)", metadata.version("bpy"))]


def _weights() -> list[Finding]:
    from bokehbench.metrics import weights

    return [
        Finding(
            f"weights {entry.file}",
            f"{entry.status}, needed by {', '.join(entry.needed_by)}",
            entry.status == "ok",
            entry.instruction,
        )
        for entry in weights.status()
    ]


def _data() -> Finding:
    folder = os.environ.get("BOKEHBENCH_DATA")
    if folder and not Path(folder).is_dir():
        return Finding("$BOKEHBENCH_DATA", f"{folder} is no folder", ok=False)
    if folder:
        return Finding(
            "$BOKEHBENCH_DATA", f"{folder}: {', '.join(sorted(p.name for p in Path(folder).iterdir()))}"
        )
    return Finding("$BOKEHBENCH_DATA", "not set; benchmarks are then written NAME:DIR", ok=False)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
