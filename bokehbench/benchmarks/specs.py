"""The benchmarks that come with the project."""

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
    BenchmarkSpec(
        name="layered",
        summary="Synthetic sets of ray-traced layers: exact disparity, true layers and an exact target.",
        implementation="bokehbench.benchmarks.layered:Layered",
        protocol="gt-disparity",
        oracles=("layers",),
        layout="dataset.json, meta/{key}.json, aif/{key}.png, disp/{key}.png, bokeh/{key}_k0.png, "
        "layers/{key}_{l}.exr",
        notes=(
            "Made by `bokehbench synth build`. K in pixels at the set's width; image 8 bit, disparity 16 bit "
            "of the nearest layer with alpha >= 0.5. Levels are bins of the largest blur radius in the "
            "frame: small below 8 px, medium 8 to 20 px, large above 20 px. Samples with K = 0 stay out."
        ),
    ),
)
