"""The logarithm of the noise distribution, with its checks, as part of a packing kernel."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.numbers import BAD_NOISE, any_bit, report

__all__ = ["pack_noise", "report_misfit", "sum_is_off"]


@triton.jit
def pack_noise(probabilities, stride, logs, sums, block, d, BLOCK: tl.constexpr):
    """Stores the logarithms of a block of ``probabilities`` ``[d]`` and its sum; returns the problem.

    The logarithm is taken in the wider type of probabilities and sums: small probabilities may lie beyond the range of
    the sums. They need no division by their sum: it would move the scores of all candidates by the same number.
    """
    c = block * BLOCK + tl.arange(0, BLOCK)
    inside = c < d
    p = tl.load(probabilities + c.to(tl.int64) * stride, mask=inside, other=1.0)
    if p.dtype != tl.float64:
        p = p.to(logs.dtype.element_ty)
    tl.store(logs + c, tl.log(p).to(logs.dtype.element_ty), mask=inside)
    tl.store(sums + block, tl.sum(tl.where(inside, p, 0.0), 0).to(sums.dtype.element_ty))
    return any_bit(tl.where(inside & (((p > 0.0) & (p < float("inf"))) == 0), BAD_NOISE, 0))


@triton.jit
def report_misfit(fits, words):
    """Reports bad noise if the byte at ``fits`` is 0."""
    if tl.load(fits) == 0:
        report(words, BAD_NOISE)


@triton.jit
def sum_is_off(sums, blocks, WIDE: tl.constexpr):
    """Whether the sum of the probabilities, given by its parts, differs from 1 by more than 0.0001."""
    total = tl.zeros((), WIDE)
    for start in range(0, blocks, 64):
        block = start + tl.arange(0, 64)
        total += tl.sum(tl.load(sums + block, mask=block < blocks, other=0.0), 0)
    return (tl.abs(total - 1.0) <= 1e-4) == 0
