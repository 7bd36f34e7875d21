"""The reduction of the losses of rows, for families whose kernels store a loss for each row."""

from __future__ import annotations

import torch
from torch import Tensor

from softnce.torch._call import Call
from softnce.torch._triton import flags
from softnce.torch._triton.launch import launch, reduction_code, stride_of, sum_type
from softnce.torch._triton.reduce import reduce_rows

__all__ = ["reduce", "results"]


def results(call: Call) -> int:
    """How many numbers ``reduce`` stores for the backward pass."""
    return 0 if call.reduction == "none" else 2


def reduce(call: Call, losses: Tensor, learned: bool, saved: Tensor, parts: int, place: int) -> Tensor:
    """The loss of a call from the losses ``[N]`` of the rows; with reduction none they have their factors already.

    Args:
        learned: whether ``saved`` has, from ``parts`` on, the derivatives of the losses by a learned temperature.
        saved: what the backward pass reads; ``reduce_rows`` stores its results there at ``place``.
    """
    if call.reduction == "none":
        return losses
    loss = torch.empty((), dtype=losses.dtype, device=losses.device)
    weights, rows = call.row_weights, losses.shape[0]
    factor, code = reduction_code(call, rows)
    launch(
        reduce_rows,
        1,
        losses.device,
        (
            losses,
            losses if weights is None else weights,
            saved,
            loss,
            flags.words(losses.device),
            stride_of(weights),
            rows,
            parts,
            place,
            factor,
        ),
        ROW_WEIGHTS=weights is not None,
        REDUCTION=code,
        LEARN=learned,
        CHECK=bool(call.check_values),
        WIDE=sum_type(losses),
        num_warps=4,
    )
    return loss
