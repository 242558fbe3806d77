"""Claims about smoke: an honest renderer passes, and each kind of fault fails the check that names it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bokehbench import cli, registry
from bokehbench.baselines import external_spec
from bokehbench.baselines import smoke as smoke_module
from bokehbench.baselines.smoke import K, Report, smoke
from bokehbench.baselines.smoke_scene import Scene
from bokehbench.commands.smoke import table
from bokehbench.errors import JobFailed, Unavailable
from bokehbench.registry import MethodSpec, get

Fault = Callable[[np.ndarray, object], np.ndarray]
dice = np.random.default_rng(0)


class Faulty:
    """Layers blurred apart, with something wrong afterwards."""

    def __init__(self, fault: Fault) -> None:
        from bokehbench.baselines.sterefo import SteReFo

        self.honest, self.fault = SteReFo(), fault

    def render(self, inputs):
        if self.fault is blurs_the_focal_plane:
            inputs = replace(inputs, lens=replace(inputs.lens, disp_focus=0.5))
        if self.fault is loses_light_above_one:
            inputs = replace(inputs, image=np.where(inputs.image > 1.0, 0.0, inputs.image))
        return self.fault(self.honest.render(inputs), inputs)


def honest(image, inputs):
    return image


def blurs_the_focal_plane(image, inputs):
    return image


def loses_light_above_one(image, inputs):
    return image


def halves(image, inputs):
    return image[::2]


def makes_bytes(image, inputs):
    return (255 * np.clip(image, 0, 1)).astype(np.uint8)


def is_dark_without_blur(image, inputs):
    return image * 0.8 if inputs.lens.K == 0 else image


def is_noisy(image, inputs):
    return np.clip(image + dice.normal(0, 0.004, image.shape).astype(np.float32), 0, 1)


def does_not_blur(image, inputs):
    return inputs.image


def wants_even_sizes(image, inputs):
    if image.shape[0] % 2:
        raise RuntimeError("sizes have to be\neven")
    return image


def darkens_corners(image, inputs):
    x = np.linspace(-1, 1, image.shape[1], dtype=np.float32)[None, :, None]
    return image * (1 - 0.2 * (np.abs(x) > 0.9))


def has_nan(image, inputs):
    image[0, 0] = np.nan
    return image


@pytest.mark.parametrize(
    ("fault", "failed"),
    [
        (honest, set()),
        (halves, set(smoke_module.NAMES)),
        (makes_bytes, {"shape", "range", "K = 0", "focal plane", "blur", "even"}),
        (is_dark_without_blur, {"K = 0"}),
        (is_noisy, {"repeatable", "K = 0", "focal plane", "even"}),
        (blurs_the_focal_plane, {"focal plane"}),
        (does_not_blur, {"blur"}),
        (wants_even_sizes, {"odd size"}),
        (loses_light_above_one, {"above 1"}),
        (darkens_corners, {"even", "K = 0"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_fault_fails_its_check(fault: Fault, failed: set[str]) -> None:
    spec = MethodSpec("faulty", "x", "nowhere:x")
    object.__setattr__(spec, "create", lambda: Faulty(fault))
    report = smoke(spec)
    assert {check.name for check in report.checks if not check.passed} == failed, report
    assert report.passed == (not failed)
    assert all("\n" not in check.said for check in report.checks)


def test_nan_is_found_by_all_that_look_at_pixels() -> None:
    spec = MethodSpec("faulty", "x", "nowhere:x")
    object.__setattr__(spec, "create", lambda: Faulty(has_nan))
    found = {check.name: check for check in smoke(spec).checks}
    assert found["shape"].passed and not found["range"].passed and "NaN" in found["even"].said


@pytest.mark.parametrize("name", ["identity", "raylayers", "raylayers-oracle", "sterefo"])
def test_methods_of_the_project_pass(name: str) -> None:
    report = smoke(get(MethodSpec, name))
    assert report.passed and len(report.checks) == len(smoke_module.NAMES), report


def test_image_map_and_layers_are_of_one_scene() -> None:
    """Composited at K = 0, the layers are the image."""
    from bokehbench.optics import encode

    inputs = Scene((40, 30)).inputs(K, 0.5, layers=True)
    assert inputs.layers is not None
    disc, wall = (layer.rgba[24:-24, 24:-24] for layer in inputs.layers)
    light = disc[..., :3] + (1 - disc[..., 3:]) * wall[..., :3]
    assert np.abs(encode(light, 2.2) - inputs.image).max() < 1e-5
    assert ((disc[..., 3] == 1) == (inputs.disparity > 0.5)).all()


def test_what_is_not_here_has_not_failed() -> None:
    def refuse() -> None:
        raise Unavailable("needs x.pth: buy it")

    def break_down() -> None:
        raise JobFailed("no\nway")

    spec = MethodSpec("lacking", "x", "nowhere:x")
    object.__setattr__(spec, "create", refuse)
    report = smoke(spec)
    assert report.passed and report.unavailable == "needs x.pth: buy it"
    assert "skipped: lacking: needs x.pth: buy it" in table([report, Report("other")])
    object.__setattr__(spec, "create", break_down)
    assert not smoke(spec).passed


def test_the_command_prints_a_table_and_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(registry.REGISTER_VARIABLE, "")
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    (tmp_path / "blind.py").write_text(
        "from bokehbench.registry import MethodSpec, register\n"
        "register(MethodSpec('blind', 'Shows nothing.', 'blind:Blind'))\n"
        "class Blind:\n    def render(self, inputs):\n        return inputs.image * 0\n"
    )
    for names, code in ((["identity"], 0), (["identity", "blind"], 1)):
        with pytest.raises(SystemExit) as ended:
            cli.main(["smoke", *names, "--register", str(tmp_path / "blind.py")])
        assert ended.value.code == code
    said = capsys.readouterr().out
    assert "FAIL blind, K = 0:" in said and "identity" in said
    registry._load_all.cache_clear()


EXTERNAL = """
schema = "bokehbench.external/1"
name = "theirs"
summary = "x"
licence = "MIT"
command = ["{python}", "-m", "their_package", "{{manifest}}"]
[environment]
[limits]
start = 30
[[weights]]
file = "net.pth"
sha256 = "{digest}"
"""


def test_a_named_method_that_cannot_be_tried_is_refused_and_under_all_it_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(registry.REGISTER_VARIABLE, "")
    registry.names(MethodSpec)
    kept = {key: spec for key, spec in registry._registered.items() if key in {("method", "identity")}}
    monkeypatch.setattr(registry, "_registered", kept)
    (tmp_path / "net.pth").write_bytes(b"wrong")
    text = EXTERNAL.format(python=sys.executable, digest="0" * 64)
    (tmp_path / "theirs.toml").write_text(text)
    registry.register(external_spec.read(tmp_path / "theirs.toml"))

    def exit_code(*names: str) -> object:
        with pytest.raises(SystemExit) as ended:
            cli.main(["smoke", *names])
        return ended.value.code

    assert exit_code("theirs") == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "theirs" in said.err and "sha-mismatch" in said.err
    assert exit_code("all") == 0
    assert "skipped: theirs: " in capsys.readouterr().out


def test_code_and_environments_that_are_in_no_hash_are_warned_of(tmp_path: Path) -> None:
    def said(*changes: tuple[str, str]) -> str:
        text = EXTERNAL.format(python="python3", digest="0" * 64)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "theirs.toml").write_text(text)
        spec = external_spec.read(tmp_path / "theirs.toml")
        assert smoke(spec).warnings == tuple(spec.unhashed())
        return " | ".join(spec.unhashed())

    (tmp_path / "render.py").write_text("")
    (tmp_path / "lock.txt").write_text("")
    lock = ("[environment]", '[environment]\nfiles = ["lock.txt"]')
    module = '"-m", "their_package"'
    assert "`python3 -m their_package` runs is not hashed" in said(lock)
    assert "environment is not hashed" in said((module, '"render.py"'))
    assert said((module, '"render.py"'), lock) == ""
    assert said(("licence", 'code = ["render.py"]\nlicence'), lock) == ""
    assert "is not hashed: it lies outside" in said((module, '"render.py", "/bin/sh"'), lock)
    assert "is not hashed: name its files" in said((module, '"render"'), lock)


DIES = """
import json, shutil, sys
manifest = json.load(open(sys.argv[1]))
for number, case in enumerate(manifest["cases"]):
    if number == int(sys.argv[2]):
        sys.exit("segmentation fault, say")
    shutil.copy(case["image"], manifest["out"] + "/" + case["output"])
