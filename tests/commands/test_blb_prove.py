"""`blb prove` is a proof: it passes a right lens and fails a wrong one."""

import json

import pytest

from bokehbench.blender import prove
from bokehbench.cli import main


def run(*options):
    with pytest.raises(SystemExit) as stop:
        main(["blb", "prove", *options])
    return stop.value.code


@pytest.mark.blender
def test_a_right_lens_passes_and_one_ten_percent_wrong_fails(tmp_path, capsys):
    pytest.importorskip("bpy", reason="needs the [blender] extra")
    quick = ["--view", "landscape", "--spp", "48", "--json"]
    assert run(*quick, str(tmp_path / "right.json")) == 0
    said = capsys.readouterr().out
    assert "the geometry holds: 27 radii" in said and "focus infinity" in said
    right = json.loads((tmp_path / "right.json").read_text())
    assert right["holds"] and len(right["radii"]) == 27
    assert {"view", "depth", "off_axis", "predicted", "measured", "error"} <= right["radii"][0].keys()

    assert run(*quick, str(tmp_path / "wrong.json"), "--aperture-factor", "1.1") == 1
    assert "WRONG" in capsys.readouterr().out
    wrong = json.loads((tmp_path / "wrong.json").read_text())
    assert not wrong["holds"]
    # Radii grow with the aperture, and nothing else changes.
    pairs = [(a, b) for a, b in zip(right["radii"], wrong["radii"], strict=True) if a["predicted"] > 2]
    assert pairs and all(a["predicted"] == b["predicted"] for a, b in pairs)
    assert all(b["measured"] / b["predicted"] == pytest.approx(1.1, abs=0.06) for _, b in pairs)


@pytest.mark.parametrize(
    "options", [["--view", "panorama"], ["--tolerance", "0"], ["--aperture-factor", "0"]]
)
def test_what_cannot_be_measured_is_2_not_1(options, capsys):
    assert run(*options) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_verdict_is_about_the_largest_error_of_either_sign():
    def radius(measured):
        return prove.Radius("landscape", 4, 0, 5.0, 2.0, 0.0, 3.0, measured)

    assert prove.to_json([radius(3.1), radius(2.8)], 0.25)["holds"]
    result = prove.to_json([radius(3.1), radius(2.7)], 0.25)
    assert not result["holds"] and result["largest_error_px"] == pytest.approx(0.3)
