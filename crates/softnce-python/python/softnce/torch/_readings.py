"""Recognises arguments of losses that have the same name in other libraries and mean something else."""

from __future__ import annotations

from typing import Any, Tuple

import torch
from torch import Tensor

__all__ = ["READING", "refuse_embeddings", "refuse_others"]

READING = (
    "softnce's InfoNCE classifies: it takes logits [N, d] over d classes and class labels [N], "
    "as torch.nn.CrossEntropyLoss does, not embeddings"
)


@torch.no_grad()
def refuse_embeddings(logits: Any, targets: Any) -> None:
    """Raises an error for embeddings in the place of logits, or of logits and targets; waits for the device once."""
    if not isinstance(logits, Tensor) or logits.dim() != 2 or logits.is_meta or not logits.numel():
        return
    if isinstance(targets, Tensor) and targets.dim() == 2 and targets.is_floating_point() and not targets.is_meta:
        if bool((targets < 0).any()):
            raise ValueError(f"targets has negative entries, as a second batch of embeddings has; {READING}")
    lengths = logits.float().norm(dim=1)
    # One row of length 1 may be chance.
    if len(lengths) > 1 and logits.shape[1] > 1 and bool(((lengths - 1).abs() < 1e-2).all() & (logits < 0).any()):
        raise ValueError(f"logits has rows of length 1, as normalised embeddings have; {READING}")


def refuse_others(others: Tuple[Any, ...]) -> None:
    """Raises an error for positional arguments after logits and targets."""
    found = ", ".join(type(other).__name__ for other in others)
    raise TypeError(
        f"{found} after logits and targets, expected two positional arguments; settings go by name. "
        "The miners and CrossBatchMemory of pytorch-metric-learning pass pairs and past embeddings, which no loss "
        "of softnce takes: it needs no miner, and softnce.torch.TargetQueue, given as queue to a contrastive loss, "
        "keeps past targets instead"
    )
