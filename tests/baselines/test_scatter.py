import numba
import numpy as np
import pytest
import torch

from bokehbench.baselines.footprints import build_ladder
from bokehbench.baselines.scatter.direct import scatter_direct
from bokehbench.baselines.scatter.gather import scatter_gather
from bokehbench.baselines.scatter.kernel import dilate_defocus, scatter
from bokehbench.baselines.scatter.reference import dilate_reference, scatter_reference, scatter_weight
from bokehbench.baselines.scatter.renderer import Scatter, boost_highlights
from bokehbench.cases import Inputs
from bokehbench.errors import ConfigError, Unavailable
from bokehbench.optics import Aperture, Lens, encode

DISC = Aperture()
APERTURES = {
    "disc": DISC,
    "hexagon": Aperture(blades=6),
    "pentagon": Aperture(blades=5, rotation=0.3, curvature=0.3),
    "ring": Aperture(inner=0.4),
    "heart": Aperture(shape="heart", rotation=0.2),
    "star": Aperture(shape="star"),
}
H, W = 40, 52


def scene(kind: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    light = (rng.random((H, W, 3)) ** 4).astype(np.float32)
    light[rng.integers(0, H, 6), rng.integers(0, W, 6)] = 60.0
    defocus = {
        "noise": rng.uniform(-7, 9, (H, W)),
        "small": rng.uniform(-2, 2, (H, W)),
        "ramp": np.linspace(-9, 11, W)[None].repeat(H, 0),
        "step": np.where(np.arange(W) < W // 2, 6.4, -2.7)[None].repeat(H, 0),
    }[kind]
    return light, defocus.astype(np.float32)


def shown(light: np.ndarray) -> np.ndarray:
    return np.clip(encode(light, 2.2), 0, 1)


def footprint(renderer, defocus: float, aperture: Aperture = DISC) -> np.ndarray:
    """What one white pixel in black becomes, [61, 61]; the frame is so large that weights sum alike."""
    margin = int(abs(defocus)) + 2
    size = 61 + 2 * margin
    light = np.zeros((size, size, 3), np.float32)
    light[size // 2, size // 2] = 1.0
    blurred = renderer(light, np.full((size, size), defocus, np.float32), aperture)[..., 0]
    return np.asarray(blurred[margin:-margin, margin:-margin], np.float64)


# ------------------------------------------------------------------------------------- forms agree


@pytest.mark.parametrize("aperture", APERTURES.values(), ids=APERTURES)
@pytest.mark.parametrize("kind", ["noise", "small", "ramp", "step"])
def test_all_forms_agree_with_the_reference(kind, aperture):
    light, defocus = scene(kind)
    expected = scatter_reference(light, defocus, aperture)
    assert np.abs(shown(scatter_direct(light, defocus, aperture)) - shown(expected)).max() < 1e-4
    # The fast kernel interpolates footprints between radii: lamps of 60 times white show it most.
    error = np.abs(shown(scatter(light, defocus, aperture)) - shown(expected))
    assert error.max() < 1e-3 and error.mean() < 1e-4
    batch = torch.from_numpy(light).permute(2, 0, 1)[None]
    gathered = scatter_gather(batch, torch.from_numpy(defocus)[None, None], aperture)[0].permute(1, 2, 0)
    assert np.abs(shown(gathered.numpy()) - shown(expected)).max() < 1e-4


@pytest.mark.parametrize("donut", [0.2, 0.5])
def test_the_soft_donut_agrees_and_darkens_the_middle(donut):
    light, defocus = scene("ramp")
    expected = scatter_reference(light, defocus, Aperture(blades=6), donut)
    got = scatter_direct(light, defocus, Aperture(blades=6), donut)
    assert np.abs(shown(got) - shown(expected)).max() < 1e-4
    fast = scatter(light, defocus, Aperture(blades=6), donut)
    assert np.abs(shown(fast) - shown(expected)).max() < 1e-3
    middle, edge = (float(scatter_weight(dx, 0, np.float64(25.0), DISC, donut)) for dx in (0, 24))
    assert middle / edge == pytest.approx((1.0 - 2.0 * donut) / (1.0 - donut), abs=0.01)


def test_the_fast_donut_of_a_large_disc_is_exact_past_its_flat_middle():
    light = np.full((90, 90, 3), 1e-3, np.float32)
    light[45, 40] = 300.0
    defocus = np.full((90, 90), -50.3, np.float32)
    expected = scatter_direct(light, defocus, DISC, 0.45)
    assert np.abs(shown(scatter(light, defocus, DISC, 0.45)) - shown(expected)).max() < 1e-3


def test_result_depends_neither_on_threads_nor_on_the_run():
    light, defocus = scene("noise")
    light, defocus = np.tile(light, (3, 1, 1)), np.tile(defocus, (3, 1))
    many = scatter(light, defocus), dilate_defocus(defocus), scatter_direct(light, defocus)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        one = scatter(light, defocus), dilate_defocus(defocus), scatter_direct(light, defocus)
    finally:
        numba.set_num_threads(threads)
    assert all(np.array_equal(a, b) for a, b in zip(many, one, strict=True))


@pytest.mark.parametrize("aperture", [DISC, APERTURES["pentagon"]], ids=["disc", "pentagon"])
def test_gradients_of_the_torch_form(aperture):
    rng = np.random.default_rng(0)
    light = torch.tensor(rng.random((2, 2, 4, 5)), requires_grad=True)
    # Away from whole radii, where the window jumps.
    radii = rng.integers(0, 2, (2, 1, 4, 5)) + rng.uniform(0.2, 0.8, (2, 1, 4, 5))
    defocus = torch.tensor(radii * rng.choice([-1, 1], radii.shape), requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b: scatter_gather(a, b, aperture), (light, defocus), atol=1e-6)


# ---------------------------------------------------------------------------------------- physics


@pytest.mark.parametrize("defocus", [0.0, 0.4, -3.3, 17.2])
def test_a_constant_image_stays_constant(defocus):
    light = np.full((40, 50, 3), 0.37, np.float32)
    assert np.abs(scatter(light, np.full((40, 50), defocus)) - 0.37).max() < 1e-6


@pytest.mark.parametrize("renderer", [scatter, scatter_direct, scatter_reference])
def test_a_constant_image_stays_constant_whatever_the_defocus(renderer):
    light = np.full((H, W, 3), 0.37, np.float32)
    for kind in ("noise", "step"):
        assert np.abs(renderer(light, scene(kind)[1], APERTURES["pentagon"], 0.3) - 0.37).max() < 1e-5


def test_nothing_is_left_beside_a_bright_light():
    light = np.zeros((30, 200, 3), np.float32)
    light[15, 20] = 1e6
    blurred = scatter(light, np.full((30, 200), 5.3))
    # Differences cancel to the rounding of float64, 1e6 * 2^-53.
    assert blurred[:, 30:].max() < 1e-10 and blurred[:, :10].max() == 0.0
    assert blurred.sum() == pytest.approx(3e6, rel=1e-3)


@pytest.mark.parametrize("radius", [1.0, 5.0, 20.0])
def test_one_pixel_becomes_a_disc_of_its_radius(radius):
    got = footprint(scatter, radius)
    y, x = np.mgrid[-30:31, -30:31]
    distance = np.hypot(x, y)
    flat = got[distance <= radius - 1]
    assert np.ptp(flat) < 1e-3 * flat.max()
    assert got[distance >= radius + 2].max() < 1e-15
    assert np.sqrt(got.sum() / got.max() / np.pi) == pytest.approx(radius, abs=0.25)
    if radius == 20.0:
        assert np.allclose(got, got.T) and np.allclose(got, got[::-1])


def test_weight_of_one_source_as_the_method_is_known_for():
    offsets = range(-25, 26)
    for radius, total in ((0.0, 2.51), (0.25, 3.39), (0.5, 2.35), (1.0, 2.62), (5.0, 3.09), (20.0, 3.137)):
        weights = sum(
            float(scatter_weight(dx, dy, np.float64(radius), DISC)) for dx in offsets for dy in offsets
        )
        assert weights == pytest.approx(total, abs=0.01)


def test_in_focus_leaks_what_the_formula_says():
    got = footprint(scatter, 0.0)
    assert got[30, 31] == pytest.approx(0.00067, rel=0.02)
    assert encode(got[30, 31], 2.2) == pytest.approx(0.036, abs=1e-3)


def test_without_blur_an_image_changes_by_the_leak_alone():
    light = np.random.default_rng(1).integers(0, 2, (30, 30, 3)).astype(np.float32)  # the harshest there is
    for renderer in (scatter, scatter_direct, scatter_reference):
        assert np.abs(renderer(light, np.zeros((30, 30), np.float32)) - light).max() <= 3e-3


def test_polygons_reach_the_radius_at_corners_and_the_apothem_between():
    radius = np.float64(400.0)  # so large that a direction on the grid is close to any angle
    peak = float(scatter_weight(0, 0, radius, DISC))
    for blades, apothem in ((6, 0.866), (10000, 1.0)):
        opening = Aperture(blades=blades)
        for angle, reach in ((0.0, 1.0), (np.pi / blades, apothem), (2 * np.pi / blades, 1.0)):
            inner, outer = (
                (round(step * np.cos(angle)), round(step * np.sin(angle)))
                for step in (reach * radius - 2, reach * radius + 2)
            )
            assert float(scatter_weight(*inner, -radius, opening)) > 0.99 * peak
            assert float(scatter_weight(*outer, -radius, opening)) < 0.01 * peak


def test_hexagon_has_its_corners_at_the_radius_and_its_sides_at_the_apothem():
    got = footprint(scatter, -24.0, Aperture(blades=6)) / footprint(scatter, -24.0, Aperture(blades=6)).max()
    assert got[30, 30 + 23] > 0.9 and got[30, 30 + 26] < 0.01
    apothem = 24.0 * np.cos(np.pi / 6)
    assert got[30 + int(apothem) - 1, 30] > 0.9 and got[30 + int(apothem) + 2, 30] < 0.01


def test_many_blades_and_full_curvature_are_a_disc():
    disc = footprint(scatter, 12.0)
    assert (
        np.abs(footprint(scatter, 12.0, Aperture(blades=5, curvature=1.0)) - disc).max() < 1e-6 * disc.max()
    )
    assert np.abs(footprint(scatter, 12.0, Aperture(blades=720)) - disc).max() < 0.02 * disc.max()


@pytest.mark.parametrize("renderer", [scatter, scatter_reference, scatter_direct])
def test_a_near_light_shows_the_aperture_turned(renderer):
    triangle = Aperture(blades=3)
    far, near = footprint(renderer, -9.6, triangle), footprint(renderer, 9.6, triangle)
    assert far[30, 30 + 8] > 0 and far[30, 30 - 8] < 1e-6  # a corner on the +x axis
    assert np.allclose(near, far[::-1, ::-1], atol=1e-6)


def test_central_obstruction_leaves_a_hole():
    ring = footprint(scatter, 20.0, Aperture(inner=0.5))
    assert ring[30, 30] < 1e-4 * ring.max() and ring[30, 45] > 0.99 * ring.max()


def test_ladder_grows_with_the_square_of_the_radius_only_so_far():
    defocus = np.linspace(0, 300, 300).reshape(10, 30)
    assert len(build_ladder(defocus, DISC).offset) < 30_000_000


@pytest.mark.parametrize("defocus", [1500.0, float("nan")])
def test_absurd_radii_are_refused(defocus):
    with pytest.raises(ConfigError, match="K is the radius in pixels"):
        scatter(np.zeros((4, 4, 3), np.float32), np.full((4, 4), defocus))


# --------------------------------------------------------------------------------------- dilation


@pytest.mark.parametrize("kind", ["noise", "small", "ramp", "step"])
def test_dilation_equals_the_reference(kind):
    _, defocus = scene(kind)
    assert np.array_equal(dilate_defocus(defocus), dilate_reference(defocus))


def test_near_plane_spreads_over_the_far_one():
    defocus = np.full((40, 60), -4.0, np.float32)
    defocus[:, :20] = 8.0
    dilated = dilate_defocus(defocus)
    assert (dilated[:, :28] == 8.0).all() and (dilated[:, 28:] == -4.0).all()


def test_less_blurred_background_wins_over_more_blurred():
    defocus = np.full((30, 40), -9.6, np.float32)
    defocus[:, 20:] = -3.9
    dilated = dilate_defocus(defocus)
    assert (dilated[:, 17:] == -3.0).all() and (dilated[:, :17] == -9.0).all()


# --------------------------------------------------------------------------------------- renderer


def test_renderer_works_in_linear_light_of_its_gamma():
    image = np.zeros((21, 21, 3), np.float32)
    image[:, :10] = 1.0
    for gamma in (1.0, 2.2, 5.0):
        lens = Lens(K=6.0, disp_focus=0.0, gamma=gamma)
        got = Scatter().render(Inputs("k", image, np.ones((21, 21), np.float32), lens))
        expected = scatter_reference(image, np.full((21, 21), 6.0)) ** (1 / gamma)
        assert got.dtype == np.float32 and np.abs(got - expected).max() < 2e-3


def test_highlight_boost_is_off_and_touches_only_bright_defocused_pixels():
    image = np.full((2, 2, 3), 0.5, np.float32)
    image[0] = 1.0
    disparity = np.array([[0.5, 1.0], [0.5, 1.0]], np.float32)
    lens = Lens(K=5.0, disp_focus=0.5)
    assert boost_highlights(image, disparity, lens, 0.0) is image
    boosted = boost_highlights(image, disparity, lens, 0.4)
    assert (boosted[1] == 0.5).all() and (boosted[0, 0] == 1.0).all() and (boosted[0, 1] > 1.3).all()


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_a_device_that_is_not_there_is_one_clear_line():
    with pytest.raises(Unavailable, match="take device=cpu"):
        Scatter(device="cuda")


@pytest.mark.gpu
def test_a_gpu_shows_what_the_cpu_shows():
    light, defocus = scene("ramp")
    lens = Lens(K=20.0, disp_focus=0.45, aperture=Aperture(blades=5, inner=0.3))
    inputs = Inputs("k", shown(light).astype(np.float32), (defocus + 9) / 20, lens)
    cpu, gpu = (Scatter(donut=0.2, device=device).render(inputs) for device in ("cpu", "cuda"))
    assert np.abs(cpu - gpu).max() < 1e-3


@pytest.mark.parametrize("options", [{"highlight_boost": -1.0}, {"donut": 0.6}, {"device": "tpu"}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError):
        Scatter(**options)
