"""The stream: the stored sample of the same index, the same for any workers, ranks and resumptions."""

from importlib import resources

import numpy as np
import pytest
import torch

from bokehbench.errors import ConfigError, Unavailable
from bokehbench.synth.config import builtin_path, load_recipe, parse_recipe
from bokehbench.synth.sample import make_first_valid
from bokehbench.synth.training import (
    Augment,
    Batches,
    Mix,
    PrefetchRender,
    RenderCollate,
    SceneSource,
    StreamLoader,
    SynthDataset,
    SynthStream,
)
from bokehbench.synth.truth import Corruption, compute

SEED = 11
KEYS = ("aif", "bokeh", "disp")


def equal(a, b):
    assert a.keys() == b.keys()
    for key in a:
        if isinstance(a[key], torch.Tensor):
            assert torch.equal(a[key], b[key]), key
        else:
            assert a[key] == b[key], key


def take(loader, count):
    return [batch for _, batch in zip(range(count), loader, strict=False)]


@pytest.fixture(scope="module")
def stream_of(recipe, library):
    def make(**others):
        values = {"root_seed": SEED, "batch_size": 2, "epoch_size": 8, "keys": KEYS} | others
        return SynthStream(recipe, library, **values)

    return make


def test_a_scene_of_the_stream_is_the_stored_sample(recipe, library, stored):
    source, dataset = (
        SceneSource(recipe, library, root_seed=SEED, keys=(*KEYS, "label")),
        SynthDataset(stored),
    )
    batch = RenderCollate(KEYS)([source.pack(index) for index in range(4)])
    for index in range(4):
        item = dataset[index]
        for key in ("aif", "bokeh"):
            np.testing.assert_allclose(batch[key][index], item[key], atol=0.5 / 255 + 1e-3)
        np.testing.assert_allclose(batch["disp"][index], item["disp"], atol=1e-5)
        assert batch["K"][index] == item["K"] and batch["key"][index] == item["key"]


def test_a_crop_is_rendered_as_the_part_of_the_whole(recipe, library):
    whole = SceneSource(recipe, library, root_seed=SEED, keys=(*KEYS, "error_map", "planes"))
    augment = Augment(crop=(48, 40), flip=1.0, flip_vertical=0.5)
    part = SceneSource(recipe, library, root_seed=SEED, keys=whole.keys, augment=augment)
    render = RenderCollate(whole.keys, quality="high")
    for index in range(3):
        window = augment.window((96, 72), SEED, index)
        all_of_it, cut = render([whole.pack(index)]), render([part.pack(index)])
        for key, tolerance in (("aif", 1e-5), ("disp", 1e-5), ("error_map", 1e-5)):
            expected = window.cut(all_of_it[key][0].numpy().transpose(1, 2, 0)).transpose(2, 0, 1)
            np.testing.assert_allclose(cut[key][0], expected, atol=tolerance, err_msg=key)
        expected = window.cut(all_of_it["bokeh"][0].numpy().transpose(1, 2, 0)).transpose(2, 0, 1)
        assert np.abs(cut["bokeh"][0].numpy() - expected).mean() < 0.004  # lens cells lie elsewhere


def test_workers_and_rendering_ahead_change_nothing(stream_of):
    alone = take(StreamLoader(stream_of(), RenderCollate(KEYS)), 4)
    with_workers = StreamLoader(stream_of(), RenderCollate(KEYS), workers=2, ahead=2)
    for a, b in zip(alone, take(with_workers, 4), strict=True):
        equal(a, b)
    assert with_workers.state_dict()["step"] == 4  # not what lies ready
    resumed = StreamLoader(stream_of(), RenderCollate(KEYS), ahead=1)
    resumed.load_state_dict({**with_workers.state_dict(), "step": 3})
    equal(take(resumed, 1)[0], alone[3])


