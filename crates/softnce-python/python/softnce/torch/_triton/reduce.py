"""Reduces the losses of rows: one program, so that the order of the sums is always the same."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.numbers import report
from softnce.torch._triton.rows import reduced

__all__ = ["reduce_rows"]


@triton.jit(do_not_specialize=["rows", "parts", "results"])
def reduce_rows(
    losses,
    row_weights,
    saved,
    loss,
    words,
    weight_stride,
    rows,
    parts,
    results,
    factor: tl.float64,
    ROW_WEIGHTS: tl.constexpr,
    REDUCTION: tl.constexpr,
    LEARN: tl.constexpr,
    CHECK: tl.constexpr,
    WIDE: tl.constexpr,
):
    """The sum of ``losses`` ``[rows]`` as ``reduced`` computes it.

    At ``parts`` of ``saved`` are the derivatives of the losses by the temperature, read with ``LEARN``. At ``results``
    are stored their sum, 0 without ``LEARN``, and the square root of the factor of all rows.
    """
    total, common, problem = reduced(losses, row_weights, weight_stride, rows, factor, ROW_WEIGHTS, REDUCTION, CHECK)
    slope = tl.zeros((), tl.float64)
    if LEARN:
        slope, _, _ = reduced(saved + parts, row_weights, weight_stride, rows, factor, ROW_WEIGHTS, REDUCTION, CHECK)
    tl.store(loss, total.to(WIDE))
    tl.store(saved + results, slope.to(WIDE))
    tl.store(saved + results + 1, tl.sqrt(common).to(WIDE))
    if CHECK:
        if problem != 0:
            report(words, problem)
