"""What the forward kernels do alike for a row: measure its logits, look for problems, reduce the losses of all rows."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.layout import LOSS, SHARE
from softnce.torch._triton.numbers import BAD_LOGITS, BAD_ROW_WEIGHT, BAD_TEMPERATURE, any_bit, report

__all__ = ["finish", "found_before", "measure", "row_problem"]


@triton.jit
def measure(
    z,
    stride,
    noise,
    d,
    inverse,
    UNIFORM: tl.constexpr,
    NOISE: tl.constexpr,
    CHECK: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Of the row at ``z``: its largest and smallest logit, the mean of its scores, and whether an entry is not finite.

    Scores are relative to the largest logit. The mean is computed only with ``UNIFORM``, smallest and finiteness only
    with ``CHECK``.
    """
    top = tl.full((BLOCK,), float("-inf"), WIDE)
    low = tl.full((BLOCK,), float("inf"), WIDE)
    total = tl.zeros((BLOCK,), WIDE)
    logs = tl.zeros((BLOCK,), WIDE)
    odd = tl.zeros((BLOCK,), tl.int32)
    # The mean is taken of differences from some entry, so that a large common offset costs no digits.
    origin = tl.load(z).to(WIDE)
    for start in range(0, d, BLOCK):
        c = start + tl.arange(0, BLOCK)
        inside = c < d
        entry = tl.load(z + c.to(tl.int64) * stride, mask=inside, other=0.0).to(WIDE)
        top = tl.maximum(top, tl.where(inside, entry, float("-inf")))
        if CHECK:
            low = tl.minimum(low, tl.where(inside, entry, float("inf")))
            # NaN is not below infinity either.
            odd = odd | ((tl.abs(entry) < float("inf")) == 0).to(tl.int32)
        if UNIFORM:
            total += tl.where(inside, entry - origin, 0.0)
            if NOISE:
                logs += tl.load(noise + c, mask=inside, other=0.0)
    largest = tl.max(top, 0)
    mean = tl.zeros((), WIDE)
    if UNIFORM:
        mean = (tl.sum(total, 0) / d + (origin - largest)) * inverse - tl.sum(logs, 0) / d
    return largest, tl.min(low, 0), mean, tl.max(odd, 0)


@triton.jit
def found_before(integers, programs):
    """The problems that the packing programs have found."""
    bits = tl.zeros((128,), tl.int32)
    for start in range(0, programs, 128):
        program = start + tl.arange(0, 128)
        bits = bits | tl.load(integers + program, mask=program < programs, other=0)
    return any_bit(bits)


@triton.jit
def row_problem(top, low, odd, tau, d):
    """The problem of a row with these extremes: entries that are not finite or so far apart that sums overflow."""
    spread = (top - low) / tau * d
    problem = tl.where((odd == 0) & (spread < float("inf")), 0, BAD_LOGITS)
    fine = (tau > 0.0) & (tau < float("inf")) & (1.4426950408889634 / tau < float("inf"))
    return tl.where(fine, problem, BAD_TEMPERATURE)


@triton.jit
def _weight(row_weights, stride, row, inside, ROW_WEIGHTS: tl.constexpr):
    weight = tl.full(row.shape, 1.0, tl.float64)
    if ROW_WEIGHTS:
        weight = tl.load(row_weights + row * stride, mask=inside, other=0.0).to(tl.float64)
    return weight


@triton.jit
def finish(
    floats,
    loss,
    row_weights,
    stride,
    counter,
    words,
    row,
    problem,
    N,
    factor,
    ROW_WEIGHTS: tl.constexpr,
    REDUCTION: tl.constexpr,
    CHECK: tl.constexpr,
    WIDE: tl.constexpr,
):
    """Writes the loss of the call: of this row without a reduction, else by the program that finishes last.

    The losses of the rows lie in ``floats``; whichever program is last adds them in the same order, so that the result
    does not depend on it. ``floats[6 N]`` receives the factor of all rows for the backward kernel.
    """
    if REDUCTION == 0:
        value = tl.load(floats + LOSS * N + row)
        scale = tl.zeros((), tl.float64) + factor
        if ROW_WEIGHTS:
            weight = tl.load(row_weights + row * stride).to(tl.float64)
            scale = scale * weight
            if CHECK:
                if ((weight >= 0.0) & (weight < float("inf"))) == 0:
                    problem = problem | BAD_ROW_WEIGHT
                    value = value + float("nan")
                    tl.store(floats + SHARE * N + row, value)
        tl.store(loss + row, value * scale.to(WIDE))
        if row == 0:
            tl.store(floats + 6 * N, (tl.zeros((), tl.float64) + factor).to(WIDE))
    else:
        # The stores of all lanes come before the counter; it comes before the loads of the last program.
        tl.debug_barrier()
        done = tl.atomic_add(counter, 1, sem="acq_rel")
        if done == N - 1:
            tl.store(counter, 0)
            total = tl.zeros((1024,), tl.float64)
            mass = tl.zeros((1024,), tl.float64)
            wrong = tl.zeros((1024,), tl.int32)
            for start in range(0, N, 1024):
                i = start + tl.arange(0, 1024)
                inside = i < N
                weight = _weight(row_weights, stride, i, inside, ROW_WEIGHTS)
                each = tl.load(floats + LOSS * N + i, mask=inside, other=0.0, cache_modifier=".cg").to(tl.float64)
                total += tl.where(inside, each * weight, 0.0)
                mass += tl.where(inside, weight, 0.0)
                wrong = wrong | (inside & (((weight >= 0.0) & (weight < float("inf"))) == 0)).to(tl.int32)
            value = tl.sum(total, 0)
            scale = tl.zeros((), tl.float64) + factor
            if ROW_WEIGHTS:
                sum_of_weights = tl.sum(mass, 0)
                if REDUCTION == 2:
                    scale = scale / sum_of_weights
                if CHECK:
                    bad = (tl.max(wrong, 0) > 0) | ((sum_of_weights > 0.0) == 0)
                    scale = tl.where(bad, float("nan"), scale)
                    problem = tl.where(bad, problem | BAD_ROW_WEIGHT, problem)
            tl.store(loss, (value * scale).to(WIDE))
            tl.store(floats + 6 * N, scale.to(WIDE))
    if CHECK:
        if problem != 0:
            report(words, problem)
