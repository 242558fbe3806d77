"""Renderers on the layered ray tracer: layers cut from the disparity map, or the true ones."""

from bokehbench.baselines.raylayers.oracle import RayLayersOracle
from bokehbench.baselines.raylayers.renderer import RayLayers

__all__ = ["RayLayers", "RayLayersOracle"]
