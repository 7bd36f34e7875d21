"""How kernels with one program a row see a matrix."""

from __future__ import annotations

from typing import Dict

from torch import Tensor

from softnce.torch._devices import INTERPRETED

__all__ = ["block", "row_major"]


def block(length: int, split: bool = False) -> Dict[str, int]:
    """Columns a step and warps of a kernel that reads rows. Few choices, so that few kernels are compiled.

    Args:
        length: the columns.
        split: whether each block of a row has a program of its own.
    """
    if INTERPRETED:
        return {"BLOCK": 16, "num_warps": 4}
    if length <= 128:
        return {"BLOCK": 128, "num_warps": 1}
    # Eight columns a thread, or four: with eight warps of eight columns some kernels spill registers.
    return {"BLOCK": 1024, "num_warps": 4 if split or length <= 8192 else 8}


def row_major(matrix: Tensor) -> Tensor:
    """The matrix ``[n, m]``, copied unless the entries of a row lie side by side."""
    return matrix if matrix.stride(1) == 1 or matrix.shape[1] == 1 else matrix.contiguous()
