"""Claims about what BokehMe is trained on: true to the scene, to the lens, and to the stage."""

import numpy as np
import pytest
import torch

from bokehbench.baselines.scatter.kernel import dilate_defocus, scatter
from bokehbench.errors import ConfigError, InputError
from bokehbench.optics import decode, encode
from bokehbench.synth.store.reader import StoredSet, open_set
from bokehbench.synth.training import Augment, SynthDataset
from bokehbench.synth.truth import error_map
from bokehbench.training.bokehme.data import KEYS, KeptPictures, StoredCrops, margin, prepare
from bokehbench.training.bokehme.sources import Scattered, open_source, split
from tests.training.conftest import few

NAMES = {"image", "target", "gamma", "defocus", "classical", "dilated", "error"}


def whole(root, index):
    return SynthDataset(root, KEYS)[index]


def test_the_error_map_is_that_of_the_true_scene(photographs):
    stored = open_set(photographs)
    key, window = stored.keys()[0], (slice(10, 42), slice(20, 52))
    meta = stored.meta(key)
    disparity = stored.read(key, "disp")
    layers = range(len(meta["layers"]))
    distance, other = (
        np.stack([stored.read(key, f"{name}_{n}") for n in layers]) for name in ("bdist", "bdisp")
    )
    for index, render in enumerate(meta["renders"]):
        expected = error_map(disparity, distance, other, render["K"], render["disp_focus"])
        item = whole(photographs, index)
        # A disparity that is estimated wrongly does not move the edges of the scene.
        item["disp_pred"] = torch.zeros_like(item["disp"])
        made = prepare(item)["error"][0].numpy()
        np.testing.assert_allclose(made, expected, atol=1e-5)
        cut = {
            k: v[..., *window] if isinstance(v, torch.Tensor) and v.ndim == 3 else v for k, v in item.items()
        }
        np.testing.assert_allclose(prepare(cut)["error"][0].numpy(), expected[window], atol=1e-5)


def test_the_classical_rendering_is_scattering_in_linear_light_by_the_disparity_that_is_seen(photographs):
    item = whole(photographs, 1)
    item["disp_pred"] = item["disp"] * 0.5
    made = prepare(item)
    gamma, K, focus = (float(item[name]) for name in ("gamma", "K", "disp_focus"))
    assert gamma == pytest.approx(2.2)
    defocus = K * (item["disp_pred"][0].numpy() - focus)
    light = decode(item["aif"].numpy().transpose(1, 2, 0), gamma)
    expected = encode(scatter(light, defocus), gamma).transpose(2, 0, 1)
    np.testing.assert_allclose(made["defocus"][0].numpy(), defocus, atol=1e-5)
    np.testing.assert_allclose(made["classical"].numpy(), expected, atol=2e-3)
    assert (made["dilated"][0].numpy() == dilate_defocus(defocus.astype(np.float32))).mean() > 0.999


def test_scattering_sees_the_light_around_a_crop(photographs):
    """A part with its surroundings is the same part of the whole; a bare part is not."""
    item = whole(photographs, 1)
    K = float(item["K"])
    around, side = margin(K), 96 - 2 * margin(K)
    expected = prepare(item)
    inner = (..., slice(around, around + side), slice(around, around + side))
    made = prepare(item, around)
    bare = prepare(
        {k: v[inner] if isinstance(v, torch.Tensor) and v.ndim == 3 else v for k, v in item.items()}
    )
    for name in NAMES - {"gamma"}:
        assert made[name].shape[-2:] == (side, side)
        torch.testing.assert_close(made[name], expected[name][inner], atol=1e-4, rtol=0.0)
    assert (bare["classical"] - made["classical"]).abs().max() > 0.01


def test_input_and_target_hold_the_same_light(photographs):
    """Where nothing but depth could make a difference, and depth makes none, scattering gives the target.

    Lamps of drawn nights are brighter than white: were the target rendered from them, discs of light would
    stand where the all-in-focus image, which is stored in 8 bit, shows little.
    """
    for index in range(4):
        made = prepare(whole(photographs, index))
        smooth = (made["error"][0] < 0.01) & (made["defocus"][0].abs() > 1.0)
        assert smooth.float().mean() > 0.05
        error = (made["classical"].clamp(0.0, 1.0) - made["target"])[:, smooth]
        assert float(error.square().mean()) < 10.0**-3.0


def test_batches_hold_crops_of_many_photographs_and_each_crop_once(photographs):
    data = SynthDataset(photographs, KEYS, seed=3)
    crops = StoredCrops(data, tuple(range(8)), crops=4, mixed=4)
    places = [crops.place(position) for position in range(64)]
    assert sorted(places) == [(photo, crop) for photo in range(16) for crop in range(4)]
    for start in range(0, 64, 16):
        assert len({photo for photo, _ in places[start : start + 16]}) == 4
    firsts = [photo for photo, _ in places[:4]]
    assert len(set(firsts)) > 1


