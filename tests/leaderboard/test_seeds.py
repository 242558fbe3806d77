"""Claims about stochastic methods: a seed is part of a result's identity, and the table shows the spread."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import own_world
import pytest

import bokehbench.leaderboard
from bokehbench import images, records, registry
from bokehbench.leaderboard import results
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.evaluate import evaluate
from bokehbench.leaderboard.export_data import to_csv
from bokehbench.leaderboard.export_text import to_markdown
from bokehbench.leaderboard.run import run

WORLD = '''
"""Six scenes, a method that draws noise from its seed, and one that does not."""
import numpy as np
from bokehbench import rng
from bokehbench.cases import Case, CaseInfo, Inputs
from bokehbench.optics import Lens
from bokehbench.registry import BenchmarkSpec, MethodSpec, register

class Grey:
    def __init__(self, root):
        self.root = root
    def cases(self):
        return [CaseInfo(f"s{n}", f"s{n}", "L1", Lens(4.0, 0.5), str(n)) for n in range(6)]
    def load(self, info):
        image = np.full((32, 40, 3), 0.5, np.float32)
        return Case(info, Inputs(info.key, image, image[:, :, 0], info.lens), image)

class Noisy:
    def render(self, inputs):
        noise = rng.stream(inputs.seed, 0, inputs.key).normal(0.0, 0.05, inputs.image.shape)
        return (inputs.image + noise).astype(np.float32)

class Same:
    def render(self, inputs):
        assert inputs.seed == 0
        return inputs.image * 0.9

register(
    BenchmarkSpec("grey", "Grey.", "dicing:Grey"),
    MethodSpec("noisy", "Draws noise.", "dicing:Noisy", stochastic=True),
    MethodSpec("same", "Draws nothing.", "dicing:Same"),
)
'''


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "dicing.py").write_text(textwrap.dedent(WORLD))
    (tmp_path / "data").mkdir()
    with own_world.registered(monkeypatch, tmp_path / "dicing.py"):
        yield tmp_path


def test_a_seed_is_part_of_a_stochastic_results_identity(world: Path) -> None:
    first = run([f"grey:{world / 'data'}"], ["noisy", "same"], world / "out")
    again = run([f"grey:{world / 'data'}"], ["noisy", "same"], world / "out", seeds=3)
    assert (first.rendered, again.rendered, again.present) == (12, 12, 12)
    (at,) = results.protocols(world / "out")
    found = [result for result in results.results(at) if result.case == "s0"]
    assert [(r.method, r.weights, r.seed) for r in found] == [
        ("noisy", "none", 0),
        ("noisy", "none", 1),
        ("noisy", "none", 2),
        ("same", "none", 0),
    ]
    assert [result.folder.name for result in found[:3]] == ["none", "none+seed1", "none+seed2"]
    stored = [records.read_json(result.record) for result in found]
    assert [record["seed"] for record in stored] == [0, 1, 2, None]
    assert len({record["prediction"] for record in stored}) == 4
    assert "--seeds 3" in stored[2]["command"] and "--seeds" not in stored[0]["command"]


def test_the_table_shows_the_mean_over_seeds_and_their_spread(world: Path) -> None:
    run([f"grey:{world / 'data'}"], ["noisy", "same"], world / "out", seeds=3)
    evaluate(world / "out", ["psnr"])
    frame = bokehbench.leaderboard.load(world / "out")
    noisy = frame[frame.method == "noisy"]
    assert len(noisy) == 18 and set(noisy.seed) == {0, 1, 2}
    assert frame[frame.method == "same"].seed.isna().all()
    (board,) = collect([world / "out"])
    table = build(board)
    row = next(row for row in table.rows if row.label == "noisy")
    cell = table.everything.cells[row.key]["psnr"]
    means = noisy.groupby("seed").value.mean()
    assert row.seeds == 3 and cell.interval is not None
    assert cell.interval.mean == pytest.approx(means.mean(), abs=1e-9) and cell.interval.cases == 6
    assert cell.spread == pytest.approx(np.std(means.to_numpy(), ddof=1), abs=1e-9)
    text = to_markdown([table])
    assert f"(σ {cell.spread:.2g})" in text and "over 3 runs with other seeds" in text
    assert "psnr_spread" in to_csv([table]).splitlines()[0]


def test_a_run_that_lacks_a_case_leaves_the_row_incomplete(world: Path) -> None:
    run([f"grey:{world / 'data'}"], ["noisy", "same"], world / "out", seeds=2)
    evaluate(world / "out", ["psnr"])
    (at,) = results.protocols(world / "out")
    (lost,) = [r for r in results.results(at) if (r.method, r.seed, r.case) == ("noisy", 1, "s3")]
    lost.record.unlink()
    (board,) = collect([world / "out"])
    assert [(row.label, row.missing) for row in build(board).incomplete] == [("noisy", ("s3",))]


def test_the_random_search_of_vdslr_heeds_its_seed(world: Path) -> None:
    from dataclasses import replace

    from bokehbench.baselines.vdslr import VDSLR
    from bokehbench.cases import Inputs
    from bokehbench.optics import Lens

    image = images.read_image(_picture(world))
    disparity = np.linspace(0, 1, 24, dtype=np.float32)[None].repeat(20, 0)
    disparity[5:12, 6:14] = 1.0
    inputs = Inputs("x", image, disparity, Lens(6.0, 0.2))
    method = VDSLR(search="random", rounds=1)
    one, same, other = (method.render(replace(inputs, seed=seed)) for seed in (0, 0, 1))
    assert (one == same).all() and not (one == other).all()
    assert registry.MethodSpec("x", "", "a:b").stochastic is False


def _picture(world: Path) -> Path:
    path = world / "picture.png"
    images.write_png(path, np.random.default_rng(0).random((20, 24, 3)))
    return path
