"""The compact models' VAE: what its fixed linear way keeps, and that networks add to it."""

import copy

import numpy as np
import pytest
import torch
from scipy.fft import dctn
from torch.nn import functional

from bokehbench.baselines.diffusion.patch_vae import PatchVAE, cosine_patches

SIZES = {
    "block_out_channels": (8, 16, 16),
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "norm_num_groups": 4,
    "mid_block_add_attention": False,
}


def vae(channels=16, seed=0):
    torch.manual_seed(seed)
    return PatchVAE(latent_channels=channels, **SIZES)


def round_trip(model, picture):
    with torch.no_grad():
        return model.decode(model.encode(picture).latent_dist.mode()).sample


def picture(height=24, width=40, seed=1):
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_kernels_are_orthonormal_and_the_strongest_first():
    kernels, deviations = cosine_patches(4, 16)
    gram = torch.einsum("ncij,mcij->nm", kernels, kernels)
    assert torch.allclose(gram, torch.eye(16), atol=1e-6)
    assert torch.all(deviations[:-1] >= deviations[1:])
    # The first is the mean of all: its answer to grey is a multiple of it, that of all others 0.
    answers = kernels.sum(dim=(1, 2, 3))
    assert answers[0] == pytest.approx(48**0.5, rel=1e-6)
    assert torch.all(answers[1:].abs() < 1e-5)


def test_lightness_is_the_cosine_transform_of_scipy():
    kernels, _ = cosine_patches(4, 48)
    patch = np.random.default_rng(0).random((4, 4))
    wanted = dctn(patch, norm="ortho") * 3**0.5
    grey = torch.from_numpy(patch).float().expand(3, 4, 4)
    found = torch.einsum("ncij,cij->n", kernels, grey)
    kept = sorted(found[found.abs() > 1e-6].tolist())
    assert kept == pytest.approx(sorted(wanted.ravel().tolist()), abs=1e-5)


def test_untrained_it_is_the_nearest_picture_of_its_coefficients():
    model, seen = vae(), picture()
    made = round_trip(model, seen)
    assert torch.allclose(round_trip(model, made), made, atol=1e-5)  # a projection,
    assert abs(float(((seen - made) * made).sum())) < 1e-2  # and an orthogonal one
    assert made.shape == seen.shape


def test_with_all_coefficients_nothing_is_lost():
    seen = picture()
    assert torch.allclose(round_trip(vae(48), seen), seen, atol=1e-5)


def test_smooth_pictures_and_plain_colours_come_back():
    steps = torch.linspace(-1, 1, 64)
    ramp = torch.stack([steps[None].expand(64, 64), steps[:, None].expand(64, 64), torch.full((64, 64), 0.3)])
    error = functional.mse_loss(round_trip(vae(), ramp[None]), ramp[None])
    assert float(error) < 1e-5


def test_networks_add_to_it_and_have_gradients():
    model, seen = vae(), picture()
    functional.l1_loss(model.decode(model.encode(seen).latent_dist.mode()).sample, seen).backward()
    for part in (model.encoder, model.decoder):
        assert float(part.conv_out.weight.grad.abs().max()) > 0.0
    before = round_trip(model, seen)
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.decoder.conv_out.bias += 0.5
    assert torch.allclose(round_trip(other, seen), before + 0.5, atol=1e-5)
    assert torch.equal(round_trip(model, seen), before)  # the copy has hooks of its own


def stirred(model):
    """As after training: networks that say something."""
    torch.manual_seed(3)
    with torch.no_grad():
        for part in (model.encoder, model.decoder):
            part.conv_out.weight.normal_(std=0.02)
    return model


def test_half_precision_of_the_networks_leaves_the_linear_way_whole():
    seen = picture()
    for model, error in ((vae(48), 1e-5), (stirred(vae(48)), 0.02)):
        whole = round_trip(model, seen)
        with torch.autocast("cpu", torch.bfloat16):
            made = round_trip(model, seen)
        assert made.dtype == torch.float32
        assert torch.allclose(made, whole, atol=error)
    assert not torch.allclose(whole, seen, atol=0.05)


def test_large_pictures_go_through_in_tiles_that_the_linear_way_does_not_see():
    torch.manual_seed(0)
    model = PatchVAE(latent_channels=16, sample_size=64, **SIZES)
    seen = picture(112, 176)
    whole = round_trip(model, seen)
    model.enable_tiling()
    assert torch.allclose(round_trip(model, seen), whole, atol=1e-5)


def test_the_law_that_files_of_weights_rest_on_has_not_changed():
    """Another law is another meaning of every file: then the compact methods get another version."""
    kernels, deviations = cosine_patches(4, 16)
    kept = (3.0, 1.0, 0.5, 0.5, 0.5, 0.27273, 0.16667, 0.16667, 0.14286, 0.14286, 0.11538, 0.11538, 0.09091)
    assert deviations.tolist() == pytest.approx([*kept, 0.08333, 0.08333, 0.07317], abs=1e-5)
    assert kernels[:3, :, 0, 0].flatten().tolist() == pytest.approx(
        [0.14434, 0.14434, 0.14434, 0.17678, 0.0, -0.17678, 0.18859, 0.18859, 0.18859], abs=1e-4
    )


def test_the_posterior_starts_as_narrow_as_asked_and_files_hold_networks_alone():
    model = vae()
    model.start_noise(0.02)
    spread = model.encode(picture()).latent_dist.std
    assert torch.allclose(spread, torch.full_like(spread, 0.02), rtol=1e-4)
    assert all(name.startswith(("encoder.", "decoder.")) for name in model.state_dict())
