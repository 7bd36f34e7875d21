"""Logits of any shape as rows, with the classes in any dimension: images ``[N, d, H, W]``, text ``[B, T, d]``."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import torch
from torch import Tensor

from softnce._settings import integer
from softnce.torch._call import wide
from softnce.torch._memory import FLOATS
from softnce.torch.targets import MixedTargets

__all__ = ["empty_loss", "flatten_logits", "flatten_targets", "flatten_values", "is_flat"]


def is_flat(logits: Tensor, dim: Optional[int]) -> bool:
    """Whether logits are rows already, ``[N, d]`` with N above 0."""
    return logits.dim() == 2 and dim in (None, 1, -1) and logits.shape[0] > 0


def flatten_logits(logits: Tensor, dim: Optional[int]) -> Tuple[Tensor, Tuple[int, ...], int]:
    """The logits as rows ``[P, d]`` of all positions, the shape of the positions, and the dimension of the classes."""
    if dim is None:
        if logits.dim() != 2:
            message = "expected [N, d], or dim, the dimension of the classes: 1 for [N, d, H, W], -1 for [B, T, d]"
            raise ValueError(f"logits has shape {list(logits.shape)}, {message}")
        dim = -1
    dim = integer("dim", dim, None)
    if not -logits.dim() <= dim < logits.dim():
        raise ValueError(f"dim is {dim}, expected a dimension of logits, which has shape {list(logits.shape)}")
    dim = dim % logits.dim()
    moved = logits.movedim(dim, -1)
    return moved.reshape(-1, moved.shape[-1]), tuple(moved.shape[:-1]), dim


def flatten_targets(targets: Any, logits: Tensor, positions: Tuple[int, ...], dim: int) -> Any:
    """The targets of all positions: class indices ``[P]``, probabilities ``[P, d]`` or compact rows in their order."""
    if not isinstance(targets, Tensor):
        return targets
    if targets.dtype in FLOATS:
        if targets.shape != logits.shape:
            raise ValueError(f"targets has shape {list(targets.shape)}, expected {list(logits.shape)}, as the logits")
        return targets.movedim(dim, -1).reshape(-1, logits.shape[dim])
    return flatten_values("targets", targets, positions)


def flatten_values(argument: str, values: Tensor, positions: Tuple[int, ...]) -> Tensor:
    """One value for each position, ``[P]``."""
    if tuple(values.shape) != positions:
        expected = f"{list(positions)}, one for each position of the logits"
        raise ValueError(f"{argument} has shape {list(values.shape)}, expected {expected}")
    return values.reshape(-1)


def empty_loss(logits: Tensor, targets: Any, reduction: str) -> Tensor:
    """The loss of no rows, as PyTorch defines it: no losses, their sum 0, their mean NaN."""
    if isinstance(targets, (Tensor, MixedTargets)) and targets.shape[0]:
        found = f"logits has shape {list(logits.shape)}"
        raise ValueError(f"{found}, expected at least one row, as targets has shape {list(targets.shape)}")
    if logits.shape[1] == 0:
        raise ValueError(f"logits has shape {list(logits.shape)}, expected at least one class")
    rows = logits.to(wide(logits.dtype)).sum(1)
    if reduction == "none":
        return rows
    return rows.sum() if reduction == "sum" else torch.nan * rows.sum()
