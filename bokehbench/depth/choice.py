"""What a user names, resolved: a registered network, a hub id or a local folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bokehbench.depth.checkpoint import Checkpoint, find, find_placed
from bokehbench.errors import ConfigError
from bokehbench.registry import DepthModelSpec, PretrainedSpec, SaliencyModelSpec
from bokehbench.registry import find as find_spec
from bokehbench.registry import get as get_spec

NETWORK = "bokehbench.depth.network:Network"
BY_CONFIGURATION = "bokehbench.depth.saliency:by_configuration"
RAW = ("disparity", "depth")


@dataclass(frozen=True)
class Choice:
    """A network as the user asks for it; small, and safe to send to another process.

    Attributes:
        name: a registered name, OWNER/NAME of the hub, or a folder; `NAME@REVISION` fixes the commit.
        task: "depth" or "saliency".
        revision: branch, tag or commit on the hub.
        raw: what the network puts out, "disparity" or "depth", where its configuration does not say.
        prompt: what a prompted saliency network looks for.
        device: "auto", "cpu" or "cuda".
        offline: never ask the network.
        trust: ids whose own code may run.
    """

    name: str
    task: str = "depth"
    revision: str | None = None
    raw: str | None = None
    prompt: str | None = None
    device: str = "auto"
    offline: bool = True
    trust: frozenset[str] = field(default_factory=frozenset)

    def spec(self) -> PretrainedSpec:
        """The registered spec, or one made for a hub id or folder; ConfigError for an unknown name."""
        name, _ = self._parts()
        kind: type[PretrainedSpec] = DepthModelSpec if self.task == "depth" else SaliencyModelSpec
        known = find_spec(kind, name) or next(
            (spec for spec in _specs(kind) if spec.repo and spec.repo == name), None
        )
        if known is not None:
            return known
        if "/" not in name and not Path(name).expanduser().is_dir():
            return get_spec(kind, name)  # says which names are near
        if self.task == "depth":
            return DepthModelSpec(_label(name), "given by the user", NETWORK, repo=name, raw="")
        return SaliencyModelSpec(_label(name), "given by the user", BY_CONFIGURATION, repo=name)

    def checkpoint(self) -> Checkpoint | None:
        """Where the weights lie; None for what needs none. Raises as `checkpoint.find`."""
        spec, (_, revision) = self.spec(), self._parts()
        if not spec.repo:
            if revision is not None:
                raise ConfigError(f"{spec.name} has no weights on the hub, and so no revision")
            return find_placed(spec.place, spec.source) if spec.place else None
        trusted = bool({spec.repo, self._parts()[0]} & self.trust)
        if spec.runs_code and not trusted:
            raise ConfigError(consent_line(spec.repo))
        return find(spec.repo, revision, offline=self.offline, trusted=trusted)

    def options(self, spec: PretrainedSpec) -> Mapping[str, Any]:
        """Keyword arguments of the implementation."""
        options = dict(spec.options)
        if isinstance(spec, DepthModelSpec):
            raw = self._raw(spec)
            if spec.implementation == NETWORK:  # which checks it against the configuration
                options["raw"] = raw
        elif self.prompt is not None:
            if "prompt" not in options and spec.implementation != BY_CONFIGURATION:
                raise ConfigError(f"{spec.name} takes no --prompt; clipseg does")
            options["prompt"] = self.prompt
        return options

    def _raw(self, spec: DepthModelSpec) -> str:
        if self.raw is not None and self.raw not in RAW:
            raise ConfigError(f"--raw-is must be disparity or depth, not {self.raw!r}")
        if self.raw is not None and spec.raw and self.raw != spec.raw:
            raise ConfigError(f"{spec.name} puts out {spec.raw}; leave --raw-is {self.raw} out")
        return spec.raw or self.raw or ""

    def _parts(self) -> tuple[str, str | None]:
        if Path(self.name).expanduser().is_dir():
            return self.name, self.revision
        name, at, revision = self.name.partition("@")
        if at and self.revision is not None and revision != self.revision:
            raise ConfigError(f"{self.name} and --revision {self.revision} name two revisions")
        return name, revision if at else self.revision


def consent_line(repo: str) -> str:
    """What a user must do before code that comes with weights runs."""
    return (
        f"{repo} comes with code of its own, which is not run; read it, then allow it by name: "
        f"--trust-remote-code {repo}"
    )


def _specs(kind: type[PretrainedSpec]) -> Collection[PretrainedSpec]:
    from bokehbench.registry import names

    return [get_spec(kind, name) for name in names(kind)]


def _label(name: str) -> str:
    """A short name for records and paths: no folder of this machine."""
    path = Path(name).expanduser()
    return path.resolve().name if path.is_dir() else name
