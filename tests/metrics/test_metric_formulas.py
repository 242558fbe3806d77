"""The perceptual measures against the formulas of their papers (perf/metric_formulas.py), and against piq."""

from __future__ import annotations

import pytest
from metric_formulas import gmsd, haarpsi, ms_ssim

from bokehbench.metrics import score_images

KINDS = ("blur", "noise", "dark", "shift")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "formula"), [("ms-ssim", ms_ssim), ("gmsd", gmsd), ("haarpsi", haarpsi)])
def test_the_measure_is_the_formula_of_the_paper(photo, distorted, kind, name, formula):
    x, y = distorted[kind][:176, :176], photo[:176, :176]
    # The matrices from RGB to YIQ differ in the fourth digit between the two.
    tolerance = 1e-9 if name == "ms-ssim" else 2e-4
    assert score_images(x, y, [name])[name] == pytest.approx(formula(x, y), abs=tolerance)


@pytest.mark.parametrize(
    ("kind", "shape"), [("blur", (171, 184)), ("noise", (176, 179)), ("dark", (173, 177))]
)
def test_ssim_and_ms_ssim_are_those_of_piq(photo, distorted, kind, shape):
    """Even and odd sizes: padding before each halving is part of the number."""
    import piq

    from bokehbench.metrics.tensors import to_tensor

    x, y = distorted[kind][: shape[0], : shape[1]], photo[: shape[0], : shape[1]]
    ours = score_images(x, y, ["ssim", "ms-ssim"])
    pair = to_tensor(x), to_tensor(y)
    assert ours["ssim"] == pytest.approx(float(piq.ssim(*pair, downsample=False)), abs=1e-12)
    assert ours["ms-ssim"] == pytest.approx(float(piq.multi_scale_ssim(*pair)), abs=1e-12)
