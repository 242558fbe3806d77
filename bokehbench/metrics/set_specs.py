"""What there is to measure over the whole set of a row's pictures. None of it is ever ranked."""

from bokehbench.registry import SetMetricSpec

INCEPTION = "pt_inception-2015-12-05-6726825d.pth"
SMALL = 2048
"""As many pictures as Inception has features: with fewer, FID is mostly its own bias."""
LEAST_SIDE = 224
"""Pixels of a box in focus on its shorter side; of a smaller one, nothing is asked."""
WHOLE = "rewards pictures without bokeh."
IN_FOCUS = "only at the box around the largest region in focus."

SPECS: tuple[SetMetricSpec, ...] = (
    SetMetricSpec(
        name="psnr-pooled",
        summary="PSNR of the mean squared error over the whole set; its worst pictures decide.",
        implementation="bokehbench.metrics.sets:psnr_pooled",
        higher_is_better=True,
        decimals=2,
        parameters={"cap": 100.0},
        unit="dB",
    ),
    SetMetricSpec(
        name="fid",
        summary="Fréchet distance of Inception features between predictions and targets; biased upwards.",
        implementation="bokehbench.metrics.frechet:fid",
        decimals=2,
        parameters={"size": 299},
        weights=(INCEPTION,),
        source="Heusel et al., GANs Trained by a Two Time-Scale Update Rule, 2017, arXiv:1706.08500",
        least=SMALL,
    ),
    SetMetricSpec(
        name="kid",
        summary="Squared kernel distance of Inception features, unbiased at any number of pictures.",
        implementation="bokehbench.metrics.frechet:kid",
        decimals=5,
        parameters={"size": 299, "degree": 3},
        weights=(INCEPTION,),
        source="Bińkowski et al., Demystifying MMD GANs, 2018, arXiv:1801.01401",
        least=SMALL,
    ),
    *(
        SetMetricSpec(
            name=f"{name}-focus" if in_focus else name,
            summary=f"{what} Looks at no target; {IN_FOCUS if in_focus else WHOLE}",
            implementation=f"bokehbench.metrics.noreference:{name.replace('-', '_')}",
            higher_is_better=higher,
            decimals=decimals,
            parameters={"least": LEAST_SIDE} if in_focus else {},
            weights=(file,),
            source=source,
            library="pyiqa",
            in_focus=in_focus,
        )
        for in_focus in (False, True)
        for name, higher, decimals, file, what, source in (
            (
                *("niqe", False, 3, "niqe_pris_params.npz", "Distance to natural statistics."),
                "Mittal et al., Making a Completely Blind Image Quality Analyzer, 2013",
            ),
            (
                *("musiq", True, 2, "musiq_koniq_ckpt-e95806b9.pth", "Quality learned on KonIQ-10k."),
                "Ke et al., MUSIQ: Multi-scale Image Quality Transformer, 2021, arXiv:2108.05997",
            ),
            (
                *("maniqa-pipal", True, 4, "MANIQA_PIPAL-ae6d356b.pth", "Quality learned on PIPAL."),
                "Yang et al., MANIQA, 2022, arXiv:2204.08958",
            ),
            (
                *("clipiqa", True, 4, "RN50.pt", "How near CLIP finds it to a good photo."),
                "Wang et al., Exploring CLIP for Assessing the Look and Feel of Images, 2023",
            ),
        )
    ),
)
