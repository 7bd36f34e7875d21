"""Class weights and label smoothing of cross-entropy, as ``torch.nn.CrossEntropyLoss`` defines them.

With class weights w the loss of a row with the target p is ``-sum_k w_k p_k log softmax(z)_k``. This is the total
``s = sum_k w_k p_k`` times the cross-entropy of the target ``w p / s``, so weights change targets and row weights. The
mean over labels divides by the weights of the labels, also under label smoothing, and the mean over soft targets by the
number of rows.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from softnce.torch._memory import FLOATS, integers
from softnce.torch.targets import MixedTargets, normalised, simplex_tolerance, widest, written_out

__all__ = ["Weighted", "check_weight", "smooth", "weigh"]


class Weighted(NamedTuple):
    """A call whose sum over rows is to be divided by ``divisor``."""

    targets: Any
    row_weights: Tensor
    divisor: Tensor


def check_weight(weight: Any, num_classes: int, device: torch.device) -> Tensor:
    """The class weights ``[d]``."""
    if not isinstance(weight, Tensor):
        raise TypeError(f"weight is of type {type(weight).__name__}, expected a tensor")
    if list(weight.shape) != [num_classes] or weight.dtype not in FLOATS:
        found = f"shape {list(weight.shape)} and dtype {weight.dtype}"
        raise ValueError(f"weight has {found}, expected [{num_classes}] floats, one for each class")
    if weight.device != device:
        raise ValueError(f"weight is on {weight.device}, expected {device}, as the logits")
    return weight.detach().to(widest(device))


def smooth(targets: Any, smoothing: float, num_classes: int) -> Any:
    """Targets of any form with label smoothing."""
    if smoothing == 0.0:
        return targets
    if isinstance(targets, MixedTargets):
        uniform, weights = normalised(targets.uniform, targets.weights)
        uniform, weights = uniform * (1.0 - smoothing) + smoothing, weights * (1.0 - smoothing)
        return MixedTargets.compact(uniform, targets.classes, weights, targets.num_classes)
    if isinstance(targets, Tensor) and integers(targets):
        return MixedTargets.smoothed(targets, num_classes, smoothing)
    if isinstance(targets, Tensor) and targets.is_floating_point():
        wide = targets.to(torch.promote_types(targets.dtype, torch.float32))
        return wide / _rounding(wide, targets.dtype) * (1.0 - smoothing) + smoothing / num_classes
    return targets


def _rounding(rows: Tensor, dtype: torch.dtype) -> Tensor:
    """The sums ``[M, 1]`` of rows that were rounded to ``dtype``, by which they are to be divided.

    It is 1 for rows that are no distributions, so that the loss refuses them.
    """
    total = rows.sum(-1, keepdim=True)
    return torch.where((total - 1.0).abs() <= simplex_tolerance(dtype), total, torch.ones_like(total))


def weigh(targets: Any, smoothing: float, weight: Tensor, options: Dict[str, Any], num_classes: int) -> Weighted:
    """The call with class weights ``[d]``; the targets are checked to be labels, probabilities or compact rows."""
    labels = targets if isinstance(targets, Tensor) and integers(targets) else None
    smoothed = smooth(targets, smoothing, num_classes)
    given: Optional[Tensor] = options.get("row_weights")
    if labels is not None:
        # Classes out of range are left to the loss, whose error names them.
        of_label = weight[labels.long().clamp(0, num_classes - 1)]
        rows, divisors = of_label, of_label
        if smoothing:
            smoothed, rows = _weighted(smoothed, weight)
        else:
            smoothed = labels
    else:
        smoothed, rows = _weighted(smoothed, weight)
        divisors = torch.ones_like(rows)
    if given is not None:
        rows, divisors = rows * given.to(rows.dtype), divisors * given.to(rows.dtype)
    return Weighted(smoothed, rows, divisors.sum())


def _weighted(targets: Any, weight: Tensor) -> Tuple[Any, Tensor]:
    """Targets times class weights, divided by their totals, and the totals ``[N]``."""
    if isinstance(targets, MixedTargets):
        uniform, weights = normalised(targets.uniform, targets.weights)
        if isinstance(uniform, float) and uniform == 0.0:
            rows, total = _shares(weights, weight[targets.classes.long()])
            return MixedTargets.compact(0.0, targets.classes, rows, targets.num_classes), total
        return _shares(written_out(uniform, targets.classes, weights, targets.num_classes), weight)
    rows = targets.to(weight.dtype)
    return _shares(rows / _rounding(rows, targets.dtype), weight)


def _shares(rows: Tensor, weights: Tensor) -> Tuple[Tensor, Tensor]:
    """Probabilities times weights, with the sums of before, and their totals: a row that does not sum to 1 still does
    not, so that the loss refuses it."""
    parts = rows * weights
    total = parts.sum(1)
    # A row of weight 0 keeps its target: it does not count.
    return torch.where((total > 0)[:, None], parts * (rows.sum(1) / total)[:, None], rows), total
