"""The kernels around the two matrix products of soft target InfoNCE over dense rows."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.gradients import common_factor, factor_of
from softnce.torch._triton.numbers import (
    BAD_COUNT,
    BAD_NOISE,
    BAD_POSITIVE,
    BAD_TARGET,
    any_bit,
    log1p,
    number,
    positive_of,
    report,
    temperature_of,
)
from softnce.torch._triton.rows import row_problem, weighted

__all__ = ["centre_rows", "measure_candidates", "scale_rows", "softmax_rows"]


@triton.jit(do_not_specialize=["at", "candidates", "places"])
def measure_candidates(
    targets,
    stride,
    noise,
    counts,
    saved,
    words,
    at,
    candidates,
    places,
    d,
    tolerance: tl.float64,
    NOISE: tl.constexpr,
    COUNTS: tl.constexpr,
    CHECK: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Of candidate ``at`` and those after it, dense rows ``[d]``: what ``softmax_rows`` needs. One program a candidate.

    At ``places`` of ``saved``, each ``[candidates]``: 1 over the sum of the row, with ``NOISE``
    ``sum_c w_c log noise_c``, with ``COUNTS`` the logarithm of the multiplicity. The scores are divided by these sums,
    instead of a copy of all rows. The noise need not be normalised: a constant in all candidates cancels. Logarithms
    are taken in the wider type: small probabilities and large multiplicities may lie beyond the range of the sums.
    """
    row = tl.program_id(0).to(tl.int64)
    out = saved + places + at + row
    lanes = tl.arange(0, BLOCK)
    sums = tl.zeros((BLOCK,), WIDE)
    dots = tl.zeros((BLOCK,), WIDE)
    noises = tl.zeros((BLOCK,), WIDE)
    wrong = tl.zeros((BLOCK,), tl.int32)
    for start in range(0, d, BLOCK):
        c = start + lanes
        inside = c < d
        w = tl.load(targets + row * stride + c, mask=inside, other=0.0).to(WIDE)
        sums += w
        if CHECK:
            wrong = wrong | tl.where(w >= 0.0, 0, BAD_TARGET)
        if NOISE:
            eta = tl.load(noise + c, mask=inside, other=1.0)
            if eta.dtype != tl.float64:
                eta = eta.to(WIDE)
            dots += w * tl.log(eta).to(WIDE)
            if CHECK:
                wrong = wrong | tl.where(eta > 0.0, 0, BAD_NOISE)
                noises += tl.where(inside, eta, 0.0).to(WIDE)
    total = tl.sum(sums, 0)
    inverse = 1.0 / total
    count = number(1.0, tl.float64)
    if COUNTS:
        count = tl.load(counts + at + row).to(tl.float64)
    if CHECK:
        problem = any_bit(wrong)
        if COUNTS:
            problem = problem | tl.where((count >= 0.0) & (count < float("inf")), 0, BAD_COUNT)
        if (tl.abs(total - 1.0) <= number(tolerance, WIDE)) == 0:
            problem = problem | BAD_TARGET
        if NOISE:
            if (tl.abs(tl.sum(noises, 0) - 1.0) <= 1e-4) == 0:
                problem = problem | BAD_NOISE
        if problem != 0:
            report(words, problem)
            # Every loss is NaN: all rows have this candidate.
            inverse = number(float("nan"), WIDE)
    tl.store(out, inverse)
    if NOISE:
        out += candidates
        tl.store(out, tl.sum(dots, 0))
    if COUNTS:
        tl.store(out + candidates, tl.log(count).to(WIDE))


