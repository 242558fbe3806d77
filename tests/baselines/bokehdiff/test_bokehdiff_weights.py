"""Files: what is written is what is read, a base is checked and prepared, and nothing is guessed."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from bokehdiff_tiny import SCHEDULER, write_folder
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from bokehbench import weights as weight_files
from bokehbench.baselines.bokehdiff import base as bases
from bokehbench.baselines.bokehdiff import build, weights
from bokehbench.baselines.bokehdiff.compact import CompactConfig
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.baselines.bokehdiff.prompt import PROMPT, embed
from bokehbench.baselines.diffusion.basefolder import metadata
from bokehbench.baselines.diffusion.networks import filled
from bokehbench.baselines.diffusion.states import OLD_NAMES
from bokehbench.commands.weights import weights as command
from bokehbench.errors import ConfigError, InputError, Unavailable

SMALL = CompactConfig(vae_channels=(8, 16), unet_channels=(16, 32), tile_px=64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def prepared(folder, tmp_path_factory):
    to = tmp_path_factory.mktemp("prepared")
    return dict(zip(bases.FILES, bases.prepare(str(folder), None, to), strict=True))


@pytest.fixture
def home(tmp_path, monkeypatch, prepared):
    """A folder of weights with a prepared base in it."""
    monkeypatch.setenv(weight_files.FILE_VARIABLE, "")
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(weights, "SHIPPED", tmp_path)
    for name, path in prepared.items():
        shutil.copyfile(path, tmp_path / name)
    return tmp_path


def same(one: torch.nn.Module, two: torch.nn.Module) -> bool:
    theirs = two.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


def test_compact_weights_come_back_as_they_were_trained(home):
    settings = PisaSettings(samples=3, jitters=2, occlusion=False, dropout=0.1)
    model = build.random_compact(4, SMALL, settings)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.copy_(tensor.half())
        model.scaling.fill_(1.23456789)
    path = home / weights.COMPACT[0]
    weights.save(model, path, {"steps": 7})
    back = weights.load(weights.COMPACT)
    assert same(model, back) and not back.training
    assert back.layout == model.layout
    assert back.processor.settings == PisaSettings(samples=3, jitters=2, occlusion=False)
    assert metadata(path)["steps"] == 7


def test_weights_that_diverged_are_not_written(tmp_path):
    model = build.random_compact(0, SMALL)
    with torch.no_grad():
        model.unet.conv_in.weight[0, 0, 0, 0] = 1e6  # finite, but not in half precision
    with pytest.raises(InputError, match=r"unet\.conv_in\.weight"):
        weights.save(model, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def test_files_of_something_else_are_named(home):
    path = home / weights.COMPACT[0]
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(InputError, match=r"bokehdiff-compact\.safetensors: cannot be read"):
        weights.load(weights.COMPACT)
    weights.save(build.random_compact(0, SMALL), path)
    shutil.copyfile(path, home / weights.OURS[0])
    with pytest.raises(InputError, match="kind 'compact', 'sdxl' is wanted"):
        weights.load(weights.OURS)
    path.unlink()
    with pytest.raises(Unavailable, match="bokehbench train bokehdiff"):
        weights.load(weights.COMPACT)


def test_a_prepared_base_is_the_base(folder, prepared):
    one, two = bases.read(str(folder)), bases.read_prepared(prepared)
    assert same(one.unet, two.unet) and same(one.vae, two.vae)
    assert torch.equal(one.prompt_embeds, two.prompt_embeds) and torch.equal(one.pooled, two.pooled)
    assert one.about["fingerprint"] == two.about["fingerprint"]
    assert two.about["prompt"] == PROMPT


def test_the_prompt_is_embedded_as_the_pipeline_of_diffusers_does(folder):
    from diffusers import StableDiffusionXLPipeline
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    one, two = (CLIPTokenizer.from_pretrained(folder / name) for name in ("tokenizer", "tokenizer_2"))
    first = CLIPTextModel.from_pretrained(folder / "text_encoder")
    second = CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder_2")
    pipeline = StableDiffusionXLPipeline(None, first, second, one, two, None, None, add_watermarker=False)
    theirs, _, pooled, _ = pipeline.encode_prompt(PROMPT, do_classifier_free_guidance=False, device="cpu")
    ours = embed(folder)
    assert ours[0].shape == (1, 77, 24) and ours[1].shape == (1, 16)
    assert torch.allclose(ours[0], theirs, atol=1e-6) and torch.allclose(ours[1], pooled, atol=1e-6)


def test_a_base_in_half_precision_or_in_shards_is_the_same_base(folder, tmp_path, monkeypatch):
    wanted = bases.read(str(folder)).about["fingerprint"]
    other = tmp_path / "base"
    shutil.copytree(folder, other)
    for part in ("unet", "vae"):
        path = other / part / "diffusion_pytorch_model.safetensors"
        state = load_file(path)
        path.unlink()
        half = {name: tensor.half() for name, tensor in state.items()}
        save_file(half, path.with_name("diffusion_pytorch_model.fp16.safetensors"))
        if part == "unet":
            names = sorted(state)
            for number, some in enumerate((names[:50], names[50:]), 1):
                shard = path.with_name(f"diffusion_pytorch_model-0000{number}-of-00002.safetensors")
                save_file({name: state[name] for name in some}, shard)
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, "")
    result = CliRunner().invoke(command, ["base", str(other), "--weights-dir", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert [line.split()[0].rpartition("/")[2] for line in result.stdout.splitlines()] == list(bases.FILES)
    assert metadata(tmp_path / bases.FACTS)["fingerprint"] == wanted
    assert len(load_file(tmp_path / bases.UNET)) == len(names)


def test_our_weights_on_a_base_come_back_and_know_their_base(folder, home):
    model = build.from_sdxl(str(folder), rank=2, timestep=249, settings=PisaSettings(samples=2), tile_px=256)
    with torch.no_grad():
        for parameter in [*model.trained_unet().values(), *model.trained_vae().values()]:
            parameter.add_(0.01).copy_(parameter.half())
    weights.save(model, home / weights.OURS[0])
    back = weights.load(weights.OURS)
    assert same(model, back) and back.layout == model.layout and back.timestep == 249
    assert {*weights.locate(weights.OURS)} == {*weights.OURS}
    half = weights.load(weights.OURS, dtype=torch.bfloat16)
    assert half.unet.conv_in.weight.dtype == torch.bfloat16 and half.vae.dtype == torch.float32
    about = {**metadata(home / bases.FACTS), "fingerprint": "another", "name": "other"}
    save_file(load_file(home / bases.FACTS), home / bases.FACTS, {"bokehbench": json.dumps(about)})
    with pytest.raises(InputError, match=r"the base here is other \(another\)"):
        weights.load(weights.OURS)
    save_file({"a": torch.zeros(1)}, home / bases.VAE)
    with pytest.raises(InputError, match="not the one that"):
        weights.load(weights.OURS)


def test_what_is_no_base_is_refused_in_one_line(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(Unavailable, match=r"hf download SG161222/RealVisXL_V5\.0 --revision 3125c969"):
        bases.read(bases.NAME)
    with pytest.raises(ConfigError, match="no such folder"):
        bases.read("nowhere")
    with pytest.raises(ConfigError, match="a local folder has none"):
        bases.read(str(folder), "main")
    other = tmp_path / "base"
    shutil.copytree(folder, other)
    schedule = other / "scheduler/scheduler_config.json"
    schedule.write_text(json.dumps({**SCHEDULER, "beta_end": 0.02}))
    with pytest.raises(InputError, match=r"beta_end is 0\.02"):
        bases.read(str(other))
    schedule.write_text(json.dumps(SCHEDULER))
    shutil.rmtree(other / "text_encoder_2")
    with pytest.raises(Unavailable, match="no text_encoder_2"):
        bases.read(str(other))
    config = json.loads((other / "unet/config.json").read_text())
    (other / "unet/config.json").write_text(json.dumps({**config, "addition_embed_type": None}))
    with pytest.raises(InputError, match="SDXL family"):
        bases.read(str(other))


def test_old_spellings_of_a_vae_s_attention_are_read(folder):
    config = json.loads((folder / "vae/config.json").read_text())
    state = load_file(folder / "vae/diffusion_pytorch_model.safetensors")
    old = {}
    for name, tensor in state.items():
        for older, newer in OLD_NAMES.items():
            if newer in name:
                name = name.replace(newer, older)
                tensor = tensor[..., None, None] if tensor.ndim == 2 else tensor
        old[name] = tensor
    assert old.keys() != state.keys()
    read = filled("vae", config, old, torch.float32).state_dict()
    assert all(torch.equal(read[name], tensor) for name, tensor in state.items())
