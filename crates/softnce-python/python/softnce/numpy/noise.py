"""The noise distribution, and the posterior for prediction, which does not depend on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from softnce._settings import number
from softnce.numpy._checks import as_doubles, as_floats, as_temperature, shape_error
from softnce.numpy._memory import wide

__all__ = ["noise_from_counts", "posterior"]


def noise_from_counts(counts: ArrayLike, smoothing: float = 1.0, alpha: float = 1.0) -> NDArray[np.float64]:
    """The noise distribution ``[d]`` from class counts ``[d]``, proportional to ``(counts + smoothing) ** alpha``.

    Use the class counts of the training set. In soft target InfoNCE (Hugger and Uhlmann, arXiv 2404.14076) with hard
    labels, alpha 1 then gives gradients like those of cross-entropy, and alpha 0 like those of balanced softmax.

    Raises:
        ValueError: a count is below 0 or leaves its class with probability 0; ``smoothing`` or ``alpha`` is out of
            range.
        TypeError: the counts are not numbers.
    """
    smoothing, alpha = number("smoothing", smoothing), number("alpha", alpha)
    if not (np.isfinite(smoothing) and smoothing >= 0):
        raise ValueError(f"smoothing is {smoothing}, expected a finite number not below 0")
    if not np.isfinite(alpha):
        raise ValueError(f"alpha is {alpha}, expected a finite number")
    vector = as_doubles("counts", counts, "numbers")
    if vector.ndim != 1 or len(vector) == 0:
        raise shape_error("counts", vector, "[d], one for each class")
    masses = vector + smoothing
    for bad, expected in (
        (~(np.isfinite(vector) & (vector >= 0)), "a finite number not below 0"),
        (masses <= 0, "a number above 0 (smooth the counts of unseen classes)"),
    ):
        if bad.any():
            place = int(bad.argmax())
            raise ValueError(f"counts[{place}] is {vector[place]}, expected {expected}")
    powered = _softmax(alpha * np.log(masses))
    if not (powered > 0).all():
        raise ValueError(f"alpha is {alpha}, expected a power that keeps every noise probability above 0")
    return powered


def posterior(logits: ArrayLike, temperature: float = 1.0) -> NDArray[Any]:
    """The class probabilities ``softmax(logits / temperature)`` that the losses train (arXiv 2404.14076).

    Args:
        logits: ``[..., d]``; float16, bfloat16, float32 or float64.
        temperature: a number above 0.

    Returns:
        ``[..., d]``; float64 for float64 logits, otherwise float32. The noise distribution is not used.

    Raises:
        ValueError: the logits have no classes; the temperature is out of range.
        TypeError: a type is not supported.
    """
    array = as_floats("logits", logits)
    if array.ndim == 0 or array.shape[-1] == 0:
        raise shape_error("logits", array, "[..., d]")
    sums = wide(array.dtype)
    return _softmax(array.astype(sums), as_temperature(temperature, sums))


def _softmax(values: NDArray[Any], temperature: Any = 1.0) -> NDArray[Any]:
    # A difference that overflows gives the probability 0.
    with np.errstate(over="ignore"):
        powers: NDArray[Any] = np.exp((values - values.max(-1, keepdims=True)) / temperature)
    powers /= powers.sum(-1, keepdims=True)
    return powers
