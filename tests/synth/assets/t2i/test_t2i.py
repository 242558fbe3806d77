"""The whole way of text-to-image, offline, with a tiny random SDXL: from prompts to a set."""

import json

import click
import numpy as np
import pytest

from bokehbench.commands.assets import assets
from bokehbench.errors import BokehbenchError, ConfigError, InputError
from bokehbench.images import read_rgba
from bokehbench.records import sha256_file
from bokehbench.rng import stream
from bokehbench.synth.assets.catalogue import FOREGROUNDS
from bokehbench.synth.assets.folder import scan_foregrounds
from bokehbench.synth.assets.t2i.collect import Order, collect
from bokehbench.synth.assets.t2i.pipeline import Generator, Sampling
from bokehbench.synth.assets.t2i.taxonomy import load_taxonomy
from bokehbench.synth.assets.t2i.weights import Weights

LENIENT = (
    "{alpha_mean: [0, 1], soft_max: 1, std_min: 0, ring_max: 1, border_max: 1, single: 0, sharp_min: 0, "
    "residual_max: 1}"
)


def load(weights, lora="lora.safetensors", **sampling):
    lora = str(weights / lora) if lora != "none" else lora
    parts = Weights.parse(str(weights / "sdxl"), lora, str(weights / "decoder.safetensors")).require()
    settings = {"size": (128, 128), "steps": 2, "dtype": "float32", "tta": 1, **sampling}
    return Generator(parts, Sampling(**settings), "cpu")


@pytest.fixture(scope="module")
def prompts():
    taxonomy = load_taxonomy("builtin")
    return [taxonomy.prompt(1, index) for index in range(3)]


@pytest.fixture(scope="module")
def tiny(weights):
    return load(weights)


def test_pictures_are_straight_rgba_of_the_size_asked(weights, prompts):
    pictures = load(weights, size=(192, 128), tta=8)(prompts[:1], 1, [0])
    assert pictures.shape == (1, 128, 192, 4) and pictures.dtype == np.float32
    assert pictures.min() >= 0.0 and pictures.max() <= 1.0


def test_a_picture_does_not_depend_on_its_batch(tiny, prompts):
    together = tiny(prompts, 1, [0, 1, 2])
    alone = [tiny([prompt], 1, [index])[0] for index, prompt in enumerate(prompts)]
    np.testing.assert_allclose(together, np.stack(alone), atol=1e-4)
    np.testing.assert_array_equal(alone[1], tiny([prompts[1]], 1, [1])[0])
    assert np.abs(together[0] - tiny([prompts[0]], 2, [0])[0]).max() > 0.01


def test_lora_and_offsets_change_the_unet_and_are_fused(weights, tiny, prompts):
    plain, offsets = load(weights, "none"), load(weights, "offsets.safetensors")
    pictures = [one(prompts[:1], 1, [0]) for one in (tiny, plain, offsets)]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(pictures[i] - pictures[j]).max() > 0.01
    assert not any("lora" in name for name in tiny.pipe.unet.state_dict())


def test_offsets_are_added(weights):
    from safetensors.torch import load_file

    plain, changed = load(weights, "none"), load(weights, "offsets.safetensors")
    before, after = (one.pipe.unet.state_dict() for one in (plain, changed))
    offsets = load_file(weights / "offsets.safetensors")
    for key, value in before.items():
        expected = value + offsets[key] if key in offsets else value
        np.testing.assert_allclose(after[key].numpy(), expected.numpy(), atol=1e-6)


def test_lora_of_another_network_is_refused(weights):
    with pytest.raises(InputError, match=r"decoder\.safetensors: neither a LoRA"):
        load(weights, "decoder.safetensors")


@pytest.mark.parametrize("sampling", [{"size": (96, 128)}, {"tta": 2}, {"dtype": "int8"}, {"steps": 0}])
def test_sampling_out_of_range_is_refused(sampling):
    with pytest.raises(ConfigError):
        Sampling(**sampling)


