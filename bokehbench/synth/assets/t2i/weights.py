"""The files that text-to-image needs: which, where they are looked for, what they are. Nothing is downloaded.

A reference is a local folder or file, or `OWNER/NAME[@REVISION][:FILE]` in the Hugging Face cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.records import sha256_file, sha256_json

MODEL = "stabilityai/stable-diffusion-xl-base-1.0"
LORA = "rootonchair/diffuser_layerdiffuse:diffuser_layer_xl_transparent_attn.safetensors"
DECODER = "LayerDiffusion/layerdiffusion-v1:vae_transparent_decoder.safetensors"
FP16_VAE = "madebyollin/sdxl-vae-fp16-fix"
NOT_STATED = "not stated"
WANTED = ("*.json", "*.txt", "README.md", "*/*.safetensors", "diffusion_pytorch_model.safetensors")
"""Of a repository: not the single-file checkpoints, pickles and exports that lie beside the parts."""


@dataclass(frozen=True)
class Reference:
    """A place of weights.

    Attributes:
        text: as the user wrote it.
        repository: OWNER/NAME on the Hugging Face hub; empty for a local path.
        revision: branch, tag or commit.
        file: inside the repository; empty for a whole model.
        local: the local folder or file, or None.
    """

    text: str
    repository: str = ""
    revision: str = "main"
    file: str = ""
    local: Path | None = None

    @classmethod
    def parse(cls, text: str, *, file: bool) -> Reference:
        """A folder (file=False) or one file (file=True); ConfigError where it is neither."""
        path = Path(text).expanduser()
        if path.exists():
            if path.is_dir() == file:
                raise ConfigError(f"{text}: is a {'folder' if file else 'file'}, not a {_kind(file)}")
            if file and path.suffix != ".safetensors":
                raise ConfigError(f"{text}: only .safetensors files are loaded")
            return cls(text, local=path)
        name, colon, inside = text.partition(":")
        repository, _, revision = name.partition("@")
        owner, slash, rest = repository.partition("/")
        if (
            not (owner and slash and rest)
            or "/" in rest
            or name.startswith((".", "~"))
            or bool(colon) != file
        ):
            wanted = "OWNER/NAME[@REVISION]:FILE.safetensors" if file else "OWNER/NAME[@REVISION]"
            raise ConfigError(f"{text}: no such {_kind(file)}, and not {wanted}")
        if file and not inside.endswith(".safetensors"):
            raise ConfigError(f"{text}: only .safetensors files are loaded")
        return cls(text, repository, revision or "main", inside)

    @property
    def command(self) -> str:
        """What fetches it into the cache."""
        parts = ["hf download", self.repository, self.file]
        if not self.file:
            parts += [f"--include {pattern!r}" for pattern in WANTED]
        if self.revision != "main":
            parts.append(f"--revision {self.revision}")
        return " ".join(filter(None, parts))

    def expected(self) -> Path:
        """Where the cache would hold it."""
        from huggingface_hub import constants

        folder = Path(constants.HF_HUB_CACHE) / f"models--{self.repository.replace('/', '--')}"
        return folder / "snapshots" / self.revision / self.file

    def find(self) -> Path | None:
        """The local folder or file, or None where the cache has none."""
        from huggingface_hub import hf_hub_download, snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        if self.local is not None:
            return self.local
        asked: dict[str, Any] = {"revision": self.revision, "local_files_only": True}
        try:
            if self.file:
                return Path(hf_hub_download(self.repository, self.file, **asked))
            return Path(snapshot_download(self.repository, **asked))
        except (LocalEntryNotFoundError, FileNotFoundError):
            return None

    def require(self, what: str) -> Path:
        """As `find`; Unavailable with repository, file, place and command where there is none."""
        found = self.find()
        if found is None:
            inside = f", file {self.file}" if self.file else ""
            raise Unavailable(
                f"{what}: weights of {self.repository} (revision {self.revision}{inside}) are not here; "
                f"expected below {self.expected()}; fetch them with: {self.command} "
                "(read their licence first), or name a local path"
            )
        return found


def _kind(file: bool) -> str:
    return "weights file" if file else "folder of a diffusers model"


@dataclass(frozen=True)
class Component:
    """One loaded part: what a sidecar says about it."""

    role: str
    reference: Reference
    path: Path

    def to_json(self, hashes: dict[str, str]) -> dict[str, Any]:
        """Source, commit and digest; local paths are named by their last part."""
        local = self.reference.local is not None
        return {
            "role": self.role,
            "source": self.path.name if local else self.reference.repository,
            "file": self.reference.file or None,
            "revision": None if local else self._commit(),
            "sha256": sha256_json(hashes) if self.path.is_dir() else next(iter(hashes.values())),
            "licence": self.licence(),
        }

    def _commit(self) -> str:
        parts = self.path.parts
        return parts[parts.index("snapshots") + 1] if "snapshots" in parts else self.reference.revision

    def hashes(self, dtype: str) -> dict[str, str]:
        """sha256 of the weights file, or of every file of a model folder that is read for a dtype."""
        if self.path.is_file():
            return {self.path.name: sha256_file(self.path)}
        found = {p.relative_to(self.path).as_posix(): p for p in self.path.rglob("*") if p.is_file()}
        read = [n for n in found if any(fnmatch(n, pattern) for pattern in WANTED) and n != "README.md"]
        half = {name.replace(".fp16.", ".") for name in read if ".fp16." in name}
        skipped = half if variant(self.path, dtype) else {n for n in read if ".fp16." in n}
        return {name: sha256_file(found[name]) for name in sorted(set(read) - skipped)}

    def licence(self) -> str:
        """What the model card beside the weights states; "not stated" where there is none."""
        card = (self.path if self.path.is_dir() else self.path.parent) / "README.md"
        try:
            head = card.read_text().split("---")
            values = yaml.safe_load(head[1]) if len(head) > 2 else {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            return NOT_STATED
        stated = values if isinstance(values, dict) else {}
        return str(stated.get("license_name") or stated.get("license") or NOT_STATED)


def variant(model: Path, dtype: str) -> str | None:
    """Which of a model's files are read: "fp16" where there are such and full precision is not asked for."""
    half = any(model.glob("unet/*.fp16.safetensors"))
    full = any(".fp16." not in path.name for path in model.glob("unet/*.safetensors"))
    return "fp16" if half and (dtype != "float32" or not full) else None


