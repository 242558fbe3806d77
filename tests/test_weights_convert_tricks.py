"""Files that want more than to be read: nothing of them runs, one line says why, and nothing is written."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import weights_fakes as fakes
from weights_fakes import name, number, pickled, tensor, text

from bokehbench.errors import InputError
from bokehbench.weights_convert import container, machine
from bokehbench.weights_convert.convert import Limits, convert

CANARY = "canary"
TOUCH = f"touch {CANARY}"
SYSTEM = os.system.__module__
LINEAR = name("torch.nn.modules.linear", "Linear")
DICTIONARY = name("collections", "OrderedDict") + b")R"


class Calls:
    """Pickled as a call, which unpickling would make."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


class Builds(OrderedDict):  # type: ignore[type-arg]
    """An allowed class whose state is to be more than data."""

    def __reduce__(self) -> Any:
        return OrderedDict, (), Calls(os.system, TOUCH)


def in_state(protocol: int) -> bytes:
    """The call lies in the state of a network, where only tensors should be."""
    network = torch.nn.Linear(1, 1)
    network.__dict__["_parameters"] = {"weight": Calls(os.system, TOUCH)}
    return pickle.dumps({"controlnet": network}, protocol)


CALLS = {
    "a call of os.system": pickle.dumps(Calls(os.system, TOUCH), 2),
    "a name on the stack": pickle.dumps({"a": [Calls(os.system, TOUCH)]}, 4),
    "eval": pickle.dumps(Calls(eval, f"open({CANARY!r}, 'w')"), 2),
    "exec": pickle.dumps(Calls(exec, f"open({CANARY!r}, 'w')"), 5),
    "in the state of a network": in_state(2),
    "in the state of a network, protocol 4": in_state(4),
    "a chain over getattr": pickle.dumps(Calls(getattr, "a", "b"), 2),
    "a state that calls": pickle.dumps(Builds(), 2),
    "torch.hub": pickled(name("torch.hub", "load"), text("."), text("x"), b"\x86R"),
    "torch.load": pickled(name("torch", "load"), text("other.pt"), b"\x85R"),
    "torch.storage": pickled(name("torch.storage", "_load_from_bytes"), b"U\x01a", b"\x85R"),
    "an array of objects": pickle.dumps(np.array([Calls(os.system, TOUCH)], dtype=object), 2),
    "a lambda's code": pickled(name("types", "CodeType"), b")R"),
    "a name with dots": pickled(name("torch.nn", "modules.module.torch.os.system"), text(TOUCH), b"\x85R"),
    "builtins by another name": pickled(name("__builtin__", "eval"), text("1"), b"\x85R"),
}
"""Pickles that name something that no checkpoint needs."""

ODD = {
    "INST": b"(S'" + TOUCH.encode() + b"'\nios\nsystem\n.",
    "OBJ": b"(" + name("os", "system") + b"S'" + TOUCH.encode() + b"'\no.",
    "EXT1": b"\x80\x02\x82\x01.",
    "EXT4": b"\x80\x02\x84\x01\x00\x00\x00.",
    "PERSID": b"Pos.system\n.",
    "NEXT_BUFFER": b"\x80\x05\x97.",
    "BYTEARRAY8": b"\x80\x05\x96" + struct.pack("<Q", 2**62) + b".",
}
"""Opcodes that torch.save does not write."""

