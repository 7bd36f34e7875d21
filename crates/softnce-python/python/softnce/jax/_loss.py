"""The derivatives of a loss, and where it is computed."""

from __future__ import annotations

import functools
from typing import Any, Tuple

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from softnce.jax import _host, _plain
from softnce.jax._arrays import Array
from softnce.jax._call import LabelSide, Result, Settings

__all__ = ["loss"]


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def loss(settings: Settings, logits: Array, temperature: Array, side: LabelSide) -> Array:
    """The loss: ``[]``, or ``[N]`` with reduction none. The label side has no gradient."""
    return _evaluate(settings, False, logits, temperature, side).loss


def _derivative(settings: Settings, primals: Any, tangents: Any) -> Tuple[Array, Array]:
    value, gradient, part = _gradients(settings, *primals)
    by_logits, by_temperature, _ = tangents
    change = jnp.zeros_like(value)
    if not isinstance(by_logits, SymbolicZero):
        rows = (gradient * by_logits.astype(gradient.dtype)).sum(1)
        change += rows if settings.reduction == "none" else rows.sum()
    if not isinstance(by_temperature, SymbolicZero):
        change += part * by_temperature
    return value, change


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _gradients(settings: Settings, logits: Array, temperature: Array, side: LabelSide) -> Result:
    return _evaluate(settings, True, logits, temperature, side)


def _second_derivative(settings: Settings, primals: Any, tangents: Any) -> Tuple[Result, Result]:
    """The kernels know first derivatives; JAX makes all others from its own operations."""
    side = primals[2]
    changes = [jnp.zeros(t.shape, t.dtype) if isinstance(t, SymbolicZero) else t for t in tangents[:2]]

    def gradients(logits: Array, temperature: Array) -> Result:
        return _plain.evaluate(settings, True, logits, temperature, side)[0]

    return _gradients(settings, *primals), jax.jvp(gradients, tuple(primals[:2]), tuple(changes))[1]


# Symbolic zeros tell what is not differentiated, such as most temperatures.
loss.defjvp(_derivative, symbolic_zeros=True)
_gradients.defjvp(_second_derivative, symbolic_zeros=True)


def _evaluate(settings: Settings, wanted: bool, *arrays: Any) -> Result:
    """By the kernels for values on the CPU, otherwise by JAX operations, unless the settings say otherwise."""
    if not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree_util.tree_leaves(arrays)):
        return _now(settings, wanted, *arrays)

    def plain(*arrays: Any) -> Result:
        return _plain.evaluate(settings, wanted, *arrays)[0]

    if settings.backend != "kernel":
        return plain(*arrays)

    def kernel(*arrays: Any) -> Result:
        return _host.evaluate(settings, wanted, *arrays)

    made: Result = jax.pure_callback(kernel, jax.eval_shape(plain, *arrays), *arrays, vmap_method="sequential")
    return made


def _now(settings: Settings, wanted: bool, logits: Array, *others: Any) -> Result:
    """The same of arrays that have values: here errors of the kernels keep their types."""
    logits = jax.device_put(logits)
    platforms = {device.platform for device in logits.devices()}
    if settings.backend == "kernel" and platforms != {"cpu"}:
        found = f'backend is "kernel" and the logits are on {", ".join(platforms)}'
        raise ValueError(f'{found}, expected "auto" or "jax" on this device')
    if settings.backend == "jax" or platforms != {"cpu"}:
        found, good = _plain.evaluate(settings, wanted, logits, *others)
        if good:
            return found
        # The kernels name what is wrong.
    loss, gradient, part = _host.evaluate(settings, wanted, logits, *others)
    gradient = gradient if gradient is None else jax.device_put(gradient, logits.sharding)
    return Result(jnp.asarray(loss), gradient, None if part is None else jnp.asarray(part))
