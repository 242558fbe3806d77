"""The protocols that come with the project: what a method sees, and what was chosen with the ground truth."""

from bokehbench.registry import ProtocolSpec, Spec

_BOX = "focus, box that was drawn on the pair"
_BEST_PER_IMAGE = "K, best of 1 to 100 for each picture"
_CROSS_FITTED = "K, best of 1 to 100 on the other half of the set"

SPECS: tuple[Spec, ...] = (
    ProtocolSpec(
        name="gt-disparity",
        summary="True disparity; focal plane and K are given with the set.",
        disparity="gt",
        focus="given",
        K="given",
        paper="BLB of Peng et al., CVPR 2022",
    ),
    # ------------------------------------------------------------- real pairs, as the papers measured them
    ProtocolSpec(
        name="bokehme-midas",
        summary=(
            "MiDaS disparity, focus in the labelled box, for each picture and method the best K of 1 to 100."
        ),
        disparity="midas",
        focus="box",
        K="best-per-image",
        uses_truth=(_BEST_PER_IMAGE, _BOX),
        paper="EBB400 of Peng et al., CVPR 2022, with the maps that its author says were used",
    ),
    ProtocolSpec(
        name="bokehme-dpt",
        summary="The same with DPT disparity, which the paper names.",
        disparity="dpt",
        focus="box",
        K="best-per-image",
        uses_truth=(_BEST_PER_IMAGE, _BOX),
        paper="EBB400 of Peng et al., CVPR 2022, as printed",
    ),
    ProtocolSpec(
        name="bokehdiff",
        summary="Depth Anything V2 Base; focus from edges, colours of the input from the target, one best K.",
        disparity="depth-anything-v2-base",
        focus="shared-edges",
        K="best-per-set",
        colour="target-means",
        uses_truth=(
            "K, best of 1 to 100 for the set",
            "focus, from edges that input and target share",
            "colour, channel means of the input turned to the target's",
        ),
        paper="EBB Val294 of Zhu et al., ICCV 2025, from its code; how K was chosen is not stated",
    ),
    ProtocolSpec(
        name="magicbokeh",
        summary="Degraded input, disparity predicted from it, focus in the labelled box, best K of 1 to 100.",
        disparity="depth-anything-v2-large",
        focus="box",
        K="best-per-image",
        uses_truth=(_BEST_PER_IMAGE, _BOX),
        paper=(
            "EBB400-LQ of Shi et al., CVPR 2026; its pairs and low-quality files are not published, how K "
            "was chosen is not stated"
        ),
    ),
    # --------------------------------------------------------------------------------- without the target
    ProtocolSpec(
        name="box-cross-fitted",
        summary=(
            "MiDaS disparity and the labelled box; each half of the set takes the K that is best on the "
            "other."
        ),
        disparity="midas",
        focus="box",
        K="cross-fitted",
        uses_truth=(_CROSS_FITTED, _BOX),
    ),
    *(
        ProtocolSpec(
            name=f"leak-free-{name}",
            summary=f"{what}; focus on the salient subject; K fitted on the other half of the set.",
            disparity=source,
            focus="saliency",
            K="cross-fitted",
            uses_truth=(_CROSS_FITTED,),
            notes="Nothing of a picture's own target is used.",
        )
        for name, source, what in (
            ("midas", "midas", "The set's MiDaS disparity"),
            ("base", "depth-anything-v2-base", "Disparity by Depth Anything V2 Base"),
            ("large", "depth-anything-v2-large", "Disparity by Depth Anything V2 Large"),
        )
    ),
    ProtocolSpec(
        name="optics",
        summary=(
            "Metric depth by Depth Pro; K and focal plane from focal length, f-number and focus distance."
        ),
        disparity="depth-pro",
        focus="given",
        K="given",
        notes="Nothing of the target is used; takes 24 mm of sensor along the picture's shorter side.",
    ),
    ProtocolSpec(
        name="saliency-best",
        summary="Disparity by Depth Anything V2 Base, focus on the salient subject, best K of 1 to 100.",
        disparity="depth-anything-v2-base",
        focus="saliency",
        K="best-per-image",
        uses_truth=(_BEST_PER_IMAGE,),
    ),
    ProtocolSpec(
        name="study",
        summary="No ground truth: disparity of the set, lens of each photograph chosen by hand.",
        disparity="disparity",
        focus="given",
        K="given",
        paper="IPB of Peng et al., CVPR 2022",
    ),
    ProtocolSpec(
        name="restoration",
        summary="K = 0: the low-resolution picture enlarged by bicubic goes in, what is restored is scored.",
        disparity="none",
        focus="given",
        K="zero",
        paper="RealSR and DRealSR tables of Shi et al., CVPR 2026",
    ),
)
