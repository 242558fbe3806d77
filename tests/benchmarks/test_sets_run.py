"""From a set's folder to scores: every method over every set, with K found and with K given."""

from __future__ import annotations

import warnings

import pytest
import set_replicas as replicas

from bokehbench import records
from bokehbench.leaderboard.evaluate import evaluate
from bokehbench.leaderboard.find_k import fold
from bokehbench.leaderboard.run import run
from bokehbench.registry import MethodSpec, ProtocolSpec, get, names

SPECS = [get(MethodSpec, name) for name in names(MethodSpec)]
RUNNABLE = [spec for spec in SPECS if not (spec.oracle or spec.is_recipe)]
METHODS = tuple(spec.name for spec in RUNNABLE if not spec.weights)
SHIPPED = tuple(
    spec.name
    for spec in RUNNABLE
    if spec.weights and all((one.beside / one.file).is_file() for one in spec.weights_wanted())
)
"""Those whose weights come with the package: the same here as on a machine that has others."""
FAST = ("identity", "scatter")
SMALL = (60, 40)
"""Where every method is rendered with some thirty K."""
TINY = (32, 24)
HALVES = (218, 1205)
"""One picture in each half of a cross-fitted set."""


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # replicas are a part of the set
        yield


@pytest.mark.parametrize(
    ("name", "make", "protocol", "methods", "cases"),
    [
        ("ebb400", lambda root: replicas.ebb400(root, (218,), SMALL), "bokehme-midas", METHODS, 1),
        ("ebb400", lambda root: replicas.ebb400(root, HALVES), "leak-free-midas", FAST, 2),
        ("ebb400-lq", lambda root: replicas.ebb400_lq(root, (218,), SMALL), "magicbokeh", METHODS, 1),
        ("ebb-val294", lambda root: replicas.ebb_val294(root, (4400,), SMALL), "bokehdiff", METHODS, 1),
        ("realbokeh", lambda root: replicas.realbokeh(root, (135,)), "optics", METHODS, 3),
        ("ipb", replicas.ipb, "study", METHODS, 3),
        ("realsr", lambda root: replicas.realsr(root, 1), "restoration", METHODS, 2),
        # Networks take long: one set where K is found, and one where it is given.
        ("ebb400", lambda root: replicas.ebb400(root, (218,), TINY), "bokehme-midas", SHIPPED, 1),
        ("realbokeh", lambda root: replicas.realbokeh(root, (135,)), "optics", SHIPPED, 3),
        ("drealsr", replicas.drealsr, "restoration", METHODS, 3),
    ],
)
def test_every_set_is_run_by_every_method_and_scored(tmp_path, name, make, protocol, methods, cases):
    root, out = make(tmp_path / "set"), tmp_path / "results"
    summary = run([f"{name}:{root}"], methods, out, protocols=[protocol])
    assert not summary.failed and summary.rendered == cases * len(methods) and not summary.skipped
    again = run([f"{name}:{root}"], methods, out, protocols=[protocol])
    assert (again.rendered, again.present) == (0, summary.rendered)
    scored = evaluate(out, ["psnr", "psnr+geo_gain"])
    assert not scored.failed
    if name == "ipb":
        assert scored.computed == 0 and list(scored.without_truth.values()) == [summary.rendered]
        assert list((out / name).glob("*/_cases/cup_reference.png"))
        return
    assert scored.computed == 2 * summary.rendered
    found = [path for path in out.glob(f"{name}/*/*/*/*.json") if path.name.count(".") == 1]
    assert len(found) == summary.rendered
    rules = get(ProtocolSpec, protocol)
    for path in found:
        record = records.read_json(path)
        assert record["protocol"] == rules.id
        # Nothing is chosen for a method that renders the same whatever K is.
        chosen = ("K" in record) == (rules.K not in ("given", "zero"))
        assert chosen or get(MethodSpec, path.parents[1].name).ignores_lens
        assert record["uses_truth"] == [use for use in rules.uses_truth if chosen or not use.startswith("K,")]


def test_the_halves_of_this_file_are_two():
    assert {fold(str(number)) for number in HALVES} == {0, 1}


def test_the_amount_of_blur_is_scored_where_a_picture_is_large_enough(tmp_path):
    """The best K must be nearer to the target's blur than no blur at all; a tiny picture cannot say."""
    for size, status in (((240, 160), "ok"), (replicas.SIZE, "undefined")):
        out = tmp_path / f"results{size[0]}"
        root = replicas.ebb400(tmp_path / f"set{size[0]}", (218,), size)
        assert not run([f"ebb400:{root}"], FAST, out).failed
        assert not evaluate(out, ["blur-error"]).failed
        scores = {
            path.parents[1].name: records.read_json(path)["scores"]["blur-error"]
            for path in out.glob("ebb400/*/*/none/*.scores.json")
        }
        assert {score["status"] for score in scores.values()} == {status}
        if status == "ok":
            assert scores["scatter"]["value"] < 0.5 < 1.0 < scores["identity"]["value"]
        else:
            assert all("pixels are out of focus, needs 2000" in score["reason"] for score in scores.values())