def test_ranks_together_see_what_one_process_sees(stream_of):
    render = RenderCollate(("disp",))
    one = [render(packs)["key"] for packs in take(stream_of(batch_size=4, epoch_size=4, keys=("disp",)), 2)]
    two = [
        [render(packs)["key"] for packs in take(stream_of(epoch_size=4, keys=("disp",), rank=r, world=2), 2)]
        for r in range(2)
    ]
    for step, keys in enumerate(one):
        assert sorted(two[0][step] + two[1][step]) == sorted(keys)
        assert sorted(keys) == [f"{index:09d}" for index in range(4 * step, 4 * step + 4)]


def test_low_quality_twins_are_planned_by_index(stream_of):
    others = {"keys": ("aif", "lq"), "degrade": "osediff_512", "augment": Augment(crop=(64, 64))}
    render = RenderCollate(("aif", "lq"))
    first, again = (render(next(iter(stream_of(**others)))) for _ in range(2))
    equal(first, again)
    assert first["lq"].shape == first["aif"].shape
    assert 0.01 < (first["lq"] - first["aif"]).abs().mean() < 0.3
    with pytest.raises(ConfigError, match="needs a degradation"):
        stream_of(keys=("lq",))


def test_recipes_say_what_is_degraded_and_corrupted(recipe, library):
    values = recipe.to_json() | {"degrade": {"preset": "osediff_512", "p": 0.5}, "corruption": {"p": 1.0}}
    other = parse_recipe(values, "test")
    keys = ("aif", "lq", "disp", "disp_pred", "label")
    whole = SceneSource(other, library, root_seed=SEED, keys=keys)
    part = SceneSource(other, library, root_seed=SEED, keys=keys, augment=Augment(crop=(64, 64)))
    own = SceneSource(
        recipe, library, root_seed=SEED, keys=keys, degrade="osediff_512", corruption=Corruption()
    )
    kinds = set()
    for index in range(4):
        sample, _ = make_first_valid(other, library, SEED, index)
        batch = RenderCollate(keys)([whole.pack(index)])
        truths = {truth.name: truth.pixels for truth in compute(("lq", "disp_pred"), sample)}
        np.testing.assert_array_equal(batch["disp_pred"][0, 0], truths["disp_pred"])
        np.testing.assert_allclose(batch["lq"][0], truths["lq"].transpose(2, 0, 1), atol=2 / 255)
        clean = (batch["lq"] - batch["aif"]).abs().max() < 1 / 255
        cut = RenderCollate(keys)([part.pack(index)])
        assert cut["lq"].shape == (1, 3, 64, 64)
        assert ((cut["lq"] - cut["aif"]).abs().max() < 1 / 255) == clean
        kinds.add(bool(clean))
        assert RenderCollate(keys)([own.pack(index)])["disp_pred"].shape == (1, 1, 72, 96)
    assert kinds == {True, False}


def test_crops_are_degraded_by_the_recipe_s_own_preset_file(recipe, library, tmp_path):
    text = (resources.files("bokehbench.synth.degrade") / "presets" / "light_phone.yaml").read_text()
    preset = tmp_path / "mine.yaml"
    preset.write_text(text.replace("name: light_phone", "name: mine"))
    values = recipe.to_json() | {"degrade": {"preset": str(preset)}}
    keys, crop = ("aif", "lq"), Augment(crop=(64, 64))
    of_recipe = SceneSource(parse_recipe(values, "mine"), library, root_seed=SEED, keys=keys, augment=crop)
    of_file = SceneSource(
        recipe, library, root_seed=SEED, keys=keys, augment=crop, degrade=str(preset), epoch_size=8
    )
    assert of_recipe.pack(0).degrade["preset"] == "mine"
    assert of_recipe.pack(0).degrade == of_file.pack(0).degrade
    before = of_file.identity()
    preset.write_text(preset.read_text().replace("p: 0.9", "p: 0.1"))
    after = SceneSource(
        recipe, library, root_seed=SEED, keys=keys, augment=crop, degrade=str(preset), epoch_size=8
    )
    assert after.identity() != before