@pytest.fixture
def command(weights, tmp_path):
    """Runs `assets t2i` with tiny weights and lenient limits."""
    path = tmp_path / "prompts.yaml"
    path.write_text(f"- {{category: any, subjects: [a fern, a cat, a cup], limits: {LENIENT}}}\n")

    def run(out, *more, prompts=str(path)):
        arguments = ["t2i", "--prompts", prompts, "--out", str(out), "--seed", "3", "--size", "128x128"]
        arguments += ["--steps", "2", "--tta", "1", "--device", "cpu", "--model", str(weights / "sdxl")]
        arguments += ["--lora", str(weights / "lora.safetensors")]
        arguments += ["--decoder", str(weights / "decoder.safetensors"), *more]
        assets.main(arguments, standalone_mode=False)

    return run


def files(folder):
    """Digests of all that an interruption must not change."""
    return {p.relative_to(folder).as_posix(): sha256_file(p) for p in folder.rglob("*") if p.is_file()}


def test_from_prompts_to_a_set(command, tmp_path, capsys):
    out = tmp_path / "pictures"
    command(out, "--count", "2", "--licence", "CC0 by me")
    assert "2 accepted (any 2), 0 rejected" in capsys.readouterr().out
    sidecar = json.loads((out / "000000.json").read_text())
    assert sidecar["licence"] == "CC0 by me"
    assert sidecar["sha256"] == sha256_file(out / "000000.png")
    assert {part["role"] for part in sidecar["weights"]} == {"model", "lora", "decoder"}
    assert all(len(part["sha256"]) == 64 for part in sidecar["weights"])
    assert sidecar["weights"][0]["licence"] == "made-up-for-the-test"
    assert "isolated" in sidecar["prompt"] and sidecar["filters"]["alpha_mean"] >= 0.0
    assert str(tmp_path) not in json.dumps(sidecar)
    assert len((out / "accepted.jsonl").read_text().splitlines()) == 2


def test_interrupted_run_goes_on_and_gives_the_same_bytes(command, tmp_path, monkeypatch):
    from bokehbench.synth.assets.t2i import collect as module

    whole, parts = tmp_path / "a" / "set", tmp_path / "b" / "set"
    command(whole, "--count", "5", "--batch", "2")
    written = module.write_png
    calls = []

    def stop_after_two(path, picture):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(path)
        written(path, picture)

    monkeypatch.setattr(module, "write_png", stop_after_two)
    with pytest.raises(click.Abort):
        command(parts, "--count", "5", "--batch", "2")
    assert not (parts / "accepted.jsonl").exists()
    monkeypatch.undo()
    (parts / "000001.png").write_bytes(b"damaged")
    command(parts, "--count", "5", "--batch", "2")
    assert files(parts) == files(whole)


def test_other_settings_are_not_mixed_in(command, tmp_path):
    command(tmp_path / "set", "--count", "1")
    with pytest.raises(ConfigError, match="another sampling"):
        command(tmp_path / "set", "--count", "1", "--guidance", "3")
    command(tmp_path / "set", "--count", "2")  # more of the same goes on


def test_real_limits_reject_what_random_weights_make_and_say_why(command, tmp_path, capsys):
    rejected = tmp_path / "rejected"
    command(
        tmp_path / "set", "--count", "1", "--most", "2", "--keep-rejected", str(rejected), prompts="builtin"
    )
    said = capsys.readouterr()
    assert "0 accepted (none), 2 rejected" in said.out and "--most" in said.err
    lines = [json.loads(line) for line in (tmp_path / "set" / "rejected.jsonl").read_text().splitlines()]
    assert all(line["reasons"] and line["filters"]["alpha_std"] < 0.2 for line in lines)
    assert sorted(path.name for path in rejected.iterdir()) == ["000000.png", "000001.png"]


# ------------------------------------------------------------------------ what a good generator would make


