"""Weights: found in order, believed by their hash alone, never downloaded."""

from __future__ import annotations

import hashlib
import os
import socket
import urllib.request

import numpy as np
import pytest

from bokehbench import records
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.metrics import score_images, score_images_detailed, weights
from bokehbench.metrics.set_specs import SPECS as SET_SPECS
from bokehbench.metrics.specs import SPECS

GENUINE = b"what a friend published"


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """Anything that reaches for the network fails the test."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a metric reached for the network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """Four places to look into, in order; nothing of this machine is seen."""
    places = [tmp_path / name for name in ("option", "variable", "torch/hub/checkpoints")]
    places.append(tmp_path / "cache" / "torch" / "hub" / "checkpoints")
    for place in places:
        place.mkdir(parents=True)
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(places[1]))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    weights.use_folder(places[0])
    return places


@pytest.fixture
def small_file(monkeypatch):
    """A weight file of a few bytes in the table."""
    digest = hashlib.sha256(GENUINE).hexdigest()
    file = weights.WeightFile("friend.pth", len(GENUINE), digest, "https://example.org/friend.pth")
    monkeypatch.setitem(weights.FILES, file.name, file)
    return file.name


def test_search_order(homes, small_file):
    assert weights.folders() == homes
    assert weights.locate(small_file) == ("unavailable", None)
    for place in reversed(homes):
        (place / small_file).write_bytes(GENUINE)
        assert weights.locate(small_file) == ("ok", place / small_file)
        assert weights.require(small_file) == place / small_file


def test_wrong_contents_are_a_mismatch_whatever_the_name(homes, small_file):
    for contents in (GENUINE[:-1], GENUINE.upper(), b""):
        (homes[1] / small_file).write_bytes(contents)
        assert weights.locate(small_file) == ("sha-mismatch", homes[1] / small_file)
        with pytest.raises(weights.WrongWeights, match="is not the published file"):
            weights.require(small_file)


def test_a_wrong_file_does_not_hide_the_genuine_one(homes, small_file):
    (homes[0] / small_file).write_bytes(GENUINE[::-1])
    (homes[3] / small_file).write_bytes(GENUINE)
    assert weights.locate(small_file) == ("ok", homes[3] / small_file)


def test_a_file_is_hashed_once_until_it_changes(homes, small_file, monkeypatch):
    hashed = []
    monkeypatch.setattr(
        records,
        "sha256_file",
        lambda path: hashed.append(path) or hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    path = homes[0] / small_file
    path.write_bytes(GENUINE)
    for _ in range(3):
        assert weights.locate(small_file)[0] == "ok"
    assert len(hashed) == 1
    path.write_bytes(GENUINE[::-1])  # the same size
    os.utime(path, ns=(1, 1))
    assert weights.locate(small_file)[0] == "sha-mismatch"
    assert len(hashed) == 2


def test_what_is_missing_is_said_in_one_line(homes):
    with pytest.raises(Unavailable) as caught:
        weights.require("alexnet-owt-7be5be79.pth")
    line = str(caught.value)
    assert "\n" not in line
    for part in (
        "alexnet-owt-7be5be79.pth",
        "244408911 bytes",
        "download.pytorch.org/models",
        "--weights-dir",
    ):
        assert part in line


def test_folder_and_name_that_do_not_exist_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        weights.use_folder(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="no weight file is called"):
        weights.require("lpips_weights.pt")


def test_table_is_sound():
    for file in weights.FILES.values():
        assert len(file.sha256) in (8, 64)
        if not file.package and file.name.endswith(
            ".pth"
        ):  # the publisher puts the first digits into the name
            assert file.sha256.startswith(file.name.rpartition("-")[2].removesuffix(".pth"))
    aliases = [file.alias for file in weights.FILES.values() if file.alias]
    assert len(aliases) == len(set(aliases))
    needed = {name for spec in (*SPECS, *SET_SPECS) for name in spec.weights}
    assert needed == set(weights.FILES)


def test_bundled_files_are_genuine_and_status_names_who_needs_what(homes):
    status = {entry.file: entry for entry in weights.status()}
    assert list(status) == list(weights.FILES)
    bundled = [name for name, file in weights.FILES.items() if file.package]
    assert [status[name].status for name in bundled] == ["ok"] * 4
    assert status["vgg16-397923af.pth"].needed_by == ("lpips-vgg", "dists-256", "dists-full", "dists-piq")
    assert status["vgg16-397923af.pth"].status == "unavailable"
    assert all((entry.instruction == "") == (entry.status == "ok") for entry in status.values())


PICTURES = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
NETWORKS = ["lpips-alex", "lpips-vgg", "lpips-squeeze", "dists-256"]


def test_without_weights_there_is_no_number_and_no_download(homes):
    assert score_images(*PICTURES, NETWORKS) == dict.fromkeys(NETWORKS)
    assert {s.status for s in score_images_detailed(*PICTURES, NETWORKS).values()} == {"unavailable"}


@pytest.mark.parametrize("zipped", [True, False])
def test_random_weights_under_the_official_name_are_refused(homes, zipped):
    import torch
    import torchvision

    trunk = torchvision.models.squeezenet1_1(weights=None).state_dict()
    path = homes[3] / "squeezenet1_1-b8a52dc0.pth"
    torch.save(trunk, path, _use_new_zipfile_serialization=zipped)
    score = score_images_detailed(*PICTURES, ["lpips-squeeze"])["lpips-squeeze"]
    assert (score.value, score.status) == (None, "sha-mismatch")
    assert str(path) not in score.reason
    from bokehbench.metrics.lpips import lpips

    with pytest.raises(weights.WrongWeights):
        lpips(*PICTURES, net="squeeze")


@pytest.mark.parametrize(
    ("name", "zipped"), [("lpips-squeeze", True), ("lpips-squeeze", False), ("dists-256", True)]
)
def test_the_whole_way_with_files_that_count_as_genuine(homes, monkeypatch, name, zipped):
    """Both file formats of torch; the table is told that these random trunks are the published ones."""
    import torch
    import torchvision

    from bokehbench.metrics import dists, lpips

    net, file = {
        "lpips-squeeze": ("squeezenet1_1", "squeezenet1_1-b8a52dc0.pth"),
        "dists-256": ("vgg16", "vgg16-397923af.pth"),
    }[name]
    torch.manual_seed(1)
    trunk = getattr(torchvision.models, net)(weights=None).features.state_dict()
    path = homes[0] / file
    state = {f"features.{key}": value for key, value in trunk.items()} | {
        "classifier.0.weight": torch.zeros(1)
    }
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    fake = weights.WeightFile(file, path.stat().st_size, records.sha256_file(path), "nowhere")
    monkeypatch.setitem(weights.FILES, file, fake)
    for module in (dists, lpips):
        module._model.cache_clear()
    first = score_images_detailed(*PICTURES, [name])[name]
    assert first.status == "ok" and first.value > 0.0
    # Another file, another fingerprint: such a number can never stand in the official column.
    monkeypatch.undo()
    from bokehbench.metrics import find

    assert first.fingerprint != find(name).fingerprint
    for module in (dists, lpips):
        module._model.cache_clear()
