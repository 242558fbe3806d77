"""The renderers that come with the project: floor first, then by family."""

from bokehbench.registry import MethodSpec, Spec

BOKEHME = (
    "Peng, Cao, Luo, Lu, Xian, Zhang: BokehMe: When Neural Rendering Meets Classical Rendering, "
    "CVPR 2022, https://arxiv.org/abs/2206.12614"
)

WADHWA = (
    "Wadhwa et al.: Synthetic Depth-of-Field with a Single-Camera Mobile Phone, ACM Transactions on Graphics "
    "37(4), 2018, https://arxiv.org/abs/1806.04171"
)
DR_BOKEH = (
    "Sheng et al.: Dr.Bokeh: DiffeRentiable Occlusion-aware Bokeh Rendering, CVPR 2024, "
    "https://arxiv.org/abs/2308.08843"
)
RVR = (
    "Zhang et al.: Synthetic Defocus and Look-Ahead Autofocus for Casual Videography, "
    "ACM Transactions on Graphics 38(4), 2019, https://arxiv.org/abs/1905.06326"
)
BOKEHDIFF = (
    "Zhu et al.: BokehDiff: Neural Lens Blur with One-Step Diffusion, ICCV 2025, "
    "https://arxiv.org/abs/2507.18060"
)
BASE = ("bokehdiff-base.safetensors", "bokehdiff-base-unet.safetensors", "bokehdiff-base-vae.safetensors")
BASE_NOTES = (
    "The base, an SDXL model (the paper's: RealVisXL V5.0, CreativeML Open RAIL++-M), is yours to bring: "
    "`bokehbench weights base`. Memory, estimated from the number of parameters: 10.6 GB of weights in fp32, "
    "5.5 GB with `precision=bf16`, and some GB for the rest. Large pictures go through the UNet in tiles of "
    "512 pixels, outside of which no light is seen. Options: `precision`, `device`, `form` (of PISA)."
)

