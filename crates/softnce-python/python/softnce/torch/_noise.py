"""The noise distribution: the distribution of the candidates over the classes."""

from __future__ import annotations

import math
from typing import Any, Optional

import torch
from torch import Tensor

from softnce._settings import number

__all__ = ["distribution"]


def distribution(probs: Any, counts: Any, smoothing: float, alpha: float) -> Optional[Tensor]:
    """The probabilities ``[d]``: given probabilities or class counts, raised to the power alpha and normalised."""
    smoothing, alpha = number("noise_smoothing", smoothing), number("alpha", alpha)
    if probs is not None and counts is not None:
        raise ValueError("noise_probs and noise_counts are both given, expected one of them")
    if counts is not None:
        given = _from_counts(counts, smoothing)
    elif probs is not None:
        given = _from_probabilities(probs)
    elif alpha != 1.0:
        raise ValueError(f"alpha is {alpha}, expected noise_probs or noise_counts to apply it to")
    else:
        return None
    if given.is_meta:
        # No values yet: they come with the state of the module, as the weights of torch.nn.CrossEntropyLoss do.
        return given
    if not math.isfinite(alpha):
        raise ValueError(f"alpha is {alpha}, expected a finite number")
    powered = torch.log_softmax(alpha * given.log(), 0).exp()
    if not bool((powered > 0).all()):
        raise ValueError(f"alpha is {alpha}, expected a power that keeps every noise probability above 0")
    return powered


def _vector(argument: str, values: Any) -> Tensor:
    # Numbers are real numbers also under torch.device("meta").
    try:
        vector = values.detach() if isinstance(values, Tensor) else torch.as_tensor(values, device="cpu")
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{argument} does not make a tensor: {error}") from None
    if vector.dim() != 1 or vector.shape[0] == 0:
        raise ValueError(f"{argument} has shape {list(vector.shape)}, expected [d], one for each class")
    if vector.is_complex() or vector.dtype == torch.bool:
        raise TypeError(f"{argument} has dtype {vector.dtype}, expected numbers")
    return vector.to("meta" if vector.is_meta else "cpu", torch.float64)


def _refuse(argument: str, values: Tensor, bad: Tensor, expected: str) -> None:
    if not bad.is_meta and bool(bad.any()):
        place = int(bad.nonzero()[0])
        raise ValueError(f"{argument}[{place}] is {float(values[place])}, expected {expected}")


def _from_counts(counts: Any, smoothing: float) -> Tensor:
    if not (math.isfinite(smoothing) and smoothing >= 0):
        raise ValueError(f"noise_smoothing is {smoothing}, expected a finite number not below 0")
    counts = _vector("noise_counts", counts)
    _refuse("noise_counts", counts, ~((counts >= 0) & counts.isfinite()), "a finite number not below 0")
    masses = counts + smoothing
    _refuse("noise_counts", counts, masses <= 0, "a number above 0 (smooth the counts of unseen classes)")
    return masses / masses.sum()


def _from_probabilities(probs: Any) -> Tensor:
    probs = _vector("noise_probs", probs)
    _refuse("noise_probs", probs, ~((probs > 0) & probs.isfinite()), "a finite number above 0")
    if probs.is_meta:
        return probs
    total = float(probs.sum())
    if abs(total - 1.0) > 1e-4:
        raise ValueError(f"noise_probs has a sum of {total}, expected 1 within 0.0001")
    return probs / total
