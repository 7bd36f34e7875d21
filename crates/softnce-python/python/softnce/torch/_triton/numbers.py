"""Functions that several kernels use. Everything here runs on the device."""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = [
    "BAD_CLASS",
    "BAD_COUNT",
    "BAD_LOGITS",
    "BAD_NOISE",
    "BAD_POSITIVE",
    "BAD_ROW_WEIGHT",
    "BAD_TARGET",
    "BAD_TEMPERATURE",
    "NOT_HARD",
    "ROUNDING",
    "any_bit",
    "log1p",
    "number",
    "positive_of",
    "report",
    "temperature_of",
]

# The bits of a problem word: 1 << the position in flags.PROBLEMS.
BAD_LOGITS = tl.constexpr(1)
BAD_CLASS = tl.constexpr(2)
BAD_TARGET = tl.constexpr(4)
BAD_COUNT = tl.constexpr(8)
BAD_POSITIVE = tl.constexpr(16)
BAD_TEMPERATURE = tl.constexpr(32)
BAD_NOISE = tl.constexpr(64)
BAD_ROW_WEIGHT = tl.constexpr(128)
NOT_HARD = tl.constexpr(256)
#: A sum of numbers in double precision this close to 1 is 1.
ROUNDING = tl.constexpr(1e-14)


@triton.jit
def number(x, WIDE: tl.constexpr):
    """A Python float in the type of the sums. Compiled it comes as a scalar, interpreted as a Python float."""
    return (tl.zeros((), WIDE) + x).to(WIDE)


@triton.jit
def temperature_of(temperature, value, LEARNED: tl.constexpr, WIDE: tl.constexpr):
    """The temperature: a tensor ``[]`` or a number."""
    tau = number(value, WIDE)
    if LEARNED:
        tau = tl.load(temperature).to(WIDE)
    return tau


@triton.jit
def positive_of(positives, stride, offset, row, POSITIONS: tl.constexpr):
    """The index of the row's positive among the candidates."""
    p = row + offset
    if POSITIONS:
        p = tl.load(positives + row * stride).to(tl.int64)
    return p


@triton.jit
def _or(a, b):
    return a | b


@triton.jit
def any_bit(bits):
    """The bits that are set in any lane of ``bits`` ``[n]``, int32."""
    return tl.reduce(bits, 0, _or)


@triton.jit
def log1p(x):
    """log(1 + x) of ``x >= 0``, accurate for small x: the rounding error of 1 + x is divided out."""
    u = 1.0 + x
    return tl.where(u == 1.0, x, tl.log(u) * (x / tl.where(u == 1.0, 1.0, u - 1.0)))


@triton.jit
def report(words_ptr, problem):
    """Stores 1 in the word of each bit of ``problem``; see ``flags``. Called only where something is wrong."""
    bit = tl.arange(0, 16)
    tl.store(words_ptr + bit, tl.full((16,), 1, tl.int32), mask=((problem >> bit) & 1) != 0)
