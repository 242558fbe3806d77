"""The authors' repositories, as far as tables and lists need them; the recipes are the YAML files here."""

from bokehbench.registry import MethodSpec, RestorerSpec, Spec

EXTERNAL = "bokehbench.baselines.external:External"
NO_FOCUS = (
    "It takes no focal plane and finds the subject itself: run only where a photographer's is to be found."
)

SPECS: tuple[Spec, ...] = (
    MethodSpec(
        name="bokehme-repo",
        summary="BokehMe: the authors' demo with the weights that lie beside it.",
        implementation=EXTERNAL,
        category="neural",
        openings="disc",
        paper="Peng, Cao, Luo, Lu, Xian, Zhang: BokehMe: When Neural Rendering Meets Classical Rendering, "
        "CVPR 2022",
        paper_name="BokehMe",
        licence="code and weights non-commercial",
        notes="The released weights are not those of the paper, and better, their author says.",
        is_recipe=True,
    ),
    MethodSpec(
        name="bokehdiff-repo",
        summary="BokehDiff: the authors' inference_hf.py with their weights.",
        implementation=EXTERNAL,
        category="neural",
        openings="disc",
        paper="Zhu, Fan, Zhang, Chen, Zhang, Xu, Shi: BokehDiff: Neural Lens Blur with One-Step Diffusion, "
        "ICCV 2025",
        paper_name="BokehDiff",
        licence="none stated",
        notes="Near is 1 in its disparity, where its own preparation has it the other way round. Its blur is "
        "stronger than K says (docs/official-weights.md): calibrate it.",
        is_recipe=True,
    ),
    MethodSpec(
        name="magicbokeh-repo",
        summary="MagicBokeh: the authors' inference.py with their weights.",
        implementation=EXTERNAL,
        category="neural",
        openings="disc",
        paper="Shi, Zheng, Wang, Zhang, Chen, Li, Chen, Jiang: Towards Photorealistic and Efficient Bokeh "
        "Rendering via Diffusion Framework, CVPR 2026, https://arxiv.org/abs/2605.07429",
        paper_name="MagicBokeh",
        licence="none stated",
        notes="Blur beyond 32 px of radius is cut off. It draws a sample of the latent.",
        stochastic=True,
        is_recipe=True,
    ),
    MethodSpec(
        name="mpib-repo",
        summary="MPIB: the authors' demo with their weights and LaMa.",
        implementation=EXTERNAL,
        category="neural",
        openings="disc",
        paper="Peng, Zhang, Luo, Lu, Xian, Cao: MPIB: An MPI-Based Bokeh Rendering Framework for Realistic "
        "Partial Occlusion Effects, ECCV 2022",
        paper_name="MPIB",
        licence="Apache-2.0",
        is_recipe=True,
    ),
    MethodSpec(
        name="dr-bokeh-repo",
        summary="Dr.Bokeh: the authors' renderer, matte by LDF, background by LaMa.",
        implementation=EXTERNAL,
        category="classical",
        openings="disc",
        paper="Sheng, Yu, Ling, Cao, Zhang, Lu, Xian, Lin, Benes: Dr.Bokeh: DiffeRentiable Occlusion-aware "
        "Bokeh Rendering, CVPR 2024",
        paper_name="Dr.Bokeh",
        licence="none stated",
        notes="Every radius is one pixel more than asked for.",
        by_design=("K = 0", "focal plane"),
        is_recipe=True,
    ),
    *(
        MethodSpec(
            name=name,
            summary=f"Bokehlicious (small), fine-tuned by its authors for {shown}; no focus control.",
            implementation=EXTERNAL,
            category="neural",
            paper="Seizinger, Vasluianu, Conde, Wu, Timofte: Bokehlicious: Photorealistic Bokeh Rendering "
            "with Controllable Apertures, ICCV 2025, https://arxiv.org/abs/2503.16067",
            paper_name="Bokehlicious",
            licence="none seen; commercial use on request",
            notes=NO_FOCUS,
            ignores_lens=True,
            only_on=(benchmark,),
            is_recipe=True,
        )
        for name, shown, benchmark in (
            ("bokehlicious-ebb400", "EBB400", "ebb400"),
            ("bokehlicious-val294", "EBB! Val294", "ebb-val294"),
        )
    ),
    MethodSpec(
        name="ebokehnet",
        summary="EBokehNet (small), trained by its authors on EBB! without Val294; no focus control.",
        implementation=EXTERNAL,
        category="neural",
        paper="Seizinger, Conde, Kolmet, Bishop, Timofte: Efficient Multi-Lens Bokeh Effect Rendering and "
        "Transformation, CVPRW 2023",
        paper_name="EBokehNet",
        licence="none seen",
        notes=f"{NO_FOCUS} EBB400 is of the pictures that it was trained on.",
        ignores_lens=True,
        only_on=("ebb-val294",),
        is_recipe=True,
    ),
    MethodSpec(
        name="any-to-bokeh",
        summary="Any-to-Bokeh, for video, on a clip of equal frames.",
        implementation=EXTERNAL,
        category="neural",
        openings="disc",
        paper="Yang, Zheng, Chen, Wu, He, Cai, Li, Jiang: Any-to-Bokeh: One-Step Video Bokeh via "
        "Multi-Plane Image Guided Diffusion, ICLR 2026, https://arxiv.org/abs/2505.21593",
        paper_name="Any-to-Bokeh",
        licence="CC BY-NC 4.0",
        notes="It works at 1024 x 576; other sizes are resized there and back.",
        is_recipe=True,
    ),
    MethodSpec(
        name="genfocus",
        summary="Generative Refocusing: BokehNet on FLUX.1-dev, from an all-in-focus picture.",
        implementation=EXTERNAL,
        category="neural",
        openings="disc",
        paper="Tuan Mu, Huang, Liu: Generative Refocusing: Flexible Defocus Control from a Single Image, "
        "2025",
        paper_name="Genfocus",
        licence="Apache-2.0; its base FLUX.1-dev is non-commercial and given on request",
        notes="Many steps from noise: report it with run --seeds.",
        stochastic=True,
        is_recipe=True,
    ),
    RestorerSpec(
        name="osediff",
        summary="OSEDiff, one step of Stable Diffusion 2.1, its authors' code and weights.",
        implementation=EXTERNAL,
        category="neural",
        paper="Wu, Sun, Ma, Zhang: One-Step Effective Diffusion Network for Real-World Image "
        "Super-Resolution, NeurIPS 2024, https://arxiv.org/abs/2406.08177",
        paper_name="OSEDiff",
        licence="Apache-2.0; its base has its own",
        is_recipe=True,
    ),
    RestorerSpec(
        name="s3diff",
        summary="S3Diff, one step of SD-Turbo guided by the degradation, its authors' code and weights.",
        implementation=EXTERNAL,
        category="neural",
        paper="Zhang, Yue, Pei, Ren, Cao: Degradation-Guided One-Step Image Super-Resolution with Diffusion"
        " Priors, 2024, https://arxiv.org/abs/2409.17058",
        paper_name="S3Diff",
        licence="Apache-2.0; its base has its own",
        is_recipe=True,
    ),
    RestorerSpec(
        name="sinsr",
        summary="SinSR, ResShift distilled to one step, its authors' code and weights.",
        implementation=EXTERNAL,
        category="neural",
        paper="Wang, Yang, Chen, Wang, Guo, Chau, Liu, Qiao, Kot, Wen: SinSR: Diffusion-Based Image "
        "Super-Resolution in a Single Step, CVPR 2024, https://arxiv.org/abs/2311.14760",
        paper_name="SinSR",
        licence="CC BY-NC-SA 4.0, academic research",
        is_recipe=True,
    ),
)
