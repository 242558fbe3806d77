"""A stored set as tensors: what was stored, what follows from it, the same in every process."""

from importlib import resources

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from bokehbench.errors import ConfigError, InputError
from bokehbench.optics import Lens, signed_defocus
from bokehbench.synth.config import parse_recipe
from bokehbench.synth.dataset import build, sample_keys
from bokehbench.synth.sample import make_first_valid
from bokehbench.synth.store.profile import PROFILES
from bokehbench.synth.training import Augment, Batches, EpochSampler, StreamLoader, SynthDataset, stack
from bokehbench.synth.truth import Corruption, compute, error_map
from bokehbench.synth.truth.named import View

SIZE = (96, 72)
SEED = 11


def equal(a, b):
    assert a.keys() == b.keys()
    for key in a:
        if isinstance(a[key], torch.Tensor):
            assert torch.equal(a[key], b[key]), key
        else:
            assert a[key] == b[key], key


def test_items_are_what_was_rendered(stored, recipe, library):
    dataset = SynthDataset(stored)
    assert len(dataset) == len(sample_keys(stored)) == 4
    for index, item in enumerate(dataset):
        sample, _ = make_first_valid(recipe, library, SEED, index)
        for key, image in (("aif", sample.all_in_focus), ("bokeh", sample.renders[0].image)):
            expected = np.clip(image, 0.0, 1.0).transpose(2, 0, 1)
            np.testing.assert_allclose(item[key], expected, atol=0.5 / 255 + 1e-6)
        np.testing.assert_allclose(item["disp"][0], sample.scene.disparity, atol=0.5 / 65535 + 1e-7)
        assert item["K"] == np.float32(sample.scene.lens.K)
        assert Lens.from_json(item["lens"]) == sample.scene.lens
        assert item["key"] == f"{index:09d}" and item["render"] == "k0"


def test_what_was_not_stored_follows_from_the_layers(stored, recipe, library):
    keys = (
        "label",
        "defocus",
        "focus_mask",
        "boundary",
        "error_map",
        "alpha",
        "rgba",
        "subject_mask",
        "planes",
    )
    dataset = SynthDataset(stored, keys)
    for index in range(2):
        sample, _ = make_first_valid(recipe, library, SEED, index)
        item, lens = dataset[index], sample.scene.lens
        truths = {
            t.name: t.pixels
            for t in compute([k for k in keys if k not in ("error_map", "planes")], View.of(sample))
        }
        count = len(sample.scene.layers)
        np.testing.assert_array_equal(item["label"][0], truths["label"])
        np.testing.assert_allclose(
            item["defocus"][0], signed_defocus(sample.scene.disparity, lens), atol=1e-3
        )
        np.testing.assert_array_equal(item["bdist"], np.stack([truths[f"bdist_{i}"] for i in range(count)]))
        assert item["rgba"].shape == (count, 4, *SIZE[::-1]) and item["alpha"].shape == (count, *SIZE[::-1])
        expected = error_map(
            sample.scene.disparity, item["bdist"].numpy(), item["bdisp"].numpy(), lens.K, lens.disp_focus
        )
        np.testing.assert_allclose(item["error_map"][0], expected, atol=1e-3)
        planes = [(layer.plane.p, layer.plane.q, layer.plane.r) for layer in sample.scene.layers]
        np.testing.assert_allclose(item["planes"], planes)


def test_shards_give_what_folders_give(stored, recipe, library, tmp_path):
    build(
        recipe,
        library,
        count=2,
        root_seed=SEED,
        root=tmp_path / "shards",
        store="wds",
        profile=PROFILES["full"],
        shard_size=2,
    )
    keys = ("aif", "bokeh", "disp", "label", "subject_mask", "boundary", "error_map", "rgba", "disp_soft")
    folder, shards = SynthDataset(stored, keys), SynthDataset(tmp_path / "shards", keys)
    assert len(shards) == 2
    for index in range(2):
        computed, read = folder[index], shards[index]
        for key in ("aif", "bokeh", "disp", "label"):
            assert torch.equal(computed[key], read[key]), key
        for key, tolerance in (("subject_mask", 0.5 / 255), ("rgba", 0.5 / 255), ("disp_soft", 2e-4)):
            torch.testing.assert_close(read[key], computed[key], atol=tolerance + 1e-6, rtol=0)
        torch.testing.assert_close(read["bdist"], computed["bdist"], atol=0, rtol=1e-3)  # half floats
        torch.testing.assert_close(read["error_map"], computed["error_map"], atol=5e-3, rtol=0)


