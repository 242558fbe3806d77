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


def lens(factor, view="landscape", largest=8.0, noise=0.0):
    """Radii up to `largest` pixels as a lens gives them whose aperture is wrong by a factor."""
    predicted = [largest * share / 8 for share in range(9)]
    return [
        prove.Radius(view, 4, 0, 5.0, 2.0, 0.0, p, factor * p + noise * (-1) ** n)
        for n, p in enumerate(predicted)
    ]


@pytest.mark.parametrize(
    ("factor", "right"), [(1.0, True), (1.015, True), (0.985, True), (1.04, False), (0.96, False)]
)
def test_an_aperture_that_is_wrong_by_less_than_the_tolerance_is_found_by_the_slope(factor, right):
    """Four percent of 8 px are 0.32 px: each radius for itself would pass."""
    radii = lens(factor)
    assert max(abs(radius.error) for radius in radii) < 0.5
    assert prove.slopes(radii) == pytest.approx({"landscape": factor})
    assert prove.holds(radii, 0.5) == right
    result, said = prove.to_json(radii, 0.5), prove.verdict(radii, 0.5)
    assert result["holds"] == right and result["slopes"]["landscape"] == pytest.approx(factor)
    assert ("WRONG" in said) != right and f"radii grow by {factor:.3f} of what they shall (landscape)" in said


def test_one_wrong_view_is_enough_and_is_the_one_that_is_named():
    radii = [*lens(1.0), *lens(1.03, "portrait"), *lens(0.99, "sensor height")]
    assert not prove.holds(radii, 0.5) and "(portrait)" in prove.verdict(radii, 0.5)
    # Together the three views would be within 2 %.
    together = [prove.Radius("landscape", 4, 0, 5.0, 2.0, 0.0, r.predicted, r.measured) for r in radii]
    assert prove.holds(together, 0.5)


def test_noise_of_single_radii_is_no_slope_and_a_view_without_blur_has_none():
    assert prove.holds(lens(1.0, noise=0.1), 0.5)
    assert prove.slopes(lens(1.0, largest=0.9)) == {} and prove.holds(lens(1.3, largest=0.9), 0.5)
    assert "grow by" not in prove.verdict(lens(1.0, largest=0.9), 0.5)
    # A light that came out sharper than sharp counts against the slope, it does not vanish.
    negative = [*lens(1.0), prove.Radius("landscape", 4, 0, 5.0, 2.0, 0.0, 8.0, -8.0)]
    assert prove.slopes(negative)["landscape"] < 0.9
