"""What Cycles computes on: the GPU where there is one, else the CPU, and which it is."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import bpy

from bokehbench.blender.plan import GPU_KINDS
from bokehbench.errors import ConfigError

CPU = "CPU"
"""How the name of every processor begins."""


def choose(scene: Any, wanted: str) -> str:
    """Let a scene render on what was asked for.

    Args:
        scene: bpy.types.Scene; call it after the file was opened, which resets the preferences.
        wanted: auto, cpu, gpu, or one of `plan.GPU_KINDS`.

    Returns:
        What renders, for records: kind and name, as ``CPU: ...`` or ``OPTIX: NVIDIA H100``. Cycles itself
        would take the CPU without a word where the GPU it is told to use is not there.

    Raises:
        ConfigError: a GPU was asked for and there is none of the kind.
    """
    if wanted == "cpu":
        return use_cpu(scene)
    kinds = [wanted] if wanted in GPU_KINDS else list(GPU_KINDS)
    for kind in kinds:
        names = _switch_on(kind.upper())
        if names:
            scene.cycles.device = "GPU"
            return f"{kind.upper()}: {', '.join(names)}"
    if wanted != "auto":
        raise ConfigError(
            f"--device {wanted}: Blender finds no such GPU here (looked for {', '.join(kinds)}); "
            "--device auto takes the CPU where there is none"
        )
    return use_cpu(scene)


def use_cpu(scene: Any) -> str:
    """Let a scene render on the CPU; its name for records."""
    scene.cycles.device = "CPU"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{CPU}: {model or platform.processor() or platform.machine()}"


def _switch_on(kind: str) -> list[str]:
    """Names of the GPUs of one kind, now in use; [] where there are none."""
    preferences = bpy.context.preferences.addons["cycles"].preferences
    try:
        preferences.compute_device_type = kind
    except TypeError:  # a kind that this build of Blender does not know
        return []
    preferences.refresh_devices()
    for device in preferences.devices:
        device.use = device.type == kind
    if not preferences.has_active_device():
        return []
    return [device.name for device in preferences.devices if device.use]
