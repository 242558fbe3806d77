"""What the metrics are: direction, parameters, weights. Each spec names its function."""

from bokehbench.registry import MetricSpec

DEFAULT = ("psnr", "ssim", "lpips-alex", "dists-256", "ms-ssim", "gmsd", "haarpsi")
"""What `bokehbench evaluate` computes unless told otherwise."""

_GAUSSIAN = {"kernel_size": 11, "kernel_sigma": 1.5, "k1": 0.01, "k2": 0.03}

SPECS: tuple[MetricSpec, ...] = (
    MetricSpec(
        name="psnr",
        summary="Peak signal-to-noise ratio over the three channels, from the integer squared error.",
        implementation="bokehbench.metrics.psnr:psnr",
        decimals=2,
        parameters={"cap": 100.0},
        unit="dB",
        variants=("lin", "raw", "geo", "geo_gain", "region", "crop"),
    ),
    MetricSpec(
        name="psnr-noiseless",
        summary="PSNR against the target without its noise, whose known squared error is taken off.",
        implementation="bokehbench.metrics.psnr:psnr_noiseless",
        decimals=2,
        parameters={"cap": 100.0, "most": 0.8},
        unit="dB",
        variants=(),
        needs_noise=True,
    ),
    MetricSpec(
        name="psnr-y601",
        summary="PSNR of the luma of BT.601 with studio swing, as pyiqa has it for Y of ycbcr.",
        implementation="bokehbench.metrics.psnr:psnr_y601",
        decimals=2,
        parameters={"cap": 100.0},
        unit="dB",
    ),
    MetricSpec(
        name="psnr-peakmax",
        summary="PSNR against the largest value of the prediction instead of 255.",
        implementation="bokehbench.metrics.psnr:psnr_peakmax",
        decimals=2,
        parameters={"cap": 100.0},
        unit="dB",
    ),
    MetricSpec(
        name="ssim",
        summary="Structural similarity of each channel at full resolution, valid windows only.",
        implementation="bokehbench.metrics.ssim:ssim",
        parameters=_GAUSSIAN,
        source="Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, 2004",
        min_size=11,
        variants=("lin", "raw", "geo", "geo_gain", "region", "crop"),
    ),
    MetricSpec(
        name="ssim-y601",
        summary="SSIM of the rounded luma of BT.601, negative contrast counted as 0, as pyiqa has it.",
        implementation="bokehbench.metrics.ssim_variants:ssim_y601",
        parameters=_GAUSSIAN,
        min_size=11,
    ),
    MetricSpec(
        name="ssim-sk7",
        summary="scikit-image's SSIM as it comes: uniform windows of 7, sample covariance.",
        implementation="bokehbench.metrics.ssim_variants:ssim_sk7",
        parameters={"kernel_size": 7, "k1": 0.01, "k2": 0.03},
        min_size=7,
    ),
    MetricSpec(
        name="ssim-tm",
        summary="torchmetrics' SSIM since 1.4.2: border windows count, continued by reflection.",
        implementation="bokehbench.metrics.ssim_variants:ssim_tm",
        parameters=_GAUSSIAN,
        min_size=6,
    ),
    MetricSpec(
        name="ssim-piqds",
        summary="piq's SSIM as it comes: pictures are pooled to about 256 pixels first.",
        implementation="bokehbench.metrics.ssim_variants:ssim_piqds",
        parameters={"size": 256, **_GAUSSIAN},
        min_size=11,
    ),
    MetricSpec(
        name="ms-ssim",
        summary="Structural similarity over five scales.",
        implementation="bokehbench.metrics.ms_ssim:ms_ssim",
        parameters=_GAUSSIAN,
        source="Wang, Simoncelli and Bovik, Multiscale Structural Similarity, 2003",
        min_size=161,
    ),
    MetricSpec(
        name="gmsd",
        summary="Spread of the similarity of luma gradients; blind to a uniform loss of quality.",
        implementation="bokehbench.metrics.gmsd:gmsd",
        higher_is_better=False,
        parameters={"t": 170.0 / 255.0**2},
        source="Xue et al., Gradient Magnitude Similarity Deviation, 2014, arXiv:1308.3052",
        library="piq",
        min_size=4,
    ),
    MetricSpec(
        name="haarpsi",
        summary="Similarity of Haar wavelet coefficients, weighted by where the pictures have structure.",
        implementation="bokehbench.metrics.haarpsi:haarpsi",
        parameters={"scales": 3, "subsample": True, "c": 30.0, "alpha": 4.2},
        source="Reisenhofer et al., A Haar Wavelet-Based Perceptual Similarity Index, 2018, arXiv:1607.06140",
        library="piq",
        min_size=16,
    ),
    *(
        MetricSpec(
            name=f"lpips-{net}",
            summary=f"Learned perceptual distance on the features of {trunk}, v0.1 heads, full resolution.",
            implementation="bokehbench.metrics.lpips:lpips",
            higher_is_better=False,
            parameters={"net": net},
            weights=(file, f"lpips-v0.1-{net}.pth"),
            version=2,
            source="Zhang et al., The Unreasonable Effectiveness of Deep Features, 2018, arXiv:1801.03924",
            library="lpips",
            min_size=min_size,
            variants=("crop", "region"),
        )
        for net, trunk, file, min_size in (
            ("alex", "AlexNet", "alexnet-owt-7be5be79.pth", 31),
            ("vgg", "VGG-16", "vgg16-397923af.pth", 16),
            ("squeeze", "SqueezeNet 1.1", "squeezenet1_1-b8a52dc0.pth", 17),
        )
    ),
    *(
        MetricSpec(
            name=name,
            summary=f"Structure and texture distance on VGG-16 features, {how}.",
            implementation=f"bokehbench.metrics.dists:{function}",
            higher_is_better=False,
            parameters={"size": size},
            weights=("vgg16-397923af.pth", "dists_alpha_beta.safetensors"),
            source="Ding et al., Image Quality Assessment: Unifying Structure and Texture Similarity, 2020, "
            "arXiv:2004.07728",
            min_size=16,
        )
        for name, function, size, how in (
            ("dists-256", "dists", 256, "the shorter side resized to 256"),
            ("dists-full", "dists", 0, "at full resolution, as pyiqa and torchmetrics"),
            ("dists-piq", "dists_piq", 256, "resized to 256 without antialiasing, as piq"),
        )
    ),
    *(
        MetricSpec(
            name=name,
            summary=summary,
            implementation=f"bokehbench.metrics.sharpness:{name.replace('-', '_')}",
            version=1 if name == "colour-error" else 2,
            parameters={} if name == "colour-error" else {"least": 2000, "share": 0.005},
            higher_is_better=False,
            decimals=3,
            unit=unit,
            min_size=33,
            variants=() if name == "colour-error" else ("region",),
            needs_pair=True,
            ranked=ranked,
        )
        for name, unit, ranked, summary in (
            ("blur-error", "octaves", True, "Wrong amount of blur where the target is out of focus."),
            (
                "blur-bias",
                "octaves",
                False,
                "The same with its sign: above 0 too sharp, below 0 too blurred.",
            ),
            ("colour-error", "stops", False, "The largest factor between colour channels and the target's."),
            ("energy-bias", "", False, "Relative error of the mean light where the target is out of focus."),
        )
    ),
)
