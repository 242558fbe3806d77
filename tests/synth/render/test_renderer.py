"""Claims about light (the renderer's acceptance tests)."""

import math

import numpy as np
import pytest
from scipy.signal import fftconvolve

from bokehbench import rng
from bokehbench.errors import ConfigError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Aperture, Lens
from bokehbench.synth.render import QUALITIES, render_all_in_focus, render_bokeh
from bokehbench.synth.render.quality import Quality
from bokehbench.synth.render.readable import render_stack
from bokehbench.synth.render.scene import make_stack
from bokehbench.synth.render.stratified import trace_pixels

SIZE = (72, 56)
PAD = 40
FLAT_NEAR, FLAT_FAR = Plane(0.0, 0.0, 0.8), Plane(0.0, 0.0, 0.2)


def numbers(name):
    return rng.stream(11, 0, name)


def opaque(colour, plane, size=SIZE, pad=PAD):
    rgba = np.ones((size[1] + 2 * pad, size[0] + 2 * pad, 4), np.float32)
    rgba[..., :3] = colour
    return Layer(rgba, plane, -pad, -pad)


def textured(name, plane, size=SIZE, pad=PAD):
    shape = (size[1] + 2 * pad, size[0] + 2 * pad, 3)
    return opaque(numbers(name).random(shape, np.float32), plane, size, pad)


def matte(alpha, colour, plane, x, y):
    rgba = np.empty((*alpha.shape, 4), np.float32)
    rgba[..., 3] = alpha
    rgba[..., :3] = alpha[..., None] * colour
    return Layer(rgba, plane, x, y)


def soft_blobs(name, plane, x=8, y=6, shape=(40, 48)):
    """Hair-like alpha: noise, thresholded softly, with holes."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(numbers(name).standard_normal(shape), 1.5)
    alpha = np.clip(0.5 + 4.0 * noise, 0.0, 1.0).astype(np.float32)
    return matte(alpha, numbers(name + " colour").random((*shape, 3), np.float32), plane, x, y)


def point(size, at, plane, energy=1.0):
    rgba = np.zeros((size[1], size[0], 4), np.float32)
    rgba[..., 3] = 1.0
    rgba[at[1], at[0], :3] = energy
    return Layer(rgba, plane)


def display_psnr(a, b):
    encoded = [np.clip(image[..., :3].astype(np.float64), 0.0, 1.0) ** (1 / 2.2) for image in (a, b)]
    return -10.0 * math.log10(np.mean((encoded[0] - encoded[1]) ** 2))


@pytest.mark.parametrize("tilt", [0.0, 1e-3])
def test_one_colour_everywhere_stays_that_colour(tilt):
    colour = np.array([0.2, 0.7, 1.5], np.float32)
    alpha = numbers("alpha").random((40, 48), np.float32)
    layers = [matte(alpha, colour, Plane(tilt, 0, 0.8), 10, 5), opaque(colour, Plane(0, tilt, 0.2))]
    image = render_bokeh(layers, Lens(30.0, 0.5), SIZE)
    np.testing.assert_allclose(image, np.broadcast_to([*colour, 1.0], image.shape), atol=1e-5)


def test_without_blur_it_is_the_over_operator():
    near, far = soft_blobs("near", FLAT_NEAR), textured("far", FLAT_FAR)
    expected = far.rgba[PAD:-PAD, PAD:-PAD].astype(np.float64).copy()
    part = expected[6:46, 8:56]
    part[:] = near.rgba + (1.0 - near.rgba[..., 3:]) * part
    np.testing.assert_allclose(render_all_in_focus([near, far], SIZE), expected, atol=1e-6)
    np.testing.assert_allclose(render_bokeh([near, far], Lens(0.0, 0.3), SIZE), expected, atol=1e-6)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("aperture", [Aperture(), Aperture(blades=6, rotation=0.2), Aperture(inner=0.4)])
def test_a_point_light_keeps_its_energy_and_its_spread(quality, aperture):
    radius = 24.0
    image = render_bokeh(
        [point((81, 81), (40, 40), FLAT_FAR)],
        Lens(radius / 0.4, 0.6, aperture=aperture),
        (81, 81),
        quality=quality,
    )
    light = image[..., 0].astype(np.float64)
    y, x = np.mgrid[0:81, 0:81] - 40
    assert light.sum() == pytest.approx(1.0, abs=2e-3)
    grid = np.linspace(-1, 1, 2001)
    s, t = np.meshgrid(grid, grid)
    open_ = aperture.contains(s, t)
    expected = radius**2 * ((s**2 + t**2) * open_).sum() / open_.sum()
    rel = 0.015 if quality == "draft" else 0.01
    assert (light * (x**2 + y**2)).sum() / light.sum() == pytest.approx(expected, rel=rel)


@pytest.mark.parametrize("radius", [7.3, 24.0])
@pytest.mark.parametrize("plane", [FLAT_NEAR, FLAT_FAR])
def test_a_lamp_is_an_exact_disc_at_any_quality(radius, plane):
    """Light beyond the display's white is spread point by point, not by cells."""
    size = (81, 81)
    images = [
        render_bokeh([point(size, (40, 40), plane, 300.0)], Lens(radius / 0.3, 0.5), size, quality=quality)
        for quality in ("draft", "final")
    ]
    light = images[0][..., 0].astype(np.float64) / 300.0
    y, x = np.mgrid[0:81, 0:81] - 40
    distance = np.hypot(x, y)
    assert light.sum() == pytest.approx(1.0, abs=1e-3)
    assert (light * distance**2).sum() / light.sum() == pytest.approx(radius**2 / 2.0 + 1.0 / 3.0, rel=3e-3)
    inside = light[distance < radius - 1.5] * math.pi * radius**2
    assert inside.std() / inside.mean() < 0.01
    assert light[distance > radius + 1.5].max() < 2e-3 * light.max()
    np.testing.assert_allclose(images[0], images[1], atol=0.02)


