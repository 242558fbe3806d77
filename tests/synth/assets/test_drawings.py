"""Every drawn kind: valid premultiplied light, real transparency, the same from the same seed."""

import numpy as np
import pytest

from bokehbench.errors import ConfigError
from bokehbench.synth.assets.catalogue import BACKGROUNDS, FOREGROUNDS, drawing

EMITTERS = {"neon", "bubbles"}


@pytest.mark.parametrize("kind", sorted(FOREGROUNDS))
def test_foreground_is_a_valid_cutout(kind):
    rgba = FOREGROUNDS[kind](11, 160)
    assert rgba.shape == (160, 160, 4) and rgba.dtype == np.float32
    assert np.isfinite(rgba).all() and rgba.min() >= 0.0
    alpha = rgba[..., 3]
    assert alpha.max() <= 1.0 + 1e-6
    assert 0.01 < alpha.mean() < 0.85
    assert (rgba[alpha == 0.0] == 0.0).all()
    soft = ((alpha > 0.02) & (alpha < 0.98)).sum() / (alpha > 0.02).sum()
    assert soft > 0.05
    brightest = (rgba[..., :3] / np.maximum(alpha, 1e-3)[..., None])[alpha > 0.5]
    assert brightest.size == 0 or np.median(brightest) < (20.0 if kind in EMITTERS else 1.5)


@pytest.mark.parametrize("kind", sorted(FOREGROUNDS))
def test_foreground_depends_on_its_seed_alone(kind):
    first, again, other = (FOREGROUNDS[kind](seed, 96) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.05


@pytest.mark.parametrize("kind", sorted(BACKGROUNDS))
def test_background_is_opaque_light_of_any_size(kind):
    rgb = BACKGROUNDS[kind](5, (150, 110))
    assert rgb.shape == (110, 150, 3) and rgb.dtype == np.float32
    assert np.isfinite(rgb).all() and rgb.min() >= 0.0
    assert rgb.std() > 0.01
    np.testing.assert_array_equal(rgb, BACKGROUNDS[kind](5, (150, 110)))


@pytest.mark.parametrize("kind", ["night_city", "fairy_lights"])
def test_night_has_lamps_far_above_white(kind):
    rgb = BACKGROUNDS[kind](2, (320, 320))
    assert rgb.max() > 30.0
    assert np.percentile(rgb, 99.8) / np.median(rgb) > 100.0


def test_unknown_kind_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"furr.*fur"):
        drawing(FOREGROUNDS, "furr")


def test_lamps_smaller_than_a_pixel_keep_their_energy():
    from bokehbench.rng import stream
    from bokehbench.synth.assets.glow import LAMPS, add_lamps, pick

    for radius in (0.2, 0.5, 1.4, 3.0):
        rgb = np.zeros((21, 21, 3), np.float32)
        tone = pick(stream(9, 0, "lamps"), LAMPS)
        add_lamps(
            stream(9, 0, "lamps"), rgb, np.asarray([[10.0, 10.0]]), np.asarray([radius]), np.asarray([50.0])
        )
        expected = 50.0 * np.pi * radius**2 * tone
        np.testing.assert_allclose(rgb.sum((0, 1)), expected, rtol=0.32)
