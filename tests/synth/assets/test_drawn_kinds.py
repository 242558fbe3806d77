"""What drawn kinds promise beyond a valid raster: one scene at every size, physics of glass, licences."""

import numpy as np
import pytest

from bokehbench.rng import stream
from bokehbench.synth.assets.catalogue import BACKGROUNDS, FOREGROUNDS, LICENCE
from bokehbench.synth.assets.library import describe_source, may_mirror
from bokehbench.synth.assets.photographs import SHIPPED

SCALING_FOREGROUNDS = [
    "glass",
    "smoke",
    "fire",
    "veil",
    "rope",
    "chain",
    "sign",
    "letters",
    "cutout",
    "wheel",
    "snow",
]
SCALING_BACKGROUNDS = ["wall", "planks", "marble", "pebbles", "lake", "sea", "forest", "bar"]


def halved(raster):
    h, w, c = raster.shape
    return raster.reshape(h // 2, 2, w // 2, 2, c).mean(axis=(1, 3))


def smoothed(raster):
    """Blocks of 4 x 4, highlights cut: what is seen from a distance."""
    h, w, c = raster.shape
    return np.minimum(raster, 2.0).reshape(h // 4, 4, w // 4, 4, c).mean(axis=(1, 3)).ravel()


@pytest.mark.parametrize("kind", SCALING_FOREGROUNDS)
def test_foreground_shows_the_same_thing_at_every_size(kind):
    small, large = FOREGROUNDS[kind](2, 128), FOREGROUNDS[kind](2, 256)
    assert np.corrcoef(smoothed(small), smoothed(halved(large)))[0, 1] > 0.9
    # A thin structure keeps its coverage, whether it is half a pixel wide or two.
    assert small[..., 3].mean() == pytest.approx(large[..., 3].mean(), rel=0.12)


@pytest.mark.parametrize("kind", SCALING_BACKGROUNDS)
def test_background_shows_the_same_thing_at_every_size(kind):
    small, large = BACKGROUNDS[kind](2, (144, 112)), BACKGROUNDS[kind](2, (288, 224))
    assert np.corrcoef(smoothed(small), smoothed(halved(large)))[0, 1] > 0.85


@pytest.mark.parametrize("kind", ["glass", "smoke", "veil"])
def test_translucent_kinds_are_soft_all_over(kind):
    alpha = FOREGROUNDS[kind](7, 160)[..., 3]
    assert ((alpha > 0.01) & (alpha < 0.99)).sum() > 0.9 * (alpha > 0.01).sum()


@pytest.mark.parametrize("kind", ["smoke", "veil", "rope", "cutout", "snow"])
def test_what_only_reflects_light_stays_below_white_paper(kind):
    rgba = FOREGROUNDS[kind](5, 160)
    assert (rgba[..., :3] <= 1.3 * rgba[..., 3:4] + 1e-5).all()


def test_fire_is_brighter_than_white_and_hides_little_of_what_is_behind():
    rgba = FOREGROUNDS["fire"](1, 160)
    assert rgba[..., :3].max() > 3.0
    assert rgba[..., 0].sum() > rgba[..., 1].sum() > rgba[..., 2].sum()


@pytest.mark.parametrize("kind", ["lake", "sea", "forest", "bar"])
def test_lit_scenes_have_highlights_far_above_white(kind):
    brightest = max(BACKGROUNDS[kind](seed, (192, 144)).max() for seed in (1, 2, 3))
    assert brightest > 5.0


def test_a_wall_of_glass_reflects_most_at_its_silhouette():
    """Schlick's reflectance at normal incidence is (1 - n)^2 / (1 + n)^2, at grazing incidence 1."""
    from bokehbench.synth.assets.glass import REFLECTANCE, _walls

    assert pytest.approx(((1.52 - 1) / (1.52 + 1)) ** 2, abs=0.003) == REFLECTANCE
    u = np.linspace(0.0, 0.999, 200, dtype=np.float32)[None]
    normal = np.stack([u, 0 * u, np.sqrt(1 - u * u)], axis=2)
    clear = _walls(normal, np.ones_like(u), np.ones(3, np.float32), 0.0, np.zeros_like(u, bool))
    coverage = clear[0, :, 3]
    assert coverage[0] < 0.1 and coverage[-1] > 0.8
    assert (np.diff(coverage) > -1e-4).all()


def test_a_darker_tint_covers_more():
    from bokehbench.synth.assets.glass import _walls

    u = np.linspace(-0.9, 0.9, 50, dtype=np.float32)[None]
    normal = np.stack([u, 0 * u, np.sqrt(1 - u * u)], axis=2)
    thin, thick = (
        _walls(normal, np.ones_like(u), np.full(3, 0.2, np.float32), depth, np.zeros_like(u, bool))[..., 3]
        for depth in (0.1, 0.8)
    )
    assert (thick > thin).all()


def test_letters_are_not_mirrored_and_say_what_was_asked():
    from bokehbench.synth.assets.signs import lettering

    for kind in ("sign", "letters", "cutout", "neon"):
        assert not may_mirror(f"proc:{kind}#1")
    assert may_mirror("proc:rope#1")
    wide, narrow = lettering("HARBOUR", 60), lettering("HA", 60)
    assert 2.5 < wide.shape[1] / narrow.shape[1] < 5.0
    b, o = lettering("b", 80), lettering("o", 80)
    # An ascender only left of the bowl: readable from left to right.
    assert b.shape[0] > 1.2 * o.shape[0]
    top = b[: b.shape[0] // 5]
    assert top[:, : b.shape[1] // 2].sum() > 5 * top[:, b.shape[1] // 2 :].sum()


def test_rope_runs_have_a_shadow_where_they_cross():
    """The rope below a crossing is darker than the same rope beside it."""
    rgba = FOREGROUNDS["rope"](12, 200)
    solid = rgba[..., 3] > 0.98
    assert solid.sum() > 500
    grey = rgba[solid][:, :3].mean(axis=1)
    assert grey.min() < 0.35 * np.median(grey)


def test_noise_of_a_child_leaves_its_parent_where_it_was():
    from bokehbench.synth.assets.noise import fbm

    after = []
    for side in (40, 90):
        rng = stream(4, 0, "noise")
        fbm(rng, (side, side), side / 3)
        after.append(rng.random())
    assert after[0] == after[1] == stream(4, 0, "noise").random()


def test_prints_name_the_photographs_that_they_show():
    from bokehbench.synth.assets.cutouts import SUBJECTS

    licence = describe_source("proc:cutout#3")["licence"]
    for name in SUBJECTS:
        assert name in licence
        assert SHIPPED[name].licence.split(" (")[1].rstrip(")") in licence
    assert describe_source("proc:rope#3")["licence"] == LICENCE


def test_prints_are_never_enlarged_by_much():
    """Where one print would be blown up, several smaller ones take its place."""
    from bokehbench.synth.assets.brushes import OVERSAMPLING
    from bokehbench.synth.assets.cutouts import ENLARGED, SUBJECTS, largest_extent

    for name, (_, half) in SUBJECTS.items():
        shown = max(2 * side * pixels for side, pixels in zip(half, SHIPPED[name].size, strict=True))
        assert largest_extent(name) / OVERSAMPLING <= 1.1 * ENLARGED * shown
    rgba = FOREGROUNDS["cutout"](5, 900)
    columns = np.flatnonzero((rgba[..., 3] > 0.5).any(axis=0))
    assert columns[-1] - columns[0] > 700