def test_a_stack_gives_one_photograph_a_visit(recipe, library):
    stack = {"K_at_512": [40.0, 80.0], "disp_focus": [0.1, 0.9], "gamma": [1.0, 2.2], "apertures": []}
    values = recipe.to_json() | {"stack": stack}
    values["highlights"]["modes"] = {"lift": 1.0}
    other = parse_recipe(values, "test")
    source = SceneSource(other, library, root_seed=SEED, keys=(*KEYS, "error_map"))
    for index in range(3):
        sample, _ = make_first_valid(other, library, SEED, index)
        batch = RenderCollate((*KEYS, "error_map"))([source.pack(index)])
        render = next(render for render in sample.renders if render.id == batch["render"][0])
        assert (batch["K"], batch["gamma"]) == (np.float32(render.lens.K), np.float32(render.lens.gamma))
        expected = np.clip(render.image, 0.0, 1.0).transpose(2, 0, 1)
        np.testing.assert_allclose(batch["bokeh"][0], expected, atol=2e-3)
        np.testing.assert_allclose(
            batch["aif"][0], np.clip(sample.all_in_focus, 0.0, 1.0).transpose(2, 0, 1), atol=1e-3
        )


def test_mixture_of_stored_and_fresh_samples(stored, recipe, library):
    def loader():
        augment = Augment(crop=(48, 48))
        fresh = SceneSource(recipe, library, root_seed=99, keys=KEYS, epoch_size=8, augment=augment)
        mix = Mix([(SynthDataset(stored, KEYS, augment=augment), 0.7), (fresh, 0.3)], seed=1)
        return StreamLoader(Batches(mix, batch_size=4), RenderCollate(KEYS, quality="draft"))

    whole = loader()
    batches = take(whole, 3)
    assert batches[0]["bokeh"].shape == (4, 3, 48, 48)
    again = loader()
    again.load_state_dict({**whole.state_dict(), "step": 2})
    equal(take(again, 1)[0], batches[2])


def test_rendering_ahead_hands_on_errors_and_stops():
    def source():
        yield 1
        raise ConfigError("no more")

    with PrefetchRender(source(), lambda number: {"n": number}, ahead=1) as ahead:
        batches = iter(ahead)
        assert next(batches) == {"n": 1}
        with pytest.raises(ConfigError, match="no more"):
            next(batches)

    def endless():
        while True:
            yield 1

    with PrefetchRender(endless(), lambda number: {"n": number}, ahead=2) as ahead:
        next(iter(ahead))
    assert not ahead._thread.is_alive()
    assert list(PrefetchRender([1, 2, 3], lambda number: {"n": number})) == [{"n": 1}, {"n": 2}, {"n": 3}]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_device_renders_what_the_cpu_renders(stream_of):
    keys = ("aif", "bokeh", "lq", "error_map")
    others = {"keys": keys, "degrade": "osediff_512"}
    on_cpu = take(StreamLoader(stream_of(**others), RenderCollate(keys)), 2)
    on_device = take(StreamLoader(stream_of(**others), RenderCollate(keys, device="cuda"), ahead=2), 2)
    for a, b in zip(on_cpu, on_device, strict=True):
        assert a["key"] == b["key"] and b["bokeh"].device.type == "cuda"
        for key in ("aif", "bokeh", "error_map"):
            torch.testing.assert_close(b[key].cpu(), a[key], atol=2e-3, rtol=0)
        assert (b["lq"].cpu() - a["lq"]).abs().mean() < 2 / 255  # a value may round to the next code


def test_what_cannot_be_rendered_is_one_clear_line(stream_of, library):
    with pytest.raises(
        ConfigError, match="a batch without disp_soft: its source has to be made for these keys"
    ):
        RenderCollate(("aif", "disp_soft"))(next(iter(stream_of(keys=("aif",)))))
    if not torch.cuda.is_available():
        with pytest.raises(Unavailable, match="no CUDA device"):
            RenderCollate(KEYS, device="cuda")
    with pytest.raises(ConfigError, match="needs corruption"):
        stream_of(keys=("disp_pred",))
    compat = load_recipe(builtin_path("bokehdiff_compat"))
    with pytest.raises(ConfigError, match="imitates published samplers"):
        SceneSource(compat, library, root_seed=0)
    with pytest.raises(ConfigError, match="workers and ahead"):
        StreamLoader(stream_of(), RenderCollate(KEYS), workers=-1)
