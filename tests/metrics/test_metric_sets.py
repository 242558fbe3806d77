"""Metrics of whole sets: distances between distributions, and scores without reference."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from bokehbench import images, records, rng
from bokehbench.errors import JobFailed, Undefined
from bokehbench.metrics import frechet, inception, noreference, score_images, weights
from bokehbench.metrics.focus_box import cut, focus_box, shorter_side
from bokehbench.metrics.sets import Picture, fingerprint, psnr_pooled, score_set
from bokehbench.registry import SetMetricSpec, get, names


def normal(seed: int, count: int, size: int, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    return rng.stream(seed, 0, "features").normal(shift, scale, (count, size))


def with_covariance(x: np.ndarray, root: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Points [n, D] whose sample mean is `mean` and whose sample covariance is `root @ root.T`, exactly."""
    centred = x - x.mean(axis=0)
    whitened = centred @ np.linalg.inv(np.linalg.cholesky(np.cov(centred.T)).T)
    return whitened @ root.T + mean


def test_frechet_distance_of_two_gaussians_is_the_closed_form():
    """Commuting covariances: |Δμ|² + Σ (σa − σb)²."""
    a, b = np.array([1.0, 2.0, 0.5]), np.array([3.0, 0.5, 0.5])
    mean = np.array([0.3, -1.0, 2.0])
    x = with_covariance(normal(1, 60, 3), np.diag(a), np.zeros(3))
    y = with_covariance(normal(2, 90, 3), np.diag(b), mean)
    expected = np.sum(mean**2) + np.sum((a - b) ** 2)
    assert frechet.frechet_distance(x, y) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("n", "m"), [(40, 50), (12, 9), (12, 50)])
def test_frechet_distance_is_the_one_with_a_root_of_the_covariances(n, m):
    """More or fewer pictures than features: by scipy's matrix square root."""
    from scipy.linalg import sqrtm

    x, y = normal(3, n, 20), normal(4, m, 20, 1.5, 0.2)
    root = sqrtm(np.cov(x.T) @ np.cov(y.T)).real
    expected = np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(np.cov(x.T) + np.cov(y.T) - 2 * root)
    assert frechet.frechet_distance(x, y) == pytest.approx(expected, abs=1e-5)


def test_frechet_distance_is_symmetric_zero_of_itself_and_blind_to_rotation():
    x, y = normal(5, 30, 8), normal(6, 25, 8, 0.5, 1.0)
    turn = np.linalg.qr(normal(7, 8, 8))[0]
    value = frechet.frechet_distance(x, y)
    assert frechet.frechet_distance(x, x) == pytest.approx(0.0, abs=1e-10)
    assert frechet.frechet_distance(y, x) == pytest.approx(value, rel=1e-10)
    assert frechet.frechet_distance(x @ turn, y @ turn) == pytest.approx(value, rel=1e-10)


def test_few_pictures_make_fid_large_of_equal_distributions_and_kid_not():
    """Why N is printed: the same distribution, ever fewer pictures."""
    fid, kid = [], []
    for count in (16, 64, 256):
        pairs = [(normal(10 + i, count, 32), normal(60 + i, count, 32)) for i in range(12)]
        fid.append(np.mean([frechet.frechet_distance(*pair) for pair in pairs]))
        kid.append([frechet.kernel_distance(*pair) for pair in pairs])
    assert fid[0] > 3 * fid[1] > 9 * fid[2] > 0.0
    for values in kid:
        assert abs(np.mean(values)) < 3.0 * np.std(values) / np.sqrt(len(values))
    assert min(kid[0]) < 0.0


def test_kernel_distance_is_the_double_sum():
    x, y = normal(8, 5, 4), normal(9, 6, 4, 2.0)

    def kernel(a, b):
        return (float(np.dot(a, b)) / 4 + 1.0) ** 3

    within = [
        np.mean([kernel(a, b) for i, a in enumerate(z) for k, b in enumerate(z) if i != k]) for z in (x, y)
    ]
    across = np.mean([kernel(a, b) for a in x for b in y])
    assert frechet.kernel_distance(x, y) == pytest.approx(sum(within) - 2 * across, rel=1e-12)


