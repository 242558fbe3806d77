"""Claims about RVR, Wadhwa, Dr.Bokeh and the plain gather: physics, and fast forms by their references."""

import numba
import numpy as np
import pytest

from bokehbench.baselines import dr_bokeh, gather, rvr, wadhwa
from bokehbench.baselines.layer_stack import composite, composite_reference
from bokehbench.baselines.sterefo import cut_layers
from bokehbench.cases import Inputs
from bokehbench.optics import Aperture, Lens, encode, signed_defocus

APERTURES = [Aperture(), Aperture(blades=5), Aperture(inner=0.5)]
RENDERERS = {
    "gather": gather.Gather(),
    "wadhwa": wadhwa.Wadhwa(),
    "wadhwa-single": wadhwa.Wadhwa(mode="single"),
    "dr-bokeh": dr_bokeh.DrBokeh(),
    "rvr": rvr.RVR(),
    "rvr-dagger": rvr.RVR(normalise=True),
}


def scene(height=40, width=52):
    """A slope with a near square on it, and one lamp."""
    rng = np.random.default_rng(5)
    light = (rng.random((height, width, 3)) ** 4).astype(np.float32)
    light[3, 4] = 40.0
    disparity = np.linspace(0, 1, width, dtype=np.float32)[None].repeat(height, 0).copy()
    disparity[12:28, 20:34] = 0.95
    return light, disparity