"""


def test_a_crash_is_a_line_of_its_own_and_no_check_is_blamed_for_it(tmp_path: Path) -> None:
    """A program that dies after its second picture, whatever that is, has nothing against odd sizes."""
    (tmp_path / "dies.py").write_text(DIES)
    text = EXTERNAL.split("[[weights]]")[0].format(python=sys.executable)

    def tried(after: int) -> tuple[Report, str]:
        run = f'"dies.py", "{{manifest}}", "{after}"'
        (tmp_path / "theirs.toml").write_text(text.replace('"-m", "their_package", "{manifest}"', run))
        report = smoke(external_spec.read(tmp_path / "theirs.toml"))
        return report, table([report])

    report, said = tried(2)
    assert not report.passed and "segmentation fault, say" in report.ended
    checks = {check.name: check for check in report.checks}
    assert not any(checks[name].tried for name in ("shape", "blur", "repeatable", "odd size", "above 1"))
    assert said.count("FAIL") == 1 and "FAIL theirs, ended: process 1: " in said
    assert "not tried: theirs: shape, range, " in said
    report, said = tried(0)  # before any picture
    assert not any(check.tried for check in report.checks) and "FAIL theirs, ended: " in said
    report, said = tried(100)  # it only copies: what it makes is judged
    assert not report.ended and all(check.tried for check in report.checks)
    assert {check.name for check in report.checks if not check.passed} == {"blur"}
