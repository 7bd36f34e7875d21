"""The losses with autograd. The forward pass computes value and gradients; the backward pass scales them."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from softnce.torch import _differentiable, _dispatch, _distributed, _fused, _fused_operation, _operation
from softnce.torch._call import Call, Needs, wide
from softnce.torch._memory import is_plain
from softnce.torch._scale import is_one, scale_logits, scale_temperature
from softnce.torch._temperature import Learned

__all__ = ["apply"]


def apply(call: Call, logits: Tensor, learned: Optional[Learned]) -> Tensor:
    """The loss of logits ``[N, d]``, with gradients for the logits and for a temperature that is a tensor.

    The loss of half-precision logits is in single precision: a sum over many rows overflows half precision.
    """
    if _differentiable.transformed():
        return _differentiable.loss(call, logits, _value(learned))
    dtype = wide(logits.dtype)
    traced = torch.compiler.is_compiling() or logits.is_meta or _get_current_dispatch_mode() is not None
    if traced or not is_plain(logits):
        # While tracing, or for tensors without memory of their own, a registered operation is called. The number of
        # targets of other workers is not known while tracing.
        name = None if call.group else _fused.choose(call, logits.device)
        if name is not None:
            return _fused_operation.call(call, logits, _value(learned), name)
        return _operation.call(call, logits, _value(learned), dtype)
    if call.group:
        call = _distributed.gather(call, *logits.shape)
    # The targets of all workers may have another form.
    name = _fused.choose(call, logits.device)
    if name is not None and (logits.shape[0] > 0 or call.workers == 1):
        return _fused.apply(call, logits, _value(learned), _fused.lately(call, logits.device, name))
    temperature, log = (None, False) if learned is None else learned
    if not torch.is_grad_enabled():
        return _dispatch.evaluate(call, logits, temperature, Needs(False, False, dtype), log).loss
    loss: Tensor = _Loss.apply(logits, temperature, log, call, dtype)
    return loss


def _value(learned: Optional[Learned]) -> Optional[Tensor]:
    return None if learned is None else learned.value()


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, temperature: Optional[Tensor], log: bool, call: Call, dtype: torch.dtype
    ) -> Tensor:
        by_logits, by_temperature = ctx.needs_input_grad[:2]
        result = _dispatch.evaluate(call, logits, temperature, Needs(by_logits, by_temperature, dtype), log)
        gradient = result.logits_gradient if by_logits else None
        # The logits serve second derivatives only.
        ctx.save_for_backward(gradient, result.temperature_gradient, temperature, logits)
        ctx.call, ctx.log = call, log
        return result.loss

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Tuple[Optional[Tensor], Optional[Tensor], None, None, None]:
        gradient, parts, temperature, logits = ctx.saved_tensors
        by_logits, by_temperature = ctx.needs_input_grad[:2]
        if torch.is_grad_enabled():
            learned = None if temperature is None else Learned(temperature, ctx.log)
            found = _differentiable.gradients(ctx.call, logits, learned, upstream, (by_logits, by_temperature))
            return *found, None, None, None
        if by_logits:
            gradient = gradient.to(logits.dtype) if is_one(upstream) else scale_logits(gradient, upstream, logits.dtype)
        if by_temperature:
            parts = scale_temperature(parts, upstream, temperature)
        return gradient if by_logits else None, parts if by_temperature else None, None, None, None
