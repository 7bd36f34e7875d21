"""The loss as a function of autograd: the forward pass computes value and gradients, the backward pass scales them."""

from __future__ import annotations

from typing import Any, Callable, Optional, Tuple

import torch
from torch import Tensor

from softnce.torch import _differentiable
from softnce.torch._call import Call, Result
from softnce.torch._scale import is_one, scale_logits, scale_temperature
from softnce.torch._temperature import Learned

__all__ = ["LossFunction"]


def _always() -> bool:
    return True


#: Whether the backward pass that runs now keeps the graph for another one.
_keeps_graph = getattr(torch._C._autograd, "_get_current_graph_task_keep_graph", _always)


class LossFunction(torch.autograd.Function):
    """``apply(logits, temperature, log, evaluate, again)``.

    ``temperature`` is None, a tensor or, with ``log``, the logarithm of the temperature. ``evaluate`` computes the loss
    with the gradients for logits and temperature that its two arguments ask for. ``again`` gives the call for second
    derivatives.
    """

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        temperature: Optional[Tensor],
        log: bool,
        evaluate: Callable[[bool, bool], Result],
        again: Callable[[], Call],
    ) -> Tensor:
        by_logits, by_temperature = ctx.needs_input_grad[:2]
        result = evaluate(by_logits, by_temperature)
        ctx.again, ctx.log = again, log
        # The logits serve second derivatives only.
        if temperature is None:
            ctx.save_for_backward(logits, result.logits_gradient)
        else:
            gradient = result.logits_gradient if by_logits else None
            ctx.save_for_backward(logits, gradient, temperature, result.temperature_gradient)
        return result.loss

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Tuple[Optional[Tensor], Optional[Tensor], None, None, None]:
        logits, gradient, *of_temperature = ctx.saved_tensors
        by_logits, by_temperature = ctx.needs_input_grad[:2]
        if torch.is_grad_enabled():
            learned = Learned(of_temperature[0], ctx.log) if of_temperature else None
            needs = (by_logits, by_temperature)
            return *_differentiable.gradients(ctx.again(), logits, learned, upstream, needs), None, None, None
        kept = _keeps_graph()
        if not kept:
            # Autograd frees the saved tensors; the targets go with them.
            ctx.again = None
        if not by_logits:
            gradient = None
        elif not is_one(upstream):
            gradient = scale_logits(gradient, upstream, logits.dtype)
        elif kept or gradient.dtype is not logits.dtype:
            # A copy: the user may modify the gradient, and the next backward pass needs it as it is.
            gradient = gradient.to(logits.dtype, copy=True)
        if not by_temperature:
            return gradient, None, None, None, None
        temperature, parts = of_temperature
        return gradient, _for_temperature(temperature, parts, upstream), None, None, None


def _for_temperature(temperature: Tensor, parts: Tensor, upstream: Tensor) -> Tensor:
    if parts.numel() == 1 and is_one(upstream):
        return parts.to(temperature.dtype, copy=True).reshape(temperature.shape)
    return scale_temperature(parts, upstream, temperature)
