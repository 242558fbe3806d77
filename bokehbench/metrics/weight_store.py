"""All files of weights that this machine has or lacks, and the two ways by which one gets here.

`import_file` copies what the user has, `fetch` downloads: the only thing in the project that uses the network
for weights. Both check size and sha256 before a file stands under its name.
"""

from __future__ import annotations

import hashlib
import http.client
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from bokehbench import __version__, jobs, progress_made, records
from bokehbench import weights as places
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.metrics import weights
from bokehbench.metrics.weights import FILES, WeightFile
from bokehbench.registry import MethodSpec, MetricSpec, RestorerSpec, SetMetricSpec, find, get, names
from bokehbench.weights import Wanted

CHUNK = 1 << 20
SILENCE = 30.0
"""Seconds without a byte after which a download is given up."""


@dataclass(frozen=True)
class Entry:
    """One file of weights.

    Attributes:
        name: of the file.
        needed_by: metrics or methods.
        status: ok, unavailable or sha-mismatch; a method's file for which no digest is named is ok as soon
            as it is there (its sha256 is part of every result's path).
        path: where it is, else None.
        sha256: of the file that was found; empty where there is none.
        published: whether its digest is known here.
        source: where it comes from, for people or for `fetch`; empty where that is not known.
        instruction: one line for the user; empty when ok.
        about: how far its training came, of weights whose card says it; that it is not trained, of missing
            ones that `bokehbench train` makes.
    """

    name: str
    needed_by: tuple[str, ...]
    status: str
    path: Path | None
    sha256: str
    published: bool
    source: str = ""
    instruction: str = ""
    about: str = ""


def inventory() -> list[Entry]:
    """Every file of the metrics, then every file of the methods, those of external ones too."""
    return [*(_metric_entry(file) for file in FILES.values()), *map(_method_entry, _of_methods())]


def entry_of(name: str) -> list[Entry]:
    """What a name stands for: a file, its short name, or a metric or method with all its files.

    Raises:
        ConfigError: it is none of these.
    """
    return [
        _metric_entry(file) if isinstance(file, WeightFile) else _method_entry(file) for file in _files(name)
    ]


def _files(name: str) -> list[WeightFile | Wanted]:
    of_methods = _of_methods()
    found: list[WeightFile | Wanted] = [file for file in FILES.values() if name in (file.name, file.alias)]
    found += [file for file in of_methods if name == file.file]
    if found:
        return found
    for spec in (find(MetricSpec, name), find(SetMetricSpec, name)):
        if spec is not None and spec.weights:
            return [FILES[file] for file in spec.weights]
    method = find(MethodSpec, name) or find(RestorerSpec, name)
    if method is not None and method.weights:
        return list(method.weights_wanted())
    short = ", ".join(file.alias for file in FILES.values() if file.alias)
    raise ConfigError(
        f"no weights are called {name!r}; bokehbench weights list has the files; short: {short}"
    )


def _of_methods() -> dict[Wanted, tuple[str, ...]]:
    """File -> the methods that need it. Two methods may have files of one name that differ."""
    found: dict[Wanted, tuple[str, ...]] = {}
    for kind in (MethodSpec, RestorerSpec):
        for method in names(kind):
            for file in get(kind, method).weights_wanted():
                found[file] = (*found.get(file, ()), method)
    return found


def _metric_entry(file: WeightFile) -> Entry:
    found = weights.status_of(file.name, weights.needed_by(file.name))
    digest = places.sha256(found.path) if found.path else ""
    return Entry(
        file.name, found.needed_by, found.status, found.path, digest, True, file.source, found.instruction
    )


def _method_entry(file: Wanted) -> Entry:
    status, path = places.locate(file)
    about = progress_made.summary(places.card(path)) if path else "not trained" if file.trained_by else ""
    return Entry(
        file.file,
        _of_methods().get(file, ()),
        status,
        path,
        places.sha256(path) if path else "",
        bool(file.sha256),
        file.source,
        "" if status == "ok" else places.instruction(file, path),
        about,
    )


# ---------------------------------------------------------------------------------------------- import


def import_path(path: Path, refused: list[str] | None = None) -> list[tuple[Path, Path]]:
    """Copy known files into the first folder of weights, under their published names.

    Args:
        path: a file, whatever it is called, or a folder, of which every known file is taken.
        refused: gets a line for each file of a folder that has a known name and other contents; without it,
            such files are an error after the others were copied.

    Returns:
        (from, to) of each; `to` is where it lies when it was there already.

    Raises:
        InputError: no such path, nothing in it is known, or a file under a known name is another one.
    """
    if not path.is_dir():
        if not path.is_file():
            raise InputError(f"{path}: no such file or folder")
        return [(path, _copy(path, _name_of(path)))]
    files = sorted(file for file in path.rglob("*") if file.is_file())
    copied: list[tuple[Path, Path]] = []
    wrong: list[str] = []
    for file in files:
        if _recognise(file) is None and not _published(file.name):
            continue  # a folder may hold anything
        try:
            copied.append((file, _copy(file, _name_of(file))))
        except InputError as error:
            wrong.append(str(error))
    if not copied and not wrong:
        raise InputError(f"{path}: none of its {len(files)} files is a file of weights that is known here")
    if wrong and refused is None:
        raise InputError("; ".join(wrong))
    if refused is not None:
        refused += wrong
    return copied


