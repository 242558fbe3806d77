"""Degradations: real low-quality pictures from clean ones (Real-ESRGAN's second order and kin).

    plan = DegradePlan.sample(rng, "osediff_512", (512, 512))
    lq = apply(plan, image)

`plan` draws, `apply` applies on the CPU, `batch` on any device, `folder` works through files.
"""

from bokehbench.synth.degrade.pipeline import Degraded, apply, degrade
from bokehbench.synth.degrade.plan import DegradePlan
from bokehbench.synth.degrade.preset import Preset, load_preset, preset_names

DEFAULT_PRESET = "osediff_512"
PRESETS = preset_names()

__all__ = [
    "DEFAULT_PRESET",
    "PRESETS",
    "DegradePlan",
    "Degraded",
    "Preset",
    "apply",
    "degrade",
    "load_preset",
    "preset_names",
]
