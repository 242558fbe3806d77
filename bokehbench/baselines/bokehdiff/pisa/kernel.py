"""The Triton kernels of PISA: sums of weights, products with the weights, and what is blocked.

No weight is stored: every kernel computes those of a tile again. `launch` calls them and says why they exist.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _at(disparity, x, y, width, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """One corner of a bilinear lookup; 0 outside."""
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return tl.load(disparity + y * width + x, mask=inside, other=0.0)


@triton.jit
def _look_up(disparity, x, y, width, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Bilinear, pixel centres at integers; far outside, positions are clipped before they become integers."""
    x = tl.minimum(tl.maximum(x, -2.0), width + 1.0)
    y = tl.minimum(tl.maximum(y, -2.0), height + 1.0)
    left, top = tl.floor(x), tl.floor(y)
    u, v = x - left, y - top
    i, j = left.to(tl.int32), top.to(tl.int32)
    above = _at(disparity, i, j, width, height) * (1.0 - u) + _at(disparity, i + 1, j, width, height) * u
    below = (
        _at(disparity, i, j + 1, width, height) * (1.0 - u) + _at(disparity, i + 1, j + 1, width, height) * u
    )
    return above * (1.0 - v) + below * v


@triton.jit
def count_blocked(  # type: ignore[no-untyped-def]  # pragma: no cover
    disparity,  # [B, N] float32
    fine,  # [B, FINER h, FINER w] float32
    shifts,  # [JITTERS, N, 2] float32
    places,  # [SAMPLES] float32
    blocked,  # [B, N, N] int16: rays that something stands in the way of
    tokens,
    height,
    width,
    SAMPLES: tl.constexpr,
    JITTERS: tl.constexpr,
    FINER: tl.constexpr,
    COMPAT: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """`occlusion.occlusion_map` of a tile, in rays."""
    item = tl.program_id(2).to(tl.int64)
    disparity += item * tokens
    fine += item * tokens * FINER * FINER
    rows = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    d_query = tl.load(disparity + rows, mask=rows < tokens, other=0.5)[:, None]
    d_key = tl.load(disparity + columns, mask=columns < tokens, other=0.5)[None, :]
    x_query, y_query = (rows % width + 0.5)[:, None], (rows // width + 0.5)[:, None]
    x_key, y_key = (columns % width + 0.5)[None, :], (columns // width + 0.5)[None, :]
    count = tl.zeros([BLOCK, BLOCK], tl.int32)
    for jitter in range(JITTERS):
        to = shifts + (jitter * tokens + rows) * 2
        x_shift = tl.load(to, mask=rows < tokens, other=0.0)[:, None]
        y_shift = tl.load(to + 1, mask=rows < tokens, other=0.0)[:, None]
        hit = tl.zeros([BLOCK, BLOCK], tl.int32)
        for sample in range(SAMPLES):
            p = tl.load(places + sample)
            delta = p * d_key + (1.0 - p)
            lateral = delta
            if COMPAT:
                lateral = p * d_query + (1.0 - p)
            reach = ((1.0 - lateral) / lateral) / ((1.0 - d_key) / d_key)
            x = x_query + (x_key - x_query) * reach + x_shift
            y = y_query + (y_key - y_query) * reach + y_shift
            found = _look_up(fine, x * FINER - 0.5, y * FINER - 0.5, width * FINER, height * FINER)
            hit = hit | (found > delta).to(tl.int32)
        count += hit
    to = blocked + item * tokens * tokens + rows[:, None].to(tl.int64) * tokens + columns[None, :]
    tl.store(to, count.to(tl.int16), mask=(rows < tokens)[:, None] & (columns < tokens)[None, :])


@triton.jit
def _rows_of(tensor, index, tokens, channels, D: tl.constexpr):  # type: ignore[no-untyped-def]  # pragma: no cover
    """[BLOCK, D] rows of a [N, channels] matrix, zeros beyond it."""
    channel = tl.arange(0, D)
    within = (index < tokens)[:, None] & (channel < channels)[None, :]
    return tl.load(tensor + index[:, None] * channels + channel[None, :], mask=within, other=0.0)


@triton.jit
def _log_weight(  # type: ignore[no-untyped-def]  # pragma: no cover
    q, k, rows, columns, radius, tokens, width, pitch_y, pitch_x, scale, slope, COC: tl.constexpr
):
    """[rows, columns]: logit and logarithm of the CoC mask; −inf beyond the tokens."""
    weight = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
    if COC:
        dx = ((rows % width)[:, None] - (columns % width)[None, :]).to(tl.float32) * pitch_x
        dy = ((rows // width)[:, None] - (columns // width)[None, :]).to(tl.float32) * pitch_y
        reach = tl.load(radius + columns, mask=columns < tokens, other=0.0)[None, :]
        depth = slope * (reach - tl.sqrt(dx * dx + dy * dy))
        weight += tl.minimum(depth, 0.0) - tl.log(1.0 + tl.exp(-tl.abs(depth)))
    return tl.where((rows < tokens)[:, None] & (columns < tokens)[None, :], weight, -float("inf"))


@triton.jit
def _mixed(number):  # type: ignore[no-untyped-def]  # pragma: no cover
    """`chance._mixed`."""
    number = (number ^ (number >> 16)) * 0x85EBCA6B
    number = (number ^ (number >> 13)) * 0xC2B2AE35
    return number ^ (number >> 16)


@triton.jit
def _gain(  # type: ignore[no-untyped-def]  # pragma: no cover
    blocked,
    plane,
    item,
    rows,
    columns,
    tokens,
    most,
    seed,
    bar,
    JITTERS: tl.constexpr,
    OCCLUSION: tl.constexpr,
    DROPOUT: tl.constexpr,
    KEYS: tl.constexpr,
):
    """[rows, columns]: what is left of a weight after occlusion and dropout."""
    gain = tl.full([rows.shape[0], columns.shape[0]], 1.0, tl.float32)
    if OCCLUSION:
        at = blocked + item * tokens * tokens + rows[:, None].to(tl.int64) * tokens + columns[None, :]
        within = (rows < tokens)[:, None] & (columns < tokens)[None, :]
        count = tl.load(at, mask=within, other=0).to(tl.float32)
        gain -= tl.minimum(count / JITTERS, most)
    if DROPOUT > 0.0:
        query = _mixed(_mixed((plane * tokens + rows).to(tl.uint32)) ^ tl.load(seed).to(tl.uint32))
        key = _mixed(columns.to(tl.uint32) + KEYS)
        code = _mixed(query[:, None] + key[None, :]).to(tl.int32, bitcast=True)
        gain = tl.where(code >= bar, gain / (1.0 - DROPOUT), 0.0)
    return gain


@triton.jit
def normalisers(  # type: ignore[no-untyped-def]  # pragma: no cover
    query,  # [B heads, N, channels]
    key,
    radius,  # [B, N] float32
    lse,  # [B heads, N] float32: logarithm of the sum of weights of each key, or of each query
    tokens,
    channels,
    heads,
    width,
    pitch_y,
    pitch_x,
    scale,
    slope,
    COC: tl.constexpr,
    BY_KEY: tl.constexpr,
    BLOCK: tl.constexpr,
    D: tl.constexpr,
):
    """Each key's (or query's) sum of weights, over all that it is normalised with, in one pass."""
    plane = tl.program_id(1).to(tl.int64)
    query += plane * tokens * channels
    key += plane * tokens * channels
    radius += plane // heads * tokens
    own = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    peak = tl.full([BLOCK], -float("inf"), tl.float32)
    total = tl.zeros([BLOCK], tl.float32)
    for first in range(0, tokens, BLOCK):
        other = first + tl.arange(0, BLOCK)
        rows, columns = own, other
        if BY_KEY:
            rows, columns = other, own
        q = _rows_of(query, rows, tokens, channels, D)
        k = _rows_of(key, columns, tokens, channels, D)
        weight = _log_weight(q, k, rows, columns, radius, tokens, width, pitch_y, pitch_x, scale, slope, COC)
        if BY_KEY:
            weight = tl.trans(weight)
        higher = tl.maximum(peak, tl.max(weight, 1))
        steady = tl.where(higher == -float("inf"), 0.0, higher)
        total = total * tl.exp(peak - steady) + tl.sum(tl.exp(weight - steady[:, None]), 1)
        peak = higher
    # Where all weights vanish the logarithm is +inf: weights that are divided by it are 0.
    found = tl.where(total > 0.0, peak + tl.log(total), float("inf"))
    tl.store(lse + plane * tokens + own, found, mask=own < tokens)


@triton.jit
def accumulate(  # type: ignore[no-untyped-def]  # pragma: no cover
    query,  # [B heads, N, channels], like the next three
    key,
    value,
    grad,  # of the output; read for GRADIENT and for columns
    result,  # [B heads, N, channels] float32
    radius,  # [B, N] float32
    lse,  # [B heads, N] float32
    inner,  # [B heads, N] float32: sum over a normalised line of weight times its gradient; for GRADIENT
    blocked,  # [B, N, N] int16
    seed,  # [1] int64
    tokens,
    channels,
    heads,
    width,
    pitch_y,
    pitch_x,
    scale,
    slope,
    most,
    bar,
    COC: tl.constexpr,
    BY_KEY: tl.constexpr,
    JITTERS: tl.constexpr,
    OCCLUSION: tl.constexpr,
    DROPOUT: tl.constexpr,
    KEYS: tl.constexpr,
    COLUMNS: tl.constexpr,
    GRADIENT: tl.constexpr,
    BLOCK: tl.constexpr,
    D: tl.constexpr,
):
    """Products with the matrix of weights A, or with the gradient of their logits L.

    rows: A value (the output) or L key (gradient of queries); COLUMNS: Aᵀ grad (gradient of values) or
    Lᵀ query (gradient of keys).
    """
    plane = tl.program_id(1).to(tl.int64)
    item = plane // heads
    query += plane * tokens * channels
    key += plane * tokens * channels
    value += plane * tokens * channels
    grad += plane * tokens * channels
    radius += item * tokens
    lse += plane * tokens
    inner += plane * tokens
    own = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    sums = tl.zeros([BLOCK, D], tl.float32)
    for first in range(0, tokens, BLOCK):
        other = first + tl.arange(0, BLOCK)
        rows, columns = own, other
        if COLUMNS:
            rows, columns = other, own
        q = _rows_of(query, rows, tokens, channels, D)
        k = _rows_of(key, columns, tokens, channels, D)
        weight = _log_weight(q, k, rows, columns, radius, tokens, width, pitch_y, pitch_x, scale, slope, COC)
        if BY_KEY:
            line = tl.load(lse + columns, mask=columns < tokens, other=float("inf"))[None, :]
        else:
            line = tl.load(lse + rows, mask=rows < tokens, other=float("inf"))[:, None]
        weight = tl.exp(weight - line)
        gain = _gain(
            blocked, plane, item, rows, columns, tokens, most, seed, bar, JITTERS, OCCLUSION, DROPOUT, KEYS
        )
        if GRADIENT:
            g = _rows_of(grad, rows, tokens, channels, D)
            v = _rows_of(value, columns, tokens, channels, D)
            if BY_KEY:
                mean = tl.load(inner + columns, mask=columns < tokens, other=0.0)[None, :]
            else:
                mean = tl.load(inner + rows, mask=rows < tokens, other=0.0)[:, None]
            weight *= (tl.dot(g, tl.trans(v), input_precision="ieee") * gain - mean) * scale
            if COLUMNS:
                sums += tl.dot(tl.trans(weight).to(q.dtype), q, input_precision="ieee")
            else:
                sums += tl.dot(weight.to(k.dtype), k, input_precision="ieee")
        else:
            weight *= gain
            if COLUMNS:
                g = _rows_of(grad, rows, tokens, channels, D)
                sums += tl.dot(tl.trans(weight).to(g.dtype), g, input_precision="ieee")
            else:
                v = _rows_of(value, columns, tokens, channels, D)
                sums += tl.dot(weight.to(v.dtype), v, input_precision="ieee")
    channel = tl.arange(0, D)
    within = (own < tokens)[:, None] & (channel < channels)[None, :]
    tl.store(
        result + plane * tokens * channels + own[:, None] * channels + channel[None, :], sums, mask=within
    )