def test_a_stage_sees_its_own_K_and_validation_scenes_are_never_trained_on(photographs):
    data = SynthDataset(photographs, KEYS)
    seen = {}
    for K in (12.0, 24.0):
        train, held = split(data, Scattered((K, K)), 1)
        seen[K] = {*train, *held}
        stack = len(data) // len(data.samples)
        assert {index // stack for index in train} == {0, 1}
        assert {index // stack for index in held} == {2}
        assert all(abs(float(data[index]["K"]) - K) < 1e-3 for index in seen[K])
    assert seen[12.0] | seen[24.0] == set(range(len(data)))
    assert not seen[12.0] & seen[24.0]


def test_photographs_are_chosen_without_reading_pixels(photographs, monkeypatch):
    def read(*_):
        raise AssertionError("a picture was read")

    monkeypatch.setattr(StoredSet, "read", read)
    assert split(SynthDataset(photographs, KEYS), Scattered((12.0, 12.0)), 1)[0]


def test_a_set_without_such_photographs_or_with_too_few_scenes_is_refused(photographs):
    data = SynthDataset(photographs, KEYS)
    with pytest.raises(InputError, match="no photographs with K from 5"):
        split(data, Scattered((5.0, 5.0)), 1)
    with pytest.raises(ConfigError, match="too few to hold 3 out"):
        split(data, Scattered((12.0, 12.0)), 3)


def test_crops_are_functions_of_their_position_and_cost_one_reading(photographs, settings):
    def crops():
        data = SynthDataset(photographs, KEYS, augment=Augment((32, 32), 0.5, 0.5), seed=1)
        return StoredCrops(data, (0, 2, 4), crops=4, corruption=settings.data.corruption)

    one, other = crops(), crops()
    forth = [one.item(position) for position in range(8)]
    back = [other.item(position) for position in reversed(range(8))][::-1]
    for first, second in zip(forth, back, strict=True):
        assert set(first) == NAMES
        assert all((first[name] == second[name]).all() for name in NAMES)
    # Four crops of one photograph, all of them different.
    assert len({crop["image"].tobytes() for crop in forth[:4]}) == 4
    reads = []
    kept = KeptPictures(open_set(photographs))
    kept.stored.read = lambda key, name, meta=None: reads.append(name) or np.zeros((4, 4), np.float32)
    for _ in range(3):
        kept.read("000000000", "aif")
    assert reads == ["aif"]


def test_of_several_tries_the_crop_with_most_depth_edges_is_taken(photographs):
    data = SynthDataset(photographs, KEYS, augment=Augment((32, 32), 0.5, 0.5), seed=1)
    singles, best = StoredCrops(data, (0,), crops=12), StoredCrops(data, (0,), crops=4, tries=3)
    reached = [float(singles.crop(0, visit)["error"].mean()) for visit in range(12)]
    chosen = [float(best.crop(0, visit)["error"].mean()) for visit in range(4)]
    assert chosen == [max(reached[3 * n : 3 * n + 3]) for n in range(4)]
    assert sum(chosen) / 4 > sum(reached) / 12


def test_pictures_that_are_kept_stay_within_their_memory(photographs):
    kept = KeptPictures(open_set(photographs), memory=300_000)
    for key in open_set(photographs).keys():  # noqa: SIM118
        for name in ("aif", "disp", "bokeh_k0"):
            assert np.array_equal(kept.read(key, name), open_set(photographs).read(key, name))
    assert sum(picture.nbytes for picture in kept._pictures.values()) <= 300_000


def test_augmentation_spoils_what_is_seen_and_validation_is_as_it_is(photographs):
    spoiled = few("data.corruption.p=1", "data.corruption.blur_p=1", "data.flip=0", "data.flip_vertical=0")
    plain = few("data.corruption=null", "data.flip=0", "data.flip_vertical=0")
    sources = [open_source(str(photographs), one.data, 1) for one in (spoiled, plain)]
    first, second = (next(iter(source.loader(Scattered((12.0, 12.0)), 2))) for source in sources)
    assert torch.equal(first["target"], second["target"])
    assert torch.equal(first["error"], second["error"])
    assert not torch.equal(first["defocus"], second["defocus"])
    held = [source.held_out(Scattered((12.0, 12.0))) for source in sources]
    assert [len(batch["image"]) for batch in held[0]] == [1, 1, 1]
    for one, other in zip(*held, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in NAMES)


def test_processes_that_train_together_see_what_one_sees(photographs, settings):
    def first(**others):
        source = open_source(str(photographs), settings.data, 1, **others)
        return next(iter(source.loader(Scattered((12.0, 12.0)), 4)))["image"]

    parts = [first(rank=rank, world=2) for rank in range(2)]
    assert torch.equal(torch.stack(parts, dim=1).flatten(0, 1), first())
    with pytest.raises(ConfigError, match="shared out"):
        first(rank=0, world=3)


def test_a_stream_gives_new_scenes_with_the_K_of_the_stage():
    changes = (
        'data.changes=["size=[96, 96]", "stack.K_at_512=[64, 128]", "foregrounds.kinds={wires: 1}", '
        '"backgrounds.kinds={fairy_lights: 1}"]'
    )
    chosen = few(changes, "data.quality=draft")
    source = open_source("stream", chosen.data, 1)
    loader = source.loader(Scattered((24.0, 24.0)), 2)
    batch = next(iter(loader))
    assert set(batch) == NAMES
    assert batch["image"].shape == (2, 3, 32, 32)
    assert source._scenes(Scattered((24.0, 24.0)), 1, Augment(), False).recipe.stack.K_at_512 == (128.0,)
    with pytest.raises(ConfigError, match="nothing with K from 5"):
        source.loader(Scattered((5.0, 6.0)), 2)


def test_a_set_that_is_not_there_is_answered_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(InputError, match="bokehbench synth build --recipe bokehme --count 150 --seed 1"):
        open_source(str(tmp_path), few().data, 1)