def two_planes(width=48):
    """White on the left, black on the right; returns the light and where the left is."""
    light = np.zeros((41, width, 3), np.float32)
    light[:, : width // 2] = 1.0
    return light, np.arange(width)[None].repeat(41, 0) < width // 2


def rendered(method, light, disparity, lens):
    return RENDERERS[method].render(Inputs("k", encode(light, lens.gamma), disparity, lens)) ** lens.gamma


@pytest.mark.parametrize("aperture", APERTURES)
@pytest.mark.parametrize("K", [0.0, 3.0, 9.0])
def test_fast_forms_equal_their_references(K, aperture):
    light, disparity = scene()
    lens = Lens(K, 0.4, aperture=aperture)
    defocus = signed_defocus(disparity, lens)
    assert np.allclose(
        gather.gather(light, defocus, aperture), gather.gather_reference(light, defocus, aperture), atol=2e-6
    )
    group = wadhwa.groups(defocus, "layers")
    fast, plain = (
        wadhwa.composite(form(light, defocus, group, aperture))
        for form in (wadhwa.group_sums, wadhwa.group_sums_reference)
    )
    assert (
        np.abs(encode(fast, 2.2) - encode(plain, 2.2)).max() < 2e-3
    )  # radii are interpolated; the lamp is 40
    plane = dr_bokeh.Plane(light, disparity, (disparity > 0.5).astype(np.float32))
    for own, wanted in zip(
        dr_bokeh.gather(plane, K, 0.4, aperture),
        dr_bokeh.gather_reference(plane, K, 0.4, aperture),
        strict=True,
    ):
        assert np.allclose(own, wanted, rtol=1e-5, atol=1e-7)
    layers = rvr.soft_layers(disparity, lens)
    for normalise in (False, True):
        own = composite(light, layers, aperture, normalise=normalise)
        assert np.abs(own - composite_reference(light, layers, aperture, normalise=normalise)).max() < 1e-5


@pytest.mark.parametrize("method", ["gather", "wadhwa", "wadhwa-single", "rvr-dagger"])
def test_no_blur_is_the_input(method):
    light, disparity = scene()
    assert np.allclose(rendered(method, light, disparity, Lens(0.0, 0.5)), light, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("method", ["gather", "wadhwa", "wadhwa-single", "dr-bokeh", "rvr-dagger"])
def test_a_picture_of_one_colour_stays_so(method):
    _, disparity = scene()
    light = np.full((*disparity.shape, 3), 0.3, np.float32)
    assert np.abs(rendered(method, light, disparity, Lens(12.0, 0.5)) - 0.3).max() < 1e-3


@pytest.mark.parametrize("method", ["gather", "wadhwa", "wadhwa-single"])
def test_one_plane_is_a_convolution_with_the_disc(method):
    light, radius = np.zeros((41, 41, 3), np.float32), 7.4
    light[20, 20] = 1.0
    got = rendered(method, light, np.zeros((41, 41), np.float32), Lens(radius, 1.0))[..., 0]
    y, x = np.mgrid[-20:21, -20:21]
    expected = np.clip(radius - np.hypot(x, y) + 0.5, 0.0, 1.0)
    assert np.abs(got - expected / expected.sum()).max() < 2e-4


def test_a_sharp_subject_does_not_leak_into_what_lies_behind():
    light, left = two_planes()
    disparity = np.where(left, 0.9, 0.1).astype(np.float32)
    lens = Lens(10.0, 0.9)
    scattered = rendered("wadhwa-single", light, disparity, lens)
    assert scattered[20, 23, 0] < 0.95  # one sum of all discs: the dark background lies on the subject's rim
    for method in ("gather", "wadhwa"):
        made = rendered(method, light, disparity, lens)
        assert made[20, 23, 0] > 0.995  # the rim of the subject, white
        assert made[20, 27, 0] < 0.02  # beside it, black


def test_a_blurred_foreground_spreads_over_a_sharp_background_except_by_gathering():
    light, left = two_planes()
    disparity = np.where(left, 0.9, 0.1).astype(np.float32)
    lens = Lens(10.0, 0.1)
    for method in ("wadhwa", "dr-bokeh", "rvr-dagger"):
        assert 0.1 < rendered(method, light, disparity, lens)[20, 25, 0] < 0.6
    assert rendered("gather", light, disparity, lens)[20, 25, 0] == 0.0


def test_dr_bokeh_fills_in_what_the_foreground_hides():
    light, left = two_planes()
    alpha = left.astype(np.float32)
    disparity = np.where(left, 0.9, 0.1).astype(np.float32)
    front, back = dr_bokeh.split(encode(light, 2.2), disparity, alpha, 2.2, dr_bokeh.telea)
    assert np.abs(back.disparity - 0.1).max() < 1e-4 and back.light.max() < 1e-4
    assert np.abs(front.disparity - 0.9).max() < 1e-4
    assert (back.alpha == 1.0).all() and np.array_equal(front.alpha, alpha)
    # Coverage of an opaque layer is 1 whatever its blur.
    assert np.allclose(dr_bokeh.coverage(back, 9.0, 0.9), 1.0)


def test_rvr_darkens_with_the_blur_and_its_repair_does_not():
    light, disparity = scene(60, 90)
    light = np.full_like(light, 0.5)
    losses = []
    for K in (4.0, 12.0, 36.0):
        layers = rvr.soft_layers(disparity, Lens(K, 0.5))
        losses.append(0.5 - float(composite(light, layers, Aperture(), normalise=False).mean()))
        assert np.abs(composite(light, layers, Aperture()) - 0.5).max() < 1e-4
    assert 0.0 < losses[0] < losses[1] < losses[2]


def test_masks_of_rvr_are_soft_and_centred_on_the_focal_plane():
    assert rvr.mask(np.array([0.0, 0.5, 1.0])) == pytest.approx([1.0, 0.5, 0.0], abs=1e-4)
    _, disparity = scene()
    soft, hard = rvr.soft_layers(disparity, Lens(20.0, 0.4)), cut_layers(disparity, Lens(20.0, 0.4))
    assert np.abs(soft.defocus).min() < 1e-9
    assert set(np.round(hard.defocus, 6)) <= set(np.round(soft.defocus, 6))
    assert len(soft.pixel) > disparity.size


@pytest.mark.parametrize("method", ["gather", "wadhwa", "dr-bokeh", "rvr"])
def test_results_do_not_depend_on_threads(method):
    light, disparity = scene(100, 60)
    many = rendered(method, light, disparity, Lens(6.0, 0.2))
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        one = rendered(method, light, disparity, Lens(6.0, 0.2))
    finally:
        numba.set_num_threads(threads)
    assert np.array_equal(many, one)


def test_a_slab_keeps_what_lies_in_it_sharp():
    light, _ = scene()
    disparity = np.full(light.shape[:2], 0.6, np.float32)
    lens = Lens(10.0, 0.4)  # 2 px of blur
    slab = wadhwa.Wadhwa(slab=2.0).render(Inputs("k", encode(light, 2.2), disparity, lens))
    assert np.allclose(slab, encode(light, 2.2), atol=1e-4)
