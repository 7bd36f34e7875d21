"""The reduction of the losses of rows, for families whose kernels store a loss for each row."""

from __future__ import annotations

import torch
from torch import Tensor

from softnce.torch._call import Call
from softnce.torch._triton import flags
from softnce.torch._triton.launch import launch, sum_type
from softnce.torch._triton.reduce import reduce_rows

__all__ = ["REDUCED", "factor", "normalised", "reduce"]

#: How many numbers ``reduce`` stores for the backward pass.
REDUCED = 2


def normalised(call: Call) -> bool:
    """Whether the losses are divided by the sum of the row weights, which only the device knows."""
    return call.reduction == "mean" and call.row_weights is not None


def factor(call: Call, rows: int) -> float:
    """The factor of every row, besides its weight and the sum of the weights."""
    if call.reduction == "mean":
        return 1.0 if call.row_weights is not None else call.scale / rows
    return call.scale


def reduce(call: Call, losses: Tensor, learned: bool, saved: Tensor, place: int) -> Tensor:
    """The loss of a call from the losses ``[N]`` of the rows, each times its factor.

    Args:
        learned: whether ``saved`` begins with the derivatives of the losses by a learned temperature, ``[N]``.
        saved: what the backward pass reads; ``reduce_rows`` writes its results there at ``place``.
    """
    if call.reduction == "none":
        return losses
    weighted = normalised(call)
    if not learned and not weighted:
        return losses.sum()
    loss = torch.empty((), dtype=losses.dtype, device=losses.device)
    weights = losses if call.row_weights is None else call.row_weights.contiguous()
    launch(
        reduce_rows,
        1,
        losses.device,
        (losses, weights, saved, loss, flags.words(losses.device), losses.shape[0], place, call.scale),
        LEARN=learned,
        NORMALISED=weighted,
        CHECK=bool(call.check_values),
        WIDE=sum_type(losses),
        BLOCK=1024,
        num_warps=4,
    )
    return loss
