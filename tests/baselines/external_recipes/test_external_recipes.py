"""Claims about recipes: each runs end to end, and what a repository is told is what the conventions say."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import fake_repositories as fakes
import numpy as np
import pytest

from bokehbench import cli, registry
from bokehbench.baselines import external_spec
from bokehbench.baselines.external import External, seed_of
from bokehbench.baselines.external_recipes import bind, recipe
from bokehbench.cases import Inputs
from bokehbench.errors import JobFailed, Unavailable
from bokehbench.optics import Lens
from bokehbench.registry import MethodSpec

K, FOCUS, WIDTH, HEIGHT = 20.0, 0.25, 66, 50
RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.float32) / np.float32(255)
DISPARITY = np.linspace(0.2, 0.7, WIDTH, dtype=np.float32)[None].repeat(HEIGHT, 0)
LQ = RANDOM.integers(0, 256, (13, 17, 3)).astype(np.float32) / np.float32(255)
INPUTS = Inputs("scene_f1", IMAGE, DISPARITY, Lens(K, FOCUS), (0.1, 1.1))
LOW, HIGH = K * (0.2 - FOCUS), K * (0.7 - FOCUS)  # -1 and 9 px of signed defocus


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where fakes write what they were told; nothing is flushed, what is registered is undone."""
    monkeypatch.setattr("os.fsync", lambda handle: None)
    monkeypatch.setenv("FAKE_NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv(registry.REGISTER_VARIABLE, "")
    monkeypatch.setattr(registry, "_registered", {})
    registry._load_all.cache_clear()
    yield tmp_path / "notes"
    registry._load_all.cache_clear()


def clone(folder: Path, name: str) -> Path:
    about = recipe.read(name)
    weights = tuple(one.file for one in about.weights)
    return fakes.write(folder, name, about.call.code, weights, about.clone.commit)


def bound(folder: Path, name: str):
    """The spec of a recipe that is bound to a fake, whose weights are not those whose digests it knows."""
    about = recipe.read(name)
    weights = tuple(one.model_copy(update={"sha256": ""}) for one in about.weights)
    there = bind.bind_recipe(
        about.model_copy(update={"weights": weights}), clone(folder, name), sys.executable
    )
    return external_spec.read(there)


def told(notes: Path) -> list[SimpleNamespace]:
    return [SimpleNamespace(**json.loads(line)) for line in notes.read_text().splitlines()]


def near(value: float, wanted: float, tolerance: float = 1e-5) -> bool:
    return abs(value - wanted) <= tolerance


def stretched(one):
    """demo.py has stretched the map, and the defocus is what it is."""
    assert near(one.low, LOW) and near(one.high, HIGH) and near(one.gamma, 2.2)
    assert near(one.K, K * 0.5) and near(one.focus, (FOCUS - 0.2) / 0.5) and near(one.red, IMAGE[0, 0, 0])


def direct(one):
    assert (one.K, one.focus, one.gamma) == (K, FOCUS, 2.2) and near(one.low, LOW) and near(one.high, HIGH)


def class_of_numpy(one):
    assert (one.K, one.focus, one.gamma) == (K, FOCUS, 2.2) and near(one.low, 0.2) and near(one.high, 0.7)
    assert one.lens == 2 * 10 + 1  # radius 9 and one pixel more


def tens_of_pixels(one):
    assert near(one.low, 0.0, 0.02) and near(one.high, HIGH / 10) and near(one.near, 0.7)
    assert one.seed == seed_of(INPUTS) and one.size == [56, 72]


def units_of_32(one):
    assert one.low < 1.5 / 255 and near(one.high, HIGH / 32, 0.5 / 255 + 1e-6) and one.size == [512, 512]
    assert one.seed == seed_of(INPUTS)
    # Mirrored with period 130: column 511 is column 9, where the defocus is 20 (0.2 + 0.5 9/65 - 0.25).
    assert near(one.corner, 0.3846 / 32, 0.5 / 255)


def clip(one):
    full = 1024 / 576 * HEIGHT  # 88.9: the next whole width of 16:9
    assert one.size == [89, 51] and full < 89 and near(one.k, K * 1024 / 89) and one.frames == 12
    assert one.focus == FOCUS and near(one.low, 0.2, 0.003) and near(one.high, 0.7, 0.003)


def hundreds(one):
    assert (
        near(one.high, HIGH / 100) and one.low < 1e-3 and one.seed == seed_of(INPUTS) and one.size == [64, 80]
    )


def aperture(one):
    assert one.strength == 1.0 and one.size == [52, 68]


def override(one):
    assert near(one.strength, 0.7) and one.lens == 1.0 and one.size == [64, 80]


def small(one):
    assert one.size == [13, 17] and one.seed == seed_of(replace(INPUTS, lq=LQ))


TOLD = {
    "bokehme-repo": stretched,
    "mpib-repo": direct,
    "dr-bokeh-repo": class_of_numpy,
    "bokehdiff-repo": tens_of_pixels,
    "magicbokeh-repo": units_of_32,
    "any-to-bokeh": clip,
    "genfocus": hundreds,
    "bokehlicious-ebb400": aperture,
    "bokehlicious-val294": aperture,
    "ebokehnet": override,
    "osediff": small,
    "s3diff": small,
    "sinsr": small,
}


@pytest.mark.parametrize("name", recipe.known())
def test_a_recipe_runs_end_to_end_and_the_repository_is_told_what_was_asked(
    name: str, notes: Path, tmp_path: Path
) -> None:
    spec = bound(tmp_path / "OUT, of course", name)
    restores = spec.kind == "restorer"
    (answer,) = External(spec, work=spec.here / "w").render_many(
        [replace(INPUTS, lq=LQ) if restores else INPUTS]
    )
    assert answer.image is not None, answer.error
    wanted = 1 - (LQ.repeat(4, 0).repeat(4, 1) if restores else IMAGE)
    assert answer.image.shape == wanted.shape
    if name == "any-to-bokeh":  # it was enlarged and made smaller again
        assert np.abs(answer.image - wanted).mean() < 0.1
    else:
        assert np.abs(answer.image - wanted).max() < 1.5 / 255
    TOLD[name](told(notes)[-1])


def test_every_recipe_says_what_it_must_and_has_a_fake() -> None:
    assert set(recipe.known()) == set(fakes.FAKES) == set(TOLD)
    for name in recipe.known():
        about = recipe.read(name)
        assert about.mapping and about.weights and about.environment.install and about.spec.is_recipe
        assert all(path.is_file() for path in about.adapters)
        assert about.clone.commit or about.unverified  # what is not pinned says so
        assert isinstance(about.spec, MethodSpec) == ("focal plane" in about.mapping)
        assert bool(getattr(about.spec, "only_on", ())) == getattr(about.spec, "ignores_lens", False)


@pytest.mark.parametrize("path", sorted(recipe.ADAPTERS.glob("*.py")), ids=lambda path: path.stem)
def test_adapters_are_for_old_environments_and_know_nothing_of_ours(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 7))
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    ]
    assert not [name for name in imported if name.startswith("bokehbench")]
    if any("[" in ast.unparse(note) for note in _annotations(tree)):  # tuple[int, int]: never evaluated
        assert "from __future__ import annotations" in path.read_text()


