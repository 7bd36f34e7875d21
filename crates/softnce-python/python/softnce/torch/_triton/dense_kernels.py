"""The kernels around the two matrix products of soft target InfoNCE over dense rows."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.numbers import (
    BAD_COUNT,
    BAD_LOGITS,
    BAD_NOISE,
    BAD_POSITIVE,
    BAD_ROW_WEIGHT,
    BAD_TARGET,
    BAD_TEMPERATURE,
    any_bit,
    log1p,
    number,
    report,
)

__all__ = ["centre_rows", "measure_candidates", "scale_rows", "softmax_rows"]


@triton.jit(do_not_specialize=["inverses", "noise_scores"])
def measure_candidates(
    targets,
    stride,
    noise,
    saved,
    words,
    inverses,
    noise_scores,
    d,
    tolerance: tl.float64,
    NOISE: tl.constexpr,
    CHECK: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Of each dense candidate ``[d]``: 1 over its sum, and ``sum_c w_c log noise_c``. One program a candidate.

    They are stored in ``saved``, from the places ``inverses`` and ``noise_scores`` on.
    The scores of the candidates are divided by these sums, instead of a copy of all rows. The noise need not be
    normalised: a constant in all candidates cancels.
    """
    row = tl.program_id(0).to(tl.int64)
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
            eta = tl.load(noise + c, mask=inside, other=1.0).to(WIDE)
            dots += w * tl.log(eta)
            if CHECK:
                wrong = wrong | tl.where(eta > 0.0, 0, BAD_NOISE)
                noises += tl.where(inside, eta, 0.0)
    total = tl.sum(sums, 0)
    inverse = 1.0 / total
    if CHECK:
        problem = any_bit(wrong)
        if (tl.abs(total - 1.0) <= number(tolerance, WIDE)) == 0:
            problem = problem | BAD_TARGET
        if NOISE:
            if (tl.abs(tl.sum(noises, 0) - 1.0) <= 1e-4) == 0:
                problem = problem | BAD_NOISE
        if problem != 0:
            report(words, problem)
            # Every loss is NaN: all rows have this candidate.
            inverse = number(float("nan"), WIDE)
    tl.store(saved + inverses + row, inverse)
    if NOISE:
        tl.store(saved + noise_scores + row, tl.sum(dots, 0))


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
    wrong = tl.zeros((BLOCK,), tl.int32)
    for start in range(0, d, BLOCK):
        c = start + lanes
        inside = c < d
        z = tl.load(logits + row * stride + c, mask=inside, other=float("-inf")).to(WIDE)
        peaks = tl.maximum(peaks, z)
        if CHECK:
            # A NaN is not below infinity either.
            wrong = wrong | tl.where(inside & ((tl.abs(z) < float("inf")) == 0), BAD_LOGITS, 0)
            lows = tl.minimum(lows, tl.where(inside, z, float("inf")))
    top = tl.max(peaks, 0)
    if CHECK:
        problem = any_bit(wrong)
        tau = number(temperature_value, WIDE)
        if LEARNED:
            tau = tl.load(temperature).to(WIDE)
        if ((tau > 0.0) & (tau < float("inf"))) == 0:
            problem = problem | BAD_TEMPERATURE
        # Sums over the classes must not overflow.
        if ((top - tl.min(lows, 0)) / tau * d < float("inf")) == 0:
            problem = problem | BAD_LOGITS
        if problem != 0:
            report(words, problem)
            # All differences are NaN, and with them the loss and the gradient of the row.
            top = number(float("nan"), WIDE)
    for start in range(0, d, BLOCK):
        c = start + lanes
        z = tl.load(logits + row * stride + c, mask=c < d, other=0.0).to(WIDE)
        tl.store(centred + here * d + c, z - top, mask=c < d)


@triton.jit
def _scores(
    raw, inverses, noise_scores, counts, j, inside, scale, NOISE: tl.constexpr, COUNTS: tl.constexpr, WIDE: tl.constexpr
):
    """Of some candidates: the score without noise, the score, both with the multiplicity, and 1 over the sum."""
    inverse = tl.load(inverses + j, mask=inside, other=0.0)
    plain = tl.load(raw + j, mask=inside, other=0.0) * inverse * scale
    score = plain
    if NOISE:
        score = plain - tl.load(noise_scores + j, mask=inside, other=0.0) * inverse
    counted = score
    if COUNTS:
        counted = score + tl.log(tl.load(counts + j, mask=inside, other=0.0).to(WIDE))
    return plain, score, tl.where(inside, counted, float("-inf")), inverse


