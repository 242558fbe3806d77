"""Claims about contamination: what is shared is found, and what is not known is said to be unknown."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from board_world import register_world, write_world

from bokehbench import records, weights
from bokehbench.benchmarks.assets import assets_of
from bokehbench.errors import InputError
from bokehbench.leaderboard import measure, trained_on
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.export_data import to_json
from bokehbench.leaderboard.export_text import to_markdown
from bokehbench.leaderboard.results import Protocol, Result
from bokehbench.registry import MethodSpec


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A benchmark of two files."""
    root = tmp_path / "photographs"
    root.mkdir()
    (root / "a.png").write_bytes(b"a")
    (root / "b.png").write_bytes(b"b")
    return root


def method(tmp_path: Path, **card: object) -> MethodSpec:
    records.write_json(tmp_path / "card.json", card)
    return MethodSpec("net", "x", "nowhere:x", weights=("net.pth",), card=str(tmp_path / "card.json"))


def test_assets_of_files_and_of_layers(photographs: Path, tmp_path: Path) -> None:
    assert assets_of(photographs) == {f"sha256:{records.sha256_bytes(name)}" for name in (b"a", b"b")}
    layered = tmp_path / "layered"
    folder = {"files": [{"sha256": "1", "matte_sha256": "2"}, {"sha256": "3"}]}
    records.write_json(layered / "dataset.json", {"assets": {"foregrounds": folder, "backgrounds": None}})
    layers = [{"source": "proc:leaf#12"}, {"source": "skimage:cat", "sha256": "4"}]
    records.write_json(layered / "meta" / "0.json", {"layers": layers})
    assert assets_of(layered) == {"sha256:1", "sha256:2", "sha256:3", "sha256:4", "proc:leaf#12"}
    with pytest.raises(InputError, match="no folder"):
        assets_of(tmp_path / "nowhere")


def test_one_shared_picture_is_found(photographs: Path, tmp_path: Path) -> None:
    assets = assets_of(photographs)
    clean = method(tmp_path, trained_on="10 000\n drawn scenes", assets=["proc:leaf#1", "sha256:0"])
    verdict = trained_on.judge(clean, "mine", assets)
    assert verdict.shared is False
    assert verdict.sentence == "trained on: 10 000 drawn scenes; shares no asset with mine (2 compared)"
    dirty = method(tmp_path, trained_on="all I found", assets=["proc:leaf#1", *sorted(assets)[:1]])
    verdict = trained_on.judge(dirty, "mine", assets)
    assert verdict.shared is True and "SHARES 1 of 2 assets with mine" in verdict.sentence


def test_what_is_declared_by_name_or_was_compared_while_training(tmp_path: Path) -> None:
    declared = method(tmp_path, trained_on="EBB!", benchmarks=["ebb400"], assets=["sha256:0"])
    assert trained_on.judge(declared, "ebb400", set()).shared is True
    ours = method(
        tmp_path,
        data={"kind": "stored set", "recipe": "bokehme@1", "root_seed": 7, "scenes": 100},
        zero_shot={"compared_with": {"blb": 70}},
    )
    assert (
        trained_on.judge(ours).sentence
        == "trained on: stored set of recipe bokehme@1 from seed 7 (100 scenes)"
    )
    assert trained_on.judge(ours, "blb").shared is False
    other = trained_on.judge(ours, "layered", {"x"})
    assert other.shared is None and "unknown" in other.against
    stream = method(tmp_path, zero_shot={"not_compared": {"layered": "2 of its 9 assets are drawings"}})
    assert trained_on.judge(stream, "layered", {"x"}).against.endswith(
        "unknown: 2 of its 9 assets are drawings"
    )


def test_no_weights_no_training_and_no_card_nothing_known(tmp_path: Path) -> None:
    assert "nothing" in trained_on.judge(MethodSpec("plain", "x", "nowhere:x"), "mine").sentence
    silent = trained_on.judge(MethodSpec("silent", "x", "nowhere:x", weights=("no.pth",)), "mine", {"x"})
    assert silent.shared is None and silent.sentence == "trained on: unknown: no card says it"


