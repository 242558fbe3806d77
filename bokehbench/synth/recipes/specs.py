"""Recipes of training pairs; an implementation returns the path of a YAML configuration."""

from bokehbench.registry import RecipeSpec, Spec

CONFIG = "bokehbench.synth.config:"

SPECS: tuple[Spec, ...] = (
    RecipeSpec(
        name="bokehbench_v1",
        version=2,
        summary="1-3 cut-outs over a background, tilted planes, HDR lights, many apertures; one bokeh each.",
        implementation=CONFIG + "bokehbench_v1",
        notes="512x512 unless --size says otherwise; blur radius log-uniform 1.5 to 48 px at a width of 512; "
        "polygon, donut, star, heart and clover, cat-eye, soap-bubble rims, vignetting (new in 2); every "
        "field is in bokehbench_v1.yaml.",
    ),
    RecipeSpec(
        name="bokehme",
        summary="Stacks of 200 bokeh images a scene: 2 K, 20 focal planes, 5 gammas.",
        implementation=CONFIG + "bokehme",
        paper="Peng et al., BokehMe, CVPR 2022, section 3.2",
        version=2,
        notes="Layers, planes and sources are not stated in the paper; ours as in bokehbench_v1. Light is "
        "cut at white in both pictures (new in 2). A scene of 200 float images needs about 1 GB at 512x512.",
    ),
    RecipeSpec(
        name="mpib_like",
        summary="1-3 tilted cut-outs that do not meet, padded by the blur radius.",
        implementation=CONFIG + "mpib_like",
        paper="Peng et al., MPIB, ECCV 2022 (its generator's scene model; distributions inferred)",
        notes="Not MPIB's training set, whose distributions are not public.",
    ),
    RecipeSpec(
        name="bokehdiff",
        summary="BokehDiff's pairs with its faults put right: tilt, padding, true K, linear light.",
        implementation=CONFIG + "bokehdiff",
        paper="BokehDiff, 2025, data generator of the published code",
        notes="One foreground over 25 to 100 % of an 816 canvas; 512 crop; K 3 to 192.",
    ),
    RecipeSpec(
        name="bokehdiff_compat",
        summary="BokehDiff's pairs with the faults of the published sampler, for comparison only.",
        implementation=CONFIG + "bokehdiff_compat",
        paper="BokehDiff, 2025, data generator of the published code",
        notes="Every fault is a flag under compat in bokehdiff_compat.yaml; K in the JSON is the label, "
        "K_rendered the truth.",
    ),
    RecipeSpec(
        name="magicbokeh",
        summary="Two cut-outs, K in [0, 32], focus at a random pixel, degraded input.",
        implementation=CONFIG + "magicbokeh",
        paper="MagicBokeh, supplementary B",
        notes="Distributions that the paper does not state are ours; lq by osediff_512 where it is stored, "
        "`bokehbench train magicbokeh` degrades anew at each visit, by realesrgan_x4_lq.",
    ),
    RecipeSpec(
        name="hair_lights",
        summary="A test: hair and fur before the lights of a night, focus behind.",
        implementation=CONFIG + "hair_lights",
        notes="512x384, blur of the hair 8 to 16 px; a hard case for all that see one disparity a pixel. "
        "`bokehbench run --benchmark layered:DIR` after `synth build`.",
    ),
)
