"""The forward kernel of soft target InfoNCE over packed candidates: one program a row."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.compact_scores import scores
from softnce.torch._triton.fallback import dense_scores
from softnce.torch._triton.layout import (
    LOSS,
    MEAN,
    OTHERS,
    PEAK,
    SHARE,
    TOP,
    candidate_floats,
    candidate_integers,
)
from softnce.torch._triton.noise import sum_is_off
from softnce.torch._triton.numbers import BAD_COUNT, BAD_NOISE, BAD_POSITIVE, log1p, positive_of, temperature_of
from softnce.torch._triton.recognise import NOT_COMPACT
from softnce.torch._triton.rows import finish, found_before, measure, row_problem

__all__ = ["forward"]


@triton.jit(do_not_specialize=["offset", "programs", "noise_programs", "N", "M"])
def forward(
    logits,
    positives,
    row_weights,
    temperature,
    floats,
    integers,
    loss,
    words,
    targets,
    row_stride,
    class_stride,
    position_stride,
    weight_stride,
    target_row_stride,
    target_class_stride,
    offset,
    programs,
    noise_programs,
    N,
    M,
    d,
    tau_value: tl.float64,
    factor_value: tl.float64,
    TERMS: tl.constexpr,
    WEIGHTED: tl.constexpr,
    UNIFORM: tl.constexpr,
    COUNTS: tl.constexpr,
    NOISE: tl.constexpr,
    POSITIONS: tl.constexpr,
    LEARNED: tl.constexpr,
    ROW_WEIGHTS: tl.constexpr,
    REDUCTION: tl.constexpr,
    RECOGNISED: tl.constexpr,
    CHECK: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK_D: tl.constexpr,
    BLOCK_M: tl.constexpr,
):
    """Loss of a row, and what the backward kernel needs of it: its numbers in ``floats``.

    One pass over the row, then one over the candidates. Each lane keeps its own largest score and sum, so that nothing
    is exchanged between lanes within the loop; the positive is kept apart from the sum of the others, because their
    share of the posterior would otherwise be lost in rounding where the positive's is close to 1. With ``RECOGNISED``
    the candidates are the compact form of the dense ``targets``, which are read themselves where they have none.
    """
    row = tl.program_id(0).to(tl.int64)
    z = logits + row * row_stride
    weights, shares, counts, noise = candidate_floats(floats, N, M, TERMS, WEIGHTED, UNIFORM, COUNTS)
    counters, classes = candidate_integers(integers, programs)
    found = found_before(integers, programs)
    dense = False
    inverses = noise
    if RECOGNISED:
        dense = (found & NOT_COMPACT) != 0
        if NOISE:
            inverses = noise + d + noise_programs
    tau = temperature_of(temperature, tau_value, LEARNED, WIDE)
    inverse = 1.0 / tau
    top, low, mean, odd = measure(z, class_stride, noise, d, inverse, UNIFORM, NOISE, CHECK, WIDE, BLOCK_D)
    p = positive_of(positives, position_stride, offset, row, POSITIONS)
    peaks = tl.full((BLOCK_M,), float("-inf"), WIDE)
    sums = tl.zeros((BLOCK_M,), WIDE)
    lost = tl.zeros((BLOCK_M,), WIDE)
    own_scores = tl.zeros((BLOCK_M,), WIDE)
    own_counted = tl.full((BLOCK_M,), float("-inf"), WIDE)
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
        b = a
        if COUNTS:
            b = a + tl.load(counts + j, mask=inside, other=0.0)
        b = tl.where(inside, b, float("-inf"))
        mine = j == p
        own_scores += tl.where(mine, a, 0.0)
        own_counted = tl.where(mine, b, own_counted)
        new = tl.maximum(peaks, b)
        base = tl.where(new == float("-inf"), 0.0, new)
        shrink = tl.exp(peaks - base)
        # Compensated summation: "lost" is what rounding has cut off from the sum.
        sums, lost = sums * shrink, lost * shrink
        term = tl.where(mine, 0.0, tl.exp(b - base)) - lost
        after = sums + term
        lost = (after - sums) - term
        sums = after
        peaks = new
    peak = tl.max(peaks, 0)
    base = tl.where(peak == float("-inf"), 0.0, peak)
    others = tl.sum(sums * tl.exp(peaks - base), 0)
    own, counted = tl.sum(own_scores, 0), tl.max(own_counted, 0)
    mine = tl.exp(counted - base)
    whole = others + mine
    # A positive that is the largest: the logarithm of a number close to 1.
    log_whole = tl.where(mine == 1.0, log1p(others), tl.log(whole))
    value = (base - own) + log_whole
    problem = found & (NOT_COMPACT - 1)
    if CHECK:
        problem = problem | row_problem(top, low, odd, tau, d)
        problem = problem | tl.where((p < 0) | (p >= M), BAD_POSITIVE, 0)
        if COUNTS:
            problem = problem | tl.where(whole == 0.0, BAD_COUNT, 0)
        if NOISE:
            problem = problem | tl.where(sum_is_off(noise + d, noise_programs, WIDE), BAD_NOISE, 0)
    share = tl.where(problem != 0, float("nan"), others / whole)
    value = tl.where(problem != 0, float("nan"), value)
    tl.store(floats + TOP * N + row, top)
    tl.store(floats + MEAN * N + row, mean)
    tl.store(floats + PEAK * N + row, base)
    tl.store(floats + OTHERS * N + row, others)
    tl.store(floats + SHARE * N + row, share)
    tl.store(floats + LOSS * N + row, value)
    finish(floats, loss, row_weights, weight_stride, counters, words, row, value, problem, N, factor_value,
           ROW_WEIGHTS, REDUCTION, CHECK, WIDE)  # fmt: skip
