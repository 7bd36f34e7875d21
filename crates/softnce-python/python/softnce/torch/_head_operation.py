"""The loss of a linear head with dense gradients as two registered operations, which ``torch.compile`` does not trace
into. The backward pass computes the loss again: its gradients depend on the upstream gradient of every row."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple, cast

import torch
from torch import Tensor

from softnce.torch import _head
from softnce.torch._call import Call, wide
from softnce.torch._packing import SCHEMA, Packed, joined, pack, split, unpack

__all__ = ["call"]

_HEAD = "Tensor features, Tensor weight, Tensor? bias, Tensor? temperature"
_INPUTS = 4 + len(Packed._fields)


def call(arguments: Call, inputs: _head.Inputs) -> Tensor:
    """The loss of features ``[N, D]``: ``[]``, or ``[N]`` with reduction none."""
    loss: Tensor = torch.ops.softnce.head(*inputs[:4], *pack(arguments))
    return loss


@torch.library.custom_op("softnce::head", mutates_args=(), schema=f"({_HEAD}, {SCHEMA}) -> Tensor")
def _forward(
    features: Tensor, weight: Tensor, bias: Optional[Tensor], temperature: Optional[Tensor], *packed: Any
) -> Tensor:
    inputs = _head.Inputs(features, weight, bias, temperature)
    return _head.evaluate(unpack(Packed(*packed)), inputs, False, None)[0]


@_forward.register_fake
def _(features: Tensor, weight: Tensor, bias: Any, temperature: Any, *packed: Any) -> Tensor:
    by_row = unpack(Packed(*packed)).reduction == "none"
    return features.new_empty((features.shape[0],) if by_row else (), dtype=wide(features.dtype))


@torch.library.custom_op(
    "softnce::head_backward",
    mutates_args=(),
    schema=f"(Tensor upstream, {_HEAD}, {SCHEMA}) -> (Tensor, Tensor, Tensor, Tensor)",
)
def _gradients(
    upstream: Tensor,
    features: Tensor,
    weight: Tensor,
    bias: Optional[Tensor],
    temperature: Optional[Tensor],
    *packed: Any,
) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    arguments, inputs = unpack(Packed(*packed)), _head.Inputs(features, weight, bias, temperature)
    by_row = arguments.reduction == "none"
    found = cast(_head.Gradients, _head.evaluate(arguments, inputs, True, upstream if by_row else None)[1])
    found = found if by_row else found.scaled(upstream)
    by_weight = torch.zeros_like(weight).index_copy_(0, found.classes, found.weight.to(weight.dtype))
    by_bias = weight.new_zeros(weight.shape[0] if found.bias is not None else 0)
    if found.bias is not None:
        by_bias.index_copy_(0, found.classes, found.bias.to(weight.dtype))
    by_temperature = found.temperature.reshape(()).to(wide(features.dtype), copy=True)
    return found.features.to(features.dtype), by_weight, by_bias, by_temperature


@_gradients.register_fake
def _(
    upstream: Tensor, features: Tensor, weight: Tensor, bias: Any, temperature: Any, *packed: Any
) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    by_bias = weight.new_empty(0 if bias is None else weight.shape[0])
    by_temperature = features.new_empty((), dtype=wide(features.dtype))
    return torch.empty_like(features), torch.empty_like(weight), by_bias, by_temperature


def _setup(ctx: Any, inputs: Tuple[Any, ...], output: Tensor) -> None:
    features, weight, bias, temperature, *packed = inputs
    ctx.plain, held = split(Packed(*packed))
    ctx.save_for_backward(features, weight, bias, temperature, *held)


def _backward(ctx: Any, upstream: Tensor) -> Tuple[Any, ...]:
    features, weight, bias, temperature, *held = ctx.saved_tensors
    packed = joined(ctx.plain, held)
    found: List[Tensor] = torch.ops.softnce.head_backward(upstream, features, weight, bias, temperature, *packed)
    by_temperature = None
    if temperature is not None:
        by_temperature = found[3].to(temperature.device, temperature.dtype).reshape(temperature.shape)
    rest = [[None] * len(packed.parts), *[None] * (_INPUTS - 5)]
    return (found[0], found[1], None if bias is None else found[2], by_temperature, *rest)


_forward.register_autograd(_backward, setup_context=_setup)
