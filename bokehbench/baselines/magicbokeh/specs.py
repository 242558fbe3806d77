"""MagicBokeh's methods."""

from bokehbench.registry import MethodSpec, Spec

MAGICBOKEH = (
    "Shi, Zheng, Wang, Zhang, Chen, Li, Chen, Jiang: Towards Photorealistic and Efficient Bokeh Rendering "
    "via Diffusion Framework, CVPR 2026, https://arxiv.org/abs/2605.07429"
)
BASE = (
    "magicbokeh-base.safetensors",
    "magicbokeh-base-unet.safetensors",
    "magicbokeh-base-vae.safetensors",
)
BEYOND = (
    "px of radius is beyond its training: it is cut off there, or with `allow_rescale` the picture is "
    "rendered smaller; records say which. With K = 0 it restores."
)
BASE_NOTES = (
    "The base, Stable Diffusion 2.1-base (CreativeML Open RAIL++-M), is yours to bring: `bokehbench weights "
    "base --method magicbokeh`. Pictures are cut into patches of 512 pixels, outside of which no light is "
    f"seen. Blur of more than 32 {BEYOND} Options: `colour` (mean, shift, adain, none), `allow_rescale`, "
    "`precision`, `device`, `compute` (of the attention)."
)

SPECS: tuple[Spec, ...] = (
    MethodSpec(
        name="magicbokeh",
        openings="disc",
        summary="One step of Stable Diffusion that restores and blurs at once, trained here.",
        implementation="bokehbench.baselines.magicbokeh.renderer:MagicBokeh",
        category="neural",
        weights=("magicbokeh.safetensors", *BASE),
        trained_by="magicbokeh --config paper",
        paper=MAGICBOKEH,
        paper_name="MagicBokeh",
        licence="Apache-2.0; its base has its own",
        notes=(
            f"{BASE_NOTES} Trained by `bokehbench train magicbokeh`. Colours: the input's mean light "
            "alone, since the authors' correction gives a blurred picture the contrast of the sharp one; "
            "docs/magicbokeh.md lists all that differs from the released code."
        ),
    ),
    MethodSpec(
        name="magicbokeh-official",
        openings="disc",
        summary="MagicBokeh with the weights that its authors released.",
        implementation="bokehbench.baselines.magicbokeh.renderer:MagicBokeh",
        options={"files": ("magicbokeh-official.safetensors", *BASE), "colour": "adain"},
        category="neural",
        weights=("magicbokeh-official.safetensors", *BASE),
        paper=MAGICBOKEH,
        paper_name="MagicBokeh",
        licence="Apache-2.0; its weights and its base have their own",
        notes=(
            f"{BASE_NOTES} `bokehbench weights convert magicbokeh FILE` makes the file of the authors' "
            "(docs/official-weights.md). Colours by AdaIN as in the released code; the mode of the latent, "
            "where that draws a sample; disparity not rounded to 8 bit."
        ),
    ),
    MethodSpec(
        name="magicbokeh-compact",
        openings="disc",
        summary="MagicBokeh's modules at 2.4 million parameters, trained from nothing.",
        implementation="bokehbench.baselines.magicbokeh.renderer:MagicBokeh",
        options={"files": ("magicbokeh-compact.safetensors",), "device": "cpu"},
        category="neural",
        weights=("magicbokeh-compact.safetensors",),
        trained_by="magicbokeh --config compact",
        paper=MAGICBOKEH,
        notes=(
            "Not the paper's model: VAE, UNet and ControlNet are our own small ones, there is no prior of a "
            "large model. The weights that ship restore, and hardly blur yet. Pictures are cut into patches "
            "of 256 pixels, outside of which no light is seen. "
            f"Blur of more than 16 {BEYOND} Options: `colour` (mean, shift, adain, none), `allow_rescale`, "
            "`device`, `compute` (of the attention)."
        ),
    ),
    MethodSpec(
        name="magicbokeh-vae",
        openings="any",
        summary="The input through the VAE of magicbokeh and back.",
        implementation="bokehbench.baselines.magicbokeh.renderer:RoundTrip",
        options={"files": ("magicbokeh.safetensors", *BASE)},
        category="floor",
        weights=("magicbokeh.safetensors", *BASE),
        trained_by="magicbokeh --config paper",
        ignores_lens=True,
        licence="Apache-2.0; its base has its own",
        notes="To be read beside `identity`: what the VAE alone does to the input.",
    ),
    MethodSpec(
        name="magicbokeh-compact-vae",
        openings="any",
        summary="The input through the VAE of magicbokeh-compact and back.",
        implementation="bokehbench.baselines.magicbokeh.renderer:RoundTrip",
        options={"files": ("magicbokeh-compact.safetensors",), "device": "cpu"},
        category="floor",
        weights=("magicbokeh-compact.safetensors",),
        trained_by="magicbokeh --config compact",
        ignores_lens=True,
        notes="To be read beside `identity`: what the VAE alone does to the input.",
    ),
)