def _annotations(tree: ast.AST) -> list[ast.expr]:
    found = [getattr(node, name, None) for node in ast.walk(tree) for name in ("annotation", "returns")]
    return [note for note in found if note is not None]


def test_a_file_of_another_digest_than_its_publishers_is_named(notes: Path, tmp_path: Path) -> None:
    there = clone(tmp_path, "dr-bokeh-repo")
    found = bind.findings(recipe.read("dr-bokeh-repo"), there, sys.executable)
    (wrong, other) = [one for one in found if not one.here]
    assert wrong.what.endswith("resnet50-19c8e357.pth") and "should begin with 19c8e357" in wrong.said
    (there / other.what).unlink()
    with pytest.raises(Unavailable, match="sha256 should begin"):
        bind.bind("dr-bokeh-repo", there, sys.executable)


def test_pictures_beyond_white_and_maps_that_are_flat(notes: Path, tmp_path: Path) -> None:
    spec = bound(tmp_path, "bokehme-repo")
    flat = replace(INPUTS, image=IMAGE * 3, disparity=np.full_like(DISPARITY, 0.5))
    (answer,) = External(spec).render_many([flat])
    assert answer.image is not None, answer.error
    (one,) = told(notes)
    assert near(one.low, K * (0.5 - FOCUS)) and near(one.high, one.low, K / 999)
    assert near(one.brightest, 3 * IMAGE.max(), 1e-4)


