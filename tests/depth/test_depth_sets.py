"""Claims about NYUv2 and KITTI on small replicas of their layouts, and about the evaluation on them.

The pictures hide their inverse depth in the red channel, and a network registered here reads it from there:
what the evaluation says of it is known beforehand.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from bokehbench.cli import main
from bokehbench.depth.kitti import garg_crop
from bokehbench.depth.sets import open_set
from bokehbench.errors import ConfigError, InputError
from bokehbench.registry import DepthModelSpec, register


class Red:
    """Inverse depth is the red channel."""

    def __init__(self, checkpoint: None, device: str, sign: float = 1.0) -> None:
        self.sign = sign

    def infer(self, image):
        return self.sign * image[..., 0]


@pytest.fixture(scope="module", autouse=True)
def _networks():
    sys.modules["red_depth"] = sys.modules[__name__]
    register(
        DepthModelSpec("red", "Reads the red channel.", "red_depth:Red"),
        DepthModelSpec("red-reversed", "The wrong way round.", "red_depth:Red", options={"sign": -1.0}),
    )


def scene(height: int, width: int, far: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture (8 bit RGB) of smooth walls, and its depth in metres."""
    y, x = np.mgrid[0:height, 0:width] / width
    inverse = 0.5 + 0.4 * np.sin(5 * x + seed) * np.cos(4 * y)
    image = np.stack([inverse, 0.5 + 0 * x, x], axis=2)
    return np.rint(image * 255).astype(np.uint8), 1.0 / (inverse / 2 + 1.0 / far)


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels[..., ::-1] if pixels.ndim == 3 else pixels)


