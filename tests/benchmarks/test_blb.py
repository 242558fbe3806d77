"""The BLB loader on small replicas of both kinds of folder."""

import json

import numpy as np
import pytest

from bokehbench.benchmarks.blb import BLB, BLBScene, read_depth, safe_name
from bokehbench.benchmarks.protocols import protocol_of
from bokehbench.errors import BadImage, InputError
from bokehbench.images import write_exr, write_exr_rgb
from bokehbench.optics import SKY_DEPTH, signed_defocus
from bokehbench.registry import BenchmarkSpec, get

FOCUS_277 = [65504, 124.3834, 62.2508, 41.5137, 31.1402, 24.9145, 20.7634, 17.798, 15.5738, 13.8437]
W, H = 48, 27


def depth_277():
    disparity = np.linspace(1 / 65504, 1 / 13.8437, W * H).reshape(H, W)
    return (1 / disparity).astype(np.float32)


def write_scene(folder, info, depth=None, files=((0, 0), (4, 9)), digits=2):
    depth = depth_277() if depth is None else depth
    write_exr(folder / "depth.exr", dict.fromkeys("RGB", depth), half=False)
    image = np.linspace(0, 4, depth.size * 3).reshape(*depth.shape, 3)
    write_exr_rgb(folder / "image.exr", image)
    for level, focus in files:
        write_exr_rgb(folder / f"bokeh_{level:02d}_{focus:0{digits}d}.exr", image / (1 + level + 0.1 * focus))
    (folder / "info.json").write_text(json.dumps(info))
    return folder


def raw_info(width=W, **extra):
    span = 1 / 13.8437 - 1 / 65504
    Ks = [10 * n * width / 1920 / span for n in range(1, 6)]
    return {"blur_parameters": Ks, "focus_distances": FOCUS_277, **extra}


def normalised_info(width=W, **extra):
    Ks = [10 * n * width / 1920 for n in range(1, 6)]
    return {"blur_parameters": Ks, "focus_distances": FOCUS_277, **extra}


@pytest.mark.parametrize("info, convention", [(raw_info(), "raw"), (normalised_info(), "normalized")])
def test_both_conventions_give_the_same_blur_in_pixels(tmp_path, info, convention):
    scene = BLBScene.load(write_scene(tmp_path / "277", info))
    assert scene.convention == convention
    np.testing.assert_allclose(scene.disp_focus, np.linspace(0, 1, 10), atol=2e-4)
    np.testing.assert_allclose(scene.K, [10 * n * W / 1920 for n in range(1, 6)], rtol=1e-4)
    # The authors' own formula on the raw file, for level 5 and the third plane.
    expected = raw_info()["blur_parameters"][4] * (1 / depth_277() - 1 / FOCUS_277[2])
    np.testing.assert_allclose(signed_defocus(scene.disparity, scene.lens(4, 2)), expected, atol=1e-3)


def test_cases_are_the_files_that_exist(tmp_path):
    write_scene(tmp_path / "277", raw_info(), files=((0, 3), (4, 0), (4, 9)))
    cases = BLB(tmp_path).cases()
    assert [case.key for case in cases] == ["277-k00-f03", "277-k04-f00", "277-k04-f09"]
    assert [case.level for case in cases] == ["L1", "L5", "L5"]
    assert len({case.data for case in cases}) == 3
    assert cases == BLB(tmp_path).cases() == BLB(tmp_path / "277").cases()


def test_load_keeps_highlights_of_the_input_and_encodes_with_gamma(tmp_path):
    info = raw_info(disparity_convention="raw", images={"bokeh_04_09": {"noise_psnr": 43.5}})
    write_scene(tmp_path / "night_street#3", info)
    bench = BLB(tmp_path)
    weak, strong = (bench.load(case) for case in bench.cases())
    assert strong.info.scene == "night_street#3" and strong.info.key == "night_street-s3-k04-f09"
    assert strong.inputs.image.max() == pytest.approx(4 ** (1 / 2.2), rel=1e-3)
    assert strong.target.max() == pytest.approx((4 / 5.9) ** (1 / 2.2), rel=1e-3)
    assert strong.inputs.disparity.min() == 0 and strong.inputs.disparity.max() == 1
    assert strong.inputs.disparity_range == pytest.approx((1 / 65504, 1 / 13.8437))
    assert strong.notes == {"target_noise_psnr": 43.5} and weak.notes == {}


def test_digests_follow_the_pixels_of_the_case_alone(tmp_path):
    folder = write_scene(tmp_path / "277", raw_info())
    before = {case.key: case.data for case in BLB(tmp_path).cases()}
    write_exr_rgb(folder / "bokeh_04_09.exr", np.ones((H, W, 3)))
    write_exr_rgb(folder / "bokeh_02_05.exr", np.ones((H, W, 3)))
    after = {case.key: case.data for case in BLB(tmp_path).cases()}
    assert after["277-k00-f00"] == before["277-k00-f00"]
    assert after["277-k04-f09"] != before["277-k04-f09"]


def test_another_K_or_focus_is_another_case(tmp_path):
    folder = write_scene(tmp_path / "277", raw_info())
    before = {case.key: case.data for case in BLB(tmp_path).cases()}
    info = json.loads((folder / "info.json").read_text())
    info["blur_parameters"] = [1.02 * K for K in info["blur_parameters"]]
    (folder / "info.json").write_text(json.dumps(info))
    after = {case.key: case.data for case in BLB(tmp_path).cases()}
    assert after.keys() == before.keys() and not set(after.values()) & set(before.values())


def test_file_names_with_one_digit_load(tmp_path):
    write_scene(tmp_path / "270", raw_info(), digits=1)
    bench = BLB(tmp_path)
    assert [bench.load(case).target.shape for case in bench.cases()] == [(H, W, 3)] * 2


