"""Claims about tensors: the same plan is the same picture, alone or in a batch, on any device."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

from bokehbench.errors import ConfigError, InputError
from bokehbench.rng import stream
from bokehbench.synth.degrade import DegradePlan, degrade, load_preset
from bokehbench.synth.degrade.batch import Speed, apply_batch, degrade_batch
from bokehbench.synth.degrade.pool import PairPool
from bokehbench.synth.degrade.preset import parse_preset

CLEAN = np.ascontiguousarray(data.astronaut()[:160, 160:320].astype(np.float32) / 255)
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


def tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1).contiguous()


def plans(preset, count: int, size: tuple[int, int] = (160, 160), margin: int = 0) -> list[DegradePlan]:
    return [DegradePlan.sample(stream(3, index, "d"), preset, size, margin) for index in range(count)]


def without_rounding(name: str):
    """A preset without JPEG and shot noise, which turn a rounding into a visible step."""
    fields = load_preset(name).model_dump()
    for stage in fields["stages"]:
        stage["jpeg"] = None
        stage["noise"]["gaussian_p"] = 1.0
    fields["final"]["jpeg"] = None
    return parse_preset(fields, "test")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["osediff_512", "realesrgan_x2"])
def test_sums_agree_to_a_rounding(name: str, device: str) -> None:
    """Values within 1e-4 round alike but for one in a hundred, and then by one code value."""
    drawn = plans(without_rounding(name), 12)
    made = degrade_batch(drawn, torch.stack([tensor(CLEAN)] * 12).to(device))
    for index, plan in enumerate(drawn):
        want = degrade(plan, CLEAN)
        np.testing.assert_allclose(made.hq[index].cpu(), tensor(want.hq), atol=1e-4)
        for found, reference in ((made.small[index], want.small), (made.lq[index], want.lq)):
            difference = (found.cpu() - tensor(reference)).abs() * 255
            assert difference.max() < 1.01
            assert (difference > 0.5).float().mean() < 0.02


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["osediff_512", "light_phone"])
def test_with_codec_and_shot_noise_the_picture_is_the_same(name: str, device: str) -> None:
    drawn = plans(name, 16)
    made = apply_batch(drawn, torch.stack([tensor(CLEAN)] * 16).to(device)).cpu()
    for index, plan in enumerate(drawn):
        difference = (made[index] - tensor(degrade(plan, CLEAN).lq)).abs() * 255
        assert difference.mean() < 0.3  # code values
        assert (difference > 8).float().mean() < 0.003


def test_a_picture_does_not_depend_on_its_batch() -> None:
    drawn = plans("osediff_512", 5)
    pictures = torch.stack([tensor(CLEAN), tensor(CLEAN[::-1].copy())] * 3)[:5]
    together = apply_batch(drawn, pictures)
    for index, plan in enumerate(drawn):
        alone = apply_batch([plan], pictures[index : index + 1])[0]
        assert ((together[index] - alone).abs() * 255 > 1.5).float().mean() < 0.003


def test_sizes_may_differ_and_margins_are_cut() -> None:
    drawn = [
        *plans("osediff_512", 1, (96, 160), 32),
        *plans("osediff_512", 1, (5, 7)),
        *plans("osediff_512", 1, (1, 1)),
    ]
    pictures = [torch.rand(3, plan.outer_size[1], plan.outer_size[0]) for plan in drawn]
    made = degrade_batch(drawn, pictures)
    assert [tuple(lq.shape) for lq in made.lq] == [(3, 160, 96), (3, 7, 5), (3, 1, 1)]
    assert [tuple(small.shape) for small in made.small] == [(3, 40, 24), (3, 2, 1), (3, 1, 1)]
    for plan, picture, lq in zip(drawn, pictures, made.lq, strict=True):
        want = degrade(plan, picture.permute(1, 2, 0).contiguous().numpy()).lq
        assert (lq - tensor(want)).abs().mean() < 0.02
    with pytest.raises(InputError, match="several sizes"):
        apply_batch(drawn, pictures)
    with pytest.raises(InputError, match="planned for"):
        apply_batch(drawn[:1], [pictures[1]])
    with pytest.raises(InputError, match="2 plans for 1"):
        apply_batch(drawn[:2], pictures[:1])


@pytest.mark.parametrize("device", DEVICES)
def test_noise_of_the_device_has_the_same_strength(device: str) -> None:
    drawn = plans("osediff_512", 24)
    pictures = torch.stack([tensor(CLEAN)] * 24).to(device)
    exact = apply_batch(drawn, pictures)
    fast, again = (apply_batch(drawn, pictures, Speed(noise="device", jpeg="device")) for _ in range(2))
    assert (fast == again).all()
    deviations = [torch.stack([p.std() for p in batch - pictures]) for batch in (exact, fast)]
    torch.testing.assert_close(deviations[0], deviations[1], rtol=0.15, atol=0.01)


def test_the_pool_hands_out_every_pair_once_and_resumes() -> None:
    def run(pool: PairPool, steps: range) -> list[int]:
        out = []
        for step in steps:
            ids = torch.arange(step * 2, step * 2 + 2).float().view(2, 1, 1, 1)
            lq, gt = pool.exchange(ids, -ids)
            assert (lq == -gt).all()
            out += lq.flatten().int().tolist()
        return out

    pool = PairPool(stream(0, 0, "pool"), size=8)
    assert run(pool, range(4)) == list(range(8))  # filling
    later = run(pool, range(4, 40))
    assert len(set(later)) == len(later) and later != sorted(later)
    state = pool.state_dict()
    other = PairPool(stream(9, 9, "pool"), size=8)
    other.load_state_dict(state)
    assert run(other, range(40, 44)) == run(pool, range(40, 44))
    with pytest.raises(ConfigError, match="whole number of batches of 3"):
        pool.exchange(torch.zeros(3, 1, 1, 1), torch.zeros(3, 1, 1, 1))