@dataclass(frozen=True)
class Weights:
    """All parts that a run needs.

    Attributes:
        model: folder of an SDXL pipeline in diffusers' layout.
        lora: LoRA or attention offsets; None where the model's UNet is transparent already.
        decoder: the transparent decoder.
        vae: folder of another VAE (an fp16-safe one); None takes the model's.
    """

    model: Reference
    lora: Reference | None
    decoder: Reference
    vae: Reference | None = None

    @classmethod
    def parse(cls, model: str, lora: str, decoder: str, vae: str = "") -> Weights:
        """From the command line; lora "none" goes without."""
        return cls(
            Reference.parse(model, file=False),
            None if lora == "none" else Reference.parse(lora, file=True),
            Reference.parse(decoder, file=True),
            Reference.parse(vae, file=False) if vae else None,
        )

    def parts(self) -> list[tuple[str, Reference]]:
        """(role, reference) of all."""
        named = {"model": self.model, "lora": self.lora, "decoder": self.decoder, "vae": self.vae}
        return [(role, reference) for role, reference in named.items() if reference is not None]

    def require(self) -> dict[str, Component]:
        """Every part by role; Unavailable naming the first that is missing, InputError for a wrong folder."""
        found = {role: Component(role, ref, ref.require(role)) for role, ref in self.parts()}
        for role, file in (("model", "model_index.json"), ("vae", "config.json")):
            if role in found and not (found[role].path / file).is_file():
                raise InputError(f"{found[role].path}: has no {file}; not a folder of a diffusers {role}")
        return found

    def plan(self) -> list[str]:
        """One line a part: what is here, and how to fetch what is not."""
        lines = []
        for role, reference in self.parts():
            path = reference.find()
            if path is None:
                lines.append(f"{role}: {reference.text} is not here; fetch it with: {reference.command}")
            else:
                licence = Component(role, reference, path).licence()
                lines.append(f"{role}: {reference.text} is here ({path}; licence: {licence})")
        return lines
