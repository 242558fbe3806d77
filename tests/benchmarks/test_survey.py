"""`bokehbench describe NAME:DIR`: counts, what is missing, hashes that are seen once and compared later."""

from __future__ import annotations

import os

import pytest
import set_replicas as replicas

from bokehbench import images, records
from bokehbench.benchmarks import inventory
from bokehbench.benchmarks.locate import open_benchmark
from bokehbench.benchmarks.survey import survey
from bokehbench.cli import main
from bokehbench.errors import ConfigError, InputError


@pytest.fixture
def root(tmp_path):
    return replicas.ebb400(tmp_path / "EBB400")


def said(root, **options) -> str:
    return "\n".join(survey("ebb400", root, **options))


def test_counts_and_protocols_are_said(root):
    text = said(root)
    assert "image (image/ or original/" in text and ": 4 files of 400" in text
    assert "bokehme-midas@1: 4 cases" in text and "leak-free-midas@1: 4 cases" in text
    assert "none recorded" in text


def test_a_protocol_that_lacks_something_says_what_and_how(root):
    for path in (root / "birefnet").iterdir():
        path.unlink()
    text = said(root)
    assert "bokehme-midas@1: 4 cases" in text
    assert "leak-free-midas@1: not yet: " in text and "--saliency birefnet" in text


def test_recorded_hashes_are_compared_at_every_opening(root):
    text = said(root, record=True)
    record = records.read_json(root / inventory.RECORD)
    assert record["sha256"] in text and f"{len(record['files'])} files" in text
    assert record["files"]["image/218.jpg"]["sha256"] == records.sha256_file(root / "image" / "218.jpg")
    assert {"boxes.json", "disparity_dpt/864.png", "birefnet/864.saliency.exr"} <= set(record["files"])
    benchmark = open_benchmark(f"ebb400:{root}")
    with pytest.warns(UserWarning, match="a table over these"):
        before = benchmark.cases()
    # A copy has other dates and the same bytes.
    os.utime(root / "bokeh" / "864.jpg", ns=(1, 1))
    with pytest.warns(UserWarning, match="a table over these"):
        assert benchmark.cases() == before
    images.write_jpeg(root / "bokeh" / "864.jpg", replicas.bokeh(864, 1.0))
    with (
        pytest.warns(UserWarning, match="a table over these"),
        pytest.raises(InputError, match=r"864.jpg: is not the file"),
    ):
        benchmark.cases()
    assert "not yet: " in said(root)
    said(root, record=True)
    with pytest.warns(UserWarning, match="a table over these"):
        assert benchmark.cases() != before


def test_the_record_changes_no_data_hash(root):
    benchmark = open_benchmark(f"ebb400:{root}")
    with pytest.warns(UserWarning, match="a table over these"):
        before = benchmark.cases()
        said(root, record=True)
        assert benchmark.cases() == before


@pytest.mark.parametrize(
    "files",
    [[1], 7, {"image/218.jpg": {}}, {"image/218.jpg": [1]}, {"image/218.jpg": {"bytes": "1", "modified": 2}}],
)
def test_a_broken_record_is_one_line(root, files):
    records.write_json(root / inventory.RECORD, {"schema": inventory.SCHEMA, "files": files})
    with (
        pytest.warns(UserWarning, match="a table over these"),
        pytest.raises(InputError, match=r"bokehbench.json: broken; delete it"),
    ):
        open_benchmark(f"ebb400:{root}").cases()
    assert "not yet: " in said(root)
    said(root, record=True)
    assert "4 cases" in said(root)


def test_what_somebodys_code_raises_is_one_line(root, monkeypatch):
    monkeypatch.setattr("bokehbench.benchmarks.ebb400.EBB400.items", lambda self: 1 // 0)
    assert "bokehme-midas@1: not yet: ZeroDivisionError: " in said(root)


def test_two_files_of_one_name_are_refused(root):
    images.write_png(root / "image" / "218.png", replicas.photograph(1))
    with pytest.raises(InputError, match="two files of one name"):
        said(root)


def test_the_command(root, capsys):
    for arguments, code, text in (
        (["describe", f"ebb400:{root}", "--record"], 0, "recorded in"),
        (["describe", "ebb400"], 0, "under bokehme-midas@1: MiDaS disparity"),
        (["describe", "ebb400"], 0, "cases of the published set: 400"),
        (["describe", "blb"], 0, "5 levels x 10 foci: 500 cases"),
        (["describe", "realbokeh"], 0, "under optics@1: Metric depth by Depth Pro"),
        (["describe", "ipb"], 0, "Chosen with the ground truth: nothing."),
        (["describe", "ebb400", "--record"], 2, "of a benchmark's folder"),
        (["describe", f"ebb400:{root / 'nowhere'}"], 2, "no folder"),
        (["describe", f"ebb500:{root}"], 2, "did you mean ebb400"),
    ):
        with pytest.raises(SystemExit) as done:
            main(arguments)
        out, err = capsys.readouterr()
        assert done.value.code == code and text in out + err


def test_folders_with_their_own_hashes_need_no_record(tmp_path):
    with pytest.raises(ConfigError, match="in their own files"):
        list(survey("layered", tmp_path, record=True))


def test_what_is_any_folder_of_its_kind_has_no_number_of_published_cases(capsys):
    with pytest.raises(SystemExit):
        main(["describe", "blb"])
    assert "cases of the published set" not in capsys.readouterr().out
