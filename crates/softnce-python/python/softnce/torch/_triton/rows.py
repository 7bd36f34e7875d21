"""What the forward kernels do alike: measure the logits of a row, look for problems, reduce the losses of all rows."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.layout import LOSS, SHARE
from softnce.torch._triton.numbers import BAD_LOGITS, BAD_ROW_WEIGHT, BAD_TEMPERATURE, any_bit, report

__all__ = ["finish", "found_before", "measure", "reduced", "row_problem", "temperature_problem", "weighted"]


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
    bad = temperature_problem(tau)
    return tl.where(bad != 0, bad, problem)


@triton.jit
def temperature_problem(tau):
    """The problem of a temperature that is not above 0, or whose reciprocal the type of the sums cannot represent."""
    fine = (tau > 0.0) & (tau < float("inf")) & (1.4426950408889634 / tau < float("inf"))
    return tl.where(fine, 0, BAD_TEMPERATURE)


@triton.jit
def weighted(value, factor, row_weights, stride, row, ROW_WEIGHTS: tl.constexpr, CHECK: tl.constexpr):
    """The loss ``value`` of a row, in double precision, times its weight and ``factor``; and the weight's problem.

    For reduction none. Weights may exceed the range of the sums. The loss is NaN where there is a problem.
    """
    value = value.to(tl.float64) * factor
    problem = tl.zeros((), tl.int32)
    if ROW_WEIGHTS:
        weight = tl.load(row_weights + row * stride).to(tl.float64)
        value = value * weight
        if CHECK:
            problem = tl.where((weight >= 0.0) & (weight < float("inf")), 0, BAD_ROW_WEIGHT)
            value = tl.where(problem != 0, float("nan"), value)
    return value, problem


@triton.jit
def reduced(
    values,
    row_weights,
    stride,
    N,
    factor,
    ROW_WEIGHTS: tl.constexpr,
    REDUCTION: tl.constexpr,
    CHECK: tl.constexpr,
):
    """The sum of ``values`` ``[N]``, each times its row's weight and the factor of all rows; that factor; a problem.

    All in double precision. With REDUCTION 2 the factor is divided by the sum of the weights. Where there is a problem
    it is NaN, and the sum with it.
    """
    total = tl.zeros((1024,), tl.float64)
    mass = tl.zeros((1024,), tl.float64)
    wrong = tl.zeros((1024,), tl.int32)
    for start in range(0, N, 1024):
        i = start + tl.arange(0, 1024)
        inside = i < N
        # From the second cache: other programs have stored them.
        each = tl.load(values + i, mask=inside, other=0.0, cache_modifier=".cg").to(tl.float64)
        if ROW_WEIGHTS:
            weight = tl.load(row_weights + i.to(tl.int64) * stride, mask=inside, other=0.0).to(tl.float64)
            each = each * weight
            mass += weight
            wrong = wrong | (((weight >= 0.0) & (weight < float("inf"))) == 0).to(tl.int32)
        total += each
    factor = tl.zeros((), tl.float64) + factor
    problem = tl.zeros((), tl.int32)
    if ROW_WEIGHTS:
        bad = tl.max(wrong, 0) > 0
        if REDUCTION == 2:
            sum_of_weights = tl.sum(mass, 0)
            factor = factor / sum_of_weights
            bad = bad | ((sum_of_weights > 0.0) == 0)
        if CHECK:
            factor = tl.where(bad, float("nan"), factor)
            problem = tl.where(bad, BAD_ROW_WEIGHT, 0)
    return tl.sum(total, 0) * factor, factor, problem


@triton.jit
def finish(
    floats,
    loss,
    row_weights,
    stride,
    counter,
    words,
    row,
    value,
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
    does not depend on it. ``floats[6 N]`` receives the square root of the factor of all rows for the backward kernel:
    the sum of the weights may exceed the range of ``floats``.
    """
    if REDUCTION == 0:
        value, bad = weighted(value, factor, row_weights, stride, row, ROW_WEIGHTS, CHECK)
        if bad != 0:
            problem = problem | bad
            tl.store(floats + SHARE * N + row, value.to(WIDE))
        tl.store(loss + row, value.to(WIDE))
        if row == 0:
            tl.store(floats + 6 * N, tl.sqrt(tl.zeros((), tl.float64) + factor).to(WIDE))
    else:
        # The stores of all lanes come before the counter; it comes before the loads of the last program.
        tl.debug_barrier()
        done = tl.atomic_add(counter, 1, sem="acq_rel")
        if done == N - 1:
            tl.store(counter, 0)
            total, common, bad = reduced(
                floats + LOSS * N, row_weights, stride, N, factor, ROW_WEIGHTS, REDUCTION, CHECK
            )
            problem = problem | bad
            tl.store(loss, total.to(WIDE))
            tl.store(floats + 6 * N, tl.sqrt(common).to(WIDE))
    if CHECK:
        if problem != 0:
            report(words, problem)
