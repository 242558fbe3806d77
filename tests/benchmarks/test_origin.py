"""What predicted a map is read from the record beside it, named in the case, held against the protocol."""

from __future__ import annotations

import shutil
import warnings

import pytest
import set_replicas as replicas

from bokehbench import images, records
from bokehbench.benchmarks.locate import Reference, open_benchmark
from bokehbench.cli import main
from bokehbench.errors import InputError
from bokehbench.leaderboard.unit import case_content

BASE = "depth-anything-v2-base"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return replicas.ebb_val294(tmp_path_factory.mktemp("origin") / "EBB", (4400, 4693))


@pytest.fixture
def root(made, tmp_path):
    return shutil.copytree(made, tmp_path / "EBB")


def recorded(root, network=BASE, weights="1a2b3c4d"):
    for number in (4400, 4693):
        picture = root / "original" / f"{number}.jpg"
        replicas.write_origin(root / BASE / f"{number}.exr", picture, network, weights=weights)
        mask = root / "birefnet" / f"{number}.saliency.exr"
        replicas.write_origin(mask, picture, "birefnet", "saliency")


def loaded(root, name="ebb-val294", protocol="leak-free-base"):
    opened = open_benchmark(Reference(f"{name}:{root}", protocol))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return opened, opened.load(opened.cases()[0])


def test_a_record_puts_network_and_weights_into_case_and_data(root):
    before = loaded(root)[1]
    assert before.made_with == {"disparity": "unverified", "mask": "unverified"}
    recorded(root)
    opened, case = loaded(root)
    assert case.made_with == {
        "disparity": f"{BASE}@1 (weights 1a2b3c4d)",
        "mask": "birefnet@1 (weights 1a2b3c4d)",
    }
    assert case_content(case, opened)["made_with"] == case.made_with
    recorded(root, weights="99999999")
    other = loaded(root)[1]
    assert len({found.info.data for found in (before, case, other)}) == 3


def test_the_sets_own_maps_need_no_record(tmp_path):
    root = replicas.ebb400(tmp_path, (218,))
    opened, case = loaded(root, "ebb400", "bokehme-midas")
    assert case.made_with == {} and "made_with" not in case_content(case, opened)
    path = root / "disparity" / "218.png"
    replicas.write_origin(path, root / "image" / "218.jpg", "dpt-large")
    with pytest.raises(InputError, match=r"by dpt-large@1 .*takes the map that comes with ebb400"):
        loaded(root, "ebb400", "bokehme-midas")


def test_photographs_of_ones_own_take_any_network(tmp_path):
    root = replicas.ipb(tmp_path)
    assert loaded(root, "ipb", "study")[1].made_with == {}
    replicas.write_origin(root / "disparity" / "cup.png", root / "image" / "cup.jpg", "depth-pro")
    assert loaded(root, "ipb", "study")[1].made_with == {"disparity": "depth-pro@1 (weights 1a2b3c4d)"}


def test_another_network_than_the_protocols_is_refused(root):
    recorded(root, "depth-anything-v2-small")
    with pytest.raises(InputError, match=f"by depth-anything-v2-small@1, not by {BASE}; bokehbench depth"):
        loaded(root)


def test_a_local_copy_of_the_network_goes_by_the_name_of_its_folder(root):
    recorded(root, "Depth-Anything-V2-Base-hf")
    for number in (4400, 4693):
        path = root / BASE / f"{number}.json"
        record = records.read_json(path)
        record["identities"]["depth"]["repo"] = "Depth-Anything-V2-Base-hf"
        records.write_json(path, record)
    assert loaded(root)[1].made_with["disparity"].startswith("Depth-Anything-V2-Base-hf@1")


def test_a_map_of_another_picture_and_a_changed_map_are_refused(root):
    recorded(root)
    images.write_jpeg(root / "original" / "4400.jpg", replicas.photograph(3), quality=95)
    with pytest.raises(InputError, match=r"4400.exr: was predicted from another picture than .*4400.jpg; b"):
        loaded(root)
    recorded(root)
    images.write_exr(
        root / "birefnet" / "4400.saliency.exr", {"Y": 1.0 - replicas.disparity().astype("f4")}, half=False
    )
    with pytest.raises(InputError, match=r"4400.saliency.exr: is not the file .* 4400.json is about"):
        loaded(root)


def test_masks_by_another_rule_in_the_networks_folder_are_refused(root):
    """With the real command: the square in the middle looks at nothing."""
    shutil.rmtree(root / "birefnet")
    arguments = ["depth", root / "original", "--saliency", "centre-square", "--out", root / "birefnet"]
    with pytest.raises(SystemExit) as done:
        main([str(argument) for argument in arguments])
    assert done.value.code == 0
    with pytest.raises(InputError, match=r"by centre-square@1, not by birefnet"):
        loaded(root)


@pytest.mark.parametrize("content", [{"identities": 7}, {"identities": {"depth": [1]}, "files": [2]}])
def test_a_broken_record_is_one_line(root, content):
    records.write_json(root / BASE / "4400.json", content)
    with pytest.raises(InputError, match=f"by nothing, not by {BASE}"):
        loaded(root)
    records.write_json(root / BASE / "4400.json", {"of": "somebody else"})
    assert loaded(root)[1].made_with["disparity"] == "unverified"