@pytest.fixture(scope="module")
def nyu(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("nyu")
    for number, (room, depth_name) in enumerate([("bathroom", "sync_depth"), ("office", "depth")]):
        image, depth = scene(480, 640, 9.0, number)
        millimetres = np.rint(depth * 1000).astype(np.uint16)
        millimetres[:, 300:320] = 0  # a stripe that was not measured
        write(root / "test" / room / f"rgb_0004{number}.png", image)
        write(root / "test" / room / f"{depth_name}_0004{number}.png", millimetres)
    return root


@pytest.fixture(scope="module")
def kitti(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("kitti")
    for number in range(2):
        image, depth = scene(352, 1216, 60.0, number)
        drive = "2011_09_26_drive_0002_sync"
        folder = root / "depth_selection" / "val_selection_cropped"
        write(folder / "image" / f"{drive}_image_000000000{number}_image_02.png", image)
        laser = np.where(np.indices(depth.shape).sum(0) % 7 == 0, np.rint(depth * 256), 0).astype(np.uint16)
        write(
            folder / "groundtruth_depth" / f"{drive}_groundtruth_depth_000000000{number}_image_02.png", laser
        )
    return root


def test_nyu_folders(nyu):
    _, _, found = open_set(f"nyuv2:{nyu}")
    cases = found.cases()
    assert [case.key for case in cases] == ["test/bathroom/rgb_00040", "test/office/rgb_00041"]
    assert found.expected == 654
    measured = found.load(cases[0])
    assert measured.image.shape == (480, 640, 3) and measured.depth.max() < 10.0
    rows, columns = np.nonzero(measured.valid)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (45, 470, 41, 600)
    assert not measured.valid[:, 300:320].any()
    assert measured.valid.sum() == 426 * 540


def test_the_official_nyu_file_says_the_same_as_folders(nyu, tmp_path):
    """HDF5 written as MATLAB does, columns before rows; the split counts from 1."""
    h5py = pytest.importorskip("h5py")
    from scipy.io import savemat

    _, _, folders = open_set(f"nyuv2:{nyu}")
    loaded = [folders.load(case) for case in folders.cases()]
    pixels = [np.rint(entry.image * 255).astype(np.uint8).transpose(2, 1, 0) for entry in loaded]
    with h5py.File(tmp_path / "nyu_depth_v2_labeled.mat", "w") as mat:
        mat["images"] = np.stack([pixels[0], np.zeros_like(pixels[0]), pixels[1]])
        raw = [entry.depth.T for entry in loaded]
        mat["rawDepths"] = np.stack([raw[0], np.zeros_like(raw[0]), raw[1]])
        mat["depths"] = np.ones((3, 640, 480), np.float32)  # filled by an algorithm: must not be used
    with pytest.raises(InputError, match=r"splits\.mat: no such file"):
        open_set(f"nyuv2:{tmp_path}")[2].cases()
    savemat(tmp_path / "splits.mat", {"testNdxs": np.array([[3], [1]]), "trainNdxs": np.array([[2]])})
    _, _, found = open_set(f"nyuv2:{tmp_path}")
    cases = found.cases()
    assert [case.key for case in cases] == ["0001", "0003"] and found.layout == "mat"
    for case, other in zip(cases, loaded, strict=True):
        measured = found.load(case)
        assert np.array_equal(measured.image, other.image) and np.array_equal(measured.valid, other.valid)
        assert measured.depth == pytest.approx(other.depth)
    assert found.digest(cases[0]) != found.digest(cases[1])


def test_kitti_selection(kitti):
    _, _, found = open_set(f"kitti:{kitti}")
    cases = found.cases()
    assert len(cases) == 2 and found.expected == 1000
    measured = found.load(cases[1])
    assert measured.depth.max() < 80.0 and measured.valid.any()
    assert not (measured.valid & (measured.depth == 0.0)).any()
    assert not measured.valid[: int(0.4 * 352)].any() and not measured.valid[:, :43].any()


def test_kitti_eigen_split(tmp_path):
    """Pictures come with their own sizes and are cut; lines without depth are left out."""
    drive = "2011_09_26_drive_0002_sync"
    image, depth = scene(375, 1242, 60.0, 0)
    write(tmp_path / "raw" / "2011_09_26" / drive / "image_02" / "data" / "0000000069.png", image)
    truth = tmp_path / "data_depth_annotated" / "val" / drive / "proj_depth" / "groundtruth" / "image_02"
    write(truth / "0000000069.png", np.rint(depth * 256).astype(np.uint16))
    lines = [
        f"2011_09_26/{drive}/image_02/data/0000000069.png "
        f"{drive}/proj_depth/groundtruth/image_02/0000000069.png 721.5377",
        f"2011_09_26/{drive}/image_02/data/0000000070.png None 721.5377",
    ]
    (tmp_path / "eigen_test_files_with_gt.txt").write_text("\n".join(lines) + "\n")
    _, _, found = open_set(f"kitti:{tmp_path}")
    (case,) = found.cases()
    measured = found.load(case)
    assert found.expected == 652 and measured.depth.shape == (352, 1216)
    assert np.array_equal(np.rint(measured.image * 255), image[375 - 352 :, 13 : 13 + 1216])
    for strange in ("/etc/passwd", "../elsewhere/1.png"):
        (tmp_path / "eigen_test_files_with_gt.txt").write_text(f"{strange} {lines[0].split()[1]} 721.5\n")
        with pytest.raises(InputError, match=f"{strange} is not below the folder of the set"):
            found.cases()
    (tmp_path / "eigen_test_files_with_gt.txt").write_text(lines[0].replace("0069", "0071"))
    with pytest.raises(InputError, match=r"0000000071\.png of eigen_test_files_with_gt\.txt is missing"):
        found.cases()


def test_garg_crop_of_the_benchmarks_size():
    rows, columns = np.nonzero(garg_crop(352, 1216))
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (143, 349, 43, 1172)


@pytest.mark.parametrize("name", ["nyuv2", "kitti"])
def test_a_wrong_folder_is_one_line(name, tmp_path):
    with pytest.raises(InputError, match=f"not {name}; it needs .*https://"):
        open_set(f"{name}:{tmp_path}")[2].cases()
    with pytest.raises(InputError, match="no such folder"):
        open_set(f"{name}:{tmp_path / 'nowhere'}")
    with pytest.raises(ConfigError, match="NAME:DIR"):
        open_set(name)


def test_describe_counts_a_folder_and_remembers_its_files(kitti, tmp_path, capsys):
    root = shutil.copytree(kitti, tmp_path / "set")

    def describe(*options: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["describe", f"kitti:{root}", *options])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    assert "pictures with depth: 2 of 1000, 998 missing" in describe()[1]
    assert "hashes of 4 files recorded" in describe("--record")[1]
    assert "all as recorded" in describe()[1]
    picture = next(root.rglob("image/*.png"))
    picture.write_bytes(picture.read_bytes() + b"x")
    code, said = describe()
    assert code == 2 and "is not the file that was recorded" in said


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["depth", *map(str, arguments)])
    return int(ended.value.code or 0)


def test_a_network_that_knows_the_truth_is_perfect_until_pictures_degrade(nyu, kitti, tmp_path, capsys):
    command = ("--evaluate", f"nyuv2:{nyu}", "--evaluate", f"kitti:{kitti}", "--out", tmp_path)
    assert run(*command, "--model", "red", "--model", "red-reversed") == 0
    said = capsys.readouterr().out
    assert "| nyuv2 | red@1" in said and "2 of 654" in said and "the wrong way round" in said
    record = json.loads((tmp_path / "depth.json").read_text())
    rows = {(row["set"], row["model"].partition("@")[0], row["input"]): row for row in record["rows"]}
    assert len(rows) == 8 and record["degradation"]["seed"] == 7
    for name in ("nyuv2", "kitti"):
        clean, degraded = rows[name, "red", "clean"], rows[name, "red", "osediff_512-7"]
        # Red has 8 bit, depth 16 or less: a per cent at the farthest.
        assert clean["abs_rel"] < 0.01 and clean["delta1"] == 1.0
        assert clean["abs_rel"] < degraded["abs_rel"] < 0.5
        # Alignment forgives the sign and says so.
        other = rows[name, "red-reversed", "clean"]
        assert other["abs_rel"] == pytest.approx(clean["abs_rel"], rel=1e-6)
        assert (other["reversed"], clean["reversed"]) == (2, 0)
        values = [entry["abs_rel"] for key, entry in record["pictures"].items() if f"{name}/red-" in key]
        assert len(values) == 8
    assert str(tmp_path) not in json.dumps(record)

    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*/clean/**/*.json")}
    digest = (tmp_path / "depth.json").read_bytes()
    gone = next(iter(before))
    gone.unlink()
    assert run(*command, "--model", "red", "--model", "red-reversed") == 0
    assert (tmp_path / "depth.json").read_bytes() == digest
    after = {path: path.stat().st_mtime_ns for path in before}
    assert [path for path in before if after[path] != before[path]] == [gone]


def test_limits_and_mistakes(nyu, tmp_path, capsys):
    assert run("--evaluate", f"nyuv2:{nyu}", "--model", "red", "--limit", "1", "--out", tmp_path) == 0
    assert "1 of 654" in capsys.readouterr().out
    for arguments, said in (
        (("--evaluate", f"nyuv2:{nyu}"), "say which networks"),
        (("--evaluate", f"nyuv2:{nyu}", "--model", "red", "--raw"), "--evaluate takes"),
        (("--evaluate", f"nyuv2:{nyu}", "--model", "red", "--degradation", "none"), "none"),
        (("--evaluate", f"nyu:{nyu}", "--model", "red"), "did you mean nyuv2"),
        (("--evaluate", f"nyuv2:{nyu}", "--model", "red", "--limit", "0"), "--limit"),
    ):
        assert run(*arguments, "--out", tmp_path / "other") == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1
