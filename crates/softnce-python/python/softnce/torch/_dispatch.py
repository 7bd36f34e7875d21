"""Chooses how a loss is computed: by the kernels or by tensor operations, over the targets of one or all workers."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor

from softnce.torch import _distributed, _kernel, _tensor
from softnce.torch._call import Call, Needs, Result, wide
from softnce.torch._temperature import Learned, by_logarithm

__all__ = ["evaluate"]


def evaluate(call: Call, logits: Tensor, learned: Optional[Learned], needs: Needs) -> Result:
    """The loss of logits ``[N, d]`` and its gradients, also for a temperature that is a tensor, or its logarithm."""
    if call.group:
        call = _distributed.gather(call, *logits.shape)
    if logits.shape[0] == 0 and call.workers > 1:
        return _nothing(call, logits, needs)
    by_kernel = logits.device.type == "cpu" and call.backend not in ("tensor", "triton")
    if by_kernel and learned is not None:
        call = call._replace(temperature=learned.number())
        result = _kernel.evaluate(call, logits, needs)
        return by_logarithm(result, call.temperature) if learned.log else result
    if by_kernel:
        return _kernel.evaluate(call, logits, needs)
    with torch.no_grad(), torch.autocast(logits.device.type, enabled=False):
        temperature = None if learned is None else learned.value()
        result = _tensor.evaluate(call, logits, temperature, needs)
        if learned is None or temperature is None or not learned.log:
            return result
        return by_logarithm(result, temperature.to(logits.device))


def _nothing(call: Call, logits: Tensor, needs: Needs) -> Result:
    """The result of a worker without rows: zeros."""
    by_row = call.reduction == "none"
    loss = logits.new_zeros(0 if by_row else (), dtype=needs.dtype)
    gradient = logits.new_zeros(logits.shape, dtype=wide(logits.dtype)) if needs.logits else None
    parts = logits.new_zeros(0 if by_row else 1, dtype=wide(logits.dtype)) if needs.temperature else None
    return Result(loss, gradient, parts)
