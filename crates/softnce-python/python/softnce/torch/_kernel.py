"""The losses computed by the kernels on the memory of CPU tensors, with the interpreter lock released."""

from __future__ import annotations

from typing import Any, Tuple

import torch
from torch import Tensor

from softnce import _native
from softnce._warnings import warn
from softnce.torch._call import Call, Needs, Result, Segment, wide
from softnce.torch._memory import column, follow_threads, view

__all__ = ["evaluate", "segment_view", "segments", "settings"]


def settings(call: Call) -> Tuple[Any, ...]:
    """The settings of the loss."""
    noise = None if call.noise is None else column(call.noise)
    return call.kind, call.temperature, noise, call.reduction, call.recognise


def segments(call: Call) -> list[Any]:
    """The candidates."""
    return [segment_view(part) for part in call.segments]


def segment_view(part: Segment) -> Tuple[Any, ...]:
    """A part of the candidates."""
    return (
        view(part.first),
        None if part.second is None else view(part.second),
        part.uniform,
        None if part.shares is None else column(part.shares),
        None if part.counts is None else column(part.counts),
    )


def places(call: Call) -> Tuple[Tuple[int, Any], Any]:
    """The positives and the row weights."""
    positives = None if call.positives is None else column(call.positives)
    return (call.offset, positives), None if call.row_weights is None else column(call.row_weights)


def evaluate(call: Call, logits: Tensor, needs: Needs) -> Result:
    """The loss of logits ``[N, d]`` and its gradients."""
    follow_threads()
    rows = logits.shape[0]
    by_row = call.reduction == "none"
    loss = torch.empty(rows if by_row else (), dtype=needs.dtype)
    gradient = temperature = None
    if needs.logits or needs.temperature:
        gradient = torch.empty_like(logits, dtype=wide(logits.dtype), memory_format=torch.contiguous_format)
    if needs.temperature:
        temperature = torch.empty(rows if by_row else 1, dtype=torch.float64)
    outputs = (
        column(loss),
        None if gradient is None else view(gradient),
        None if temperature is None else column(temperature),
    )
    positives, weights = places(call)
    messages = _native.loss(settings(call), view(logits), segments(call), positives, weights, call.scale, outputs)
    if messages:
        warn(messages)
    return Result(loss, gradient, temperature)