def test_a_lamp_behind_strands_is_what_rays_see():
    near = soft_blobs("near", FLAT_NEAR)
    far = textured("far", FLAT_FAR)
    for x, y in ((60, 60), (75, 70), (68, 55)):
        far.rgba[y, x, :3] = 200.0
    lens = Lens(30.0, 0.45)
    y, x = (axis.ravel() for axis in np.mgrid[0 : SIZE[1] : 2, 0 : SIZE[0] : 2])
    truth = trace_pixels([near, far], lens, x, y, per_axis=150, seed=5)
    image = render_bokeh([near, far], lens, SIZE)[y, x]
    assert display_psnr(image, truth) >= 44.0


@pytest.mark.parametrize("quality", QUALITIES)
def test_the_disc_of_a_point_light_is_even_and_round(quality):
    radius = 24.0
    image = render_bokeh(
        [point((81, 81), (40, 40), FLAT_FAR)], Lens(radius / 0.4, 0.6), (81, 81), quality=quality
    )
    light = image[..., 0] * math.pi * radius**2
    y, x = np.mgrid[0:81, 0:81] - 40
    distance = np.hypot(x, y)
    inside = light[distance < radius - 5.0]
    assert inside.std() / inside.mean() < 0.03
    assert inside.mean() == pytest.approx(1.0, abs=0.02)
    assert light[distance > radius + (6.0 if quality == "draft" else 4.0)].max() < 1e-6


@pytest.mark.parametrize("at", [(30, 30), (100, 28), (64, 48), (28, 70), (100, 68)])
def test_on_a_tilted_plane_every_point_has_its_own_radius(at):
    lens, plane = Lens(40.0, 0.2), Plane(2e-3, -1e-3, 0.45)
    image = render_bokeh([point((128, 96), at, plane)], lens, (128, 96), quality="final")
    light = image[..., 0].astype(np.float64)
    y, x = np.mgrid[0:96, 0:128]
    measured = math.sqrt(2.0 * (light * ((x - at[0]) ** 2 + (y - at[1]) ** 2)).sum() / light.sum())
    expected = lens.K * (float(plane.disparity(*at)) - lens.disp_focus)
    assert measured == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_mirrored_scene_gives_a_mirrored_image(axis):
    layers = [soft_blobs("near", FLAT_NEAR), textured("far", FLAT_FAR)]
    lens = Lens(20.0, 0.45)
    extent = SIZE[1 - axis]
    mirrored = [
        Layer(
            np.ascontiguousarray(np.flip(layer.rgba, axis)),
            layer.plane,
            layer.x if axis == 0 else extent - layer.x - layer.rgba.shape[1],
            layer.y if axis == 1 else extent - layer.y - layer.rgba.shape[0],
        )
        for layer in layers
    ]
    image, other = render_bokeh(layers, lens, SIZE), render_bokeh(mirrored, lens, SIZE)
    np.testing.assert_allclose(np.flip(other, axis), image, atol=1e-6)


def test_a_constant_veil_blends_everywhere():
    veil = np.full((SIZE[1] + 2 * PAD, SIZE[0] + 2 * PAD), 0.3, np.float32)
    near = matte(veil, np.array([0.9, 0.1, 0.4], np.float32), FLAT_NEAR, -PAD, -PAD)
    far = textured("far", FLAT_FAR)
    lens = Lens(30.0, 0.5)
    behind = render_bokeh([far], lens, SIZE)
    expected = 0.3 * np.array([0.9, 0.1, 0.4, 1.0]) + 0.7 * behind
    np.testing.assert_allclose(render_bokeh([near, far], lens, SIZE), expected, atol=1e-5)


