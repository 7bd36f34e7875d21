"""The losses as one registered operation, which ``torch.compile`` and ``torch.export`` do not trace into."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from softnce.torch import _dispatch
from softnce.torch._call import Call, Needs, Segment, wide
from softnce.torch._scale import forbid_second, scale_logits, scale_temperature

__all__ = ["ARGUMENTS", "call", "decode", "encode"]

# A schema holds only tensors and plain values: the tensors of all segments in sequence, bits for those that exist,
# and numbers.
ARGUMENTS = (
    "Tensor logits, Tensor? temperature, Tensor[] parts, int[] layout, float[] uniform, Tensor? positives, "
    "Tensor? row_weights, Tensor? noise, str names, int[] counts, float[] numbers, bool[] flags"
)
_INPUTS = 14


def encode(arguments: Call, *names: str) -> Tuple[Any, ...]:
    """A call as plain values and tensors, in the order of the schemas; ``names`` are further words to pass along."""
    parts: List[Tensor] = []
    layout: List[int] = []
    for segment in arguments.segments:
        held = (segment.second, segment.shares, segment.counts)
        layout.append(sum([1 << bit for bit, tensor in enumerate(held) if tensor is not None]))
        parts.append(segment.first)
        parts.extend([tensor for tensor in held if tensor is not None])
    return (
        parts,
        layout,
        [segment.uniform for segment in arguments.segments],
        arguments.positives,
        arguments.row_weights,
        arguments.noise,
        "|".join([arguments.kind, arguments.reduction, arguments.backend, arguments.group, *names]),
        [arguments.offset, arguments.workers],
        [arguments.temperature, arguments.scale],
        [arguments.recognise, bool(arguments.check_values), arguments.check_values == "now"],
    )


def decode(
    parts: List[Tensor],
    layout: List[int],
    uniform: List[float],
    positives: Optional[Tensor],
    row_weights: Optional[Tensor],
    noise: Optional[Tensor],
    names: str,
    counts: List[int],
    numbers: List[float],
    flags: List[bool],
) -> Call:
    """The call of encoded arguments."""
    tensors = iter(parts)
    segments = []
    for held, share in zip(layout, uniform):
        first = next(tensors)
        second, shares, times = (next(tensors) if held & (1 << bit) else None for bit in range(3))
        segments.append(Segment(first, second, share, shares, times))
    kind, reduction, backend, group = names.split("|")[:4]
    return Call(
        kind=kind,
        segments=tuple(segments),
        offset=counts[0],
        positives=positives,
        row_weights=row_weights,
        noise=noise,
        temperature=numbers[0],
        reduction=reduction,
        scale=numbers[1],
        backend=backend,
        recognise=flags[0],
        check_values="now" if flags[2] else flags[1],
        group=group,
        workers=counts[1],
    )


def call(arguments: Call, logits: Tensor, temperature: Optional[Tensor], dtype: torch.dtype) -> Tensor:
    """The loss of logits ``[N, d]`` as the registered operation."""
    by_temperature = temperature is not None and temperature.requires_grad
    wanted = [logits.requires_grad, by_temperature]
    result: Tuple[Tensor, Tensor, Tensor] = torch.ops.softnce.loss(
        logits, temperature, *encode(arguments), wanted, dtype
    )
    return result[0]


@torch.library.custom_op(
    "softnce::loss",
    mutates_args=(),
    schema=f"({ARGUMENTS}, bool[] wanted, ScalarType dtype) -> (Tensor, Tensor, Tensor)",
)
def _loss(
    logits: Tensor,
    temperature: Optional[Tensor],
    parts: List[Tensor],
    layout: List[int],
    uniform: List[float],
    positives: Optional[Tensor],
    row_weights: Optional[Tensor],
    noise: Optional[Tensor],
    names: str,
    counts: List[int],
    numbers: List[float],
    flags: List[bool],
    wanted: List[bool],
    dtype: torch.dtype,
) -> Tuple[Tensor, Tensor, Tensor]:
    arguments = decode(parts, layout, uniform, positives, row_weights, noise, names, counts, numbers, flags)
    by_logits, by_temperature = wanted
    result = _dispatch.evaluate(arguments, logits, temperature, Needs(by_logits, by_temperature, dtype))
    empty = logits.new_empty(0, dtype=wide(logits.dtype))
    gradient = result.logits_gradient if by_logits else None
    parts_of_temperature = result.temperature_gradient
    return (
        result.loss,
        empty if gradient is None else gradient,
        empty.clone() if parts_of_temperature is None else parts_of_temperature.to(empty.dtype),
    )


@_loss.register_fake
def _(*inputs: Any) -> Tuple[Tensor, Tensor, Tensor]:
    logits, names, wanted, dtype = inputs[0], inputs[8], inputs[12], inputs[13]
    rows = logits.shape[0]
    by_row = names.split("|")[1] == "none"
    sums = wide(logits.dtype)
    loss = logits.new_empty((rows,) if by_row else (), dtype=dtype)
    gradient = logits.new_empty(logits.shape if wanted[0] else (0,), dtype=sums)
    return loss, gradient, logits.new_empty(((rows if by_row else 1) if wanted[1] else 0,), dtype=sums)


def _setup(ctx: Any, inputs: Tuple[Any, ...], output: Tuple[Tensor, Tensor, Tensor]) -> None:
    logits, temperature, parts, wanted = inputs[0], inputs[1], inputs[2], inputs[12]
    ctx.dtype, ctx.by_logits, ctx.by_temperature, ctx.parts = logits.dtype, wanted[0], wanted[1], len(parts)
    ctx.save_for_backward(output[1], output[2], temperature)


def _backward(ctx: Any, upstream: Tensor, *_: Any) -> Tuple[Any, ...]:
    if not torch.compiler.is_compiling() and _get_current_dispatch_mode() is None:
        forbid_second()
    gradient, parts, temperature = ctx.saved_tensors
    by_logits = scale_logits(gradient, upstream, ctx.dtype) if ctx.by_logits else None
    by_temperature = scale_temperature(parts, upstream, temperature) if ctx.by_temperature else None
    return (by_logits, by_temperature, [None] * ctx.parts, *([None] * (_INPUTS - 3)))


_loss.register_autograd(_backward, setup_context=_setup)
