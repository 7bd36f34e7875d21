"""Rounding to bfloat16 at random, upwards with the probability of the part that is cut off.

The mean of the rounded value is the value, so that changes below the spacing of bfloat16 (1/256 of the value) are not
lost. The random bits are a function of seed, step, row and column. They therefore do not depend on the order of the
rows, and a resumed training and every worker of a group round alike.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["key", "rounded"]

_MASK = 0xFFFFFFFF
_FACTOR = 0x45D9F3B


def key(*numbers: int) -> int:
    """32 bits from integers."""
    mixed = 0
    for number in numbers:
        mixed = _mix((mixed + 0x9E3779B9) ^ (number & _MASK) ^ (number >> 32 & _MASK))
    return mixed


def _mix(bits: int) -> int:
    for _ in range(2):
        bits = ((bits >> 16) ^ bits) * _FACTOR & _MASK
    return (bits >> 16) ^ bits


def rounded(values: Tensor, rows: Tensor, key: int) -> Tensor:
    """Values ``[R, D]`` in float32 as bfloat16; ``rows`` ``[R]`` are their numbers in the whole matrix."""
    columns = torch.arange(values.shape[1], dtype=torch.int32, device=values.device) * -0x61C88647
    # In 32 bits, whose products wrap round: four times as fast as in 64.
    bits = _mixed((rows ^ key).int())[:, None] + columns
    noise = _mixed(bits).bitwise_and_(0xFFFF)
    cut = noise.add_(values.contiguous().view(torch.int32)).bitwise_and_(-0x10000).view(torch.float32)
    return torch.where(values.isfinite(), cut, values).bfloat16()


def _mixed(bits: Tensor) -> Tensor:
    """The bits of each number mixed, in place."""
    for shift in (16, 15):
        # Not the sign, which a shift repeats.
        bits.bitwise_xor_((bits >> shift).bitwise_and_(0xFFFF)).mul_(_FACTOR)
    return bits.bitwise_xor_((bits >> 16).bitwise_and_(0xFFFF))
