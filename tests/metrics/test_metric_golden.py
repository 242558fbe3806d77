"""Golden values (computed elsewhere, once) and agreement with libraries that share no code with ours."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from bokehbench.metrics import score_images


def srgb_to_linear(encoded: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def decibel(prediction: np.ndarray, target: np.ndarray, peak: float) -> float:
    """PSNR in other words than ours: through the root mean square."""
    return float(20.0 * np.log10(peak / np.sqrt(np.square(prediction - target).mean())))


def test_the_pictures_are_the_ones_the_values_are_about(golden, golden_large):
    starts = [hashlib.sha256(image.tobytes()).hexdigest()[:16] for image in (*golden, *golden_large)]
    assert starts == ["6221756978fc099e", "494d94242a4da455", "77766b81482eea51", "0de790186a248591"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("psnr", 18.113021), ("psnr+crop8", 17.913556), ("psnr+crop16", 17.865839), ("ssim", 0.644009)),
        *(("psnr-y601", 25.599185), ("psnr-peakmax", 17.975692)),
        *(("ssim-y601", 0.745447), ("ssim-sk7", 0.655192), ("ssim-tm", 0.649541)),
    ],
)
def test_golden_values(golden, name, value):
    assert score_images(*golden, [name])[name] == pytest.approx(value, abs=1e-6)


def test_golden_squared_error_is_exact(golden):
    difference = golden[0].astype(int) - golden[1]
    assert int((difference**2).sum()) == 312316200
    expected = 10.0 * np.log10(255.0**2 * 311040 / 312316200)
    assert score_images(*golden, ["psnr"])["psnr"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("name", "value"), [("ssim-piqds", 0.818933), ("ssim-sk7", 0.656647)])
def test_golden_values_at_a_size_that_piq_pools(golden_large, name, value):
    assert score_images(*golden_large, [name])[name] == pytest.approx(value, abs=1e-6)


def test_golden_ssim_at_a_size_where_piq_would_pool(golden_large):
    import piq

    from bokehbench.metrics.tensors import to_tensor

    assert score_images(*golden_large, ["ssim"])["ssim"] == pytest.approx(0.646180, abs=1e-6)
    pooled = piq.ssim(*(to_tensor(image) for image in golden_large))
    assert float(pooled) == pytest.approx(0.818933, abs=1e-6)


def test_linear_variant_decodes_with_the_gamma_of_the_lens_not_with_srgb(golden):
    encoded = [image / 255.0 for image in golden]
    # The published golden value of linear light is that of the sRGB curve ...
    assert decibel(*(srgb_to_linear(image) for image in encoded), 1.0) == pytest.approx(17.041318, abs=1e-6)
    # ... ours is that of the lens.
    for gamma in (2.2, 1.8):
        expected = decibel(*(image**gamma for image in encoded), 1.0)
        assert score_images(*golden, ["psnr+lin"], gamma=gamma)["psnr+lin"] == pytest.approx(
            expected, abs=1e-9
        )
    # With gamma 1 nothing is decoded.
    both = score_images(*golden, ["psnr", "psnr+lin", "ssim", "ssim+lin"], gamma=1.0)
    assert both["psnr+lin"] == pytest.approx(both["psnr"], abs=1e-9)
    assert both["ssim+lin"] == pytest.approx(both["ssim"], abs=1e-12)


def test_crop_is_the_metric_of_the_inner_picture(photo, distorted):
    inner = (slice(5, -5), slice(5, -5))
    expected = score_images(distorted["blur"][inner], photo[inner], ["psnr", "ssim", "haarpsi", "psnr+lin"])
    names = ["psnr+crop5", "ssim+crop5", "haarpsi+crop5", "psnr+lin+crop5"]
    assert list(score_images(distorted["blur"], photo, names).values()) == list(expected.values())


@pytest.mark.parametrize("kind", ["blur", "noise", "dark", "shift"])
def test_psnr_and_ssim_agree_with_scikit_image(photo, distorted, kind):
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    ours = score_images(distorted[kind], photo, ["psnr", "ssim"])
    assert ours["psnr"] == pytest.approx(peak_signal_noise_ratio(photo, distorted[kind]), abs=1e-9)
    wang = structural_similarity(
        photo, distorted[kind], channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ours["ssim"] == pytest.approx(wang, abs=1e-9)


def test_full_resolution_and_pooled_ssim_differ_as_the_docs_say():
    """docs/metrics.md and the docstring of `ssim` quote these four figures."""
    import cv2
    import piq
    from skimage.data import astronaut
    from skimage.metrics import structural_similarity

    from bokehbench.metrics.tensors import to_tensor

    target = astronaut()
    prediction = cv2.GaussianBlur(target, (0, 0), 2.0)
    ours = score_images(prediction, target, ["psnr", "ssim"])
    assert (round(ours["psnr"], 3), round(ours["ssim"], 4)) == (25.009, 0.8109)
    assert round(float(piq.ssim(to_tensor(prediction), to_tensor(target))), 4) == 0.9044
    assert round(structural_similarity(target, prediction, channel_axis=2), 4) == 0.8228


def test_ssim_agrees_with_torchmetrics_away_from_the_border(photo, distorted):
    """torchmetrics (from 1.4.2) keeps the border; where that is equal, only its share in the mean differs."""
    functional = pytest.importorskip("torchmetrics.functional.image")
    from bokehbench.metrics.tensors import to_tensor

    prediction = photo.copy()
    prediction[16:-16, 16:-16] = distorted["blur"][16:-16, 16:-16]
    theirs = functional.structural_similarity_index_measure(
        to_tensor(prediction), to_tensor(photo), data_range=1.0
    )
    height, width = photo.shape[:2]
    valid = (height - 10) * (width - 10) / (height * width)
    ours = score_images(prediction, photo, ["ssim"])["ssim"]
    assert 1.0 - float(theirs) == pytest.approx((1.0 - ours) * valid, abs=1e-6)
