"""Rows that do not count: those with the label ``ignore_index``."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from softnce._settings import integer
from softnce.torch._memory import integers, signed
from softnce.torch.targets import MixedTargets, widest

__all__ = ["Kept", "Masked", "drop", "guarded", "mask", "settle"]


class Masked(NamedTuple):
    """A call whose ignored rows count 0."""

    targets: Any
    options: Dict[str, Any]
    #: Whether any row counts, ``[]``.
    some: Tensor


class Kept(NamedTuple):
    """A call without its ignored rows."""

    #: Which rows are left, ``[N]``.
    rows: Tensor
    logits: Tensor
    targets: Tensor
    options: Dict[str, Any]


def _valid(targets: Any, ignore_index: Any, options: Dict[str, Any]) -> Optional[Tensor]:
    """Which targets are not ignored, ``[M]``; None if they are no labels: then none is ignored."""
    index = integer("ignore_index", ignore_index, None)
    if not isinstance(targets, Tensor) or not integers(targets) or targets.dim() != 1:
        return None
    if options.get("positives") is not None:
        raise ValueError("positives is given with ignore_index, expected one of them")
    # In 64 bits: uint8 labels of class 156 would equal -100.
    return targets.long() != index


def mask(targets: Any, ignore_index: Any, rows: int, options: Dict[str, Any], contrastive: bool) -> Optional[Masked]:
    """The call with weights and multiplicities of 0 for ignored rows; needs no wait for the device."""
    valid = _valid(targets, ignore_index, options)
    if valid is None:
        return None
    # Any class serves as the label of a row that does not count.
    targets = signed(targets)
    labels = torch.where(valid, targets, torch.zeros_like(targets))
    own, weights = valid[:rows], options.get("row_weights")
    counted = own.to(widest(targets.device)) if weights is None else weights.to(widest(weights.device)) * own
    some, counted = guarded(counted)
    options = {**options, "row_weights": counted}
    if contrastive:
        times = valid.to(counted.dtype)
        given = options.get("multiplicities")
        if given is not None:
            times = given.to(counted.dtype) * torch.cat((times, times.new_ones(len(given) - len(times))))
        else:
            times = torch.cat((times, times.new_ones(_count(options.get("candidates")))))
        options["multiplicities"] = guarded(times)[1]
    return Masked(labels, options, some)


def drop(logits: Tensor, targets: Any, ignore_index: Any, options: Dict[str, Any]) -> Optional[Kept]:
    """The call without the ignored rows; waits for the device.

    Queues and other workers must not get the targets of ignored rows.
    """
    valid = _valid(targets, ignore_index, options)
    if valid is None:
        return None
    own, options = valid[: logits.shape[0]], dict(options)
    if options.get("row_weights") is not None:
        options["row_weights"] = options["row_weights"][own]
    times = options.get("multiplicities")
    if times is not None:
        rest = valid.new_ones(len(times) - len(valid))
        options["multiplicities"] = times[torch.cat((valid, rest))]
    return Kept(own, logits[own], signed(targets)[valid], options)


def guarded(weights: Tensor) -> Tuple[Tensor, Tensor]:
    """Whether any weight is above 0, and the weights, all 1 if none is: the losses refuse weights that are all 0."""
    some = (weights > 0).any()
    return some, torch.where(some, weights, torch.ones_like(weights))


def settle(loss: Tensor, some: Tensor, reduction: str) -> Tensor:
    """The loss, or what PyTorch defines where no row counts: a mean of NaN, otherwise 0. Gradients are then 0."""
    return torch.where(some, loss, torch.full_like(loss, torch.nan if reduction == "mean" else 0.0))


def _count(candidates: Any) -> int:
    if candidates is None:
        return 0
    parts = [candidates] if isinstance(candidates, (Tensor, MixedTargets)) else candidates
    return sum([len(part) for part in parts])
