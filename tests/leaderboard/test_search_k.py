"""Claims about sets that do not give K, or have no ground truth: what is found, and what every row says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bokehbench import records, registry
from bokehbench.errors import ConfigError, InputError
from bokehbench.leaderboard import find_k
from bokehbench.leaderboard.evaluate import evaluate
from bokehbench.leaderboard.frame import load
from bokehbench.leaderboard.leaderboard import write
from bokehbench.leaderboard.run import run

WORLD = '''
"""Photographs blurred by a K that only the target knows, and a method that blurs by the K it is given."""
from pathlib import Path
import cv2
import numpy as np
from bokehbench.cases import Case, CaseInfo, Inputs
from bokehbench.optics import Lens
from bokehbench.registry import BenchmarkSpec, MethodSpec, ProtocolSpec, register

TRUE_K = {"aa": 12, "bb": 40, "cc": 12, "dd": 40, "ee": 40, "ff": 12}

def blurred(image, K):
    return cv2.GaussianBlur(image, (0, 0), 0.05 * K + 0.01)

class Photos:
    def __init__(self, root, protocol):
        self.root, self.protocol = root, protocol
    def cases(self):
        search = (1.0, 100.0) if self.protocol.K != "given" else None
        return [CaseInfo(k, k, "all", Lens(0.0, 0.5), k, K_search=search) for k in TRUE_K]
    def load(self, info):
        image = np.random.default_rng(ord(info.key[0])).random((64, 64, 3)).astype(np.float32)
        disparity = np.linspace(0, 1, 64, dtype=np.float32)[None].repeat(64, 0)
        target = None if self.protocol.name == "look" else blurred(image, TRUE_K[info.key])
        region = np.zeros((64, 64), bool); region[:, 30:40] = True
        reference = image[::2, ::2] if target is None else None
        if self.protocol.crop:  # right inside, wrong in the border
            target = image.copy()
            target[:8] = target[-8:] = 0.0
        inputs = Inputs(info.key, image, disparity, info.lens)
        return Case(info, inputs, target, focus_region=region, reference=reference)

class Blur:
    def render(self, inputs):
        return blurred(inputs.image, inputs.lens.K)

class Touchy(Blur):
    """Fails on one case where K is large, until it is mended."""
    def render(self, inputs):
        if inputs.key == "bb" and inputs.lens.K > 60 and not Path(__file__).with_name("mended").exists():
            raise RuntimeError("too much for me")
        return super().render(inputs)

class Broken:
    def render(self, inputs):
        raise RuntimeError("never")

register(
    ProtocolSpec("each", "Best per image.", K="best-per-image", uses_truth=("K, the best per image",)),
    ProtocolSpec("whole", "Best per set.", K="best-per-set", uses_truth=("K, the best per set",)),
    ProtocolSpec("halves", "Cross-fitted.", K="cross-fitted"),
    ProtocolSpec("look", "No target.", K="given"),
    ProtocolSpec("inner", "Counts the middle alone.", K="given", crop=8),
    BenchmarkSpec(
        "photos", "P.", "photos:Photos", protocol="each", protocols=("whole", "halves", "look", "inner")
    ),
    MethodSpec("blur", "Blurs.", "photos:Blur"),
    MethodSpec("touchy", "Blurs most.", "photos:Touchy"),
    MethodSpec("broken", "Blurs nothing.", "photos:Broken"),
)
'''


@pytest.fixture
def world(tmp_path, monkeypatch):
    path = tmp_path / "photos.py"
    path.write_text(WORLD)
    monkeypatch.setenv(registry.REGISTER_VARIABLE, "")
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    registry.register_files([path])
    (tmp_path / "data").mkdir()
    yield f"photos:{tmp_path / 'data'}"
    registry._load_all.cache_clear()


def found(out: Path, protocol: str, method: str = "blur") -> dict[str, float]:
    files = (out / "photos" / protocol / method / "none").glob("??.json")
    return {path.stem: records.read_json(path)["K"] for path in files}


@pytest.mark.parametrize("peak", [1, 2, 3, 17, 50, 64, 99, 100])
@pytest.mark.parametrize("skew", [0.2, 1.0, 5.0])
def test_search_finds_the_peak_of_any_curve_with_one(peak, skew):
    asked: list[int] = []
    search = find_k.search(1.0, 100.0)
    wanted = next(search)
    while True:
        asked += wanted
        try:
            wanted = search.send([-(K - peak) * (1.0 if peak < K else -skew) for K in wanted])
        except StopIteration as end:
            assert end.value == peak
            break
    assert len(asked) == len(set(asked)) <= 26


def test_best_per_image_finds_each_image_its_own_blur(world, tmp_path):
    out = tmp_path / "out"
    summary = run([world], ["blur"], out)
    assert summary.rendered == 6 and not summary.failed
    ks = found(out, "each@1")
    assert ks == {"aa": 12, "bb": 40, "cc": 12, "dd": 40, "ee": 40, "ff": 12}
    evaluate(out, ["psnr"])
    frame = load(out)
    assert (frame.value == 100.0).all() and dict(zip(frame.case, frame.K, strict=True)) == ks
    assert run([world], ["blur"], out).present == 6


def test_one_k_for_the_set_is_the_best_on_average_whatever_the_workers(world, tmp_path):
    for out, workers in ((tmp_path / "one", 1), (tmp_path / "two", 2)):
        run([world], ["blur"], out, protocols=["whole"], workers=workers)
    (K,) = set(found(tmp_path / "one", "whole@1").values())
    assert 12 <= K <= 40
    curves = sorted((tmp_path / "one" / "photos" / "whole@1" / "blur" / "none").glob("*.curve.json"))
    tables = [records.read_json(path)["psnr"] for path in curves]
    means = {int(k): np.mean([table[k] for table in tables]) for k in tables[0]}
    assert max(means, key=means.__getitem__) == K
    for path in (tmp_path / "one").rglob("*.json"):
        if "timing" not in path.name:
            assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


def test_cross_fitted_halves_choose_for_each_other(world, tmp_path):
    run([world], ["blur"], tmp_path / "out", protocols=["halves"])
    ks = found(tmp_path / "out", "halves@1")
    by_half = {half: {ks[scene] for scene in ks if find_k.fold(scene) == half} for half in (0, 1)}
    curves = tmp_path / "out" / "photos" / "halves@1" / "blur" / "none"
    for half in (0, 1):
        (K,) = by_half[1 - half]
        tables = [
            records.read_json(curves / f"{scene}.curve.json")["psnr"]
            for scene in ks
            if find_k.fold(scene) == half
        ]
        common = set.intersection(*(set(table) for table in tables))
        means = {int(k): np.mean([table[k] for table in tables]) for k in common}
        assert max(means, key=means.__getitem__) == K


@pytest.mark.parametrize("protocol", ["whole", "halves"])
def test_a_case_that_fails_has_no_say_and_costs_the_others_nothing(world, tmp_path, protocol):
    out, folder = tmp_path / "out", Path("photos") / f"{protocol}@1" / "touchy" / "none"
    summary = run([world], ["touchy"], out, protocols=[protocol])
    assert any("bb touchy, looking for K" in line and "too much for me" in line for line in summary.failed)
    ks = found(out, f"{protocol}@1", "touchy")
    assert set(ks) == {"aa", "bb", "cc", "dd", "ee", "ff"}  # at the K of the others it does not fail
    half = find_k.fold("bb")
    judges = [scene for scene in ks if scene != "bb" and (protocol == "whole" or find_k.fold(scene) == half)]
    curves = [records.read_json(out / folder / f"{scene}.curve.json")["psnr"] for scene in judges]
    means = {int(K): np.mean([curve[K] for curve in curves]) for K in set.intersection(*map(set, curves))}
    (K,) = {ks[scene] for scene in ks if protocol == "whole" or find_k.fold(scene) != half}
    assert max(means, key=means.__getitem__) == K
    evaluate(out, ["psnr"])
    write([out], tmp_path / "page")
    text = (tmp_path / "page" / "leaderboard.md").read_text()
    assert "K, chosen without 1 case that failed (bb)" in text
    # Mended, it is as if it had never failed.
    (tmp_path / "mended").touch()
    assert not run([world], ["touchy"], out, protocols=[protocol]).failed
    assert not run([world], ["touchy"], tmp_path / "clean", protocols=[protocol]).failed
    for scene in ks:
        here, there = (
            records.read_json(root / folder / f"{scene}.json") for root in (out, tmp_path / "clean")
        )
        assert {**here, "code": 0} == {**there, "code": 0}  # K and the hash of the picture among it
    assert not (out / folder / find_k.CHOICE).exists()


def test_where_no_case_can_choose_it_is_said_how_many_wait(world, tmp_path):
    summary = run([world], ["broken", "blur"], tmp_path / "out", protocols=["halves"])
    assert sum("every case that could choose K failed" in line for line in summary.failed) == 2
    assert sum("looking for K" in line for line in summary.failed) == 6
    assert len(found(tmp_path / "out", "halves@1")) == 6


@pytest.mark.parametrize(("option", "part"), [("--shard", {"shard": (0, 2)}), ("--cases", {"cases": ["a*"]})])
def test_a_part_cannot_choose_for_the_set(world, tmp_path, option, part):
    with pytest.raises(ConfigError, match=f"without {option}"):
        run([world], ["blur"], tmp_path / "out", protocols=["each", "whole"], **part)
    assert not (tmp_path / "out").exists()  # said before any work


def test_every_row_says_what_the_truth_chose(world, tmp_path):
    out = tmp_path / "out"
    run([world], ["blur", "identity"], out, protocols=["each", "halves"])
    evaluate(out, ["psnr"])
    summary = write([out], tmp_path / "page")
    markdown = (tmp_path / "page" / "leaderboard.md").read_text()
    each, halves = markdown.split("## photos (halves@1)")
    assert "| chosen with the ground truth |" in each and "K 12 to 40 px" in each
    assert "Chosen with the ground truth: K, the best per image." in each
    assert "chosen with the ground truth" not in halves
    assert "K searched" in each
    assert "K, the best per image" in (tmp_path / "page" / "index.html").read_text()
    assert "K, the best per image" in (tmp_path / "page" / "leaderboard.tex").read_text()
    rows = json.loads((tmp_path / "page" / "leaderboard.json").read_text())["tables"][0]["rows"]
    # What ignores the lens has no K to be chosen.
    truth = {row["label"]: row["uses_truth"] for row in rows}
    assert truth == {"blur": ["K, the best per image"], "identity": []}
    assert not summary.stale


def test_cases_without_ground_truth_are_rendered_shown_and_never_scored(world, tmp_path):
    out = tmp_path / "out"
    # K is given here (0): the set only wants pictures.
    run([world], ["identity"], out, protocols=["look"])
    cases = out / "photos" / "look@1" / "_cases"
    assert (cases / "aa_reference.png").exists() and not (cases / "aa_target.png").exists()
    summary = evaluate(out, ["psnr"])
    assert summary.computed == 0 and summary.without_truth == {"photos (look@1)": 6}
    with pytest.raises(InputError, match="ground truth"):
        write([out], tmp_path / "page")


def test_a_track_is_a_table_of_its_own(world, tmp_path):
    from bokehbench.benchmarks.tracks import parse_track

    out = tmp_path / "out"
    run([world], ["identity"], out, tracks=[parse_track("gt"), parse_track("dilate:3")])
    evaluate(out, ["psnr"])
    assert {path.name for path in (out / "photos").iterdir()} == {"each@1", "each@1+dilate-3"}
    assert not write([out], tmp_path / "page").stale
    record = records.read_json(out / "photos" / "each@1+dilate-3" / "identity" / "none" / "aa.json")
    assert "--disparity dilate:3" in record["command"]
    focus = records.read_json(out / "photos" / "each@1+dilate-3" / "_cases" / "aa.json")["lens"]["disp_focus"]
    assert focus > records.read_json(out / "photos" / "each@1" / "_cases" / "aa.json")["lens"]["disp_focus"]


def test_a_border_that_the_protocol_drops_counts_for_no_metric(world, tmp_path):
    out = tmp_path / "out"
    run([world], ["identity"], out, protocols=["inner"])
    assert not evaluate(out, ["psnr", "ssim", "psnr+lin", "psnr+geo", "psnr+crop4"]).failed
    frame = load(out)
    assert set(frame.metric) == {"psnr", "ssim", "psnr+lin", "psnr+geo", "psnr+crop4"}
    exact = frame[frame.metric != "psnr+geo"]
    assert (exact.status == "identical").all()
    assert (frame[frame.metric == "psnr+geo"].value > 40).all()


def test_two_folders_of_one_benchmark_do_not_share_a_place(world, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="another --out"):
        run([world, f"photos:{other}"], ["identity"], out, protocols=["look"])
    assert not out.exists()
    same = f"photos:{tmp_path}/other/../data"
    assert run([world, same], ["identity"], out, protocols=["look"]).rendered == 6


def test_another_search_makes_rows_stale_that_run_makes_again(world, tmp_path, monkeypatch):
    out = tmp_path / "out"
    run([world], ["blur"], out)
    evaluate(out, ["psnr"])
    assert set(load(out).stale) == {""}
    monkeypatch.setattr(find_k, "VERSION", find_k.VERSION + 1)
    assert set(load(out).stale) == {"K was found by the search [1.0, 1.0, 100.0], now [2.0, 1.0, 100.0]"}
    assert run([world], ["blur"], out).rendered == 6 and set(load(out).stale) == {""}
