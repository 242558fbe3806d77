"""A foreign program that makes files: watched, held to its limits, ended with all that it has started."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

POLL_SECONDS = 0.05
MEMORY_SECONDS = 0.5
"""How often memory is looked at: /proc has to be read for it."""
SECONDS_TO_END = 10.0
"""For a program that has made its last picture, and for one that was told to end."""
PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
PNG_START = b"\x89PNG\r\n\x1a\n"
OTHERS = {
    b"\xff\xd8\xff": "a JPEG",
    b"BM": "a BMP",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"GIF8": "a GIF",
    b"v/1\x01": "an OpenEXR",
    b"\x93NUMPY": "a NumPy array",
    b"P6": "a PPM",
}
"""How files begin that programs save under the wrong name."""
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


@dataclass
class Watch:
    """How a program ended; filled while `files` is read to its end.

    Attributes:
        status: `exit 0`, `exit 3`, `signal 9`, or why it was killed.
        finished: it ended by itself with 0, or was done and only slow to go.
        peak_memory_mb: largest sum over its processes, as far as it was seen.
    """

    status: str = ""
    finished: bool = False
    peak_memory_mb: float | None = field(default=None)


@dataclass(frozen=True)
class Allowed:
    """Seconds before the first file, between two, and the moment (time.monotonic) at which all ends."""

    first: float
    next: float
    until: float


def files(
    command: Sequence[str],
    wanted: Sequence[Path],
    allowed: Allowed,
    watch: Watch,
    *,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
) -> Generator[Path, None, None]:
    """Run a program and yield each PNG of `wanted` once it is whole, in the order in which they appear.

    Args:
        command: program and arguments.
        wanted: files that it is to make.
        allowed: a program that takes longer is killed, with its whole process group.
        watch: says afterwards how it ended.
        folder: working folder.
        environment: all variables.
        log: gets its output, behind what is there.
    """
    with log.open("ab") as sink, _group(command, folder, environment, sink) as process:
        watch.status, watch.finished = yield from _watched(process, list(wanted), allowed, watch)


def _watched(
    process: subprocess.Popen[bytes], waiting: list[Path], allowed: Allowed, watch: Watch
) -> Generator[Path, None, tuple[str, bool]]:
    last, patience = time.monotonic(), allowed.first
    look = _memory_of(process.pid, watch)
    while True:
        code = process.poll()  # before looking, so that nothing of its last moment is missed
        look()
        for path in [path for path in waiting if is_whole(path)]:
            waiting.remove(path)
            patience = allowed.next if waiting else SECONDS_TO_END
            yield path
            last = time.monotonic()
        if code is not None:
            return (f"exit {code}" if code >= 0 else f"signal {-code}"), code == 0
        now = time.monotonic()
        if now - last > patience:
            if not waiting:
                return "ended by us after its last picture", True
            return f"killed: no picture for {patience:g} s", False
        if now > allowed.until:
            return "killed: the time for all pictures is over", False
        time.sleep(POLL_SECONDS)


def is_whole(path: Path) -> bool:
    """Whether a PNG has its end: a file is there from its first byte on."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        if file.seek(0, os.SEEK_END) > len(PNG_END):
            file.seek(-len(PNG_END), os.SEEK_END)
            return file.read() == PNG_END
    return False


def why_not_png(path: Path) -> str:
    """What a file under the name of a PNG is instead, in words that follow `it`."""
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(PNG_START):
        return "has no end: it was not written to the end, or more follows it"
    known = next((name for start, name in OTHERS.items() if head.startswith(start)), "")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        known = "a WebP"
    return f"is {known or 'no picture that is known here'}, not a PNG"


@contextlib.contextmanager
def _group(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], sink: object
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        list(command),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=sink,  # type: ignore[call-overload]
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_end_with_us,
    )
    try:
        yield process
    finally:
        _end(process)


def _end_with_us() -> None:
    """In the new process: the kernel kills it when its parent is killed, which can do nothing then."""
    with contextlib.suppress(AttributeError):  # Linux alone
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_END)
    # Also where it has ended: what it started may live on in its group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _memory_of(group: int, watch: Watch) -> Callable[[], None]:
    """A function that now and then looks at the memory of a process group."""
    next_look = time.monotonic() + 2 * POLL_SECONDS  # what it is before the program is loaded says nothing

    def look() -> None:
        nonlocal next_look
        if time.monotonic() >= next_look:
            next_look = time.monotonic() + MEMORY_SECONDS
            now = group_memory_mb(group)
            if now:
                watch.peak_memory_mb = max(now, watch.peak_memory_mb or 0.0)

    return look


def group_memory_mb(group: int) -> float | None:
    """Resident memory of all processes of a group, MiB; None where the system does not say."""
    pages, found = 0, False
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            # The name in brackets may hold anything; after it: state, parent, group, ... resident pages 21st.
            values = stat.read_text().rpartition(")")[2].split()
            if int(values[2]) == group:
                pages, found = pages + int(values[21]), True
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1) if found else None
