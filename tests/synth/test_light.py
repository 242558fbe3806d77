"""Highlights, curves, order of layers, faults of the published all-in-focus: claims on small layers."""

import cv2
import numpy as np
import pytest

from bokehbench.apertures import Aperture
from bokehbench.errors import ConfigError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens, encode
from bokehbench.synth.compat import composite_encoded, soft_disparity
from bokehbench.synth.config import bokehbench_v1, bokehdiff, load_recipe, parse_recipe
from bokehbench.synth.config import bokehme as bokehme_recipe
from bokehbench.synth.dataset import make_library
from bokehbench.synth.highlights import bokehme, bounded, inverse_reinhard, regamma, srgb_decode, srgb_encode
from bokehbench.synth.materials import _lanczos
from bokehbench.synth.order import Eased, ease, gaps
from bokehbench.synth.place import mirrored
from bokehbench.synth.plan import draw_plan
from bokehbench.synth.render import render_all_in_focus, render_bokeh
from bokehbench.synth.sample import make_first_valid, make_sample
from bokehbench.synth.scene import compose


def flat(value, alpha=1.0, disparity=0.5, size=(16, 12), plane=None):
    rgba = np.full((size[1], size[0], 4), (value * alpha,) * 3 + (alpha,), np.float32)
    return Layer(rgba, plane or Plane(0.0, 0.0, disparity))


def test_inverse_reinhard_undoes_reinhard():
    """The curve x = L / (1 + L (1 - 1/M)) shows radiance M as white."""
    radiance = np.linspace(0.0, 16.0, 50, dtype=np.float32)
    white = 16.0
    shown = radiance / (1.0 + radiance * (1.0 - 1.0 / white))
    grey = np.repeat(shown[None, :, None], 3, axis=2).astype(np.float32)
    np.testing.assert_allclose(inverse_reinhard(grey, None, white)[0, :, 0], radiance, rtol=1e-3, atol=1e-5)


def test_inverse_reinhard_keeps_colour_and_what_is_brighter():
    rgb = np.asarray([[[0.9, 0.45, 0.0], [80.0, 40.0, 0.0], [2.0, 1.0, 0.0]]], np.float32)
    out = inverse_reinhard(rgb, None, 16.0)
    np.testing.assert_allclose(out[..., 1] / out[..., 0], 0.5, rtol=1e-5)
    assert out[0, 0, 0] > 4.0 and out[0, 1, 0] == pytest.approx(80.0) and out[0, 2, 0] == pytest.approx(16.0)


def test_bounded_light_is_what_a_file_of_bounded_range_shows():
    """Straight colour is cut, so that soft edges keep their share of the light; darker pixels stay."""
    alpha = np.asarray([[1.0, 0.5, 0.5, 0.0]], np.float32)
    straight = np.asarray([[[0.2, 1.0, 7.0], [0.2, 1.0, 7.0], [0.1, 0.2, 0.3], [0.0, 0.0, 0.0]]], np.float32)
    plan = draw_plan(load_recipe(bokehme_recipe()), make_library(load_recipe(bokehme_recipe())), 1, 0, 0)
    assert plan.highlight.limit == 1.0
    cut = bounded(straight * alpha[..., None], alpha, plan.highlight)
    np.testing.assert_array_equal(cut, np.minimum(straight, 1.0) * alpha[..., None])
    free = plan.highlight.model_copy(update={"limit": None})
    np.testing.assert_array_equal(bounded(straight, None, free), straight)


def test_no_pixel_exceeds_the_limit_of_light():
    changes = ("size=[96, 96]", "quality=draft", "stack.disp_focus=[0.5]", "stack.gamma=[2.2]")
    lights = ("foregrounds.kinds={neon: 1}", "backgrounds.kinds={night_city: 1}")
    brightest = {}
    for limit in ("1", "null"):
        recipe = load_recipe(bokehme_recipe(), assignments=(*changes, *lights, f"highlights.limit={limit}"))
        sample, _ = make_first_valid(recipe, make_library(recipe), 3, 0)
        pictures = (sample.all_in_focus, *(render.image for render in sample.renders))
        brightest[limit] = max(float(picture.max()) for picture in pictures)
    assert brightest["1"] <= 1.0 + 1e-3
    assert brightest["null"] > 1.5
    with pytest.raises(ConfigError, match="limit does not go with mode bokehme"):
        load_recipe(bokehme_recipe(), assignments=("highlights.modes={bokehme: 1}", "stack.disp_focus=[]"))


