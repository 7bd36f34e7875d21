"""The forward kernel of InfoNCE over labels merged by class: one program a row."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.hard_scores import class_scores
from softnce.torch._triton.layout import LOSS, MEAN, OTHERS, PEAK, SHARE, TOP
from softnce.torch._triton.noise import sum_is_off
from softnce.torch._triton.numbers import BAD_NOISE, BAD_POSITIVE, log1p, positive_of, temperature_of
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
    row_stride,
    class_stride,
    position_stride,
    weight_stride,
    offset,
    programs,
    noise_programs,
    N,
    M,
    d,
    tau_value: tl.float64,
    factor_value: tl.float64,
    NOISE: tl.constexpr,
    POSITIONS: tl.constexpr,
    LEARNED: tl.constexpr,
    ROW_WEIGHTS: tl.constexpr,
    REDUCTION: tl.constexpr,
    CHECK: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Loss of a row: class c is a candidate that occurs as often as its label, ``log sum_c n_c exp(S_c) - S_label``.

    The candidates of the positive's own class are kept apart from those of other classes, whose share of the posterior
    would otherwise be lost in rounding where the own class's is close to 1.
    """
    row = tl.program_id(0).to(tl.int64)
    z = logits + row * row_stride
    noise = floats + 6 * N + 1
    counters = integers + programs
    counts = counters + 2
    tau = temperature_of(temperature, tau_value, LEARNED, WIDE)
    inverse = 1.0 / tau
    top, low, mean, odd = measure(z, class_stride, noise, d, inverse, False, NOISE, CHECK, WIDE, BLOCK)
    p = positive_of(positives, position_stride, offset, row, POSITIONS)
    exists = (p >= 0) & (p < M)
    label = tl.load(counts + d + tl.where(exists, p, 0))
    peaks = tl.full((BLOCK,), float("-inf"), WIDE)
    sums = tl.zeros((BLOCK,), WIDE)
    own_scores = tl.zeros((BLOCK,), WIDE)
    own_counts = tl.zeros((BLOCK,), WIDE)
    for start in range(0, d, BLOCK):
        c = start + tl.arange(0, BLOCK)
        inside = c < d
        s = class_scores(z, class_stride, noise, c, inside, top, inverse, NOISE, WIDE)
        n = tl.load(counts + c, mask=inside, other=0).to(WIDE)
        mine = c == label
        own_scores += tl.where(mine, s, 0.0)
        own_counts += tl.where(mine, n, 0.0)
        new = tl.maximum(peaks, tl.where(n > 0.0, s, float("-inf")))
        base = tl.where(new == float("-inf"), 0.0, new)
        # Classes that are no candidates may have larger scores: no exponential of theirs is taken.
        term = tl.where(mine | (n == 0.0), 0.0, n * tl.exp(tl.minimum(s - base, 0.0)))
        sums = sums * tl.exp(peaks - base) + term
        peaks = new
    peak = tl.max(peaks, 0)
    base = tl.where(peak == float("-inf"), 0.0, peak)
    rest = tl.sum(sums * tl.exp(peaks - base), 0)
    own, times = tl.sum(own_scores, 0), tl.sum(own_counts, 0)
    mine = tl.exp(own - base)
    whole = rest + times * mine
    # A positive that is the largest: the logarithm of a number close to 1.
    log_whole = tl.where(mine == 1.0, log1p(rest + (times - 1.0)), tl.log(whole))
    value = (base - own) + log_whole
    problem = found_before(integers, programs)
    if CHECK:
        problem = problem | row_problem(top, low, odd, tau, d) | tl.where(exists, 0, BAD_POSITIVE)
        if NOISE:
            problem = problem | tl.where(sum_is_off(noise + d, noise_programs, WIDE), BAD_NOISE, 0)
    share = tl.where(problem != 0, float("nan"), rest / whole)
    value = tl.where(problem != 0, float("nan"), value)
    tl.store(floats + TOP * N + row, top)
    tl.store(floats + MEAN * N + row, mean)
    tl.store(floats + PEAK * N + row, base)
    tl.store(floats + OTHERS * N + row, whole)
    tl.store(floats + SHARE * N + row, share)
    tl.store(floats + LOSS * N + row, value)
    finish(floats, loss, row_weights, weight_stride, counters, words, row, value, problem, N, factor_value,
           ROW_WEIGHTS, REDUCTION, CHECK, WIDE)  # fmt: skip
