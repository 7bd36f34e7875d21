"""The losses as one registered operation, which ``torch.compile`` and ``torch.export`` do not trace into."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import torch
from torch import Tensor

from softnce.torch import _differentiable, _dispatch
from softnce.torch._call import Call, Needs, wide
from softnce.torch._packing import SCHEMA, Packed, joined, pack, split, unpack
from softnce.torch._scale import scale_logits, scale_temperature
from softnce.torch._temperature import Learned

__all__ = ["call"]

_INPUTS = 4 + len(Packed._fields)


def call(arguments: Call, logits: Tensor, temperature: Optional[Tensor], dtype: torch.dtype) -> Tensor:
    """The loss of logits ``[N, d]`` as the registered operation."""
    by_temperature = temperature is not None and temperature.requires_grad
    wanted = [logits.requires_grad, by_temperature]
    result: Tuple[Tensor, Tensor, Tensor] = torch.ops.softnce.loss(logits, temperature, *pack(arguments), wanted, dtype)
    return result[0]


@torch.library.custom_op(
    "softnce::loss",
    mutates_args=(),
    schema=(
        f"(Tensor logits, Tensor? temperature, {SCHEMA}, bool[] wanted, ScalarType dtype) -> (Tensor, Tensor, Tensor)"
    ),
)
def _loss(logits: Tensor, temperature: Optional[Tensor], *given: Any) -> Tuple[Tensor, Tensor, Tensor]:
    *packed, wanted, dtype = given
    arguments = unpack(Packed(*packed))
    by_logits, by_temperature = wanted
    learned = None if temperature is None else Learned(temperature)
    result = _dispatch.evaluate(arguments, logits, learned, Needs(by_logits, by_temperature, dtype))
    empty = logits.new_empty(0, dtype=wide(logits.dtype))
    gradient = result.logits_gradient if by_logits else None
    parts_of_temperature = result.temperature_gradient
    return (
        result.loss,
        empty if gradient is None else gradient,
        empty.clone() if parts_of_temperature is None else parts_of_temperature.to(empty.dtype),
    )


@_loss.register_fake
def _(logits: Tensor, temperature: Optional[Tensor], *given: Any) -> Tuple[Tensor, Tensor, Tensor]:
    *packed, wanted, dtype = given
    rows = logits.shape[0]
    by_row = unpack(Packed(*packed)).reduction == "none"
    sums = wide(logits.dtype)
    loss = logits.new_empty((rows,) if by_row else (), dtype=dtype)
    gradient = logits.new_empty(logits.shape if wanted[0] else (0,), dtype=sums)
    return loss, gradient, logits.new_empty(((rows if by_row else 1) if wanted[1] else 0,), dtype=sums)


def _setup(ctx: Any, inputs: Tuple[Any, ...], output: Tuple[Tensor, Tensor, Tensor]) -> None:
    logits, temperature, *packed, wanted, _ = inputs
    ctx.plain, held = split(Packed(*packed))
    ctx.dtype, ctx.by_logits, ctx.by_temperature, ctx.parts = logits.dtype, wanted[0], wanted[1], len(packed[0])
    # The compiler drops what only second derivatives need.
    ctx.save_for_backward(output[1], output[2], logits, temperature, *held)


def _backward(ctx: Any, upstream: Tensor, *_: Any) -> Tuple[Any, ...]:
    gradient, parts, logits, temperature, *held = ctx.saved_tensors
    if torch.is_grad_enabled():
        learned = None if temperature is None else Learned(temperature)
        needs = (ctx.by_logits, ctx.by_temperature)
        found = _differentiable.gradients(unpack(joined(ctx.plain, held)), logits, learned, upstream, needs)
        return (*found, [None] * ctx.parts, *([None] * (_INPUTS - 3)))
    by_logits = scale_logits(gradient, upstream, ctx.dtype) if ctx.by_logits else None
    by_temperature = scale_temperature(parts, upstream, temperature) if ctx.by_temperature else None
    return (by_logits, by_temperature, [None] * ctx.parts, *([None] * (_INPUTS - 3)))


_loss.register_autograd(_backward, setup_context=_setup)
