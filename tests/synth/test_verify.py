"""verify: a good set has no problems, and every kind of damage is named."""

import json
import re
import shutil

import pytest

from bokehbench.errors import InputError
from bokehbench.synth.config import bokehbench_v1, load_recipe
from bokehbench.synth.dataset import build, make_library
from bokehbench.synth.store import shards
from bokehbench.synth.verify import verify


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    recipe = load_recipe(bokehbench_v1(), size=(80, 64), assignments=("quality=draft",))
    roots = {}
    for store in ("folder", "wds"):
        roots[store] = tmp_path_factory.mktemp(store) / "set"
        build(
            recipe, make_library(recipe), count=3, root_seed=5, root=roots[store], store=store, shard_size=2
        )
    return roots


@pytest.fixture
def copied(made, tmp_path):
    def copy(store):
        shutil.copytree(made[store], tmp_path / "set")
        return tmp_path / "set"

    return copy


@pytest.mark.parametrize("store", ["folder", "wds"])
def test_a_good_set_has_no_problems_and_its_samples_come_out_again(made, store):
    found = verify(made[store], samples=2)
    assert (found.samples, found.remade, found.problems) == (3, 2, ())


def change_byte(root):
    path = root / "disp" / "000000001.png"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def change_plan(root):
    path = root / "meta" / "000000001.json"
    meta = json.loads(path.read_text())
    meta["plan"]["background"]["flip"] = not meta["plan"]["background"]["flip"]
    path.write_text(json.dumps(meta))


def without(*fields):
    """Take a field, or a field of a field, out of a sample's JSON."""

    def damage(root):
        path = root / "meta" / "000000001.json"
        meta = json.loads(path.read_text())
        inner = meta
        for name in fields[:-1]:
            inner = inner[name]
        del inner[fields[-1]]
        path.write_text(json.dumps(meta))

    return damage


DAMAGE = {
    "no plan": (without("plan"), r"000000001\.json: lacks plan"),
    "no lenses": (without("renders"), r"000000001\.json: lacks renders"),
    "no list of files": (without("files"), r"000000001\.json: lacks files"),
    "a picture less": (without("pictures", "bokeh_k0"), "lacks the picture bokeh_k0"),
    "a digest less": (without("files", "disp/000000001.png"), r"disp/000000001\.png: was changed"),
    "missing file": (lambda r: (r / "aif" / "000000001.png").unlink(), "000000001.png"),
    "changed file": (change_byte, r"disp/000000001.png.*(changed|damaged)"),
    "missing sample": (lambda r: (r / "meta" / "000000001.json").unlink(), "missing, the first is 1"),
    "foreign file": (lambda r: (r / "aif" / "holiday.png").touch(), "belongs to no sample"),
    "broken JSON": (lambda r: (r / "meta" / "000000001.json").write_text("{"), "not readable as JSON"),
    "left over": (lambda r: (r / "aif" / "1.part-0badcafe-1.png").touch(), "left by a build"),
    "another plan": (change_plan, "made again|not what its plan gives"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_to_a_folder_is_named(copied, name):
    root = copied("folder")
    damage, message = DAMAGE[name]
    damage(root)
    assert any(re.search(message, problem) for problem in verify(root, samples=3).problems)


def test_a_shard_cut_short_is_named(copied):
    root = copied("wds")
    path = shards.shard_path(root, 0)
    path.write_bytes(path.read_bytes()[:2000])
    try:
        problems = verify(root, samples=0).problems
    except InputError as error:
        problems = (str(error),)
    assert any("train-000000.tar" in problem or "missing" in problem for problem in problems)


def test_command_prints_the_hash_and_says_2_where_something_is_wrong(copied, capsys):
    from bokehbench.cli import main

    root = copied("folder")
    for damaged in (False, True):
        if damaged:
            change_byte(root)
        with pytest.raises(SystemExit) as ended:
            main(["synth", "verify", str(root), "--samples", "1"])
        said = capsys.readouterr()
        assert ended.value.code == (2 if damaged else 0)
        assert "sha256:" in said.out
        assert ("disp/000000001.png" in said.err) is damaged
