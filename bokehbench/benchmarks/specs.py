"""The benchmarks that come with the project."""

from bokehbench.registry import BenchmarkSpec, Spec

SPECS: tuple[Spec, ...] = (
    BenchmarkSpec(
        name="blb",
        summary="Blender scenes with all-in-focus image, depth and a stack of blur levels and focal planes.",
        implementation="bokehbench.benchmarks.blb:BLB",
        protocol="gt-disparity",
        layout="{scene}/image.exr, depth.exr, bokeh_KK_FF.exr, info.json",
        notes=(
            "K in pixels at the image's width; level n is K = 10 n W/1920. True depth, focus, K are given. "
            "The input keeps values above 1, prediction and target are clipped. The authors' release "
            "(10 scenes, 1920x1080, 5 levels x 10 foci: 500 cases) and the output of `bokehbench blb render` "
            "both load; cases are as many as the folder has."
        ),
    ),
    BenchmarkSpec(
        name="blb-raw",
        summary="BLB folders whose blur_parameters multiply 1/depth as it is.",
        implementation="bokehbench.benchmarks.blb:BLBRaw",
        protocol="gt-disparity",
        layout="as blb",
        notes=(
            "blb finds out which of the two an info.json speaks and refuses where that is not clear; this "
            "name says it. S = K (1/depth - 1/focus_distance)."
        ),
    ),
    BenchmarkSpec(
        name="blb-norm",
        summary="BLB folders whose blur_parameters multiply the disparity stretched to [0, 1].",
        implementation="bokehbench.benchmarks.blb:BLBNorm",
        protocol="gt-disparity",
        layout="as blb",
        notes="See blb-raw. K = 10, 20, 30, 40, 50 at width 1920.",
    ),
    BenchmarkSpec(
        name="blb-mini",
        summary="Three Blender scenes, levels 1 and 5, three focal planes; comes with the package.",
        published=18,
        bundled="benchmarks/data/blb-mini",
        implementation="bokehbench.benchmarks.ready_made:BLBMini",
        protocol="gt-disparity",
        layout="as blb",
        source="bokehbench blb render --set blb-mini --out DIR, some hours of two cores; the package has it",
        notes=(
            "As blb. A fixed test of a second: a fence, a headland, soft toys in fur. "
            "480x270. Images keep 7 bits of mantissa, an error of about 70 dB; noise of each, 44 to 49 dB,"
            " is in info.json."
        ),
    ),
    BenchmarkSpec(
        name="blb-lite",
        version=2,  # the set's, `bokehbench.blender.sets`
        summary="Ten Blender scenes, five levels, three focal planes at 480x270.",
        published=150,
        implementation="bokehbench.benchmarks.ready_made:BLBLite",
        protocol="gt-disparity",
        layout="as blb",
        source="bokehbench blb render --set blb-lite --out DIR, some hours of two cores",
        notes=(
            "As blb. A folder of other scenes or settings is refused; one that is rendered in part is taken. "
            "`bokehbench blb verify DIR --set blb-lite` says whether it is complete and undamaged."
        ),
    ),
    BenchmarkSpec(
        name="layered",
        summary="Synthetic sets of ray-traced layers: exact disparity, true layers and an exact target.",
        implementation="bokehbench.benchmarks.layered:Layered",
        protocol="gt-disparity",
        oracles=("layers",),
        layout="dataset.json, meta/{key}.json, aif/{key}.png, disp/{key}.png, bokeh/{key}_k0.png, "
        "layers/{key}_{l}.exr",
        notes=(
            "Made by `bokehbench synth build`. K in pixels at the set's width; image 8 bit, disparity 16 bit "
            "of the nearest layer with alpha >= 0.5. Levels are bins of the largest blur radius in the "
            "frame: small below 8 px, medium 8 to 20 px, large above 20 px. Samples with K = 0 stay out."
        ),
    ),
    BenchmarkSpec(
        name="ebb400",
        summary="400 real pairs of EBB! with predicted disparity and boxes of what is in focus.",
        published=400,
        implementation="bokehbench.benchmarks.ebb400:EBB400",
        protocol="bokehme-midas",
        protocols=("bokehme-midas", "bokehme-dpt", "box-cross-fitted", "leak-free-midas"),
        source="https://pan.baidu.com/s/1l3Rug16HEB2uUi3u366vLw?pwd=f7mp (its author, "
        "https://github.com/JuewenPeng/BokehMe/issues/4)",
        layout=(
            "image/{n}.jpg, bokeh/{n}.jpg, disparity/{n}.png (MiDaS), disparity_dpt/{n}.png (DPT), 400 "
            "each; boxes.json: {n: [left, top, right, bottom]}; birefnet/{n}.saliency.exr for leak-free "
            "protocols"
        ),
        notes=(
            "About 1536 x 1024, 8 bit. Ground truth: a second photograph at f/1.8, some pixels beside the "
            "input and of other brightness (score with +geo_gain, blur-error). Disparity is predicted, K "
            "unknown. MagicBokeh's EBB400 is another choice of 400 pairs. Licence: research use under "
            "EBB!'s terms; ask its authors before passing pictures on. How the release stores its boxes "
            "is not documented."
        ),
    ),
    BenchmarkSpec(
        name="ebb-val294",
        summary="The last 294 training pairs of EBB!, the usual validation split.",
        published=294,
        implementation="bokehbench.benchmarks.ebb_val294:EBBVal294",
        protocol="leak-free-base",
        protocols=("leak-free-base", "bokehdiff"),
        source=(
            "https://competitions.codalab.org/competitions/24716 (Training.zip; direct links have expired)"
        ),
        layout="original/{n}.jpg, bokeh/{n}.jpg, n = 4400 to 4693 (or the whole training set); "
        "depth-anything-v2-base/{n}.exr, birefnet/{n}.saliency.exr, both made by bokehbench depth",
        notes=(
            "About 1536 x 1024, 8 bit, pairs as in ebb400. Ground truth: a second photograph, misaligned. No "
            "disparity comes with it, K is unknown. Licence: research use under EBB!'s terms."
        ),
    ),
    BenchmarkSpec(
        name="ebb400-lq",
        summary="EBB400 with degraded inputs at a quarter of the size: restoration and bokeh in one.",
        published=400,
        implementation="bokehbench.benchmarks.ebb400_lq:EBB400LQ",
        protocol="magicbokeh",
        protocols=("magicbokeh", "leak-free-large"),
        source="bokehbench degrade EBB400 --set ebb400-lq --out EBB400-LQ",
        layout="ebb400 with image/{n}.png degraded and enlarged, lq_small/image/{n}.png, degrade.json; "
        "depth-anything-v2-large/{n}.exr, made by bokehbench depth from the degraded pictures",
        notes=(
            "Real-ESRGAN's degradation (preset realesrgan_x4_lq, seed 7 and the picture's number), enlarged "
            "by bicubic. Ground truth: the clean bokeh photograph. The authors' files are not published: no "
            "number here reproduces theirs. Published tables name methods with a restoration stage first: "
            "osediff+scatter and the like."
        ),
    ),
    BenchmarkSpec(
        name="blb-mini-lq",
        summary="blb-mini with degraded inputs at a quarter of the size; comes with the package.",
        published=18,
        bundled="benchmarks/data/blb-mini-lq",
        implementation="bokehbench.benchmarks.blb_mini_lq:BLBMiniLQ",
        protocol="gt-disparity",
        source="the package has it; bokehbench degrade --set blb-mini-lq --out DIR makes it again",
        layout="lq_small/{case}.png, degrade.json; targets and disparity are those of blb-mini",
        notes=(
            "Real-ESRGAN's degradation (preset realesrgan_x4_lq, seed 7 and the case's name) of the encoded "
            "8-bit image, a draw a case. 120 x 68 pixels: a quarter of 480 x 270, rounded up, corners on "
            "corners. Input: its enlargement by bicubic, so lights above 1 are lost. Ground truth: the clean "
            "bokeh; true disparity of the clean scene, K at 480 pixels."
        ),
    ),
    BenchmarkSpec(
        name="layered-lq",
        summary="A layered set with degraded inputs at a quarter of the size.",
        implementation="bokehbench.benchmarks.layered_lq:LayeredLQ",
        protocol="gt-disparity",
        source="bokehbench degrade SET --set layered-lq --out SET-LQ, of a folder of bokehbench synth build",
        layout=(
            "layered with aif/{key}.png degraded and enlarged, lq_small/aif/{key}.png, degrade.json; no "
            "layers"
        ),
        notes=(
            "As blb-mini-lq, of 8-bit pictures. Ground truth: the exact bokeh of the clean layers. The true "
            "layers are not granted: they are clean."
        ),
    ),
    BenchmarkSpec(
        name="realbokeh",
        summary=(
            "220 test scenes of RealBokeh at f/22 and at 1257 larger apertures, with lens and focus distance."
        ),
        published=1257,
        implementation="bokehbench.benchmarks.realbokeh:RealBokeh",
        protocol="optics",
        protocols=("optics", "saliency-best"),
        source="https://huggingface.co/datasets/timseizinger/RealBokeh_3MP (folder test)",
        layout=(
            "test/in/{id}_f22.JPG (220), test/gt/{id}/{id}_f2.0.JPG ... (1257), test/metadata/{id}.json "
            "(220); depth-pro/{id}_f22.raw.exr, made by bokehbench depth --raw"
        ),
        notes=(
            "2000 x 1500, 8 bit. Ground truth: photographs of the same scene at f/2 to f/20; f/22 stands for "
            "all-in-focus. Levels are f-numbers by full stops. Licence: CC BY-NC-SA 4.0."
        ),
    ),
    BenchmarkSpec(
        name="ipb",
        summary="Photographs without ground truth for a user study: IPB, or any folder of one's own.",
        implementation="bokehbench.benchmarks.ipb:PhotoStudy",
        protocol="study",
        protocols=("study",),
        source=(
            "not published (40 portraits of Peng et al., 2022; 50 photographs of Shi et al., 2026); your own"
        ),
        layout="image/{name}.jpg, disparity/{name}.png, reference/{name}.jpg (optional), lens.json: "
        '{name: {"K": 24, "disp_focus": 0.8}} or {"K": 24, "point": [x, y]}',
        notes="Rendered and shown beside the reference, never scored: there is no ground truth. K in pixels.",
    ),
    BenchmarkSpec(
        name="realsr",
        summary="RealSR, 100 test pairs at factor 4: restoration, K = 0.",
        published=100,
        implementation="bokehbench.benchmarks.realsr:RealSR",
        protocol="restoration",
        protocols=("restoration",),
        source="https://github.com/csjcai/RealSR (version 3), or RealSRVal_crop128 of "
        "https://huggingface.co/datasets/Iceclear/StableSR-TestSets",
        layout=(
            "{Canon,Nikon}/Test/4/{camera}_{n}_HR.png and _LR4.png (50 pairs each), or test_HR/ and "
            "test_LR/ (100)"
        ),
        notes=(
            "Ground truth: the same scene at a longer focal length, registered by its authors. Tables of the "
            "papers are of the crops (128 to 512 pixels). Licence of the crops: S-Lab 1.0."
        ),
    ),
    BenchmarkSpec(
        name="drealsr",
        summary="DRealSR, 93 test pairs at factor 4: restoration, K = 0.",
        published=93,
        implementation="bokehbench.benchmarks.drealsr:DRealSR",
        protocol="restoration",
        protocols=("restoration",),
        source=(
            ""
            "https://github.com/xiezw5/Component-Divide-and-Conquer-for-Real-World-Image-Super-Resolution, "
            "or DrealSRVal_crop128 of https://huggingface.co/datasets/Iceclear/StableSR-TestSets"
        ),
        layout="test_HR/{name}_x4.png and test_LR/{name}_x1.png (93 pairs), or the crops under one name each",
        notes="As realsr; five cameras. Licence of the crops: S-Lab 1.0.",
    ),
)
