"""Weight files: which there are, where they are looked for, and that they are what they claim to be.

A file counts only if its sha256 is the published one, so that no number comes from a damaged, random or
renamed file. Nothing is ever downloaded here.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bokehbench.errors import ConfigError, Unavailable
from bokehbench.weights import FOLDER_VARIABLE, folders, sha256, use_folder

__all__ = ["FOLDER_VARIABLE", "folders", "use_folder"]


class WrongWeights(Unavailable):
    """A file has the name of weights and other contents."""


@dataclass(frozen=True)
class WeightFile:
    """One published file.

    Attributes:
        name: the file name it is published under, or ours for a file that a package contains.
        size: bytes; 0 where it is not known.
        sha256: of the file, or the first 8 digits where no more is known (they stand in its name).
        source: URL, or what it was made from.
        package: the package that contains it; empty for a file that the user brings.
        inside: path inside the package's folder.
        alias: a short name, for `bokehbench weights`.
    """

    name: str
    size: int
    sha256: str
    source: str
    package: str = ""
    inside: str = ""
    alias: str = ""

    @property
    def bytes(self) -> str:
        """Its size in words."""
        return f"{self.size} bytes" if self.size else "of a size that is not known here"


def _trunk(name: str, alias: str, size: int, sha256: str) -> WeightFile:
    return WeightFile(name, size, sha256, f"https://download.pytorch.org/models/{name}", alias=alias)


def _pyiqa(name: str, size: int, sha256: str, alias: str) -> WeightFile:
    url = f"https://huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main/{name}"
    return WeightFile(name, size, sha256, url, alias=alias)


def _head(net: str, size: int, sha256: str) -> WeightFile:
    name, inside = f"lpips-v0.1-{net}.pth", f"weights/v0.1/{net}.pth"
    return WeightFile(
        name, size, sha256, "https://github.com/richzhang/PerceptualSimilarity", "lpips", inside
    )


# The digests of the trunks are those that public projects pin, and begin as the file names say. SqueezeNet's
# stands in two public projects. CLIP's is part of its URL; of MANIQA's only what its name says is known.
FILES: dict[str, WeightFile] = {
    file.name: file
    for file in (
        _trunk(
            "alexnet-owt-7be5be79.pth",
            "alexnet",
            244408911,
            "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        ),
        _trunk(
            "vgg16-397923af.pth",
            "vgg16",
            553433881,
            "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        ),
        _trunk(
            "squeezenet1_1-b8a52dc0.pth",
            "squeezenet",
            4958839,
            "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
        ),
        _head("alex", 6009, "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"),
        _head("vgg", 7289, "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"),
        _head("squeeze", 10811, "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76"),
        WeightFile(
            "dists_alpha_beta.safetensors",
            13240,
            "60846d2a2bc425ffcd3a6e044282f6e5913cca809236322f4397b239d615fcf5",
            "https://github.com/dingkeyan93/DISTS",
            "bokehbench",
            "metrics/data/dists_alpha_beta.safetensors",
        ),
        WeightFile(
            "pt_inception-2015-12-05-6726825d.pth",
            95628359,
            "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
            "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
            "pt_inception-2015-12-05-6726825d.pth",
            alias="inception",
        ),
        WeightFile(
            "niqe_pris_params.npz",
            11850,
            "2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296",
            "https://raw.githubusercontent.com/XPixelGroup/BasicSR/master/basicsr/metrics/niqe_pris_params.npz",
            alias="niqe",
        ),
        _pyiqa(
            "musiq_koniq_ckpt-e95806b9.pth",
            108610983,
            "e95806b9eae5f3814c410f574ba8e552362bd5bc63d758ed5b97860f5d6185aa",
            "musiq",
        ),
        _pyiqa("MANIQA_PIPAL-ae6d356b.pth", 543335435, "ae6d356b", "maniqa"),
        WeightFile(
            "RN50.pt",
            0,
            "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762",
            "https://openaipublic.azureedge.net/clip/models/"
            "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762/RN50.pt",
            alias="clip",
        ),
    )
}


@dataclass(frozen=True)
class WeightStatus:
    """What this machine has of one file.

    Attributes:
        file: its name.
        needed_by: the metrics that need it.
        status: ok, unavailable or sha-mismatch.
        path: where it was found (also when it is the wrong file), else None.
        reason: why there is no number, without a path of this machine (records keep it); empty when ok.
        instruction: one line for the user; empty when ok.
    """

    file: str
    needed_by: tuple[str, ...]
    status: str
    path: Path | None
    reason: str = ""
    instruction: str = ""


def get(name: str) -> WeightFile:
    """The file of that name; ConfigError where the table has none."""
    if name not in FILES:
        raise ConfigError(f"no weight file is called {name!r}; there are {', '.join(FILES)}")
    return FILES[name]


def _candidates(file: WeightFile) -> Iterator[Path]:
    if not file.package:
        yield from (folder / file.name for folder in folders())
        return
    found = importlib.util.find_spec(file.package)  # does not import it
    for root in (found.submodule_search_locations or ()) if found else ():
        yield Path(root, file.inside)


def is_genuine(file: WeightFile, path: Path) -> bool:
    """Whether a file on disk is the published one, by size and digest."""
    return file.size in (0, path.stat().st_size) and sha256(path).startswith(file.sha256)


def locate(name: str) -> tuple[str, Path | None]:
    """(status, path): ok and the genuine file, sha-mismatch and the wrong one, or unavailable and None.

    A wrong file does not hide a genuine one in a later folder.
    """
    file = get(name)
    wrong = None
    for path in _candidates(file):
        if path.is_file():
            if is_genuine(file, path):
                return "ok", path
            wrong = wrong or path
    return ("sha-mismatch", wrong) if wrong else ("unavailable", None)


def require(name: str) -> Path:
    """The genuine file.

    Raises:
        WrongWeights: a file of that name with other contents was found, and no genuine one.
        Unavailable: there is none. Both say what to do.
    """
    status, path = locate(name)
    if status == "ok" and path is not None:
        return path
    raise (WrongWeights if status == "sha-mismatch" else Unavailable)(_instruction(get(name), path))


def _reason(file: WeightFile, status: str) -> str:
    if status == "ok":
        return ""
    if status == "sha-mismatch":
        return f"the {file.name} that was found is not the published file (sha256 {file.sha256})"
    return f"needs {file.name} ({file.bytes})"


def _instruction(file: WeightFile, wrong: Path | None) -> str:
    if file.package:
        what = f"{wrong} is not the published {file.name}" if wrong else f"{file.name} is missing"
        return f"{what}: it is part of the package {file.package}, install that again"
    place = (
        f"bokehbench weights fetch {file.alias or file.name}; or put it into a folder named by "
        f"--weights-dir or ${FOLDER_VARIABLE}, or into $TORCH_HOME/hub/checkpoints (usually "
        "~/.cache/torch/hub/checkpoints)"
    )
    what = f"{file.name} ({file.bytes}, {file.source})"
    if wrong:
        return f"{wrong} is not the published file; replace it by {what}"
    return f"needs {what}: {place}"


def status() -> list[WeightStatus]:
    """What this machine has of every file, in the order of the table (hashes what it finds)."""
    return [status_of(file.name, needed_by(file.name)) for file in FILES.values()]


def needed_by(name: str) -> tuple[str, ...]:
    """The metrics that need a file."""
    from bokehbench.registry import MetricSpec, SetMetricSpec, names
    from bokehbench.registry import get as get_spec

    single = [metric for metric in names(MetricSpec) if name in get_spec(MetricSpec, metric).weights]
    of_sets = [metric for metric in names(SetMetricSpec) if name in get_spec(SetMetricSpec, metric).weights]
    return (*single, *of_sets)


def status_of(name: str, needed_by: tuple[str, ...] = ()) -> WeightStatus:
    """What this machine has of one file."""
    file = get(name)
    found, path = locate(name)
    instruction = "" if found == "ok" else _instruction(file, path if found == "sha-mismatch" else None)
    return WeightStatus(name, needed_by, found, path, _reason(file, found), instruction)