MISSHAPEN = {
    "a call of a result": pickled(LINEAR, b")R", text(TOUCH), b"\x85R"),
    "a call of text": pickled(text("os.system"), text(TOUCH), b"\x85R"),
    "an object of no class": pickled(text("x"), b")\x81"),
    "attributes of a list": pickled(b"]", b"}b"),
    "a state that is a name": pickled(DICTIONARY, name("torch.nn", "Linear"), b"b"),
    "items of a tuple": pickled(b")", text("a"), text("b"), b"s"),
    "a name that is no text": b"\x80\x04K\x01K\x02\x93.",
    "arguments that do not fit": pickled(name("torch._utils", "_rebuild_tensor_v2"), b"(NNNtR"),
    "keys that hold others": pickled(b"})", b"\x85" * 100_000, b"Ns"),
    "an identity of nothing": pickled(b")Q"),
    "an identity of a module": pickled(b"(", text("module"), name("torch.nn", "Linear"), b"tQ"),
    "no end": b"\x80\x02]",
    "nothing on the stack": b"\x80\x02.",
    "a mark that is missing": b"\x80\x02t.",
    "text of 4 EiB": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"abc.",
    "more behind its end": pickled(b"}") + b"cos\nsystem\n.",
}
"""Pickles that say what cannot be."""

TENSORS = {
    "beyond": tensor(3, (2,), (1,)),
    "far beyond": tensor(2**70, (1,), (1,)),
    "long strides": tensor(0, (2, 2), (1, 2**61)),
    "backwards": tensor(3, (4,), (-1,)),
    "negative": tensor(-1, (1,), (1,)),
    "huge": tensor(0, (2**40,), (0,)),
    "over itself": tensor(0, (2, 2), (1, 1)),
    "ragged": tensor(0, (2, 2), (1,)),
    "of many dimensions": tensor(0, (1,) * 65, (1,) * 65),
    "of a huge storage": tensor(0, (1,), (1,), count=2**60),
    "of a small storage": tensor(0, (1,), (1,), count=3),
    "elsewhere": tensor(0, (1,), (1,), key="../../etc/passwd"),
    "of quantised numbers": tensor(0, (1,), (1,), kind="QInt8Storage"),
    "of complex numbers": tensor(0, (1,), (1,), kind="ComplexFloatStorage"),
    "of bytes": tensor(0, (1,), (1,), kind="UntypedStorage"),
    "in two ways": b"(" + tensor(0, (1,), (1,)) + tensor(0, (1,), (1,), kind="IntStorage") + b"t",
    "unused": b"}",
}
"""Tensors that do not lie in their storage of four floats, or not as dense numbers."""


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Convert a file in a folder of its own: why not, after a look at what is left."""
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "theirs.pt"

    def refuse(limits: Limits | None = None) -> str:
        with pytest.raises(InputError) as caught:
            convert("magicbokeh", source, tmp_path / "ours.safetensors", limits or Limits(60, 512), _any)
        assert [path.name for path in tmp_path.iterdir()] == ["theirs.pt"]
        said = str(caught.value)
        assert "\n" not in said and said.startswith(str(source)) and len(said) < 600
        return said.removeprefix(f"{source}: ")

    return refuse


def _any(about: Any, shapes: Any) -> None:
    raise AssertionError("there is no result")


def read(path: Path) -> Any:
    """As the process of its own does, but in this one."""
    with path.open("rb") as file:
        return container.read(file)


@pytest.mark.parametrize("trick", CALLS)
def test_calls_are_not_made(trick: str, refused: Callable[..., str]) -> None:
    fakes.archive(Path("theirs.pt"), CALLS[trick])
    assert refused().startswith("the pickle asks for '")


@pytest.mark.parametrize("form", ["zip", "older"])
def test_calls_in_files_of_torch_are_not_made(form: str, refused: Callable[..., str]) -> None:
    """The checkpoint is whole, and has one thing more."""
    content = fakes.released()
    content["controlnet"].down_blocks[0].hook = Calls(os.system, TOUCH)
    fakes.save(content, Path("theirs.pt"), _use_new_zipfile_serialization=form == "zip")
    assert f"the pickle asks for '{SYSTEM}.system'" in refused()


def test_a_pickle_that_is_no_file_of_torch(refused: Callable[..., str]) -> None:
    Path("theirs.pt").write_bytes(CALLS["a call of os.system"])
    assert f"asks for '{SYSTEM}.system'" in refused()


def test_what_a_file_names_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where it lies on the path, and under a name that makes a stand-in."""
    (tmp_path / "models").mkdir()
    for module in (tmp_path / "evil.py", tmp_path / "models/evil.py"):
        module.write_text(f"open({str(tmp_path / CANARY)!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    found = read(fakes.archive(tmp_path / "a.pt", pickled(name("models.evil", "Network"), b")\x81"))).content
    assert str(found.of) == "models.evil.Network"
    with pytest.raises(InputError, match=r"asks for 'evil\.Network'"):
        read(fakes.archive(tmp_path / "b.pt", pickled(name("evil", "Network"), b")R")))
    assert not (tmp_path / CANARY).exists() and not {"evil", "models.evil"} & sys.modules.keys()


