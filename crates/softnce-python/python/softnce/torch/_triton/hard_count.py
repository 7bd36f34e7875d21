"""The kernel that counts the labels of each class and keeps them as they are needed by the row kernels."""

from __future__ import annotations

import triton
import triton.language as tl

from softnce.torch._triton.noise import pack_noise
from softnce.torch._triton.numbers import BAD_CLASS, any_bit, report

__all__ = ["count"]


@triton.jit(do_not_specialize=["at", "rows", "before", "blocks", "programs"])
def count(
    labels,
    noise,
    logs,
    integers,
    words,
    label_stride,
    noise_stride,
    at,
    rows,
    before,
    blocks,
    programs,
    d,
    NOISE: tl.constexpr,
    CHECK: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Counts ``rows`` labels, candidates ``at`` and after; the programs after ``blocks`` pack the noise into ``logs``.

    ``integers``: the problem of each program, two counters, the counts ``[d]`` (0 before), the labels ``[M]``. Counts
    are integers, so that the order of the additions does not matter.
    """
    program = tl.program_id(0)
    counts = integers + programs + 2
    problem = tl.zeros((), tl.int32)
    if program < blocks:
        j = program * BLOCK + tl.arange(0, BLOCK)
        inside = j < rows
        label = tl.load(labels + j.to(tl.int64) * label_stride, mask=inside, other=0).to(tl.int64)
        known = inside & (label >= 0) & (label < d)
        tl.store(counts + d + at + j, tl.where(known, label, 0).to(tl.int32), mask=inside)
        tl.atomic_add(counts + label, tl.full((BLOCK,), 1, tl.int32), mask=known, sem="relaxed")
        problem = any_bit(tl.where(inside & (known == 0), BAD_CLASS, 0))
    else:
        if NOISE:
            problem = pack_noise(noise, noise_stride, logs, logs + d, program - blocks, d, BLOCK)
    if not CHECK:
        problem = tl.zeros((), tl.int32)
    tl.store(integers + before + program, problem)
    if problem != 0:
        report(words, problem)
