"""The losses with autograd. The forward pass computes value and gradients; the backward pass scales them."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from softnce.torch import _dispatch, _distributed, _fused, _fused_operation, _operation
from softnce.torch._call import Call, Needs, wide
from softnce.torch._memory import is_plain
from softnce.torch._scale import forbid_second, is_one, scale_logits, scale_temperature

__all__ = ["apply"]


def apply(call: Call, logits: Tensor, temperature: Optional[Tensor]) -> Tensor:
    """The loss of logits ``[N, d]``, with gradients for the logits and for a temperature that is a tensor.

    The loss of half-precision logits is in single precision: a sum over many rows overflows half precision.
    """
    dtype = wide(logits.dtype)
    traced = torch.compiler.is_compiling() or logits.is_meta or _get_current_dispatch_mode() is not None
    if traced or not is_plain(logits):
        # While tracing, or for tensors without memory of their own, a registered operation is called. The number of
        # targets of other workers is not known while tracing.
        name = None if call.group else _fused.choose(call, logits.device)
        if name is not None:
            return _fused_operation.call(call, logits, temperature, name)
        return _operation.call(call, logits, temperature, dtype)
    if call.group and _fused.choose(call, logits.device) is not None:
        call = _distributed.gather(call, *logits.shape)
    # The targets of all workers may have another form.
    name = _fused.choose(call, logits.device)
    if name is not None and (logits.shape[0] > 0 or call.workers == 1):
        return _fused.apply(call, logits, temperature, _fused.lately(call, logits.device, name))
    if not torch.is_grad_enabled():
        return _dispatch.evaluate(call, logits, temperature, Needs(False, False, dtype)).loss
    loss: Tensor = _Loss.apply(logits, temperature, call, dtype)
    return loss


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, temperature: Optional[Tensor], call: Call, dtype: torch.dtype) -> Tensor:
        by_logits, by_temperature = ctx.needs_input_grad[:2]
        result = _dispatch.evaluate(call, logits, temperature, Needs(by_logits, by_temperature, dtype))
        ctx.dtype = logits.dtype
        gradient = result.logits_gradient if by_logits else None
        ctx.save_for_backward(gradient, result.temperature_gradient, temperature)
        return result.loss

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Tuple[Optional[Tensor], Optional[Tensor], None, None]:
        forbid_second()
        gradient, parts, temperature = ctx.saved_tensors
        by_logits = by_temperature = None
        if ctx.needs_input_grad[0]:
            by_logits = gradient.to(ctx.dtype) if is_one(upstream) else scale_logits(gradient, upstream, ctx.dtype)
        if ctx.needs_input_grad[1]:
            by_temperature = scale_temperature(parts, upstream, temperature)
        return by_logits, by_temperature, None, None