def test_a_convention_that_fits_nothing_is_refused_with_the_numbers(tmp_path):
    # Images shrunk to 48 pixels, info.json still that of 1920.
    with pytest.raises(InputError, match=r"neither convention.*692.*K = 50"):
        BLBScene.load(write_scene(tmp_path / "277", raw_info(width=1920)))


def test_a_scene_that_fits_both_is_refused_until_the_reading_is_named(tmp_path):
    depth = 1 / np.linspace(1 / 65504, 1.0, W * H).reshape(H, W)
    focus = list(1 / np.linspace(1 / 65504, 1.0, 10))
    folder = write_scene(tmp_path / "near", {**normalised_info(), "focus_distances": focus}, depth)
    with pytest.raises(InputError, match=r"both conventions.*blb-raw:DIR or blb-norm:DIR"):
        BLB(tmp_path).cases()
    for name, convention in (("blb-raw", "raw"), ("blb-norm", "normalized")):
        bench = get(BenchmarkSpec, name).load()(tmp_path)
        assert bench.cases() and BLBScene.load(folder, convention).convention == convention


def test_a_named_reading_is_refused_where_the_numbers_are_the_others(tmp_path):
    write_scene(tmp_path / "277", normalised_info())
    with pytest.raises(InputError, match="blur_parameters are normalized"):
        get(BenchmarkSpec, "blb-raw").load()(tmp_path).cases()


def test_planes_that_may_be_metres_or_disparities_are_refused(tmp_path):
    depth = 1 / np.linspace(1 / 10, 1 / 0.2, W * H).reshape(H, W)
    near = {**normalised_info(), "focus_distances": [0.25, 0.5, 0.8]}
    with pytest.raises(InputError, match="metres or normalised"):
        BLBScene.load(write_scene(tmp_path / "near", near, depth, files=((0, 0),)))
    told = {**near, "focus_disparities_normalized": [0.1, 0.5, 0.9]}
    scene = BLBScene.load(write_scene(tmp_path / "told", told, depth, files=((0, 0),)))
    assert scene.disp_focus == (0.1, 0.5, 0.9)


@pytest.mark.parametrize("extra", [{"aperture": 5}, {"aperture": {"corners": 6}}])
def test_a_broken_aperture_is_one_line(tmp_path, extra):
    with pytest.raises(InputError, match="aperture"):
        BLBScene.load(write_scene(tmp_path / "277", raw_info(**extra)))
    scene = BLBScene.load(write_scene(tmp_path / "278", raw_info(images={"bokeh_00_00": 3})))
    assert not scene.noise


def test_a_named_reading_does_not_overrule_what_the_file_says(tmp_path):
    write_scene(tmp_path / "277", raw_info(disparity_convention="raw"))
    assert get(BenchmarkSpec, "blb-raw").load()(tmp_path).cases()
    with pytest.raises(InputError, match="says it is raw"):
        get(BenchmarkSpec, "blb-norm").load()(tmp_path).cases()


def test_an_explicit_convention_wins(tmp_path):
    info = raw_info(disparity_convention="raw", blur_parameters=[3.0], focus_distances=[20.0])
    scene = BLBScene.load(write_scene(tmp_path / "own", info, files=((0, 0),)))
    assert scene.K[0] == pytest.approx(3.0 * (1 / 13.8437 - 1 / 65504))


@pytest.mark.parametrize("channels", [["R", "G", "B"], ["Y"], ["Z"], ["ViewLayer.Depth.Z"], ["V"]])
def test_depth_is_found_under_any_of_its_names_and_sky_codes_are_one(tmp_path, channels):
    depth = np.full((4, 6), 3.0, np.float32)
    depth[0] = [np.inf, np.nan, 1e10, 0.0, -1.0, 65504.0]
    import OpenEXR

    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, dict.fromkeys(channels, depth)) as file:
        file.write(str(tmp_path / "depth.exr"))
    found = read_depth(tmp_path / "depth.exr")
    assert (found[0] == SKY_DEPTH).all() and (found[1:] == 3.0).all()


def test_disparities_called_depth_are_noticed(tmp_path):
    disparity = np.linspace(0.01, 1, W * H).reshape(H, W).astype(np.float32)
    with pytest.raises(BadImage, match="disparities"):
        BLBScene.load(write_scene(tmp_path / "277", raw_info(), disparity))


def test_broken_folders_say_what_is_wrong(tmp_path):
    with pytest.raises(InputError, match="no BLB scene"):
        BLB(tmp_path).cases()
    folder = write_scene(tmp_path / "277", {**raw_info(), "blur_parameters": "many"})
    with pytest.raises(InputError, match="blur_parameters"):
        BLB(tmp_path).cases()
    write_scene(folder, raw_info(), files=((5, 0),))
    with pytest.raises(InputError, match="5 levels"):
        BLB(tmp_path).cases()
    (folder / "bokeh_05_00.exr").unlink()
    write_exr_rgb(folder / "bokeh_00_00.exr", np.zeros((H + 1, W, 3)))
    bench = BLB(tmp_path)
    with pytest.raises(InputError, match="differ in size"):
        bench.load(bench.cases()[0])


def test_scene_names_stay_apart_as_file_names():
    names = ["a b", "a_b", "a:b", "a#1", "a-s1x"]
    assert len({safe_name(name) for name in names}) == len(names)
    assert safe_name("night_street") == "night_street"


def test_the_spec_leads_to_the_loader():
    spec = get(BenchmarkSpec, "blb")
    assert spec.load() is BLB and protocol_of(spec).id == "gt-disparity@1"