def test_small_pictures_of_magicbokeh_are_cut_back_and_blur_beyond_its_training_is_cut_off(
    notes: Path, tmp_path: Path
) -> None:
    spec = bound(tmp_path, "magicbokeh-repo")
    strong = replace(INPUTS, lens=Lens(200.0, FOCUS))
    (answer,) = External(spec, log=tmp_path / "log").render_many([strong])
    assert answer.image is not None and answer.image.shape == IMAGE.shape and told(notes)[0].high == 1.0
    assert "scene_f1: blur beyond 32 px is cut off" in (tmp_path / "log").read_text()


def test_what_a_repository_cannot_render_costs_that_case_alone(notes: Path, tmp_path: Path) -> None:
    spec = bound(tmp_path, "mpib-repo")
    asked = [replace(INPUTS, lens=Lens(300.0, FOCUS)), INPUTS]
    answers = {one.number: one for one in External(spec).render_many(asked)}
    assert answers[1].image is not None
    assert "MPIB renders K up to 200 px, not 300" in str(answers[0].error)


def test_a_base_model_may_be_a_link_into_the_hubs_cache(notes: Path, tmp_path: Path) -> None:
    spec = bound(tmp_path, "osediff")
    (file,) = spec.here.glob("models/*/unet/*.safetensors")
    blob = file.rename(tmp_path / "0123abcd")
    file.symlink_to(blob)
    (answer,) = External(spec).render_many([replace(INPUTS, lq=LQ)])
    assert answer.image is not None, answer.error


def test_values_that_are_no_numbers_are_not_stored_as_black(notes: Path, tmp_path: Path) -> None:
    spec = bound(tmp_path, "dr-bokeh-repo")
    code = spec.here / "app" / "Render" / "Inference.py"
    code.write_text(code.read_text().replace("1 - rgb}", "rgb + np.float32('nan')}"))
    with pytest.raises(JobFailed, match="9900 values that are no numbers"):
        External(spec).render(INPUTS)


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=one", "-c", "user.email=one@there")
    return subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def test_a_clone_that_was_changed_says_so_and_gives_other_results(notes: Path, tmp_path: Path) -> None:
    about = recipe.read("bokehme-repo")
    weights = tuple(one.file for one in about.weights)
    there = fakes.write(tmp_path, about.name, about.call.code, weights, commit="")
    git(there, "init", "-q"), git(there, "add", "-A"), git(there, "commit", "-qm", "all")
    head = about.clone.model_copy(update={"commit": git(there, "rev-parse", "HEAD").strip()})
    about = about.model_copy(update={"clone": head})

    def made() -> tuple[str, dict]:
        external_spec._frozen.cache_clear()  # asked once a process
        (commit,) = (one for one in bind.findings(about, there, sys.executable) if one.what == "commit")
        assert commit.here
        return commit.said, external_spec.read(bind.bind_recipe(about, there, sys.executable)).made_with()

    said, clean = made()
    assert said == head.commit and made() == (said, clean)  # what is written beside the clone is no change
    (there / "note.py").write_text(fakes.NOTE + "# another\n")  # a file that no recipe names
    said, changed = made()
    assert said.endswith("changed here: note.py") and changed["environment"] != clean["environment"]
    git(there, "checkout", "note.py")
    assert made() == (head.commit, clean)


