"""The settings with a fixed set of values, as types that a type checker knows."""

from __future__ import annotations

from typing import Literal, Union

__all__ = ["Backend", "Checks", "Mode", "Reduction"]

#: How the losses of the rows are combined.
Reduction = Literal["none", "mean", "sum"]
#: What computes a loss.
Backend = Literal["auto", "kernel", "tensor", "triton"]
#: What shares a lambda in MixUp and CutMix.
Mode = Literal["batch", "pair", "elem"]
#: Whether and when bad values raise.
Checks = Union[bool, Literal["now"]]
