"""Chooses how a loss becomes a part of autograd's graph."""

from __future__ import annotations

from functools import partial
from typing import Callable, Optional, Tuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from softnce.torch import _differentiable, _dispatch, _distributed, _fused, _fused_operation, _operation
from softnce.torch._call import Call, Needs, Result, Segment, tensors, wide
from softnce.torch._loss_function import LossFunction
from softnce.torch._memory import check_unchanged, is_plain, versions
from softnce.torch._temperature import Learned

__all__ = ["apply"]


def apply(
    call: Call, logits: Tensor, learned: Optional[Learned], past: Optional[Callable[[], Segment]] = None
) -> Tensor:
    """The loss of logits ``[N, d]``, with gradients for the logits and for a temperature that is a tensor.

    The loss of half-precision logits is in single precision: a sum over many rows overflows half precision. ``past``
    gives the last segment of the call as it is now, after the queue that holds it may have changed.
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
    if not torch.is_grad_enabled():
        return _evaluate(call, logits, learned, False, False).loss
    evaluate = partial(_evaluate, call, logits, learned)
    own = call if past is None else call.over(call.segments[:-1])
    again = partial(_again, own, versions(tensors(own)), past)
    temperature, log = (None, False) if learned is None else learned
    loss: Tensor = LossFunction.apply(logits, temperature, log, evaluate, again)
    return loss


def _value(learned: Optional[Learned]) -> Optional[Tensor]:
    return None if learned is None else learned.value()


def _evaluate(call: Call, logits: Tensor, learned: Optional[Learned], by_logits: bool, by_temperature: bool) -> Result:
    return _dispatch.evaluate(call, logits, learned, Needs(by_logits, by_temperature, wide(logits.dtype)))


def _again(call: Call, before: Tuple[int, ...], past: Optional[Callable[[], Segment]]) -> Call:
    check_unchanged("targets or other arguments", tensors(call), before)
    return call if past is None else call.over((*call.segments, past()))
