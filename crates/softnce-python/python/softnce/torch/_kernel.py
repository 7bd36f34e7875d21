"""The losses computed by the kernels on the memory of CPU tensors, with the interpreter lock released."""

from __future__ import annotations

from typing import Any, List, Tuple

import torch
from torch import Tensor

from softnce import _native
from softnce._warnings import warn
from softnce.torch._call import Call, Needs, Result, Segment, wide
from softnce.torch._memory import column, follow_threads, place, view

__all__ = ["evaluate", "places", "run", "segment_view", "segments", "settings"]


def settings(call: Call) -> Tuple[Any, ...]:
    """The settings of the loss."""
    noise = None if call.noise is None else column(call.noise)
    return call.kind, call.temperature, noise, call.reduction, call.recognise


def segments(call: Call) -> List[Any]:
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
    return run(settings(call), logits, segments(call), places(call), call.scale, needs)


def run(
    settings: Tuple[Any, ...], logits: Tensor, segments: List[Any], places: Tuple[Any, Any], scale: float, needs: Needs
) -> Result:
    """The same for a call whose arguments are in the form that the kernels take."""
    follow_threads()
    shape = (logits.shape[0],) if settings[3] == "none" else ()
    loss = logits.new_empty(shape, dtype=needs.dtype)
    gradient = temperature = None
    if needs.logits or needs.temperature:
        gradient = _like(logits, wide(logits.dtype))
    if needs.temperature:
        temperature = logits.new_empty(shape or 1, dtype=torch.float64)
    outputs = (
        place(loss),
        None if gradient is None else place(gradient),
        None if temperature is None else place(temperature),
    )
    messages = _native.loss(settings, view(logits), segments, *places, scale, outputs)
    if messages:
        warn(messages)
    return Result(loss, gradient, temperature)


def _like(logits: Tensor, dtype: torch.dtype) -> Tensor:
    """Memory for a gradient, row by row."""
    if logits.dtype is dtype and logits.is_contiguous():
        # Half the time of the call below.
        return torch.empty_like(logits)
    return torch.empty_like(logits, dtype=dtype, memory_format=torch.contiguous_format)
