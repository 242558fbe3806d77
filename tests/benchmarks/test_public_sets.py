"""Real photographs behind the interface: what each set's files mean, and what a wrong folder is told."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest
import set_replicas as replicas
from set_replicas import cases, loaded, opened

from bokehbench import images
from bokehbench.benchmarks import focus
from bokehbench.benchmarks.ebb_val294 import EBBVal294
from bokehbench.errors import BokehbenchError, InputError
from bokehbench.registry import BenchmarkSpec, ProtocolSpec, get

MAKERS = {
    "ebb400": replicas.ebb400,
    "ebb-val294": replicas.ebb_val294,
    "realbokeh": replicas.realbokeh,
    "ipb": replicas.ipb,
    "realsr": replicas.realsr,
    "drealsr": replicas.drealsr,
}
WITH_PROTOCOLS = [(name, protocol) for name in MAKERS for protocol in get(BenchmarkSpec, name).protocols]


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    base = tmp_path_factory.mktemp("sets")
    return {name: make(base / name) for name, make in MAKERS.items()}


@pytest.fixture
def copy(roots, tmp_path):
    """A copy of a replica that a test may spoil."""
    return lambda name: shutil.copytree(roots[name], tmp_path / name)


@pytest.mark.parametrize(("name", "protocol"), WITH_PROTOCOLS)
def test_every_protocol_of_every_set_gives_what_it_says(roots, name, protocol):
    rules = get(ProtocolSpec, protocol)
    infos = cases(roots[name], name, protocol)
    assert len({info.key for info in infos}) == len({info.data for info in infos}) == len(infos) >= 2
    searched = rules.K not in ("given", "zero")
    for info in infos:
        case = opened(roots[name], name, protocol).load(info)
        height, width = case.inputs.image.shape[:2]
        assert case.inputs.disparity.shape == (height, width)
        assert case.inputs.disparity.min() >= 0.0 and case.inputs.disparity.max() <= 1.0
        assert info.K_search == (rules.K_range if searched else None)
        assert (case.inputs.lens.K > 0.0) == (rules.K == "given")
        assert (case.inputs.lq is not None) == (rules.K == "zero")
        assert (case.target is None) == (name == "ipb")
        assert case.target is None or case.target.shape == case.inputs.image.shape


@pytest.mark.parametrize(
    ("name", "protocol"),
    [pair for pair in WITH_PROTOCOLS if pair[0] in ("ebb400", "ebb-val294", "realbokeh")],
)
def test_the_focal_plane_lies_on_the_subject(roots, name, protocol):
    case = loaded(roots[name], name, protocol)
    ys, xs = np.nonzero(replicas.subject())
    on_subject = np.median(case.inputs.disparity[ys, xs])
    assert case.inputs.lens.disp_focus == pytest.approx(on_subject, abs=0.01)
    if case.focus_region is not None:
        assert np.median(case.inputs.disparity[case.focus_region]) == case.inputs.lens.disp_focus


def test_what_uses_the_truth_is_declared():
    """Papers' protocols and ours stand side by side; only the former look at a picture's own target."""
    for name in MAKERS:
        for protocol in get(BenchmarkSpec, name).protocols:
            rules = get(ProtocolSpec, protocol)
            said = " ".join(rules.uses_truth)
            assert ("K" in said) == (rules.K not in ("given", "zero")), protocol
            assert ("colour" in said) == (rules.colour == "target-means"), protocol
            assert rules.colour in ("input", "target-means"), protocol
            low, high = rules.K_range
            if "K" in said:
                assert f"K, best of {low:g} to {high:g} " in said, protocol
            assert ("focus" in said) == (rules.focus in ("box", "shared-edges")), protocol
            if protocol.startswith("leak-free"):
                assert rules.uses_truth == ("K, best of 1 to 100 on the other half of the set",)


@pytest.mark.parametrize("name", MAKERS)
def test_a_folder_that_is_no_such_set_is_told_so_in_one_line(tmp_path, name):
    (tmp_path / "holiday").mkdir()
    images.write_png(tmp_path / "holiday" / "1.png", replicas.photograph(1))
    for protocol in get(BenchmarkSpec, name).protocols:
        with pytest.raises(InputError) as error:
            cases(tmp_path, name, protocol)
        assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "protocol", "gone", "said"),
    [
        ("ebb400", "bokehme-midas", "bokeh/864.jpg", "no target for 1 of 4 pictures, the first is 864"),
        ("ebb400", "bokehme-midas", "disparity", r"disparity/"),
        ("ebb400", "bokehme-dpt", "disparity_dpt", r"disparity_dpt/"),
        ("ebb400", "bokehme-midas", "boxes.json", r"boxes.json: no such file"),
        ("ebb400", "leak-free-midas", "birefnet", "depth .*image --saliency birefnet .*--out .*birefnet"),
        (
            "ebb-val294",
            "bokehdiff",
            "depth-anything-v2-base",
            "depth .*original --model depth-anything-v2-base --out .*depth-anything-v2-base",
        ),
        ("realbokeh", "optics", "test/gt/2/2_f5.6.JPG", "2_f5.6.JPG, which is missing"),
        ("realbokeh", "optics", "depth-pro", "--model depth-pro --raw --out"),
        ("ipb", "study", "lens.json", "lens.json: no such file"),
        (
            "realsr",
            "restoration",
            "Canon/Test/4/Canon_002_LR4.png",
            "Canon_002_HR.png but no Canon_002_LR4.png",
        ),
        (
            "drealsr",
            "restoration",
            "test_LR/Canon_10_x1.png",
            "no low-resolution picture for Canon_10_x4.png",
        ),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(copy, name, protocol, gone, said):
    root = copy(name)
    if (root / gone).is_dir():
        shutil.rmtree(root / gone)
    else:
        (root / gone).unlink()
    with pytest.raises(InputError, match=said):
        cases(root, name, protocol)


@pytest.mark.parametrize("name", MAKERS)
def test_a_part_of_a_set_is_taken_with_a_warning(roots, name):
    if name == "ipb":
        return
    with pytest.warns(UserWarning, match="a table over these is not one of the set"):
        opened(roots[name], name).cases()


def test_a_changed_file_changes_the_data_of_its_case_alone(copy):
    root = copy("ebb400")
    before = {info.key: info.data for info in cases(root, "ebb400")}
    images.write_jpeg(root / "bokeh" / "864.jpg", replicas.bokeh(864, 2.0), quality=95)
    after = {info.key: info.data for info in cases(root, "ebb400")}
    assert [key for key in before if before[key] != after[key]] == ["864"]
    boxes = json.loads((root / "boxes.json").read_text())
    boxes["218"][0] += 1
    (root / "boxes.json").write_text(json.dumps(boxes))
    moved = {info.key: info.data for info in cases(root, "ebb400")}
    assert [key for key in after if moved[key] != after[key]] == ["218"]


def test_no_two_pictures_share_a_case(copy):
    root = copy("ipb")
    lenses = json.loads((root / "lens.json").read_text())
    for name in ("portrait_2", "portrait+2"):
        for folder, suffix in (("image", "jpg"), ("disparity", "png")):
            shutil.copy(root / folder / f"portrait 2.{suffix}", root / folder / f"{name}.{suffix}")
        lenses[name] = lenses["portrait 2"]
    (root / "lens.json").write_text(json.dumps(lenses))
    keys = [info.key for info in cases(root, "ipb")]
    assert len(set(keys)) == len(keys) == 5
    assert "portrait_2" in keys and all(set(key) <= set("portrai_-cu0123456789abdef") for key in keys)


def test_two_targets_of_one_name_are_refused(copy):
    root = copy("realbokeh")
    shutil.copy(root / "test" / "gt" / "1" / "1_f2.0.JPG", root / "test" / "gt" / "2" / "1_f2.0.JPG")
    path = root / "test" / "metadata" / "2.json"
    meta = json.loads(path.read_text())
    meta["target_images"][0] = "gt/2/1_f2.0.JPG"
    path.write_text(json.dumps(meta))
    with pytest.raises(InputError, match=r"gt/2/1_f2.0.JPG and .*gt/1/1_f2.0.JPG: two cases called 1_f2_0"):
        cases(root, "realbokeh")


# ------------------------------------------------------------------------------------------------- EBB!


def test_boxes_are_checked(copy):
    root = copy("ebb400")
    for wrong, said in (
        ([40, 20, 200, 40], "not inside a picture of 96 x 64"),
        ([40, 40, 40, 50], "not inside"),
        ([1, 2, 3], "a list of 4 numbers"),
        ("here", "a list of 4 numbers"),
    ):
        boxes = {name: replicas.box() for name in ("218", "864", "1205", "3466")} | {"218": wrong}
        (root / "boxes.json").write_text(json.dumps(boxes))
        with pytest.raises(InputError, match=said):
            loaded(root, "ebb400")
    (root / "boxes.json").write_text(json.dumps({"218": replicas.box()}))
    with pytest.raises(InputError, match="no box for 3 pictures, the first is 864"):
        cases(root, "ebb400")


def test_pictures_of_a_pair_must_have_one_size(copy):
    root = copy("ebb400")
    images.write_jpeg(root / "bokeh" / "218.jpg", replicas.bokeh(218)[:-2])
    with pytest.raises(InputError, match="nothing is resized"):
        loaded(root, "ebb400")


def test_maps_of_another_resolution_are_brought_to_the_picture_and_of_another_shape_refused(copy):
    root = copy("ebb400")
    images.write_png(root / "disparity" / "218.png", replicas.disparity((48, 32)))
    case = loaded(root, "ebb400")
    assert case.inputs.disparity.shape == case.inputs.image.shape[:2]
    images.write_png(root / "disparity" / "218.png", replicas.disparity((64, 64)))
    with pytest.raises(InputError, match="other proportions"):
        loaded(root, "ebb400")


def test_val294_is_the_last_294_of_the_training_pairs(roots):
    assert [info.key for info in cases(roots["ebb-val294"], "ebb-val294")] == ["4400", "4401", "4693"]


def test_the_colours_of_the_target_are_used_by_the_papers_protocol_alone(roots):
    ours = loaded(roots["ebb-val294"], "ebb-val294", "leak-free-base")
    theirs = loaded(roots["ebb-val294"], "ebb-val294", "bokehdiff")
    np.testing.assert_array_equal(ours.target, theirs.target)
    mean = [case.inputs.image.mean(axis=(0, 1)) for case in (ours, theirs)]
    np.testing.assert_allclose(mean[1], ours.target.mean(axis=(0, 1)), rtol=1e-3)
    assert (mean[0] > 1.1 * mean[1]).all()


def test_rules_of_ones_own_hang_on_fields_and_not_on_words(roots):
    rules = dataclasses.replace(
        get(ProtocolSpec, "bokehdiff"), K_range=(2.0, 9.0), colour="input", uses_truth=("colour, in words",)
    )
    benchmark = EBBVal294(roots["ebb-val294"], protocol=rules)
    with pytest.warns(UserWarning, match="a table over these"):
        info = benchmark.cases()[0]
    assert info.K_search == (2.0, 9.0)
    ours = loaded(roots["ebb-val294"], "ebb-val294", "leak-free-base")
    np.testing.assert_array_equal(benchmark.load(info).inputs.image, ours.inputs.image)


def test_shared_edges_are_those_that_stayed_sharp():
    photograph, size = replicas.photograph(1, (288, 192)), (288, 192)
    disparity = replicas.disparity(size)
    region = focus.shared_edges_region(photograph, replicas.bokeh(1, 6.0, size), disparity)
    assert (replicas.subject(size)[region]).mean() > 0.9
    # Two pictures without an edge in common: the middle stands in.
    grey = np.full_like(photograph, 0.5)
    np.testing.assert_array_equal(
        focus.shared_edges_region(photograph, grey, disparity), focus.middle_region(disparity.shape)
    )


# -------------------------------------------------------------------------------------------- RealBokeh


def test_optics_of_realbokeh_is_the_thin_lens(roots):
    """From scratch: the blur radius of a point at depth z, in pixels, against K (d - disp_focus)."""
    infos = cases(roots["realbokeh"], "realbokeh", "optics")
    assert [info.level for info in infos[:3]] == ["f2-2.8", "f3.2-5.6", "f13-20"]
    assert {info.scene for info in infos} == {"1", "2", "135"} and len(infos) == 9
    benchmark = opened(roots["realbokeh"], "realbokeh", "optics")
    wide, middle = (benchmark.load(info) for info in infos[:2])
    focal, f_px = 0.050, 50.0 / 24.0 * 64
    low, high = wide.inputs.disparity_range
    for z in (1.6, 3.0, 8.0):
        radius = focal**2 / 2.0 * f_px / focal * abs(1.0 / z - 1.0 / 1.25) / 2.0
        normalised = (1.0 / z - low) / (high - low)
        assert wide.inputs.lens.K * abs(normalised - wide.inputs.lens.disp_focus) == pytest.approx(radius)
    assert pytest.approx(5.6 / 2.0) == wide.inputs.lens.K / middle.inputs.lens.K
    assert (low, high) == (pytest.approx(replicas.FAR, abs=0.01), pytest.approx(replicas.SUBJECT))


def test_the_test_folder_of_realbokeh_itself_is_taken_too(copy, roots):
    root = copy("realbokeh")
    shutil.move(root / "depth-pro", root / "test" / "depth-pro")
    keys = [info.key for info in cases(root / "test", "realbokeh")]
    assert keys == [info.key for info in cases(roots["realbokeh"], "realbokeh")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target_avs": [2.0]}, "3 pictures, 1 f-numbers"),
        ({"focal_length": 0}, "must be positive"),
        ({"focal_length": 10**400}, "must be positive"),
        ({"focus_plane_distance": float("inf")}, "must be positive"),
        ({"target_avs": [True, 5.6, 20.0]}, "must be positive"),
        ({"target_images": None, "target_avs": None}, "must be lists"),
        ({"target_images": [5], "target_avs": [2.0]}, "5 is no path of a picture below"),
        ({"target_images": ["/etc/2.JPG"], "target_avs": [2.0]}, "'/etc/2.JPG' is no path"),
        ({"target_images": ["gt/../../2.JPG"], "target_avs": [2.0]}, "is no path of a picture below"),
        ({"source_image": "../in/2_f22.JPG"}, "is no path of a picture below"),
        ({"source_image": None}, "None is no path of a picture below"),
        ({"id": [2]}, "id must be a number or a name"),
        ({"id": 1}, "two scenes of one id, 1"),
    ],
)
def test_metadata_of_realbokeh_is_checked(copy, change, said):
    root = copy("realbokeh")
    path = root / "test" / "metadata" / "2.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=said):
        cases(root, "realbokeh")


# ------------------------------------------------------------------------------------ without the truth


def test_photographs_for_a_study_have_a_reference_and_no_target(roots):
    by_key = {info.key: opened(roots["ipb"], "ipb").load(info) for info in cases(roots["ipb"], "ipb")}
    second = next(key for key in by_key if key.startswith("portrait_2-"))
    assert sorted(by_key) == sorted(["cup", "portrait-1", second])
    assert all(case.target is None for case in by_key.values())
    assert by_key["cup"].reference is not None and by_key["portrait-1"].reference is None
    assert by_key["portrait-1"].inputs.lens.disp_focus == 0.8 and by_key["portrait-1"].inputs.lens.K == 12.0
    span = replicas.SUBJECT - replicas.FAR
    assert by_key[second].inputs.lens.disp_focus == pytest.approx(1.0, abs=0.01)
    far_point = (replicas.disparity()[4, 4] - replicas.FAR) / span
    assert by_key["cup"].inputs.lens.disp_focus == pytest.approx(far_point, abs=0.02)


@pytest.mark.parametrize(
    ("lens", "said"),
    [
        ({"K": 3}, "needs K >= 0 and either disp_focus or point"),
        ({"K": 3, "disp_focus": 0.5, "point": [1, 1]}, "either disp_focus or point"),
        ({"K": -1, "disp_focus": 0.5}, "needs K >= 0"),
        ({"K": float("nan"), "disp_focus": 0.5}, "needs K >= 0"),
        ({"K": 10**400, "disp_focus": 0.5}, "needs K >= 0"),
        ({"K": 3, "point": [1]}, r"point is \[x, y\]"),
        ({"K": 3, "point": [500, 3]}, "not inside a picture of 96 x 64"),
        ({"K": 3, "disp_focus": 0.5, "apreture": 2}, "unknown apreture"),
        (7, "has no lens for cup"),
    ],
)
def test_lenses_of_a_study_are_checked(copy, lens, said):
    root = copy("ipb")
    lenses = json.loads((root / "lens.json").read_text()) | {"cup": lens}
    (root / "lens.json").write_text(json.dumps(lenses))
    with pytest.raises(BokehbenchError, match=said):
        for info in cases(root, "ipb"):
            opened(root, "ipb").load(info)


# ------------------------------------------------------------------------------------------ restoration


@pytest.mark.parametrize("make", [replicas.realsr, replicas.drealsr, replicas.crops])
def test_restoration_enlarges_what_is_small_and_asks_for_no_blur(tmp_path, make):
    name = "drealsr" if make is replicas.drealsr else "realsr"
    root = make(tmp_path / "set")
    for info in cases(root, name):
        case = opened(root, name).load(info)
        assert case.inputs.lq.shape == (16, 24, 3) and case.inputs.image.shape == (64, 96, 3)
        assert case.inputs.lens.K == 0.0 and not case.inputs.disparity.any()
        blocks = case.inputs.image.reshape(16, 4, 24, 4, 3).mean(axis=(1, 3))
        # Cubic enlargement keeps means, but for its overshoot at edges.
        assert np.abs(blocks - case.inputs.lq).mean() < 0.02


def test_names_of_both_releases_and_of_crops(roots, tmp_path):
    assert [info.key for info in cases(roots["realsr"], "realsr")] == [
        "Canon_001",
        "Canon_002",
        "Nikon_001",
        "Nikon_002",
    ]
    assert {info.key for info in cases(roots["drealsr"], "drealsr")} == {
        "Canon_10",
        "panasonic_131",
        "P1160726",
    }
    assert len(cases(replicas.crops(tmp_path), "drealsr")) == 2


def test_sizes_that_are_no_factor_are_refused(copy):
    root = copy("realsr")
    images.write_png(root / "Canon" / "Test" / "4" / "Canon_001_LR4.png", replicas.photograph(1, (25, 16)))
    with pytest.raises(InputError, match="2, 3 or 4 times as large"):
        loaded(root, "realsr")
