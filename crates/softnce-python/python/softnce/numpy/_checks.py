"""Converts arguments to arrays and numbers; an error names the argument that does not fit."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from softnce._settings import number
from softnce.numpy._memory import CODES, FLOATS, INTEGERS, plain

__all__ = [
    "as_array",
    "as_doubles",
    "as_floats",
    "as_labels",
    "as_matrix",
    "as_temperature",
    "as_vector",
    "as_weights",
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


def as_temperature(value: Any, sums: np.dtype[Any]) -> Any:
    """A number above 0, in the type of the sums, in which its reciprocal must be finite as well."""
    with np.errstate(all="ignore"):
        tau = sums.type(number("temperature", value))
        fits = tau > 0 and np.isfinite(tau) and np.isfinite(1 / tau)
    if not fits:
        expected = "a finite number above 0 with a finite reciprocal (also in the type of the sums)"
        raise ValueError(f"temperature is {value}, expected {expected}")
    return tau


def as_vector(argument: str, values: Any, expected: str, length: Optional[int] = None) -> NDArray[Any]:
    """A float vector that the kernels can read."""
    array = as_array(argument, values)
    if array.ndim != 1 or array.dtype.name not in FLOATS or length not in (None, len(array)):
        raise ValueError(f"{argument} has shape {list(array.shape)} and dtype {array.dtype}, expected {expected}")
    return plain(array)


def as_weights(argument: str, values: Any, length: Optional[int] = None) -> NDArray[Any]:
    """A vector of numbers that weigh or count rows: floats, integers or truth values."""
    array = as_array(argument, values)
    if array.dtype.name in INTEGERS or array.dtype == np.bool_:
        array = array.astype(np.float64)
    expected = "a vector of numbers" if length is None else f"[{length}] numbers, over targets and candidates"
    return as_vector(argument, array, expected, length)


def shape_error(argument: str, found: Any, expected: str) -> ValueError:
    """The error for an array or targets of the wrong shape."""
    return ValueError(f"{argument} has shape {list(found.shape)}, expected {expected}")
