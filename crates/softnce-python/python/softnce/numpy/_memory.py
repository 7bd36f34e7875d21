"""Arrays in the form that the kernels expect: address, type, shape and strides of their memory."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["CODES", "FLOATS", "INTEGERS", "View", "plain", "simplex_tolerance", "view", "view_of", "wide"]

View = Tuple[int, int, int, int, int, int]

FLOATS = {"float16": 0, "bfloat16": 1, "float32": 2, "float64": 3}
INTEGERS = {"int8": 4, "int16": 5, "int32": 6, "int64": 7, "uint8": 8, "uint16": 9, "uint32": 10, "uint64": 11}
CODES = {**FLOATS, **INTEGERS}


def wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which sums over values of this type are kept."""
    return np.dtype(np.float64 if dtype.name == "float64" else np.float32)


def simplex_tolerance(dtype: np.dtype[Any]) -> float:
    """The largest allowed distance between the sum of a row of this type and 1, as in the kernels."""
    return {"float16": 2e-3, "bfloat16": 2e-2}.get(dtype.name, 1e-4)


def plain(array: NDArray[Any]) -> NDArray[Any]:
    """The array itself if the kernels can read it, else a copy in row-major order."""
    # Strides are passed in elements, so they must be multiples of the element size.
    odd = any(step < 0 or step % array.itemsize for step in array.strides)
    if odd or not (array.dtype.isnative and array.flags.aligned):
        return array.astype(array.dtype.newbyteorder("="), order="C")
    return array


def view(array: NDArray[Any]) -> View:
    """A plain array ``[n]`` or ``[n, m]``; it must stay alive during the call that gets the view."""
    rows, columns = (*array.shape, 1)[:2]
    row_step, column_step = (*(step // array.itemsize for step in array.strides), 1)[:2]
    return array.ctypes.data, CODES[array.dtype.name], rows, columns, row_step, column_step


def view_of(array: Optional[NDArray[Any]]) -> Optional[View]:
    """The view of an optional array."""
    return None if array is None else view(array)
