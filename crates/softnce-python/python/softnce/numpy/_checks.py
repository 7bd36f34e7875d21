"""Converts arguments to arrays and numbers; an error names the argument that does not fit."""

from __future__ import annotations

import operator
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from softnce.numpy._memory import CODES, FLOATS, INTEGERS, plain

__all__ = [
    "as_array",
    "as_class_count",
    "as_doubles",
    "as_floats",
    "as_labels",
    "as_matrix",
    "as_number",
    "as_share",
    "as_vector",
    "shape_error",
]

_TYPES = "float16, bfloat16, float32 or float64"


def as_array(argument: str, values: Any) -> NDArray[Any]:
    """Anything that NumPy can convert to an array."""
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{argument} does not make an array: {error}") from None


def as_labels(argument: str, labels: Any) -> NDArray[Any]:
    """Class indices."""
    array = as_array(argument, labels)
    if array.dtype.name not in INTEGERS:
        raise TypeError(f"{argument} has dtype {array.dtype}, expected integers")
    return array


def as_doubles(argument: str, values: Any, expected: str = "floats") -> NDArray[Any]:
    """Numbers in double precision."""
    array = as_array(argument, values)
    if array.dtype.name not in CODES:
        raise TypeError(f"{argument} has dtype {array.dtype}, expected {expected}")
    return array.astype(np.float64, copy=False)


def as_floats(argument: str, values: Any, expected: str = _TYPES) -> NDArray[Any]:
    """Floats of a type that the kernels support."""
    array = as_array(argument, values)
    if array.dtype.name not in FLOATS:
        raise TypeError(f"{argument} has dtype {array.dtype}, expected {expected}")
    return array


def as_matrix(argument: str, values: Any, shape: str, types: str = _TYPES) -> NDArray[Any]:
    """A float matrix that the kernels can read."""
    array = as_floats(argument, values, types)
    if array.ndim != 2:
        raise shape_error(argument, array, shape)
    return plain(array)


def as_vector(argument: str, values: Any, expected: str, length: Optional[int] = None) -> NDArray[Any]:
    """A float vector that the kernels can read."""
    array = as_array(argument, values)
    if array.ndim != 1 or array.dtype.name not in FLOATS or length not in (None, len(array)):
        raise ValueError(f"{argument} has shape {list(array.shape)} and dtype {array.dtype}, expected {expected}")
    return plain(array)


def as_number(argument: str, value: Any) -> float:
    """A single number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{argument} is {value!r}, expected a number") from None


def as_share(argument: str, value: Any) -> float:
    """A number from 0 to 1."""
    share = as_number(argument, value)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"{argument} is {share}, expected a share from 0 to 1")
    return share


def as_class_count(num_classes: Any) -> int:
    """The number of classes."""
    try:
        count = operator.index(num_classes)
    except TypeError:
        raise TypeError(f"num_classes is {num_classes!r}, expected an integer") from None
    if count < 1:
        raise ValueError(f"num_classes is {count}, expected at least 1")
    return count


def shape_error(argument: str, found: Any, expected: str) -> ValueError:
    """The error for an array or targets of the wrong shape."""
    return ValueError(f"{argument} has shape {list(found.shape)}, expected {expected}")