@triton.jit(do_not_specialize=["first"])
def centre_rows(
    logits,
    stride,
    temperature,
    centred,
    words,
    first,
    d,
    temperature_value: tl.float64,
    LEARNED: tl.constexpr,
    CHECK: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Rows ``first``, ``first + 1``, .. of the logits less their largest entry, ``[n, d]``. One program a row."""
    here = tl.program_id(0).to(tl.int64)
    row = here + first
    lanes = tl.arange(0, BLOCK)
    peaks = tl.full((BLOCK,), float("-inf"), WIDE)
    lows = tl.full((BLOCK,), float("inf"), WIDE)
    odd = tl.zeros((BLOCK,), tl.int32)
    for start in range(0, d, BLOCK):
        c = start + lanes
        inside = c < d
        z = tl.load(logits + row * stride + c, mask=inside, other=float("-inf")).to(WIDE)
        peaks = tl.maximum(peaks, z)
        if CHECK:
            # A NaN is not below infinity either.
            odd = odd | (inside & ((tl.abs(z) < float("inf")) == 0)).to(tl.int32)
            lows = tl.minimum(lows, tl.where(inside, z, float("inf")))
    top = tl.max(peaks, 0)
    if CHECK:
        tau = temperature_of(temperature, temperature_value, LEARNED, WIDE)
        problem = row_problem(top, tl.min(lows, 0), tl.max(odd, 0), tau, d)
        if problem != 0:
            report(words, problem)
            # All differences are NaN, and with them the loss and the gradient of the row.
            top = number(float("nan"), WIDE)
    for start in range(0, d, BLOCK):
        c = start + lanes
        z = tl.load(logits + row * stride + c, mask=c < d, other=0.0).to(WIDE)
        tl.store(centred + here * d + c, z - top, mask=c < d)


@triton.jit
def _scores(raw, inverses, j, inside, candidates, scale, NOISE: tl.constexpr, COUNTS: tl.constexpr):
    """Of some candidates: the score without noise, the score, both with the multiplicity, and 1 over the sum."""
    measured = inverses + j
    inverse = tl.load(measured, mask=inside, other=0.0)
    plain = tl.load(raw + j, mask=inside, other=0.0) * inverse * scale
    score = plain
    if NOISE:
        measured += candidates
        score = plain - tl.load(measured, mask=inside, other=0.0) * inverse
    counted = score
    if COUNTS:
        counted = score + tl.load(measured + candidates, mask=inside, other=0.0)
    return plain, score, tl.where(inside, counted, float("-inf")), inverse


@triton.jit(do_not_specialize=["first", "offset", "numbers", "places", "rows"])
def softmax_rows(
    scores,
    positives,
    row_weights,
    temperature,
    losses,
    saved,
    words,
    first,
    offset,
    numbers,
    places,
    rows,
    candidates,
    temperature_value: tl.float64,
    scale: tl.float64,
    NOISE: tl.constexpr,
    COUNTS: tl.constexpr,
    POSITIVES: tl.constexpr,
    ROW_WEIGHTS: tl.constexpr,
    BY_ROW: tl.constexpr,
    LEARNED: tl.constexpr,
    CHECK: tl.constexpr,
    LOSS: tl.constexpr,
    GRADIENT: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Loss and gradient of rows ``first``, ``first + 1``, .. from ``scores`` ``[n, M]``. One program a row.

    ``losses`` is ``[rows]``, with ``BY_ROW`` each times its factor. At ``numbers`` of ``saved`` are four numbers of
    each row, ``[4, rows]``: the derivative by the temperature, times the same factor (0 unless ``LEARNED``); the
    largest score; the sum of the exponentials of all scores relative to it; the probability of all candidates but the
    positive. Largest score and sum are kept apart: added to a large score, the logarithm of the sum would be lost in
    rounding. ``LOSS`` computes them (the first with ``GRADIENT``). ``GRADIENT`` replaces the scores by the gradient
    with respect to them, divided by the sums of the candidates; a thread replaces only what it alone reads.
    """
    here = tl.program_id(0).to(tl.int64)
    row = here + first
    raw = scores + here * candidates
    # What ``measure_candidates`` has stored.
    inverses = saved + places
    saved += numbers
    lanes = tl.arange(0, BLOCK)
    inverse_tau = 1.0 / temperature_of(temperature, temperature_value, LEARNED, WIDE)
    positive = positive_of(positives, 1, offset, row, POSITIVES)
    exists = (positive >= 0) & (positive < candidates)
    own_plain, own, own_counted, own_inverse = _scores(
        raw, inverses, positive, exists, candidates, inverse_tau, NOISE, COUNTS
    )
    factor = number(1.0, tl.float64)
    bad = tl.zeros((), tl.int32)
    if BY_ROW:
        factor, bad = weighted(number(1.0, WIDE), scale, row_weights, 1, row, ROW_WEIGHTS, CHECK)

    if LOSS:
        # The sums leave out the positive: its probability may be close to 1.
        peaks = tl.full((BLOCK,), float("-inf"), WIDE)
        sums = tl.zeros((BLOCK,), WIDE)
        for start in range(0, candidates, BLOCK):
            j = start + lanes
            inside = j < candidates
            plain, score, counted, inverse = _scores(raw, inverses, j, inside, candidates, inverse_tau, NOISE, COUNTS)
            # The maximum leaves out a NaN, which enters by the sum.
            new = tl.maximum(peaks, counted)
            base = tl.where(new > float("-inf"), new, 0.0)
            sums = sums * tl.exp(peaks - base) + tl.where(j == positive, 0.0, tl.exp(counted - base))
            peaks = new
        peak = tl.max(peaks, 0)
        peak = tl.where(peak > float("-inf"), peak, 0.0)
        others = tl.sum(sums * tl.exp(peaks - peak), 0)
        mine = tl.exp(own_counted - peak)
        whole = others + mine
        # A positive that is the largest: the logarithm of a number close to 1.
        loss = (peak - own) + tl.where(mine == 1.0, log1p(others), tl.log(whole))
        if CHECK:
            problem = bad | tl.where(exists, 0, BAD_POSITIVE)
            if COUNTS:
                if whole == 0.0:
                    problem = problem | BAD_COUNT
            if problem != 0:
                report(words, problem)
                whole = number(float("nan"), WIDE)
        share = others / whole
        tl.store(losses + row, (loss * factor).to(WIDE) + (whole - whole))
        if not LEARNED:
            tl.store(saved + row, number(0.0, WIDE))
        tl.store(saved + rows + row, peak)
        tl.store(saved + rows * 2 + row, whole)
        tl.store(saved + rows * 3 + row, share)
    else:
        peak = tl.load(saved + rows + row)
        whole = tl.load(saved + rows * 2 + row)
        share = tl.load(saved + rows * 3 + row)

    if GRADIENT:
        # All threads have read the positive's score before one of them replaces it.
        tl.debug_barrier()
        moments = tl.zeros((BLOCK,), WIDE)
        for start in range(0, candidates, BLOCK):
            j = start + lanes
            inside = j < candidates
            plain, score, counted, inverse = _scores(raw, inverses, j, inside, candidates, inverse_tau, NOISE, COUNTS)
            # P - E: the positive's own is minus the sum of the others, which stays accurate near 1.
            g = tl.where(j == positive, -share, tl.exp(counted - peak) / whole)
            if LEARNED:
                moments += tl.where(inside, g * (plain - own_plain), 0.0)
            tl.store(raw + j, g * inverse, mask=inside)
        if LEARNED:
            tl.store(saved + row, (-tl.sum(moments, 0) * inverse_tau * factor).to(WIDE))


@triton.jit(do_not_specialize=["first", "place"])
def scale_rows(
    products,
    row_weights,
    temperature,
    saved,
    upstream,
    upstream_stride,
    gradient,
    by_temperature,
    first,
    place,
    d,
    temperature_value: tl.float64,
    scale: tl.float64,
    ROW_WEIGHTS: tl.constexpr,
    LEARNED: tl.constexpr,
    BY_ROW: tl.constexpr,
    LEARN: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """The gradient of the logits from ``products`` ``[n, d]``: times the row's factor, in the logits' type.

    At ``place`` of ``saved`` are the results of ``reduce_rows``: with ``LEARN`` the gradient of the temperature but for
    the upstream gradient, without ``BY_ROW`` the square root of the factor of all rows.
    """
    blocks = tl.cdiv(d, BLOCK)
    here = (tl.program_id(0) // blocks).to(tl.int64)
    row = here + first
    c = (tl.program_id(0) % blocks) * BLOCK + tl.arange(0, BLOCK)
    common = number(scale, tl.float64)
    if not BY_ROW:
        common = common_factor(saved + place + 1)
    factor = factor_of(common, row_weights, 1, upstream, upstream_stride, row, ROW_WEIGHTS, WIDE)
    factor = factor / temperature_of(temperature, temperature_value, LEARNED, WIDE)
    if LEARN:
        if tl.program_id(0) == 0:
            part = tl.load(saved + place) * tl.load(upstream).to(WIDE)
            tl.store(by_temperature, part.to(by_temperature.dtype.element_ty))
    value = tl.load(products + here * d + c, mask=c < d, other=0.0) * factor
    tl.store(gradient + row * d + c, value.to(gradient.dtype.element_ty), mask=c < d)
