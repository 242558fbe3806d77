"""Claims about the tracer on tensors: light, gradients, batches."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from bokehbench import rng
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Aperture, Lens, falloff
from bokehbench.synth.render import render_bokeh
from bokehbench.synth.render.stratified import trace_pixels
from bokehbench.synth.render.torch_prefilter import box_taps
from bokehbench.synth.render.torch_tracer import render_layers

OFFSETS = [(1, 1), (-6, -6)]
SIZE = (6, 5)
WHOLE = Lens(
    0.0, 0.0, aperture=Aperture(blades=5, cat_eye=0.5), vignette="physical", focus_shift=(0.04, 0.0, 0.0)
)


def random(name: str, *shape: int) -> Tensor:
    return torch.from_numpy(rng.stream(5, 0, name).random(shape))


def scene(tilt: float) -> tuple[list[Tensor], Tensor]:
    """A soft foreground before an opaque background, float64."""
    alpha = random("alpha", 1, 4, 5)
    near = torch.cat([random("near", 3, 4, 5) * alpha, alpha])
    far = torch.cat([random("far", 3, 17, 18), torch.ones(1, 17, 18, dtype=torch.float64)])
    planes = torch.tensor([[tilt, -tilt, 0.8], [-tilt, 0.5 * tilt, 0.2]], dtype=torch.float64)
    return [near, far], planes


def number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("lens", [None, WHOLE])
@pytest.mark.parametrize("tilt", [0.0, 3e-3])
def test_gradients_of_colour_alpha_and_lens_are_those_of_differences(tilt: float, lens: Lens | None) -> None:
    """At a point where no ray crosses a pixel centre within the step, and no box a kink."""
    layers, planes = scene(tilt)
    inputs = [*(pixels.requires_grad_() for pixels in layers), number(7.3), number(0.437)]

    def image(near: Tensor, far: Tensor, K: Tensor, disp_focus: Tensor) -> Tensor:
        return render_layers(
            [near, far], planes, OFFSETS, K, disp_focus, SIZE, lens=lens, cells_per_axis=3, quality="draft"
        )

    assert torch.autograd.gradcheck(image, inputs, eps=1e-6, atol=1e-5, rtol=1e-3, fast_mode=True)


@pytest.mark.parametrize("tilt", [0.0, 3e-3])
@pytest.mark.parametrize("K", [5.3, 23.7, 61.1])
def test_the_slope_over_K_and_focus_holds_through_the_prefilter(K: float, tilt: float) -> None:
    """Boxes of 1 to 12 pixels: the number of taps and the weight of the last ones are both in play."""
    layers, planes = scene(tilt)
    towards = random("towards", 4, 5, 6)

    def score(K: Tensor, disp_focus: Tensor) -> Tensor:
        image = render_layers(layers, planes, OFFSETS, K, disp_focus, SIZE, cells_per_axis=3)
        return (image * towards).sum()

    assert torch.autograd.gradcheck(score, [number(K), number(0.437)], eps=1e-7, atol=1e-5, rtol=1e-4)


def test_more_blur_moves_light_but_makes_none() -> None:
    far = torch.zeros(4, 41, 41, dtype=torch.float64)
    far[3] = 1.0
    far[:3, 20, 20] = 1.0
    planes = torch.tensor([[0.0, 0.0, 0.2]], dtype=torch.float64)
    K = number(20.3)
    light = render_layers([far], planes, [(0, 0)], K, number(0.5), (41, 41), cells_per_axis=6)[0]
    y, x = torch.meshgrid(*(torch.arange(41.0, dtype=torch.float64) - 20.0,) * 2, indexing="ij")
    (energy,) = torch.autograd.grad(light.sum(), K, retain_graph=True)
    assert light.sum().item() == pytest.approx(1.0, abs=1e-9)
    assert energy.item() == pytest.approx(0.0, abs=1e-9)
    # E[r^2] = R^2 / 2 with R = 0.3 K, hence dE/dK = 0.09 K (boxes and hats are coarse for one pixel).
    (spread,) = torch.autograd.grad((light * (x * x + y * y)).sum(), K)
    assert spread.item() == pytest.approx(0.09 * 20.3, rel=0.1)


def test_the_lens_is_found_again_by_descent() -> None:
    from scipy.ndimage import gaussian_filter

    near, far = scene(0.0)[0]
    smooth = np.stack([gaussian_filter(channel, 1.5) for channel in random("wide", 3, 40, 40).numpy()])
    far = torch.cat([torch.from_numpy(smooth), torch.ones(1, 40, 40, dtype=torch.float64)])
    planes = scene(0.0)[1]

    def image(K: Tensor, disp_focus: Tensor) -> Tensor:
        return render_layers(
            [near, far], planes, [(4, 4), (-12, -12)], K, disp_focus, (16, 14), cells_per_axis=5
        )

    truth = image(torch.tensor(12.0), torch.tensor(0.45)).detach()
    K, focus = number(8.0), number(0.6)
    descent = torch.optim.LBFGS([K, focus], lr=0.5, max_iter=30, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        descent.zero_grad()
        value = 1e3 * ((image(K, focus) - truth) ** 2).mean()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    descent.step(loss)
    assert K.item() == pytest.approx(12.0, abs=0.1)
    assert focus.item() == pytest.approx(0.45, abs=0.01)


def test_a_batch_is_its_scenes_one_by_one() -> None:
    layers, planes = scene(2e-3)
    several = [torch.stack([pixels, pixels.flip(-1)]) for pixels in layers]
    tilts = torch.stack([planes, torch.cat([0.0 * planes[:, :2], planes[:, 2:]], dim=1)])
    K, focus = torch.tensor([9.0, 4.0]), torch.tensor([0.4, 0.55])
    batch = render_layers(several, tilts, OFFSETS, K, focus, SIZE, lens=WHOLE, cells_per_axis=4)
    for i in range(2):
        single = render_layers(
            [pixels[i] for pixels in several],
            tilts[i],
            OFFSETS,
            K[i],
            focus[i],
            SIZE,
            lens=WHOLE,
            cells_per_axis=4,
        )
        assert single.shape == (4, SIZE[1], SIZE[0])
        torch.testing.assert_close(batch[i], single, atol=1e-9, rtol=0.0)


def test_what_is_kept_for_the_backward_pass_does_not_grow_with_the_lens_samples() -> None:
    layers, planes = scene(0.0)
    kept = []
    for n in (3, 9):
        held: dict[int, int] = {}

        def pack(tensor: Tensor, held: dict[int, int] = held) -> Tensor:
            held[tensor.data_ptr()] = tensor.nbytes
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            render_layers(
                [pixels.requires_grad_() for pixels in layers],
                planes,
                OFFSETS,
                number(6.0),
                number(0.5),
                SIZE,
                cells_per_axis=n,
            )
        kept.append(sum(held.values()))
    assert kept[1] < 1.5 * kept[0]


def display_psnr(a: np.ndarray, b: np.ndarray) -> float:
    encoded = [np.clip(image[..., :3].astype(np.float64), 0.0, 1.0) ** (1 / 2.2) for image in (a, b)]
    return -10.0 * math.log10(np.mean((encoded[0] - encoded[1]) ** 2))


def picture_layers(tilt: float, size: tuple[int, int], pad: int) -> list[Layer]:
    from scipy.ndimage import gaussian_filter

    draw = rng.stream(7, 0, "layers")
    shape = (size[1] + 2 * pad, size[0] + 2 * pad)
    far = np.ones((*shape, 4), np.float32)
    far[..., :3] = np.stack([gaussian_filter(draw.random(shape), 1.0) for _ in range(3)], axis=2)
    alpha = np.clip(0.5 + 4.0 * gaussian_filter(draw.standard_normal((30, 36)), 1.5), 0.0, 1.0)
    near = np.concatenate([alpha[..., None] * draw.random((30, 36, 3)), alpha[..., None]], axis=2)
    return [
        Layer(near.astype(np.float32), Plane(tilt, -tilt, 0.8), 6, 5),
        Layer(far, Plane(-tilt, 0.5 * tilt, 0.2), -pad, -pad),
    ]


LENSES = {
    "heart": Lens(24.0, 0.45, aperture=Aperture(shape="heart")),
    "soap": Lens(24.0, 0.45, aperture=Aperture(rim=3.0, inner=0.3)),
    "cat-eye": Lens(24.0, 0.45, aperture=Aperture(cat_eye=0.7)),
    "dark corners": Lens(24.0, 0.45, aperture=Aperture(blades=6, cat_eye=0.6), vignette="physical", cos4=0.4),
    "colours": Lens(24.0, 0.45, focus_shift=(0.05, 0.0, -0.05)),
}


@pytest.mark.parametrize("name", LENSES)
@pytest.mark.parametrize("tilt", [0.0, 1e-3])
def test_every_opening_and_light_agrees_with_rays(name: str, tilt: float) -> None:
    size, lens = (48, 40), LENSES[name]
    layers = picture_layers(tilt, size, 24)
    y, x = (axis.ravel() for axis in np.mgrid[0 : size[1] : 2, 0 : size[0] : 2])
    truth = trace_pixels(layers, lens, x, y, per_axis=64, seed=5, size=size)
    image = render_bokeh(layers, lens, size, backend="torch")
    np.testing.assert_allclose(image[y, x, 3], truth[:, 3], atol=2e-3)
    assert display_psnr(image[y, x], truth) >= 45.0


def test_one_colour_stays_that_colour_under_a_cat_eye() -> None:
    size = (40, 33)
    layer = Layer(np.ones((80, 80, 4), np.float32), Plane(0.0, 0.0, 0.2), -20, -20)
    aperture = Aperture(cat_eye=0.9)
    even = render_bokeh([layer], Lens(20.0, 0.5, aperture=aperture), size, backend="torch")
    np.testing.assert_allclose(even, 1.0, atol=1e-5)
    lens = Lens(20.0, 0.5, aperture=aperture, vignette="physical")
    dark = render_bokeh([layer], lens, size, backend="torch")
    np.testing.assert_allclose(dark[..., 0], falloff(lens, size), atol=1e-5)
    np.testing.assert_allclose(dark[..., 3], 1.0, atol=1e-5)


def test_boxes_have_no_energy_at_the_spacing_of_the_cells_and_change_without_jumps() -> None:
    h = torch.linspace(2.0, 12.0, 2001, dtype=torch.float64)
    m, f = box_taps(h)
    k = torch.arange(-8, 9, dtype=torch.float64)[:, None]
    taps = torch.where(k.abs() <= m, 1.0, torch.where(k.abs() == m + 1.0, f, 0.0))
    assert (taps * torch.cos(2.0 * torch.pi * k / h)).sum(dim=0).abs().max() < 1e-6
    total = taps.sum(dim=0)
    assert (total[1:] - total[:-1]).abs().max() < 0.03
    m, f = box_taps(torch.linspace(0.0, 1.0, 5, dtype=torch.float64))
    assert not m.any()
    assert not f.any()


def test_tensors_that_do_not_fit_are_refused_in_one_line() -> None:
    layers, planes = scene(0.0)
    one = torch.tensor(1.0)
    wrong = [
        (([], planes, [], one, one), "there are none"),
        ((layers, planes[:1], OFFSETS, one, one), "2 layers need 2 offsets"),
        (([layers[0][:3], layers[1]], planes, OFFSETS, one, one), "layer 0"),
        (([layers[0].float(), layers[1]], planes, OFFSETS, one, one), "make them alike"),
        ((layers, planes, OFFSETS, -one, one), "K must be"),
        ((layers, planes, OFFSETS, one, one * torch.nan), "disp_focus finite"),
        ((layers, planes, OFFSETS, one.expand(3), one.expand(2)), "different sizes"),
    ]
    for arguments, says in wrong:
        with pytest.raises(InputError, match=says) as error:
            render_layers(*arguments, SIZE)
        assert "\n" not in str(error.value)


def test_backends_and_devices_that_are_not_there_are_refused() -> None:
    layer = Layer(np.ones((8, 8, 4), np.float32), Plane(0.0, 0.0, 0.2))
    with pytest.raises(ConfigError, match="numba, torch, torch:DEVICE, triton"):
        render_bokeh([layer], Lens(1.0, 0.5), (8, 8), backend="cuda")
    with pytest.raises(Unavailable, match="take backend='numba'"):
        render_bokeh([layer], Lens(1.0, 0.5), (8, 8), backend="torch:nowhere")
    if not torch.cuda.is_available():
        with pytest.raises(Unavailable, match="needs an NVIDIA GPU"):
            render_bokeh([layer], Lens(1.0, 0.5), (8, 8), backend="triton")