def test_bokehme_boost_depends_on_the_focus_and_on_brightness():
    bright, dim = flat(1.0, disparity=0.9), flat(0.3, disparity=0.9)
    far, near = Lens(10.0, 0.2), Lens(10.0, 0.9)
    boosted = encode(bokehme(bright, far).rgba[0, 0, 0], 2.2)
    expected = 1.0 + 0.4 * np.tanh(200 * (0.49 - 0.01)) * np.tanh(10 * (1 - 220 / 255))
    assert boosted == pytest.approx(expected, rel=1e-5)
    np.testing.assert_array_equal(bokehme(bright, near).rgba, bright.rgba)
    np.testing.assert_allclose(bokehme(dim, far).rgba, dim.rgba, atol=1e-6)


def test_srgb_curve_is_the_standard_one():
    values = np.linspace(0.0, 1.0, 101, dtype=np.float32)
    np.testing.assert_allclose(srgb_encode(srgb_decode(values)), values, atol=2e-6)
    assert srgb_decode(np.float32(0.5)) == pytest.approx(0.214041, abs=1e-5)
    assert srgb_decode(np.float32(0.04)) == pytest.approx(0.04 / 12.92)


def test_transfer_changes_pictures_from_files_and_is_recorded():
    settings = ("quality=draft", "backgrounds.kinds={photograph: 1}", "highlights.modes={none: 1}")
    images = {}
    for transfer in ("power", "srgb"):
        recipe = load_recipe(bokehbench_v1(), size=(64, 64), assignments=(*settings, f"transfer={transfer}"))
        images[transfer] = make_first_valid(recipe, make_library(recipe), 3, 1)[0].all_in_focus
    # A photograph is decoded and encoded by the same curve: it looks the same but where light was changed.
    assert 0.0 < np.abs(images["power"] - images["srgb"]).mean() < 0.03


def test_regamma_keeps_the_encoded_picture():
    layer = flat(0.3, alpha=0.4)
    other = regamma(layer, 2.2, 4.0)
    straight = other.rgba[0, 0, 0] / 0.4
    assert encode(straight, 4.0) == pytest.approx(encode(np.float32(0.3), 2.2), rel=1e-4)
    np.testing.assert_array_equal(other.rgba[..., 3], layer.rgba[..., 3])


# ------------------------------------------------------------------------------------------------- order


def test_gaps_are_the_brute_force_minimum():
    size, lens = (16, 12), Lens(4.0, 0.3)
    near = flat(1, plane=Plane(0.01, -0.005, 0.6))
    far = flat(1, plane=Plane(-0.004, 0.01, 0.2))
    y, x = np.mgrid[0:12, 0:16]
    expected = (near.plane.disparity(x, y) - far.plane.disparity(x, y)).min()
    (found,) = gaps([near, far], lens, size)
    assert (found.near, found.far) == (0, 1) and found.least == pytest.approx(expected)


def test_layers_that_no_ray_hits_together_have_no_gap():
    near, far = flat(1, size=(4, 4)), Layer(flat(1, size=(4, 4)).rgba, Plane(0, 0, 0.5), 40, 0)
    assert gaps([near, far], Lens(2.0, 0.0), (64, 16)) == []


def test_tilt_is_halved_four_times_before_a_layer_moves():
    state, history = Eased(), []
    for _ in range(6):
        state = ease(state, 0.01)
        history.append((state.halvings, round(state.shift, 6)))
    assert history == [(1, 0.0), (2, 0.0), (3, 0.0), (4, 0.0), (4, 0.01), (4, 0.02)]


def test_layers_that_would_meet_are_eased_apart_deterministically():
    """A steep foreground close to the background is flattened and lifted until rays have one order."""
    recipe = load_recipe(bokehdiff(), size=(64, 64), assignments=("quality=draft",))
    library = make_library(recipe)
    plan = draw_plan(recipe, library, 5, 2)
    part = plan.foregrounds[0].model_copy(update={"disparity": 0.06, "tilt_range": 0.8})
    far = plan.background.model_copy(update={"base": 0.001, "range": 0.05})
    plan = plan.model_copy(update={"foregrounds": (part,), "background": far})
    scene = compose(plan, library)
    assert scene.facts["tilt_halvings"] > 0 and scene.facts["min_gap"] >= 0.02
    assert compose(plan, library).facts == scene.facts


# ------------------------------------------------------------------------------------ mirrors, the frame


