"""Ground truth: everything that a sample can say about its scene, each by name."""

from bokehbench.synth.truth.boundary import boundary_maps, error_map
from bokehbench.synth.truth.corruption import Corruption, CorruptionPlan
from bokehbench.synth.truth.named import TRUTHS, compute
from bokehbench.synth.truth.types import Truth

__all__ = ["TRUTHS", "Corruption", "CorruptionPlan", "Truth", "boundary_maps", "compute", "error_map"]
