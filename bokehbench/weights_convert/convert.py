"""Start the process that converts, watch it, and keep its result only if all of it is as it should be."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import bokehbench
from bokehbench import jobs, records
from bokehbench.errors import InputError
from bokehbench.weights_convert.seal import FORBIDDEN

Shapes = Mapping[str, tuple[int, ...]]
Fits = Callable[[Mapping[str, Any], Shapes], None]
"""Given what is said about a result, and its tensors' shapes: InputError where they make no model."""
START = "import sys; sys.path.append({root!r}); from bokehbench.weights_convert.worker import main; {run}"
MOST_REPORT = 1 << 16


@dataclass(frozen=True)
class Limits:
    """What reading a file may take: seconds (of a processor, and on the clock), and memory."""

    seconds: int = 600
    memory_mb: int = 2048


@dataclass(frozen=True)
class Converted:
    """A result: where it is, the sha256 of both files, and what the report says (`parts`, `left_out`)."""

    path: Path
    source_sha256: str
    sha256: str
    report: Mapping[str, Any]


def convert(kind: str, source: Path, out: Path, limits: Limits, fits: Fits) -> Converted:
    """Turn a pickled checkpoint into safetensors without running anything of it.

    Args:
        kind: a key of `worker.KINDS`.
        source: the pickled file.
        out: .safetensors; replaced only by a whole result.
        limits: of the process that reads the file.
        fits: holds the result to the model that it is for.

    Returns:
        The result, written.

    Raises:
        InputError: a file that is not converted; one line says why. Nothing is written.
    """
    if not source.is_file():
        raise InputError(f"{source}: no such file")
    if out.suffix != ".safetensors" or out.is_dir():
        raise InputError(f"{out}: the result is a .safetensors file; give another --out")
    with jobs.ended_by_sigterm(), source.open("rb") as file, records.atomic_path(out) as part:
        with part.open("wb") as sink:
            report = _report(kind, source, file, sink, limits)
        try:
            fits(report["about"], _shapes(part))
        except InputError as error:
            raise InputError(f"{source}: {printable(str(error))}") from error
    return Converted(out, records.sha256_file(source), records.sha256_file(out), report)


def _report(kind: str, source: Path, file: BinaryIO, sink: BinaryIO, limits: Limits) -> dict[str, Any]:
    """Run the process; what it says at its end."""
    root = str(Path(bokehbench.__file__).resolve().parent.parent)
    run = f"sys.exit(main({kind!r}, {limits.seconds}, {limits.memory_mb}))"
    # Isolated, without site-packages: nothing but Python's library and this package can be found.
    command = [sys.executable, "-I", "-S", "-B", "-c", START.format(root=root, run=run)]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryDirectory() as empty:
        process = subprocess.Popen(
            command, stdin=file, stdout=sink, stderr=said, cwd=empty, env={}, start_new_session=True
        )
        try:
            code = process.wait(limits.seconds)
        except subprocess.TimeoutExpired:
            raise _late(source, limits) from None
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        text = said.read(MOST_REPORT).decode(errors="replace")
    if code in (-signal.SIGXCPU, -signal.SIGKILL):  # the limit of processor time, or of the system's memory
        raise _late(source, limits)
    return _understood(source, code, text)


def _late(source: Path, limits: Limits) -> InputError:
    return InputError(
        f"{source}: not read within {limits.seconds} s and {limits.memory_mb} MiB; a file of weights takes "
        "less, on a slow machine give --seconds"
    )


def _understood(source: Path, code: int, text: str) -> dict[str, Any]:
    try:
        report = json.loads(text)
    except json.JSONDecodeError:
        report = {}
    if code == 0 and "about" in report:
        return dict(report)
    text = printable(text)
    if code == FORBIDDEN:
        raise InputError(f"{source}: stopped, as reading it tried {text[:80]!r}; do not use this file")
    why = report.get("error") or f"the process that reads it ended with {_ending(code)}: {text[-200:]}"
    raise InputError(f"{source}: {printable(' '.join(str(why).split()))[:400]}")


def printable(text: str) -> str:
    """Text of a file as a terminal may have it: what would steer one is spelled out."""
    return "".join(one if one.isprintable() or one == " " else repr(one)[1:-1] for one in text)


def _ending(code: int) -> str:
    return f"exit {code}" if code >= 0 else f"signal {-code}"


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Of all tensors of a result, read as every later reader will."""
    from safetensors import safe_open

    try:
        with safe_open(path, "np") as opened:
            return {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
    except Exception as error:  # the library has an exception of its own for each kind of damage
        raise InputError(f"the result cannot be read ({' '.join(str(error).split())[:120]})") from error
