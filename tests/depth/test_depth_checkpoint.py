"""Claims about weights: where they come from, that nothing runs and nothing is fetched unasked."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from depth_world import picture
from safetensors.torch import load_file

from bokehbench import depth
from bokehbench.depth import checkpoint
from bokehbench.errors import BokehbenchError, ConfigError, InputError, Unavailable

LARGE = "depth-anything/Depth-Anything-V2-Large-hf"


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """An empty hub's cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path / "hub"


def put(hub: Path, repo: str, folder: Path, commit: str, ref: str = "main") -> None:
    """Lay a folder into the cache as the hub's client does."""
    home = hub / f"models--{repo.replace('/', '--')}"
    shutil.copytree(folder, home / "snapshots" / commit)
    (home / "refs").mkdir(exist_ok=True)
    (home / "refs" / ref).write_text(commit)


def test_missing_weights_are_one_line_that_says_what_to_do(hub):
    with pytest.raises(Unavailable) as error:
        depth.predict("depth-anything-v2-large", picture(20, 20))
    said = str(error.value)
    assert "\n" not in said
    assert f"hf download {LARGE}" in said and "local folder" in said
    with pytest.raises(Unavailable, match=rf"hf download {LARGE} --revision abc"):
        depth.identity("depth-anything-v2-large@abc")


def test_the_cache_is_used_and_its_commit_recorded(hub, relative_network):
    commit = "f" * 40
    put(hub, LARGE, relative_network, commit)
    image = picture(30, 40)
    ours = depth.predict("depth-anything-v2-large", image)
    assert np.array_equal(ours, depth.predict(str(relative_network), image))
    told = depth.identity("depth-anything-v2-large")
    assert told["revision"] == commit and told["repo"] == LARGE
    assert told["spec"] == "depth-anything-v2-large@1"
    assert depth.identity(LARGE)["files"] == told["files"]
    assert set(told["files"]) == {"config.json", "model.safetensors", "preprocessor_config.json"}


def test_only_a_caller_who_says_so_asks_the_network(hub, relative_network, monkeypatch):
    asked = []

    def snapshot_download(repo, revision=None, allow_patterns=()):
        asked.append(list(allow_patterns))
        put(hub, repo, relative_network, "a" * 40)
        return str(hub / f"models--{repo.replace('/', '--')}" / "snapshots" / ("a" * 40))

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    with pytest.raises(Unavailable):
        checkpoint.find(LARGE)
    with monkeypatch.context() as context, pytest.raises(Unavailable):
        context.setenv("HF_HUB_OFFLINE", "1")
        checkpoint.find(LARGE, offline=False)
    assert not asked
    assert checkpoint.find(LARGE, offline=False).revision == "a" * 40
    assert len(asked) == 1 and "*.py" not in asked[0] and "*.bin" not in str(asked)
    checkpoint.find(LARGE, offline=False)
    assert len(asked) == 1, "what is in the cache is not asked for again"


def test_a_download_that_fails_is_one_line(hub, monkeypatch):
    def snapshot_download(*_, **__):
        raise OSError("no route\nto host")

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    with pytest.raises(
        Unavailable, match=r"could not be downloaded \(OSError: no route to host\); by hand: hf"
    ):
        checkpoint.find(LARGE, offline=False)


def test_a_cut_off_download_does_not_count(hub, relative_network, tmp_path):
    folder = shutil.copytree(relative_network, tmp_path / "half")
    weights = {
        "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    }
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps(weights))
    put(hub, LARGE, folder, "b" * 40)
    with pytest.raises(Unavailable):
        checkpoint.find(LARGE)
    with pytest.raises(InputError, match="all parts"):
        checkpoint.find(str(folder))


def test_names_that_are_nothing(tmp_path):
    with pytest.raises(ConfigError, match="did you mean dpt-large"):
        depth.predict("dpt-larg", picture(9, 9))
    with pytest.raises(InputError, match=r"needs config\.json"):
        depth.predict(str(tmp_path), picture(9, 9))
    with pytest.raises(ConfigError, match="local folder has none"):
        checkpoint.find(str(tmp_path), "main")
    with pytest.raises(ConfigError, match="no id that the hub could have"):
        checkpoint.find("../elsewhere")
    with pytest.raises(ConfigError, match="two revisions"):
        depth.identity(depth.Choice("dpt-large@a", revision="b"))


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_pickled_tensors_are_read_and_pickled_code_is_not_run(relative_network, tmp_path):
    folder = shutil.copytree(relative_network, tmp_path / "net")
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    image = picture(30, 30)
    assert np.array_equal(depth.predict(str(folder), image), depth.predict(str(relative_network), image))
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"head": Bomb(tmp_path / "ran")}, protocol=2))
    with pytest.raises(InputError, match="cannot be loaded"):
        depth.predict(str(folder), image)
    torch.save({"head": Bomb(tmp_path / "ran")}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="cannot be loaded"):
        depth.predict(str(folder), image)
    assert not (tmp_path / "ran").exists()


