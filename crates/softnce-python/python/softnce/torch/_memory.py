"""Tensors in the form that the kernels expect: address, type, shape and strides of their memory."""

from __future__ import annotations

from typing import Tuple

import torch
from torch import Tensor

from softnce import _native

__all__ = ["FLOATS", "View", "WIDE", "column", "follow_threads", "integers", "is_plain", "resolved", "signed", "view"]

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
    """Whether a tensor has an integer type, as class indices have."""
    return tensor.dtype in _INTEGERS


def signed(indices: Tensor) -> Tensor:
    """Indices in a type that PyTorch can compute with: few of its operations support uint16, uint32 and uint64."""
    return indices if indices.dtype.is_signed or indices.dtype == torch.uint8 else indices.long()


def follow_threads() -> None:
    """Lets the kernels use as many threads as PyTorch uses now."""
    _native.follow_threads(torch.get_num_threads())


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor has memory of its own, unlike fake, distributed and wrapped tensors."""
    return type(tensor).__torch_dispatch__ is Tensor.__torch_dispatch__


def resolved(tensor: Tensor) -> Tensor:
    """A tensor whose memory holds its values: lazily negated views are materialised."""
    if torch.compiler.is_compiling():
        return tensor.resolve_neg()
    return tensor.resolve_neg() if tensor.is_neg() else tensor


def _guard(tensor: Tensor) -> None:
    if tensor.device.type != "cpu" or tensor.layout is not torch.strided or not is_plain(tensor) or tensor.is_neg():
        kind = f"{type(tensor).__name__} of layout {tensor.layout} on {tensor.device}"
        raise TypeError(f"found a {kind}, expected a plain tensor on the CPU")


def view(tensor: Tensor) -> View:
    """A tensor ``[n]`` or ``[n, m]`` on the CPU; it must stay alive during the call that gets the view."""
    shape = tensor.shape
    if len(shape) == 2:
        _guard(tensor)
        strides = tensor.stride()
        return tensor.data_ptr(), _CODES[tensor.dtype], shape[0], shape[1], strides[0], strides[1]
    return column(tensor)


def column(tensor: Tensor) -> View:
    """A tensor ``[n]`` or ``[]`` as a column."""
    _guard(tensor)
    shape, strides = tensor.shape, tensor.stride()
    rows, stride = (shape[0], strides[0]) if len(shape) else (1, 1)
    return tensor.data_ptr(), _CODES[tensor.dtype], rows, 1, stride, 1
