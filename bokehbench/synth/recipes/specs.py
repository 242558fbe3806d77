"""Recipes of training pairs; an implementation returns the path of a YAML configuration."""

from bokehbench.registry import RecipeSpec, Spec

SPECS: tuple[Spec, ...] = (
    RecipeSpec(
        name="bokehbench_v1",
        summary="1-3 cut-outs over a background, tilted planes, HDR lights; one bokeh image each.",
        implementation="bokehbench.synth.config:bokehbench_v1",
        notes="512x512 unless --size says otherwise; blur radius log-uniform 1.5 to 48 px at a width of 512; "
        "disc, polygon and donut apertures; every field is in bokehbench_v1.yaml; no cat-eye vignetting.",
    ),
)
