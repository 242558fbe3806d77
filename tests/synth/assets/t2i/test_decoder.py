"""The transparent decoder is the published network, and treats all orientations alike."""

import numpy as np
import pytest
import torch

from bokehbench.errors import ConfigError, InputError
from bokehbench.synth.assets.t2i.decoder import TransparentDecoder, decode_rgba

TINY = (8, 8, 8, 8, 16, 16, 16)


@pytest.fixture(scope="module")
def tiny():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return TransparentDecoder(TINY).eval()


def inputs(width=128, height=64):
    noise = torch.Generator().manual_seed(1)
    return torch.rand(1, 3, height, width, generator=noise), torch.randn(
        1, 4, height // 8, width // 8, generator=noise
    )


def test_has_the_tensors_of_the_published_file():
    with torch.device("meta"):
        state = TransparentDecoder().state_dict()
    assert len(state) == 538
    assert sum(value.numel() for value in state.values()) == 104_104_804
    assert state["latent_conv_in.weight"].shape == (64, 4, 1, 1)
    assert state["conv_out.weight"].shape == (4, 32, 3, 3)
    attends = [i for i in range(7) if f"down_blocks.{i}.attentions.0.to_q.weight" in state]
    assert attends == [4, 5, 6] and "mid_block.attentions.0.to_q.weight" in state


def test_every_tensor_of_a_file_is_accounted_for(tiny):
    state = tiny.state_dict()
    again = TransparentDecoder.from_state(dict(state), "file")
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in state.items())
    for change in ("drop", "add", "shape"):
        broken = dict(state)
        if change == "drop":
            del broken["mid_block.resnets.0.conv1.weight"]
        elif change == "add":
            broken["time_embedding.weight"] = torch.zeros(1)
        else:
            broken["conv_out.weight"] = torch.zeros(3, 8, 3, 3)
        with pytest.raises(InputError, match=r"file: is no transparent decoder.*1 tensors"):
            TransparentDecoder.from_state(broken, "file")
    with pytest.raises(InputError, match="is no transparent decoder"):
        TransparentDecoder.from_state({"weight": torch.zeros(1)}, "file")


def test_alpha_comes_first_out_of_the_network_and_last_out_of_us(tiny):
    picture, latent = inputs()
    raw = tiny(picture, latent).clamp(0, 1)
    rgba = decode_rgba(tiny, picture, latent, 1)
    assert torch.equal(rgba[:, 3], raw[:, 0]) and torch.equal(rgba[:, :3], raw[:, 1:])
    assert rgba.min() >= 0.0 and rgba.max() <= 1.0


def test_the_latent_matters(tiny):
    picture, latent = inputs()
    assert not torch.equal(decode_rgba(tiny, picture, latent, 1), decode_rgba(tiny, picture, -latent, 1))


@pytest.mark.parametrize(("tta", "mirror"), [(4, False), (8, False), (8, True)])
def test_turned_input_gives_turned_output(tiny, tta, mirror):
    picture, latent = inputs()

    def change(image):
        return image.flip(-1) if mirror else torch.rot90(image, 1, dims=(-2, -1))

    direct = change(decode_rgba(tiny, picture, latent, tta))
    turned = decode_rgba(tiny, change(picture), change(latent), tta)
    torch.testing.assert_close(turned, direct, atol=2e-5, rtol=0)


def test_median_of_eight_passes_is_numpys(tiny):
    picture, latent = inputs(64, 64)
    passes = []
    for turn in range(4):
        for mirror in (False, True):
            a, b = (torch.rot90(x, turn, dims=(-2, -1)) for x in (picture, latent))
            if mirror:
                a, b = a.flip(-1), b.flip(-1)
            out = tiny(a, b)
            passes.append(torch.rot90(out.flip(-1) if mirror else out, -turn, dims=(-2, -1)))
    median = np.median(torch.stack(passes).detach().numpy(), axis=0).clip(0, 1)
    ours = decode_rgba(tiny, picture, latent, 8).numpy()
    np.testing.assert_allclose(ours, median[:, [1, 2, 3, 0]], atol=1e-6)


def test_sizes_are_multiples_of_64(tiny):
    with pytest.raises(ConfigError, match="multiples of 64"):
        decode_rgba(tiny, *inputs(96, 64))
    with pytest.raises(ConfigError, match="--tta"):
        decode_rgba(tiny, *inputs(), tta=3)
