"""The layered ray tracer: exact thin-lens images of stacks of textured planes."""

from bokehbench.synth.render.checks import margin, validate
from bokehbench.synth.render.maps import disparity_map, label_map
from bokehbench.synth.render.quality import QUALITIES
from bokehbench.synth.render.renderer import render_all_in_focus, render_bokeh
from bokehbench.synth.render.scene import disparity_bounds

__all__ = [
    "QUALITIES",
    "disparity_bounds",
    "disparity_map",
    "label_map",
    "margin",
    "render_all_in_focus",
    "render_bokeh",
    "validate",
]
