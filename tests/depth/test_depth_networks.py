"""Claims about what networks are fed and what becomes of their output."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from depth_world import picture, save_depth_anything
from PIL import Image
from safetensors.torch import load_file, save_file

from bokehbench import depth
from bokehbench.depth.disparity import to_prediction
from bokehbench.depth.network import Network
from bokehbench.errors import ConfigError, InputError, JobFailed
from bokehbench.registry import DepthModelSpec, register

RELATIVE = ("relative_network", "dpt_network")
METRIC = ("metric_network", "depth_pro_network", "zoe_network")


@pytest.mark.parametrize("name", [*RELATIVE, *METRIC])
@pytest.mark.parametrize("size", [(37, 61), (80, 33)])
def test_maps_have_the_pictures_size_and_span_zero_to_one(name, size, request):
    said = depth.predict_raw(str(request.getfixturevalue(name)), picture(*size))
    assert said.disparity.shape == said.raw.shape == size
    assert said.disparity.dtype == np.float32
    assert said.disparity.min() == 0.0 and said.disparity.max() == 1.0
    assert said.raw.std() > 0.0


@pytest.mark.parametrize("name", [*RELATIVE, *METRIC])
def test_near_is_one(name, request):
    kind = "depth" if name in METRIC else "disparity"
    said = depth.predict_raw(str(request.getfixturevalue(name)), picture(40, 40))
    assert said.kind == kind
    order = np.argsort(said.raw.ravel(), kind="stable")
    steps = np.diff(said.disparity.ravel()[order])
    assert (steps >= 0.0).all() if kind == "disparity" else (steps <= 0.0).all()


@pytest.mark.parametrize("name", ["relative_network", "dpt_network", "depth_pro_network", "zoe_network"])
def test_what_the_network_sees_comes_back_in_its_place(name, request):
    """With a network that passes its input on: whatever a processor resizes and pads, it undoes."""
    choice = depth.Choice(str(request.getfixturevalue(name)))
    network = Network(choice.checkpoint(), "cpu")
    network._network = lambda pixel_values: SimpleNamespace(
        predicted_depth=pixel_values.mean(1) + 2.0, field_of_view=None
    )
    y, x = np.mgrid[0:90, 0:130]
    grey = 0.5 + 0.4 * np.sin(x / 13.0) * np.cos(y / 17.0)
    raw = network.infer(np.repeat(grey[..., None], 3, axis=2).astype(np.float32))
    seen = 1.0 / raw if name == "depth_pro_network" else raw
    inner = np.s_[6:-6, 6:-6]
    assert np.corrcoef(seen[inner].ravel(), grey[inner].ravel())[0, 1] > 0.995


def test_what_is_inferred_is_what_transformers_own_pipeline_infers(relative_network):
    from transformers import pipeline

    image = picture(56, 70)  # the network's own size: nothing is resized on the way in, so 8 bit is no loss
    there = pipeline("depth-estimation", model=str(relative_network), device="cpu")
    theirs = there(Image.fromarray(np.rint(image * 255).astype(np.uint8)))["predicted_depth"].numpy()
    ours = depth.predict_raw(str(relative_network), image).raw
    assert ours == pytest.approx(theirs.reshape(ours.shape), abs=1e-4 * np.abs(theirs).max())


def test_the_number_of_threads_changes_no_bit(relative_network):
    image, before = picture(90, 130), torch.get_num_threads()
    maps = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        try:
            maps.append(depth.predict(str(relative_network), image))
            assert torch.get_num_threads() == threads
        finally:
            torch.set_num_threads(before)
    assert maps[0].tobytes() == maps[1].tobytes()


def test_exchanged_files_are_another_network(tmp_path):
    folder = save_depth_anything(tmp_path / "net", seed=1)
    first, was = depth.predict(str(folder), picture(30, 30)), depth.identity(str(folder))
    save_depth_anything(folder, seed=2)
    assert not np.array_equal(depth.predict(str(folder), picture(30, 30)), first)
    now = depth.identity(str(folder))
    assert now["weights"] != was["weights"]
    assert now["files"]["config.json"] == was["files"]["config.json"]
    assert str(tmp_path) not in str(now)


def test_missing_weights_are_never_random(relative_network, tmp_path):
    folder = shutil.copytree(relative_network, tmp_path / "net")
    weights = load_file(folder / "model.safetensors")
    del weights["head.conv1.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"1 weights are missing.*head\.conv1\.weight"):
        depth.predict(str(folder), picture(30, 30))
    save_file(
        weights | {"head.conv1.weight": torch.zeros(2, 2)}, folder / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(InputError, match=r"of another shape \(head\.conv1\.weight"):
        depth.predict(str(folder), picture(30, 30))


def test_what_is_no_depth_network_is_refused(relative_network, tmp_path):
    folder = shutil.copytree(relative_network, tmp_path / "net")
    (folder / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(InputError, match="'bert' is no depth network"):
        depth.predict(str(folder), picture(30, 30))


def test_weights_that_no_output_depends_on_may_be_missing(dpt_network, tmp_path):
    """Intel's files lack the first fusion's residual unit, which has no input."""
    folder = shutil.copytree(dpt_network, tmp_path / "net")
    weights = load_file(folder / "model.safetensors")
    unused = [name for name in weights if name.startswith("neck.fusion_stage.layers.0.residual_layer1.")]
    assert unused
    rest = {name: tensor for name, tensor in weights.items() if name not in unused}
    save_file(rest, folder / "model.safetensors", {"format": "pt"})
    image = picture(40, 50)
    # Not bit by bit: kernels that sum in another order may be chosen by where weights lie in memory.
    assert np.allclose(depth.predict(str(folder), image), depth.predict(str(dpt_network), image), atol=1e-4)


def test_a_network_that_fails_says_on_what(relative_network):
    with pytest.raises(JobFailed, match="failed on a picture of 50x3 pixels"):
        depth.predict(str(relative_network), picture(3, 50))


def test_pictures_that_are_none_are_refused(relative_network):
    with pytest.raises(InputError, match=r"\[H, W, 3\]"):
        depth.predict(str(relative_network), np.zeros((5, 5), np.float32))
    with pytest.raises(InputError, match="NaN"):
        depth.predict(str(relative_network), np.full((5, 5, 3), np.nan, np.float32))


def test_what_a_network_puts_out_is_never_guessed(relative_network, dpt_network, tmp_path):
    with pytest.raises(ConfigError, match="puts out disparity by its configuration"):
        depth.predict(depth.Choice(str(relative_network), raw="depth"), picture(30, 30))
    folder = shutil.copytree(dpt_network, tmp_path / "net")
    config = json.loads((folder / "config.json").read_text())
    config["backbone_config"] = {"model_type": "dinov2"}  # as those tuned to metres are
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="--raw-is"):
        depth.predict(str(folder), picture(30, 30))


class Constant:
    """A network of one's own, without weights."""

    def __init__(self, checkpoint: None, device: str) -> None:
        assert checkpoint is None

    def infer(self, image):
        return np.linspace(1.0, 9.0, image.shape[1])[None].repeat(len(image), 0)


