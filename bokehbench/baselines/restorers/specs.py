"""The restorers that come with the project."""

from bokehbench.registry import RestorerSpec, Spec

REAL_ESRGAN = (
    "Wang, Xie, Dong, Shan: Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic "
    "Data, ICCVW 2021, https://arxiv.org/abs/2107.10833"
)

SPECS: tuple[Spec, ...] = (
    RestorerSpec(
        name="bicubic",
        summary="The small picture enlarged by bicubic: the floor of restoration.",
        implementation="bokehbench.baselines.restorers.bicubic:Bicubic",
        paper_name="Bicubic",
        notes="OpenCV's kernel (a = -0.75), corners of both pictures coincide.",
    ),
    RestorerSpec(
        name="real-esrgan",
        summary="Real-ESRGAN x4plus, the weights that its authors released.",
        implementation="bokehbench.baselines.restorers.network:SuperResolution",
        category="neural",
        weights=("RealESRGAN_x4plus.pth",),
        sha256={"RealESRGAN_x4plus.pth": "4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1"},
        source="https://github.com/xinntao/Real-ESRGAN/releases/download/v0.1.0/RealESRGAN_x4plus.pth",
        card="{here}/real_esrgan.json",
        paper=REAL_ESRGAN,
        paper_name="Real-ESRGAN",
        licence="BSD-3-Clause (weights), MIT (spandrel, which runs them)",
        notes=(
            "Factor 4. Low-quality twins here are made by the degradations that it was trained on, with "
            "other random numbers and pictures."
        ),
    ),
)
