"""Tensors as the kernels take them: the place, type, shape and strides of their memory."""

from __future__ import annotations

from typing import Tuple

import torch
from torch import Tensor

__all__ = ["FLOATS", "View", "WIDE", "column", "integers", "view"]

View = Tuple[int, int, int, int, int, int]

WIDE = torch.float64
FLOATS = {torch.float16: 0, torch.bfloat16: 1, torch.float32: 2, torch.float64: 3}
_CODES = {
    **FLOATS,
    torch.int8: 4,
    torch.int16: 5,
    torch.int32: 6,
    torch.int64: 7,
    torch.uint8: 8,
}
for _name, _code in (("uint16", 9), ("uint32", 10), ("uint64", 11)):
    if hasattr(torch, _name):
        _CODES[getattr(torch, _name)] = _code
_INTEGERS = frozenset(dtype for dtype, code in _CODES.items() if code > 3)


def integers(tensor: Tensor) -> bool:
    """Whether a tensor holds class indices."""
    return tensor.dtype in _INTEGERS


def view(tensor: Tensor) -> View:
    """A tensor ``[n]`` or ``[n, m]`` on the CPU; it must outlive the call that it is handed to."""
    shape, strides = tensor.shape, tensor.stride()
    if len(shape) == 2:
        return tensor.data_ptr(), _CODES[tensor.dtype], shape[0], shape[1], strides[0], strides[1]
    return column(tensor)


def column(tensor: Tensor) -> View:
    """A tensor ``[n]`` or ``[]`` as a column."""
    shape, strides = tensor.shape, tensor.stride()
    rows, stride = (shape[0], strides[0]) if len(shape) else (1, 1)
    return tensor.data_ptr(), _CODES[tensor.dtype], rows, 1, stride, 1
