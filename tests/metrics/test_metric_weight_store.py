"""`bokehbench weights`: by hash alone, atomically, and without network where none is asked for."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import urllib.error

import numpy as np
import pytest
from click.testing import CliRunner

from bokehbench import registry
from bokehbench.baselines import external_spec
from bokehbench.commands.weights import weights as command
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.metrics import weight_store, weights
from bokehbench.registry import MethodSpec, register

CONTENT = b"what a friend published" * 100


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """One folder of weights, not made yet; a known file of a few bytes; a method with a file of its own."""
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path / "first"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    digest = hashlib.sha256(CONTENT).hexdigest()
    file = weights.WeightFile(
        "friend.pth", len(CONTENT), digest, "https://example.org/friend.pth", alias="friend"
    )
    monkeypatch.setattr(weights, "FILES", {file.name: file})
    monkeypatch.setattr(weight_store, "FILES", weights.FILES)
    registry.names(MethodSpec)
    kept = {key: spec for key, spec in registry._registered.items() if key[0] not in ("method", "restorer")}
    monkeypatch.setattr(registry, "_registered", kept)
    register(MethodSpec("net", "A method.", "bokehbench.baselines.identity:Identity", weights=("net.pth",)))
    return tmp_path / "first"


def run(*arguments: object):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def serve(monkeypatch, content: bytes = CONTENT, error: Exception | None = None) -> list[str]:
    """Stand in for the network; returns the addresses asked for."""
    asked = []

    @contextlib.contextmanager
    def open_https(url: str):
        asked.append(url)
        if error is not None:
            raise error
        yield io.BytesIO(content)

    monkeypatch.setattr(weight_store, "open_https", open_https)
    return asked


def test_list_has_files_of_metrics_and_of_methods(home):
    done = run("list")
    assert done.exit_code == 0
    assert [line.split()[:2] for line in done.output.splitlines()] == [
        ["unavailable", "friend.pth"],
        ["unavailable", "net.pth"],
    ]
    (home.parent / "first").mkdir()
    (home / "net.pth").write_bytes(b"mine")
    listed = json.loads(run("list", "--json").output)
    assert listed[1]["status"] == "ok" and listed[1]["published"] is False
    assert listed[1]["sha256"] == hashlib.sha256(b"mine").hexdigest()


def test_verify_says_by_its_status_what_is_wrong(home):
    assert run("verify").exit_code == 3
    home.mkdir()
    (home / "friend.pth").write_bytes(CONTENT)
    assert run("verify", "friend").exit_code == 0
    assert run("verify").exit_code == 3  # the method's file
    (home / "net.pth").write_bytes(b"mine")
    assert run("verify").exit_code == 0
    (home / "friend.pth").write_bytes(CONTENT[::-1])
    done = run("verify")
    assert done.exit_code == 4 and "is not the published file" in done.output
    # A wrong file is worse than a missing one.
    (home / "net.pth").unlink()
    assert run("verify").exit_code == 4


def test_where_prints_the_folders_in_order_or_the_place_of_a_file(home):
    first = run("where").output.splitlines()[0]
    assert first == f"{home}  (does not exist)"
    assert run("where", "friend").exit_code == 3
    home.mkdir()
    (home / "friend.pth").write_bytes(CONTENT)
    assert run("where", "friend.pth").output == f"{home / 'friend.pth'}\n"


def test_import_knows_a_file_by_its_contents_and_gives_it_its_name(home, tmp_path):
    source = tmp_path / "download (3).bin"
    source.write_bytes(CONTENT)
    done = run("import", source)
    assert done.exit_code == 0, done.output
    assert (home / "friend.pth").read_bytes() == CONTENT
    assert [path.name for path in home.iterdir()] == ["friend.pth"]
    # Once more: it stays where it is.
    assert weight_store.import_path(source) == [(source, home / "friend.pth")]


def test_import_of_a_folder_takes_what_is_known(home, tmp_path):
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    (tmp_path / "disk" / "deep" / "a.pth").write_bytes(CONTENT)
    (tmp_path / "disk" / "net.pth").write_bytes(b"mine")
    (tmp_path / "disk" / "notes.txt").write_bytes(b"")
    assert run("import", tmp_path / "disk").exit_code == 0
    assert sorted(path.name for path in home.iterdir()) == ["friend.pth", "net.pth"]


def test_import_of_a_folder_refuses_a_wrong_file_and_takes_the_others(home, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "friend.pth").write_bytes(CONTENT[::-1])
    (disk / "net.pth").write_bytes(b"mine")
    done = run("import", disk)
    assert isinstance(done.exception, InputError)
    assert "friend.pth is not the published file" in str(done.exception)
    assert "net.pth ->" in done.output and [path.name for path in home.iterdir()] == ["net.pth"]


def test_what_is_called_safetensors_and_is_none_is_not_imported(home, tmp_path):
    from safetensors.numpy import save

    spec = MethodSpec(
        "st", "A method.", "bokehbench.baselines.identity:Identity", weights=("st.safetensors",)
    )
    register(spec)
    file = tmp_path / "st.safetensors"
    whole = save({"x": np.zeros(3, np.float32)})
    for damaged in (b"no", whole[:-1], b"\xff" * 100):
        file.write_bytes(damaged)
        assert "is no safetensors file" in str(run("import", file).exception)
        assert not (home / file.name).exists()
    file.write_bytes(whole)
    assert run("import", file).exit_code == 0 and (home / file.name).read_bytes() == whole


def test_import_replaces_a_wrong_file_and_refuses_one(home, tmp_path):
    home.mkdir()
    (home / "friend.pth").write_bytes(b"damaged")
    (tmp_path / "good").write_bytes(CONTENT)
    weight_store.import_path(tmp_path / "good")
    assert (home / "friend.pth").read_bytes() == CONTENT
    (tmp_path / "friend.pth").write_bytes(CONTENT[:-1])
    with pytest.raises(InputError, match="is not the published file"):
        weight_store.import_path(tmp_path / "friend.pth")
    (tmp_path / "other").write_bytes(b"?")
    with pytest.raises(InputError, match="no file of weights that is known here"):
        weight_store.import_path(tmp_path / "other")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="none of its 0 files"):
        weight_store.import_path(tmp_path / "empty")
    with pytest.raises(InputError, match="no such file"):
        weight_store.import_path(tmp_path / "nowhere")


def test_fetch_downloads_once(home, monkeypatch):
    asked = serve(monkeypatch)
    assert run("fetch", "friend").output == f"{home / 'friend.pth'}\n"
    assert (home / "friend.pth").read_bytes() == CONTENT
    assert run("fetch", "friend").output == f"{home / 'friend.pth'} (was there)\n"
    assert asked == ["https://example.org/friend.pth"]


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"!", CONTENT[::-1], b""])
def test_a_download_that_is_not_the_file_leaves_nothing(home, monkeypatch, content):
    serve(monkeypatch, content)
    with pytest.raises(InputError, match="not the published file"):
        weight_store.fetch("friend.pth")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "error", [urllib.error.URLError("Name or service not known"), TimeoutError("timed out")]
)
def test_without_network_it_is_one_line_that_says_what_to_do(home, monkeypatch, error):
    serve(monkeypatch, error=error)
    with pytest.raises(Unavailable, match=r"no download from example.org .*weights import FILE") as caught:
        weight_store.fetch("friend.pth")
    assert "\n" not in str(caught.value)
    assert not home.exists() or list(home.iterdir()) == []


def test_what_has_no_address_is_not_fetched(monkeypatch):
    asked = serve(monkeypatch)
    with pytest.raises(Unavailable, match="no address"):
        weight_store.fetch("net.pth")
    with pytest.raises(ConfigError, match="no weights are called 'alex'"):
        weight_store.entry_of("alex")
    assert asked == []


def test_only_encrypted_addresses_are_opened():
    with pytest.raises(ConfigError, match="only https"):
        weight_store.open_https("http://example.org/friend.pth")
    handler = weight_store._HttpsOnly()
    with pytest.raises(urllib.error.URLError, match="not encrypted"):
        handler.redirect_request(None, None, 302, "", {}, "http://example.org/friend.pth")


def test_a_digest_of_which_only_the_beginning_is_known_still_refuses(home, monkeypatch):
    whole = weights.FILES["friend.pth"]
    short = weights.WeightFile(whole.name, whole.size, whole.sha256[:8], whole.source, alias="friend")
    monkeypatch.setitem(weights.FILES, whole.name, short)
    home.mkdir()
    (home / "friend.pth").write_bytes(CONTENT)
    assert weights.locate("friend.pth")[0] == "ok"
    (home / "friend.pth").write_bytes(CONTENT[::-1])
    assert weights.locate("friend.pth")[0] == "sha-mismatch"


@pytest.fixture
def external(home, tmp_path, monkeypatch):
    """Two external methods whose files have one name and other contents; the first comes with its file."""
    monkeypatch.setenv(registry.REGISTER_VARIABLE, "")
    digests = {"theirs": hashlib.sha256(b"the real thing").hexdigest(), "others": "1" * 64}
    for name, digest in digests.items():
        folder = tmp_path / name
        (folder / "checkpoints").mkdir(parents=True)
        (folder / f"{name}.toml").write_text(
            f'schema = "bokehbench.external/1"\nname = "{name}"\nsummary = "x"\nlicence = "MIT"\n'
            'command = ["python3", "x.py"]\n[environment]\n'
            f'[[weights]]\nfile = "checkpoints/model.pth"\nsha256 = "{digest}"\n'
            'source = "https://example.org/model.pth"\n'
        )
        register(external_spec.read(folder / f"{name}.toml"))
    return tmp_path / "theirs" / "checkpoints" / "model.pth"


def status(name: str) -> list[str]:
    return [entry.status for entry in weight_store.entry_of(name)]


def test_files_of_external_methods_are_held_to_the_digest_of_their_description(external, home):
    assert status("theirs") == ["unavailable"]
    external.write_bytes(b"something else")
    assert status("theirs") == ["sha-mismatch"]
    done = run("verify", "theirs")
    assert done.exit_code == 4 and "get checkpoints/model.pth from https://example.org" in done.output
    assert "--register" in {word for option in command.commands["verify"].params for word in option.opts}
    # A wrong file beside the description does not hide the right one in a folder of weights.
    (home / "checkpoints").mkdir(parents=True)
    (home / "checkpoints" / "model.pth").write_bytes(b"the real thing")
    assert run("where", "theirs").output == f"{home / 'checkpoints' / 'model.pth'}\n"
    (home / "checkpoints" / "model.pth").unlink()
    external.write_bytes(b"the real thing")
    assert run("where", "theirs").output == f"{external}\n"
    listed = {entry["needed_by"][0]: entry for entry in json.loads(run("list", "--json").output)[1:]}
    assert listed["theirs"]["status"] == "ok" and listed["theirs"]["published"] is True
    assert listed["others"]["status"] == "unavailable"  # the same name, another file


def test_files_of_external_methods_are_imported_by_digest_and_fetched(external, home, tmp_path, monkeypatch):
    (tmp_path / "net.bin").write_bytes(b"the real thing")
    weight_store.import_path(tmp_path / "net.bin")
    assert (home / "checkpoints" / "model.pth").read_bytes() == b"the real thing"
    (tmp_path / "model.pth").write_bytes(b"another")
    with pytest.raises(InputError, match="is not the published file"):
        weight_store.import_path(tmp_path / "model.pth")
    (home / "checkpoints" / "model.pth").unlink()
    assert serve(monkeypatch, b"the real thing") == []
    assert run("fetch", "theirs").output == f"{home / 'checkpoints' / 'model.pth'}\n"
    with pytest.raises(InputError, match="not the published file"):
        weight_store.fetch("others")
