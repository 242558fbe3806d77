"""Claims about what is done to pictures, by oracles that share no code with it."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import torch
from PIL import Image
from skimage import data
from skimage.registration import phase_cross_correlation

from bokehbench.errors import InputError
from bokehbench.rng import stream
from bokehbench.synth.degrade import (
    PRESETS,
    DegradePlan,
    apply,
    degrade,
    kernels,
    load_preset,
    resample,
    shot,
)
from bokehbench.synth.degrade import pipeline as module
from bokehbench.synth.degrade.plan import Jpeg, Noise, Resize
from bokehbench.synth.degrade.preset import Sharpen, parse_preset


def photo(width: int = 96, height: int = 80, seed: int = 3) -> np.ndarray:
    """Edges and gradients, as a picture has."""
    rng = np.random.default_rng(seed)
    image = np.zeros((height, width, 3), np.float32)
    for _ in range(40):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        size = rng.uniform(2, 16, 2)
        colour = tuple(rng.random(3).tolist())
        cv2.ellipse(
            image, (int(x), int(y)), tuple(size.astype(int).tolist()), rng.uniform(0, 180), 0, 360, colour, -1
        )
    return np.clip(cv2.GaussianBlur(image, (0, 0), 0.5), 0.0, 1.0)


def test_blur_is_convolution_with_mirrored_borders() -> None:
    image = photo()
    for kernel in (
        kernels.gaussian(21, (2.0, 2.0)),
        kernels.gaussian(13, (0.6, 2.5), 0.7),
        kernels.sinc(15, 1.4),
    ):
        want = np.stack(
            [scipy.ndimage.convolve(image[..., c], kernel, mode="mirror") for c in range(3)], axis=2
        )
        np.testing.assert_allclose(module.blur(image, kernel), want, atol=2e-5)


@pytest.mark.parametrize("size", [(96, 80), (41, 33), (130, 97), (7, 150), (1, 1)])
@pytest.mark.parametrize("mode", ["area", "bilinear", "bicubic"])
def test_opencv_resizes_by_the_matrices_of_the_definition(size: tuple[int, int], mode: str) -> None:
    image = photo()
    rows, columns = resample.weights(80, size[1], mode), resample.weights(96, size[0], mode)
    want = np.einsum("oh,hwc,pw->opc", rows, image, columns)
    np.testing.assert_allclose(module.resize(image, Resize(size=size, mode=mode)), want, atol=2e-5)


@pytest.mark.parametrize("size", [(41, 33), (130, 97)])
@pytest.mark.parametrize(
    ("mode", "theirs"), [("bilinear", "bilinear"), ("bicubic", "bicubic"), ("adaptive", "area")]
)
def test_modes_are_those_of_torch(size: tuple[int, int], mode: str, theirs: str) -> None:
    image = photo()
    batch = torch.from_numpy(image).permute(2, 0, 1)[None]
    want = torch.nn.functional.interpolate(batch, size=size[::-1], mode=theirs)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(module.resize(image, Resize(size=size, mode=mode)), want, atol=1e-4)


def test_drift_is_that_of_a_nominal_scale_factor() -> None:
    image = photo(101, 83)
    batch = torch.from_numpy(image).permute(2, 0, 1)[None]
    want = (
        torch.nn.functional.interpolate(batch, scale_factor=0.37, mode="bilinear")[0].permute(1, 2, 0).numpy()
    )
    step = Resize(size=(37, 30), mode="bilinear", drift=0.37)
    np.testing.assert_allclose(module.resize(image, step), want, atol=1e-4)


@pytest.mark.parametrize("photons", [1, 4, 64, 256])
def test_shot_noise_is_the_exact_quantile_of_poisson(photons: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 256, 4000).astype(np.uint8)
    uniform = rng.integers(0, 2**32 - 1, 4000, dtype=np.uint32)
    table = shot.table(photons)
    want = scipy.stats.poisson.ppf((uniform + 0.5) / 2.0**32, values * (photons / 255.0))
    found = shot.counts(values, uniform, table.upper, table.guide)
    assert np.mean(found == want) > 0.9995  # the same but where u lies on a bound
    assert np.abs(found - want).max() <= 1
    # The extremes end the search.
    ends = np.array([0, 2**32 - 2], np.uint32)
    for value in (0, 1, 255):
        found = shot.counts(np.full(2, value, np.uint8), ends, table.upper, table.guide)
        assert found[0] <= photons * value / 255 <= found[1] + 1 <= photons + 8 * np.sqrt(photons) + 13
    assert shot.counts(np.zeros(2, np.uint8), ends, table.upper, table.guide).tolist() == [0, 0]


def test_shot_noise_grows_with_light_and_gaussian_noise_does_not() -> None:
    ramp = np.zeros((64, 256, 3), np.float32) + np.linspace(0.2, 0.8, 256, dtype=np.float32)[None, :, None]
    for kind, strength in (("poisson", 0.5), ("gaussian", 0.03)):
        step = Noise(kind=kind, strength=strength, grey=False, field=0)
        noise = module.add_noise(ramp, step, 5) - ramp
        dark, light = noise[:, :48].var(), noise[:, -48:].var()
        photons = shot.photons_of(module.to_bytes(ramp))
        if kind == "poisson":
            assert light / dark == pytest.approx(ramp[0, -48:, 0].mean() / ramp[0, :48, 0].mean(), rel=0.1)
            assert dark == pytest.approx(strength**2 * ramp[0, :48, 0].mean() / photons, rel=0.1)
        else:
            assert light == pytest.approx(strength**2, rel=0.05)
            assert dark == pytest.approx(strength**2, rel=0.05)
        assert abs(noise.mean()) < 1e-3


def test_grey_noise_is_one_field_for_all_channels() -> None:
    image = np.full((32, 32, 3), 0.5, np.float32)
    for kind in ("gaussian", "poisson"):
        noise = module.add_noise(image, Noise(kind=kind, strength=0.05, grey=True, field=0), 1) - image
        assert np.ptp(noise, axis=2).max() < 1e-6
        assert noise.std() > 1e-3


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_jpeg_is_the_codec_that_everybody_has(quality: int) -> None:
    image = photo()
    file = io.BytesIO()
    Image.fromarray(module.to_bytes(image)).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    want = np.asarray(Image.open(file)).astype(int)
    found = np.rint(module.jpeg(image, Jpeg(quality=quality)) * 255).astype(int)
    assert np.abs(found - want).max() <= 1


def test_the_imitation_of_jpeg_is_near_the_codec_and_exact_where_nothing_is_lost() -> None:
    image = photo()
    real = module.jpeg(image, Jpeg(quality=90))
    imitation = module.jpeg(image, Jpeg(quality=90.4, codec="diff"))
    assert np.abs(real - imitation).mean() < 0.02
    flat = np.full((17, 30, 3), 0.5, np.float32)
    np.testing.assert_allclose(module.jpeg(flat, Jpeg(quality=99.0, codec="diff"))[:16, :16], 0.5, atol=0.01)


def test_sharpening_leaves_flat_parts_alone_and_steepens_edges() -> None:
    image = np.full((120, 120, 3), 0.3, np.float32)
    image[:, 60:] = 0.7
    soft = cv2.GaussianBlur(image, (0, 0), 1.5)
    sharp = module.sharpen(soft, Sharpen(size=51, weight=0.5, threshold=10))
    assert np.abs(sharp[:, :10] - soft[:, :10]).max() < 2e-3
    assert np.diff(sharp[60, :, 0]).max() > 1.2 * np.diff(soft[60, :, 0]).max()


def test_the_target_is_sharpened_only_where_the_preset_says_so() -> None:
    image = photo()
    for preset, same in (("osediff_512", True), ("realesrgan_x4", False)):
        made = degrade(DegradePlan.sample(stream(0, 0, "d"), preset, (96, 80)), image)
        assert (made.hq == image).all() == same
        assert made.small.shape == (20, 24, 3)
        assert made.lq.shape == image.shape


@pytest.mark.parametrize("preset", PRESETS)
def test_everything_is_eight_bit_within_range_for_any_size(preset: str) -> None:
    for index, (width, height) in enumerate([(97, 53), (512, 3), (2, 200), (64, 64)]):
        made = degrade(
            DegradePlan.sample(stream(4, index, "d"), preset, (width, height)), photo(width, height)
        )
        for picture in (made.lq, made.small):
            codes = picture * 255
            np.testing.assert_allclose(codes, np.rint(codes), atol=1e-3)
            assert picture.min() >= 0.0 and picture.max() <= 1.0
        assert made.lq.shape == (height, width, 3)


def test_content_stays_where_it_was() -> None:
    """Phase correlation of the enlarged picture with the clean one, over plans."""
    clean = data.astronaut()[:256, 128:384].astype(np.float32) / 255
    window = np.outer(np.hanning(256), np.hanning(256))

    def light(image: np.ndarray) -> np.ndarray:
        grey = image.mean(axis=2)
        return (grey - grey.mean()) * window

    shifts = []
    for index in range(60):
        # Turned about every other time: blur moves the light of a lopsided scene, a drift moves both alike.
        image = clean if index % 2 else np.ascontiguousarray(clean[::-1, ::-1])
        lq = apply(DegradePlan.sample(stream(11, index // 2, "d"), "osediff_512", (256, 256)), image)
        shifts.append(
            phase_cross_correlation(light(image), light(lq), normalization=None, upsample_factor=20)[0]
        )
    assert np.hypot(*np.transpose(shifts)).mean() < 0.3
    assert np.abs(np.mean(shifts, axis=0)).max() < 0.05


def test_the_mean_colour_survives() -> None:
    image = photo(128, 128) * 0.6 + 0.2
    changes = [
        apply(DegradePlan.sample(stream(12, index, "d"), "osediff_512", (128, 128)), image).mean()
        - image.mean()
        for index in range(40)
    ]
    assert abs(np.mean(changes)) < 0.01


def test_a_margin_keeps_the_border_of_the_crop_out() -> None:
    """Where nothing is random, the crop of the degraded whole is the degraded crop with its margin."""
    fields = load_preset("osediff_512").model_dump()
    fields["stages"] = [{"kernel": fields["stages"][0]["kernel"]}]
    fields["final"] |= {"jpeg": None, "modes": {"area": 1}}
    preset = parse_preset(fields, "test")
    image = photo(256, 256)
    for index in range(5):
        whole = DegradePlan.sample(stream(6, index, "d"), preset, (256, 256))
        inner = DegradePlan.sample(stream(6, index, "d"), preset, (128, 128), margin=64)
        crop = degrade(inner, np.ascontiguousarray(image))
        want = degrade(whole, image)
        assert crop.lq.shape == (128, 128, 3) and crop.small.shape == (32, 32, 3)
        assert np.abs(crop.small - want.small[16:48, 16:48]).max() <= 1.01 / 255
        assert np.abs(crop.lq - want.lq[64:192, 64:192]).max() <= 1.01 / 255
        assert (crop.hq == image[64:192, 64:192]).all()


def test_another_shape_or_nan_is_refused() -> None:
    plan = DegradePlan.sample(stream(0, 0, "d"), "osediff_512", (96, 80))
    with pytest.raises(InputError, match=r"planned for \(80, 96, 3\)"):
        apply(plan, photo(80, 96))
    image = photo()
    image[3, 3] = np.nan
    with pytest.raises(InputError, match="NaN"):
        apply(plan, image)


def test_quirks_of_published_code_come_only_where_asked_and_are_visible() -> None:
    """The far edge drifts by the rounding of the size, 512 · 0.37 → 189: 1.2 pixels of the clean picture."""
    ramp = np.zeros((8, 512, 3), np.float32) + np.arange(512, dtype=np.float32)[None, :, None] / 1000
    drifted, aligned = (
        module.resize(ramp, Resize(size=(189, 8), mode="bilinear", drift=drift))[4, -1, 0] * 1000
        for drift in (0.37, None)
    )
    assert aligned - drifted == pytest.approx(512 - 189 / 0.37, abs=0.1)

    fields = load_preset("osediff_512").model_dump()
    assert not fields["compat"]["scale_factor_drift"]
    fields["compat"] = {"scale_factor_drift": True, "area": "adaptive", "jpeg": "diff"}
    quirky = parse_preset(fields, "test")
    image = photo()
    for index in range(12):
        plain, odd = (
            DegradePlan.sample(stream(8, index, "d"), preset, (96, 80)) for preset in ("osediff_512", quirky)
        )
        assert any(getattr(step, "codec", "") == "diff" for step in odd.steps)
        assert not any(getattr(step, "drift", None) for step in plain.steps)
        assert apply(odd, image).shape == image.shape
    assert any(getattr(step, "drift", None) for step in _many_steps(quirky))
    assert any(getattr(step, "mode", "") == "adaptive" for step in _many_steps(quirky))


def _many_steps(preset) -> list:
    sampled = (DegradePlan.sample(stream(8, index, "d"), preset, (96, 80)) for index in range(30))
    return [step for plan in sampled for step in plan.steps]
