"""What the forward and the backward kernel compute alike, so that both find the same bits."""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["scores"]


@triton.jit
def _term(z, stride, classes, weights, noise, at, j, inside, top, inverse, WEIGHTED, NOISE: tl.constexpr):
    c = tl.load(classes + at + j, mask=inside, other=0).to(tl.int64)
    s = (tl.load(z + c * stride, mask=inside, other=0.0).to(noise.dtype.element_ty) - top) * inverse
    if NOISE:
        s = s - tl.load(noise + c, mask=inside, other=0.0)
    if WEIGHTED:
        s = s * tl.load(weights + at + j, mask=inside, other=0.0)
    return s


@triton.jit
def scores(
    z,
    stride,
    classes,
    weights,
    shares,
    noise,
    j,
    inside,
    M,
    top,
    inverse,
    mean,
    TERMS: tl.constexpr,
    WEIGHTED: tl.constexpr,
    UNIFORM: tl.constexpr,
    NOISE: tl.constexpr,
    WIDE: tl.constexpr,
):
    """The scores ``A_ij`` of candidates ``j`` for the row at ``z``, relative to its largest logit ``top``."""
    a = tl.zeros(j.shape, WIDE)
    if TERMS <= 4:
        for k in tl.static_range(TERMS):
            a += _term(z, stride, classes, weights, noise, k * M, j, inside, top, inverse, WEIGHTED, NOISE)
    else:
        for k in range(TERMS):
            a += _term(z, stride, classes, weights, noise, k * M, j, inside, top, inverse, WEIGHTED, NOISE)
    if UNIFORM:
        a += tl.load(shares + j, mask=inside, other=0.0) * mean
    return a
