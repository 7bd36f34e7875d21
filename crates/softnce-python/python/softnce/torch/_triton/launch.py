"""Launches kernels: on the device of their tensors, and counted for the tests."""

from __future__ import annotations

import contextlib
from functools import cache
from typing import Any, ContextManager, Dict, Iterator, List, NamedTuple, Optional, Tuple

import torch
import triton.language as tl
from torch import Tensor

from softnce.torch._call import Call
from softnce.torch._devices import INTERPRETED

__all__ = [
    "Launch",
    "count",
    "launch",
    "next_power",
    "processors",
    "recorded",
    "reduction_code",
    "stride_of",
    "sum_type",
]

#: Whether launches skip Triton's own search for the compiled kernel. Not yet measured on a device.
DIRECT = False

_compiled: Dict[Any, Tuple[Any, Tuple[Any, ...]]] = {}
_launched = 0


class Launch(NamedTuple):
    """A launch as ``recorded`` collects it."""

    kernel: Any
    arguments: Tuple[Any, ...]
    options: Dict[str, Any]


_record: Optional[List[Launch]] = None


def count() -> int:
    """The kernels launched so far by this module."""
    return _launched


def launch(kernel: Any, programs: int, device: torch.device, arguments: Tuple[Any, ...], **options: Any) -> None:
    """Launches a one-dimensional grid. ``options``: the kernel's constants and ``num_warps``.

    Products and sums are rounded apart unless ``enable_fp_fusion`` is set, so that the forward and the backward kernel
    find the same scores, bit for bit.
    """
    global _launched
    _launched += 1
    if not INTERPRETED:
        options = {"enable_fp_fusion": False, **options}
    if _record is not None:
        _record.append(Launch(kernel, arguments, options))
        return
    with _on(device):
        if DIRECT and not INTERPRETED:
            _launch_directly(kernel, programs, device, arguments, options)
        else:
            kernel[(programs,)](*arguments, **options)


def _launch_directly(
    kernel: Any, programs: int, device: torch.device, arguments: Tuple[Any, ...], options: Dict[str, Any]
) -> None:
    """Launches a kernel that was compiled by an earlier launch of the same kinds of arguments.

    The key has all that Triton distinguishes, so that another kind takes Triton's own way once.
    """
    key = (id(kernel), device, tuple(options.values()), tuple([_kind(value) for value in arguments]))
    held = _compiled.get(key)
    if held is None:
        compiled = kernel[(programs,)](*arguments, **options)
        # The launcher takes the constants as well, in the order of the parameters.
        _compiled[key] = compiled, tuple([options[name] for name in kernel.arg_names[len(arguments) :]])
        return
    compiled, constants = held
    compiled[(programs, 1, 1)](*arguments, *constants)


def _kind(value: Any) -> Any:
    """What Triton compiles a kernel anew for: types, alignment, and the integer 1."""
    if isinstance(value, Tensor):
        return value.dtype, value.data_ptr() % 16 == 0
    if isinstance(value, int):
        return value == 1, value % 16 == 0, -(1 << 31) <= value < 1 << 31
    return None


@contextlib.contextmanager
def recorded() -> Iterator[List[Launch]]:
    """Collects launches instead of making them: for the tool that compiles the kernels where there is no device."""
    global _record
    _record = []
    try:
        yield _record
    finally:
        _record = None


def _on(device: torch.device) -> ContextManager[Any]:
    """Triton launches on the current device, which need not be that of the tensors."""
    if device.type != "cuda" or device.index is None or device.index == torch.cuda.current_device():
        return contextlib.nullcontext()
    return torch.cuda.device(device)


@cache
def processors(device: torch.device) -> int:
    """The number of multiprocessors of a device."""
    if INTERPRETED or _record is not None:
        return 2
    return int(torch.cuda.get_device_properties(device).multi_processor_count)


def next_power(value: int, low: int, high: int) -> int:
    """The smallest power of two not below ``value``, within the powers ``low`` and ``high``: a size of a block."""
    return min(max(1 << (max(value, 1) - 1).bit_length(), low), high)


def stride_of(vector: Optional[Tensor]) -> int:
    """The stride of a vector ``[n]``; 0 for one number or none."""
    return vector.stride(0) if vector is not None and vector.dim() == 1 else 0


def reduction_code(call: Call, rows: int) -> Tuple[float, int]:
    """The factor of each row's loss, and the constant REDUCTION: 0 none, 1 sum, 2 sum divided by the row weights'."""
    if call.reduction == "mean" and call.row_weights is None:
        return call.scale / rows, 1
    return call.scale, {"none": 0, "sum": 1, "mean": 2}[call.reduction]


def sum_type(tensor: Tensor) -> Any:
    """The type in which kernels keep sums over values of a tensor's type."""
    return tl.float64 if tensor.dtype == torch.float64 else tl.float32