@pytest.mark.parametrize("opcode", ODD)
def test_opcodes_that_no_checkpoint_has(opcode: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"opcode {opcode}|opcode STRING|asks for|damaged"):
        read(fakes.archive(tmp_path / "theirs.pt", ODD[opcode]))


@pytest.mark.parametrize("fault", MISSHAPEN)
def test_pickles_that_say_what_cannot_be(fault: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read(fakes.archive(tmp_path / "theirs.pt", MISSHAPEN[fault]))


@pytest.mark.parametrize("fault", TENSORS)
def test_tensors_that_are_not_in_their_storage(fault: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read(fakes.archive(tmp_path / "theirs.pt", pickled(TENSORS[fault]), {"0": bytes(16)}))
    good = fakes.archive(tmp_path / "good.pt", pickled(tensor(0, (2, 2), (2, 1))), {"0": bytes(16)})
    assert read(good).content.shape == (2, 2)


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.eye(3).to_sparse(),
        lambda: torch.ones(3, dtype=torch.complex64),
        lambda: torch.ones(3, dtype=torch.complex64).conj(),
        lambda: torch.ones(3, device="meta"),
        lambda: torch.ones(3).to(torch.float8_e4m3fn),
    ],
)
def test_tensors_that_are_not_dense_numbers(make: Callable[[], Any], tmp_path: Path) -> None:
    torch.save({"a": make()}, tmp_path / "theirs.pt")
    with pytest.raises(InputError, match="the pickle"):
        read(tmp_path / "theirs.pt")


def test_what_takes_too_much_is_ended(refused: Callable[..., str]) -> None:
    """Sets without number; keys of one hash, each of which is compared with all before it."""
    fakes.archive(Path("theirs.pt"), pickled(b"]", b"(" + b"\x8f" * 600_000 + b"e"))
    assert "needs more memory" in refused(Limits(60, 96))
    keys = b"".join(number(i * (2**61 - 1)) + b"N" for i in range(1, 40_000))
    fakes.archive(Path("theirs.pt"), pickled(b"}(", keys, b"u"))
    assert "not read within 1 s" in refused(Limits(1, 512))


def test_lists_that_hold_themselves_and_deep_ones_have_an_end(refused: Callable[..., str]) -> None:
    deep = b"}" + text("a") + b")" + b"\x85" * 200_000 + b"s"
    itself = text("b") + b"]q\x00h\x00as"
    doubled = text("c") + b"]q\x00" + b"".join(b"](h\x00h\x00eq\x00" for _ in range(60)) + b"0" * 60 + b"s"
    fakes.archive(Path("theirs.pt"), pickled(deep, itself, doubled))
    assert "no checkpoint of MagicBokeh" in refused()