@pytest.fixture
def pictures(tmp_path, photo, distorted) -> list[Picture]:
    made = []
    for kind in ("blur", "noise", "dark"):
        images.write_png(tmp_path / f"{kind}.png", distorted[kind])
        images.write_png(tmp_path / f"{kind}_target.png", photo)
        made.append(Picture(tmp_path / f"{kind}.png", tmp_path / f"{kind}_target.png"))
    return made


def test_pooled_psnr_is_that_of_the_mean_squared_error(pictures, photo, distorted):
    errors = [np.mean((distorted[k].astype(float) - photo) ** 2) for k in ("blur", "noise", "dark")]
    expected = 10 * np.log10(255**2 / np.mean(errors))
    found = score_set("psnr-pooled", pictures)
    assert (found.status, found.n) == ("ok", 3)
    assert found.value == pytest.approx(expected, abs=1e-9)
    single = [score_images(distorted[k], photo, ["psnr"])["psnr"] for k in ("blur", "noise", "dark")]
    assert found.value < np.mean(single)


def test_pooled_psnr_counts_what_the_protocol_counts_and_is_capped(pictures):
    cropped = [Picture(p.prediction, p.target, border=20) for p in pictures]
    assert psnr_pooled(cropped).value != psnr_pooled(pictures).value
    assert psnr_pooled([Picture(p.target, p.target) for p in pictures]).value == 100.0


def test_without_weights_a_set_has_no_number(pictures, monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "folders", lambda: [tmp_path / "none"])
    for name in ("fid", "kid", "niqe"):
        score = score_set(name, pictures)
        assert (score.value, score.status) == (None, "unavailable")
        assert "needs" in score.reason and str(tmp_path) not in score.reason


def test_no_set_metric_can_be_ranked():
    """There is no field by which one could be asked to."""
    assert all(not hasattr(get(SetMetricSpec, name), "ranked") for name in names(SetMetricSpec))


def test_one_picture_has_no_distribution(pictures):
    with pytest.raises(Undefined, match="two pictures"):
        frechet.fid(pictures[:1])


def test_pictures_are_resized_like_pillow_without_rounding(photo):
    from PIL import Image

    small = inception.resized(photo, 64)
    rounded = np.asarray(Image.fromarray(photo).resize((64, 64), Image.Resampling.BICUBIC))
    assert small.shape == (64, 64, 3)
    difference = np.clip((small + 1.0) * 127.5, 0, 255) - rounded
    # Pillow rounds, and clips what overshoots, twice on bytes.
    assert np.sqrt(np.square(difference).mean()) < 0.6 and np.abs(difference).max() < 4.0
    flat = inception.resized(np.full((30, 40, 3), 255, np.uint8), 8)
    assert np.allclose(flat, 1.0, atol=1e-6)


# -------------------------------------------------------------------------- the process without reference

STAND_IN = """
    import json, sys
    from pathlib import Path
    request = json.loads(Path(sys.argv[1]).read_text())
    assert request["schema"] == "bokehbench.iqa-request/1"
    values = []
    for image in request["images"]:
        values.append(float(Path(image).stat().st_size))
        print(image, flush=True)
    reply = {"schema": "bokehbench.iqa-reply/1", "made_by": "standin==1", "values": values}
    Path(sys.argv[2]).write_text(json.dumps(reply))
"""


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Write a program that stands in for the worker; NIQE's weights count as there."""
    (tmp_path / "niqe_pris_params.npz").write_bytes(b"numbers")
    monkeypatch.setattr(weights, "folders", lambda: [tmp_path])
    file = weights.WeightFile(
        "niqe_pris_params.npz", 7, records.sha256_file(tmp_path / "niqe_pris_params.npz"), "nowhere"
    )
    monkeypatch.setitem(weights.FILES, file.name, file)
    monkeypatch.setenv(noreference.PYTHON_VARIABLE, sys.executable)

    def write(text: str) -> Path:
        path = tmp_path / "worker.py"
        path.write_text(textwrap.dedent(text))
        monkeypatch.setattr(noreference, "WORKER", path)
        return path

    return write


