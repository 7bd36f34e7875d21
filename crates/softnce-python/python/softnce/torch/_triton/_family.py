"""What a family of kernels provides: a module with the functions of the protocol below."""

from __future__ import annotations

from typing import NamedTuple, Optional, Protocol, Tuple

import torch
from torch import Tensor

from softnce.torch._call import Call

__all__ = ["Family", "Saved"]


class Saved(NamedTuple):
    """What the backward pass reads besides the arguments of the call."""

    #: One vector for all saved floats, in the type in which sums are kept; the family knows its layout.
    floats: Tensor
    #: One vector for all saved integers, int32.
    integers: Tensor


class Family(Protocol):
    """The kernels for one form of targets. No function may wait for the device."""

    def sizes(self, call: Call, shape: torch.Size) -> Tuple[int, int]:
        """The lengths of ``Saved.floats`` and ``Saved.integers`` for logits of a shape."""

    def forward(self, call: Call, logits: Tensor, temperature: Optional[Tensor]) -> Tuple[Tensor, Saved]:
        """The loss ``[]``, or ``[N]`` with reduction none, of logits ``[N, d]``, in the type of the sums. A temperature
        that is a tensor ``[]`` is on their device. Shapes have been checked, values have not."""

    def backward(
        self, call: Call, logits: Tensor, temperature: Optional[Tensor], saved: Saved, upstream: Tensor, learn: bool
    ) -> Tuple[Tensor, Tensor]:
        """The gradients for an upstream gradient ``[]`` or ``[N]``: of the logits, in their type, and of the
        temperature, ``[]`` in its type (any empty tensor unless ``learn``)."""