def drawn(prompts, seed, indices):
    """Stands for the generator: fur of the index; index 2 repeats 1, index 3 is a failed decode."""
    pictures = []
    for index in indices:
        rgba = FOREGROUNDS["fur"](index + (0 if index != 2 else -1), 320)
        straight = np.zeros((384, 384, 4), np.float32)
        alpha = rgba[..., 3:4]
        straight[32:352, 32:352, :3] = np.clip(rgba[..., :3] / np.maximum(alpha, 1e-6), 0, 1) ** (1 / 2.2)
        straight[32:352, 32:352, 3:] = alpha
        if index == 3:
            straight = stream(1, 0, "noise").uniform(0.4, 0.5, straight.shape).astype(np.float32)
        pictures.append(straight)
    return np.stack(pictures)


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    out = tmp_path_factory.mktemp("collected")
    path = tmp_path_factory.mktemp("prompts") / "p.yaml"
    path.write_text("- {category: fur, subjects: [fur ball]}\n")
    part = {"role": "model", "source": "drawn", "licence": "Apache-2.0"}
    order = Order(load_taxonomy(str(path)), 1, 3, 9, Sampling(size=(384, 384)), (part,))
    return out, collect(order, out, lambda: drawn)


def test_duplicates_and_failed_decodes_are_rejected_with_their_reasons(collected):
    out, report = collected
    assert (report.accepted, report.rejected) == (3, 2)
    lines = [json.loads(line) for line in (out / "rejected.jsonl").read_text().splitlines()]
    reasons = {line["index"]: " ".join(line["reasons"]) for line in lines}
    assert "duplicate" in reasons[2] and "alpha_std" in reasons[3]
    assert not (out / "000002.png").exists()


def test_the_folder_is_one_of_foregrounds_and_a_set_is_built_from_it(collected, tmp_path):
    out, _ = collected
    found = scan_foregrounds(out)
    assert [asset.path for asset in found.assets] == ["000000.png", "000001.png", "000004.png"]
    assert read_rgba(out / "000000.png").shape == (384, 384, 4)
    from click.testing import CliRunner

    from bokehbench.commands.synth import synth

    done = CliRunner().invoke(
        synth,
        ["build", "--count", "1", "--size", "96x96", "--fg", str(out), "--out", str(tmp_path / "set")],
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output
    texts = [p.read_text() for p in (tmp_path / "set").rglob("*.json")]
    assert any("folder:00000" in text and "model: Apache-2.0" in text for text in texts)


def test_order_is_checked():
    taxonomy = load_taxonomy("builtin")
    for seed, count, most in ((-1, 1, 1), (0, 0, 1), (0, 4, 3)):
        with pytest.raises(BokehbenchError):
            Order(taxonomy, seed, count, most, Sampling(), ())


@pytest.mark.parametrize("scheduler", ["dpm++2m-sde", "euler-a"])
def test_noise_of_every_scheduler_comes_from_the_pictures_own_stream(weights, prompts, scheduler):
    generate = load(weights, scheduler=scheduler)
    together = generate(prompts[:2], 1, [0, 1])
    np.testing.assert_allclose(together[1], generate(prompts[1:2], 1, [1])[0], atol=1e-4)


def test_half_precision_keeps_the_vae_that_overflows_in_full(weights, prompts):
    generate = load(weights, dtype="bfloat16")
    assert generate.pipe.vae.dtype == generate.decoder.conv_in.weight.dtype
    assert (
        str(generate.pipe.unet.dtype) == "torch.bfloat16" and str(generate.pipe.vae.dtype) == "torch.float32"
    )
    assert np.isfinite(generate(prompts[:1], 1, [0])).all()


def test_another_vae_is_taken_from_its_own_folder(weights, prompts, tmp_path):
    import shutil

    folder = tmp_path / "vae"
    shutil.copytree(weights / "sdxl" / "vae", folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "force_upcast": False}))
    decoder, model = str(weights / "decoder.safetensors"), str(weights / "sdxl")
    parts = Weights.parse(model, "none", decoder, str(folder)).require()
    made = Generator(parts, Sampling(size=(128, 128), steps=1, dtype="bfloat16", tta=1), "cpu")
    assert str(made.pipe.vae.dtype) == "torch.bfloat16"
    assert np.isfinite(made(prompts[:1], 1, [0])).all()
