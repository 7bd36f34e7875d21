"""The part that functions and modules share: logits of any shape, ignored rows and empty batches."""

from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple, Optional

from torch import Tensor

from softnce.torch._ignored import drop, mask, settle
from softnce.torch._shapes import empty_loss, flatten_logits, flatten_targets, flatten_values, is_flat
from softnce.torch._temperature import tau

__all__ = ["Shaping", "nothing", "shaped"]


class Shaping(NamedTuple):
    """What is done around the loss of rows."""

    #: The dimension of the classes; None: the last of two.
    dim: Optional[int]
    ignore_index: Optional[int]
    reduction: str
    contrastive: bool = True
    #: Whether the targets enter a queue.
    queued: bool = False
    #: Whether other workers wait for the targets.
    gathers: bool = False
    temperature: Any = 1.0


def shaped(
    compute: Callable[..., Tensor], logits: Tensor, targets: Any, options: Dict[str, Any], shaping: Shaping
) -> Tensor:
    """``compute(logits, targets, **options)`` of rows ``[P, d]``, whose loss gets the shape of the positions."""
    if is_flat(logits, shaping.dim) and shaping.ignore_index is None:
        return compute(logits, targets, **options)
    flat, positions, dim = flatten_logits(logits, shaping.dim)
    # Rows may have fewer logits than targets only as [N, d] and [M].
    if logits.dim() != 2 or dim == 0:
        targets = flatten_targets(targets, logits, positions, dim)
        if options.get("row_weights") is not None:
            options = {**options, "row_weights": flatten_values("row_weights", options["row_weights"], positions)}
    loss = _ignoring(compute, flat, targets, options, shaping)
    return loss.reshape(positions) if shaping.reduction == "none" else loss


def _ignoring(
    compute: Callable[..., Tensor], logits: Tensor, targets: Any, options: Dict[str, Any], shaping: Shaping
) -> Tensor:
    """The loss of rows; with reduction none, that of ignored rows is 0."""
    index, reduction = shaping.ignore_index, shaping.reduction
    if index is None:
        return _rows(compute, logits, targets, options, shaping)
    if shaping.queued or shaping.gathers:
        kept = drop(logits, targets, index, options)
        if kept is None:
            return _rows(compute, logits, targets, options, shaping)
        loss = _rows(compute, kept.logits, kept.targets, kept.options, shaping)
        return loss.new_zeros(len(logits)).masked_scatter(kept.rows, loss) if reduction == "none" else loss
    masked = mask(targets, index, len(logits), options, shaping.contrastive)
    if masked is None or not len(logits):
        return _rows(compute, logits, targets, options, shaping)
    return settle(compute(logits, masked.targets, **masked.options), masked.some, reduction)


def _rows(
    compute: Callable[..., Tensor], logits: Tensor, targets: Any, options: Dict[str, Any], shaping: Shaping
) -> Tensor:
    if logits.shape[0] or shaping.gathers:
        return compute(logits, targets, **options)
    return nothing(logits, targets, shaping.reduction, shaping.temperature)


def nothing(logits: Tensor, targets: Any, reduction: str, temperature: Any) -> Tensor:
    """The loss of no rows, a function of logits and temperature."""
    loss = empty_loss(logits, targets, reduction)
    learned = tau(temperature, logits.device)[1]
    # Other workers may wait for the gradient of the temperature: it is 0, not absent.
    return loss if learned is None else loss + 0.0 * learned.tensor.sum().to(loss)
