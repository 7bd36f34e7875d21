"""The losses computed by the kernels, on the memory of arrays."""

from __future__ import annotations

import functools
import os
from typing import Any, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from softnce import _native
from softnce._warnings import warn
from softnce.numpy._call import Call
from softnce.numpy._memory import view, view_of, wide
from softnce.numpy._scale import scaled, upstream_factor

__all__ = ["Loss", "evaluate", "follow_threads"]

#: A scalar, or ``[N]`` with reduction none; float64 for float64 logits, otherwise float32.
Loss = Union["np.floating[Any]", NDArray[Any]]


def follow_threads() -> None:
    """Lets the kernels use as many threads as the environment says, or one per core."""
    _native.follow_threads(_threads())


@functools.cache
def _threads() -> int:
    for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS"):
        # OpenMP accepts a list, with one number per nesting level.
        first = os.environ.get(name, "").split(",")[0].strip()
        if first.isdecimal() and int(first) > 0:
            return int(first)
    return os.cpu_count() or 1


def evaluate(call: Call, logits: NDArray[Any], wanted: bool, upstream: Any = None) -> Tuple[Loss, Any, float]:
    """The loss and, if ``wanted``, its gradients times the upstream gradient."""
    rows, by_row = len(logits), call.reduction == "none"
    loss = np.empty(rows if by_row else 1, wide(logits.dtype))
    factor = upstream_factor(call, upstream, rows)
    gradient = parts = None
    if wanted:
        # A gradient that will be scaled is computed in the type of the sums and rounded only once, after scaling.
        gradient = np.empty(logits.shape, logits.dtype if factor is None else wide(logits.dtype))
        parts = np.empty(rows if by_row else 1)
    outputs = view(loss), view_of(gradient), view_of(parts)
    follow_threads()
    warn(_native.loss(call.settings(), view(logits), *call.label_side(), 1.0, outputs))
    value = loss if by_row else loss[0]
    if gradient is None or parts is None:
        return value, None, 0.0
    if factor is not None:
        gradient, parts = scaled(gradient, factor[..., None], logits.dtype), parts * factor
    return value, gradient, float(parts.sum())
