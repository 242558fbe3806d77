"""The neural comparators of the papers' tables, implemented and trained here."""

from bokehbench.registry import MethodSpec, Spec

DEEPFOCUS = (
    "Xiao, Kaplanyan, Fix, Chapman, Lanman: DeepFocus: Learned Image Synthesis for Computational Displays, "
    "ACM TOG (SIGGRAPH Asia) 2018, https://doi.org/10.1145/3272127.3275032"
)
DEEPFOCUS_NOTES = (
    "The fast network for defocus (8 convolutions on blocks of 2x2 pixels), trained by `bokehbench train "
    "deepfocus` on our scenes; the authors' weights are for non-commercial use. It is told disparity and "
    "diameter of the circle of confusion, not on which side of focus a pixel lies. It knows gamma 2.2 "
    "(others are encoded anew) and a disc. Options: `device`."
)
DEEPLENS = (
    "Wang, Shen, Zhang, Wang, Lin, Hsieh, Kong, Lu: DeepLens: Shallow Depth Of Field From A Single Image, "
    "ACM TOG (SIGGRAPH Asia) 2018, https://arxiv.org/abs/1810.08100"
)
MPIB = (
    "Peng, Zhang, Luo, Lu, Xian, Cao: MPIB: An MPI-Based Bokeh Rendering Framework for Realistic Partial "
    "Occlusion Effects, ECCV 2022, https://arxiv.org/abs/2207.08403"
)

SPECS: tuple[Spec, ...] = (
    MethodSpec(
        name="deepfocus",
        openings="disc",
        summary="Eight convolutions from image, disparity and circle of confusion to the blurred picture.",
        implementation="bokehbench.baselines.deepfocus.renderer:DeepFocus",
        category="neural",
        weights=("deepfocus.safetensors",),
        trained_by="deepfocus",
        paper=DEEPFOCUS,
        paper_name="DeepFocus",
        notes=f"{DEEPFOCUS_NOTES} Radii beyond 12 pixels are beyond what it was trained on.",
    ),
    MethodSpec(
        name="deepfocus-dagger",
        openings="disc",
        summary="DeepFocus on a picture shrunk until its largest radius is 10 pixels, enlarged afterwards.",
        implementation="bokehbench.baselines.deepfocus.renderer:DeepFocus",
        options={"adaptive": True},
        category="neural",
        weights=("deepfocus.safetensors",),
        trained_by="deepfocus",
        paper=DEEPFOCUS,
        paper_name="DeepFocus†",
        notes=(
            f"{DEEPFOCUS_NOTES} Shrunk as BokehMe shrinks, enlarged bilinearly, as BokehMe's authors ran it: "
            "what is in focus loses its detail where blur is large."
        ),
    ),
    MethodSpec(
        name="deeplens",
        openings="disc",
        summary="Lens blur at a small size as a mean of learned features, and guided upsampling.",
        implementation="bokehbench.baselines.deeplens.renderer:DeepLens",
        category="neural",
        weights=("deeplens.safetensors",),
        trained_by="deeplens",
        paper=DEEPLENS,
        paper_name="DeepLens",
        notes=(
            "DeepLens-style: lens-blur and upsampling module after the authors' released code, without batch "
            "normalisation, trained by `bokehbench train deeplens` on our scenes; depth is not predicted. "
            "Halved as often as the authors halve for the picture's size, and until the largest radius "
            "is 7 pixels, which is ours: the time depends on the size and little on the blur. It knows gamma "
            "2.2 (others are encoded anew) and a disc. Options: `device`."
        ),
    ),
    MethodSpec(
        name="mpib",
        openings="disc",
        summary="32 planes with learned alpha over a filled background, blurred apart.",
        implementation="bokehbench.baselines.mpib.renderer:MPIB",
        category="neural",
        weights=("mpib.safetensors",),
        trained_by="mpib",
        paper=MPIB,
        paper_name="MPIB",
        notes=(
            "MPINet and AUPNet as the authors released them, without normalisation's statistics, trained by "
            "`bokehbench train mpib` on our scenes (compact: fewer channels). Hidden parts are filled by a "
            "stand-in without texture, not by LaMa; radii are not rounded to whole pixels; small pictures "
            "are not enlarged for MPINet. Options: `device` (planes are blurred on the CPU)."
        ),
    ),
)