def _name_of(path: Path) -> str:
    """The name under which a file is known; InputError where it is not, or is damaged."""
    name = _recognise(path)
    if name is None:
        raise InputError(_unknown(path))
    if Path(name).suffix == ".safetensors":
        from safetensors import safe_open

        try:
            with safe_open(path, "np"):
                pass
        except Exception as error:  # the library has an exception of its own for each kind of damage
            raise InputError(f"{path} is no safetensors file: {error}; get it again") from error
    return name


def _recognise(path: Path) -> str | None:
    """The name under which a file is known: by its digest, or where a method names none, by its name."""
    size = path.stat().st_size
    for file in FILES.values():
        if not file.package and file.size in (0, size) and weights.is_genuine(file, path):
            return file.name
    wanted = list(_of_methods())
    if by_digest := [file.file for file in wanted if file.sha256 and file.sha256 == places.sha256(path)]:
        return by_digest[0]
    return next((file.file for file in wanted if not file.sha256 and file.file == path.name), None)


def _unknown(path: Path) -> str:
    digest, known = places.sha256(path), _published(path.name)
    if not known:
        return f"{path}: sha256 {digest} is no file of weights that is known here (bokehbench weights list)"
    return f"{path} is not the published file: {' or '.join(known)}, not {digest}"


def _published(name: str) -> list[str]:
    """What the published files of a name are; none where it is nobody's, or comes with a package."""
    known = [
        f"{file.bytes} with sha256 {file.sha256}"
        for file in FILES.values()
        if file.name == name and not file.package
    ]
    wanted = (file for file in _of_methods() if file.sha256 and Path(file.file).name == name)
    return known + [f"sha256 {file.sha256}" for file in wanted]


def _copy(source: Path, name: str) -> Path:
    """Into the first folder, unless the same file is found already."""
    digest = places.sha256(source)
    for entry in entry_of(name):
        if entry.status == "ok" and entry.path is not None and entry.sha256 == digest:
            return entry.path
    target = places.folders()[0] / name
    with records.atomic_path(target) as part:
        shutil.copyfile(source, part)
        if records.sha256_file(part) != digest:
            raise InputError(f"{source}: changed while it was copied; nothing was imported")
    return target


# ----------------------------------------------------------------------------------------------- fetch


def fetch(name: str) -> list[tuple[Path, bool]]:
    """Download published files into the first folder of weights.

    Args:
        name: as of `entry_of`.

    Returns:
        (where it lies, whether it was downloaded now) of each.

    Raises:
        ConfigError: no such name.
        Unavailable: no connection, or nobody publishes it at a fixed address with a digest.
        InputError: what came is not the published file; nothing is kept of it.
    """
    return [_fetched(entry, file) for entry, file in zip(entry_of(name), _files(name), strict=True)]


def _fetched(entry: Entry, file: WeightFile | Wanted) -> tuple[Path, bool]:
    if entry.status == "ok" and entry.path is not None:
        return entry.path, False
    if isinstance(file, Wanted):
        file = WeightFile(file.file, 0, file.sha256, file.source)
    if file.package or not file.sha256 or not file.source.startswith("https:"):
        raise Unavailable(f"{file.name}: has no address to fetch it from; {entry.instruction}")
    return _download(file), True


def _download(file: WeightFile) -> Path:
    target = places.folders()[0] / file.name
    digest, size = hashlib.sha256(), 0
    with records.atomic_path(target) as part:
        with (
            _connection(file) as reply,
            part.open("wb") as out,
            jobs.progress(file.name, _steps(file)) as advance,
        ):
            while chunk := reply.read(CHUNK):
                size += len(chunk)
                if file.size and size > file.size:
                    break  # no need to see the rest of what is too long
                out.write(chunk)
                digest.update(chunk)
                advance(len(chunk) / CHUNK)
        if file.size not in (0, size) or not digest.hexdigest().startswith(file.sha256):
            raise InputError(
                f"{file.source} gave {size} bytes with sha256 {digest.hexdigest()}, not the published file "
                f"({file.bytes}, {file.sha256}); nothing was kept"
            )
    return target


def _steps(file: WeightFile) -> int:
    return max(1, file.size // CHUNK)


@contextmanager
def _connection(file: WeightFile) -> Iterator[BinaryIO]:
    """An open download; what goes wrong with it is one line that says what else can be done."""
    try:
        with open_https(file.source) as reply:
            yield reply
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        host = urllib.parse.urlsplit(file.source).hostname
        reason = getattr(error, "reason", None) or error
        raise Unavailable(
            f"{file.name}: no download from {host} ({reason}); get {file.source} on a machine with a "
            "connection and bring it with: bokehbench weights import FILE"
        ) from error


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirections as long as they stay encrypted."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urllib.parse.urlsplit(newurl).scheme != "https":
            raise urllib.error.URLError(f"sent on to {newurl}, which is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def open_https(url: str) -> BinaryIO:
    """The reply of a server, as a stream; `https:` only, also after redirections."""
    if urllib.parse.urlsplit(url).scheme != "https":
        raise ConfigError(f"{url}: only https: is fetched")
    request = urllib.request.Request(url, headers={"User-Agent": f"bokehbench/{__version__}"})
    reply: BinaryIO = urllib.request.build_opener(_HttpsOnly).open(request, timeout=SILENCE)
    return reply
