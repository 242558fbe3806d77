"""From a set's folder to scores: run and evaluate over every set, with K found and with K given."""

from __future__ import annotations

import warnings

import pytest
import set_replicas as replicas

from bokehbench import records
from bokehbench.leaderboard.evaluate import evaluate
from bokehbench.leaderboard.run import run

FAST = ("identity", "scatter")


@pytest.fixture(autouse=True)
def no_sync(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)


@pytest.mark.parametrize(
    ("name", "make", "protocol"),
    [
        ("ebb400", lambda root: replicas.ebb400(root, (218,)), "bokehme-midas"),
        ("ebb-val294", lambda root: replicas.ebb_val294(root, (4400, 4693)), "bokehdiff"),
        ("realbokeh", lambda root: replicas.realbokeh(root, (135,)), "optics"),
        ("ipb", replicas.ipb, "study"),
        ("realsr", lambda root: replicas.realsr(root, 1), "restoration"),
        ("drealsr", replicas.drealsr, "restoration"),
    ],
)
def test_every_set_is_run_and_scored(tmp_path, name, make, protocol):
    root, out = make(tmp_path / "set"), tmp_path / "results"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        summary = run([f"{name}:{root}"], FAST, out, protocols=[protocol])
        assert not summary.failed and summary.rendered >= 2
        again = run([f"{name}:{root}"], FAST, out, protocols=[protocol])
        assert (again.rendered, again.present) == (0, summary.rendered)
    scored = evaluate(out, ["psnr", "psnr+geo_gain"])
    assert not scored.failed
    if name == "ipb":
        assert scored.computed == 0 and list(scored.without_truth.values()) == [summary.rendered]
        assert (out / name).glob("*/_cases/cup_reference.png")
        return
    assert scored.computed == 2 * summary.rendered
    for path in out.glob(f"{name}/*/scatter/none/*.json"):
        if path.name.count(".") > 1:
            continue
        record = records.read_json(path)
        assert record["protocol"] == f"{protocol}@1"
        assert bool(record["uses_truth"]) == (protocol in ("bokehme-midas", "bokehdiff"))