def test_a_near_light_is_the_far_light_turned_by_180_degrees():
    lens = Lens(50.0, 0.5, aperture=Aperture(blades=3, rotation=0.3))
    far = render_bokeh([point((81, 81), (40, 40), FLAT_FAR)], lens, (81, 81))
    near = render_bokeh([point((81, 81), (40, 40), FLAT_NEAR)], lens, (81, 81))
    np.testing.assert_allclose(near, far[::-1, ::-1], atol=1e-6)
    y, x = np.mgrid[0:81, 0:81] - 40
    angle = np.arctan2(y, x)
    third = (far[..., 0] * np.hypot(x, y) ** 3 * np.exp(3j * angle)).sum()
    assert np.angle(third) == pytest.approx(3 * 0.3, abs=0.02)  # the far one has the aperture's corners


def natural_scene(tilt=0.0):
    near = soft_blobs("near", Plane(tilt, -tilt, 0.8))
    return [near, textured("far", Plane(-tilt, 0.5 * tilt, 0.2))]


@pytest.mark.parametrize("tilt", [0.0, 1e-3])
def test_finer_cells_come_closer_to_the_truth(tilt):
    layers, lens = natural_scene(tilt), Lens(30.0, 0.45)
    y, x = (axis.ravel() for axis in np.mgrid[0 : SIZE[1] : 3, 0 : SIZE[0] : 3])
    truth = trace_pixels(layers, lens, x, y, per_axis=160, seed=5)
    cells = [4.0, 2.0, 1.0]
    psnr = [display_psnr(render_bokeh(layers, lens, SIZE, quality=Quality(c, 1))[y, x], truth) for c in cells]
    assert psnr[0] < psnr[1] < psnr[2]
    assert psnr[0] >= 45.0


@pytest.mark.parametrize("aperture", [Aperture(blades=5, curvature=0.3, rotation=0.1), Aperture(inner=0.5)])
def test_other_apertures_agree_with_rays_too(aperture):
    layers, lens = natural_scene(), Lens(30.0, 0.45, aperture=aperture)
    y, x = (axis.ravel() for axis in np.mgrid[0 : SIZE[1] : 3, 0 : SIZE[0] : 3])
    truth = trace_pixels(layers, lens, x, y, per_axis=60, seed=6)
    assert display_psnr(render_bokeh(layers, lens, SIZE)[y, x], truth) >= 45.0


def test_twice_the_size_is_the_same_picture():
    from scipy.ndimage import gaussian_filter

    def layers(k):
        y, x = (np.mgrid[0 : 136 * k, 0 : 152 * k] + 0.5) / k - 40.5
        stripes = 0.5 + 0.5 * np.sin(x / 5.0) * np.cos(y / 7.0)
        alpha = (gaussian_filter((np.hypot(x - 30, y - 26) < 15).astype(float), 1.5 * k)).astype(np.float32)
        near = matte(alpha, np.float32(0.8), FLAT_NEAR.scaled(k), -40 * k, -40 * k)
        return [
            near,
            Layer(
                opaque(stripes[..., None], FLAT_FAR, (152 * k, 136 * k), 0).rgba, FLAT_FAR, -40 * k, -40 * k
            ),
        ]

    small = render_bokeh(layers(1), Lens(24.0, 0.5), SIZE)
    large = render_bokeh(layers(2), Lens(48.0, 0.5), (2 * SIZE[0], 2 * SIZE[1]))
    down = large.reshape(SIZE[1], 2, SIZE[0], 2, 4).mean(axis=(1, 3))
    assert np.abs(down - small).max() < 0.02
    assert np.abs(down - small).mean() < 2e-3


@pytest.mark.parametrize("tilt", [0.0, 1.2e-3])
@pytest.mark.parametrize("lens", [Lens(30.0, 0.45), Lens(25.0, 0.8, aperture=Aperture(blades=5))])
def test_the_kernel_equals_readable_numpy(tilt, lens):
    layers = [
        soft_blobs("nearest", Plane(0, tilt, 1.1), x=30, y=20),
        *natural_scene(0.0 if lens.K < 30 else tilt),
    ]
    n = 10
    fast = render_bokeh(layers, lens, SIZE, quality=Quality(1e3, 1, n, n))
    readable = render_stack(make_stack(layers, 2), lens, SIZE, n, 1)
    np.testing.assert_allclose(fast[..., :3], readable[..., :3], atol=1e-5)
    np.testing.assert_allclose(fast[..., 3], readable[..., 3], atol=1e-4)  # solid is taken for 1