@triton.jit(do_not_specialize=["first", "offset", "place", "rows"])
def softmax_rows(
    scores,
    counts,
    positives,
    row_weights,
    temperature,
    losses,
    saved,
    words,
    first,
    offset,
    place,
    rows,
    candidates,
    temperature_value: tl.float64,
    scale: tl.float64,
    NOISE: tl.constexpr,
    COUNTS: tl.constexpr,
    POSITIVES: tl.constexpr,
    ROW_WEIGHTS: tl.constexpr,
    LEARNED: tl.constexpr,
    CHECK: tl.constexpr,
    LOSS: tl.constexpr,
    GRADIENT: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Loss and gradient of rows ``first``, ``first + 1``, .. from ``scores`` ``[n, M]``. One program a row.

    ``losses`` is ``[rows]``, each times its factor. ``saved`` is ``[3, rows]``: the derivative by the temperature,
    times the same factor; the log-sum-exp; the probability of all candidates but the positive. ``LOSS`` computes them
    (the first with ``GRADIENT``). ``GRADIENT`` replaces the scores by the gradient with respect to them, divided by the
    sums of the candidates; a thread replaces only what it alone reads.
    """
    here = tl.program_id(0).to(tl.int64)
    row = here + first
    raw = scores + here * candidates
    # What ``measure_candidates`` has stored.
    inverses = saved + place
    noise_scores = inverses + candidates
    lanes = tl.arange(0, BLOCK)
    tau = number(temperature_value, WIDE)
    if LEARNED:
        tau = tl.load(temperature).to(WIDE)
    inverse_tau = 1.0 / tau
    positive = row + offset
    if POSITIVES:
        positive = tl.load(positives + row).to(tl.int64)
    exists = (positive >= 0) & (positive < candidates)
    own_plain, own, own_counted, own_inverse = _scores(
        raw, inverses, noise_scores, counts, positive, exists, inverse_tau, NOISE, COUNTS, WIDE
    )
    factor = number(scale, WIDE)
    if ROW_WEIGHTS:
        factor = factor * tl.load(row_weights + row).to(WIDE)

    if LOSS:
        # The log-sum-exp of all candidates but the positive.
        peaks = tl.full((BLOCK,), float("-inf"), WIDE)
        sums = tl.zeros((BLOCK,), WIDE)
        wrong = tl.zeros((BLOCK,), tl.int32)
        for start in range(0, candidates, BLOCK):
            j = start + lanes
            inside = j < candidates
            plain, score, counted, inverse = _scores(
                raw, inverses, noise_scores, counts, j, inside, inverse_tau, NOISE, COUNTS, WIDE
            )
            if CHECK and COUNTS:
                count = tl.load(counts + j, mask=inside, other=0.0).to(WIDE)
                wrong = wrong | tl.where((count >= 0.0) & (count < float("inf")), 0, BAD_COUNT)
            counted = tl.where(j == positive, float("-inf"), counted)
            # The maximum leaves out a NaN, which enters by the sum.
            peak = tl.maximum(peaks, counted)
            base = tl.where(peak > float("-inf"), peak, 0.0)
            sums = sums * tl.exp(peaks - base) + tl.exp(counted - base)
            peaks = peak
        top = tl.max(peaks, 0)
        base = tl.where(top > float("-inf"), top, 0.0)
        rest = base + tl.log(tl.sum(sums * tl.exp(peaks - base), 0))
        # The positive with them, from the larger of the two. Its own score leaves the loss before it is rounded.
        larger = own_counted >= rest
        tail = log1p(tl.exp(tl.where(larger, rest - own_counted, own_counted - rest)))
        log_sum = tl.where(larger, own_counted, rest) + tail
        loss = tl.where(larger, own_counted - own, rest - own) + tail
        if CHECK:
            problem = any_bit(wrong)
            if exists == 0:
                problem = problem | BAD_POSITIVE
            if COUNTS:
                if (own_counted == float("-inf")) & (rest == float("-inf")):
                    problem = problem | BAD_COUNT
            if ROW_WEIGHTS:
                if ((factor >= 0.0) & (factor < float("inf"))) == 0:
                    problem = problem | BAD_ROW_WEIGHT
            if problem != 0:
                report(words, problem)
                log_sum = number(float("nan"), WIDE)
        others = tl.exp(rest - log_sum)
        tl.store(losses + row, loss * factor + (log_sum - log_sum))
        tl.store(saved + rows + row, log_sum)
        tl.store(saved + rows * 2 + row, others)
    else:
        log_sum = tl.load(saved + rows + row)
        others = tl.load(saved + rows * 2 + row)

    if GRADIENT:
        # All threads have read the positive's score before one of them replaces it.
        tl.debug_barrier()
        moments = tl.zeros((BLOCK,), WIDE)
        for start in range(0, candidates, BLOCK):
            j = start + lanes
            inside = j < candidates
            plain, score, counted, inverse = _scores(
                raw, inverses, noise_scores, counts, j, inside, inverse_tau, NOISE, COUNTS, WIDE
            )
            # P - E: the positive's own is minus the sum of the others, which stays accurate near 1.
            g = tl.where(j == positive, -others, tl.exp(counted - log_sum))
            if LEARNED:
                moments += tl.where(inside, g * (plain - own_plain), 0.0)
            tl.store(raw + j, g * inverse, mask=inside)
        if LEARNED:
            tl.store(saved + row, -tl.sum(moments, 0) * inverse_tau * factor)


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
    NORMALISED: tl.constexpr,
    LEARN: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """The gradient of the logits from ``products`` ``[n, d]``: times the row's factor, in the logits' type.

    At ``place`` of ``saved`` are the results of ``reduce_rows``: with ``LEARN`` the gradient of the temperature but for
    the upstream gradient, with ``NORMALISED`` a factor of all rows.
    """
    blocks = tl.cdiv(d, BLOCK)
    here = (tl.program_id(0) // blocks).to(tl.int64)
    row = here + first
    c = (tl.program_id(0) % blocks) * BLOCK + tl.arange(0, BLOCK)
    tau = number(temperature_value, WIDE)
    if LEARNED:
        tau = tl.load(temperature).to(WIDE)
    factor = number(scale, WIDE) * tl.load(upstream + row * upstream_stride).to(WIDE) / tau
    if ROW_WEIGHTS:
        factor = factor * tl.load(row_weights + row).to(WIDE)
    if NORMALISED:
        factor = factor * tl.load(saved + place + 1)
    if LEARN:
        if tl.program_id(0) == 0:
            part = tl.load(saved + place) * tl.load(upstream).to(WIDE)
            tl.store(by_temperature, part.to(by_temperature.dtype.element_ty))
    value = tl.load(products + here * d + c, mask=c < d, other=0.0) * factor
    tl.store(gradient + row * d + c, value.to(gradient.dtype.element_ty), mask=c < d)
