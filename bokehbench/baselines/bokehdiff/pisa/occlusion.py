"""What stands between a source and the lens: the share O of rays from token k to token q that is blocked.

Disparity 1 is taken as the plane of the lens, so that disparity d lies ζ(d) = (1 − d)/d away from it. A ray
from key k (at X_k, disparity d_k) towards the lens is looked at where its disparity is δ = p d_k + (1 − p),
p from 0.1 to 0.9; by collinearity it is there at

    P = X_q + (X_k − X_q) ζ(δ)/ζ(d_k)

and it is blocked if the scene's disparity at P is larger than δ for any p. Several copies of the ray, moved
by up to half a token, make O soft. Source: BokehDiff's self-occlusion, with positions made consistent: the
released code takes ζ(δ) with the *query's* disparity, which `compat` keeps. No gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bokehbench.baselines.bokehdiff.pisa.mask import LIMIT
from bokehbench.baselines.bokehdiff.pisa.scene import TokenScene
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings

MOST = 0.99
"""While the mask still hardens, so much of the light is taken away at most."""
LOOKUPS = 2**18
"""Lookups at a time in `occlusion_of_pairs`; tens of bytes each."""


def positions(samples: int, device: torch.device) -> Tensor:
    """[S]: p, the place along the ray, 0 at the lens and 1 at the source."""
    return torch.linspace(0.1, 0.9, samples, device=device)


def along(p: Tensor, disparity: Tensor) -> Tensor:
    """δ = p d + (1 − p), the disparity at place p of a ray from disparity d."""
    return p * disparity + (1.0 - p)


def from_lens(disparity: Tensor) -> Tensor:
    """ζ(d) = (1 − d)/d, the distance from the plane of the lens."""
    return (1.0 - disparity) / disparity


def softened(blocked: Tensor, jitters: int, hardness: float) -> Tensor:
    """Number of blocked rays -> O."""
    share = blocked.float() / jitters
    return share.clamp(max=MOST) if hardness < LIMIT else share


def occlusion_map(view: TokenScene, shifts: Tensor, settings: PisaSettings, hardness: float) -> Tensor:
    """O of all pairs, formula by formula: [B, N, N], queries down and keys across.

    Args:
        view: the scene on tokens.
        shifts: [jitters, N, 2], tokens (`chance.Draw`).
        settings: `samples`, `jitters`, `compat`.
        hardness: of the mask at this call.
    """
    d, X = view.disparity, view.centres()
    batch, tokens = d.shape
    blocked = torch.zeros(batch, tokens, tokens, device=d.device)
    for shift in shifts:
        hit = torch.zeros(batch, tokens, tokens, dtype=torch.bool, device=d.device)
        for p in positions(settings.samples, d.device):
            delta = along(p, d)
            lateral = delta[:, :, None] if settings.compat else delta[:, None, :]
            reach = from_lens(lateral) / from_lens(d)[:, None, :]
            P = X[:, None] + (X[None, :] - X[:, None]) * reach[..., None] + shift[:, None]
            hit |= view.look_up(P.expand(batch, -1, -1, -1), slice(None)) > delta[:, None, :]
        blocked += hit
    return softened(blocked, settings.jitters, hardness)


def occlusion_of_pairs(
    view: TokenScene,
    item: int,
    query: Tensor,  # [P] indices of tokens
    key: Tensor,  # [P]
    shifts: Tensor,  # [jitters, N, 2]
    settings: PisaSettings,
    hardness: float,
) -> Tensor:  # [P]
    """`occlusion_map` of one picture at chosen pairs only."""
    step = max(1, LOOKUPS // (settings.samples * settings.jitters))
    found = [
        _pairs(view, item, query[first : first + step], key[first : first + step], shifts, settings)
        for first in range(0, len(query), step)
    ]
    blocked = torch.cat(found) if found else torch.zeros(0, device=query.device)
    return softened(blocked, settings.jitters, hardness)


def _pairs(
    view: TokenScene, item: int, query: Tensor, key: Tensor, shifts: Tensor, settings: PisaSettings
) -> Tensor:
    """Number of blocked rays of each pair, [P]."""
    d, X = view.disparity[item], view.centres()
    p = positions(settings.samples, d.device)[:, None]
    delta = along(p, d[key])  # [S, P]
    lateral = along(p, d[query]) if settings.compat else delta
    reach = from_lens(lateral) / from_lens(d[key])
    P = X[query] + (X[key] - X[query]) * reach[..., None] + shifts[:, None, query]  # [jitters, S, P, 2]
    hit = view.look_up(P[None], slice(item, item + 1))[0] > delta
    return hit.any(1).sum(0)
