"""Tensors in the form that the kernels expect: address, type, shape and strides of their memory."""

from __future__ import annotations

from typing import Iterable, Tuple

import torch
from torch import Tensor
from torch.nn import Parameter

from softnce import _native

__all__ = [
    "FLOATS",
    "View",
    "WIDE",
    "check_unchanged",
    "column",
    "follow_threads",
    "integers",
    "is_plain",
    "place",
    "resolved",
    "signed",
    "version",
    "versions",
    "view",
]

View = Tuple[int, int, int, int, int, int]

WIDE = torch.float64
_STRIDED = torch.strided
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
    kind = type(tensor)
    return kind is Tensor or kind is Parameter or kind.__torch_dispatch__ is Tensor.__torch_dispatch__


def version(tensor: Tensor) -> int:
    """A number that every change in place increases; -1 for tensors of inference mode, which have none."""
    return -1 if tensor.is_inference() else tensor._version


def versions(tensors: Iterable[Tensor]) -> Tuple[int, ...]:
    """The version of each tensor."""
    return tuple([version(tensor) for tensor in tensors])


def check_unchanged(argument: str, tensors: Iterable[Tensor], before: Tuple[int, ...]) -> None:
    """Raises an error if one of the tensors has another version than before."""
    if versions(tensors) != before:
        message = "second derivatives (create_graph=True) need them as they were"
        raise RuntimeError(f"{argument} have been modified in place since the loss was computed; {message}")


def resolved(tensor: Tensor) -> Tensor:
    """A tensor whose memory holds its values: lazily negated views are materialised, distributed ones gathered."""
    if not is_plain(tensor) and hasattr(tensor, "full_tensor"):
        tensor = tensor.full_tensor()
    if torch.compiler.is_compiling():
        return tensor.resolve_neg()
    return tensor.resolve_neg() if tensor.is_neg() else tensor


def _guard(tensor: Tensor) -> None:
    if not tensor.is_cpu or tensor.layout is not _STRIDED or tensor.is_neg() or not is_plain(tensor):
        kind = f"{type(tensor).__name__} of layout {tensor.layout} on {tensor.device}"
        raise TypeError(f"found a {kind}, expected a plain tensor on the CPU")


def view(tensor: Tensor) -> View:
    """A tensor ``[n]`` or ``[n, m]`` on the CPU; it must stay alive during the call that gets the view."""
    _guard(tensor)
    return place(tensor)


def place(tensor: Tensor) -> View:
    """The same for a tensor that is known to be plain and on the CPU."""
    if tensor.dim() != 2:
        return _column(tensor)
    return tensor.data_ptr(), _CODES[tensor.dtype], *tensor.shape, *tensor.stride()


def column(tensor: Tensor) -> View:
    """A tensor ``[n]`` or ``[]`` as a column."""
    _guard(tensor)
    return _column(tensor)


def _column(tensor: Tensor) -> View:
    if tensor.dim() == 0:
        return tensor.data_ptr(), _CODES[tensor.dtype], 1, 1, 1, 1
    return tensor.data_ptr(), _CODES[tensor.dtype], tensor.shape[0], 1, tensor.stride(0), 1
