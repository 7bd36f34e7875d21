"""The kernel that packs a segment of candidates: checked, in the types of the sums, one after another in memory."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.layout import candidate_floats, candidate_integers
from softnce.torch._triton.noise import pack_noise
from softnce.torch._triton.numbers import BAD_CLASS, BAD_COUNT, BAD_TARGET, NOT_HARD, ROUNDING, any_bit, number, report

__all__ = ["pack"]


@triton.jit
def _class(first, j, k, row_stride, term_stride, inside):
    return tl.load(first + j * row_stride + k * term_stride, mask=inside, other=0).to(tl.int64)


@triton.jit
def _weight(second, j, k, row_stride, term_stride, inside, HELD: tl.constexpr):
    out = tl.full(j.shape, 1.0, tl.float64)
    if HELD:
        out = tl.load(second + j * row_stride + k * term_stride, mask=inside, other=0.0).to(tl.float64)
    return out


@triton.jit
def _below_zero(first, second, j, k, strides, c, floor, d, inside, K: tl.constexpr, HELD: tl.constexpr):
    """Whether the probability of class ``c`` is negative. A row may name a class twice: its weights add up."""
    total = floor / d
    for other in range(K):
        same = _class(first, j, other, strides[0], strides[1], inside) == c
        total += tl.where(same, _weight(second, j, other, strides[2], strides[3], inside, HELD), 0.0)
    return (total >= -1e-4 / d) == 0


@triton.jit(do_not_specialize=["at", "rows", "before", "blocks", "programs", "N", "M"])
def pack(
    first,
    second,
    shares,
    counts,
    noise,
    floats,
    integers,
    words,
    class_row_stride,
    class_term_stride,
    weight_row_stride,
    weight_term_stride,
    share_stride,
    count_stride,
    noise_stride,
    at,
    rows,
    before,
    blocks,
    programs,
    N,
    M,
    d,
    uniform: tl.float64,
    tolerance: tl.float64,
    K: tl.constexpr,
    TERMS: tl.constexpr,
    HELD_WEIGHTS: tl.constexpr,
    HELD_SHARES: tl.constexpr,
    HELD_COUNTS: tl.constexpr,
    WEIGHTED: tl.constexpr,
    UNIFORM: tl.constexpr,
    COUNTS: tl.constexpr,
    NOISE: tl.constexpr,
    HARD: tl.constexpr,
    WATCH: tl.constexpr,
    CHECK: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Packs ``rows`` candidates from candidate ``at`` on; the programs after ``blocks`` pack the noise.

    Each program stores its problems at ``before`` plus its number, and the row kernels read all of them. With ``HARD``
    the rows must be one-hot and are stored as labels.
    """
    program = tl.program_id(0)
    weights_out, shares_out, counts_out, noise_out = candidate_floats(floats, N, M, TERMS, WEIGHTED, UNIFORM, COUNTS)
    counters, classes_out = candidate_integers(integers, programs)
    problem = tl.zeros((), tl.int32)
    if program < blocks:
        j = program.to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
        inside = j < rows
        strides = (class_row_stride, class_term_stride, weight_row_stride, weight_term_stride)
        wrong = tl.zeros((BLOCK,), tl.int32)
        share = tl.zeros((BLOCK,), tl.float64) + number(uniform, tl.float64)
        if HELD_SHARES:
            share = tl.load(shares + j * share_stride, mask=inside, other=0.0).to(tl.float64)
        # Rows whose sum is off by rounding are divided by it, as `normalised` in targets.py does.
        scale = tl.full((BLOCK,), 1.0, tl.float64)
        if HELD_WEIGHTS:
            sums = tl.zeros((BLOCK,), tl.float64)
            for k in range(K):
                sums += _weight(second, j, k, weight_row_stride, weight_term_stride, inside, HELD_WEIGHTS)
            distance = tl.abs(sums + share - 1.0)
            off = (distance > ROUNDING) & (distance <= number(tolerance, tl.float64)) & (sums != 0.0)
            if HELD_SHARES:
                scale = tl.where(off, 1.0 / tl.where(off, sums + share, 1.0), 1.0)
                share *= scale
            else:
                scale = tl.where(off, (1.0 - share) / tl.where(off, sums, 1.0), 1.0)
        total = share
        low = tl.full((BLOCK,), 1 << 40, tl.int64)
        high = tl.full((BLOCK,), -1, tl.int64)
        for k in range(K):
            c = _class(first, j, k, class_row_stride, class_term_stride, inside)
            w = _weight(second, j, k, weight_row_stride, weight_term_stride, inside, HELD_WEIGHTS) * scale
            known = (c >= 0) & (c < d)
            wrong = wrong | tl.where(known, 0, BAD_CLASS)
            total += w
            low = tl.where(w != 0.0, tl.minimum(low, c), low)
            high = tl.where(w != 0.0, tl.maximum(high, c), high)
            if CHECK and HELD_WEIGHTS:
                below = _below_zero(first, second, j, k, strides, c, share, d, inside, K, HELD_WEIGHTS)
                wrong = wrong | tl.where(below, BAD_TARGET, 0)
            if not HARD:
                tl.store(classes_out + k * M + at + j, tl.where(known, c, 0).to(tl.int32), mask=inside)
                if WEIGHTED:
                    tl.store(weights_out + k * M + at + j, w.to(floats.dtype.element_ty), mask=inside)
        if HARD:
            wrong = wrong | tl.where((low == high) & ((share == 0.0) | (d == 1)), 0, NOT_HARD)
            tl.store(classes_out + at + j, tl.where((high >= 0) & (high < d), high, 0).to(tl.int32), mask=inside)
        else:
            for k in range(K, TERMS):
                tl.store(classes_out + k * M + at + j, tl.zeros((BLOCK,), tl.int32), mask=inside)
                if WEIGHTED:
                    tl.store(weights_out + k * M + at + j, tl.zeros((BLOCK,), floats.dtype.element_ty), mask=inside)
        wrong = wrong | tl.where((share >= 0.0) & (tl.abs(total - 1.0) <= 1e-4), 0, BAD_TARGET)
        if UNIFORM:
            tl.store(shares_out + at + j, share.to(floats.dtype.element_ty), mask=inside)
        if COUNTS:
            count = tl.full((BLOCK,), 1.0, tl.float64)
            if HELD_COUNTS:
                count = tl.load(counts + j * count_stride, mask=inside, other=1.0).to(tl.float64)
            wrong = wrong | tl.where((count >= 0.0) & (count < float("inf")), 0, BAD_COUNT)
            tl.store(counts_out + at + j, tl.log(count).to(floats.dtype.element_ty), mask=inside)
        if WATCH:
            _watch(second, j, strides, inside, words)
        problem = any_bit(tl.where(inside, wrong, 0))
        if (before == 0) & (program == 0):
            tl.store(counters + tl.arange(0, 2), tl.zeros((2,), tl.int32))
    else:
        if NOISE:
            problem = pack_noise(noise, noise_stride, noise_out, noise_out + d, program - blocks, d, BLOCK)
    if not CHECK:
        problem = tl.zeros((), tl.int32)
    tl.store(integers + before + program, problem)
    if problem != 0:
        report(words, problem)


@triton.jit
def _watch(second, j, strides, inside, words):
    """Reports rows of two classes that are all mixed with one lambda, which is worth a warning."""
    a = _weight(second, j, 0, strides[2], strides[3], inside, True)
    b = _weight(second, j, 1, strides[2], strides[3], inside, True)
    mixed = inside & (a > 1e-6) & (b > 1e-6)
    larger = tl.maximum(a, b) / tl.where(mixed, a + b, 1.0)
    high = tl.max(tl.where(mixed, larger, 0.0), 0)
    low = tl.min(tl.where(mixed, larger, 2.0), 0)
    if (tl.sum(mixed.to(tl.int32), 0) > 1) & (high - low <= 1e-5):
        # The word flags.LAMBDA.
        tl.store(words + 16, 1)