@pytest.mark.parametrize("tilt", [0.0, 1.2e-3])
def test_other_ways_of_sampling_come_to_the_same_picture(tilt):
    layers = [soft_blobs("nearest", Plane(0, tilt, 0.9), x=30, y=20), *natural_scene(tilt)]
    lens = Lens(30.0, 0.45)
    fast = render_bokeh(layers, lens, SIZE, quality="high")
    assert display_psnr(render_bokeh(layers, lens, SIZE, quality="high", backend="torch"), fast) >= 48.0


@pytest.mark.parametrize("lens", [Lens(40.0, 0.2), Lens(40.0, 0.8), Lens(0.0, 0.5), Lens(200.0, 0.5)])
@pytest.mark.parametrize("tilt", [0.0, 1e-3])
def test_no_case_makes_nan(lens, tilt):
    nothing = Layer(np.zeros((30, 30, 4), np.float32), Plane(0, 0, 0.95), 3, 3)
    image = render_bokeh([nothing, *natural_scene(tilt)], lens, SIZE, quality="draft")
    assert np.isfinite(image).all()
    assert image.min() >= 0.0
    assert image.max() <= 1.0 + 1e-5


def test_nothing_but_air_is_transparent():
    nothing = Layer(np.zeros((30, 30, 4), np.float32), FLAT_NEAR, 3, 3)
    assert not render_bokeh([nothing], Lens(10.0, 0.5), SIZE).any()


def test_a_single_far_layer_is_a_convolution_with_the_aperture():
    layer, radius = textured("far", FLAT_FAR), 12.0
    image = render_bokeh([layer], Lens(radius / 0.3, 0.5), SIZE, quality="final")
    # The disc, integrated over the bilinear hat of each pixel, on a grid 16 times as fine.
    fine, reach = 16, 14
    axis = np.arange(-reach * fine, reach * fine + 1) / fine
    disc = (np.hypot(*np.meshgrid(axis, axis)) <= radius).astype(np.float64)
    hat = np.clip(1.0 - np.abs(np.arange(-fine, fine + 1) / fine), 0.0, None)
    kernel = fftconvolve(disc, np.outer(hat, hat), mode="same")[::fine, ::fine]
    kernel /= kernel.sum()
    blurred = [fftconvolve(layer.rgba[..., c].astype(np.float64), kernel, mode="same") for c in range(3)]
    expected = np.stack(blurred, axis=2)[PAD:-PAD, PAD:-PAD]
    np.testing.assert_allclose(image[..., :3], expected, atol=1e-3)


def test_missing_cover_stays_visible():
    layer = opaque(0.5, FLAT_FAR, pad=0)
    image = render_bokeh([layer], Lens(30.0, 0.5), SIZE)
    assert image[SIZE[1] // 2, 0, 3] == pytest.approx(0.5, abs=0.06)
    assert image[SIZE[1] // 2, SIZE[0] // 2, 3] == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(image[..., 0], 0.5 * image[..., 3], atol=1e-5)


def test_threads_change_no_bit():
    import numba

    layers, lens = natural_scene(1e-3), Lens(30.0, 0.45)
    threads = numba.config.NUMBA_NUM_THREADS
    try:
        images = []
        for count in (1, 5):
            numba.config.NUMBA_NUM_THREADS = count
            images.append(render_bokeh(layers, lens, SIZE))
    finally:
        numba.config.NUMBA_NUM_THREADS = threads
    np.testing.assert_array_equal(images[0], images[1])


def test_tiles_leave_no_seam():
    """Where the sampling changes between neighbouring tiles the truth is missed by no more than inside."""
    size = (128, 64)
    y, x = np.mgrid[0:144, 0:208]
    smooth = (0.5 + 0.4 * np.sin(x / 23.0) * np.cos(y / 19.0))[..., None]
    near = matte(np.ones((64, 20), np.float32), np.float32(0.6), FLAT_NEAR, 0, 0)
    far = opaque(smooth, FLAT_FAR, size)
    lens = Lens(30.0, 0.3)  # background nearly sharp, foreground very soft
    image = render_bokeh([near, far], lens, size)
    alone = render_bokeh([far], lens, size)
    untouched = slice(20 + 17, 128)
    np.testing.assert_allclose(image[:, untouched], alone[:, untouched], atol=2e-3)


def test_unknown_quality_and_backend_are_refused():
    layers = [opaque(0.5, FLAT_FAR)]
    with pytest.raises(ConfigError, match="draft, standard, high, final"):
        render_bokeh(layers, Lens(1.0, 0.5), SIZE, quality="best")
    with pytest.raises(ConfigError, match="torch"):
        render_bokeh(layers, Lens(1.0, 0.5), SIZE, backend="cuda")
