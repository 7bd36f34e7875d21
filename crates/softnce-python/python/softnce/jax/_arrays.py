"""Converts arguments to JAX arrays; an error names the argument that does not fit."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from softnce.numpy._checks import shape_error
from softnce.numpy._memory import FLOATS, INTEGERS

__all__ = ["Array", "as_array", "as_floats", "as_integers", "as_weights", "of_32_bits", "wide"]

#: A JAX array, which may be a tracer.
Array = Any


def as_array(argument: str, values: Any) -> Array:
    """Anything that JAX can convert to an array."""
    if isinstance(values, jax.Array):
        return values
    try:
        given = np.asarray(values)
        if given.dtype.kind in "iu" and given.size and not _held(given):
            message = "expected integers of 32 bits, or jax_enable_x64"
            raise OverflowError(f"{argument} holds {given.flat[np.abs(given).argmax()]}, {message}")
        return jnp.asarray(values)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{argument} does not make an array: {error}") from None


def _held(values: Any) -> bool:
    """Whether the integer type that JAX converts to can represent integers."""
    info = jnp.iinfo(jax.dtypes.canonicalize_dtype(values.dtype))
    return bool(values.min() >= info.min and values.max() <= info.max)


def as_floats(argument: str, values: Any) -> Array:
    """Floats of a type that the losses support."""
    array = as_array(argument, values)
    if array.dtype.name not in FLOATS:
        raise TypeError(f"{argument} has dtype {array.dtype}, expected float16, bfloat16, float32 or float64")
    return array


def as_integers(argument: str, values: Any) -> Array:
    """Class indices or indices of candidates."""
    array = as_array(argument, values)
    if array.dtype.name not in INTEGERS:
        raise TypeError(f"{argument} has dtype {array.dtype}, expected integers")
    return of_32_bits(array)


def of_32_bits(integers: Array) -> Array:
    """Integers of at least 32 bits: those of 8 and 16 bits cannot be compared with the number of classes."""
    return integers.astype(jnp.int32) if integers.dtype.itemsize < 4 else integers


def as_weights(argument: str, values: Any, length: int, expected: str) -> Array:
    """A vector ``[length]`` of numbers that weigh or count rows: floats, integers or truth values."""
    array = as_array(argument, values)
    if array.dtype.name in INTEGERS or array.dtype == bool:
        array = array.astype(float)
    array = as_floats(argument, array)
    # Sums of many in half precision would be wrong.
    array = array.astype(jnp.promote_types(array.dtype, jnp.float32))
    if array.shape != (length,):
        raise shape_error(argument, array, expected)
    return array


def wide(dtype: Any) -> Any:
    """The type in which sums over values of this type are kept."""
    return jnp.float64 if dtype == jnp.float64 else jnp.float32