CODE = """
from pathlib import Path
Path(__file__).with_name("ran").touch()
Path({sentinel!r}).touch()
import torch
from transformers import PretrainedConfig, PreTrainedModel

class OwnConfig(PretrainedConfig):
    model_type = "own_code"

class Own(PreTrainedModel):
    config_class = OwnConfig
    def __init__(self, config):
        super().__init__(config)
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.post_init()
    def forward(self, picture):
        # Coarse first, as such networks do: the last output counts.
        return [torch.zeros(1, 1, 8, 8), 50.0 * (picture[:, :1] + self.weight)]
"""


@pytest.fixture
def own_code(tmp_path, monkeypatch) -> tuple[Path, Path]:
    """A folder whose network needs its own code, and the file that the code would leave."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    folder, sentinel = tmp_path / "owncode", tmp_path / "code_was_run"
    folder.mkdir()
    (folder / "own.py").write_text(CODE.format(sentinel=str(sentinel)))
    classes = ("AutoModelForImageSegmentation", "AutoModelForDepthEstimation")
    auto_map = {"AutoConfig": "own.OwnConfig"} | dict.fromkeys(classes, "own.Own")
    (folder / "config.json").write_text(json.dumps({"auto_map": auto_map, "architectures": ["Own"]}))
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(1)}, folder / "model.safetensors", {"format": "pt"})
    return folder, sentinel


def test_code_that_comes_with_weights_does_not_run(own_code, relative_network):
    folder, sentinel = own_code
    for choice in (
        depth.Choice(str(folder), "saliency"),
        depth.Choice(str(folder), "saliency", trust=frozenset({"another/model"})),
    ):
        with pytest.raises(ConfigError, match="--trust-remote-code owncode"):
            depth.predict_saliency(choice, picture(20, 20))
    shutil.copy(relative_network / "preprocessor_config.json", folder)
    with pytest.raises(ConfigError, match="--trust-remote-code"):
        depth.predict(depth.Choice(str(folder), raw="depth"), picture(20, 20))
    with pytest.raises(ConfigError, match="--trust-remote-code ZhengPeng7/BiRefNet"):
        depth.identity("birefnet", "saliency")
    assert not sentinel.exists()


def test_code_beside_a_known_architecture_does_not_run_either(own_code, relative_network, tmp_path):
    """The folder asks for its own code, but transformers knows the architecture: its own class is taken."""
    folder, sentinel = own_code
    native = shutil.copytree(relative_network, tmp_path / "native")
    shutil.copy(folder / "own.py", native)
    config = json.loads((native / "config.json").read_text())
    config["auto_map"] = {"AutoModelForDepthEstimation": "own.Own"}
    (native / "config.json").write_text(json.dumps(config))
    image = picture(30, 30)
    assert np.array_equal(depth.predict(str(native), image), depth.predict(str(relative_network), image))
    processor = json.loads((native / "preprocessor_config.json").read_text())
    processor |= {"auto_map": {"AutoImageProcessor": "own.Own"}, "image_processor_type": "OwnProcessor"}
    (native / "preprocessor_config.json").write_text(json.dumps(processor))
    with pytest.raises(BokehbenchError):
        depth.predict(str(native), image)
    assert not sentinel.exists()


def test_code_runs_for_those_who_name_it(own_code):
    folder, sentinel = own_code
    image = np.zeros((20, 30, 3), np.float32)
    image[:, 15:] = 1.0
    choice = depth.Choice(str(folder), "saliency", trust=frozenset({str(folder)}))
    mask = depth.predict_saliency(choice, image)
    assert sentinel.exists()
    assert mask.shape == (20, 30) and mask[:, :13].max() < 0.1 and mask[:, 17:].min() > 0.9
    assert "own.py" in depth.identity(choice)["files"]


def test_code_is_fetched_once_it_is_allowed(own_code, hub, monkeypatch):
    """Weights that were fetched without their code are not whole for those who want to run it."""
    folder, _ = own_code
    code = (folder / "own.py").read_text()
    (folder / "own.py").unlink()
    put(hub, "some/one", folder, "c" * 40)
    asked = []

    def snapshot_download(repo, revision=None, allow_patterns=()):
        asked.append(list(allow_patterns))
        place = hub / "models--some--one" / "snapshots" / ("c" * 40)
        (place / "own.py").write_text(code)
        return str(place)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert checkpoint.find("some/one", offline=False).is_complete() and not asked
    found = checkpoint.find("some/one", offline=False, trusted=True)
    assert "*.py" in asked[0] and "own.py" in found.digests()


def test_code_of_a_third_place_never_runs(own_code):
    folder, sentinel = own_code
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"]["AutoModelForImageSegmentation"] = "someone/else--own.Own"
    (folder / "config.json").write_text(json.dumps(config))
    choice = depth.Choice(str(folder), "saliency", trust=frozenset({str(folder)}))
    with pytest.raises(ConfigError, match="code of someone/else"):
        depth.predict_saliency(choice, picture(20, 20))
    assert not sentinel.exists()