def test_augmentation_keeps_the_books(stored):
    augment = Augment(crop=(40, 32), flip=0.5, flip_vertical=0.5)
    keys = ("aif", "disp", "label", "planes", "defocus")
    dataset, plain = SynthDataset(stored, keys, augment=augment, seed=4), SynthDataset(stored, keys)
    y, x = np.mgrid[0:32, 0:40]
    seen = set()
    for index in range(3 * len(dataset)):
        item, whole = dataset[index], plain[index % len(plain)]
        planes, labels = item["planes"].numpy(), item["label"][0].numpy()
        p, q, r = (planes[labels, k] for k in range(3))
        np.testing.assert_allclose(item["disp"][0], p * x + q * y + r, atol=1e-4)
        assert item["K"] == whole["K"] and item["disp_focus"] == whole["disp_focus"]
        np.testing.assert_allclose(
            item["defocus"], item["K"] * (item["disp"] - item["disp_focus"]), atol=2e-2
        )
        window = augment.window(SIZE, 4, index % 4, index // 4)
        seen.add(window)
        np.testing.assert_array_equal(
            item["aif"].numpy().transpose(1, 2, 0), window.cut(whole["aif"].numpy().transpose(1, 2, 0))
        )
    assert len(seen) == 12  # every epoch has other windows
    equal(dataset[5], dataset[5])


def test_disparity_is_corrupted_anew_in_every_epoch(stored):
    dataset = SynthDataset(stored, ("disp", "disp_pred"), corruption=Corruption(p=1.0, blur_p=1.0), seed=6)
    for index in range(4):
        epochs = [dataset[index + epoch * len(dataset)] for epoch in range(2)]
        assert torch.equal(epochs[0]["disp"], epochs[1]["disp"])
        assert not torch.equal(epochs[0]["disp_pred"], epochs[1]["disp_pred"])
        assert (epochs[0]["disp_pred"] - epochs[0]["disp"]).abs().max() > 0.01
        equal(epochs[0], dataset[index])


def test_torch_loader_with_workers_gives_the_same_batches(stored):
    dataset = SynthDataset(stored, augment=Augment(crop=(32, 32), flip=0.5), seed=2)

    def batches(workers):
        loader = DataLoader(
            dataset, 2, sampler=EpochSampler(len(dataset), seed=1), num_workers=workers, collate_fn=stack
        )
        return [batch for _ in range(2) for batch in loader]

    alone, helped = batches(0), batches(2)
    assert len(alone) == 4 and alone[0]["aif"].shape == (2, 3, 32, 32) and alone[0]["K"].shape == (2,)
    for a, b in zip(alone, helped, strict=True):
        equal(a, b)
    assert not torch.equal(alone[0]["aif"], alone[2]["aif"])


def test_stored_sets_train_endlessly_and_resume(stored):
    def loader():
        dataset = SynthDataset(stored, ("aif", "bokeh"), augment=Augment(crop=(24, 24)), seed=3)
        return StreamLoader(Batches(dataset, batch_size=3), stack)

    first = loader()
    whole = [batch for _, batch in zip(range(6), first, strict=False)]
    again = loader()
    again.load_state_dict({**first.state_dict(), "step": 4})
    for expected, batch in zip(whole[4:], again, strict=False):
        equal(expected, batch)


def test_batches_of_unequally_many_layers_are_filled_up():
    def item(count):
        return {
            "alpha": torch.ones(count, 2, 2),
            "bdist": torch.ones(count, 2, 2),
            "K": torch.tensor(1.0),
            "key": "a",
        }

    batch = stack([item(2), item(3)])
    assert batch["alpha"].shape == (2, 3, 2, 2) and not batch["alpha"][0, 2].any()
    assert (batch["bdist"][0, 2] == 65504.0).all() and batch["key"] == ["a", "a"]
    with pytest.raises(ConfigError, match="of different sizes"):
        stack([{"aif": torch.ones(3, 2, 2)}, {"aif": torch.ones(3, 2, 4)}])


def test_what_cannot_be_given_is_one_clear_line(stored, tmp_path):
    with pytest.raises(ConfigError, match="unknown key 'depth' of training data; one of aif"):
        SynthDataset(stored, ("depth",))
    with pytest.raises(InputError, match="not a synthetic set"):
        SynthDataset(tmp_path)
    with pytest.raises(InputError, match="holds no lq; build the set again"):
        SynthDataset(stored, ("lq",))[0]
    with pytest.raises(ConfigError, match="renders must be all or one"):
        SynthDataset(stored, renders="each")
    with pytest.raises(IndexError):
        SynthDataset(stored)[-1]


def test_crops_of_small_twins_are_refused(recipe, library, tmp_path):
    text = (resources.files("bokehbench.synth.degrade") / "presets" / "light_phone.yaml").read_text()
    preset = tmp_path / "small.yaml"
    preset.write_text(text.replace("enlarge: {bicubic: 1}", "enlarge: null"))
    values = recipe.to_json() | {"degrade": {"preset": str(preset)}, "truth": ["aif", "lq"]}
    root = tmp_path / "set"
    build(parse_recipe(values, "small"), library, count=1, root_seed=SEED, root=root)
    assert SynthDataset(root, ("aif", "lq"))[0]["lq"].shape == (3, SIZE[1] // 2, SIZE[0] // 2)
    with pytest.raises(ConfigError, match="a crop needs a degradation that enlarges"):
        SynthDataset(root, ("aif", "lq"), augment=Augment(crop=(64, 64)))[0]