def test_tables_say_what_was_trained_on_and_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_world(monkeypatch)
    at = write_world(tmp_path / "out", scenes=2)
    for path in at.folder.glob("soft/*/*.timing.json"):
        made = measure.profiled((48, 32), [0.2, 0.1, 0.3], 90.0)
        records.write_json(path, {**made, "device": "A, 2 threads"})
    records.write_json(
        at.folder / "soft" / "none" / trained_on.FILE,
        {
            "schema": trained_on.SCHEMA,
            "trained_on": "drawings",
            "against": "shares no asset with toy (5 compared)",
            "shared": False,
        },
    )
    tables = [build(board) for board in collect([tmp_path / "out"])]
    said = to_markdown(tables)
    assert "- soft: trained on: drawings; shares no asset with toy (5 compared)" in said
    assert "- sharp: trained on: unknown" in said and "identity: trained" not in said
    assert "- soft: 0.2 s an image" in said and "median of 3 after a warm-up, 4 cases of 48x32" in said
    assert "- sharp: 0" not in said
    rows = {row["label"]: row for row in to_json(tables)["tables"][0]["rows"]}
    assert rows["soft"]["training"]["shared"] is False and rows["soft"]["efficiency"]["repeats"] == 3
    assert rows["sharp"]["training"]["shared"] is None and rows["sharp"]["efficiency"] is None


def test_the_card_beside_given_weights_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bokehme.safetensors").write_bytes(b"")
    records.write_json(tmp_path / "bokehme.json", {"trained_on": "my own"})
    monkeypatch.setenv(weights.FILE_VARIABLE, f"bokehme={tmp_path / 'bokehme.safetensors'}")
    spec = MethodSpec("net", "x", "bokehbench.baselines.identity:Identity", weights=("bokehme.safetensors",))
    assert trained_on.judge(spec).trained_on == "my own"


def test_the_note_beside_results_is_made_once_and_read_without_the_data(
    photographs: Path, tmp_path: Path
) -> None:
    result = Result(Protocol(tmp_path / "out", "mine", "gt@1"), "net", "12345678", "case0")
    opened = SimpleNamespace(benchmark=SimpleNamespace(root=photographs), spec=SimpleNamespace(name="mine"))
    spec = method(tmp_path, trained_on="drawings", assets=["proc:leaf#1"])
    trained_on.note(spec, result, opened, data="d")
    before = (result.folder / trained_on.FILE).stat().st_mtime_ns
    trained_on.note(spec, result, opened, data="d")
    assert (result.folder / trained_on.FILE).stat().st_mtime_ns == before
    assert trained_on.of_results([result], None, "mine").sentence.endswith("mine (2 compared)")
    (photographs / "c.png").write_bytes(b"c")
    trained_on.note(spec, result, opened, data="other")
    assert trained_on.of_results([result], None, "mine").sentence.endswith("mine (3 compared)")
    assert trained_on.of_results([], None, "mine").trained_on == trained_on.UNKNOWN


@pytest.mark.parametrize(
    ("card", "assets", "why"),
    [
        ({"assets": []}, {"sha256:1"}, "its card declares none"),
        ({}, {"sha256:1"}, "its card declares none"),
        ({"assets": ["sha256:0"]}, set(), "mine has none to compare"),
        ({"assets": ["sha256:0"]}, None, "is unknown"),
        ({"zero_shot": {"compared_with": {"mine": 0}}}, None, "its card declares none"),
    ],
)
def test_where_nothing_was_compared_nothing_is_called_clean(
    tmp_path: Path, card: dict[str, object], assets: set[str] | None, why: str
) -> None:
    verdict = trained_on.judge(method(tmp_path, trained_on="drawings", **card), "mine", assets)
    assert verdict.shared is None and "shares no asset" not in verdict.against and why in verdict.against


@pytest.mark.parametrize(
    "card",
    [{"assets": 5}, {"benchmarks": "blb"}, {"zero_shot": []}, {"zero_shot": {"compared_with": {"x": "y"}}}],
)
def test_a_card_of_another_form_is_refused(tmp_path: Path, card: dict[str, object]) -> None:
    with pytest.raises(InputError, match="of a card"):
        trained_on.judge(method(tmp_path, **card), "blb")
