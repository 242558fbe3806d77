"""Depth networks, saliency networks and depth sets, by name."""

from __future__ import annotations

from bokehbench.registry import DepthModelSpec, DepthSetSpec, SaliencyModelSpec

_NETWORK = "bokehbench.depth.network:Network"
_ANYTHING = "Yang et al., Depth Anything V2, NeurIPS 2024, arXiv:2406.09414"
_DPT = "Ranftl et al., Vision Transformers for Dense Prediction, ICCV 2021, arXiv:2103.13413"
_MAGICBOKEH = (
    "Shi et al., Towards Photorealistic and Efficient Bokeh Rendering via Diffusion Framework (MagicBokeh), "
    "2026, arXiv:2605.07429"
)


def _anything(size: str, parameters: str, licence: str, aliases: tuple[str, ...] = ()) -> DepthModelSpec:
    return DepthModelSpec(
        name=f"depth-anything-v2-{size.lower()}",
        summary=f"Depth Anything V2 {size}, {parameters} parameters; relative inverse depth.",
        implementation=_NETWORK,
        aliases=aliases,
        repo=f"depth-anything/Depth-Anything-V2-{size}-hf",
        licence=licence,
        paper=_ANYTHING,
    )


def _anything_metric(place: str, size: str, licence: str) -> DepthModelSpec:
    reach = {"Indoor": "20 m", "Outdoor": "80 m"}[place]
    return DepthModelSpec(
        name=f"depth-anything-v2-metric-{place.lower()}-{size.lower()}",
        summary=f"Depth Anything V2 {size} tuned to metres {place.lower()}s, up to {reach}.",
        implementation=_NETWORK,
        repo=f"depth-anything/Depth-Anything-V2-Metric-{place}-{size}-hf",
        licence=licence,
        paper=_ANYTHING,
        raw="depth",
    )


_ANYTHING_LICENCES = {"Small": "Apache-2.0", "Base": "CC-BY-NC-4.0", "Large": "CC-BY-NC-4.0"}

