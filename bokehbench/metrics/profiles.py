"""Sets of metrics by name: what a paper's table holds, computed as its script does as far as is known."""

from __future__ import annotations

from collections.abc import Sequence

from bokehbench.errors import ConfigError

PROFILES: dict[str, tuple[str, ...]] = {
    "bb1": ("psnr", "ssim", "lpips-alex", "dists-256"),
    "bokehlicious": ("psnr", "ssim-tm", "lpips-alex"),
    "magicbokeh": (
        *("psnr-y601", "ssim-y601", "lpips-alex", "dists-full"),
        *("fid", "niqe", "musiq", "maniqa-pipal", "clipiqa"),
    ),
    "ebb-legacy": ("psnr", "psnr-peakmax", "ssim-sk7", "lpips-alex"),
}
"""Profile -> ids, those over a whole set last (docs/metrics.md says whose they are, and how we know)."""


def expand(profiles: Sequence[str]) -> tuple[str, ...]:
    """The ids of several profiles, each once, in their order.

    Raises:
        ConfigError: no such profile.
    """
    for name in profiles:
        if name not in PROFILES:
            raise ConfigError(f"unknown profile {name!r}; there are {', '.join(PROFILES)}")
    return tuple(dict.fromkeys(metric for name in profiles for metric in PROFILES[name]))
