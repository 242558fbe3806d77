"""Claims about converted checkpoints: every number arrives, whatever the file's form; nothing is guessed."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
import weights_fakes as fakes
from safetensors import safe_open
from safetensors.torch import load_file

import bokehbench
from bokehbench.errors import InputError
from bokehbench.weights_convert import container, modules, tensors
from bokehbench.weights_convert.convert import Converted, Limits, convert

ROOT = Path(bokehbench.__file__).parent
LIMITS = Limits(seconds=60, memory_mb=512)


def anything(about: Any, shapes: Any) -> None:
    """Fits every model."""


def plain(name: str) -> str:
    """Without the words of peft: adapters, and layers that have one."""
    for word in (".default_encoder", ".default_decoder", ".base_layer"):
        name = name.replace(word, "")
    return name


def converted(source: Path, out: Path | None = None) -> Converted:
    return convert("magicbokeh", source, out or source.with_suffix(".safetensors"), LIMITS, anything)


def refusal(content: Any, folder: Path) -> str:
    """Why a checkpoint is not converted; nothing may be left behind."""
    source = fakes.save(content, folder / "theirs.pt")
    with pytest.raises(InputError) as caught:
        converted(source)
    assert [path.name for path in folder.iterdir()] == ["theirs.pt"]
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def content() -> dict[str, Any]:
    torch.manual_seed(0)
    return fakes.released()


def test_every_number_arrives(content: dict[str, Any], tmp_path: Path) -> None:
    content["state_dict_unet"]["conv_in.base_layer.weight"] = torch.randn(4, 8, 3, 3).transpose(0, 1).half()
    made = converted(fakes.save(content, tmp_path / "theirs.pt"))
    wanted = {f"unet.{plain(name)}": tensor for name, tensor in content["state_dict_unet"].items()}
    wanted |= {f"unet.{name}": tensor for name, tensor in content["processor_state_dict"].items()}
    wanted |= {f"vae.{plain(name)}": tensor for name, tensor in content["state_dict_vae"].items()}
    wanted |= {f"control.{name}": tensor for name, tensor in content["controlnet"].state_dict().items()}
    found = load_file(made.path)
    assert found.keys() == wanted.keys()
    assert all(found[n].dtype == t.dtype and torch.equal(found[n], t) for n, t in wanted.items())
    assert sum(made.report["parts"].values()) == len(wanted)
    assert list(made.report["left_out"]) == ["controlnet"]  # the buffer that no state dict has
    with safe_open(made.path, "pt") as opened:
        about = json.loads(opened.metadata()["bokehbench"])
    assert about == made.report["about"] and about["ranks"] == fakes.RANKS


def test_both_forms_of_files_give_the_same_bytes(content: dict[str, Any], tmp_path: Path) -> None:
    """Also one whose records have 64-bit sizes, and one that is called otherwise inside."""
    first = fakes.save(content, tmp_path / "a.pt")
    older = fakes.save(content, tmp_path / "b.pt", _use_new_zipfile_serialization=False)
    wide = tmp_path / "c.pt"
    with zipfile.ZipFile(first) as source, zipfile.ZipFile(wide, "w") as target:
        for entry in source.infolist():
            renamed = entry.filename.replace("a/", "other/", 1)
            with target.open(renamed, "w", force_zip64=True) as record:
                record.write(source.read(entry))
    results = [converted(path) for path in (first, older, wide)]
    assert len({made.sha256 for made in results}) == 1
    assert len({made.source_sha256 for made in results}) == 3


def test_a_network_in_a_wrapper_and_a_state_dict_are_the_same(
    content: dict[str, Any], tmp_path: Path
) -> None:
    plain = content | {"controlnet": content["controlnet"].state_dict()}
    wrapped = content | {"controlnet": torch.nn.DataParallel(content["controlnet"])}
    results = [
        converted(fakes.save(some, tmp_path / f"{i}.pt")) for i, some in enumerate((content, plain, wrapped))
    ]
    assert len({made.sha256 for made in results}) == 1


def test_what_is_missing_or_left_over_is_named(content: dict[str, Any], tmp_path: Path) -> None:
    def without(part: str, name: str) -> dict[str, Any]:
        return content | {part: {n: t for n, t in content[part].items() if n != name}}

    def with_(part: str, name: str, tensor: torch.Tensor) -> dict[str, Any]:
        return content | {part: content[part] | {name: tensor}}

    some = torch.ones(2, 2)
    half = "quant_conv.lora_B.default_encoder.weight"
    cases = [
        ({n: v for n, v in content.items() if n != "controlnet"}, "it has no controlnet"),
        (content | {"optimizer": {"state": [some]}}, "optimizer has 1 tensors"),
        (without("state_dict_vae", half), "one matrix of two of the LoRA for quant_conv"),
        (without("state_dict_unet", "conv_in.base_layer.bias"), "weight and bias of conv_in"),
        (with_("state_dict_unet", "text.weight", some), "'text.weight', which is no part"),
        (with_("state_dict_vae", "decoder.weight", some), "'decoder.weight', which is no part"),
        (with_("processor_state_dict", "down_blocks.0.to_q_lora.0.weight", some), "which is no part"),
        (content | {"rank_vae": 5}, "is not of rank 5"),
        (content | {"unet_lora_decoder_modules": ["conv_out", "extra"]}, "has no LoRA for extra"),
        # A file's words do not steer the terminal.
        (content | {"unet_lora_decoder_modules": ["conv_out", "ex\x1b[2J"]}, "has no LoRA for ex\\x1b[2J "),
        (content | {"controlnet": 3}, "controlnet is no state dict and no network"),
    ]
    for checkpoint, said in cases:
        assert said in refusal(checkpoint, tmp_path)


def test_tensors_of_the_base_are_left_out_and_said(content: dict[str, Any], tmp_path: Path) -> None:
    content["state_dict_unet"]["down_blocks.0.resnets.0.norm1.weight"] = torch.ones(8)
    made = converted(fakes.save(content | {"step": 40_000}, tmp_path / "theirs.pt"))
    assert set(made.report["left_out"]) == {"state_dict_unet", "controlnet", "step"}


def test_a_result_that_makes_no_model_is_not_kept(content: dict[str, Any], tmp_path: Path) -> None:
    def refuses(about: Any, shapes: Any) -> None:
        assert shapes["unet.conv_in.bias"] == (8,) and about["kind"] == "sd21"
        raise InputError("is of another size")

    source, out = fakes.save(content, tmp_path / "theirs.pt"), tmp_path / "out" / "ours.safetensors"
    out.parent.mkdir()
    out.write_text("what was there")
    with pytest.raises(InputError, match=r"theirs\.pt: is of another size"):
        convert("magicbokeh", source, out, LIMITS, refuses)
    assert out.read_text() == "what was there" and len(list(out.parent.iterdir())) == 1


@pytest.mark.parametrize(
    "view",
    [
        lambda t: t,
        lambda t: t[1:, 2:5],
        lambda t: t.permute(2, 0, 1),
        lambda t: t.transpose(0, 2)[::2],
        lambda t: t[:, :, 0],
        lambda t: t[3],
        lambda t: t[0, 0, 0],
        lambda t: t[:0],
        lambda t: t[:, 1:2].transpose(0, 2),
    ],
)
def test_views_are_copied_in_row_major_order(view: Any, tmp_path: Path) -> None:
    whole = torch.arange(4 * 6 * 5, dtype=torch.int16).reshape(4, 6, 5)
    expected = view(whole)
    fakes.save({"view": expected}, tmp_path / "view.pt")
    with (tmp_path / "view.pt").open("rb") as file:
        checkpoint = container.read(file)
        tensor = checkpoint.content["view"]
        found = b"".join(tensors.parts(file, checkpoint.starts[tensor.storage.key], tensor))
    assert found == expected.contiguous().numpy().tobytes()


def test_networks_are_read_as_they_give_their_own_state(tmp_path: Path) -> None:
    network = fakes.ControlNetModel(fakes.ControlNetModel())
    fakes.save(network, tmp_path / "network.pt")
    with (tmp_path / "network.pt").open("rb") as file:
        read = container.read(file).content
    assert modules.state_dict(read, "it").keys() == network.state_dict().keys()
    assert len(modules.passing_buffers(read)) == 2


def test_the_process_has_nothing_and_may_nothing() -> None:
    """What it should never come to is stopped all the same."""
    attempts = ("open('/dev/null')", "import ftplib", "os.system('true')", "eval('1')", "os.remove('x')")
    for attempt in attempts:
        script = (
            f"import os, sys; sys.path.insert(0, {str(ROOT.parent)!r})\n"
            f"from bokehbench.weights_convert import seal\ncode = compile({attempt!r}, 'x', 'exec')\n"
            "seal.close()\nexec(code)"
        )
        done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, check=False)
        assert done.returncode == 77, (attempt, done)


def test_the_process_has_python_s_own_library_and_this_package_alone() -> None:
    script = (
        f"import sys; sys.path.append({str(ROOT.parent)!r})\n"
        "from bokehbench.weights_convert import worker\nprint(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    roots = {name.partition(".")[0] for name in done.stdout.split()}
    assert roots - sys.stdlib_module_names == {"__main__", "bokehbench"}
    ours = {name for name in done.stdout.split() if name.startswith("bokehbench.")}
    assert all(name.startswith(("bokehbench.weights_convert", "bokehbench.errors")) for name in ours)


UNPICKLERS = {
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "dill.load", "dill.loads", "cloudpickle.load"),
    *("cloudpickle.loads", "joblib.load", "pandas.read_pickle", "pd.read_pickle", "marshal.loads"),
    *("marshal.load", "shelve.open", "torch.hub.load", "torch.jit.load", "torch.package.PackageImporter"),
}
OWN_PROCESSES = {("jobs.py", "pickle.loads")}
"""A function of ours on its way to a worker process; never what a file holds."""


def test_nothing_else_unpickles() -> None:
    for path in ROOT.rglob("*.py"):
        source = path.read_text()
        if not any(word in source for word in ("load", "pickle", "shelve", "weights_only", "package")):
            continue
        for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
            called, where = ast.unparse(call.func), f"{path}:{call.lineno}"
            options = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            assert called not in UNPICKLERS or (path.name, called) in OWN_PROCESSES, where
            assert called != "torch.load" or options.get("weights_only") == "True", where
            assert options.get("allow_pickle", "False") == "False", where
            assert options.get("weights_only", "True") == "True", where


def test_what_is_no_checkpoint_is_said(tmp_path: Path) -> None:
    for name, content in {"a.pt": b"", "b.pt": b"text", "c.pt": b"\x80\x02N.", "d.pt": b"PK\x03\x04"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            converted(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        converted(tmp_path)
    buffer = io.BytesIO()
    torch.save({}, buffer)
    (tmp_path / "e.pt").write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="no checkpoint of MagicBokeh: it has no controlnet, "):
        converted(tmp_path / "e.pt")