SPECS = (
    _anything("Small", "25 million", _ANYTHING_LICENCES["Small"]),
    _anything("Base", "97 million", _ANYTHING_LICENCES["Base"]),
    _anything("Large", "335 million", _ANYTHING_LICENCES["Large"]),
    *(
        _anything_metric(place, size, licence)
        for place in ("Indoor", "Outdoor")
        for size, licence in _ANYTHING_LICENCES.items()
    ),
    DepthModelSpec(
        name="dpt-large",
        summary="DPT-Large (MiDaS v3); relative inverse depth.",
        implementation=_NETWORK,
        aliases=("midas-v3",),
        repo="Intel/dpt-large",
        licence="Apache-2.0",
        paper=_DPT,
    ),
    DepthModelSpec(
        name="dpt-hybrid-midas",
        summary="DPT-Hybrid (MiDaS v3); relative inverse depth.",
        implementation=_NETWORK,
        repo="Intel/dpt-hybrid-midas",
        licence="Apache-2.0",
        paper=_DPT,
    ),
    DepthModelSpec(
        name="depth-pro",
        summary="Depth Pro: metres, with sharp edges, at 1536x1536.",
        implementation=_NETWORK,
        repo="apple/DepthPro-hf",
        licence="Apple ML Research (see the model's page)",
        paper="Bochkovskii et al., Depth Pro, ICLR 2025, arXiv:2410.02073",
        raw="depth",
    ),
    DepthModelSpec(
        name="da-depth",
        summary="Depth Anything V2 distilled for low-quality pictures, by bokehbench train da-depth.",
        implementation=_NETWORK,
        place="da-depth",
        source="bokehbench train da-depth --data PICTURES --out RUN makes RUN/da-depth, a folder that is as "
        "good a --model as the name",
        licence="that of the network it was distilled from",
        paper=_MAGICBOKEH,
    ),
    DepthModelSpec(
        name="da-depth-official",
        summary="The degradation-aware depth network of MagicBokeh's authors, DAdepth.pth.",
        implementation="bokehbench.depth.original:OriginalNetwork",
        place="DAdepth.pth",
        source="DAdepth.pth comes with MagicBokeh's code (github.com/vivoCameraResearch/MagicBokeh)",
        licence="not stated by its authors",
        paper=_MAGICBOKEH,
        notes="Read as tensors alone, with the preprocessing of Depth Anything V2's own code.",
    ),
    SaliencyModelSpec(
        name="birefnet",
        summary="BiRefNet: mask of the main object at 1024x1024.",
        implementation="bokehbench.depth.saliency:Foreground",
        repo="ZhengPeng7/BiRefNet",
        licence="MIT",
        runs_code=True,
        paper="Zheng et al., Bilateral Reference for High-Resolution Dichotomous Image Segmentation, 2024, "
        "arXiv:2401.03407",
        notes="Its weights come with code of their own, which wants timm, kornia and einops.",
    ),
    SaliencyModelSpec(
        name="clipseg",
        summary="CLIPSeg: mask of what a prompt names, at 352x352; runs no code of others.",
        implementation="bokehbench.depth.saliency:Prompted",
        repo="CIDAS/clipseg-rd64-refined",
        licence="Apache-2.0",
        options={"prompt": "the main subject of the photograph"},
        paper="Lüddecke and Ecker, Image Segmentation Using Text and Image Prompts, CVPR 2022, "
        "arXiv:2112.10003",
        notes="Not trained for saliency: it finds what --prompt says.",
    ),
    SaliencyModelSpec(
        name="spectral-residual",
        summary="Spectral residual: what stands out of the picture's own spectrum; needs no weights.",
        implementation="bokehbench.depth.saliency:SpectralResidual",
        paper="Hou and Zhang, Saliency Detection: A Spectral Residual Approach, CVPR 2007",
        notes="Marks small things that stand out, not whole objects.",
    ),
    SaliencyModelSpec(
        name="centre-square",
        summary="The square in the middle with a fifth of the picture's sides; looks at nothing.",
        implementation="bokehbench.depth.saliency:CentreSquare",
        notes="A floor to compare with; what BokehDiff falls back to.",
    ),
    DepthSetSpec(
        name="nyuv2",
        summary="NYU Depth V2, labelled: 654 test pictures of rooms, 640x480, Kinect depth in metres.",
        implementation="bokehbench.depth.nyuv2:NYUv2",
        url="https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html",
        count=654,
        layout="nyu_depth_v2_labeled.mat and splits.mat (with the package h5py), or folders with "
        "rgb_ID.png|jpg beside sync_depth_ID.png or depth_ID.png (16 bit, millimetres)",
        protocol="measured depth (rawDepths), 0.001 to 10 m, in Eigen's crop (rows 45 to 470, "
        "columns 41 to 600)",
        licence="research; see the page",
        notes="depths of the .mat file are filled in by an algorithm and are not compared with.",
    ),
    DepthSetSpec(
        name="kitti",
        summary="KITTI: 1000 selected street pictures, 1216x352, or Eigen's 652, with laser depth.",
        implementation="bokehbench.depth.kitti:Kitti",
        url="https://www.cvlibs.net/datasets/kitti/eval_depth.php?benchmark=depth_prediction",
        count=1000,
        layout="val_selection_cropped/image and val_selection_cropped/groundtruth_depth (of "
        "data_depth_selection.zip, 2 GB; 16-bit PNG, metres times 256); or eigen_test_files_with_gt.txt (697 "
        "lines, 45 without depth) with the raw drives and data_depth_annotated below the folder",
        protocol="measured depth, 0.001 to 80 m, Garg's crop; Eigen's pictures are first cut to the lowest "
        "352 rows and the middle 1216 columns",
        licence="CC-BY-NC-SA-3.0",
    ),
)
