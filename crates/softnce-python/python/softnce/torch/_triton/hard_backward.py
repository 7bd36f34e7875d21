"""The backward kernel of InfoNCE over labels merged by class: one program a row, each entry stored once."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.gradients import common_factor, factor_of, finish_temperature
from softnce.torch._triton.hard_scores import class_scores
from softnce.torch._triton.layout import OTHERS, PEAK, SHARE, TOP
from softnce.torch._triton.numbers import positive_of, temperature_of

__all__ = ["backward"]


@triton.jit(do_not_specialize=["offset", "programs", "N", "M"])
def backward(
    logits,
    positives,
    row_weights,
    temperature,
    floats,
    integers,
    upstream,
    gradient,
    parts,
    by_temperature,
    row_stride,
    class_stride,
    position_stride,
    weight_stride,
    upstream_stride,
    offset,
    programs,
    N,
    M,
    d,
    tau_value: tl.float64,
    NOISE: tl.constexpr,
    POSITIONS: tl.constexpr,
    LEARNED: tl.constexpr,
    LEARN: tl.constexpr,
    ROW_WEIGHTS: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """The gradient of a row: the posterior of each class, and minus the sum of the others for the row's own class."""
    row = tl.program_id(0).to(tl.int64)
    z = logits + row * row_stride
    noise = floats + 6 * N + 1
    counters = integers + programs
    counts = counters + 2
    tau = temperature_of(temperature, tau_value, LEARNED, WIDE)
    inverse = 1.0 / tau
    top, peak = tl.load(floats + TOP * N + row), tl.load(floats + PEAK * N + row)
    whole, share = tl.load(floats + OTHERS * N + row), tl.load(floats + SHARE * N + row)
    p = positive_of(positives, position_stride, offset, row, POSITIONS)
    label = tl.load(counts + d + tl.where((p >= 0) & (p < M), p, 0))
    common = common_factor(floats + 6 * N)
    factor = factor_of(common, row_weights, weight_stride, upstream, upstream_stride, row, ROW_WEIGHTS, WIDE)
    # A row with a problem has a share that is NaN.
    scale = inverse * factor + (share - share)
    products = tl.zeros((BLOCK,), WIDE)
    for start in range(0, d, BLOCK):
        c = start + tl.arange(0, BLOCK)
        inside = c < d
        s = class_scores(z, class_stride, noise, c, inside, top, inverse, NOISE, WIDE)
        n = tl.load(counts + c, mask=inside, other=0).to(WIDE)
        value = tl.where(n == 0.0, 0.0, n * tl.exp(tl.minimum(s - peak, 0.0)) / whole)
        value = tl.where(c == label, -share, value)
        tl.store(gradient + row * d + c, (value * scale).to(gradient.dtype.element_ty), mask=inside)
        if LEARN:
            entry = tl.load(z + c.to(tl.int64) * class_stride, mask=inside, other=0.0).to(WIDE)
            products += tl.where(inside, value * (entry - top), 0.0)
    if LEARN:
        # The gradient of a row sums to 0, so that logits relative to the largest serve as well.
        tl.store(parts + row, -tl.sum(products, 0) * inverse * scale)
        finish_temperature(parts, by_temperature, counters + 1, tl.num_programs(0), N)