SPECS: tuple[Spec, ...] = (
    MethodSpec(
        name="identity",
        summary="The all-in-focus image itself: the floor.",
        implementation="bokehbench.baselines.identity:Identity",
        category="floor",
        ignores_lens=True,
        notes="A method that scores below it does harm.",
    ),
    MethodSpec(
        name="scatter",
        openings="outline",
        summary="Every pixel scattered into its circle of confusion: BokehMe's classical renderer.",
        implementation="bokehbench.baselines.scatter.renderer:Scatter",
        aliases=("bokehme-cr",),
        paper=BOKEHME,
        paper_name="BokehMe-CR",
        notes=(
            "Weights, window and gamma as the authors' released renderer has them. Differs: an aperture with "
            "an odd number of blades is turned by 180° in front of focus, as optics has it; the lens's "
            "central obstruction is a ring with a clear edge, the authors' soft donut is the option `donut`; "
            "the highlight boost is off (`highlight_boost`). No occlusion: colours bleed over depth edges."
        ),
    ),
    MethodSpec(
        name="bokehme",
        openings="outline",
        summary="Scattering, corrected at depth edges by two small networks.",
        implementation="bokehbench.baselines.bokehme.renderer:BokehMe",
        category="neural",
        weights=("bokehme.safetensors",),
        trained_by="bokehme",
        paper=BOKEHME,
        paper_name="BokehMe",
        notes=(
            "Networks and adaptive resizing as the authors' released code has them, upsampling until the "
            "full size as in the paper's text (their code adds a pass: `passes=released`). Trained by "
            "`bokehbench train bokehme`. Options: `error_map=analytic` (from the disparity map instead of "
            "ARNet), `variant=B1` to `B5` (the paper's Table 3), `highlight_boost`, `device`. The opening's "
            "shape reaches the scattered part alone."
        ),
        version=3,
    ),
    MethodSpec(
        name="bokehme-nr",
        openings="disc",
        summary="BokehMe's neural renderer alone.",
        implementation="bokehbench.baselines.bokehme.renderer:BokehMe",
        options={"fused": False},
        category="neural",
        weights=("bokehme.safetensors",),
        trained_by="bokehme",
        paper=BOKEHME,
        paper_name="BokehMe-NR",
        notes="ARNet and IUNet without the classical renderer; it knows a disc alone.",
        version=3,
    ),
    MethodSpec(
        name="bokehme-official",
        openings="outline",
        summary="BokehMe with the weights that its authors released.",
        implementation="bokehbench.baselines.bokehme.renderer:BokehMe",
        options={"files": ("arnet.pth", "iunet.pth"), "passes": "released"},
        category="neural",
        weights=("arnet.pth", "iunet.pth"),
        paper=BOKEHME,
        paper_name="BokehMe",
        notes=(
            "Needs the authors' arnet.pth and iunet.pth; their hashes stand in every record. The authors say "
            "that these are not the weights of the paper's tables, but better ones."
        ),
        version=2,
    ),
    MethodSpec(
        name="bokehdiff",
        openings="disc",
        summary="One step of SDXL with physics-inspired self-attention, trained here.",
        implementation="bokehbench.baselines.bokehdiff.renderer:BokehDiff",
        category="neural",
        weights=("bokehdiff.safetensors", *BASE),
        trained_by="bokehdiff --config paper",
        paper=BOKEHDIFF,
        paper_name="BokehDiff",
        licence="Apache-2.0; its base has its own",
        notes=(
            f"{BASE_NOTES} Trained by `bokehbench train bokehdiff`. Occlusion with one geometry for all "
            "shapes of pictures, the true radius as condition; docs/bokehdiff.md lists all that differs from "
            "the released code."
        ),
    ),
    MethodSpec(
        name="bokehdiff-official",
        openings="disc",
        summary="BokehDiff with the weights that its authors released.",
        implementation="bokehbench.baselines.bokehdiff.renderer:BokehDiff",
        options={"files": ("bokehdiff-official-lora.safetensors", "bokehdiff-official-vae.ckpt", *BASE)},
        category="neural",
        weights=("bokehdiff-official-lora.safetensors", "bokehdiff-official-vae.ckpt", *BASE),
        paper=BOKEHDIFF,
        paper_name="BokehDiff",
        licence="Apache-2.0; its weights state none, its base has its own",
        notes=(
            f"{BASE_NOTES} How to get the files: docs/official-weights.md. PISA, sizes and tiles as in the "
            "released code, always tiles. Its training told it less blur than there was: `bokehbench "
            "calibrate` finds the factor for K."
        ),
    ),
    MethodSpec(
        name="bokehdiff-compact",
        openings="disc",
        summary="BokehDiff's modules at 2.3 million parameters, trained from nothing.",
        implementation="bokehbench.baselines.bokehdiff.renderer:BokehDiff",
        options={"files": ("bokehdiff-compact.safetensors",), "device": "cpu"},
        category="neural",
        weights=("bokehdiff-compact.safetensors",),
        trained_by="bokehdiff --config compact",
        paper=BOKEHDIFF,
        notes=(
            "Not the paper's model: VAE and UNet are our own small ones, the UNet also sees disparity and "
            "radius, there is no prior of a large model. Pictures of more than twice 256² pixels go through "
            "the UNet in tiles of 256 pixels, outside of which no light is seen. Options: `device`, `form`."
        ),
    ),
    MethodSpec(
        name="bokehdiff-vae",
        openings="any",
        summary="The all-in-focus image through the VAE of BokehDiff and back: what the VAE alone loses.",
        implementation="bokehbench.baselines.bokehdiff.renderer:RoundTrip",
        options={"files": ("bokehdiff.safetensors", *BASE)},
        category="floor",
        weights=("bokehdiff.safetensors", *BASE),
        trained_by="bokehdiff --config paper",
        paper=BOKEHDIFF,
        ignores_lens=True,
        notes=f"To be read beside `identity`. {BASE_NOTES}",
    ),
    MethodSpec(
        name="bokehdiff-compact-vae",
        openings="any",
        summary="The all-in-focus image through the VAE of bokehdiff-compact and back.",
        implementation="bokehbench.baselines.bokehdiff.renderer:RoundTrip",
        options={"files": ("bokehdiff-compact.safetensors",), "device": "cpu"},
        category="floor",
        weights=("bokehdiff-compact.safetensors",),
        trained_by="bokehdiff --config compact",
        ignores_lens=True,
        notes="To be read beside `identity`: what the VAE alone loses.",
    ),
    MethodSpec(
        name="bokehdiff-compact-ceiling",
        openings="any",
        summary="The true layers traced exactly, then through the VAE of bokehdiff-compact: what it leaves.",
        implementation="bokehbench.baselines.bokehdiff.renderer:RoundTrip",
        options={"files": ("bokehdiff-compact.safetensors",), "of": "layers", "device": "cpu"},
        category="oracle",
        oracle="layers",
        weights=("bokehdiff-compact.safetensors",),
        trained_by="bokehdiff --config compact",
        notes=(
            "Not a competitor: what the VAE leaves of a rendering without fault. No ceiling with the weights "
            "that ship: their encoder is trained for renderings, which score above its round trips."
        ),
    ),
    MethodSpec(
        name="sterefo",
        openings="outline",
        summary="Disparity layers blurred apart, composited back to front, normalised.",
        implementation="bokehbench.baselines.sterefo:SteReFo",
        paper=(
            "Busam, Hog, McDonagh, Slabaugh: SteReFo: Efficient Image Refocusing with Stereo Vision, "
            "ICCVW 2019, https://arxiv.org/abs/1909.13395"
        ),
        paper_name="SteReFo",
        notes=(
            "The rendering module alone, from its description in BokehMe's comparison. Ours: 8 to 64 layers "
            "of at most one pixel of radius (thicker beyond K = 64), the focal plane in the middle of a "
            "layer, footprints with a linear rim of one pixel, no down-sampling."
        ),
    ),
    MethodSpec(
        name="gather",
        openings="outline",
        summary="Every pixel the mean of its own circle of confusion, nearer sharp pixels left out.",
        implementation="bokehbench.baselines.gather:Gather",
        notes=(
            "The plain post-process of games: the naive floor among methods that blur. A blurred foreground "
            "ends at its outline. O(r²) operations a pixel."
        ),
    ),
    MethodSpec(
        name="wadhwa",
        openings="outline",
        summary="Discs scattered apart behind, in and before the focal plane, composited by depth.",
        implementation="bokehbench.baselines.wadhwa:Wadhwa",
        paper=WADHWA,
        paper_name="Wadhwa et al.",
        notes=(
            "The rendering module alone, at full resolution. Options: `mode=single` (all discs in one sum), "
            "`slab` (pixels of blur around the focal plane that stay sharp; the paper's taste, 0 here)."
        ),
    ),
    MethodSpec(
        name="dr-bokeh",
        openings="outline",
        summary="Two layers with soft alpha, what is hidden filled in, gathered with occlusion.",
        implementation="bokehbench.baselines.dr_bokeh:DrBokeh",
        paper=DR_BOKEH,
        paper_name="Dr.Bokeh",
        by_design=("K = 0", "focal plane"),
        notes=(
            "The rendering module with our two layers: above and below Otsu's threshold of the disparity map "
            "(the paper's saliency network is not part of a benchmark's inputs), hidden parts filled by "
            "Telea's method (the paper: LaMa, `dr-bokeh-lama`). As released, every radius is one pixel "
            "larger, so that K = 0 is not the input. O(r²) operations a pixel."
        ),
    ),
    MethodSpec(
        name="dr-bokeh-lama",
        openings="outline",
        summary="The same with the background filled by LaMa, as the paper has it.",
        implementation="bokehbench.baselines.dr_bokeh:DrBokeh",
        options={"inpainter": "lama"},
        category="neural",
        weights=("lama.safetensors",),
        paper=DR_BOKEH,
        paper_name="Dr.Bokeh",
        licence="Apache-2.0 (also LaMa's weights, of its authors), MIT (spandrel, which runs them)",
        by_design=("K = 0", "focal plane"),
        notes=(
            "All else is as in `dr-bokeh`, of which the notes hold. LaMa (Suvorov et al., WACV 2022) is "
            "given the encoded picture, clipped to [0, 1], and disparity as a grey one. How to get its "
            "weights: docs/official-weights.md. Options: `device`, of LaMa."
        ),
    ),
    MethodSpec(
        name="rvr",
        openings="outline",
        summary="Soft disparity layers blurred apart, composited back to front as they are.",
        implementation="bokehbench.baselines.rvr:RVR",
        paper=RVR,
        paper_name="RVR",
        by_design=("even",),
        notes=(
            "The rendering module alone; the masks' form is our reading of its description in BokehMe's "
            "comparison. Without normalisation slopes darken with the blur, as the papers report."
        ),
    ),
    MethodSpec(
        name="rvr-dagger",
        openings="outline",
        summary="RVR with its layers' weights normalised, as BokehMe's authors mended it.",
        implementation="bokehbench.baselines.rvr:RVR",
        options={"normalise": True},
        paper=RVR,
        paper_name="RVR†",
        notes="Masks as in `rvr`; the composited light is divided by the composited weight, as in `sterefo`.",
    ),
    MethodSpec(
        name="vdslr",
        openings="outline",
        summary="Rays traced from the lens against the disparity map as a height field.",
        implementation="bokehbench.baselines.vdslr:VDSLR",
        paper=(
            "Yang, Lin, Yu, Paris, Yu: Virtual DSLR: High Quality Dynamic Depth-of-Field Synthesis on Mobile "
            "Platforms, Electronic Imaging 2016"
        ),
        paper_name="VDSLR",
        notes=(
            "The rendering module alone. The paper searches intersections at random and leaves the details "
            "open; ours marches every ray to its first crossing, which is faster on a CPU and has no noise "
            "(`search=random` is the paper's idea). 32 to 1024 rays, one a covered pixel; light is read at "
            "the rays' spacing. Rays under a foreground's rim end beside it."
        ),
    ),
    MethodSpec(
        name="vdslr-random",
        openings="outline",
        summary="The same with intersections searched at random, as the paper has it.",
        implementation="bokehbench.baselines.vdslr:VDSLR",
        options={"search": "random"},
        paper=(
            "Yang, Lin, Yu, Paris, Yu: Virtual DSLR: High Quality Dynamic Depth-of-Field Synthesis on Mobile "
            "Platforms, Electronic Imaging 2016"
        ),
        paper_name="VDSLR",
        notes="Four rounds of a search that starts from the neighbouring ray; stochastic, see --seeds.",
        stochastic=True,
    ),
    MethodSpec(
        name="raylayers",
        openings="any",
        summary="Layers cut from the disparity map, hidden parts filled in, traced exactly.",
        implementation="bokehbench.baselines.raylayers:RayLayers",
        category="ours",
        notes=(
            "No training. Pixels that no depth edge can touch are gathered with exact weights, the others "
            "traced: continuous surfaces become overlapping slices of little blur difference, rims are taken "
            "apart into soft mattes, and behind depth edges the background is continued from beside them, "
            "one surface deep. What the map does not show (twigs between its samples) stays with what is "
            "behind it, and where a soft, predicted map puts the rim of a near object behind it, the rim "
            "stays sharp as a thin contour."
        ),
        version=3,
    ),
    MethodSpec(
        name="raylayers-oracle",
        openings="any",
        summary="The layered ray tracer given the true layers: the ceiling.",
        implementation="bokehbench.baselines.raylayers:RayLayersOracle",
        category="oracle",
        oracle="layers",
        notes="Not a competitor: it is shown the true layers, hidden parts included. Quality `high`.",
    ),
)
