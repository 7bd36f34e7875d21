"""The Triton kernels as two registered operations, which ``torch.compile`` and ``torch.export`` do not trace into."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

import torch
from torch import Tensor

from softnce.torch import _differentiable, _fused, _triton
from softnce.torch._call import Call, wide
from softnce.torch._packing import SCHEMA, Packed, joined, pack, split, unpack
from softnce.torch._temperature import Learned
from softnce.torch._triton._family import Saved

__all__ = ["call"]

_ARGUMENTS = f"Tensor logits, Tensor? temperature, {SCHEMA}"
#: The number of arguments of the forward operation.
_INPUTS = 2 + len(Packed._fields)


def call(arguments: Call, logits: Tensor, temperature: Optional[Tensor], name: str) -> Tensor:
    """The loss of logits ``[N, d]`` by a family of kernels, as the registered operation."""
    if temperature is not None and temperature.device != logits.device:
        temperature = temperature.to(logits.device)
    result: Tuple[Tensor, Tensor, Tensor] = torch.ops.softnce.fused(logits, temperature, *pack(arguments, name))
    return result[0]


def _read(arguments: Tuple[Any, ...]) -> Tuple[Call, Any]:
    """The call of packed arguments, and its family."""
    packed = Packed(*arguments)
    return unpack(packed), _triton.load(packed.names.split("|")[-1])


@torch.library.custom_op("softnce::fused", mutates_args=(), schema=f"({_ARGUMENTS}) -> (Tensor, Tensor, Tensor)")
def _forward(logits: Tensor, temperature: Optional[Tensor], *arguments: Any) -> Tuple[Tensor, Tensor, Tensor]:
    call, family = _read(arguments)
    loss, saved = _fused.forward(call, logits, temperature, family)
    return loss, saved.floats, saved.integers


@_forward.register_fake
def _(logits: Tensor, temperature: Optional[Tensor], *arguments: Any) -> Tuple[Tensor, Tensor, Tensor]:
    call, family = _read(arguments)
    floats, integers = family.sizes(call, logits.shape)
    sums = wide(logits.dtype)
    return (
        logits.new_empty((logits.shape[0],) if call.reduction == "none" else (), dtype=sums),
        logits.new_empty((floats,), dtype=sums),
        logits.new_empty((integers,), dtype=torch.int32),
    )


@torch.library.custom_op(
    "softnce::fused_backward",
    mutates_args=(),
    schema=f"({_ARGUMENTS}, Tensor floats, Tensor integers, Tensor upstream, bool learn) -> (Tensor, Tensor)",
)
def _gradients(logits: Tensor, temperature: Optional[Tensor], *given: Any) -> Tuple[Tensor, Tensor]:
    *arguments, floats, integers, upstream, learn = given
    call, family = _read(tuple(arguments))
    saved = Saved(floats, integers)
    by_logits, by_temperature = family.backward(call, logits, temperature, saved, upstream, learn)
    return by_logits, by_temperature if learn else logits.new_empty(0)


@_gradients.register_fake
def _(logits: Tensor, temperature: Optional[Tensor], *arguments: Any) -> Tuple[Tensor, Tensor]:
    by_logits = torch.empty_like(logits, memory_format=torch.contiguous_format)
    if not arguments[-1] or temperature is None:
        return by_logits, logits.new_empty(0)
    return by_logits, torch.empty_like(temperature, memory_format=torch.contiguous_format)


def _setup(ctx: Any, inputs: Tuple[Any, ...], output: Tuple[Tensor, Tensor, Tensor]) -> None:
    logits, temperature, *packed = inputs
    ctx.plain, held = split(Packed(*packed))
    ctx.save_for_backward(logits, temperature, output[1], output[2], *held)


def _backward(ctx: Any, upstream: Tensor, *_: Any) -> Tuple[Any, ...]:
    logits, temperature, floats, integers, *held = ctx.saved_tensors
    packed = joined(ctx.plain, held)
    need, learn = ctx.needs_input_grad[:2]
    none: List[Any] = [None] * (_INPUTS - 3)
    if torch.is_grad_enabled():
        learned = None if temperature is None else Learned(temperature)
        found = _differentiable.gradients(unpack(packed), logits, learned, upstream, (need, learn))
        return (*found, [None] * len(packed.parts), *none)
    by_logits, by_temperature = torch.ops.softnce.fused_backward(
        logits, temperature, *packed, floats, integers, upstream, learn
    )
    return (
        by_logits if need else None,
        by_temperature if learn else None,
        [None] * len(packed.parts),
        *none,
    )


_forward.register_autograd(_backward, setup_context=_setup)
