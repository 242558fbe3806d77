"""Specs; filled by the room."""

from bokehbench.registry import BenchmarkSpec, Spec

SPECS: tuple[Spec, ...] = (
    BenchmarkSpec(
        name="blb",
        summary="Blender scenes with all-in-focus image, depth and a stack of blur levels and focal planes.",
        implementation="bokehbench.benchmarks.blb:BLB",
        protocol="gt-disparity",
        layout="{scene}/image.exr, depth.exr, bokeh_KK_FF.exr, info.json",
        notes=(
            "K in pixels at the image's width; level n is K = 10 n W/1920. True depth, focus, K are given. "
            "The input keeps values above 1, prediction and target are clipped. The authors' release "
            "(10 scenes, 1920x1080, 5 levels x 10 foci) and the output of `bokehbench blb render` both load."
        ),
    ),
)
