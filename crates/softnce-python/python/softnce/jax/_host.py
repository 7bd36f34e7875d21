"""The losses computed by the Rust kernels, on the memory of arrays on the CPU."""

from __future__ import annotations

import ctypes
from typing import Any

import jax
import numpy as np

from softnce import _native
from softnce._warnings import warn
from softnce.jax._arrays import Array, wide
from softnce.jax._call import LabelSide, Result, Settings
from softnce.numpy._kernel import follow_threads
from softnce.numpy._memory import View, plain, view, view_of

__all__ = ["evaluate", "run"]


def run(settings: Settings, logits: View, temperature: View, side: LabelSide, outputs: Any) -> None:
    """Writes the loss and its gradients. All arrays, those of the label side too, are views of memory."""
    segments = []
    for part, uniform in zip(side.segments, settings.uniforms):
        first, second, shares, counts = part
        if shares is not None and uniform is None and shares[2] == 1:
            # One share for all rows: the kernels need to know that it is equal.
            uniform, shares = _number(shares), None
        segments.append((first, second, uniform or 0.0, shares, counts))
    call = settings.kind, _number(temperature), side.noise, settings.reduction, settings.recognise
    follow_threads()
    positives = settings.offset, side.positives
    warn(_native.loss(call, logits, segments, positives, side.row_weights, 1.0, outputs))


def evaluate(settings: Settings, wanted: bool, logits: Array, temperature: Array, side: LabelSide) -> Result:
    """The loss of concrete arrays and, if ``wanted``, its gradients, as NumPy arrays."""
    arrays = jax.tree_util.tree_map(lambda array: plain(np.atleast_1d(array)), (logits, temperature, side))
    sums = np.dtype(wide(logits.dtype))
    count = len(logits) if settings.reduction == "none" else 1
    loss = np.empty(count, sums)
    gradient, part = (np.empty(logits.shape, sums), np.empty(count, sums)) if wanted else (None, None)
    views = jax.tree_util.tree_map(view, arrays)
    run(settings, views[0], views[1], views[2], (view(loss), view_of(gradient), view_of(part)))
    shape = (count,) if settings.reduction == "none" else ()
    return Result(loss.reshape(shape), gradient, None if part is None else part.reshape(shape))


def _number(place: View) -> float:
    """The single float32 or float64 in memory."""
    kind = {2: ctypes.c_float, 3: ctypes.c_double}[place[1]]
    return float(kind.from_address(place[0]).value)