def test_the_contract_with_the_process(worker, pictures):
    worker(STAND_IN)
    score = score_set("niqe", pictures)
    assert (score.status, score.n, score.made_by) == ("ok", 3, "standin==1")
    assert score.value == np.mean([os.stat(p.prediction).st_size for p in pictures])
    assert score.target == np.mean([os.stat(p.target).st_size for p in pictures])
    # Another version of the package is another number.
    worker(STAND_IN.replace("standin==1", "standin==2"))
    assert score_set("niqe", pictures).fingerprint != score.fingerprint


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import sys; sys.exit('the model is broken')", "status 1: the model is broken"),
        ("import os; os._exit(9)", "status 9: no word"),
        ("print('done')", "left no reply as agreed"),
        (STAND_IN.replace("values}", "values[1:]}"), "5 values for 6 pictures"),
        (STAND_IN.replace("iqa-reply/1", "iqa-reply/2"), "schema bokehbench.iqa-reply/2"),
    ],
)
def test_a_process_that_fails_is_a_failed_score_with_its_last_word(worker, pictures, program, reason):
    worker(program)
    score = score_set("niqe", pictures)
    assert (score.value, score.status) == (None, "failed")
    assert reason in score.reason and "\n" not in score.reason


def test_a_process_that_hangs_is_ended(worker, pictures, monkeypatch):
    worker("import time; time.sleep(60)")
    monkeypatch.setattr(noreference, "PATIENCE", 0.5)
    with pytest.raises(JobFailed, match="said nothing"):
        noreference.measure("niqe", pictures)


def test_without_pyiqa_it_says_how_to_get_it(worker, pictures, monkeypatch, tmp_path):
    worker("import sys; sys.exit(3)")
    score = score_set("niqe", pictures)
    assert score.status == "unavailable" and noreference.PYTHON_VARIABLE in score.reason
    monkeypatch.setenv(noreference.PYTHON_VARIABLE, str(tmp_path / "no_python"))
    assert "No such file" in score_set("niqe", pictures).reason


def test_the_real_worker_refuses_connections_and_needs_pyiqa(tmp_path):
    """In this Python, which has none, it ends with the status that says so."""
    import importlib.util
    import subprocess

    if importlib.util.find_spec("pyiqa") is not None:
        pytest.skip("this Python has pyiqa")
    records.write_json(tmp_path / "request.json", {"metric": "niqe", "weights": {}, "images": []})
    worker = Path(noreference.__file__).with_name("iqa_worker.py")
    command = [sys.executable, str(worker), str(tmp_path / "request.json"), str(tmp_path / "reply.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == noreference.MISSING
    assert "pyiqa" in done.stderr and not (tmp_path / "reply.json").exists()


def test_in_focus_only_large_boxes_are_asked_about_and_nothing_else_of_a_picture(worker, pictures):
    """The stand-in scores a picture by its mean: of the boxes, it is that of their pixels."""
    mean = "float(__import__('numpy').asarray(__import__('PIL.Image').Image.open(image)).mean())"
    worker(STAND_IN.replace("float(Path(image).stat().st_size)", mean))
    boxes = ((2, 1, 10, 12), None, (0, 0, 7, 12))
    one, other, small = (
        Picture(p.prediction, p.target, 0, box) for p, box in zip(pictures, boxes, strict=True)
    )
    found = noreference.measure("niqe", [one, other, small], least=8)
    parts = [images.quantise(images.read_image(path))[2:10, 1:12] for path in (one.prediction, one.target)]
    assert (found.value, found.target, found.n) == (parts[0].mean(), parts[1].mean(), 1)
    with pytest.raises(Undefined, match="no picture has a region in focus of 8 pixels"):
        noreference.measure("niqe", [other, small], least=8)


def test_the_box_is_that_of_the_largest_connected_region():
    mask = np.zeros((40, 50), bool)
    mask[2:6, 3:9] = mask[20:30, 10:14] = mask[30:35, 14:20] = True  # two that touch at a corner
    assert focus_box(mask) == (20, 10, 35, 20)
    assert shorter_side(focus_box(mask)) == 10
    np.testing.assert_array_equal(cut(mask, focus_box(mask)), mask[20:35, 10:20])
    assert focus_box(mask, border=12) == (20, 12, 28, 14)
    assert focus_box(np.zeros((4, 4), bool)) is None


def test_numbers_in_focus_are_metrics_of_their_own():
    for name in ("niqe", "musiq", "maniqa-pipal", "clipiqa"):
        whole, part = get(SetMetricSpec, name), get(SetMetricSpec, f"{name}-focus")
        assert part.in_focus and not whole.in_focus and part.parameters == {"least": 224}
        assert fingerprint(whole, "x") != fingerprint(part, "x")
