"""The backward kernel of soft target cross-entropy: writes the gradient once, in the type of the logits."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.gradients import common_factor, factor_of
from softnce.torch._triton.numbers import number, temperature_of

__all__ = ["cross_entropy_backward"]


@triton.jit(do_not_specialize=["first", "rows", "terms"])
def cross_entropy_backward(
    logits,
    logits_stride,
    targets,
    targets_stride,
    weights,
    shares,
    row_weights,
    temperature,
    saved,
    upstream,
    upstream_stride,
    gradient,
    by_temperature,
    first,
    rows,
    d,
    terms,
    temperature_value: tl.float64,
    scale: tl.float64,
    share_value: tl.float64,
    DENSE: tl.constexpr,
    TERMS: tl.constexpr,
    SHARES: tl.constexpr,
    ROW_WEIGHTS: tl.constexpr,
    LEARNED: tl.constexpr,
    BY_ROW: tl.constexpr,
    LEARN: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """The gradient of a block of classes of a row.

    ``saved`` is that of the forward kernel, with the results of ``reduce_rows`` behind it: with ``LEARN`` the gradient
    of the temperature but for the upstream gradient, without ``BY_ROW`` the square root of the factor of all rows.
    """
    blocks = tl.cdiv(d, BLOCK)
    row = (tl.program_id(0) // blocks).to(tl.int64)
    c = (tl.program_id(0) % blocks) * BLOCK + tl.arange(0, BLOCK)
    inside = c < d
    target = row + first
    inverse = 1.0 / temperature_of(temperature, temperature_value, LEARNED, WIDE)
    top = tl.load(saved + rows + row)
    log_sum = tl.load(saved + rows * 2 + row)
    others = tl.load(saved + rows * 3 + row)
    scale = tl.load(saved + rows * 4 + row)
    total = number(1.0, WIDE)
    common = number(scale, tl.float64)
    if not BY_ROW:
        common = common_factor(saved + rows * 5 + 1)
    factor = factor_of(common, row_weights, 1, upstream, upstream_stride, row, ROW_WEIGHTS, WIDE) * inverse
    if LEARN:
        if tl.program_id(0) == 0:
            value = tl.load(saved + rows * 5) * tl.load(upstream).to(WIDE)
            tl.store(by_temperature, value.to(by_temperature.dtype.element_ty))
    # NaN in a row with a bad value.
    factor = factor + (log_sum - log_sum)

    z = tl.load(logits + row * logits_stride + c, mask=inside, other=0.0).to(WIDE)
    p = tl.exp((z - top) * inverse - log_sum)
    # The weight of each class, and that of all others, which is 1 minus the former without its rounding error.
    if DENSE:
        w = tl.load(targets + target * targets_stride + c, mask=inside, other=0.0).to(WIDE) / scale
        left = 1.0 - w
    elif TERMS == 0:
        label = tl.load(targets + target * targets_stride).to(tl.int64)
        w = tl.where(c == label, 1.0, 0.0).to(WIDE)
        left = 1.0 - w
    else:
        share = number(share_value, WIDE)
        if SHARES:
            share = tl.load(shares + target).to(WIDE) * scale
        w = tl.zeros((BLOCK,), WIDE) + share / d
        left = share - w
        for term in range(0, terms):
            listed = tl.load(targets + target * targets_stride + term).to(tl.int64)
            a = tl.load(weights + target * targets_stride + term).to(WIDE) * scale
            w += tl.where(c == listed, a, 0.0)
            left += tl.where(c == listed, 0.0, a)
        total = w + left
    # p - w of the largest probability loses its digits near 1: there it is computed from the other classes.
    by_score = tl.where(z == top, left - total * others, total * p - w)
    tl.store(gradient + row * d + c, (by_score * factor).to(gradient.dtype.element_ty), mask=inside)
