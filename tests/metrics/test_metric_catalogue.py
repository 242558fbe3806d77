"""Names, variants, fingerprints, and the guard before every metric."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bokehbench.errors import ConfigError, InputError
from bokehbench.metrics import find, score_images
from bokehbench.metrics.catalogue import Metric
from bokehbench.metrics.profiles import PROFILES
from bokehbench.metrics.set_specs import SPECS as SET_SPECS
from bokehbench.metrics.specs import DEFAULT, SPECS
from bokehbench.metrics.weights import FILES
from bokehbench.records import sha256_bytes
from bokehbench.registry import REGISTER_VARIABLE


def test_importing_the_room_or_its_specs_imports_nothing_heavy():
    code = (
        "import sys, bokehbench.metrics.specs, bokehbench.metrics, bokehbench.metrics.weights;"
        "heavy = {'numpy', 'torch', 'cv2', 'piq', 'lpips', 'torchvision'} & set(sys.modules);"
        "print(sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_parameters_are_the_arguments_that_the_function_takes():
    """What the fingerprint covers is what makes the number."""
    import inspect

    for spec in SPECS:
        arguments = inspect.signature(spec.load()).parameters
        keywords = {n for n, p in arguments.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}
        assert keywords == set(spec.parameters), spec.name
        defaults = {n: arguments[n].default for n in keywords}
        if spec.name not in ("lpips-vgg", "lpips-squeeze", "dists-full"):
            assert defaults == dict(spec.parameters), spec.name


def test_default_metrics_exist():
    assert [find(name).name for name in DEFAULT] == list(DEFAULT)


def test_names_and_ids_of_variants():
    metric = find("psnr+lin+crop16")
    assert (metric.name, metric.id) == ("psnr+lin+crop16", "psnr+lin+crop16@1")
    assert (metric.linear, metric.crop, metric.higher_is_better, metric.decimals) == (True, 16, True, 2)
    assert find("gmsd+crop8").higher_is_better is False


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("psrn", "did you mean psnr"),
        ("psnr+srgb", r"unknown variant \+srgb"),
        ("psnr+crop0", r"unknown variant \+crop0"),
        ("lpips-alex+lin", r"lpips-alex has no variant \+lin; it has \+crop"),
        ("psnr+crop8+lin", "write 'psnr\\+lin\\+crop8'"),
        ("psnr+lin+lin", "write 'psnr\\+lin'"),
        ("psnr+crop08", "unknown variant"),
        ("", "unknown metric"),
    ],
)
def test_other_names_are_refused(name, message):
    with pytest.raises(ConfigError, match=message):
        find(name)


def test_fingerprint_is_the_documented_digest():
    # Canonical: keys sorted, no spaces.
    text = '{"crop":0,"linear":true,"metric":"psnr@1","parameters":{"cap":100.0},"weights":{}}'
    assert find("psnr+lin").fingerprint == sha256_bytes(text.encode())[:8]


def test_everything_that_makes_the_number_changes_the_fingerprint():
    spec = find("lpips-alex").spec
    changed = [
        Metric(spec),
        Metric(dataclasses.replace(spec, version=spec.version + 1)),
        Metric(dataclasses.replace(spec, parameters={"net": "vgg"})),
        Metric(dataclasses.replace(spec, weights=spec.weights[:1])),
        Metric(dataclasses.replace(spec, name="lpips-other")),
        Metric(spec, crop=8),
        Metric(spec, crop=9),
        Metric(spec, linear=True),
    ]
    assert len({metric.fingerprint for metric in changed}) == len(changed)
    # Words about it do not.
    assert Metric(dataclasses.replace(spec, summary="New words.")).fingerprint == Metric(spec).fingerprint


GOOD = np.zeros((20, 30, 3), np.uint8)


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        (np.zeros((20, 30), np.uint8), r"prediction must be \[H, W, 3\], not \[20, 30\]"),
        (np.zeros((20, 30, 4), np.uint8), r"not \[20, 30, 4\]"),
        (np.zeros((3, 20, 30), np.uint8), r"not \[3, 20, 30\]"),
        (np.zeros((0, 30, 3), np.uint8), r"not \[0, 30, 3\]"),
        (np.zeros((20, 30, 3), np.uint16), "uint8 or encoded float in .*, not uint16"),
        (np.zeros((20, 30, 3), bool), "not bool"),
        (np.full((20, 30, 3), np.nan), "prediction has NaN or infinite pixels"),
        (np.full((20, 30, 3), 128.0), "divide by 255"),
        (np.zeros((20, 31, 3), np.uint8), "prediction is 31 x 20, target is 30 x 20 pixels"),
        ([[[0, 0, 0]]], "numpy array .*, not list"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(prediction, message):
    with pytest.raises(InputError, match=message) as caught:
        score_images(prediction, GOOD, ["psnr"])
    assert "\n" not in str(caught.value)


def test_the_target_is_checked_too():
    with pytest.raises(InputError, match="target has NaN"):
        score_images(GOOD, np.full((20, 30, 3), np.inf), ["psnr"])


def test_example_of_the_docstring():
    import doctest

    from bokehbench.metrics import score

    assert doctest.testmod(score).failed == 0


DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_table_of_the_docs_is_what_the_code_says():
    text = DOCS.read_text()
    for spec in SPECS:
        metric = find(spec.name)
        better = "higher" if metric.higher_is_better else "lower"
        assert f"| `{metric.id}` | `{metric.fingerprint}` | {better} | {spec.min_size} |" in text
    for file in FILES.values():
        assert str(file.size or "not known") in text
        assert file.package or f"| `{file.name}` | {file.size or 'not known'} |" in text
    for spec in SET_SPECS:
        assert f"| `{spec.id}` | {'higher' if spec.higher_is_better else 'lower'} |" in text
    for profile, ids in PROFILES.items():
        assert all(find(name) for name in ids if name not in {spec.name for spec in SET_SPECS})
        single = ", ".join(name for name in ids if name not in {spec.name for spec in SET_SPECS})
        assert f"| `{profile}` | {single} |" in text
    assert f"Without `--metric`:\n{', '.join(DEFAULT)}." in text


def test_the_metric_of_the_docs_works_as_printed(tmp_path):
    example = DOCS.read_text().split("# worst.py\n")[1].split("```")[0]
    (tmp_path / "worst.py").write_text(example)
    code = (
        "import numpy as np; from bokehbench.metrics import score_images;"
        "a = np.zeros((9, 9, 3), np.uint8); print(score_images(a + np.uint8(7), a, ['worst', 'worst+crop2']))"
    )
    environment = {**os.environ, REGISTER_VARIABLE: str(tmp_path / "worst.py")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "{'worst': 7.0, 'worst+crop2': 7.0}"
