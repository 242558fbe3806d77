"""Stores: pictures survive the way through a file; shards have fixed ranges and fixed bytes; claims."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading

import numpy as np
import pytest

from bokehbench.errors import ConfigError, InputError
from bokehbench.records import machine, read_json, write_json
from bokehbench.synth.config import bokehbench_v1, load_recipe
from bokehbench.synth.dataset import build, make_library, sample_keys
from bokehbench.synth.store import claims, shards, table
from bokehbench.synth.store.folder import remove_sample
from bokehbench.synth.store.pictures import decode_member, file_name, read_picture, write_picture
from bokehbench.synth.store.profile import PROFILES, Profile, get_profile
from bokehbench.synth.store.reader import open_set, read_dataset
from bokehbench.synth.truth.types import Truth
from bokehbench.synth.verify import verify

RNG = np.random.default_rng(5)
ARGUMENTS = ("quality=draft",)


@pytest.fixture(scope="module")
def recipe():
    return load_recipe(bokehbench_v1(), size=(80, 64), assignments=ARGUMENTS)


LAYERS = 4
"""Most that a sample of the recipe has: three foregrounds and the background."""


def make(recipe, root, count=5, **options):
    return build(recipe, make_library(recipe), count=count, root_seed=3, root=root, **options)


@pytest.fixture(scope="module")
def folder(recipe, tmp_path_factory):
    root = tmp_path_factory.mktemp("folder") / "set"
    make(recipe, root)
    return root


@pytest.fixture(scope="module")
def packed(recipe, tmp_path_factory):
    root = tmp_path_factory.mktemp("packed") / "set"
    make(recipe, root, store="wds", shard_size=2)
    return root


def tars(root):
    return {path.name: path.read_bytes() for path in sorted(root.glob("*.tar"))}


# --------------------------------------------------------------------------------------- pictures and files


@pytest.mark.parametrize(
    ("profile", "name", "kind", "shape", "error"),
    [
        ("train-png", "aif", "image", (8, 6, 3), 0.5 / 255),
        ("train-jpeg", "bokeh_k0", "image", (8, 6, 3), 0.03),
        ("linear", "bokeh_k0", "image", (8, 6, 3), 1e-3),
        ("train-jpeg", "disp", "disparity", (8, 6), 0.5 / 65535),
        ("linear", "disp", "disparity", (8, 6), 0.0),
        ("train-jpeg", "rgba_1", "rgba", (4, 5, 4), 0.5 / 255),
        ("train-png", "layer_0", "layer", (4, 5, 4), 1e-3),
        ("train-jpeg", "subject_mask", "mask", (8, 6), 0.5 / 255),
        ("linear", "disp_soft", "float", (8, 6), 1e-3),
    ],
)
def test_a_picture_comes_back_as_exactly_as_its_file_can(tmp_path, profile, name, kind, shape, error):
    smooth = np.linspace(0.1, 0.9, shape[0], dtype=np.float32)
    pixels = np.ascontiguousarray(np.broadcast_to(smooth.reshape(-1, *[1] * (len(shape) - 1)), shape))
    truth, settings = Truth(name, kind, pixels), PROFILES[profile]
    path = tmp_path / file_name("000000001", name, kind, settings.encoding(name, kind))
    write_picture(path, truth, settings, gamma=2.2)
    back = read_picture(path.read_bytes(), path.name, kind, gamma=2.2)
    assert back.shape == shape and np.abs(back - pixels).max() <= error + 1e-7


def test_linear_files_keep_lights_that_display_files_clip(tmp_path):
    bright = np.full((4, 4, 3), 3.0, np.float32)
    write_picture(tmp_path / "a.exr", Truth("aif", "image", bright), PROFILES["linear"], 2.2)
    assert np.allclose(read_picture((tmp_path / "a.exr").read_bytes(), "a.exr", "image", 2.2), 3.0, rtol=1e-3)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
@pytest.mark.parametrize("kind", ["disparity", "mask", "label", "rgba", "layer", "float"])
def test_disparity_and_alpha_are_never_jpeg(profile, kind):
    assert all(profile.encoding(name, kind) != "jpg" for name in ("aif", "disp", "bokeh_k0", "alpha_0"))


def test_profiles_are_typed():
    with pytest.raises(ConfigError, match="train-jpeg"):
        get_profile("train-jpg")
    with pytest.raises(ValueError, match="jpeg_qualty"):
        Profile(name="x", jpeg_qualty=3)


@pytest.mark.parametrize("name", ["aif", "bokeh_k0", "layer_0"])
def test_damaged_bytes_are_named(folder, name):
    stored = open_set(folder)
    key = stored.keys()[0]
    picture = stored.picture(stored.meta(key), name)
    data = stored.data(key, name)
    for broken in (b"", b"nothing", data[: len(data) // 3]):
        with pytest.raises(InputError, match=picture["file"]):
            read_picture(broken, picture["file"], picture["kind"], 2.2)


def test_a_picture_that_is_not_there_is_named_with_those_that_are(folder):
    with pytest.raises(InputError, match=r"no picture lq \(it has aif"):
        open_set(folder).read("000000000", "lq")


# ---------------------------------------------------------------------------------------------- one content


def test_both_stores_hold_the_same_samples(folder, packed):
    one, two = open_set(folder), open_set(packed)
    assert one.keys() == two.keys() == sample_keys(packed)
    for key in one.keys():  # noqa: SIM118
        for name in one.meta(key)["pictures"]:
            assert one.data(key, name) == two.data(key, name)
            assert np.array_equal(one.read(key, name), two.read(key, name))
    assert one.record["content_hash"] == two.record["content_hash"] == verify(packed, samples=0).content_hash


def test_shards_have_fixed_ranges_ordered_keys_and_neutral_headers(packed):
    found = {path.name: list(shards.index(path)) for path in shards.shard_paths(packed)}
    assert found == {
        "train-000000.tar": ["000000000", "000000001"],
        "train-000001.tar": ["000000002", "000000003"],
        "train-000002.tar": ["000000004"],
    }
    with tarfile.open(packed / "train-000000.tar") as tar:
        for info in tar:
            key, dot, rest = info.name.partition(".")
            assert key.isdigit() and dot and rest.count(".") <= 1
            assert (info.mtime, info.uname, info.gname) == (0, "bokehbench", "bokehbench")


@pytest.mark.parametrize(
    "steps",
    [
        [{"workers": 2}],
        [{"count": 1}, {"count": 3}, {}],
        [{"shard": (1, 2)}, {"shard": (0, 2)}],
    ],
    ids=["two workers", "grown", "two parts"],
)
def test_shards_are_the_same_however_they_were_made(recipe, packed, tmp_path, steps):
    for step in steps:
        make(recipe, tmp_path / "set", store="wds", shard_size=2, **step)
    assert read_dataset(tmp_path / "set")["content_hash"] == read_dataset(packed)["content_hash"]
    assert _members(tmp_path / "set") == _members(packed)
    assert (
        not (tmp_path / "set" / shards.WAITING).exists() and not (tmp_path / "set" / claims.FOLDER).exists()
    )


def _members(root):
    """Bytes of all members but the commit in the JSON."""
    found = {}
    for path in shards.shard_paths(root):
        for key, members in shards.index(path).items():
            for name, member in members.items():
                data = member.read()
                if name == shards.META:
                    data = json.dumps({**json.loads(data), "code": None}).encode()
                found[f"{path.name}/{key}.{name}"] = data
    return found


def test_equal_samples_make_equal_tars(packed, tmp_path):
    before = tars(packed)
    shards.unpack(packed, 0)
    shards.pack(packed, 0, ["000000001", "000000000"], LAYERS)
    shards.remove_waiting(packed, ["000000000", "000000001"])
    assert tars(packed) == before


def test_killed_between_shard_and_clean_up(recipe, packed, tmp_path):
    root = tmp_path / "set"
    make(recipe, root, count=4, store="wds", shard_size=2)
    shards.unpack(root, 1)
    (root / "train-000002.part-0badcafe-1.tar").write_bytes(b"half")
    os.utime(root / "train-000002.part-0badcafe-1.tar", (0, 0))
    assert make(recipe, root, store="wds", shard_size=2).made == 1
    assert _members(root) == _members(packed)
    assert verify(root, samples=1).problems == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"store": "folder"}, "another store"),
        ({"shard_size": 3}, "another shard size"),
        ({"profile": PROFILES["train-jpeg"]}, "another profile"),
        ({"profile": Profile(name="train-png", disparity="exr32")}, "another profile"),
    ],
)
def test_what_would_mix_two_sets_is_refused(recipe, packed, change, message):
    before = tars(packed)
    with pytest.raises(InputError, match=message):
        make(recipe, packed, **{"store": "wds", "shard_size": 2, **change})
    assert tars(packed) == before


# -------------------------------------------------------------------------------------------------- claims


def test_only_one_of_two_processes_gets_a_claim(tmp_path):
    path = tmp_path / "claims" / "a"
    with claims.claim(path) as first, claims.claim(path) as second:
        assert (first, second) == (True, False)
        assert claims.held(tmp_path, "a")
    assert not path.exists()


def test_claims_are_made_while_others_sweep(tmp_path):
    """One process ends, and removes the empty folder, just when another claims its first sample."""
    done = threading.Event()

    def sweep():
        while not done.is_set():
            claims.sweep(tmp_path)

    others = [threading.Thread(target=sweep) for _ in range(2)]
    for thread in others:
        thread.start()
    try:
        for number in range(1000):
            with claims.claim(tmp_path / claims.FOLDER / str(number)) as mine:
                assert mine
    finally:
        done.set()
        for thread in others:
            thread.join()


@pytest.mark.parametrize(
    ("owner", "seconds", "stale"),
    [
        ({"machine": machine(), "pid": os.getpid()}, 7200, False),
        ({"machine": machine(), "pid": 999_999_999}, 0, True),
        ({"machine": "elsewhere", "pid": 1}, 60, False),
        ({"machine": "elsewhere", "pid": 1}, 7200, True),
        (None, 0, False),
        (None, 60, True),
    ],
    ids=["mine", "dead", "elsewhere", "elsewhere, long ago", "not signed yet", "never signed"],
)
def test_claims_of_the_dead_are_taken_over(tmp_path, owner, seconds, stale):
    path = tmp_path / "a"
    path.write_text(json.dumps(owner) if owner else "")
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))
    assert claims.is_stale(path) is stale
    with claims.claim(path) as mine:
        assert mine is stale
    assert path.exists() is not stale


def test_two_processes_share_one_folder(tmp_path, folder):
    command = [sys.executable, "-m", "bokehbench", "synth", "build", "--count", "5", "--seed", "3"]
    command += ["--size", "80x64", "--set", ARGUMENTS[0], "--out", str(tmp_path / "set")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert all("5 samples" in text for text in said)
    assert sum(int(text.split(" made now")[0].rsplit(None, 1)[1]) for text in said) == 5
    assert read_dataset(tmp_path / "set")["content_hash"] == read_dataset(folder)["content_hash"]


# ------------------------------------------------------------------------------------- what others can open


def test_webdataset_opens_the_shards(packed):
    import webdataset

    urls = [str(path) for path in shards.shard_paths(packed)]
    samples = list(webdataset.WebDataset(urls, shardshuffle=False, empty_check=False).decode(decode_member))
    assert [sample["__key__"] for sample in samples] == sample_keys(packed)
    stored = open_set(packed)
    for sample in samples:
        for name in ("aif", "disp"):
            np.testing.assert_array_equal(sample[f"{name}.png"], stored.read(sample["__key__"], name))
        layers = [stored.read(sample["__key__"], f"layer_{i}") for i in range(sample["json"]["layers"])]
        for i, layer in enumerate(layers):
            np.testing.assert_array_equal(sample[f"layer_{i}.exr"], layer)
        assert sample["json"]["K"] >= 0.0


def _needs_arrow():
    pytest.importorskip("pyarrow", reason="pyarrow does not work here", exc_type=ImportError)


def test_datasets_opens_both_stores(folder, packed, tmp_path):
    _needs_arrow()
    datasets = pytest.importorskip("datasets", exc_type=ImportError)
    images = datasets.load_dataset(
        "imagefolder", data_dir=str(folder), split="train", cache_dir=str(tmp_path)
    )
    assert images["key"] == sample_keys(folder)
    assert images[0]["aif"].size == images[0]["bokeh"].size == images[0]["disp"].size == (80, 64)
    tarred = datasets.load_dataset(
        "webdataset", data_files=str(packed / "train-*.tar"), split="train", cache_dir=str(tmp_path)
    )
    assert tarred["__key__"] == sample_keys(packed)


def test_parquet_twins_have_a_row_a_sample(packed):
    arrow = table.pyarrow() if _needs_arrow() is None else None
    for path in shards.shard_paths(packed):
        rows = arrow.parquet.read_table(path.with_suffix(".parquet")).to_pylist()
        assert [row["key"] for row in rows] == list(shards.index(path))
    assert arrow.parquet.read_table(packed / table.PARQUET).num_rows == 5


def test_card_says_what_the_set_is(folder):
    text = (folder / "README.md").read_text()
    record = read_json(folder / "dataset.json")
    assert text.startswith("---\n") and "license:" in text and "contact_sheet.png" in text
    for value in (record["config_hash"], record["content_hash"], *record["licences"], "Focus rule"):
        assert value in text
    numbers = [line for line in text.splitlines() if " to " in line and line.rstrip()[-1:].isdigit()]
    assert numbers


# ------------------------------------------------------------------------------- sets that somebody else made


@pytest.mark.parametrize("name", ["../victim.txt", "aif/../../victim.txt", "/victim.txt"])
def test_a_sample_names_no_file_outside_its_set(folder, tmp_path, name):
    root = tmp_path / "set"
    shutil.copytree(folder, root)
    victim = tmp_path / "victim.txt"
    victim.write_text("of the user")
    key = sample_keys(root)[0]
    path = root / "meta" / f"{key}.json"
    meta = read_json(path)
    name = str(victim) if name.startswith("/") else name
    meta["files"][name] = meta["files"][meta["pictures"]["aif"]["file"]]
    write_json(path, meta)
    with pytest.raises(InputError, match="outside the set"):
        remove_sample(root, key)
    assert victim.read_text() == "of the user"
    meta["files"].pop(name)
    meta["pictures"]["aif"]["file"] = name
    write_json(path, meta)
    with pytest.raises(InputError, match="outside the set"):
        open_set(root).read(key, "aif")


@pytest.mark.parametrize("member", ["/tmp/evil.meta", "../000000000.meta", "notes.txt"])
def test_a_shard_with_foreign_members_is_refused(tmp_path, member):
    path = shards.shard_path(tmp_path, 0)
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo(member))
    with pytest.raises(InputError, match="belongs to no sample"):
        shards.unpack(tmp_path, 0)
