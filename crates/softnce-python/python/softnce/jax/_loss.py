"""The derivatives of a loss, and where it is computed."""

from __future__ import annotations

import functools
from typing import Any, Tuple

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from softnce.jax import _ffi, _host, _plain
from softnce.jax._arrays import Array, concrete
from softnce.jax._call import LabelSide, Result, Settings

__all__ = ["loss"]


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def loss(settings: Settings, logits: Array, temperature: Array, side: LabelSide) -> Array:
    """The loss: ``[]``, or ``[N]`` with reduction none. The label side has no gradient."""
    return _evaluate(settings, False, logits, temperature, side).loss


def _derivative(settings: Settings, primals: Any, tangents: Any) -> Tuple[Array, Array]:
    value, gradient, part = _gradients(settings, *primals)
    by_row = settings.reduction == "none"
    change = jnp.zeros_like(value)
    if not isinstance(tangents[0], SymbolicZero):
        change += (gradient * tangents[0].astype(gradient.dtype)).sum(1 if by_row else None)
    if not isinstance(tangents[1], SymbolicZero):
        change += part * tangents[1]
    return value, change


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _gradients(settings: Settings, logits: Array, temperature: Array, side: LabelSide) -> Result:
    return _evaluate(settings, True, logits, temperature, side)


def _second_derivative(settings: Settings, primals: Any, tangents: Any) -> Tuple[Result, Result]:
    """The kernels know first derivatives; JAX makes all others from its own operations."""
    logits, temperature, side = primals
    changes = [jnp.zeros(t.shape, t.dtype) if isinstance(t, SymbolicZero) else t for t in tangents[:2]]

    def gradients(logits: Array, temperature: Array) -> Result:
        return _plain.evaluate(settings, True, logits, temperature, side)[0]

    return _gradients(settings, *primals), jax.jvp(gradients, (logits, temperature), tuple(changes))[1]


# Symbolic zeros tell what is not differentiated, such as most temperatures.
loss.defjvp(_derivative, symbolic_zeros=True)
_gradients.defjvp(_second_derivative, symbolic_zeros=True)


def _evaluate(settings: Settings, wanted: bool, *arrays: Any) -> Result:
    """By the kernels on the CPU and by JAX operations elsewhere, unless the settings say otherwise."""
    backend = settings.backend
    if concrete(arrays):
        # Outside jax.jit errors have their own types. They would lose them in a callback.
        on_cpu = all(device.platform == "cpu" for device in arrays[0].devices())
        if backend == "kernel" or (backend == "auto" and on_cpu):
            return _on_host(settings, wanted, *arrays)
        found, good = _plain.evaluate(settings, wanted, *arrays)
        # The kernels name what is wrong.
        return found if good else _on_host(settings, wanted, *arrays)

    def plain(*arrays: Any) -> Result:
        return _plain.evaluate(settings, wanted, *arrays)[0]

    def kernel(*arrays: Any) -> Result:
        return _ffi.call(settings, *arrays, jax.eval_shape(plain, *arrays))

    if backend == "auto":
        made: Result = jax.lax.platform_dependent(*arrays, cpu=kernel, default=plain)
        return made
    return kernel(*arrays) if backend == "kernel" else plain(*arrays)


def _on_host(settings: Settings, wanted: bool, logits: Array, *others: Any) -> Result:
    loss, gradient, part = jax.tree_util.tree_map(jnp.asarray, _host.evaluate(settings, wanted, logits, *others))
    return Result(loss, gradient if gradient is None else jax.device_put(gradient, logits.sharding), part)
