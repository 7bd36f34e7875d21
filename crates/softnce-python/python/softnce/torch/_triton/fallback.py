"""Scores and gradients of dense rows inside the row kernels, for targets whose compact form does not exist.

Slow but right: the host learns of it later and has the next call computed by products of matrices.
"""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["dense_gradient", "dense_scores"]


@triton.jit
def dense_scores(
    z, stride, rows, row_stride, class_stride, inverses, noise, j, inside, d, top, inverse,
    NOISE: tl.constexpr, WIDE: tl.constexpr,
):  # fmt: skip
    """The scores of candidates ``j``, each lane along its row of ``rows`` ``[M, d]``."""
    a = tl.zeros(j.shape, WIDE)
    first = rows + j.to(tl.int64) * row_stride
    for c in range(d):
        at = tl.zeros((), tl.int64) + c
        s = (tl.load(z + at * stride).to(WIDE) - top) * inverse
        if NOISE:
            s = s - tl.load(noise + c)
        a += tl.load(first + at * class_stride, mask=inside, other=0.0).to(WIDE) * s
    return a * tl.load(inverses + j, mask=inside, other=0.0)


@triton.jit
def dense_gradient(rows, row_stride, class_stride, amounts, c, inside, M, WIDE: tl.constexpr):
    """The sum over the candidates of their amount times their probability of classes ``c``."""
    value = tl.zeros(c.shape, WIDE)
    for j in range(M):
        row = rows + (tl.zeros((), tl.int64) + j) * row_stride
        w = tl.load(row + c.to(tl.int64) * class_stride, mask=inside, other=0.0).to(WIDE)
        value += w * tl.load(amounts + j, cache_modifier=".cg")
    return value
