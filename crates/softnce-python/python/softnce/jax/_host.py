"""The losses computed by the Rust kernels, on the memory of arrays on the CPU."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import jax
import numpy as np

from softnce import _native
from softnce._warnings import warn
from softnce.jax._arrays import Array, wide
from softnce.jax._call import LabelSide, Result, Segment, Settings
from softnce.numpy._kernel import follow_threads
from softnce.numpy._memory import plain, view, view_of

__all__ = ["evaluate"]


def evaluate(settings: Settings, wanted: bool, logits: Array, temperature: Array, side: LabelSide) -> Result:
    """The loss of concrete arrays and, if ``wanted``, its gradients, as NumPy arrays."""
    arrays = jax.tree_util.tree_map(lambda array: plain(np.atleast_1d(array)), (logits, temperature, side))
    sums = np.dtype(wide(logits.dtype))
    count = len(logits) if settings.reduction == "none" else 1
    loss = np.empty(count, sums)
    gradient, part = (np.empty(logits.shape, sums), np.empty(count, sums)) if wanted else (None, None)
    outputs = view(loss), view_of(gradient), view_of(part)
    logits, temperature, side = arrays
    call = settings.kind, float(temperature[0]), view_of(side.noise), settings.reduction, settings.recognise
    segments = [_segment(*pair) for pair in zip(side.segments, settings.uniforms)]
    positives = settings.offset, view_of(side.positives)
    follow_threads()
    warn(_native.loss(call, view(logits), segments, positives, view_of(side.row_weights), 1.0, outputs))
    shape = (count,) if settings.reduction == "none" else ()
    return Result(loss.reshape(shape), gradient, None if part is None else part.reshape(shape))


def _segment(part: Segment, uniform: Optional[float]) -> Tuple[Any, ...]:
    first, second, shares, counts = part
    if shares is not None and uniform is None and len(shares) == 1:
        # One share for all rows: the kernels need to know that it is equal.
        uniform, shares = float(shares[0]), None
    return view(first), view_of(second), uniform or 0.0, view_of(shares), view_of(counts)