def test_a_network_of_ones_own_is_registered_like_a_method(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "own_depth", sys.modules[__name__])
    register(DepthModelSpec("own-depth", "A ramp.", "own_depth:Constant", raw="depth"))
    ramp = depth.predict("own-depth", picture(4, 9))
    assert (np.diff(ramp[0]) < 0).all() and ramp[0, 0] == 1.0
    assert depth.identity("own-depth")["spec"] == "own-depth@1"


def test_metric_depth_becomes_inverse_depth():
    z = np.array([[1.0, 2.0, 4.0]])
    said = to_prediction(z, "depth")
    assert said.inverse == pytest.approx(1.0 / z)
    # The three values stand 1/z apart, after clipping to percentiles that lie close to the ends.
    assert said.disparity[0] == pytest.approx([1.0, 1.0 / 3.0, 0.0], abs=0.005)
    assert said.range == pytest.approx((0.25, 1.0), rel=0.005)


def test_one_pixel_too_near_does_not_flatten_the_rest():
    z = np.linspace(1.0, 10.0, 100 * 100).reshape(100, 100)
    spoilt = z.copy()
    spoilt[50, 50] = 1e-4
    clean, other = to_prediction(z, "depth").disparity, to_prediction(spoilt, "depth").disparity
    assert np.abs(clean - other)[z != z[50, 50]].max() < 0.01


def test_depth_of_zero_and_below_counts_as_nearest():
    said = to_prediction(np.array([[0.0, -1.0, 2.0, 4.0]]), "depth")
    assert np.isfinite(said.disparity).all() and said.disparity[0, 0] == said.disparity[0, 2] == 1.0
    with pytest.raises(InputError, match="no positive depth"):
        to_prediction(-np.ones((2, 2)), "depth")


def test_flat_and_broken_outputs():
    assert not to_prediction(np.full((3, 3), 7.0), "disparity").disparity.any()
    with pytest.raises(InputError, match="NaN"):
        to_prediction(np.array([[np.nan]]), "disparity")
