"""References to weights: what is missing, what is recorded of what is there; no network is asked."""

import hashlib

import pytest

from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.synth.assets.t2i.weights import DECODER, LORA, MODEL, Component, Reference, Weights

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty Hugging Face cache, and no network."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("socket.socket.connect", _no_network)
    return tmp_path / "hub"


def _no_network(*_, **__):
    raise AssertionError("the network was asked")


def in_cache(cache, repository, files):
    folder = cache / f"models--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / COMMIT
    for name, data in files.items():
        path = snapshot / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    return snapshot


def test_references():
    asked = Reference.parse("owner/name@v1.0:sub/file.safetensors", file=True)
    assert (asked.repository, asked.revision, asked.file) == ("owner/name", "v1.0", "sub/file.safetensors")
    assert asked.command == "hf download owner/name sub/file.safetensors --revision v1.0"
    assert Reference.parse("owner/name", file=False).revision == "main"
    for text, file in (("name", False), ("owner/name", True), ("owner/name:x.bin", True), ("a/b/c", False)):
        with pytest.raises(ConfigError):
            Reference.parse(text, file=file)
    for text in (LORA, DECODER):
        assert Reference.parse(text, file=True).local is None
    assert Reference.parse(MODEL, file=False).local is None


def test_local_paths_are_of_the_right_kind(tmp_path):
    (tmp_path / "x.ckpt").write_bytes(b"")
    with pytest.raises(ConfigError, match="safetensors"):
        Reference.parse(str(tmp_path / "x.ckpt"), file=True)
    with pytest.raises(ConfigError, match="is a folder"):
        Reference.parse(str(tmp_path), file=True)


def test_missing_weights_name_repository_file_place_and_command(cache):
    with pytest.raises(Unavailable) as error:
        Weights.parse(MODEL, LORA, DECODER).require()
    assert "\n" not in str(error.value)
    for part in (MODEL, "revision main", str(cache / "models--stabilityai"), f"hf download {MODEL}"):
        assert part in str(error.value)
    with pytest.raises(Unavailable, match=r"file vae_transparent_decoder\.safetensors.*hf download"):
        Reference.parse(DECODER, file=True).require("decoder")


def test_plan_says_what_is_here_and_what_is_not(cache):
    in_cache(cache, "owner/decoder", {"d.safetensors": b"weights", "README.md": b"---\nlicense: mit\n---\n"})
    lines = Weights.parse(MODEL, "none", "owner/decoder:d.safetensors").plan()
    assert len(lines) == 2
    assert "is not here" in lines[0] and "hf download" in lines[0]
    assert "is here" in lines[1] and "licence: mit" in lines[1]


def test_what_is_in_the_cache_is_recorded_with_commit_digest_and_stated_licence(cache):
    snapshot = in_cache(cache, "owner/decoder", {"d.safetensors": b"weights"})
    reference = Reference.parse("owner/decoder:d.safetensors", file=True)
    path = reference.require("decoder")
    assert path == snapshot / "d.safetensors"
    part = Component("decoder", reference, path)
    record = part.to_json(part.hashes("float16"))
    assert record["revision"] == COMMIT
    assert record["sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert record["licence"] == "not stated"
    assert str(cache) not in str(record)


def test_a_folder_that_is_no_pipeline_is_refused(tmp_path):
    (tmp_path / "sdxl").mkdir()
    (tmp_path / "d.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match=r"model_index\.json"):
        Weights.parse(str(tmp_path / "sdxl"), "none", str(tmp_path / "d.safetensors")).require()


def test_only_what_is_read_is_recorded(tmp_path):
    names = ("unet/m.safetensors", "unet/m.fp16.safetensors", "unet/config.json", "model_index.json")
    others = ("all_in_one.safetensors", "unet/m.bin", "README.md", "vae/d.safetensors")
    for name in (*names, *others):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    part = Component("model", Reference.parse(str(tmp_path), file=False), tmp_path)
    always = {"unet/config.json", "model_index.json", "vae/d.safetensors"}
    assert set(part.hashes("float16")) == always | {"unet/m.fp16.safetensors"}
    assert set(part.hashes("float32")) == always | {"unet/m.safetensors"}
