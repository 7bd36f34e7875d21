"""The kernel that finds the compact form of dense rows: all but at most three classes of a row share one value."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.layout import candidate_floats, candidate_integers
from softnce.torch._triton.noise import pack_noise
from softnce.torch._triton.numbers import BAD_COUNT, BAD_TARGET, NOT_HARD, report

__all__ = ["NOT_COMPACT", "recognise"]

#: A bit of the word of a program beside its problems: some row has no compact form.
NOT_COMPACT = tl.constexpr(1 << 20)
_NONE = tl.constexpr(1 << 30)


@triton.jit
def _next_other(w, stride, floor, previous, d, BLOCK: tl.constexpr):
    """The first class after ``previous`` whose value is not ``floor``; _NONE if there is none."""
    first = tl.full((BLOCK,), _NONE, tl.int32)
    for start in range(0, d, BLOCK):
        c = start + tl.arange(0, BLOCK)
        value = tl.load(w + c.to(tl.int64) * stride, mask=c < d, other=0.0).to(tl.float64)
        first = tl.minimum(first, tl.where((c < d) & (c > previous) & (value != floor), c, _NONE))
    return tl.min(first, 0)


@triton.jit(do_not_specialize=["programs", "blocks", "slot", "N", "M"])
def recognise(
    rows,
    counts,
    noise,
    floats,
    integers,
    words,
    row_stride,
    class_stride,
    count_stride,
    noise_stride,
    blocks,
    programs,
    noise_programs,
    slot,
    N,
    M,
    d,
    tolerance: tl.float64,
    COUNTS: tl.constexpr,
    NOISE: tl.constexpr,
    HARD: tl.constexpr,
    CHECK: tl.constexpr,
    BLOCK: tl.constexpr,
    BLOCK_NOISE: tl.constexpr,
):
    """Packs the compact form of the ``rows`` ``[M, d]``, and 1 over their sums; the last programs pack the noise.

    The shared value is the smallest of the row. The word of a program has the bit NOT_COMPACT where a row has more than
    three other values: the row kernels then read the dense rows. With ``HARD`` the rows must be one-hot.
    """
    program = tl.program_id(0)
    TERMS: tl.constexpr = 1 if HARD else 3
    weights, shares, logs, noise_out = candidate_floats(floats, N, M, TERMS, not HARD, not HARD, COUNTS)
    counters, classes = candidate_integers(integers, programs)
    inverses = noise_out
    if NOISE:
        inverses = noise_out + d + noise_programs
    kind = floats.dtype.element_ty
    problem = tl.zeros((), tl.int32)
    if program < blocks:
        for j in range(program, M, blocks):
            w = rows + (tl.zeros((), tl.int64) + j) * row_stride
            least = tl.full((BLOCK,), float("inf"), tl.float64)
            sums = tl.zeros((BLOCK,), tl.float64)
            for start in range(0, d, BLOCK):
                c = start + tl.arange(0, BLOCK)
                value = tl.load(w + c.to(tl.int64) * class_stride, mask=c < d, other=0.0).to(tl.float64)
                least = tl.minimum(least, tl.where(c < d, value, float("inf")))
                sums += value
            floor, total = tl.min(least, 0), tl.sum(sums, 0)
            problem = problem | tl.where((floor >= 0.0) & (tl.abs(total - 1.0) <= tolerance), 0, BAD_TARGET)
            a = _next_other(w, class_stride, floor, -1, d, BLOCK)
            b = _next_other(w, class_stride, floor, a, d, BLOCK)
            if HARD:
                hard = ((floor == 0.0) & (a < d) & (b >= d)) | (d == 1)
                problem = problem | tl.where(hard, 0, NOT_HARD)
                tl.store(classes + j, tl.where(a < d, a, 0))
            else:
                e = _next_other(w, class_stride, floor, b, d, BLOCK)
                more = _next_other(w, class_stride, floor, e, d, BLOCK)
                problem = problem | tl.where(more < d, NOT_COMPACT, 0)
                _store_term(w, class_stride, classes, weights, j, a, floor, total, d, kind)
                _store_term(w, class_stride, classes + M, weights + M, j, b, floor, total, d, kind)
                _store_term(w, class_stride, classes + 2 * M, weights + 2 * M, j, e, floor, total, d, kind)
                tl.store(shares + j, (floor / total * d).to(kind))
                tl.store(inverses + j, (1.0 / total).to(kind))
            if COUNTS:
                count = tl.load(counts + (tl.zeros((), tl.int64) + j) * count_stride).to(tl.float64)
                problem = problem | tl.where((count >= 0.0) & (count < float("inf")), 0, BAD_COUNT)
                tl.store(logs + j, tl.log(count).to(kind))
        if program == 0:
            tl.store(counters + tl.arange(0, 2), tl.zeros((2,), tl.int32))
    else:
        if NOISE:
            problem = pack_noise(noise, noise_stride, noise_out, noise_out + d, program - blocks, d, BLOCK_NOISE)
    if not CHECK:
        problem = problem & NOT_COMPACT
    tl.store(integers + program, problem)
    if problem != 0:
        report(words, problem)
        if (problem & NOT_COMPACT) != 0:
            tl.store(words + slot, 1)


@triton.jit
def _store_term(w, stride, classes, weights, j, c, floor, total, d, kind: tl.constexpr):
    """Stores a class of row ``j`` and its weight; class 0 with weight 0 where the row has no further class."""
    held = c < d
    value = tl.load(w + tl.where(held, c, 0).to(tl.int64) * stride).to(tl.float64)
    tl.store(classes + j, tl.where(held, c, 0))
    tl.store(weights + j, tl.where(held, (value - floor) / total, 0.0).to(kind))
