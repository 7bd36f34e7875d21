"""Where the saved vectors of the contrastive kernels hold what.

``floats``: six numbers for each row, the square root of the factor of all rows, then weights, shares, logarithms of the
multiplicities and the noise, each only where the call has it. ``integers``: the problems that the packing
programs found, two counters of finished programs, then the classes.
"""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = [
    "LOSS",
    "MEAN",
    "OTHERS",
    "PEAK",
    "ROWS",
    "SHARE",
    "TOP",
    "candidate_floats",
    "candidate_integers",
]

#: The numbers of a row: its largest logit, the mean of its scores, the largest score of a candidate, the sum of the
#: exponentials of the other candidates (relative to that), their share of the posterior, its loss.
ROWS = 6
TOP = tl.constexpr(0)
MEAN = tl.constexpr(1)
PEAK = tl.constexpr(2)
OTHERS = tl.constexpr(3)
SHARE = tl.constexpr(4)
LOSS = tl.constexpr(5)


@triton.jit
def candidate_floats(
    floats, N, M, TERMS: tl.constexpr, WEIGHTED: tl.constexpr, UNIFORM: tl.constexpr, COUNTS: tl.constexpr
):
    """Pointers to the weights ``[TERMS, M]``, shares ``[M]``, logarithms of the multiplicities ``[M]``, noise."""
    weights = floats + 6 * N + 1
    shares = weights
    if WEIGHTED:
        shares = weights + TERMS * M
    counts = shares
    if UNIFORM:
        counts = shares + M
    noise = counts
    if COUNTS:
        noise = counts + M
    return weights, shares, counts, noise


@triton.jit
def candidate_integers(integers, programs):
    """Pointers to the two counters and to the classes ``[TERMS, M]``."""
    return integers + programs, integers + programs + 2
