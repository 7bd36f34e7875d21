"""Scores and gradients of dense rows inside the row kernels, for targets whose compact form does not exist.

Slow but right: the host learns of it later and has the next call computed by products of matrices.
"""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["dense_scores", "spread_dense"]


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
def spread_dense(into, rows, row_stride, class_stride, inverses, j, inside, d, amount, UNIT: tl.constexpr):
    """Adds ``amount`` of candidates ``j`` times their probabilities to the sums ``[d]``, multiples of 1 / ``UNIT``."""
    first = rows + j.to(tl.int64) * row_stride
    amount = amount * tl.load(inverses + j, mask=inside, other=0.0)
    # Each lane starts at another class, so that they seldom add to the same one at once.
    c = (j % d).to(tl.int64)
    for _ in range(d):
        w = tl.load(first + c * class_stride, mask=inside, other=0.0).to(amount.dtype)
        tl.atomic_add(into + c, (w * amount * UNIT).to(tl.int64), mask=inside, sem="relaxed")
        c = tl.where(c + 1 < d, c + 1, 0)