def test_numbers_that_are_shared_do_not_multiply(refused: Callable[..., str]) -> None:
    content = fakes.released()
    whole = torch.zeros(1 << 16)
    modules = {f"encoder.{i}": (whole.numel() // 3, whole.numel() // 3) for i in range(9)}
    content["vae_lora_encoder_modules"] = list(modules)
    content["state_dict_vae"] = {
        f"{module}.lora_{side}.default_encoder.weight": whole[: 3 * size].view(shape)
        for module, (size, _) in modules.items()
        for side, shape in (("A", (3, size)), ("B", (size, 3)))
    }
    fakes.save(content, Path("theirs.pt"))
    assert "they share their numbers" in refused()


def test_archives_that_are_not_what_they_say(tmp_path: Path) -> None:
    good = pickled(tensor(0, (4,), (1,)))
    path, storages = tmp_path / "theirs.pt", {"0": bytes(16)}
    for extra, said in [
        ({"archive/../../evil": b""}, "leads out of the archive"),
        ({"/etc/evil": b""}, "leads out of the archive"),
        ({"archive/data/0": bytes(16)}, "twice"),
        ({"archive/code/network.py": b""}, "no part of a checkpoint"),
        ({"other/data/1": bytes(16)}, "no part of a checkpoint"),
        ({"archive/byteorder": b"big"}, "another byte order"),
        ({"archive/data/1": bytes(16)}, "1 storages that no tensor uses"),
    ]:
        with pytest.raises(InputError, match=said):
            read(fakes.archive(path, good, storages, extra))
    with pytest.raises(InputError, match="which the file has not"):
        read(fakes.archive(path, good))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("archive/data.pkl", bytes(1 << 20))
    with pytest.raises(InputError, match="compressed"):
        read(path)
    _lay_over(fakes.archive(path, good, storages))
    with pytest.raises(InputError, match="lies over another one"):
        read(path)


def _lay_over(path: Path) -> None:
    """Let the index say that all records begin where the first does."""
    content = path.read_bytes()
    for at in range(len(content)):
        if content[at : at + 4] == b"PK\x01\x02":
            content = content[: at + 42] + bytes(4) + content[at + 46 :]
            size = struct.pack("<II", 16, 16)
            content = content[: at + 20] + size + content[at + 28 :]
    path.write_bytes(content)


@pytest.mark.parametrize("form", ["zip", "older"])
def test_files_that_are_cut_short(form: str, tmp_path: Path) -> None:
    whole = fakes.save(fakes.released(), tmp_path / "a.pt", _use_new_zipfile_serialization=form == "zip")
    content = whole.read_bytes()
    for share in (0.01, 0.3, 0.6, 0.99):
        (tmp_path / "b.pt").write_bytes(content[: int(share * len(content))])
        with pytest.raises(InputError):
            read(tmp_path / "b.pt")
    (tmp_path / "b.pt").write_bytes(content + b"more" if form == "older" else content[:-22])
    with pytest.raises(InputError):
        read(tmp_path / "b.pt")


def test_damaged_files_are_one_line_or_read(tmp_path: Path) -> None:
    """Bytes changed at random: an error of ours, or data; never another exception."""
    rng = np.random.default_rng(0)
    for form in (True, False):
        source = fakes.save(fakes.released(), tmp_path / "a.pt", _use_new_zipfile_serialization=form)
        whole = np.frombuffer(source.read_bytes(), np.uint8)
        for _ in range(40):
            changed = whole.copy()
            changed[rng.integers(0, min(len(whole), 20_000), 4)] = rng.integers(0, 256, 4)
            try:
                container.read(io.BytesIO(changed.tobytes()))
            except InputError as error:
                assert "\n" not in str(error)


def test_a_stand_in_keeps_what_it_is_given_and_does_nothing() -> None:
    built = pickled(LINEAR, b")\x81", b"}", text("__setstate__"), text("__class__"), b"sb")
    found = machine.read(io.BytesIO(built), lambda _: None)
    assert found.state == {"__setstate__": "__class__"} and type(found).__name__ == "StandIn"
    called = pickled(name("torch.nn.functional", "silu"), text("x"), b"\x85R")
    assert machine.read(io.BytesIO(called), lambda _: None).arguments == ("x",)
