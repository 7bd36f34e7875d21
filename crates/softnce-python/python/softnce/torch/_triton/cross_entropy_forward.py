"""The forward kernel of soft target cross-entropy: one program a row, which reads its logits once."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.numbers import (
    BAD_CLASS,
    BAD_LOGITS,
    BAD_POSITIVE,
    BAD_TARGET,
    any_bit,
    log1p,
    number,
    report,
    temperature_of,
)
from softnce.torch._triton.rows import temperature_problem, weighted

__all__ = ["cross_entropy_forward"]


@triton.jit(do_not_specialize=["first", "candidates", "rows", "terms"])
def cross_entropy_forward(
    logits,
    logits_stride,
    targets,
    targets_stride,
    weights,
    shares,
    row_weights,
    temperature,
    losses,
    saved,
    words,
    first,
    candidates,
    rows,
    d,
    terms,
    temperature_value: tl.float64,
    scale: tl.float64,
    share_value: tl.float64,
    tolerance: tl.float64,
    DENSE: tl.constexpr,
    TERMS: tl.constexpr,
    SHARE: tl.constexpr,
    SHARES: tl.constexpr,
    ROW_WEIGHTS: tl.constexpr,
    BY_ROW: tl.constexpr,
    LEARNED: tl.constexpr,
    CHECK: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Loss and log-sum-exp of each row.

    Targets are labels (``TERMS`` is 0), compact rows of up to ``TERMS`` classes or, with ``DENSE``, probabilities.
    ``losses`` is ``[rows]``, with ``BY_ROW`` each times its factor. ``saved`` is ``[5, rows]``: the derivative of the
    loss by the temperature, times the same factor (0 unless ``LEARNED``); the largest logit; the logarithm of the sum
    of ``exp((logit - largest) / temperature)``; the share of that sum that is not the largest logit's; the sum of the
    target's weights.
    """
    row = tl.program_id(0).to(tl.int64)
    z_row = logits + row * logits_stride
    target = row + first
    tau = temperature_of(temperature, temperature_value, LEARNED, WIDE)
    inverse = 1.0 / tau
    lanes = tl.arange(0, BLOCK)

    # Each lane keeps the largest of its logits apart from the sum of its others: the largest probability is then known
    # as 1 minus the others, which stays accurate near 1.
    peaks = tl.full((BLOCK,), float("-inf"), WIDE)
    rest = tl.zeros((BLOCK,), WIDE)
    # The sum of exp((logit - peak) / tau) * (peak - logit), for the temperature's gradient.
    moments = tl.zeros((BLOCK,), WIDE)
    # The sums of the target's weights and of weight * (peak - logit). For a uniform share all weights are 1.
    held = tl.zeros((BLOCK,), WIDE)
    gaps = tl.zeros((BLOCK,), WIDE)
    wrong = tl.zeros((BLOCK,), tl.int32)
    for start in range(0, d, BLOCK):
        c = start + lanes
        inside = c < d
        z = tl.load(z_row + c, mask=inside, other=0.0).to(WIDE)
        if CHECK:
            # A NaN is not below infinity either.
            wrong = wrong | tl.where(inside & ((tl.abs(z) < float("inf")) == 0), BAD_LOGITS, 0)
        new = inside & (z > peaks)
        gap = tl.where(inside, tl.abs(z - peaks), 0.0)
        # How far the earlier values fall below a new peak, and a value that is no peak below the peak.
        rise = tl.where(new & (peaks > float("-inf")), gap, 0.0)
        fall = tl.where(new, 0.0, gap)
        e = tl.exp(-gap * inverse)
        if LEARNED:
            moments = tl.where(new, e * (moments + rise * (rest + 1.0)), moments + e * fall)
        rest = tl.where(new, e * (rest + 1.0), rest + tl.where(inside, e, 0.0))
        if DENSE:
            w = tl.load(targets + target * targets_stride + c, mask=inside, other=0.0).to(WIDE)
            if CHECK:
                wrong = wrong | tl.where(w >= 0.0, 0, BAD_TARGET)
            gaps += held * rise + w * fall
            held += w
        if SHARE:
            gaps += held * rise + fall
            held += tl.where(inside, 1.0, 0.0)
        peaks = tl.where(new, z, peaks)

    # All lanes together; lanes without a value take no part.
    top = tl.max(peaks, 0)
    known = peaks > float("-inf")
    drop = tl.where(known, top - peaks, 0.0)
    shrink = tl.where(known, tl.exp(-drop * inverse), 0.0)
    winner = tl.min(tl.where(peaks == top, lanes, BLOCK), 0)
    others = tl.sum(rest * shrink + tl.where(lanes == winner, 0.0, shrink), 0)
    log_sum = log1p(others)

    # The target: the sum of its weights, and the mean distance of its logits from the largest.
    total = number(1.0, WIDE)
    distance, scale = number(0.0, WIDE), number(1.0, WIDE)
    if CHECK:
        problem = any_bit(wrong) | temperature_problem(tau)
        if (target >= candidates) | (target < 0):
            problem = problem | BAD_POSITIVE
    if DENSE:
        # The row is divided by its sum.
        held_total = tl.sum(held, 0)
        distance = tl.sum(gaps + held * drop, 0) / held_total
        if CHECK:
            if (tl.abs(held_total - 1.0) <= number(tolerance, WIDE)) == 0:
                problem = problem | BAD_TARGET
    elif TERMS == 0:
        label = tl.load(targets + target * targets_stride).to(tl.int64)
        valid = (label >= 0) & (label < d)
        distance = top - tl.load(z_row + label, mask=valid, other=0.0).to(WIDE)
        if CHECK:
            if valid == 0:
                problem = problem | BAD_CLASS
    else:
        term = tl.arange(0, TERMS)
        exists = term < terms
        classes = tl.load(targets + target * targets_stride + term, mask=exists, other=0).to(tl.int64)
        valid = exists & (classes >= 0) & (classes < d)
        a = tl.load(weights + target * targets_stride + term, mask=valid, other=0.0).to(WIDE)
        z = tl.load(z_row + classes, mask=valid, other=0.0).to(WIDE)
        share = number(share_value, WIDE)
        if SHARES:
            share = tl.load(shares + target).to(WIDE)
        given = tl.sum(a, 0) + share
        # A row whose sum is off by rounding is divided by it, as `normalised` in targets.py does.
        off = (tl.abs(given - 1.0) <= number(tolerance, WIDE)) & (given != share)
        if SHARES:
            scale = 1.0 / tl.where(off, given, 1.0)
            share *= scale
        else:
            scale = tl.where(off, 1.0 - share, 1.0) / tl.where(off, tl.sum(a, 0), 1.0)
        a *= scale
        total = tl.sum(a, 0) + share
        distance = tl.sum(a * (top - z), 0)
        if SHARE:
            distance += share * (tl.sum(gaps + held * drop, 0) / d)
        if CHECK:
            if tl.max((exists & (valid == 0)).to(tl.int32), 0) > 0:
                problem = problem | BAD_CLASS
            if (tl.abs(given - 1.0) <= number(tolerance, WIDE)) == 0:
                problem = problem | BAD_TARGET
            # A weight may be negative down to the uniform share of its class, to which other weights may add.
            least = -(share + number(tolerance, WIDE)) / d
            if (tl.min(a, 0) >= least) == 0:
                sums = tl.zeros((TERMS,), WIDE)
                for other in range(0, terms):
                    listed = tl.load(targets + target * targets_stride + other).to(tl.int64)
                    weight = tl.load(weights + target * targets_stride + other).to(WIDE)
                    sums += tl.where(classes == listed, weight, 0.0)
                if (tl.min(tl.where(exists, sums, 0.0), 0) >= least) == 0:
                    problem = problem | BAD_TARGET

    loss = log_sum * total + distance * inverse
    factor = number(1.0, tl.float64)
    if BY_ROW:
        factor, bad = weighted(number(1.0, WIDE), scale, row_weights, 1, row, ROW_WEIGHTS, CHECK)
        if CHECK:
            problem = problem | bad
    if CHECK:
        # Finite logits can be so far apart that the loss is not finite.
        if (problem == 0) & ((tl.abs(loss) < float("inf")) == 0):
            problem = problem | BAD_LOGITS
        if problem != 0:
            report(words, problem)
            # Loss and gradient of the row are NaN, so that nothing wrong passes unseen before the flags are read.
            log_sum = number(float("nan"), WIDE)
    poison = log_sum - log_sum
    tl.store(losses + row, (loss * factor).to(WIDE) + poison)
    slope = number(0.0, WIDE)
    if LEARNED:
        spread = tl.sum(shrink * (moments + drop * (rest + 1.0)), 0) / (1.0 + others)
        slope = ((spread * total - distance) * inverse * inverse * factor).to(WIDE) + poison
    tl.store(saved + row, slope)
    tl.store(saved + rows + row, top)
    tl.store(saved + rows * 2 + row, log_sum)
    tl.store(saved + rows * 3 + row, others / (1.0 + others))
    # What the backward kernel divides or multiplies the weights of the row by.
    tl.store(saved + rows * 4 + row, held_total if DENSE else scale)