def test_a_mirrored_scene_renders_as_the_mirrored_picture():
    rng = np.random.default_rng(0)
    size, lens = (32, 24), Lens(6.0, 0.5)
    far = np.concatenate([rng.random((64, 72, 3)), np.ones((64, 72, 1))], axis=2).astype(np.float32)
    alpha = cv2.GaussianBlur(rng.random((12, 10)).astype(np.float32), (0, 0), 1)[..., None]
    near = np.concatenate([alpha * rng.random((12, 10, 3)), alpha], axis=2).astype(np.float32)
    layers = [Layer(near, Plane(0.004, -0.002, 0.7), 5, 4), Layer(far, Plane(0.001, 0.002, 0.1), -20, -20)]
    image = render_bokeh(layers, lens, size, quality="high")
    for h, v in ((True, False), (False, True), (True, True)):
        turned = render_bokeh([mirrored(layer, size, h, v) for layer in layers], lens, size, quality="high")
        back = turned[::-1] if v else turned
        np.testing.assert_allclose(back[:, ::-1] if h else back, image, atol=2e-5)


def test_folders_are_paired_as_products(tmp_path):
    """Foreground i mod N, background i div N."""
    fg, bg = tmp_path / "fg", tmp_path / "bg"
    fg.mkdir(), bg.mkdir()
    y, x = np.mgrid[0:96, 0:96]
    for i in range(3):
        disc = (255 * (np.hypot(x - 48, y - 48) < 30 + 4 * i)).astype(np.uint8)
        shade = (64 * i + 40 + (x * 7 + y * 3) % 50).astype(np.uint8)
        cv2.imwrite(str(fg / f"{i}.png"), np.stack([shade, shade, shade, disc], axis=2))
    for i in range(2):
        noise = np.random.default_rng(i).integers(0, 255, (200, 200, 3)).astype(np.uint8)
        cv2.imwrite(str(bg / f"{i}.png"), noise)
    recipe = load_recipe(bokehdiff(), size=(64, 64))
    library = make_library(recipe, fg, bg)
    pairs = [
        (plan.foregrounds[0].source, plan.background.source)
        for plan in (draw_plan(recipe, library, 0, i) for i in range(6))
    ]
    assert pairs == [(f"folder:{i % 3}.png", f"folder:{i // 3}.png") for i in range(6)]
    meta = make_sample(draw_plan(recipe, library, 0, 4), library).scene.facts["layers"]
    assert [len(layer["sha256"]) for layer in meta] == [64, 64]


def test_a_mask_picture_travels_inside_the_recipe_and_the_plan(tmp_path):
    """An L-shaped opening: far lights become that L, and the file may be gone by then."""
    picture = np.zeros((48, 48), np.uint8)
    picture[6:42, 12:22] = picture[32:42, 12:40] = 255
    path = tmp_path / "l.png"
    cv2.imwrite(str(path), picture)
    shapes = ("optics.opening.shapes={mask: 1}", f"optics.opening.masks=[{path}]", "quality=draft")
    recipe = load_recipe(bokehbench_v1(), size=(64, 64), assignments=shapes)
    path.unlink()
    assert parse_recipe(recipe.to_json(), "json") == recipe
    plan = draw_plan(recipe, make_library(recipe), 1, 1)
    aperture = Aperture.from_json(plan.lens.aperture)
    turned = Aperture.from_image(picture, rotation=aperture.rotation)
    s, t = np.meshgrid(np.linspace(-1, 1, 31), np.linspace(-1, 1, 31))
    np.testing.assert_array_equal(aperture.contains(s, t), turned.contains(s, t))


# ------------------------------------------------------------------------------------------------ compat


def test_all_in_focus_mixed_in_encoded_values_is_darker():
    """Half a white layer over black: 0.50 there, 0.5 ** (1 / 2.2) = 0.73 in light."""
    layers, size = [flat(1.0, alpha=0.5, disparity=0.8), flat(0.0, disparity=0.1)], (16, 12)
    published = composite_encoded(layers, size, 2.2)
    ours = encode(render_all_in_focus(layers, size)[..., :3], 2.2)
    assert published[5, 5, 0] == pytest.approx(0.5, abs=1e-3)
    assert ours[5, 5, 0] == pytest.approx(0.73, abs=2e-3)


def test_soft_disparity_invents_depths():
    layers = [flat(1.0, alpha=0.5, disparity=0.8), flat(0.0, disparity=0.2)]
    np.testing.assert_allclose(soft_disparity(layers, (16, 12)), 0.5, atol=1e-6)


def test_lanczos_on_alpha_overshoots():
    rgba = np.zeros((64, 64, 4), np.float32)
    rgba[20:44, 20:44] = 1.0
    resized = _lanczos(rgba, 1.37, 2.2)
    assert resized[..., 3].min() < -0.05 and resized[..., 3].max() > 1.05
