"""Chooses how a loss is computed: by the kernels or by tensor operations, over the targets of one or all workers."""

from __future__ import annotations

import math
from typing import Optional, Union

import torch
from torch import Tensor

from softnce.torch import _distributed, _kernel, _tensor
from softnce.torch._call import Call, Needs, Result, wide

__all__ = ["evaluate"]

#: From here on the exponential function overflows.
_LARGEST = 709.0


def evaluate(call: Call, logits: Tensor, temperature: Optional[Tensor], needs: Needs, log: bool = False) -> Result:
    """The loss of logits ``[N, d]`` and its gradients, also for a temperature that is a tensor, or its logarithm."""
    if call.group:
        call = _distributed.gather(call, *logits.shape)
    if logits.shape[0] == 0 and call.workers > 1:
        return _nothing(call, logits, needs)
    if logits.device.type == "cpu" and call.backend not in ("tensor", "triton"):
        if temperature is None:
            return _kernel.evaluate(call, logits, needs)
        value = temperature.item()
        call = call._replace(temperature=_exponential(value) if log else value)
        return _by_logarithm(_kernel.evaluate(call, logits, needs), call.temperature, log)
    with torch.no_grad(), torch.autocast(logits.device.type, enabled=False):
        if not log or temperature is None:
            return _tensor.evaluate(call, logits, temperature, needs)
        temperature = temperature.exp()
        return _by_logarithm(_tensor.evaluate(call, logits, temperature, needs), temperature, log)


def _exponential(logarithm: float) -> float:
    """The temperature. Infinity is refused with the other values that are no temperatures."""
    return math.exp(logarithm) if logarithm < _LARGEST else math.inf


def _by_logarithm(result: Result, temperature: Union[float, Tensor], log: bool) -> Result:
    """A result with the gradient for the logarithm of the temperature."""
    parts = result.temperature_gradient
    return result if parts is None or not log else result._replace(temperature_gradient=parts * temperature)


def _nothing(call: Call, logits: Tensor, needs: Needs) -> Result:
    """The result of a worker without rows: zeros."""
    by_row = call.reduction == "none"
    loss = logits.new_zeros(0 if by_row else (), dtype=needs.dtype)
    gradient = logits.new_zeros(logits.shape, dtype=wide(logits.dtype)) if needs.logits else None
    parts = logits.new_zeros(0 if by_row else 1, dtype=wide(logits.dtype)) if needs.temperature else None
    return Result(loss, gradient, parts)