def test_records_are_the_same_wherever_a_clone_lies(notes: Path, tmp_path: Path) -> None:
    here, there = bound(tmp_path / "here", "bokehme-repo"), bound(tmp_path / "there", "bokehme-repo")
    made = here.made_with()
    assert made == there.made_with() and str(tmp_path) not in json.dumps(made)
    code = {Path(name).name for name in made["code"]}
    assert {"demo.py", "run_bokehme.py", "bench_adapter.py", "python"} <= code and not here.unhashed()
    (here.here / "demo.py").write_text("# changed")
    assert here.made_with() != made


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        cli.main(list(words))
    said = capsys.readouterr()
    return int(end.value.code or 0), said.out, said.err


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("clone", "no folder"),
        ("git", "is no git clone"),
        ("commit", "is there: git -C"),
        ("code", "has no demo.py"),
        ("interpreter", "no interpreter"),
        ("nothing runs", "does not run"),
        ("numpy", "has no numpy"),
        ("weights", "needs checkpoints/arnet.pth from the clone itself"),
    ],
)
def test_what_is_missing_is_one_line_and_exit_code_2(
    harm: str,
    said: str,
    notes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = clone(tmp_path, "bokehme-repo")
    python = sys.executable
    if harm == "clone":
        there = tmp_path / "nowhere"
    elif harm == "git":
        (there / ".git").rename(there / "git")
    elif harm == "commit":
        (there / ".git" / "HEAD").write_text("0" * 40 + "\n")
    elif harm == "code":
        (there / "demo.py").unlink()
    elif harm == "interpreter":
        python = str(tmp_path / "python")
    elif harm == "nothing runs":
        python = "/bin/false"
    elif harm == "numpy":
        bare = tmp_path / "bare"
        bare.write_text("#!/bin/sh\necho 3.8\n")
        bare.chmod(0o755)
        python = str(bare)
    else:
        (there / "checkpoints" / "arnet.pth").rename(tmp_path / "elsewhere.pth")
    # With weights alone missing it binds, since they may lie elsewhere, and is refused when it is run.
    words = ("external", "check", "bokehme-repo", "--repo", str(there), "--python", python)
    code, out, err = run(capsys, *words)
    assert code == 2 and said in out and len(err.strip().splitlines()) == 1
    if harm == "weights":
        with pytest.raises(Unavailable, match="arnet"):
            external_spec.read(bind.bind("bokehme-repo", there, python)).weights_sha256()
        monkeypatch.setenv("BOKEHBENCH_WEIGHT_FILES", "")
        code, out, _ = run(capsys, *words, "--weights", f"arnet={tmp_path}/elsewhere.pth")
        assert code == 0 and "ok       checkpoints/arnet.pth" in out
        return
    code, _, err = run(capsys, "list", "methods", "--external", f"bokehme-repo={there}:{python}")
    assert code == 2 and said in err and len(err.strip().splitlines()) == 1


def test_list_show_and_check(notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "external", "list")
    assert code == 0 and all(name in out for name in fakes.FAKES)
    code, out, _ = run(capsys, "external", "show", "ebokehnet")
    for word in (
        "unpinned",
        "unverified",
        "comparison: not stated",
        "only on ebb-val294",
        "bokeh_strength 0.7",
    ):
        assert word in out.replace("Comparison in research", "comparison").replace("Only on", "only on")
    code, out, _ = run(capsys, "list", "methods")
    assert "[external]" in next(line for line in out.splitlines() if line.startswith("genfocus"))
    there = clone(tmp_path, "sinsr")
    words = ("external", "check", "sinsr", "--repo", str(there), "--python", sys.executable)
    code, out, _ = run(capsys, *words)
    assert code == 0 and out.count("ok ") == 5 and f"--external sinsr={there}" in out


def test_a_method_without_focus_control_is_run_where_that_is_fair_and_refused_elsewhere(
    notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = clone(tmp_path, "bokehlicious-ebb400")
    words = ["run", "--external", f"bokehlicious-ebb400={there}:{sys.executable}"]
    words += ["--out", str(tmp_path / "out"), "--method", "bokehlicious-ebb400", "--benchmark"]
    code, _, err = run(capsys, *words, "blb-mini")
    assert code == 2 and "cannot be asked for a focal plane, and is run only on ebb400" in err


def test_a_recipe_that_is_not_bound_is_refused_by_name(
    notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("run", "--benchmark", "blb-mini", "--method", "bokehme-repo", "--out", str(tmp_path / "out"))
    code, _, err = run(capsys, *words)
    assert code == 2 and "bokehbench external show bokehme-repo" in err and len(err.strip().splitlines()) == 1
    with pytest.raises(Unavailable, match="--external osediff=DIR"):
        registry.get(MethodSpec, "osediff+scatter").made_with()
    code, _, err = run(capsys, "smoke", "--external", "bokehme-repo", "identity")
    assert code == 2 and "give NAME=DIR" in err


def test_a_bound_recipe_takes_the_place_of_its_name_in_the_registry(
    notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = bind.bind("genfocus", clone(tmp_path, "genfocus"), sys.executable)
    monkeypatch.setattr(bind.records, "write_bytes", None)  # a second time nothing is written,
    monkeypatch.setattr(Path, "chmod", None)  # so that others may use a clone that they cannot write to
    assert bind.bind("genfocus", there.parent, sys.executable) == there
    registry.register_files([there])
    found = registry.get(MethodSpec, "genfocus")
    assert isinstance(found, external_spec.ExternalMethodSpec) and not found.is_recipe and found.stochastic
    assert registry.names(MethodSpec).count("genfocus") == 1
