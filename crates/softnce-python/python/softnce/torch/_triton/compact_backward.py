"""The backward kernel of soft target InfoNCE over packed candidates."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.compact_scores import scores
from softnce.torch._triton.fallback import dense_scores, spread_dense
from softnce.torch._triton.gradients import common_factor, factor_of, finish_temperature
from softnce.torch._triton.layout import (
    MEAN,
    OTHERS,
    PEAK,
    SHARE,
    TOP,
    candidate_floats,
    candidate_integers,
)
from softnce.torch._triton.numbers import positive_of, temperature_of
from softnce.torch._triton.recognise import NOT_COMPACT
from softnce.torch._triton.rows import found_before

__all__ = ["backward"]

#: Sums of a class are kept as multiples of 2^-58: at most 2 in magnitude, and finer than double precision.
_UNIT = tl.constexpr(288230376151711744.0)


@triton.jit
def _spread(into, classes, weights, at, j, inside, amount, WEIGHTED: tl.constexpr):
    """Adds ``amount`` of candidates ``j`` to the sums of one of their classes."""
    c = tl.load(classes + at + j, mask=inside, other=0)
    if WEIGHTED:
        amount = amount * tl.load(weights + at + j, mask=inside, other=0.0)
    tl.atomic_add(into + c, (amount * _UNIT).to(tl.int64), mask=inside, sem="relaxed")


@triton.jit(do_not_specialize=["offset", "programs", "noise_programs", "N", "M"])
def backward(
    logits,
    positives,
    row_weights,
    temperature,
    floats,
    integers,
    upstream,
    scratch,
    gradient,
    parts,
    by_temperature,
    targets,
    row_stride,
    class_stride,
    position_stride,
    weight_stride,
    upstream_stride,
    target_row_stride,
    target_class_stride,
    offset,
    programs,
    noise_programs,
    N,
    M,
    d,
    tau_value: tl.float64,
    TERMS: tl.constexpr,
    WEIGHTED: tl.constexpr,
    UNIFORM: tl.constexpr,
    COUNTS: tl.constexpr,
    NOISE: tl.constexpr,
    POSITIONS: tl.constexpr,
    LEARNED: tl.constexpr,
    LEARN: tl.constexpr,
    ROW_WEIGHTS: tl.constexpr,
    RECOGNISED: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK_D: tl.constexpr,
    BLOCK_M: tl.constexpr,
):
    """Gradient of the rows of a program, each written once.

    Sums by class are integers, whose order does not matter: the result has the same bits every time. They are relative
    to the posterior of the other candidates, so that they stay accurate where the positive's is close to 1. A program
    keeps the sums of one row at a time in its row of ``scratch`` ``[programs, d]``, which stays in the cache.

    With ``RECOGNISED``, dense ``targets`` without a compact form are read themselves.
    """
    weights, shares, counts, noise = candidate_floats(floats, N, M, TERMS, WEIGHTED, UNIFORM, COUNTS)
    counters, classes = candidate_integers(integers, programs)
    dense = False
    inverses = noise
    if RECOGNISED:
        dense = (found_before(integers, programs) & NOT_COMPACT) != 0
        if NOISE:
            inverses = noise + d + noise_programs
    tau = temperature_of(temperature, tau_value, LEARNED, WIDE)
    inverse = 1.0 / tau
    common = common_factor(floats + 6 * N)
    sums = scratch + tl.program_id(0).to(tl.int64) * d
    for start in range(0, d, BLOCK_D):
        c = start + tl.arange(0, BLOCK_D)
        tl.store(sums + c, tl.zeros((BLOCK_D,), tl.int64), mask=c < d)
    for index in range(tl.program_id(0), N, tl.num_programs(0)):
        row = tl.zeros((), tl.int64) + index
        tl.debug_barrier()
        z = logits + row * row_stride
        top, mean = tl.load(floats + TOP * N + row), tl.load(floats + MEAN * N + row)
        peak, others = tl.load(floats + PEAK * N + row), tl.load(floats + OTHERS * N + row)
        share = tl.load(floats + SHARE * N + row)
        p = positive_of(positives, position_stride, offset, row, POSITIONS)
        # Others that vanish beside the positive have no gradient.
        some = others > 1e-30
        divisor = tl.where(some, others, 1.0)
        shared = tl.zeros((BLOCK_M,), WIDE)
        for start in range(0, M, BLOCK_M):
            j = start + tl.arange(0, BLOCK_M)
            inside = j < M
            a = tl.zeros((BLOCK_M,), WIDE)
            if dense:
                a = dense_scores(z, class_stride, targets, target_row_stride, target_class_stride, inverses, noise, j,
                                 inside, d, top, inverse, NOISE, WIDE)  # fmt: skip
            else:
                a = scores(z, class_stride, classes, weights, shares, noise, j, inside, M, top, inverse, mean,
                           TERMS, WEIGHTED, UNIFORM, NOISE, WIDE)  # fmt: skip
            if COUNTS:
                a = a + tl.load(counts + j, mask=inside, other=0.0)
            amount = tl.where(some, tl.exp(a - peak) / divisor, 0.0)
            amount = tl.where(j == p, tl.where(some, -1.0, 0.0), amount)
            amount = tl.where(inside, amount, 0.0).to(WIDE)
            if dense:
                spread_dense(
                    sums, targets, target_row_stride, target_class_stride, inverses, j, inside, d, amount, _UNIT
                )
            else:
                if UNIFORM:
                    shared += amount * tl.load(shares + j, mask=inside, other=0.0)
                if TERMS <= 4:
                    for k in tl.static_range(TERMS):
                        _spread(sums, classes, weights, k * M, j, inside, amount, WEIGHTED)
                else:
                    for k in range(TERMS):
                        _spread(sums, classes, weights, k * M, j, inside, amount, WEIGHTED)
        tl.debug_barrier()
        even = tl.sum(shared, 0) / d
        factor = factor_of(common, row_weights, weight_stride, upstream, upstream_stride, row, ROW_WEIGHTS, WIDE)
        scale = share * inverse * factor
        products = tl.zeros((BLOCK_D,), WIDE)
        for start in range(0, d, BLOCK_D):
            c = start + tl.arange(0, BLOCK_D)
            inside = c < d
            # From the second cache, where the additions went.
            whole = tl.load(sums + c, mask=inside, other=0, cache_modifier=".cg")
            tl.store(sums + c, tl.zeros((BLOCK_D,), tl.int64), mask=inside)
            value = whole.to(WIDE) * (1.0 / _UNIT) + even
            tl.store(gradient + row * d + c, (value * scale).to(gradient.dtype.element_ty), mask=inside)
            if LEARN:
                entry = tl.load(z + c.to(tl.int64) * class_stride, mask=inside, other=0.0).to(WIDE)
                products += tl.where(inside, value * (entry - top), 0.0)
        if LEARN:
            # The gradient of a row sums to 0, so that logits relative to the largest serve as well.
            tl.store(parts + row, -tl.sum(products, 0) * inverse * scale)
    if LEARN:
        finish_temperature(parts, by_temperature, counters + 1, tl.num_programs(0), N)
