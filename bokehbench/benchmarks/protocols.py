"""Which protocol a benchmark is run under, and how its name stands in a path.

`gt-disparity@1` is a protocol and its version; `gt-disparity@1+dilate-3` is the same with the disparity map
of a corruption track (`bokehbench.benchmarks.tracks`).
"""

from __future__ import annotations

from bokehbench.errors import ConfigError
from bokehbench.registry import BenchmarkSpec, ProtocolSpec, find


def protocol_of(spec: BenchmarkSpec, name: str | None = None) -> ProtocolSpec:
    """The protocol of that name among those that a benchmark offers; None takes its default.

    Raises:
        ConfigError: the benchmark does not offer it.
    """
    offered = list(dict.fromkeys((spec.protocol, *spec.protocols)))
    if name is not None and name not in offered:
        raise ConfigError(f"benchmark {spec.name} has no protocol {name!r}; it has {', '.join(offered)}")
    chosen = name or spec.protocol
    known = find(ProtocolSpec, chosen)
    # A benchmark of one's own may name its rules without registering them.
    return known or ProtocolSpec(chosen, f"rules of {spec.name}", version=spec.protocol_version)


def offers(spec: BenchmarkSpec, name: str) -> bool:
    """Whether a benchmark can be run under the protocol of that name."""
    return name in (spec.protocol, *spec.protocols)


def current_ids(spec: BenchmarkSpec) -> set[str]:
    """`name@version` of every protocol that a benchmark offers today."""
    return {protocol_of(spec, name).id for name in (spec.protocol, *spec.protocols)}


def base_id(protocol: str) -> str:
    """`gt-disparity@1` of `gt-disparity@1+dilate-3`."""
    return protocol.partition("+")[0]
