"""Reduces the losses of rows: one program, so that the order of the sums is always the same."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.numbers import BAD_ROW_WEIGHT, number, report

__all__ = ["reduce_rows"]


@triton.jit(do_not_specialize=["rows", "place"])
def reduce_rows(
    losses,
    row_weights,
    saved,
    loss,
    words,
    rows,
    place,
    scale: tl.float64,
    LEARN: tl.constexpr,
    NORMALISED: tl.constexpr,
    CHECK: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """The sum of ``losses`` ``[rows]``; with ``LEARN`` also that of the first ``rows`` of ``saved``.

    With ``NORMALISED`` both are divided by the sum of the row weights and multiplied by ``scale``. Stored at ``place``
    of ``saved``: the second sum, and ``scale`` over the sum of the row weights.
    """
    lanes = tl.arange(0, BLOCK)
    sums = tl.zeros((BLOCK,), WIDE)
    parts = tl.zeros((BLOCK,), WIDE)
    weights = tl.zeros((BLOCK,), WIDE)
    for start in range(0, rows, BLOCK):
        row = start + lanes
        inside = row < rows
        sums += tl.load(losses + row, mask=inside, other=0.0)
        if LEARN:
            parts += tl.load(saved + row, mask=inside, other=0.0)
        if NORMALISED:
            weights += tl.load(row_weights + row, mask=inside, other=0.0).to(WIDE)
    factor = number(1.0, WIDE)
    if NORMALISED:
        total = tl.sum(weights, 0)
        factor = number(scale, WIDE) / total
        if CHECK:
            # Negative weights are reported by the rows.
            if total == 0.0:
                report(words, BAD_ROW_WEIGHT)
                factor = number(float("nan"), WIDE)
        tl.store(saved + place + 1, factor)
    tl.store(loss, tl.sum(sums, 0) * factor)
    if LEARN:
        tl.store(saved + place, tl.sum(parts, 0) * factor)
