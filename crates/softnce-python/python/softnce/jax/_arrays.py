"""Converts arguments to JAX arrays; an error names the argument that does not fit."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from softnce.numpy._checks import shape_error
from softnce.numpy._memory import FLOATS, INTEGERS

__all__ = ["Array", "as_array", "as_floats", "as_integers", "as_weights", "wide"]

#: A JAX array, which may be a tracer.
Array = Any


def as_array(argument: str, values: Any) -> Array:
    """Anything that JAX can convert to an array."""
    if isinstance(values, jax.Array):
        return values
    try:
        return jnp.asarray(values)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{argument} does not make an array: {error}") from None


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
    return array


def as_weights(argument: str, values: Any, length: int, expected: str) -> Array:
    """A vector ``[length]`` of numbers that weigh or count rows: floats, integers or truth values."""
    array = as_array(argument, values)
    if array.dtype.name in INTEGERS or array.dtype == bool:
        array = array.astype(float)
    array = as_floats(argument, array)
    if array.shape != (length,):
        raise shape_error(argument, array, expected)
    return array


def wide(dtype: Any) -> Any:
    """The type in which sums over values of this type are kept."""
    return jnp.float64 if dtype == jnp.float64 else jnp.float32
