"""LPIPS and DISTS on a trunk with any weights; test_metric_calibration.py compares them with others'.

The trunk here is random but seeded, so that nothing needs to be downloaded. A number from it says nothing
about pictures, and no such object can be reached through a metric's name: test_metric_weights.py.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from calibrate_metrics import NETS, seeded_trunk

from bokehbench.metrics import dists as dists_module
from bokehbench.metrics import lpips as lpips_module
from bokehbench.metrics import weights
from bokehbench.metrics.tensors import to_tensor


@pytest.fixture(scope="module")
def trunks() -> dict[str, dict[str, torch.Tensor]]:
    return {net: seeded_trunk(net) for net in NETS}


@pytest.fixture(scope="module")
def pair(photo, distorted) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(to_tensor(image[60:124, 60:132], double=False) for image in (distorted["blur"], photo))


def test_forgetting_to_scale_the_input_gives_another_number(trunks, pair):
    """The commonest mistake with LPIPS: [0, 1] given where [-1, 1] is meant."""
    model = lpips_module.build("alex", trunks["alex"], weights.require("lpips-v0.1-alex.pth"))
    with torch.inference_mode():
        right, wrong = float(lpips_module.distance(model, *pair)), float(model(*pair))
    assert abs(right - wrong) > 0.2 * right


@pytest.fixture(scope="module")
def dists_model(trunks):
    from safetensors.torch import load_file

    return dists_module.build(trunks["vgg"], load_file(weights.require(dists_module.WEIGHTING)))


def test_alpha_and_beta_are_the_published_ones(dists_model):
    torchmetrics_dists = pytest.importorskip("torchmetrics.functional.image.dists")
    from bokehbench.records import sha256_file

    published = torchmetrics_dists._PATH_WEIGHT_DISTS
    assert sha256_file(published) == "f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218"
    theirs = torch.load(published, map_location="cpu", weights_only=True)
    total = theirs["alpha"].sum() + theirs["beta"].sum()
    for name in ("alpha", "beta"):
        assert torch.allclose(dists_model[name], (theirs[name] / total).flatten(), rtol=1e-6, atol=0.0)


def test_both_distances_are_zero_of_equal_and_symmetric(trunks, pair, dists_model):
    x, y = pair
    model = lpips_module.build("squeeze", trunks["squeeze"], weights.require("lpips-v0.1-squeeze.pth"))
    assert not any(tensor.is_meta for tensor in model.state_dict().values())
    with torch.inference_mode():
        for distance in (
            lambda a, b: float(lpips_module.distance(model, a, b)),
            lambda a, b: float(dists_module.distance(dists_model, a, b)),
        ):
            assert distance(x, x) == pytest.approx(0.0, abs=1e-6)
            assert distance(x, y) == pytest.approx(distance(y, x), rel=1e-6)


def test_building_a_network_leaves_the_global_random_state(trunks):
    torch.manual_seed(3)
    expected = torch.randn(4)
    torch.manual_seed(3)
    lpips_module.build("squeeze", trunks["squeeze"], weights.require("lpips-v0.1-squeeze.pth"))
    assert torch.equal(torch.randn(4), expected)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((270, 480), (256, 455)), ((480, 270), (455, 256)), ((256, 300), (256, 300)), ((90, 80), (90, 80))],
)
def test_dists_resizes_the_shorter_side_down_to_256_only(shape, expected):
    assert dists_module._resized(torch.zeros(1, 3, *shape), 256).shape[2:] == expected
    assert dists_module._resized(torch.zeros(1, 3, *shape), 0).shape[2:] == shape


def test_dists_resizes_like_pillow(golden_large):
    """Antialiased, as the authors' script; piq's bilinear without it is another picture."""
    from PIL import Image

    image = golden_large[1]
    resized = dists_module._resized(to_tensor(image, double=False), 256)
    assert resized.shape[2:] == (256, 303)
    pillow = np.asarray(Image.fromarray(image).resize((303, 256), Image.Resampling.BILINEAR)) / 255.0
    difference = resized[0].permute(1, 2, 0).numpy() - pillow
    assert np.sqrt(np.square(difference).mean()) < 0.5 / 255.0


@pytest.mark.parametrize("net", NETS)
def test_smallest_size_of_the_trunks_is_as_declared(net, trunks):
    from bokehbench.metrics import find

    size = find(f"lpips-{net}").spec.min_size
    model = lpips_module.build(net, trunks[net], weights.require(f"lpips-v0.1-{net}.pth"))
    noise = torch.rand(2, 1, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert float(lpips_module.distance(model, *noise)) > 0.0
        with pytest.raises(RuntimeError):
            lpips_module.distance(model, *noise[..., 1:, 1:])


@pytest.mark.parametrize("net", ["alex", "squeeze"])
def test_stages_are_compared_by_rows_whatever_their_number(net, trunks, monkeypatch):
    """Chunks only save memory, and the distance is the sum of the means of its maps."""
    model = lpips_module.build(net, trunks[net], weights.require(f"lpips-v0.1-{net}.pth"))
    noise = torch.rand(2, 1, 3, 90, 70, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        whole = float(lpips_module.distance(model, *noise))
        monkeypatch.setattr(lpips_module, "ROWS", 5)
        assert float(lpips_module.distance(model, *noise)) == pytest.approx(whole, rel=1e-7)
        maps = list(lpips_module.distance_maps(model, *noise))
        assert float(sum(stage.double().mean() for stage in maps)) == pytest.approx(whole, rel=1e-7)
        assert [stage.shape[:2] for stage in maps] == [(1, 1)] * len(maps)
