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
        variants=("lin", "geo", "geo_gain", "crop"),
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
        name="ssim",
        summary="Structural similarity of each channel at full resolution, valid windows only.",
        implementation="bokehbench.metrics.ssim:ssim",
        parameters=_GAUSSIAN,
        source="Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, 2004",
        min_size=11,
        variants=("lin", "geo", "geo_gain", "crop"),
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
            source="Zhang et al., The Unreasonable Effectiveness of Deep Features, 2018, arXiv:1801.03924",
            library="lpips",
            min_size=min_size,
        )
        for net, trunk, file, min_size in (
            ("alex", "AlexNet", "alexnet-owt-7be5be79.pth", 31),
            ("vgg", "VGG-16", "vgg16-397923af.pth", 16),
            ("squeeze", "SqueezeNet 1.1", "squeezenet1_1-b8a52dc0.pth", 17),
        )
    ),
    MetricSpec(
        name="dists-256",
        summary="Structure and texture distance on VGG-16 features, the shorter side resized to 256.",
        implementation="bokehbench.metrics.dists:dists",
        higher_is_better=False,
        parameters={"size": 256},
        weights=("vgg16-397923af.pth", "dists_alpha_beta.safetensors"),
        source="Ding et al., Image Quality Assessment: Unifying Structure and Texture Similarity, 2020, "
        "arXiv:2004.07728",
        min_size=16,
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
            variants=(),
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
