"""A learned temperature of several workers, whose gradient is the mean over them."""

from __future__ import annotations

from typing import Any, Tuple

import torch
import torch.distributed
from torch import Tensor

from softnce.torch._distributed import group_of

__all__ = ["averaged"]


def averaged(tensor: Tensor, group: str, device: torch.device) -> Tensor:
    """The same tensor. Its gradient is averaged over the workers of the group named, by way of ``device``.

    DistributedDataParallel averages the gradients of the model that it wraps. A criterion often stands beside the
    model, and each worker would learn a temperature of its own. Where the criterion is a part of the model, the mean of
    equal gradients changes nothing.
    """
    averaged_tensor: Tensor = _Averaged.apply(tensor, group, device)
    return averaged_tensor


class _Averaged(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: str, device: torch.device) -> Tensor:
        ctx.group, ctx.device = group, device
        return tensor.view_as(tensor)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Tuple[Tensor, None, None]:
        return torch.ops.softnce.mean_over_workers(upstream.to(ctx.device), ctx.group).to(upstream.device), None, None


@torch.library.custom_op("softnce::mean_over_workers", mutates_args=(), schema="(Tensor value, str group) -> Tensor")
def _mean(value: Tensor, group: str) -> Tensor:
    workers = group_of(group)
    total = value.clone(memory_format=torch.contiguous_format)
    torch.distributed.all_reduce(total, group=workers)
    return total / torch.distributed.get_world_size(workers)


def _backward(ctx: Any, upstream: Tensor) -> Tuple[Tensor, None]:
    return torch.ops.softnce.mean_over_workers(upstream, ctx.group), None


def _setup(ctx: Any, inputs: Tuple[Tensor, str], output: Tensor) -> None:
    ctx.group = inputs[1]


# For second derivatives.
_mean.register_autograd(_backward, setup_context=_setup)


@_mean.register_fake
def _(value: Tensor, group: str) -> Tensor:
    return torch.empty_like(value, memory_format=torch.contiguous_format)
